//! Explicit transactions. Only their beginning is tried again: what was sent in one is the application's to repeat.

use std::time::Duration;

use bolt::{Event, Metadata, Request};

use super::command::{Begin, Fate};
use super::result::{Broken, Streaming};
use super::{may_be_done, Inner, Run, State};
use crate::error::{Error, Kind};
use crate::pool::Pooled;
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
    server: usize,
    pooled: Pooled,
    /// The first query went out together with BEGIN.
    first_is_sent: bool,
}

impl State {
    pub(super) async fn begin(&mut self, session: &Inner, begin: &Begin) -> Result<(), Error> {
        if self.transaction.is_some() {
            return Err(Error::new(
                Kind::Client,
                "You cannot begin a transaction on a session with an open transaction; either run from within the \
                 transaction or use a different session.",
            ));
        }
        match self.open(session, begin).await {
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

    async fn open(&mut self, session: &Inner, begin: &Begin) -> Result<Open, Error> {
        let driver = &session.shared.config;
        let time = begin.config.retry_time.map_or(driver.retry_time(), Duration::from_millis);
        let mut retry = Retry::within(driver, time);
        let mut told = false;
        loop {
            match self.try_begin(session, begin, &retry, &mut told).await {
                Ok(open) => return Ok(open),
                Err(error) => session.unless_aborted(self.retry(session, &mut retry, error)).await?,
            }
        }
    }

    /// One attempt. `told`: the server has heard which interface is in use; it is told once.
    async fn try_begin(
        &mut self,
        session: &Inner,
        begin: &Begin,
        retry: &Retry,
        told: &mut bool,
    ) -> Result<Open, Error> {
        let (server, mut pooled) = session.unless_aborted(self.connect(session, retry)).await?;
        let sent = match send_begin(session, begin, &mut pooled, *told) {
            Ok(sent) => sent,
            Err(e) => {
                let error = Error::new(Kind::Client, e.to_string()).on(pooled.server.clone());
                pooled.release();
                return Err(error);
            }
        };
        let begun = session.unless_aborted(async {
            if sent.telemetry {
                answer(&mut pooled, Request::Telemetry).await?;
                *told = true;
            }
            answer(&mut pooled, Request::Begin).await
        });
        match begun.await {
            Ok(metadata) => {
                session.works_in(metadata.database());
                Ok(Open { server, pooled, first_is_sent: sent.first_run })
            }
            Err(error) => {
                pooled.release();
                Err(error)
            }
        }
    }

    pub(super) async fn commit(&mut self, session: &Inner) -> Result<(), Error> {
        let Some(transaction) = self.transaction.take() else {
            return Err(Error::new(Kind::Client, "Cannot commit: no transaction is open."));
        };
        let Open { server, mut pooled, .. } = match transaction.standing {
            Standing::Open(open) => *open,
            Standing::Failed(error) => return Err(error),
        };
        let by_slave = State::is_slave(session, server);
        let mut fate = Fate::Unsent;
        let committed = session.unless_aborted(async {
            pooled.bolt.commit().map_err(|e| pooled.protocol_error(&e.to_string()))?;
            fate = Fate::Executing;
            answer(&mut pooled, Request::Commit).await
        });
        let result = committed.await;
        pooled.release();
        match result {
            Ok(metadata) => {
                session.remember(metadata.bookmark());
                Ok(())
            }
            // Even of work that was declared to read: servers before 4.0 do not hold it to that.
            Err(error) if may_be_done(&error, fate, by_slave) => {
                Err(session.on_error(error.with_unknown_outcome()))
            }
            Err(error) => Err(session.on_error(error)),
        }
    }

    /// Rolls back what is open; what has failed, or is not open, is rolled back already.
    pub(super) async fn roll_back(&mut self) -> Result<(), Error> {
        let Some(Transaction { standing: Standing::Open(open), .. }) = self.transaction.take() else {
            return Ok(());
        };
        let mut pooled = open.pooled;
        if let Err(e) = pooled.bolt.rollback() {
            return Err(pooled.protocol_error(&e.to_string()));
        }
        let result = answer(&mut pooled, Request::Rollback).await;
        pooled.release();
        match result {
            // The connection is gone, and the transaction with it.
            Err(error) if error.kind == Kind::Connection => Ok(()),
            result => result.map(drop),
        }
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
        if let Standing::Open(open) = std::mem::replace(&mut self.standing, Standing::Failed(error)) {
            open.pooled.release();
        }
    }

    /// Runs a query to its end. Whatever happens to it on the server fails the transaction.
    pub(super) async fn run(&mut self, session: &Inner, run: &Run) -> Result<(), Error> {
        let open = match &mut self.standing {
            Standing::Open(open) => open,
            Standing::Failed(error) => return Err(error.clone()),
        };
        let fetch_size = session.fetch_size(run);
        if !std::mem::take(&mut open.first_is_sent) {
            // If it cannot be, nothing was written: the transaction goes on.
            send_run(&mut open.pooled, run, fetch_size)
                .map_err(|e| Error::new(Kind::Client, e.to_string()).on(open.pooled.server.clone()))?;
        }
        let Open { server, pooled, .. } = &mut **open;
        let streaming = Streaming::new(session, run, pooled, fetch_size);
        match streaming.read(&mut pooled.conn).await {
            Ok((metadata, result)) => {
                result.finish(&metadata, pooled.identity(), 1);
                Ok(())
            }
            // Without COMMIT nothing was done: no outcome is unknown here.
            Err(Broken { error, .. }) => {
                if error.server_unfit() {
                    session.shared.demote(*server, &error);
                }
                let error = session.on_error(error);
                self.fail(error.clone());
                Err(error)
            }
        }
    }
}

/// What went out with BEGIN.
struct Sent {
    telemetry: bool,
    first_run: bool,
}

/// Writes BEGIN, and the first query where it waits already: its answer comes one exchange earlier.
fn send_begin(
    session: &Inner,
    begin: &Begin,
    pooled: &mut Pooled,
    told: bool,
) -> Result<Sent, bolt::RequestError> {
    let settings = session.settings();
    let meta = settings.tx_meta(&begin.config, begin.metadata.as_deref());
    let telemetry = match begin.config.api {
        Some(api) if !told => session.tell_api(pooled, api)?,
        _ => false,
    };
    pooled.bolt.begin(&meta)?;
    let first_run = session
        .with_next_run(|run| {
            // One that cannot be sent gets its error when its turn comes.
            send_run(pooled, run, session.fetch_size(run)).is_ok()
        })
        .unwrap_or(false);
    Ok(Sent { telemetry, first_run })
}

/// Writes a query of a transaction, or nothing.
fn send_run(pooled: &mut Pooled, run: &Run, fetch_size: i64) -> Result<(), bolt::RequestError> {
    let message = bolt::Run { query: &run.query, parameters: &run.parameters, tx: None };
    pooled.bolt.run(&message)?;
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
