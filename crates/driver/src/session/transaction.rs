//! Explicit transactions. Only their beginning is tried again: what was sent in one is the application's to repeat.

use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bolt::{Event, Metadata, Request};
use tokio::time::Instant;

use super::batches::commits_in_batches;
use super::command::Begin;
use super::hedge::Answers;
use super::open_results::OpenResults;
use super::outcome::Progress;
use super::result::{Broken, Streaming};
use super::settings::Settings;
use super::verdict::{judge, Attempt, Verdict, Work};
use super::{Inner, Run, State};
use crate::error::{Error, Kind};
use crate::pool::{Holder, Pooled};
use crate::retry::Retry;

/// A transaction that was begun, or was to be, and neither committed nor rolled back by the application.
pub(super) struct Transaction {
    /// By what its owner aborts it.
    pub(super) id: u64,
    standing: Standing,
}

enum Standing {
    Open(Box<Open>),
    /// The server has rolled it back, or will; what is still asked of it gets the error it failed by.
    Failed(Error),
}

struct Open {
    /// As it was when the transaction began: see [`Attempt::by_master`].
    by_master: bool,
    pooled: Pooled,
    /// What it waited for.
    bookmarks: Vec<String>,
    /// When the first query went out, if that was together with BEGIN.
    first_sent: Option<Instant>,
    /// The server took up a query that commits on its own: whatever comes of the transaction, that stays done.
    has_committed: bool,
    results: OpenResults,
}

impl State {
    pub(super) async fn begin(&mut self, session: &Inner, begin: &Begin) -> Result<(), Error> {
        self.unless_in_transaction()?;
        match session.open(begin, None).await {
            Ok(open) => {
                self.transaction =
                    Some(Transaction { id: begin.id, standing: Standing::Open(Box::new(open)) });
                Ok(())
            }
            Err(error) => {
                self.transaction = Some(Transaction::failed(begin.id, error.clone()));
                Err(error)
            }
        }
    }

    /// A transaction of one query, which goes out with BEGIN. It is committed when all of the result was handed over, and the
    /// summary says that it was.
    pub(super) async fn execute(&mut self, session: &Inner, run: &Run) -> Result<(), Error> {
        self.unless_in_transaction()?;
        let begin = Begin { id: run.id, config: run.config.clone(), metadata: run.metadata.clone() };
        let mut open = session.open(&begin, Some(run)).await?;
        let fetch_size = session.fetch_size(run);
        let asked = match open.first_sent {
            Some(sent) => sent,
            None => match open.send(run, fetch_size) {
                Ok(sent) => sent,
                Err(error) => {
                    open.pooled.release();
                    return Err(error);
                }
            },
        };
        let identity = open.pooled.identity();
        let is_batched = commits_in_batches(&run.query);
        let mut result = Streaming::new(run, &open.pooled, fetch_size, asked);
        let read = result.read(session, &mut open.pooled.conn).await;
        match read {
            // Whoever asked could not take what came of it, and is told that nothing did.
            Ok(_) if run.flow.is_cancelled() => {
                open.has_committed = is_batched;
                let why = "Its reader has given up: the transaction was rolled back.";
                let error = open.outcome(Error::new(Kind::Client, why).on(open.pooled.server.clone()));
                open.roll_back(session).await?;
                Err(error)
            }
            Ok(metadata) => {
                result.announce();
                open.has_committed = is_batched;
                open.results.note_end(&metadata);
                open.commit(session).await?;
                result.finish(&metadata, identity);
                Ok(())
            }
            Err(broken) => {
                open.has_committed = is_batched && may_have_committed(&broken);
                let error = open.outcome(broken.error);
                open.pooled.release();
                Err(session.on_error(error))
            }
        }
    }

    fn unless_in_transaction(&self) -> Result<(), Error> {
        if self.transaction.is_none() {
            return Ok(());
        }
        Err(Error::new(
            Kind::Client,
            "You cannot begin a transaction on a session with an open transaction; either run from within the \
             transaction or use a different session.",
        ))
    }

