//! The states of a connection, and how requests and replies move it from one to the next.

use crate::message::Request;
use crate::version::{Features, HelloForm, PullForm};

/// Where a connection stands, as far as the server's replies tell.
///
/// ```text
///                 HELLO (5.1+)                 LOGON
///   Connected ---------------> Authentication -------> Ready
///       |                            ^                 | ^ |
///       |  INIT, HELLO (< 5.1)       |     LOGOFF      | | |
///       +----------------------------|---------------> | | |  ROUTE, TELEMETRY: stay in Ready
///                                    +-----------------+ | |
///                                                        | |
///            RUN             PULL, DISCARD: last record  | |
///   Ready --------> Streaming ---------------------------+ |
///                                                          |
///            BEGIN           RUN                PULL, DISCARD: last record of the last result
///   Ready --------> TxReady -----> TxStreaming ----------------------------> TxReady
///                     |             |     ^
///                     |             +-RUN-+ (4.0+: several results at once)
///                     +---- COMMIT, ROLLBACK ----> Ready
///
///   any of these -- FAILURE --> Failed            (what else was sent is IGNORED)
///   any of these -- RESET sent --> Interrupted -- SUCCESS --> Ready
///   Failed -- ACK_FAILURE (1, 2) --> Ready, or TxReady in a transaction
///   INIT, HELLO, LOGON, RESET, ACK_FAILURE that fail, GOODBYE, broken protocol --> Defunct
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// A version is agreed on; nobody has said hello.
    Connected,
    /// The client has said hello, the user has not logged on (Bolt 5.1).
    Authentication,
    /// Nothing is going on.
    Ready,
    /// A result waits to be pulled.
    Streaming,
    /// A transaction is open.
    TxReady,
    /// A transaction is open, and a result of it waits to be pulled.
    TxStreaming,
    /// A request failed; the server ignores all but RESET (and ACK_FAILURE).
    Failed,
    /// RESET was sent and is not yet answered.
    Interrupted,
    /// The connection is of no more use.
    Defunct,
}

/// A request as far as it moves the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) request: Request,
    /// A PULL or DISCARD of all that there is.
    pub(crate) all: bool,
}

impl From<Request> for Step {
    fn from(request: Request) -> Self {
        Self { request, all: false }
    }
}

/// The state with what it takes to know the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) state: State,
    /// A transaction is open (and stays so in `Failed`).
    tx: bool,
    /// Results that are not read to their end.
    results: u32,
}

impl Position {
    pub(crate) const START: Self = Self { state: State::Connected, tx: false, results: 0 };
    pub(crate) const READY: Self = Self { state: State::Ready, tx: false, results: 0 };

    pub(crate) fn to(self, state: State) -> Self {
        Self { state, ..self }
    }

    /// Where a request leads if it succeeds; `None` if it is not possible here. `more` says of a PULL or DISCARD
    /// whether records are left.
    pub(crate) fn after(self, request: Request, more: bool, features: &Features) -> Option<Self> {
        use State::*;
        let next = match (request, self.state) {
            (Request::Hello, Connected) => match features.hello {
                HelloForm::HelloThenLogon => self.to(Authentication),
                _ => Self::READY,
            },
            (Request::Logon, Authentication) => Self::READY,
            (Request::Logoff, Ready) => self.to(Authentication),
            (Request::Route | Request::Telemetry, Ready) => self,
            (Request::Run, Ready) => Self { state: Streaming, results: 1, tx: false },
            (Request::Run, TxReady) => Self { state: TxStreaming, results: 1, tx: true },
            (Request::Run, TxStreaming) if features.pull == PullForm::Some => {
                Self { results: self.results.saturating_add(1), ..self }
            }
            (Request::Pull | Request::Discard, Streaming | TxStreaming) if more => self,
            (Request::Pull | Request::Discard, Streaming) => Self::READY,
            (Request::Pull | Request::Discard, TxStreaming) => match self.results {
                0 | 1 => Self { state: TxReady, results: 0, tx: true },
                results => Self { results: results - 1, ..self },
            },
            (Request::Begin, Ready) => Self { state: TxReady, results: 0, tx: true },
            (Request::Commit | Request::Rollback, TxReady) => Self::READY,
            (Request::Reset, Connected | Authentication | Defunct) => return None,
            (Request::Reset, _) => Self::READY,
            (Request::AckFailure, Failed) if self.tx => Self { state: TxReady, results: 0, tx: true },
            (Request::AckFailure, Failed) => Self::READY,
            _ => return None,
        };
        Some(next)
    }

    /// Where a request leads if it fails.
    pub(crate) fn after_failure(self, request: Request) -> Self {
        match request {
            _ if self.state == State::Defunct => self,
            Request::Hello | Request::Logon | Request::Reset | Request::AckFailure => self.to(State::Defunct),
            _ => self.to(State::Failed),
        }
    }
}
