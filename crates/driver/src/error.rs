//! The one error of this crate: what was being done, on which server, what came of it, and what to do.

use bolt::{ServerFailure, Value};

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
    /// The error of the application's own that this one stands for: see [`crate::NoAnswer`].
    pub thrown: Option<u32>,
}

/// A server in an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerRef {
    /// Its place in the configuration.
    pub index: usize,
    /// `host:port`.
    pub address: String,
    /// The [`crate::AuthConfig::serial`] of the token that the connection was logged in with.
    pub token: Option<u32>,
}

/// The sorts of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The server answered FAILURE.
    Server,
    /// No connection could be had, or it was lost.
    Connection,
    /// The cluster has no server for the work at this moment, or the one that did it is one no more: another attempt
    /// finds another.
    Expired,
    /// No server of the cluster said which members it has.
    Discovery,
    /// The server does not route: it is no member of a cluster.
    NotRouting,
    /// No connection became free in time.
    Pool,
    /// The driver was closed.
    Closed,
    /// The other end broke the Bolt protocol.
    Protocol,
    /// The caller asked for what cannot be done.
    Client,
    /// The caller ended it.
    Aborted,
    /// This driver failed inside.
    Internal,
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
            thrown: None,
        }
    }

    /// What the server answered.
    pub(crate) fn from_failure(failure: ServerFailure) -> Self {
        let mut error = Error::new(Kind::Server, failure.message.clone());
        error.failure = Some(Box::new(failure));
        error
    }

    pub(crate) fn driver_closed() -> Self {
        Error::new(Kind::Closed, "The driver is closed.")
    }

    pub(crate) fn aborted() -> Self {
        Error::new(Kind::Aborted, "The work was aborted.")
    }

    /// A panic of this driver's own.
    pub fn internal() -> Self {
        Error::new(
            Kind::Internal,
            "The driver failed inside, and ended this work. This is a bug: please report it.",
        )
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
            if !self.message.ends_with(['.', '!', '?']) {
                self.message.push('.');
            }
            self.message.push_str(
                " The outcome is unknown: the work may or may not have been committed. Look before sending it again.",
            );
        }
        self
    }

    pub(crate) fn with_unknown_outcome_if(self, is_unknown: bool) -> Self {
        if is_unknown {
            self.with_unknown_outcome()
        } else {
            self
        }
    }

    /// The code as users of Neo4j drivers know it.
    pub fn code(&self) -> &str {
        match (&self.failure, self.kind) {
            (Some(failure), _) => &failure.code,
            (None, Kind::Connection | Kind::Discovery | Kind::NotRouting) => "ServiceUnavailable",
            (None, Kind::Expired) => "SessionExpired",
            (None, Kind::Protocol) => "ProtocolError",
            (None, _) => "N/A",
        }
    }

    /// Whether the same work, on another server or a little later, may succeed and does nothing twice.
    pub fn retryable(&self) -> bool {
        !self.unknown_outcome && self.may_pass()
    }

    /// Whether what went wrong is of a kind that passes by itself.
    fn may_pass(&self) -> bool {
        match (&self.failure, self.kind) {
            (Some(failure), _) => {
                is_transient(&failure.code)
                    || is_not_writable(&failure.code)
                    || is_role_change(failure)
                    || is_lost_with_the_master(failure)
            }
            (None, kind) => matches!(kind, Kind::Connection | Kind::Expired | Kind::Discovery),
        }
    }

    /// Whether the server says that nothing was done, and that the query can be sent again as it is.
    pub(crate) fn is_idempotent(&self) -> bool {
        let record = self.failure.as_deref().and_then(|f| f.diagnostic_record.as_ref());
        record.and_then(|r| r.get("_idempotent")).and_then(Value::as_boolean).unwrap_or(false)
    }

    /// Whether this is what a slave answers when the master went away after it had passed the work on.
    pub(crate) fn master_went_away(&self) -> bool {
        self.failure.as_deref().is_some_and(is_lost_with_the_master)
    }

    /// Whether this is what a member answers whose role changes while it does the work.
    pub(crate) fn is_instance_state_changed(&self) -> bool {
        self.code() == "Neo.TransientError.Transaction.InstanceStateChanged"
    }

    /// Whether the server says that it failed to commit: it may have written the transaction to its log before that, and finds it there
    /// when it starts again.
    pub(crate) fn is_commit_failed(&self) -> bool {
        self.code() == "Neo.DatabaseError.Transaction.TransactionCommitFailed"
    }

    /// Whether a member of a causal cluster did not learn if others took what it had sent them. Where no leader was known, it had sent
    /// nothing (3.5).
    pub(crate) fn may_be_replicated(&self) -> bool {
        self.code() == "Neo.TransientError.Cluster.ReplicationFailure"
            && !self.message.contains("no leader was available")
    }

    /// Whether the server certainly refused the query before it did anything of it.
    pub(crate) fn is_before_execution(&self) -> bool {
        const CODES: [&str; 6] = [
            "Neo.ClientError.Statement.SyntaxError",
            "Neo.ClientError.Statement.ParameterMissing",
            "Neo.ClientError.Statement.AccessMode",
            "Neo.ClientError.Database.DatabaseNotFound",
            "Neo.ClientError.Transaction.TransactionStartFailed",
            // What commits in batches is refused so in an explicit transaction.
            "Neo.DatabaseError.Transaction.TransactionStartFailed",
        ];
        let code = self.code();
        CODES.contains(&code) || is_security(code) || code.starts_with("Neo.ClientError.Request.")
    }

    /// Whether the server refused a write because it is no writer.
    pub(crate) fn is_not_writable(&self) -> bool {
        self.failure.as_deref().is_some_and(|failure| is_not_writable(&failure.code))
    }

    /// Whether it is the server that failed, not the work: another one may do it at once, or this one when it is fit again.
    pub fn is_of_server(&self) -> bool {
        self.server_unfit() || self.kind == Kind::Expired
    }

    /// Whether the server this came from is not what it was taken for, or gone.
    pub(crate) fn server_unfit(&self) -> bool {
        match (&self.failure, self.kind) {
            (Some(failure), _) => {
                is_not_writable(&failure.code)
                    || is_role_change(failure)
                    || is_lost_with_the_master(failure)
                    || failure.code.ends_with(".DatabaseUnavailable")
                    || self.is_instance_state_changed()
            }
            (None, Kind::Connection) => true,
            _ => false,
        }
    }
}

