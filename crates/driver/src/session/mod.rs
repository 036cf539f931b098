//! Sessions: work in order, on a server chosen by intent.
//!
//! A session is a queue of commands and, while the queue is not empty, one task that does them (`worker`). Nothing of it
//! lives on between commands but its state: the open transaction, the bookmarks, the server it sticks to.

mod auto_commit;
mod batches;
mod command;
mod open_results;
mod result;
mod transaction;
mod verdict;
mod worker;

use std::collections::VecDeque;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use bolt::TxMeta;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::config::{AccessMode, Mode, SessionConfig, TxConfig};
use crate::driver::Shared;
use crate::error::{Error, Kind};
use crate::net::phase::Phases;
use crate::pool::Pooled;
use crate::retry::Retry;
use crate::strategy::Intent;
use crate::topology::routing::{Ask, Router};
use crate::topology::{Role, Status};
use command::Command;
pub use command::{Begin, Done, Run};
pub use result::{Flow, Head, Sink, Summary};
use transaction::Transaction;
use worker::Worker;

/// A session. Dropping it rolls back what is open.
pub struct Session(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    intent: Intent,
    config: SessionConfig,
    queue: Mutex<Queue>,
    bookmarks: Mutex<Vec<String>>,
    /// The home database of the user, once a cluster that routes has told it: this session stays with it.
    home: Mutex<Option<String>>,
    /// Wakes the task: there is credit, a result was cancelled, or a command came.
    nudge: Arc<Notify>,
    /// What the task does is to end at once. Set and cleared under the queue's lock.
    aborted: AtomicBool,
    /// Wakes the task: `aborted` was set.
    abort: Notify,
}

struct Queue {
    commands: VecDeque<Command>,
    /// What the task works with; `None` while it runs.
    state: Option<State>,
    /// Id of the query or transaction that the task works for.
    doing: u64,
    closed: bool,
}

/// What outlives a command.
struct State {
    /// The server this session sticks to while it fits.
    server: Option<usize>,
    transaction: Option<Transaction>,
}

impl Session {
    pub(crate) fn new(
        shared: Arc<Shared>,
        intent: Intent,
        config: SessionConfig,
        server: Option<usize>,
    ) -> Self {
        let bookmarks = Mutex::new(config.bookmarks.clone());
        let home = Mutex::new(config.home.clone());
        let state = State { server, transaction: None };
        let queue = Queue { commands: VecDeque::new(), state: Some(state), doing: 0, closed: false };
        Session(Arc::new(Inner {
            shared,
            intent,
            config,
            queue: Mutex::new(queue),
            bookmarks,
            home,
            nudge: Arc::new(Notify::new()),
            aborted: AtomicBool::new(false),
            abort: Notify::new(),
        }))
    }

    /// Flow control of a result of this session, to be given to [`Session::run`].
    pub fn flow(&self) -> Arc<Flow> {
        Arc::new(Flow::new(self.0.nudge.clone()))
    }