    pub(super) async fn commit(&mut self, session: &Inner) -> Result<(), Error> {
        let Some(transaction) = self.transaction.take() else {
            return Err(Error::new(Kind::Client, "Cannot commit: no transaction is open."));
        };
        match transaction.standing {
            Standing::Open(open) => open.commit(session).await,
            Standing::Failed(error) => Err(error),
        }
    }

    /// Rolls back what is open; what has failed, or is not open, is rolled back already.
    pub(super) async fn roll_back(&mut self, session: &Inner) -> Result<(), Error> {
        let Some(Transaction { standing: Standing::Open(open), .. }) = self.transaction.take() else {
            return Ok(());
        };
        open.roll_back(session).await
    }
}

impl Inner {
    /// `first`: a query that goes out with BEGIN, where it is not the one that waits next.
    async fn open(&self, begin: &Begin, first: Option<&Run>) -> Result<Open, Error> {
        let driver = &self.core.config;
        let time = begin.config.retry_time.map_or(driver.retry_time(), Duration::from_millis);
        let mut retry = Retry::within(driver, time);
        let mut telemetry_sent = false;
        loop {
            match self.try_begin(begin, first, &retry, &mut telemetry_sent).await {
                Ok(open) => return Ok(open),
                // Until BEGIN is answered nothing of the work is sent that would be done without it.
                Err(error) => {
                    self.log_failure(&retry, &error);
                    match judge(&Attempt::unsent(&error, false)) {
                        Verdict::Again => {
                            self.signals.unless_aborted(pin!(self.retry(&mut retry, error))).await?;
                        }
                        _ => return Err(self.on_error(retry.end(error))),
                    }
                }
            }
        }
    }

    /// One attempt. `telemetry_sent`: the server knows which interface is in use; it is sent once.
    async fn try_begin(
        &self,
        begin: &Begin,
        first: Option<&Run>,
        retry: &Retry,
        telemetry_sent: &mut bool,
    ) -> Result<Open, Error> {
        let mut pooled = self.signals.unless_aborted(pin!(self.connect(retry))).await?;
        let settings = match self.settings().await {
            Ok(settings) => settings,
            Err(error) => {
                pooled.release();
                return Err(error);
            }
        };
        let by_master = self.is_done_alone(pooled.server.index);
        let mut sent = match send_begin(&settings, begin, first, &mut pooled, *telemetry_sent) {
            Ok(sent) => sent,
            Err(e) => {
                let error = Error::new(Kind::Client, e.to_string()).on(pooled.server.clone());
                pooled.release();
                return Err(error);
            }
        };
        // One query that is all of the transaction: what another reader does of it is undone with its connection.
        if let (Some(run), Some(_)) = (first, sent.first_run) {
            let answers = Answers { first: 2 + usize::from(sent.telemetry), second: 2 };
            let asking = |second: &mut Pooled| {
                send_begin(&settings, begin, Some(run), second, true)
                    .is_ok_and(|sent| sent.first_run.is_some())
            };
            match self.hedge(&mut pooled, answers, asking).await {
                Ok(None) => {}
                Ok(Some((second, asked))) => {
                    std::mem::replace(&mut pooled, second).release();
                    sent = Sent { telemetry: false, first_run: Some(asked) };
                }
                Err(error) => {
                    pooled.release();
                    return Err(error);
                }
            }
        }
        let begun = self
            .signals
            .unless_aborted(pin!(async {
                if sent.telemetry {
                    answer(&mut pooled, Request::Telemetry).await?;
                    *telemetry_sent = true;
                }
                answer(&mut pooled, Request::Begin).await
            }))
            .await;
        match begun {
            Ok(metadata) => {
                self.works_in(metadata.database());
                let results = OpenResults::default();
                let bookmarks = settings.bookmarks;
                Ok(Open {
                    by_master,
                    pooled,
                    bookmarks,
                    first_sent: sent.first_run,
                    has_committed: false,
                    results,
                })
            }
            Err(error) => {
                pooled.release();
                Err(error)
            }
        }
    }
}

impl Open {
    /// Writes a query, and tells when; or nothing.
    fn send(&mut self, run: &Run, fetch_size: i64) -> Result<Instant, Error> {
        send_run(&mut self.pooled, run, fetch_size)
            .map(|()| Instant::now())
            .map_err(|e| Error::new(Kind::Client, e.to_string()).on(self.pooled.server.clone()))
    }

