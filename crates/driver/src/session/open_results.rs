//! The results of a transaction that are open at once (Bolt 4 and later). One has the connection at a time, from a PULL
//! to the answer to it; one whose reader takes no more gives way.

use bolt::PullForm;

use super::result::{Broken, Pace, Streaming};
use super::{Inner, Run};
use crate::error::Error;
use crate::pool::Pooled;

#[derive(Default)]
pub(super) struct OpenResults(Vec<Streaming<Run>>);

impl OpenResults {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a result up: reads to its end, or until it gives way.
    pub(super) async fn add(
        &mut self,
        session: &Inner,
        pooled: &mut Pooled,
        result: Streaming<Run>,
    ) -> Result<(), Broken> {
        self.0.push(result);
        self.advance(session, pooled, self.0.len() - 1, self.pace(pooled)).await
    }

    /// Lets results go on as their readers take them, in turns; until a command comes, or all have ended.
    pub(super) async fn read_on(&mut self, session: &Inner, pooled: &mut Pooled) -> Result<(), Error> {
        while !self.0.is_empty() && !session.is_awaited() {
            let pace = self.pace(pooled);
            for result in &mut self.0 {
                result.hand_over(session, pace);
            }
            if let Some(next) = self.0.iter().position(Streaming::wants_more) {
                self.advance(session, pooled, next, pace).await.map_err(|broken| broken.error)?;
                continue;
            }
            for result in &self.0 {
                result.flush();
            }
            session
                .unless_aborted(async {
                    tokio::select! {
                        biased;
                        () = session.wake.notified() => Ok(()),
                        error = pooled.conn.interrupted() => Err(error),
                    }
                })
                .await?;
        }
        Ok(())
    }

    /// Reads all to their ends, into memory if their readers do not take them, and discards those that nobody wants.
    pub(super) async fn end(&mut self, session: &Inner, pooled: &mut Pooled) -> Result<(), Error> {
        while !self.0.is_empty() {
            self.advance(session, pooled, 0, Pace::Whole).await.map_err(|broken| broken.error)?;
        }
        Ok(())
    }

    /// Ends all by an error.
    pub(super) fn fail(self, error: &Error) {
        for result in self.0 {
            result.fail(error.clone());
        }
    }

    fn pace(&self, pooled: &Pooled) -> Pace {
        match pooled.bolt.features().pull {
            PullForm::Some => Pace::Shared { others: self.0.len() > 1 },
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
        let Some(result) = self.0.get_mut(at) else { return Ok(()) };
        match result.advance(session, &mut pooled.conn, pace).await {
            Ok(ended) => {
                let result = self.0.remove(at);
                match ended {
                    Some(metadata) => result.finish(&metadata, pooled.identity()),
                    None => self.0.push(result),
                }
                Ok(())
            }
            Err(broken) => Err(broken),
        }
    }
}