    /// Runs a query: in the open transaction, or as one of its own. A result that still streams is read to its end
    /// first, into memory if its reader does not take it; but within a transaction, from Bolt 4 on, it gives way and
    /// goes on later.
    pub fn run(&self, run: Run) {
        self.0.post(Command::Run(run));
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

    /// Ends a query that is its own transaction, or a transaction with all that is asked of it, at once: with errors of
    /// [`Kind::Aborted`]. The server is told to stop. A transaction still has to be rolled back, for the session to go on.
    /// Of a commit that is under way, the outcome is unknown. Does nothing to what is over.
    pub fn abort(&self, id: u64) {
        let taken = {
            let mut queue = self.0.queue.lock();
            let doing = queue.doing == id;
            match &mut queue.state {
                None if doing => {
                    self.0.aborted.store(true, Ordering::Release);
                    self.0.abort.notify_waiters();
                    return;
                }
                Some(State { transaction: Some(transaction), .. }) if transaction.id == id => {
                    let _entered = self.0.shared.runtime.enter();
                    transaction.fail(command::aborted());
                    return;
                }
                _ => command::take_out(&mut queue.commands, id),
            }
        };
        for command in taken {
            match command {
                Command::Rollback(done) => done.settle(Ok(())),
                command => command.refuse(command::aborted()),
            }
        }
    }

    /// Rolls back what is open and takes no more work. Closing twice is fine.
    pub fn close(&self, done: Done) {
        self.0.post(Command::Close(done));
    }

    /// The home database of the user, if the work was done on a cluster that routes, without naming a database.
    pub fn home(&self) -> Option<String> {
        self.0.home.lock().clone()
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
    /// Queues a command, and starts the task if it does not run.
    fn post(self: &Arc<Self>, command: Command) {
        let Some(mut queue) = self.put(command) else { return };
        match queue.state.take() {
            Some(state) => {
                drop(queue);
                self.shared.runtime.spawn(Worker::new(self.clone(), state).work());
            }
            None => {
                drop(queue);
                self.nudge.notify_one();
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

    /// Does the work until it is aborted.
    async fn unless_aborted<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = self.aborted() => Err(command::aborted()),
            done = work => done,
        }
    }

    async fn aborted(&self) {
        loop {
            let wake = self.abort.notified();
            if self.aborted.load(Ordering::Acquire) {
                return;
            }
            wake.await;
        }
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

    /// Whether the server is told that the work only reads.
    fn reads(&self) -> bool {
        match self.config.access_mode {
            Some(mode) => mode == AccessMode::Read,
            None => !self.intent.write,
        }
    }

    /// What a transaction that begins now is told of its session.
    fn settings(&self) -> Settings<'_> {
        Settings {
            session: self,
            bookmarks: self.bookmarks.lock().clone(),
            database: self.database(),
            filter: self.config.notification_filter.as_ref().map(|filter| filter.to_bolt()),
        }
    }

    /// The database that the work is for, as far as it is known.
    fn database(&self) -> Option<String> {
        self.config.database.clone().or_else(|| self.home.lock().clone())
    }

    /// Lets the routing draw its consequences from an error of a server.
    fn on_error(&self, error: Error) -> Error {
        match &self.shared.router {
            Some(router) => router.on_error(error, self.database().as_deref()),
            None => error,
        }
    }

    /// A server says in which database it does the work.
    fn works_in(&self, database: Option<String>) {
        let (Some(router), Some(database), None) = (&self.shared.router, database, &self.config.database)
        else {
            return;
        };
        let mut home = self.home.lock();
        if home.is_none() {
            router.home_is(&self.ask(None, &[]), &database);
            *home = Some(database);
        }
    }

    fn ask<'a>(&'a self, database: Option<&'a str>, bookmarks: &'a [String]) -> Ask<'a> {
        Ask {
            database,
            write: !self.reads(),
            bookmarks,
            impersonated_user: self.config.impersonated_user.as_deref(),
            auth: self.config.auth.as_ref(),
            by_driver: false,
        }
    }

    fn remember(&self, bookmark: Option<String>) {
        if let Some(bookmark) = bookmark {
            *self.bookmarks.lock() = vec![bookmark];
        }
    }
}

/// Settings of a transaction that are its session's, as they were when it began.
struct Settings<'a> {
    session: &'a Inner,
    bookmarks: Vec<String>,
    database: Option<String>,
    filter: Option<bolt::NotificationFilter>,
}

impl Settings<'_> {
    fn tx_meta<'a>(&'a self, config: &TxConfig, metadata: Option<&'a [u8]>) -> TxMeta<'a> {
        TxMeta {
            bookmarks: &self.bookmarks,
            timeout_ms: config.timeout,
            metadata,
            read: self.session.reads(),
            database: self.database.as_deref(),
            impersonated_user: self.session.config.impersonated_user.as_deref(),
            notification_filter: self.filter.as_ref(),
        }
    }
}

impl State {
    /// The server to work on now: the one chosen before while it fits, else a new choice that avoids those that have
    /// just failed.
    async fn choose(&mut self, session: &Inner, avoid: &[usize]) -> Result<usize, Error> {
        let shared = &session.shared;
        shared.wait_checked().await;
        if shared.is_closed() {
            return Err(command::closed());
        }
        let fits = |server: &usize| !avoid.contains(server) && shared.fits(*server, session.intent);
        if let Some(server) = self.server.filter(fits) {
            return Ok(server);
        }
        let server = shared.choose_patiently(session.intent, avoid).await?;
        self.server = Some(server);
        Ok(server)
    }

