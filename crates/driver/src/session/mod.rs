//! Sessions: work in order, on a server chosen by intent.
//!
//! A session is a queue of commands and, while the queue is not empty, one task that does them (`worker`), which the thread that
//! asks may begin (`tasks`). Nothing of it lives on between commands but its state: the open transaction, the bookmarks, the server it
//! sticks to.

mod attempt;
mod auto_commit;
mod batches;
mod command;
mod hedge;
mod open_results;
mod outcome;
mod result;
mod settings;
mod signals;
mod sink;
mod tasks;
mod transaction;
mod verdict;
mod worker;

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::config::SessionConfig;
use crate::connect::Place;
use crate::core::Core;
use crate::error::{Error, Kind};
use crate::strategy::Intent;
use command::Command;
pub use command::{Begin, Run};
pub use outcome::Done;
use signals::Signals;
pub use sink::{Flow, Head, Sink, Summary};
pub(crate) use tasks::Tasks;
use transaction::Transaction;
use worker::Worker;

/// A session. Dropping it rolls back what is open.
pub struct Session(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    intent: Intent,
    config: SessionConfig,
    queue: Mutex<Queue>,
    bookmarks: Mutex<Vec<String>>,
    place: Mutex<Place>,
    /// To the task that does its work.
    signals: Arc<Signals>,
}

struct Queue {
    commands: VecDeque<Command>,
    /// What the task works with; `None` while it runs.
    state: Option<State>,
    /// Id of the query or transaction that the task works for.
    doing: u64,
    /// A task for what waits was asked for, and has not come.
    is_asked: bool,
    closed: bool,
}

/// What outlives a command.
struct State {
    transaction: Option<Transaction>,
}

impl Session {
    pub(crate) fn new(core: Arc<Core>, intent: Intent, config: SessionConfig, server: Option<usize>) -> Self {
        let bookmarks = Mutex::new(config.bookmarks.clone());
        let place = Mutex::new(Place::new(core.topology.clone(), server, config.home.clone()));
        let state = State { transaction: None };
        let queue =
            Queue { commands: VecDeque::new(), state: Some(state), doing: 0, is_asked: false, closed: false };
        Session(Arc::new(Inner {
            core,
            intent,
            config,
            queue: Mutex::new(queue),
            bookmarks,
            place,
            signals: Arc::default(),
        }))
    }

    /// Flow control of a result of this session, to be given to [`Session::run`].
    pub fn flow(&self) -> Arc<Flow> {
        Arc::new(Flow::new(self.0.signals.clone()))
    }

    /// Runs a query: in the open transaction, or as one of its own. A result that still streams is read to its end
    /// first, into memory if its reader does not take it; but within a transaction, from Bolt 4 on, it gives way and
    /// goes on later.
    pub fn run(&self, run: Run) {
        self.0.post(Command::Run(run));
    }

    /// Runs a query in a transaction that it is all of: BEGIN goes out with it, and COMMIT when all of its result was handed
    /// over. What the run's options and metadata say is said of the transaction.
    pub fn execute(&self, run: Run) {
        self.0.post(Command::Execute(run));
    }

    /// Opens a transaction. Queries that follow belong to it, until it is committed or rolled back: if it cannot be
    /// opened, they get its error.
    pub fn begin(&self, begin: Begin, done: Done) {
        let waits = begin.config.pipelined;
        let command = Command::Begin(begin, done);
        if waits {
            self.0.put(command);
        } else {
            self.0.post(command);
        }
    }

    /// Commits the open transaction.
    pub fn commit(&self, done: Done) {
        self.0.post(Command::Commit(done));
    }

    /// Rolls the open transaction back.
    pub fn rollback(&self, done: Done) {
        self.0.post(Command::Rollback(done));
    }

    /// Ends a query that has a transaction of its own, or a transaction with all that is asked of it, at once: with errors of
    /// [`Kind::Aborted`]. The server is told to stop. A transaction still has to be rolled back, for the session to go on.
    /// Of a commit that is under way, the outcome is unknown. Does nothing to what is over.
    pub fn abort(&self, id: u64) {
        let taken = {
            let mut queue = self.0.queue.lock();
            let doing = queue.doing == id;
            match &mut queue.state {
                None if doing => {
                    self.0.signals.abort();
                    return;
                }
                Some(State { transaction: Some(transaction) }) if transaction.id == id => {
                    let _entered = self.0.core.runtime.enter();
                    transaction.fail(Error::aborted());
                    return;
                }
                _ => command::take_out(&mut queue.commands, id),
            }
        };
        for command in taken {
            match command {
                Command::Rollback(done) => done.settle(Ok(())),
                command => command.refuse(Error::aborted()),
            }
        }
    }

    /// Rolls back what is open and takes no more work. Closing twice is fine.
    pub fn close(&self, done: Done) {
        self.0.post(Command::Close(done));
    }

    /// The home database of the user, if the work was done on a cluster that routes, without naming a database.
    pub fn home(&self) -> Option<String> {
        self.0.place.lock().home.clone()
    }

    /// The bookmarks of the last work that was committed, or those the session was opened with.
    pub fn bookmarks(&self) -> Vec<String> {
        self.0.bookmarks.lock().clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let needed = {
            let queue = self.0.queue.lock();
            !queue.closed
                && (queue.state.as_ref().is_none_or(|s| s.transaction.is_some())
                    || !queue.commands.is_empty())
        };
        if needed {
            self.0.post(Command::Close(Done::nobody()));
        }
    }
}

impl Inner {
    /// Queues a command, and asks for a task that does it.
    fn post(self: &Arc<Self>, command: Command) {
        let Some(mut queue) = self.put(command) else { return };
        let was_asked = std::mem::replace(&mut queue.is_asked, true);
        drop(queue);
        if !was_asked {
            self.core.tasks.start(self.clone());
        }
    }

    /// Who is to do what waits, on the task that comes for it. `None` if somebody is at it already, who is told that there is more.
    fn worker(self: &Arc<Self>) -> Option<Worker> {
        let mut queue = self.queue.lock();
        queue.is_asked = false;
        match queue.state.take() {
            Some(state) => {
                // Until the task begins, an abort of the transaction is for what it will do.
                queue.doing = state.transaction.as_ref().map_or(0, |transaction| transaction.id);
                Some(Worker::new(self.clone(), state))
            }
            None => {
                drop(queue);
                self.signals.notify();
                None
            }
        }
    }

    /// Queues a command, unless the session is closed.
    fn put(&self, command: Command) -> Option<MutexGuard<'_, Queue>> {
        let mut queue = self.queue.lock();
        if queue.closed && !matches!(command, Command::Close(_)) {
            drop(queue);
            let what = "The session is closed: open another one for more work.";
            command.refuse(Error::new(Kind::Client, what));
            return None;
        }
        queue.closed |= matches!(command, Command::Close(_));
        queue.commands.push_back(command);
        Some(queue)
    }

    /// Shows the query that waits next, if it is one.
    fn with_next_run<T>(&self, look: impl FnOnce(&Run) -> T) -> Option<T> {
        match self.queue.lock().commands.front() {
            Some(Command::Run(run)) => Some(look(run)),
            _ => None,
        }
    }

    /// Whether somebody waits for the work under way to end.
    fn is_awaited(&self) -> bool {
        !self.queue.lock().commands.is_empty()
    }
}
