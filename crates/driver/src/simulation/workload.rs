//! What applications ask of the driver meanwhile, and what they are told.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use bolt::columns::Batch;
use bolt::Parameters;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, Instant};

use super::cluster::Cluster;
use super::schedule::up_to;
use crate::config::{Config, SessionConfig, TxConfig};
use crate::error::{Error, Kind};
use crate::{Begin, Done, Driver, Flow, Head, Run, Session, Sink, Summary};

/// How the outcome of something comes.
type Told<T> = oneshot::Receiver<Result<T, Error>>;

/// What was said of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Done,
    NotDone,
    Unknown,
}

impl Said {
    fn of(error: &Error) -> Said {
        match error.unknown_outcome {
            true => Said::Unknown,
            false => Said::NotDone,
        }
    }
}

/// Writes that are done together or not at all, and what was said of them.
struct Account {
    writes: Vec<u64>,
    said: Said,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// What is tried again, until it is done.
    pub(super) work: Duration,
    /// What is asked of a server, and what an open transaction is asked.
    pub(super) step: Duration,
}

/// What was aborted ends at once.
const AFTER_ABORT: Duration = Duration::from_millis(500);

/// The applications.
pub(super) struct Workload {
    cluster: Arc<Cluster>,
    driver: Driver,
    limits: Limits,
    next_id: AtomicU64,
    next_write: AtomicU64,
    accounts: Mutex<Vec<Account>>,
    is_over: AtomicBool,
    closed: Mutex<Option<Instant>>,
}

/// How long work may still take that the end of its driver meets.
const AFTER_CLOSE: Duration = Duration::from_secs(3);

/// How long the driver may take to close.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

impl Workload {
    pub(super) fn new(cluster: Arc<Cluster>, driver: Driver, limits: Limits) -> Arc<Workload> {
        Arc::new(Workload {
            cluster,
            driver,
            limits,
            next_id: AtomicU64::new(1),
            next_write: AtomicU64::new(1),
            accounts: Mutex::default(),
            is_over: AtomicBool::new(false),
            closed: Mutex::default(),
        })
    }

    fn id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    fn write(&self) -> u64 {
        self.next_write.fetch_add(1, Ordering::Relaxed)
    }

    fn account(&self, writes: &[u64], said: Said) {
        self.cluster.note(&format!("{writes:?}: {said:?}"));
        self.accounts.lock().push(Account { writes: writes.to_vec(), said });
    }

    /// Waits for what must come in time.
    async fn settled<T>(&self, what: &str, limit: Duration, work: impl Future<Output = T>) -> T {
        let began = Instant::now();
        let Ok(done) = tokio::time::timeout(limit, work).await else {
            self.cluster.fault(format!("{what} has no outcome after {limit:?}"));
            return std::future::pending().await;
        };
        let since_close = self.closed.lock().map(|at| at.elapsed()).unwrap_or_default();
        if since_close > AFTER_CLOSE && began.elapsed() > AFTER_CLOSE {
            self.cluster.fault(format!("{what} went on for {since_close:?} after the driver was closed"));
        }
        done
    }

    /// The same of what is told.
    async fn outcome<T>(&self, what: &str, limit: Duration, told: Told<T>) -> Result<T, Error> {
        let outcome = self.settled(what, limit, told).await.unwrap_or_else(|_| Err(Error::internal()));
        if outcome.as_ref().is_err_and(|error| error.kind == Kind::Internal) {
            self.cluster.fault(format!("the driver failed in {what}, or told nobody what came of it"));
        }
        outcome
    }

    /// One session after the other, until it is over.
    pub(super) async fn work(self: Arc<Self>) {
        while !self.is_over.load(Ordering::Relaxed) {
            self.session().await;
        }
    }

    fn open(&self, write: bool) -> Session {
        let intent = self.driver.intent(write, -1, fastrand::i32(-1..5), -1);
        self.driver.session(intent, SessionConfig::default())
    }

