//! What a session can be asked to do, and how the asker is told.

use std::collections::VecDeque;
use std::sync::Arc;

use super::outcome::Done;
use super::sink::{Flow, Sink};
use crate::config::TxConfig;
use crate::error::Error;

/// One query.
pub struct Run {
    /// By what [`crate::Session::abort`] knows a query that is its own transaction.
    pub id: u64,
    /// Cypher, passed on unread.
    pub query: String,
    /// Its parameters, encoded.
    pub parameters: bolt::Parameters,
    /// Options of a query that has a transaction of its own; of no effect in another one but for the fetch size.
    pub config: TxConfig,
    /// Transaction metadata as a PackStream map.
    pub metadata: Option<Vec<u8>>,
    /// Where the result goes.
    pub sink: Arc<dyn Sink>,
    /// How fast it goes there.
    pub flow: Arc<Flow>,
}

/// The opening of a transaction.
pub struct Begin {
    /// By what [`crate::Session::abort`] knows the transaction.
    pub id: u64,
    /// Options of the transaction.
    pub config: TxConfig,
    /// Transaction metadata as a PackStream map.
    pub metadata: Option<Vec<u8>>,
}

pub(super) enum Command {
    Run(Run),
    Begin(Begin, Done),
    /// A whole transaction of one query.
    Execute(Run),
    /// A transaction that was aborted before it could begin: what is asked of it must not become work of its own.
    Aborted(u64),
    Commit(Done),
    Rollback(Done),
    Close(Done),
}

impl Command {
    /// After it no transaction is open, nor any result of one.
    pub(super) fn ends_transaction(&self) -> bool {
        matches!(self, Command::Commit(_) | Command::Rollback(_) | Command::Close(_))
    }

    /// Answers without doing it.
    pub(super) fn refuse(self, error: Error) {
        match self {
            Command::Run(run) | Command::Execute(run) => run.fail(error),
            Command::Aborted(_) => {}
            Command::Close(done) => done.settle(Ok(())),
            Command::Begin(_, done) | Command::Commit(done) | Command::Rollback(done) => {
                done.settle(Err(error))
            }
        }
    }
}

impl Run {
    /// Ends the result by an error.
    pub(super) fn fail(&self, error: Error) {
        if let Some(head) = self.flow.take_failed_head() {
            self.sink.keys(&head);
        }
        self.sink.failure(error);
        self.sink.flush();
    }
}

/// Takes a query or a transaction out of what waits, and gives all that must be told of it. Of a transaction that does
/// not end in what waits, a failed one stays.
pub(super) fn take_out(commands: &mut VecDeque<Command>, id: u64) -> Vec<Command> {
    let is_it = |command: &Command| match command {
        Command::Run(run) | Command::Execute(run) => run.id == id,
        Command::Begin(begin, _) => begin.id == id,
        _ => false,
    };
    let Some(at) = commands.iter().position(is_it) else { return Vec::new() };
    let Some(first) = commands.get_mut(at) else { return Vec::new() };
    if matches!(first, Command::Run(_) | Command::Execute(_)) {
        return commands.remove(at).into_iter().collect();
    }
    let begin = std::mem::replace(first, Command::Aborted(id));
    let runs = commands.iter().skip(at + 1).take_while(|c| matches!(c, Command::Run(_))).count();
    let behind = at + 1 + runs;
    let mut taken = vec![begin];
    if matches!(commands.get(behind), Some(Command::Commit(_) | Command::Rollback(_))) {
        taken.extend(commands.drain(at..=behind).skip(1));
    } else {
        taken.extend(commands.drain(at + 1..behind));
    }
    taken
}