/// The server does not let the user do it, or not any more.
pub(crate) fn is_security(code: &str) -> bool {
    code.starts_with("Neo.ClientError.Security.")
}

/// What the server let the user do may have changed: everybody has to log in again.
pub(crate) fn is_authorization_expired(code: &str) -> bool {
    code == "Neo.ClientError.Security.AuthorizationExpired"
}

/// Codes after which the official drivers try again.
fn is_transient(code: &str) -> bool {
    code.starts_with("Neo.TransientError.") || is_authorization_expired(code)
}

/// The server is no longer a writer.
fn is_not_writable(code: &str) -> bool {
    matches!(
        code,
        "Neo.ClientError.Cluster.NotALeader" | "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase"
    )
}

// What HA members of 3.x answer during an election and right after a start has no code of its own: most come as
// `General.UnknownError`, so only the text tells. All of these were seen on 3.4.10 and 3.5.0.

/// The work was not done: the slave that was asked to pass it on could not even begin to, or the store is not open.
fn is_role_change(failure: &ServerFailure) -> bool {
    const OF_HA: [&str; 5] = [
        "There is no master currently available",
        "Failed to start a new lock session on master",
        "Cannot allocate new entity ids from the cluster master",
        "Cannot get shared lock(s) on master",
        "Cannot get exclusive lock(s) on master",
    ];
    const IN_GENERAL: [&str; 5] = [
        "is closed",
        "Closed id file",
        "This database is shutdown",
        "database is not currently available",
        // A label, type or key that is new: the master, which makes these for all, has gone.
        "Could not create token",
    ];
    let general = matches!(
        failure.code.as_str(),
        "Neo.DatabaseError.General.UnknownError"
            | "Neo.DatabaseError.Statement.ExecutionFailed"
            | "Neo.DatabaseError.Transaction.TransactionStartFailed"
            | "Neo.DatabaseError.General.UnknownFailure"
    );
    let says = |text: &&str| failure.message.contains(*text);
    OF_HA.iter().any(says) || general && IN_GENERAL.iter().any(says)
}

/// The slave had passed the work on when the master went away: the master may have done it.
fn is_lost_with_the_master(failure: &ServerFailure) -> bool {
    const TEXTS: [&str; 2] =
        ["Failed to end the lock session on the master", "Cannot commit this transaction on the master"];
    TEXTS.iter().any(|text| failure.message.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: &str, message: &str) -> Error {
        Error::from_failure(ServerFailure {
            code: code.into(),
            message: message.into(),
            gql_status: None,
            description: None,
            diagnostic_record: None,
            cause: None,
        })
    }

    #[test]
    fn what_ha_members_answer_during_an_election() {
        const UNKNOWN: &str = "Neo.DatabaseError.General.UnknownError";
        const CONCURRENT: &str = "Neo.ClientError.Transaction.TransactionAccessedConcurrently";
        // code, message, whether it may be tried again, whether the master may have done it
        let table = [
            (
                UNKNOWN,
                "Instance state is not valid. There is no master currently available. Possible causes",
                true,
                false,
            ),
            (CONCURRENT, "Failed to start a new lock session on master", true, false),
            (
                UNKNOWN,
                "Cannot allocate new entity ids from the cluster master. The master instance is either",
                true,
                false,
            ),
            (UNKNOWN, "Cannot get shared lock(s) on master. The master is either down", true, false),
            (UNKNOWN, "Failed to end the lock session on the master (which implies rollback)", true, true),
            (UNKNOWN, "Cannot commit this transaction on the master. The master is either down", true, true),
            (UNKNOWN, "store is closed", true, false),
            (UNKNOWN, "Closed id file /data/graph.db/neostore.nodestore.db.id", true, false),
            (UNKNOWN, "Could not create token.", true, false),
            ("Neo.ClientError.Schema.TokenNameError", "Could not create token.", false, false),
            (UNKNOWN, "something else", false, false),
            ("Neo.ClientError.Statement.SyntaxError", "the file is closed", false, false),
        ];
        for (code, message, retryable, lost) in table {
            let error = answer(code, message);
            assert_eq!((error.retryable(), error.master_went_away()), (retryable, lost), "{message}");
        }
    }
}