    async fn session(&self) {
        let writes = fastrand::u32(0..10) < 7;
        let session = self.open(writes);
        for _ in 0..fastrand::u32(1..6) {
            sleep(up_to(500)).await;
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            match (writes, fastrand::u32(0..10)) {
                (true, 0..3) => self.auto_commit(&session, true).await,
                (true, 3) => self.execute(&session).await,
                (true, 4..10) => self.transaction(&session).await,
                (false, 0) => self.auto_commit(&session, true).await,
                (false, _) => self.auto_commit(&session, false).await,
                _ => unreachable!(),
            }
        }
        if fastrand::bool() {
            self.close(&session, self.limits.step).await;
        }
    }

    async fn close(&self, session: &Session, limit: Duration) {
        let (done, told) = done();
        session.close(done);
        let _ = self.outcome("the end of a session", limit, told).await;
    }

    fn run(&self, session: &Session, query: &str) -> (Run, Told<u64>) {
        self.run_for(session, query, true)
    }

    /// `reads`: whether somebody takes what comes.
    fn run_for(&self, session: &Session, query: &str, reads: bool) -> (Run, Told<u64>) {
        let flow = session.flow();
        let (tell, told) = oneshot::channel();
        let sink = Reader {
            cluster: self.cluster.clone(),
            flow: flow.clone(),
            reads,
            // Records that an application has seen cannot be taken back.
            shows: fastrand::bool(),
            rows: Mutex::new(0),
            tell: Mutex::new(Some(tell)),
        };
        let run = Run {
            id: self.id(),
            query: query.to_owned(),
            parameters: Parameters::empty(),
            config: TxConfig {
                fetch_size: Some(if fastrand::bool() { 2 } else { 1000 }),
                ..TxConfig::default()
            },
            metadata: Some(self.cluster.asked_now()),
            sink: Arc::new(sink),
            flow,
        };
        (run, told)
    }

    /// Now and then whoever asked loses patience: tells so.
    async fn impatiently<T>(
        &self,
        session: &Session,
        id: u64,
        what: &str,
        limit: Duration,
        told: Told<T>,
    ) -> (Result<T, Error>, bool) {
        let work = self.outcome(what, limit, told);
        if fastrand::u32(0..10) > 0 {
            return (work.await, false);
        }
        let patience = sleep(if fastrand::u32(0..4) == 0 { Duration::ZERO } else { up_to(2_000) });
        tokio::pin!(work, patience);
        tokio::select! {
            biased;
            done = &mut work => return (done, false),
            () = patience => {}
        }
        self.cluster.note(&format!("{what} is aborted"));
        session.abort(id);
        (self.settled(&format!("{what}, which was aborted,"), AFTER_ABORT, work).await, true)
    }

    async fn auto_commit(&self, session: &Session, writes: bool) {
        let write = self.write();
        let rows = fastrand::u64(0..8);
        let query = if writes { format!("CREATE {write}") } else { format!("MATCH {rows}") };
        let (run, told) = self.run(session, &query);
        let id = run.id;
        self.cluster.note(&format!("asks: {query}"));
        session.run(run);
        let (outcome, _) = self.impatiently(session, id, &query, self.limits.work, told).await;
        match (outcome, writes) {
            (Ok(_), true) => self.account(&[write], Said::Done),
            (Ok(came), false) if came != rows => {
                self.cluster.fault(format!("{query} was answered with {came} records"));
            }
            (Ok(_), false) => {}
            (Err(error), true) => {
                self.cluster.note(&format!("{query}: {error}"));
                self.account(&[write], Said::of(&error));
            }
            (Err(error), false) => self.cluster.note(&format!("{query}: {error}")),
        }
    }

