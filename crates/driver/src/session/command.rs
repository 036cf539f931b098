//! What a session can be asked to do, and how the asker is told.

use std::sync::Arc;

use crate::config::TxConfig;
use crate::error::{Error, Kind};
use crate::session::result::{Flow, Sink};

/// One query.
pub struct Run {
    /// Cypher, passed on unread.
    pub query: String,
    /// Its parameters, encoded.
    pub parameters: bolt::Parameters,
    /// Options of an auto-commit query; of no effect in a transaction but for the fetch size.
    pub config: TxConfig,
    /// Transaction metadata as a PackStream map.
    pub metadata: Option<Vec<u8>>,
    /// Where the result goes.
    pub sink: Arc<dyn Sink>,
    /// How fast it goes there.
    pub flow: Arc<Flow>,
}

pub(super) enum Command {
    Run(Run),
    Begin { config: TxConfig, metadata: Option<Vec<u8>>, done: Done },
    Commit(Done),
    Rollback(Done),
    Close(Done),
}

impl Command {
    /// Answers without doing it.
    pub(super) fn refuse(self, error: Error) {
        match self {
            Command::Run(run) => {
                run.sink.failure(error);
                run.sink.flush();
            }
            Command::Close(done) => done.settle(Ok(())),
            Command::Begin { done, .. } | Command::Commit(done) | Command::Rollback(done) => {
                done.settle(Err(error))
            }
        }
    }
}

type Settle = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Whoever waits for a command. Is told once, even if the command is lost on the way.
pub struct Done(Option<Settle>);

impl Done {
    /// Calls `settle` with the outcome.
    pub fn new(settle: impl FnOnce(Result<(), Error>) + Send + 'static) -> Self {
        Done(Some(Box::new(settle)))
    }

    pub(super) fn nobody() -> Self {
        Done(None)
    }

    pub(super) fn settle(mut self, result: Result<(), Error>) {
        if let Some(settle) = self.0.take() {
            settle(result);
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(settle) = self.0.take() {
            settle(Err(internal_error()));
        }
    }
}

/// How far a piece of work got before its error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    /// Nothing left this process.
    Unsent,
    /// It was sent, in part at least.
    Sent,
    /// The server took it up.
    Executing,
}

pub(super) fn internal_error() -> Error {
    Error::new(
        Kind::Client,
        "The driver failed inside, and ended this work. Its outcome is unknown. This is a bug: please report it.",
    )
}
