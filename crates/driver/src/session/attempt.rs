//! What every attempt at work begins with, a server and a connection to it; and what comes between two attempts.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Inner, State};
use crate::error::Error;
use crate::net::phase::Phases;
use crate::pool::Pooled;
use crate::retry::Retry;
use crate::selection::{fits, has_untried, is_outdone, is_unfit};
use crate::topology::routing::Router;

impl State {
    /// The server to work on now: the one chosen before while it fits, else a new choice that avoids those that have
    /// just failed.
    async fn choose(&mut self, session: &Inner, retry: &Retry) -> Result<usize, Error> {
        let core = &session.core;
        let topology = core.topology_of(|| session.database()).await;
        *session.topology.lock() = topology.clone();
        if core.is_closed() {
            return Err(Error::driver_closed());
        }
        let (avoid, intent) = (retry.failed(), session.intent);
        let takes = |server: &usize| {
            !avoid.contains(server) && core.selection.still_takes(&topology, *server, intent)
        };
        if let Some(server) = self.server.filter(takes) {
            return Ok(server);
        }
        let server = core.selection.choose_patiently(&topology, intent, avoid, retry.deadline()).await?;
        self.server = Some(server);
        Ok(server)
    }

    /// A connection to the server to work on now.
    pub(super) async fn connect(&mut self, session: &Inner, retry: &Retry) -> Result<(usize, Pooled), Error> {
        tokio::select! {
            biased;
            connected = async {
                match session.core.cluster.router() {
                    // In a box, as all that is large and rare: the task of every query would carry its room.
                    Some(router) => Box::pin(Self::connect_by(router, session, retry.deadline())).await,
                    None => self.connect_to_chosen(session, retry).await,
                }
            } => connected,
            error = session.core.closing() => Err(error),
        }
    }

    /// A connection to whatever member of the cluster does this work.
    async fn connect_by(
        router: &Arc<Router>,
        session: &Inner,
        deadline: Instant,
    ) -> Result<(usize, Pooled), Error> {
        let database = session.database();
        let routed = router.connect(&session.ask(database.as_deref(), deadline)).await?;
        if let Some(home) = routed.home {
            *session.home.lock() = Some(home);
        }
        Ok((routed.pooled.server.index, routed.pooled))
    }

    /// A connection to the server that is chosen, or to another one where that comes to fit better while it is waited for.
    async fn connect_to_chosen(&mut self, session: &Inner, retry: &Retry) -> Result<(usize, Pooled), Error> {
        loop {
            let server = self.choose(session, retry).await?;
            *session.began.lock() = Instant::now();
            if let Some(pooled) = Self::connect_while_it_fits(server, session, retry).await? {
                return Ok((server, pooled));
            }
        }
    }

    /// A connection to this server; `None` if it does not fit the work any more, and another one does, or it says so itself.
    async fn connect_while_it_fits(
        server: usize,
        session: &Inner,
        retry: &Retry,
    ) -> Result<Option<Pooled>, Error> {
        let core = &session.core;
        let pool = match core.members.pool(server) {
            // It was let go while it was chosen.
            Err(_) if session.intent.pinned.is_none() => return Ok(None),
            pool => pool?,
        };
        let topology = session.topology.lock().clone();
        let is_down = || topology.is_down(server);
        let was_down = is_down();
        let mut changes = topology.changes();
        // What never did was all there is.
        let did_fit = fits(&topology, server, session.intent);
        let is_outdone = || {
            is_outdone(&topology, server, session.intent)
                || did_fit && is_unfit(&topology, server, session.intent)
        };
        let phases = Phases::default();
        let acquiring = pool.acquire(session.config.auth.as_ref(), &phases);
        let patience = retry.patience(&core.config, was_down);
        let impatience = tokio::time::sleep(patience);
        let share = retry.share();
        let has_had_its_share = phases.server_takes(share.unwrap_or_default());
        tokio::pin!(acquiring, impatience, has_had_its_share);
        let mut is_slow = false;
        // A host that swallows packets, or a process that hangs, would be waited for much longer.
        loop {
            tokio::select! {
                biased;
                acquired = &mut acquiring => {
                    let pooled = acquired?;
                    if is_outdone() {
                        pooled.release();
                        return Ok(None);
                    }
                    return Ok(Some(pooled));
                }
                () = &mut impatience => {
                    let limit = patience.as_millis();
                    let what = format!("does not answer its checks, and gave no connection within {limit} ms");
                    return Err(pool.gave_none(&what, &phases));
                }
                () = &mut has_had_its_share, if share.is_some() && !is_slow => is_slow = true,
                _ = changes.changed() => {
                    if is_down() && !was_down {
                        let what = "stopped answering its checks while a connection was acquired";
                        return Err(pool.gave_none(what, &phases));
                    }
                    if is_outdone() {
                        return Ok(None);
                    }
                }
            }
            let tried = || [retry.failed(), &[server]].concat();
            if is_slow && phases.now().is_of_server() && has_untried(&topology, &tried(), session.intent) {
                let what = format!(
                    "gave no connection within {} ms, a share of the time for retries (maxTransactionRetryTime)",
                    share.unwrap_or_default().as_millis(),
                );
                return Err(pool.gave_none(&what, &phases));
            }
        }
    }

    pub(super) fn log_failure(session: &Inner, retry: &Retry, error: &Error) {
        session.core.debug(|| format!("attempt {} failed: {error}", retry.attempts()));
    }

    /// After an attempt that failed and may be made again: waits for the time of the next one, and no longer than until there is
    /// a server for it that did not fail; or for a write, until the master is one again. An error is the one to surface.
    pub(super) async fn retry(
        &mut self,
        session: &Inner,
        retry: &mut Retry,
        error: Error,
    ) -> Result<(), Error> {
        let error = session.on_error(error);
        let core = &session.core;
        let is_of_server = error.is_of_server();
        retry.after(error)?;
        let topology = session.topology.lock().clone();
        // Somebody who has not failed just now: there is nothing to wait for.
        if is_of_server && has_untried(&topology, retry.failed(), session.intent) {
            return Ok(());
        }
        let mut changes = topology.changes();
        let unfit: Vec<usize> =
            retry.failed().iter().copied().filter(|i| !fits(&topology, *i, session.intent)).collect();
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
            if is_of_server && has_untried(&topology, retry.failed(), session.intent) {
                return Ok(());
            }
            let is_waiting_for_master =
                is_of_server && session.intent.write && !is_early && retry.has_early_left();
            if is_waiting_for_master && unfit.iter().any(|i| fits(&topology, *i, session.intent)) {
                retry.forgive_early();
                return Ok(());
            }
        }
    }
}