    async fn execute(&self, session: &Session) {
        let write = self.write();
        let query = format!("CREATE {write}");
        let (run, told) = self.run(session, &query);
        let id = run.id;
        self.cluster.note(&format!("executes: {query}"));
        session.execute(run);
        let limit = self.limits.work + self.limits.step;
        match self.impatiently(session, id, &query, limit, told).await.0 {
            Ok(_) => self.account(&[write], Said::Done),
            Err(error) => {
                self.cluster.note(&format!("{query}: {error}"));
                self.account(&[write], Said::of(&error));
            }
        }
    }

    async fn transaction(&self, session: &Session) {
        let Limits { work, step } = self.limits;
        let id = self.id();
        let writes: Vec<u64> = (0..fastrand::u32(0..4)).map(|_| self.write()).collect();
        let pipelined = fastrand::bool() && !writes.is_empty();
        // How long what is asked next may take, with what it waits for.
        let mut limit = work;
        let mut is_aborted = false;
        self.cluster.note(&format!("begins: {writes:?}"));
        let told = self.begin(session, id, pipelined);
        if !pipelined {
            let (begun, aborted) = self.impatiently(session, id, "BEGIN", limit, told).await;
            if begun.is_err() {
                return self.roll_back(session, &writes, step).await;
            }
            (limit, is_aborted) = (step, aborted);
        }
        let in_a_row = fastrand::bool();
        let mut results = Vec::new();
        for write in &writes {
            let query = format!("CREATE {write}");
            let (run, told) = self.run(session, &query);
            session.run(run);
            if in_a_row {
                results.push((query, told, 0));
                limit += step;
                continue;
            }
            let (done, aborted) = self.impatiently(session, id, &query, limit, told).await;
            if done.is_err() {
                return self.roll_back(session, &writes, step).await;
            }
            limit = step;
            is_aborted |= aborted;
            // Some forget that a transaction is open.
            sleep(up_to(if fastrand::u32(0..8) == 0 { 8_000 } else { 300 })).await;
        }
        if fastrand::u32(0..4) == 0 {
            let query = "MATCH 9".to_owned();
            let (run, told) = self.run_for(session, &query, false);
            session.run(run);
            results.push((query, told, 9));
            limit += step;
            sleep(up_to(300)).await;
        }
        match fastrand::u32(0..10) {
            0 => self.roll_back(session, &writes, limit).await,
            1 => {
                self.close(session, limit).await;
                self.account(&writes, Said::NotDone);
            }
            _ => {
                let (committed, told) = done();
                session.commit(committed);
                let (outcome, _) = self.impatiently(session, id, "COMMIT", limit, told).await;
                self.cluster.note(&format!("COMMIT of {writes:?}: {outcome:?}"));
                let is_committed = outcome.is_ok();
                self.account(&writes, outcome.as_ref().map_or_else(Said::of, |()| Said::Done));
                if is_committed && is_aborted {
                    self.cluster.fault(format!("{writes:?} were committed after they were aborted"));
                }
                for (query, told, rows) in results {
                    let result = self.outcome(&query, step, told).await;
                    if is_committed && !result.as_ref().is_ok_and(|came| *came == rows) {
                        self.cluster.fault(format!("{query} came to {result:?} in what was committed"));
                    }
                }
                if !is_committed {
                    // Of what was aborted before its COMMIT was looked at, the transaction is left.
                    self.roll_back(session, &[], step).await;
                }
                return;
            }
        }
        for (query, told, _) in results {
            let _ = self.outcome(&query, step, told).await;
        }
    }

    fn begin(&self, session: &Session, id: u64, pipelined: bool) -> Told<()> {
        let (begun, told) = done();
        let config = TxConfig { pipelined, ..TxConfig::default() };
        session.begin(Begin { id, config, metadata: Some(self.cluster.asked_now()) }, begun);
        told
    }

    async fn roll_back(&self, session: &Session, writes: &[u64], limit: Duration) {
        let (done, told) = done();
        session.rollback(done);
        let _ = self.outcome("ROLLBACK", limit, told).await;
        self.account(writes, Said::NotDone);
    }

