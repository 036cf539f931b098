//! A query that is its own transaction, tried again as the contract says: never once a record has reached the
//! application, and never a write that may have been done.

use bolt::{Event, Request, TxMeta, Version};

use super::result::{Broken, Streaming};
use super::{may_be_done, Inner, Run, State};
use crate::config::Use;
use crate::error::{Error, Kind};
use crate::pool::Pooled;
use crate::retry::Retry;

/// From this version on the server itself refuses writes in access mode READ. Members of HA clusters do not: what an
/// application calls a read may write (seen on 3.5, master and slave).
const READS_ARE_ENFORCED: Version = Version { major: 4, minor: 0 };

impl State {
    pub(super) async fn auto_commit(&mut self, session: &Inner, run: Run) {
        if let Err(error) = self.repeat(session, &run).await {
            run.sink.failure(error);
            run.sink.flush();
        }
    }

    /// Attempts until one succeeds, or fails for good.
    async fn repeat(&mut self, session: &Inner, run: &Run) -> Result<(), Error> {
        let mut retry = Retry::new(&session.shared.config);
        // The error of an attempt that may have done what it was to do, if the query is a write after all.
        let mut doubt = None;
        loop {
            let failed = match self.attempt(session, run, &retry, &mut doubt).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            if failed.is_final {
                return Err(session.heard(failed.error));
            }
            if failed.is_doubtful {
                doubt = Some(failed.error.clone());
            }
            self.retry(session, &mut retry, failed.error).await?;
        }
    }

    /// One attempt; on success the result was handed over whole.
    async fn attempt(
        &mut self,
        session: &Inner,
        run: &Run,
        retry: &Retry,
        doubt: &mut Option<Error>,
    ) -> Result<(), Failed> {
        let (server, mut pooled) = self.connect(session, retry).await?;
        let (bookmarks, database) = (session.bookmarks.lock().clone(), session.database());
        let filter = session.config.notification_filter.as_ref().map(|f| f.to_bolt());
        let meta = TxMeta {
            bookmarks: &bookmarks,
            timeout_ms: run.config.timeout,
            metadata: run.metadata.as_deref(),
            read: session.reads(),
            database: database.as_deref(),
            impersonated_user: session.config.impersonated_user.as_deref(),
            notification_filter: filter.as_ref(),
        };
        if let Some(error) = doubt.as_ref() {
            if !only_reads(&mut pooled, run, &meta).await? {
                pooled.release();
                return Err(Failed::finally(error.clone().with_unknown_outcome()));
            }
            *doubt = None;
        }
        let message = bolt::Run { query: &run.query, parameters: &run.parameters, tx: Some(&meta) };
        let fetch_size = session.fetch_size(run);
        let by_slave = State::is_slave(session, server);
        let asked = session
            .tell_use(&mut pooled, Use::AutoCommit)
            .and_then(|()| pooled.bolt.run(&message))
            .and_then(|()| pooled.bolt.pull(fetch_size, None));
        if let Err(e) = asked {
            let error = Error::new(Kind::Client, e.to_string()).on(pooled.server.clone());
            pooled.release();
            return Err(Failed::finally(error));
        }
        let identity = pooled.identity();
        match Streaming::new(session, run, &pooled, fetch_size).read(&mut pooled.conn).await {
            Ok((metadata, result)) => {
                session.remember(metadata.bookmark());
                pooled.release();
                result.finish(&metadata, identity, retry.attempts());
                Ok(())
            }
            Err(Broken { error, fate, handed_over }) => {
                pooled.release();
                let may_be_done =
                    may_be_done(&error, fate, by_slave) && !session.shared.config.retry_unknown_outcome;
                if may_be_done && session.writes() {
                    return Err(Failed::finally(error.with_unknown_outcome()));
                }
                let is_doubtful = may_be_done && identity.0 < READS_ARE_ENFORCED;
                let is_final = handed_over && !(error.curable() && run.sink.restart());
                if handed_over && !is_final {
                    run.flow.restart();
                }
                Err(Failed { error, is_final, is_doubtful })
            }
        }
    }
}

/// How an attempt failed.
struct Failed {
    error: Error,
    /// No other attempt may be made, whatever the error.
    is_final: bool,
    /// It may have been done; another attempt may be made if it is certain that it only reads.
    is_doubtful: bool,
}

impl Failed {
    fn finally(error: Error) -> Self {
        Failed { error, is_final: true, is_doubtful: false }
    }
}

impl From<Error> for Failed {
    /// Nothing was sent yet.
    fn from(error: Error) -> Self {
        Failed { error, is_final: false, is_doubtful: false }
    }
}

/// Asks the server whether a query only reads: this driver does not read Cypher, but EXPLAIN does, and does not
/// execute. What it cannot explain counts as a write.
async fn only_reads(pooled: &mut Pooled, run: &Run, meta: &TxMeta<'_>) -> Result<bool, Error> {
    let query = format!("EXPLAIN {}", run.query);
    let message = bolt::Run { query: &query, parameters: &run.parameters, tx: Some(meta) };
    if pooled.bolt.run(&message).and_then(|()| pooled.bolt.pull(-1, None)).is_err() {
        return Ok(false);
    }
    loop {
        match pooled.event().await? {
            Event::Success { request: Request::Pull, metadata } => {
                return Ok(metadata.get("type") == Some(bolt::packstream::Value::String("r".into())));
            }
            Event::Failure { .. } => {
                pooled.reset().await?;
                return Ok(false);
            }
            _ => {}
        }
    }
}

impl Inner {
    /// Whether the work is declared to write.
    fn writes(&self) -> bool {
        self.intent.write || !self.reads()
    }

    /// TELEMETRY, for servers that ask for it (Bolt 5.4 and later).
    pub(super) fn tell_use(&self, pooled: &mut Pooled, what: Use) -> Result<(), bolt::RequestError> {
        if self.shared.config.telemetry_disabled {
            return Ok(());
        }
        pooled.bolt.telemetry(what as i64).map(drop)
    }

    pub(super) fn fetch_size(&self, run: &Run) -> i64 {
        run.config.fetch_size.or(self.config.fetch_size).unwrap_or(self.shared.config.fetch_size)
    }
}
