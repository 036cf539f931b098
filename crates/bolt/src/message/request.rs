//! What a client can ask for.

use crate::packstream::DecodeError;
use crate::{Parameters, State, Version};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use thiserror::Error;

/// The kind of a request, as named in the [`Event`](crate::Event) that answers it.
///
/// Kinds, not messages: in Bolt 1 [`Request::Hello`] is an INIT, [`Request::Begin`] a RUN and a PULL_ALL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // each is the method of Connection of that name
pub enum Request {
    Hello,
    Logon,
    Logoff,
    Run,
    Pull,
    Discard,
    Begin,
    Commit,
    Rollback,
    Reset,
    AckFailure,
    Route,
    Telemetry,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hello => "HELLO",
            Self::Logon => "LOGON",
            Self::Logoff => "LOGOFF",
            Self::Run => "RUN",
            Self::Pull => "PULL",
            Self::Discard => "DISCARD",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Reset => "RESET",
            Self::AckFailure => "ACK_FAILURE",
            Self::Route => "ROUTE",
            Self::Telemetry => "TELEMETRY",
        })
    }
}

/// Why a request was not written. The connection is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The connection will not be in a state that takes the request.
    #[error("{request} is not possible in state {state:?}")]
    State {
        /// The request.
        request: Request,
        /// The state that the requests before this one lead to.
        state: State,
    },
    /// The version of the connection cannot carry it.
    #[error("{type_name} cannot be sent over Bolt {version}: it takes a newer Neo4j")]
    Unsupported {
        /// What it cannot carry.
        type_name: &'static str,
        /// The version of the connection.
        version: Version,
    },
    /// Parameters or transaction metadata are not one packed map.
    #[error("parameters are malformed: {0}")]
    Malformed(#[source] DecodeError),
    /// Something of the credentials cannot be sent.
    #[error("auth: {0}")]
    Auth(#[source] Box<RequestError>),
}

/// Text that is wiped from memory when it is dropped, and that `Debug` does not show.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Keeps a text secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text. For the moment of its use only.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

/// Who the user is.
#[derive(Clone, PartialEq, Default)]
pub struct Auth {
    /// `basic`, `bearer`, `kerberos`, `none`, or one of the server's own.
    pub scheme: String,
    /// The user's name.
    pub principal: Option<String>,
    /// The password or token.
    pub credentials: Option<Secret>,
    /// Who vouches for the user.
    pub realm: Option<String>,
    /// What else is to be said, of any type: one packed map of entries that stand beside those above, with date-times as
    /// in [`Parameters`].
    pub others: Option<Zeroizing<Vec<u8>>>,
}

impl Auth {
    /// Nobody in particular.
    pub fn none() -> Self {
        Self { scheme: "none".to_owned(), ..Self::default() }
    }

    /// A user with a password.
    pub fn basic(principal: impl Into<String>, credentials: impl Into<Secret>) -> Self {
        Self {
            scheme: "basic".to_owned(),
            principal: Some(principal.into()),
            credentials: Some(credentials.into()),
            ..Self::default()
        }
    }
}

/// Shows no more than the scheme and the name: the others may be secret as well.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth")
            .field("scheme", &self.scheme)
            .field("principal", &self.principal)
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}

/// Which notifications a server shall send (Bolt 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotificationFilter {
    /// The least severe that shall come: `INFORMATION`, `WARNING` or `OFF`.
    pub minimum_severity: Option<String>,
    /// Categories (from Bolt 5.6 on called classifications) that shall not come.
    pub disabled: Option<Vec<String>>,
}

impl NotificationFilter {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.minimum_severity.is_none() && self.disabled.is_none()
    }
}

/// How a client introduces itself.
#[derive(Debug, Clone, Copy)]
pub struct Hello<'a> {
    /// `name/version` of the program.
    pub user_agent: &'a str,
    /// `product`, `platform`, `language`, `language_details` of the driver (sent from Bolt 5.3 on).
    pub bolt_agent: &'a [(&'a str, &'a str)],
    /// Who the user is.
    pub auth: &'a Auth,
    /// The routing context, where the server shall route (sent from Bolt 4.1 on).
    pub routing: Option<&'a [(String, String)]>,
    /// Which notifications the server shall send (refused before Bolt 5.2).
    pub notification_filter: Option<&'a NotificationFilter>,
}

/// A query.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Its text.
    pub query: &'a str,
    /// Its parameters.
    pub parameters: &'a Parameters,
    /// Settings of its transaction; `None` inside of one that is open.
    pub tx: Option<&'a TxMeta<'a>>,
}

/// Settings of a transaction.
#[derive(Debug, Clone, Copy, Default)]
pub struct TxMeta<'a> {
    /// Bookmarks to wait for. Bolt 1 and 2 carry them in BEGIN alone; elsewhere they are left out.
    pub bookmarks: &'a [String],
    /// Milliseconds after which the server ends the transaction. Bolt 3.
    pub timeout_ms: Option<i64>,
    /// One packed map, with date-times as in [`Parameters`]. Bolt 3.
    pub metadata: Option<&'a [u8]>,
    /// For reading alone. Left out in Bolt 1 and 2.
    pub read: bool,
    /// The database. Bolt 4.0.
    pub database: Option<&'a str>,
    /// The user to impersonate. Bolt 4.4.
    pub impersonated_user: Option<&'a str>,
    /// Which notifications the server shall send. Bolt 5.2.
    pub notification_filter: Option<&'a NotificationFilter>,
}

/// A request for a routing table (Bolt 4.3).
#[derive(Debug, Clone, Copy, Default)]
pub struct Route<'a> {
    /// The routing context.
    pub context: &'a [(String, String)],
    /// Bookmarks to wait for.
    pub bookmarks: &'a [String],
    /// The database; `None` is the user's home database.
    pub database: Option<&'a str>,
    /// The user to impersonate. Bolt 4.4.
    pub impersonated_user: Option<&'a str>,
}
