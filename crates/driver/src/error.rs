//! The one error of this crate: what was being done, on which server, what came of it, and what to do.

use bolt::ServerFailure;

/// Why a driver could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What sort of failure it is.
    pub kind: Kind,
    /// One or two sentences for the reader.
    pub message: String,
    /// The server this happened on: its place in the configuration and its address.
    pub server: Option<ServerRef>,
    /// The work may have been committed: its answer was lost. It must not be sent again without a look.
    pub unknown_outcome: bool,
    /// What the server answered, for [`Kind::Server`].
    pub failure: Option<Box<ServerFailure>>,
    /// The errors of earlier attempts of the same work, oldest first.
    pub earlier: Vec<String>,
}

/// A server in an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRef {
    /// Its place in the configuration.
    pub index: usize,
    /// `host:port`.
    pub address: String,
}

/// The sorts of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The server answered FAILURE.
    Server,
    /// No connection could be had, or it was lost.
    Connection,
    /// No connection became free in time, or the driver was closed.
    Pool,
    /// The other end broke the Bolt protocol.
    Protocol,
    /// The caller asked for what cannot be done.
    Client,
}

impl Error {
    /// An error without a server.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error {
            kind,
            message: message.into(),
            server: None,
            unknown_outcome: false,
            failure: None,
            earlier: Vec::new(),
        }
    }

    /// What the server answered.
    pub(crate) fn from_failure(failure: ServerFailure) -> Self {
        let mut error = Error::new(Kind::Server, failure.message.clone());
        error.failure = Some(Box::new(failure));
        error
    }

    /// Says which server it was.
    pub(crate) fn on(mut self, server: ServerRef) -> Self {
        self.server.get_or_insert(server);
        self
    }

    /// Marks the outcome as unknown and says so.
    pub(crate) fn with_unknown_outcome(mut self) -> Self {
        if !self.unknown_outcome {
            self.unknown_outcome = true;
            self.message.push_str(
                " The outcome is unknown: the work may or may not have been committed. Look before sending it again.",
            );
        }
        self
    }

    /// The code as users of Neo4j drivers know it.
    pub fn code(&self) -> &str {
        match (&self.failure, self.kind) {
            (Some(failure), _) => &failure.code,
            (None, Kind::Connection) => "ServiceUnavailable",
            (None, Kind::Protocol) => "ProtocolError",
            (None, _) => "N/A",
        }
    }

    /// Whether the application may try the same work again. For an unknown outcome this is true in the sense
    /// of `neo4j-driver`, and [`Error::unknown_outcome`] warns.
    pub fn retryable(&self) -> bool {
        match (&self.failure, self.kind) {
            (Some(failure), _) => {
                is_transient(&failure.code) || is_not_writable(&failure.code) || is_role_change(failure)
            }
            (None, Kind::Connection) => true,
            _ => false,
        }
    }

    /// Whether the same work, on another server or a little later, may succeed.
    pub(crate) fn curable(&self) -> bool {
        self.retryable() && !self.unknown_outcome
    }

    /// What a slave answers when the master went away while it passed a write on: the write may be done.
    pub(crate) fn master_went_away(&self) -> bool {
        self.server_unfit() || self.code() == "Neo.TransientError.Transaction.InstanceStateChanged"
    }

    /// Whether the server this came from is not what it was taken for, or gone.
    pub(crate) fn server_unfit(&self) -> bool {
        match (&self.failure, self.kind) {
            (Some(failure), _) => {
                is_not_writable(&failure.code)
                    || is_role_change(failure)
                    || failure.code.ends_with(".DatabaseUnavailable")
            }
            (None, Kind::Connection) => true,
            _ => false,
        }
    }
}

/// Codes after which the official drivers try again.
fn is_transient(code: &str) -> bool {
    code.starts_with("Neo.TransientError.") || code == "Neo.ClientError.Security.AuthorizationExpired"
}

/// The server is no longer a writer.
fn is_not_writable(code: &str) -> bool {
    matches!(
        code,
        "Neo.ClientError.Cluster.NotALeader" | "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase"
    )
}

/// What HA members of 3.x answer during an election and right after a start. They have no code of their own:
/// all come as `General.UnknownError`, so only the text tells (seen on 3.4.10 and 3.5.0).
pub(crate) fn is_role_change(failure: &ServerFailure) -> bool {
    const TEXTS: [&str; 6] = [
        "There is no master currently available",
        "Failed to start a new lock session on master",
        "store is closed",
        "is closed",
        "This database is shutdown",
        "database is not currently available",
    ];
    let general = matches!(
        failure.code.as_str(),
        "Neo.DatabaseError.General.UnknownError"
            | "Neo.DatabaseError.Statement.ExecutionFailed"
            | "Neo.DatabaseError.Transaction.TransactionStartFailed"
            | "Neo.DatabaseError.General.UnknownFailure"
    );
    general && TEXTS.iter().any(|text| failure.message.contains(text))
}
