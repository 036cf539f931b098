//! How work ends: how far it got, and how whoever waits for it is told.

use crate::error::Error;

/// How far a piece of work got before its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// Nothing left this process.
    Unsent,
    /// It was sent, in part at least.
    Sent,
    /// The server refused the query itself.
    Refused,
    /// The server took it up.
    Executing,
}

type Settle = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Whoever waits for a command. Is told once, even if the command is lost on the way.
pub struct Done {
    settle: Option<Settle>,
    /// What the command does may be done although its answer is lost.
    in_doubt: bool,
}

impl Done {
    /// Calls `settle` with the outcome.
    pub fn new(settle: impl FnOnce(Result<(), Error>) + Send + 'static) -> Self {
        Done { settle: Some(Box::new(settle)), in_doubt: false }
    }

    pub(super) fn nobody() -> Self {
        Done { settle: None, in_doubt: false }
    }

    /// From now on the work is under way, and cannot be taken back.
    pub(super) fn begun(mut self) -> Self {
        self.in_doubt = true;
        self
    }

    pub(super) fn settle(mut self, result: Result<(), Error>) {
        if let Some(settle) = self.settle.take() {
            settle(result);
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(settle) = self.settle.take() {
            settle(Err(Error::internal().with_unknown_outcome_if(self.in_doubt)));
        }
    }
}
