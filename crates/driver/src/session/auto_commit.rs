//! A query that is its own transaction, tried again as [`verdict`](super::verdict) says.

use std::pin::pin;

use bolt::{Event, Request, TxMeta};
use tokio::time::Instant;

use super::batches::commits_in_batches;
use super::hedge::Answers;
use super::outcome::Progress;
use super::result::{Broken, Streaming};
use super::verdict::{judge, Attempt, Verdict, Work};
use super::{Inner, Run};
use crate::config::{Api, Mode};
use crate::error::{Error, Kind};
use crate::pool::Pooled;
use crate::retry::Retry;

impl Inner {
    /// Attempts until one succeeds, or fails for good.
    pub(super) async fn auto_commit(&self, run: &Run) -> Result<(), Error> {
        let mut retry = Retry::new(&self.core.config);
        let mut doubt = None;
        let mut repeats = self.repeats_at_the_servers_word();
        let mut telemetry_sent = false;
        loop {
            let Failed { error, verdict, is_repeatable } =
                match self.attempt(run, &retry, &mut doubt, telemetry_sent).await {
                    Ok(()) => return Ok(()),
                    Err(failed) => failed,
                };
            self.log_failure(&retry, &error);
            if is_repeatable && repeats {
                (repeats, telemetry_sent) = (false, true);
                continue;
            }
            match verdict {
                Verdict::Again => {}
                Verdict::AgainInDoubt => doubt = Some(error.clone()),
                Verdict::Surface => return Err(self.on_error(retry.end(error))),
                Verdict::SurfaceUnknown => return Err(self.on_error(retry.end(error.with_unknown_outcome()))),
            }
            // Whatever ends the attempts, the doubt stays.
            self.signals
                .unless_aborted(pin!(self.retry(&mut retry, error)))
                .await
                .map_err(|error| error.with_unknown_outcome_if(doubt.is_some()))?;
        }
    }

    /// One attempt; on success the result was handed over whole. `doubt`: the error of an earlier attempt that may have done it.
    /// `telemetry_sent`: the server knows which interface is in use.
    async fn attempt(
        &self,
        run: &Run,
        retry: &Retry,
        doubt: &mut Option<Error>,
        telemetry_sent: bool,
    ) -> Result<(), Failed> {
        let unsent = |error: Error, doubt: &Option<Error>| Failed::unsent(error, doubt.is_some());
        let connected = self.signals.unless_aborted(pin!(self.connect(retry))).await;
        let mut pooled = connected.map_err(|error| unsent(error, doubt))?;
        let settings = match self.settings().await {
            Ok(settings) => settings,
            Err(error) => {
                pooled.release();
                return Err(unsent(error, doubt));
            }
        };
        let meta = settings.tx_meta(&run.config, run.metadata.as_deref());
        if let Some(error) = doubt.as_ref().filter(|_| self.reads_only()) {
            let only_reads =
                self.signals.unless_aborted(Box::pin(only_reads(&mut pooled, run, &meta)).as_mut()).await;
            let failed = match only_reads {
                Ok(true) => None,
                Ok(false) => Some(Failed::finally(error.clone(), Verdict::SurfaceUnknown)),
                Err(error) => Some(unsent(error, doubt)),
            };
            if let Some(failed) = failed {
                pooled.release();
                return Err(failed);
            }
            *doubt = None;
        }
        let message = bolt::Run { query: &run.query, parameters: &run.parameters, tx: Some(&meta) };
        let fetch_size = self.fetch_size(run);
        let by_master = self.is_done_alone(pooled.server.index);
        let telling =
            if telemetry_sent { Ok(false) } else { self.send_telemetry(&mut pooled, Api::AutoCommit) };
        let asking = |pooled: &mut Pooled| {
            pooled.bolt.run(&message)?;
            pooled.note_query(&run.query);
            pooled.bolt.pull(fetch_size, None)
        };
        let asked = telling.and_then(|telling| asking(&mut pooled).map(|()| telling));
        let telling = match asked {
            Ok(telling) => telling,
            Err(e) => {
                let error = Error::new(Kind::Client, e.to_string()).on(pooled.server.clone());
                pooled.release();
                return Err(unsent(error, doubt));
            }
        };
        let mut result = Streaming::new(run, &pooled, fetch_size, Instant::now());
        let answers = Answers { first: 1 + usize::from(telling), second: 1 };
        let read = match self.hedge(&mut pooled, answers, |second| asking(second).is_ok()).await {
            Err(error) => Err(result.unanswered(error, &pooled)),
            Ok(hedge) => {
                if let Some((second, asked)) = hedge {
                    std::mem::replace(&mut pooled, second).release();
                    result = Streaming::new(run, &pooled, fetch_size, asked);
                }
                result.read(self, &mut pooled.conn).await
            }
        };
        let (server, identity) = (pooled.server.index, pooled.identity());
        match read {
            Ok(metadata) => {
                self.remember(&settings.bookmarks, metadata.bookmark());
                self.answered_by(server);
                pooled.release();
                result.finish(&metadata, identity);
                Ok(())
            }
            Err(Broken { error, progress, handed_over }) => {
                pooled.release();
                let attempt = Attempt {
                    error: &error,
                    work: Work::Query { batches: commits_in_batches(&run.query) },
                    progress,
                    by_master,
                    version: identity.0,
                    reads: self.reads_only(),
                    delivered: false,
                    doubt: doubt.is_some(),
                    at_least_once: self.core.config.retry_unknown_outcome,
                };
                let mut verdict = judge(&attempt);
                if handed_over && matches!(verdict, Verdict::Again | Verdict::AgainInDoubt) {
                    if run.sink.restart() {
                        run.flow.restart();
                    } else {
                        verdict = judge(&Attempt { delivered: true, ..attempt });
                    }
                }
                let is_repeatable = progress == Progress::Refused
                    && error.is_idempotent()
                    && verdict != Verdict::SurfaceUnknown;
                Err(Failed { error, verdict, is_repeatable })
            }
        }
    }
}

/// How an attempt failed.
struct Failed {
    error: Error,
    verdict: Verdict,
    /// The server says that nothing was done, and asks for a repetition.
    is_repeatable: bool,
}

impl Failed {
    fn finally(error: Error, verdict: Verdict) -> Self {
        Failed { error, verdict, is_repeatable: false }
    }

    /// Nothing of the query was sent in this attempt.
    fn unsent(error: Error, doubt: bool) -> Self {
        let verdict = judge(&Attempt::unsent(&error, doubt));
        Failed::finally(error, verdict)
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
                return Ok(metadata.only_reads());
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
    /// Whether a query that the server refuses as idempotent is sent once more. HA members never say so.
    fn repeats_at_the_servers_word(&self) -> bool {
        let driver = &self.core.config;
        let disabled = self.config.disable_auto_commit_retries.unwrap_or(driver.disable_auto_commit_retries);
        !disabled && driver.mode != Mode::Ha
    }
}
