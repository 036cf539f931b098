//! A read that takes long is asked of another reader as well: see [`crate::hedge`].

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use super::verdict::READS_ARE_ENFORCED;
use super::Inner;
use crate::error::Error;
use crate::hedge::Hedges;
use crate::net::phase::Phases;
use crate::pool::{Pooled, ReleasedOnDrop};

/// How many answers there are up to that to RUN.
pub(super) struct Answers {
    pub(super) first: usize,
    pub(super) second: usize,
}

impl Inner {
    /// Waits for the answers on a connection that a read was written to. Where they take long, the same is written to a connection to
    /// another reader; that one is returned, if its answers are first, and when it was written to. `write` says whether all could be
    /// written.
    pub(super) async fn hedge(
        &self,
        first: &mut Pooled,
        answers: Answers,
        write: impl Fn(&mut Pooled) -> bool,
    ) -> Result<Option<(Pooled, Instant)>, Error> {
        let Some(hedges) = &self.core.hedges else { return Ok(None) };
        // What only reads may be done twice.
        if !self.reads_only() || first.bolt.version() < READS_ARE_ENFORCED {
            return Ok(None);
        }
        // In a box, as all that is large and rare: the task of every query would carry its room.
        self.signals.unless_aborted(Box::pin(self.hedge_by(hedges, first, answers, write)).as_mut()).await
    }

    async fn hedge_by(
        &self,
        hedges: &Hedges,
        first: &mut Pooled,
        answers: Answers,
        write: impl Fn(&mut Pooled) -> bool,
    ) -> Result<Option<(Pooled, Instant)>, Error> {
        let Some(after) = hedges.after() else { return Ok(None) };
        tokio::select! {
            biased;
            answered = first.conn.has_answered(answers.first) => return answered.map(|_| None),
            () = tokio::time::sleep(after) => {}
        }
        let topology = self.place.lock().topology.clone();
        let other = self.core.selection.another(&topology, self.intent, &[first.server.index]);
        let pool = other.and_then(|other| self.core.members.pool_of(other));
        let Some(pool) = pool.filter(|_| hedges.take()) else { return Ok(None) };
        let is_asked = AtomicBool::new(false);
        let hedging = async {
            let phases = Phases::default();
            let acquired = pool.acquire(self.config.auth.as_ref(), &phases).await.ok()?;
            let mut second = ReleasedOnDrop(Some(acquired));
            let conn = second.0.as_mut()?;
            if conn.bolt.version() < READS_ARE_ENFORCED || !write(conn) {
                return None;
            }
            // An error of the second is none of the work's: the first is still at it.
            let asked = Instant::now();
            is_asked.store(true, Ordering::Relaxed);
            match conn.conn.has_answered(answers.second).await {
                Ok(true) => Some((second.0.take()?, asked)),
                _ => None,
            }
        };
        tokio::pin!(hedging);
        let mut is_over = false;
        let lost = loop {
            tokio::select! {
                biased;
                answered = first.conn.has_answered(answers.first) => match answered {
                    Ok(_) => return Ok(None),
                    Err(error) => break error,
                },
                second = &mut hedging, if !is_over => match second {
                    Some(second) => return Ok(Some(second)),
                    None => is_over = true,
                },
            }
        };
        // Who has no connection to the second yet may have one to another reader sooner.
        let is_over = is_over || !is_asked.load(Ordering::Relaxed);
        match if is_over { None } else { hedging.await } {
            Some(second) => Ok(Some(second)),
            None => Err(lost),
        }
    }
}