    /// Without COMMIT nothing was done, but for what committed on its own.
    fn outcome(&self, error: Error) -> Error {
        error.with_unknown_outcome_if(self.has_committed)
    }

    async fn roll_back(self, session: &Inner) -> Result<(), Error> {
        let mut pooled = self.pooled;
        // An abort resets the connection, which rolls back as well.
        let result = session
            .signals
            .unless_aborted(pin!(async {
                pooled.still_open().await?;
                pooled.bolt.rollback().map_err(|e| pooled.protocol_error(&e.to_string()))?;
                answer(&mut pooled, Request::Rollback).await
            }))
            .await;
        if result.is_ok() {
            session.answered_by(pooled.server.index);
        }
        pooled.release();
        match result.map_err(|error| session.on_error(error)) {
            // The connection is gone, and the transaction with it.
            Err(error)
                if matches!(error.kind, Kind::Connection | Kind::Closed | Kind::Protocol | Kind::Aborted) =>
            {
                Ok(())
            }
            result => result.map(drop),
        }
    }

    async fn commit(self, session: &Inner) -> Result<(), Error> {
        let Open { by_master, has_committed, mut pooled, bookmarks, results, .. } = self;
        let mut queued = None;
        let result = session
            .signals
            .unless_aborted(pin!(async {
                // On a connection that is known to be gone nothing is sent: then nothing was done.
                pooled.still_open().await?;
                pooled.bolt.commit().map_err(|e| pooled.protocol_error(&e.to_string()))?;
                queued = Some(pooled.bolt.output().len());
                answer(&mut pooled, Request::Commit).await
            }))
            .await;
        let is_sent = queued.is_some_and(|queued| pooled.bolt.output().len() < queued);
        let progress = if is_sent { Progress::Executing } else { Progress::Unsent };
        let version = pooled.bolt.version();
        let server = pooled.server.index;
        pooled.release();
        let error = match result {
            Ok(metadata) => {
                session.remember(&bookmarks, metadata.bookmark());
                session.answered_by(server);
                return Ok(());
            }
            Err(error) => error,
        };
        let verdict = judge(&Attempt {
            error: &error,
            work: Work::Commit { only_reads: results.have_only_read() },
            progress,
            by_master,
            version,
            reads: session.reads_only(),
            delivered: false,
            doubt: false,
            at_least_once: false,
        });
        let is_unknown = has_committed || verdict == Verdict::SurfaceUnknown;
        Err(session.on_error(error.with_unknown_outcome_if(is_unknown)))
    }
}

impl Transaction {
    pub(super) fn failed(id: u64, error: Error) -> Self {
        Transaction { id, standing: Standing::Failed(error) }
    }

    /// Nothing more can be done in it. What is open is rolled back by the RESET that makes its connection fit for others.
    pub(super) fn fail(&mut self, error: Error) {
        if matches!(self.standing, Standing::Failed(_)) {
            return;
        }
        let failed = Standing::Failed(error.clone());
        if let Standing::Open(open) = std::mem::replace(&mut self.standing, failed) {
            let Open { pooled, results, .. } = *open;
            pooled.release();
            results.fail(&error);
        }
    }

    /// Nobody talks in it for now.
    pub(super) fn park(&mut self, session: &Arc<Inner>) {
        let Standing::Open(open) = &mut self.standing else { return };
        let holder: Weak<Inner> = Arc::downgrade(session);
        if let Err(error) = open.pooled.park(holder) {
            self.fail(error);
        }
    }

    /// Results are open, which only their readers keep from going on.
    pub(super) fn is_reading(&self) -> bool {
        matches!(&self.standing, Standing::Open(open) if !open.results.is_empty())
    }

