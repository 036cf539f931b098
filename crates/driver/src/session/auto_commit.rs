//! A query that is its own transaction, tried again as the contract says: never once a record has reached the
//! application, and never a write that may have been done.

use bolt::{Event, Request, TxMeta, Version};

use super::command::Fate;
use super::result::{Broken, Streaming};
use super::{may_be_done, Inner, Run, State};
use crate::config::{Api, Mode};
use crate::error::{Error, Kind};
use crate::pool::Pooled;
use crate::retry::Retry;

/// From this version on the server itself refuses writes in access mode READ. Members of HA clusters do not: what an
/// application calls a read may write (seen on 3.5, master and slave).
const READS_ARE_ENFORCED: Version = Version { major: 4, minor: 0 };

impl State {
    /// Attempts until one succeeds, or fails for good.
    pub(super) async fn auto_commit(&mut self, session: &Inner, run: &Run) -> Result<(), Error> {
        let mut retry = Retry::new(&session.shared.config);
        // The error of an attempt that may have done what it was to do, if the query is a write after all.
        let mut doubt = None;
        let mut repeats = session.repeats_at_the_servers_word();
        let mut told = false;
        loop {
            let failed = match self.attempt(session, run, &retry, &mut doubt, told).await {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            };
            if failed.is_repeatable && repeats {
                (repeats, told) = (false, true);
                continue;
            }
            if failed.is_final {
                return Err(session.on_error(failed.error));
            }
            if failed.is_doubtful {
                doubt = Some(failed.error.clone());
            }
            session.unless_aborted(self.retry(session, &mut retry, failed.error)).await?;
        }
    }

    /// One attempt; on success the result was handed over whole. `told`: the server has heard which interface is in use.
    async fn attempt(
        &mut self,
        session: &Inner,
        run: &Run,
        retry: &Retry,
        doubt: &mut Option<Error>,
        told: bool,
    ) -> Result<(), Failed> {
        let (server, mut pooled) = session.unless_aborted(self.connect(session, retry)).await?;
        let settings = session.settings();
        let meta = settings.tx_meta(&run.config, run.metadata.as_deref());
        if let Some(error) = doubt.as_ref() {
            let failed = match session.unless_aborted(Box::pin(only_reads(&mut pooled, run, &meta))).await {
                Ok(true) => None,
                Ok(false) => Some(Failed::finally(error.clone().with_unknown_outcome())),
                Err(error) => Some(error.into()),
            };
            if let Some(failed) = failed {
                pooled.release();
                return Err(failed);
            }
            *doubt = None;
        }
        let message = bolt::Run { query: &run.query, parameters: &run.parameters, tx: Some(&meta) };
        let fetch_size = session.fetch_size(run);
        let by_slave = State::is_slave(session, server);
        let telling = if told { Ok(false) } else { session.tell_api(&mut pooled, Api::AutoCommit) };
        let asked =
            telling.and_then(|_| pooled.bolt.run(&message)).and_then(|()| pooled.bolt.pull(fetch_size, None));
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
                let is_repeatable = fate == Fate::Refused && error.is_idempotent();
                Err(Failed { error, is_final, is_doubtful, is_repeatable })
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
    /// The server says that nothing was done, and asks for a repetition.
    is_repeatable: bool,
}

impl Failed {
    fn finally(error: Error) -> Self {
        Failed { error, is_final: true, is_doubtful: false, is_repeatable: false }
    }
}

impl From<Error> for Failed {
    /// Nothing was sent yet.
    fn from(error: Error) -> Self {
        Failed { error, is_final: false, is_doubtful: false, is_repeatable: false }
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

    /// Whether a query that the server refuses as idempotent is sent once more. HA members never say so.
    fn repeats_at_the_servers_word(&self) -> bool {
        let driver = &self.shared.config;
        let disabled = self.config.disable_auto_commit_retries.unwrap_or(driver.disable_auto_commit_retries);
        !disabled && driver.mode != Mode::Ha
    }

    /// TELEMETRY, for servers that ask for it (Bolt 5.4 and later). Whether it was written.
    pub(super) fn tell_api(&self, pooled: &mut Pooled, api: Api) -> Result<bool, bolt::RequestError> {
        if self.shared.config.telemetry_disabled {
            return Ok(false);
        }
        pooled.bolt.telemetry(api.into())
    }

    pub(super) fn fetch_size(&self, run: &Run) -> i64 {
        run.config.fetch_size.or(self.config.fetch_size).unwrap_or(self.shared.config.fetch_size)
    }
}
