//! Explicit transactions. Only their beginning is tried again: what was sent in one is the application's to repeat.

use std::time::Duration;

use bolt::{Event, Metadata, Request, TxMeta};

use super::command::Fate;
use super::result::{Broken, Streaming};
use super::{may_be_done, Inner, Run, State};
use crate::config::{TxConfig, Use};
use crate::error::{Error, Kind};
use crate::pool::Pooled;
use crate::retry::Retry;

/// A transaction that was begun and neither committed nor rolled back by the application.
pub(super) struct Transaction {
    server: usize,
    /// `None` once it failed: the server has rolled it back, or will.
    pooled: Option<Pooled>,
}

impl State {
    pub(super) async fn begin(
        &mut self,
        session: &Inner,
        config: TxConfig,
        metadata: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        if self.transaction.is_some() {
            return Err(Error::new(
                Kind::Client,
                "You cannot begin a transaction on a session with an open transaction; either run from within the \
                 transaction or use a different session.",
            ));
        }
        let driver = &session.shared.config;
        let mut retry =
            Retry::within(driver, config.retry_time.map_or(driver.retry_time(), Duration::from_millis));
        loop {
            match self.try_begin(session, &config, metadata.as_deref(), &retry).await {
                Ok(transaction) => {
                    self.transaction = Some(transaction);
                    return Ok(());
                }
                Err(error) => self.retry(session, &mut retry, error).await?,
            }
        }
    }

    async fn try_begin(
        &mut self,
        session: &Inner,
        config: &TxConfig,
        metadata: Option<&[u8]>,
        retry: &Retry,
    ) -> Result<Transaction, Error> {
        let (server, mut pooled) = self.connect(session, retry).await?;
        let (bookmarks, database) = (session.bookmarks.lock().clone(), session.database());
        let filter = session.config.notification_filter.as_ref().map(|f| f.to_bolt());
        let meta = TxMeta {
            bookmarks: &bookmarks,
            timeout_ms: config.timeout,
            metadata,
            read: session.reads(),
            database: database.as_deref(),
            impersonated_user: session.config.impersonated_user.as_deref(),
            notification_filter: filter.as_ref(),
        };
        let what = if config.managed { Use::ManagedTransaction } else { Use::ExplicitTransaction };
        if let Err(e) = session.tell_use(&mut pooled, what).and_then(|()| pooled.bolt.begin(&meta)) {
            let error = Error::new(Kind::Client, e.to_string()).on(pooled.server.clone());
            pooled.release();
            return Err(error);
        }
        match answer(&mut pooled, Request::Begin).await {
            Ok(metadata) => {
                session.works_in(metadata.database());
                Ok(Transaction { server, pooled: Some(pooled) })
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
        let server = transaction.server;
        let Some(mut pooled) = transaction.pooled else {
            return Err(Error::new(
                Kind::Client,
                "Cannot commit this transaction, because it has been rolled back either because of an error or \
                 explicit termination.",
            ));
        };
        if let Err(e) = pooled.bolt.commit() {
            return Err(pooled.protocol_error(&e.to_string()));
        }
        let by_slave = State::is_slave(session, server);
        let result = answer(&mut pooled, Request::Commit).await;
        pooled.release();
        match result {
            Ok(metadata) => {
                session.remember(metadata.bookmark());
                Ok(())
            }
            // Even of work that was declared to read: servers before 4.0 do not hold it to that.
            Err(error) if may_be_done(&error, Fate::Executing, by_slave) => {
                Err(session.heard(error.with_unknown_outcome()))
            }
            Err(error) => Err(session.heard(error)),
        }
    }

    /// Rolls back what is open; what has failed, or is not open, is rolled back already.
    pub(super) async fn roll_back(&mut self) -> Result<(), Error> {
        let Some(mut pooled) = self.transaction.take().and_then(|t| t.pooled) else { return Ok(()) };
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
    pub(super) async fn run(&mut self, session: &Inner, run: Run) {
        if let Err(error) = self.try_run(session, &run).await {
            run.sink.failure(error);
            run.sink.flush();
        }
    }

    async fn try_run(&mut self, session: &Inner, run: &Run) -> Result<(), Error> {
        let Some(mut pooled) = self.pooled.take() else {
            return Err(Error::new(
                Kind::Client,
                "Cannot run query in this transaction, because it has been rolled back either because of an error or \
                 explicit termination.",
            ));
        };
        let message = bolt::Run { query: &run.query, parameters: &run.parameters, tx: None };
        let fetch_size = session.fetch_size(run);
        if let Err(e) = pooled.bolt.run(&message).and_then(|()| pooled.bolt.pull(fetch_size, None)) {
            // Nothing was written: the transaction goes on.
            let error = Error::new(Kind::Client, e.to_string()).on(pooled.server.clone());
            self.pooled = Some(pooled);
            return Err(error);
        }
        let streamed = Streaming::new(session, run, &pooled, fetch_size).read(&mut pooled.conn).await;
        match streamed {
            Ok((metadata, result)) => {
                let identity = pooled.identity();
                self.pooled = Some(pooled);
                result.finish(&metadata, identity, 1);
                Ok(())
            }
            // Without COMMIT nothing was done: no outcome is unknown here.
            Err(Broken { error, .. }) => {
                if error.server_unfit() {
                    session.shared.demote(self.server, &error);
                }
                pooled.release();
                Err(session.heard(error))
            }
        }
    }
}

/// Waits for the answer to one request.
async fn answer(pooled: &mut Pooled, to: Request) -> Result<Metadata, Error> {
    loop {
        return match pooled.conn.event().await? {
            Event::Success { request, metadata } if request == to => Ok(metadata),
            Event::Success { request: Request::Telemetry, .. } => continue,
            Event::Failure { failure, .. } => Err(Error::from_failure(failure).on(pooled.server.clone())),
            _ => Err(pooled.conn.protocol_error("an answer that nobody asked for")),
        };
    }
}