    /// After the trouble: work is done again, and as much of it at a time as there may be connections.
    pub(super) async fn recovers(self: &Arc<Self>, config: &Config) {
        let write = self.write();
        let session = self.open(true);
        let (run, told) = self.run(&session, &format!("CREATE {write}"));
        self.cluster.note("asks once more");
        session.run(run);
        let outcome = self.outcome("the last write", self.limits.work, told).await;
        if let Err(error) = outcome {
            self.account(&[write], Said::of(&error));
            self.cluster.fault(format!("all is well again, but a write failed: {error}"));
            return;
        }
        self.account(&[write], Said::Done);
        let mut open = Vec::new();
        for _ in 0..config.max_connection_pool_size {
            let session = self.open(true);
            let told = self.begin(&session, self.id(), false);
            if let Err(error) = self.outcome("BEGIN", self.limits.work, told).await {
                self.cluster.fault(format!("connections are missing: {error}"));
                return;
            }
            open.push(session);
        }
        for session in open {
            self.close(&session, self.limits.step).await;
        }
    }

    /// No session is opened any more.
    pub(super) fn is_over(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    pub(super) async fn ends(&self, application: JoinHandle<()>) {
        // What it waits for has its limit; this is for the faults of the simulation itself.
        match tokio::time::timeout(self.limits.work * 8, application).await {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => self.cluster.fault(format!("an application failed: {panic}")),
            Err(_) => self.cluster.fault("an application does not end".into()),
        }
    }

    pub(super) async fn close_driver(&self) {
        *self.closed.lock() = Some(Instant::now());
        self.cluster.note("the driver is closed");
        let began = Instant::now();
        self.settled("close()", self.limits.work, self.driver.close()).await;
        if began.elapsed() > CLOSE_LIMIT {
            self.cluster.fault(format!("close() took {:?}", began.elapsed()));
        }
        self.cluster.note("close() is over");
    }

    /// Holds what was said against what was done.
    pub(super) fn audit(&self) {
        for Account { writes, said } in &*self.accounts.lock() {
            let times: Vec<usize> = writes.iter().map(|write| self.cluster.times(*write)).collect();
            let is_true = match said {
                Said::Done => times.iter().all(|times| *times == 1),
                Said::NotDone => times.iter().all(|times| *times == 0),
                Said::Unknown => times.iter().all(|t| *t <= 1 && *t == times[0]),
            };
            if !is_true {
                self.cluster.fault(format!("the driver says {said:?} of {writes:?}, done {times:?} times"));
            }
        }
    }
}

fn done() -> (Done, Told<()>) {
    let (tell, told) = oneshot::channel();
    (Done::new(move |result| drop(tell.send(result))), told)
}

/// Counts the records of a result.
struct Reader {
    cluster: Arc<Cluster>,
    flow: Arc<Flow>,
    reads: bool,
    shows: bool,
    rows: Mutex<u64>,
    tell: Mutex<Option<oneshot::Sender<Result<u64, Error>>>>,
}

impl Reader {
    fn end(&self, outcome: Result<u64, Error>) {
        match self.tell.lock().take() {
            Some(tell) => drop(tell.send(outcome)),
            None => self.cluster.fault(format!("a result has two ends, the second {outcome:?}")),
        }
    }
}

impl Sink for Reader {
    fn keys(&self, _: &Head) {}

    fn batch(&self, batch: Batch) {
        *self.rows.lock() += u64::try_from(batch.rows).unwrap();
        if self.reads {
            self.flow.more(1, fastrand::bool());
        }
    }

    fn restart(&self) -> bool {
        let may = !self.shows;
        if may {
            *self.rows.lock() = 0;
        }
        may
    }

    fn summary(&self, _: Summary) {
        let rows = *self.rows.lock();
        self.end(Ok(rows));
    }

    fn failure(&self, error: Error) {
        self.end(Err(error));
    }

    fn flush(&self) {}
}
