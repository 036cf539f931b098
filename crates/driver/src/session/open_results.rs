//! The results of a transaction that are open at once (Bolt 4 and later). One has the connection at a time, from a PULL
//! to the answer to it; one whose reader takes no more gives way.

use std::pin::pin;

use bolt::{Metadata, PullForm};

use super::result::{Broken, Pace, Streaming};
use super::{Inner, Run};
use crate::error::Error;
use crate::pool::Pooled;

#[derive(Default)]
pub(super) struct OpenResults {
    open: Vec<Streaming<Run>>,
    /// Whether all that have ended are of queries which only read, by the server's word.
    only_reads: Option<bool>,
}

impl OpenResults {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether the server has said of all queries that they only read, and there was one.
    pub(super) fn have_only_read(&self) -> bool {
        self.only_reads == Some(true)
    }

    /// A result has ended.
    pub(super) fn note_end(&mut self, metadata: &Metadata) {
        self.only_reads = Some(self.only_reads.unwrap_or(true) && metadata.only_reads());
    }

    /// Takes a result up: reads to its end, or until it gives way.
    pub(super) async fn add(
        &mut self,
        session: &Inner,
        pooled: &mut Pooled,
        result: Streaming<Run>,
    ) -> Result<(), Broken> {
        self.open.push(result);
        self.advance(session, pooled, self.open.len() - 1, self.pace(pooled)).await
    }

    /// Lets results go on as their readers take them, in turns; until a command comes, or all have ended.
    pub(super) async fn read_on(&mut self, session: &Inner, pooled: &mut Pooled) -> Result<(), Error> {
        while !self.open.is_empty() && !session.is_awaited() {
            let pace = self.pace(pooled);
            for result in &mut self.open {
                result.hand_over(session, pace);
            }
            if let Some(next) = self.open.iter().position(Streaming::wants_more) {
                self.advance(session, pooled, next, pace).await.map_err(|broken| broken.error)?;
                continue;
            }
            for result in &self.open {
                result.flush();
            }
            session
                .signals
                .unless_aborted(pin!(async {
                    tokio::select! {
                        biased;
                        () = session.signals.notified() => Ok(()),
                        error = pooled.conn.interrupted() => Err(error),
                    }
                }))
                .await?;
        }
        Ok(())
    }

    /// Reads all to their ends, into memory if their readers do not take them, and discards those that nobody wants.
    pub(super) async fn end(&mut self, session: &Inner, pooled: &mut Pooled) -> Result<(), Error> {
        while !self.open.is_empty() {
            self.advance(session, pooled, 0, Pace::Whole).await.map_err(|broken| broken.error)?;
        }
        Ok(())
    }

    /// Ends all by an error.
    pub(super) fn fail(self, error: &Error) {
        for result in self.open {
            result.fail(error.clone());
        }
    }

    fn pace(&self, pooled: &Pooled) -> Pace {
        match pooled.bolt.features().pull {
            PullForm::Some => Pace::Shared { others: self.open.len() > 1 },
            PullForm::All => Pace::Alone,
        }
    }

    /// One turn of one result. What has not ended by then waits behind the others.
    async fn advance(
        &mut self,
        session: &Inner,
        pooled: &mut Pooled,
        at: usize,
        pace: Pace,
    ) -> Result<(), Broken> {
        let Some(result) = self.open.get_mut(at) else { return Ok(()) };
        match result.advance(session, &mut pooled.conn, pace).await {
            Ok(ended) => {
                let result = self.open.remove(at);
                match ended {
                    Some(metadata) => {
                        self.note_end(&metadata);
                        result.finish(&metadata, pooled.identity());
                    }
                    None => self.open.push(result),
                }
                Ok(())
            }
            Err(broken) => Err(broken),
        }
    }
}