    /// Whether this server is known to do what it is asked itself. All others may pass it on to the master of this moment.
    fn is_by_master(session: &Inner, server: usize) -> bool {
        let shared = &session.shared;
        let was_asked = || shared.config.servers.get(server).is_some_and(|s| s.http.is_some());
        let is_master = || shared.topology.view().servers.get(server).is_some_and(|s| s.role == Role::Master);
        shared.config.mode != Mode::Ha || was_asked() && is_master()
    }

    /// A connection to the server to work on now.
    async fn connect(&mut self, session: &Inner, retry: &Retry) -> Result<(usize, Pooled), Error> {
        tokio::select! {
            connected = async {
                match &session.shared.router {
                    // In a box, as all that is large and rare: the task of every query would carry its room.
                    Some(router) => Box::pin(Self::connect_by(router, session)).await,
                    None => self.connect_to_chosen(session, retry).await,
                }
            } => connected,
            error = session.shared.closing() => Err(error),
        }
    }

    /// A connection to whatever member of the cluster does this work.
    async fn connect_by(router: &Arc<Router>, session: &Inner) -> Result<(usize, Pooled), Error> {
        let (database, bookmarks) = (session.database(), session.bookmarks.lock().clone());
        let routed = router.connect(&session.ask(database.as_deref(), &bookmarks)).await?;
        if let Some(home) = routed.home {
            *session.home.lock() = Some(home);
        }
        Ok((routed.pooled.server.index, routed.pooled))
    }

    async fn connect_to_chosen(&mut self, session: &Inner, retry: &Retry) -> Result<(usize, Pooled), Error> {
        let server = self.choose(session, retry.failed()).await?;
        let shared = &session.shared;
        let pool = shared.pool(server)?;
        let is_down = || shared.topology.view().servers.get(server).is_some_and(|s| s.status == Status::Down);
        let was_down = is_down();
        let mut changes = shared.topology.changes();
        let phases = Phases::default();
        let acquiring = pool.acquire(session.config.auth.as_ref(), &phases);
        let patience = retry.patience(&shared.config, was_down);
        let impatience = tokio::time::sleep(patience);
        tokio::pin!(acquiring, impatience);
        // A host that swallows packets, or a process that hangs, would be waited for much longer.
        loop {
            tokio::select! {
                biased;
                acquired = &mut acquiring => return Ok((server, acquired?)),
                () = &mut impatience => {
                    let limit = patience.as_millis();
                    let what = format!("does not answer its checks, and gave no connection within {limit} ms");
                    return Err(pool.gave_none(&what, &phases));
                }
                _ = changes.changed() => if is_down() && !was_down {
                    return Err(pool.gave_none("stopped answering its checks while a connection was acquired", &phases));
                },
            }
        }
    }

    fn log_failure(session: &Inner, retry: &Retry, error: &Error) {
        session.shared.debug(|| format!("attempt {} failed: {error}", retry.attempts()));
    }

    /// After an attempt that failed and may be made again: marks the server if it is unfit, and waits for the time of the next
    /// one. An error is the one to surface.
    async fn retry(&mut self, session: &Inner, retry: &mut Retry, error: Error) -> Result<(), Error> {
        let error = session.on_error(error);
        let shared = &session.shared;
        let failed = error.server.as_ref().map(|s| s.index);
        if let Some(index) = failed.filter(|_| error.server_unfit()) {
            shared.demote(index, &error);
        }
        let lost = retry.after(error)?;
        // Somebody who has not failed just now: there is nothing to wait for.
        if lost && shared.another_fits(retry.failed(), session.intent) {
            return Ok(());
        }
        let pause = tokio::time::sleep(retry.pause());
        tokio::pin!(pause);
        let mut changes = shared.topology.changes();
        loop {
            tokio::select! {
                () = &mut pause => {
                    retry.forgive();
                    return Ok(());
                }
                error = shared.closing() => return Err(retry.end(error)),
                _ = changes.changed(), if lost => {
                    if shared.another_fits(retry.failed(), session.intent) {
                        return Ok(());
                    }
                }
            }
        }
    }
}