    /// Runs a query, to its end or until it gives way to what waits. Whatever happens to it on the server fails the transaction.
    pub(super) async fn run(&mut self, session: &Inner, run: Run) {
        let open = match &mut self.standing {
            Standing::Open(open) => open,
            Standing::Failed(error) => return run.fail(error.clone()),
        };
        let fetch_size = session.fetch_size(&run);
        let asked = match open.first_sent.take() {
            Some(sent) => sent,
            None => {
                if let Err(error) = open.pooled.still_open().await {
                    run.fail(error.clone());
                    return self.unless_failed(session, Err(error));
                }
                match open.send(&run, fetch_size) {
                    Ok(sent) => sent,
                    // Nothing was written: the transaction goes on.
                    Err(error) => return run.fail(error),
                }
            }
        };
        let Open { pooled, results, has_committed, .. } = &mut **open;
        let is_batched = commits_in_batches(&run.query);
        let result = Streaming::new(run, pooled, fetch_size, asked);
        let done = results.add(session, pooled, result).await;
        *has_committed |= is_batched && done.as_ref().err().is_none_or(may_have_committed);
        self.unless_failed(session, done.map_err(|broken| broken.error));
    }

    /// Lets open results go on as their readers take them, until something else is to be done.
    pub(super) async fn read_on(&mut self, session: &Inner) {
        if let Standing::Open(open) = &mut self.standing {
            let done = open.results.read_on(session, &mut open.pooled).await;
            self.unless_failed(session, done);
        }
    }

    /// Brings open results to their end.
    pub(super) async fn end_results(&mut self, session: &Inner) {
        if let Standing::Open(open) = &mut self.standing {
            let done = open.results.end(session, &mut open.pooled).await;
            self.unless_failed(session, done);
        }
    }

    fn unless_failed(&mut self, session: &Inner, done: Result<(), Error>) {
        if let (Err(error), Standing::Open(open)) = (done, &self.standing) {
            self.fail(session.on_error(open.outcome(error)));
        }
    }
}

impl Holder for Inner {
    fn on_interrupt(&self) {
        let mut queue = self.queue.lock();
        let parked = queue.state.as_mut().and_then(|state| state.transaction.as_mut());
        let Some(transaction) = parked else { return };
        if let Standing::Open(open) = &mut transaction.standing {
            if let Some(error) = open.pooled.interruption() {
                transaction.fail(error);
            }
        }
    }
}

/// Of a query that commits on its own, and failed.
fn may_have_committed(Broken { error, progress, .. }: &Broken) -> bool {
    let work = Work::Query { batches: true };
    judge(&Attempt { work, progress: *progress, ..Attempt::unsent(error, false) }) == Verdict::SurfaceUnknown
}

/// What went out with BEGIN.
struct Sent {
    telemetry: bool,
    /// When the first query was.
    first_run: Option<Instant>,
}

/// Writes BEGIN, and the first query where it waits already: its answer comes one exchange earlier.
fn send_begin(
    settings: &Settings<'_>,
    begin: &Begin,
    first: Option<&Run>,
    pooled: &mut Pooled,
    telemetry_sent: bool,
) -> Result<Sent, bolt::RequestError> {
    let session = settings.session;
    let meta = settings.tx_meta(&begin.config, begin.metadata.as_deref());
    let telemetry = match begin.config.api {
        Some(api) if !telemetry_sent => session.send_telemetry(pooled, api)?,
        _ => false,
    };
    pooled.bolt.begin(&meta)?;
    // One that cannot be sent gets its error when its turn comes.
    let mut send = |run: &Run| send_run(pooled, run, session.fetch_size(run)).is_ok();
    let is_sent = match first {
        Some(run) => send(run),
        None => session.with_next_run(send).unwrap_or(false),
    };
    Ok(Sent { telemetry, first_run: is_sent.then(Instant::now) })
}

/// Writes a query of a transaction, or nothing.
fn send_run(pooled: &mut Pooled, run: &Run, fetch_size: i64) -> Result<(), bolt::RequestError> {
    let message = bolt::Run { query: &run.query, parameters: &run.parameters, tx: None };
    pooled.bolt.run(&message)?;
    pooled.note_query(&run.query);
    pooled.bolt.pull(fetch_size, None)
}

/// Waits for the answer to one request.
async fn answer(pooled: &mut Pooled, to: Request) -> Result<Metadata, Error> {
    match pooled.conn.event().await? {
        Event::Success { request, metadata } if request == to => Ok(metadata),
        Event::Failure { failure, .. } => Err(Error::from_failure(failure).on(pooled.server.clone())),
        _ => Err(pooled.conn.protocol_error("an answer that nobody asked for")),
    }
}
