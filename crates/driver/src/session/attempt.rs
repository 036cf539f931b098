//! What every attempt at work begins with, a connection to a server; and what comes between two attempts.

use super::Inner;
use crate::connect::Ask;
use crate::error::Error;
use crate::pool::Pooled;
use crate::retry::Retry;
use crate::selection::{fits, has_untried};

impl Inner {
    /// A connection to a server to work on now.
    pub(super) async fn connect(&self, retry: &Retry) -> Result<Pooled, Error> {
        let ask = Ask {
            intent: self.intent,
            write: !self.reads(),
            database: self.config.database.as_deref(),
            user: self.user(),
            bookmarks: &|| self.waits_for(),
            place: &self.place,
            retry,
            is_patient: true,
        };
        self.core.connect(&ask).await
    }

    pub(super) fn log_failure(&self, retry: &Retry, error: &Error) {
        self.core.debug(|| format!("attempt {} failed: {error}", retry.attempts()));
    }

    /// After an attempt that failed and may be made again: waits for the time of the next one, and no longer than until there is
    /// a server for it that did not fail; or for a write, until the master is one again. An error is the one to surface.
    pub(super) async fn retry(&self, retry: &mut Retry, error: Error) -> Result<(), Error> {
        let error = self.on_error(error);
        let (core, intent) = (&self.core, self.intent);
        let is_of_server = error.is_of_server();
        retry.after(error)?;
        let topology = self.place.lock().topology.clone();
        // Somebody who has not failed just now: there is nothing to wait for.
        if is_of_server && has_untried(&topology, retry.failed(), intent) {
            return Ok(());
        }
        let mut changes = topology.changes();
        let unfit: Vec<usize> =
            retry.failed().iter().copied().filter(|i| !fits(&topology, *i, intent)).collect();
        let (least, most) = retry.pause();
        let pause = tokio::time::sleep(most);
        // A master that is one again may need a moment all the same.
        let earliest = tokio::time::sleep(least);
        tokio::pin!(pause, earliest);
        let mut is_early = true;
        loop {
            tokio::select! {
                biased;
                () = &mut pause => {
                    retry.forgive();
                    return Ok(());
                }
                error = core.closing() => return Err(retry.end(error)),
                () = &mut earliest, if is_early => is_early = false,
                _ = changes.changed(), if is_of_server => {}
            }
            if is_of_server && has_untried(&topology, retry.failed(), intent) {
                return Ok(());
            }
            let is_waiting_for_master = is_of_server && intent.write && !is_early && retry.has_early_left();
            if is_waiting_for_master && unfit.iter().any(|i| fits(&topology, *i, intent)) {
                retry.forgive_early();
                return Ok(());
            }
        }
    }
}
