//! A connection for work: the one thing that whoever has work asks for, by intent, whatever the cluster; and the one place that its
//! errors are told.
//!
//! Who is what is a [`Topology`]: as checks found it, of all databases or of one; as a routing table has it; or of a server that is taken
//! as it is. Among its servers [`ServerSelection`](crate::selection::ServerSelection) chooses, and the chosen one gives a connection. What
//! differs is what follows where it gives none: of servers that are checked, and so are watched while it is waited for, that attempt has
//! failed; of a table the next server is tried, and then a new table.

use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::bookmarks::Bookmarks;
use crate::config::AuthConfig;
use crate::core::Core;
use crate::error::{Error, Kind};
use crate::net::phase::Phases;
use crate::pool::Pooled;
use crate::retry::Retry;
use crate::selection::{fits, has_untried, is_outdone, is_unfit};
use crate::strategy::Intent;
use crate::topology::{Cluster, Topology};

/// What work needs a connection for.
pub(crate) struct Ask<'a> {
    pub(crate) intent: Intent,
    /// The server is told that it writes.
    pub(crate) write: bool,
    /// The database that the application has named.
    pub(crate) database: Option<&'a str>,
    pub(crate) user: User<'a>,
    /// What a member has to have seen that is asked for a routing table.
    pub(crate) bookmarks: &'a (dyn Fn() -> Bookmarks + Sync),
    pub(crate) place: &'a Mutex<Place>,
    /// The attempts that this is one of.
    pub(crate) retry: &'a Retry,
    /// Where a cluster that routes has lost all servers for it, another one is waited for.
    pub(crate) is_patient: bool,
}

/// Who work is done as.
#[derive(Clone, Copy)]
pub(crate) struct User<'a> {
    pub(crate) impersonated: Option<&'a str>,
    /// Where not the user of the driver.
    pub(crate) auth: Option<&'a AuthConfig>,
    /// The user of the driver asks for routing tables all the same.
    pub(crate) routed_by_driver: bool,
}

/// Where a session's work is done.
pub(crate) struct Place {
    /// The server that was chosen last: it is stayed with while it fits.
    pub(crate) server: Option<usize>,
    /// The servers it was chosen from.
    pub(crate) topology: Arc<Topology>,
    /// When the work under way, or what came last, was given its server.
    pub(crate) began: Instant,
    /// The home database of the user, once a cluster has told it: the session stays with it.
    pub(crate) home: Option<String>,
    /// A member of a pool has answered what it is, if it says so.
    has_asked_home: bool,
}

impl<'a> User<'a> {
    /// Who asks for routing tables, where not the user of the driver.
    pub(crate) fn of_tables(self) -> Option<&'a AuthConfig> {
        self.auth.filter(|_| !self.routed_by_driver)
    }

    /// Whether another database may be at home than for the user of the driver.
    fn has_own_home(self) -> bool {
        self.impersonated.is_some() || self.of_tables().is_some()
    }
}

impl Ask<'_> {
    /// The database that the work is for, as far as it is known.
    pub(crate) fn database(&self) -> Option<String> {
        self.database.map(str::to_owned).or_else(|| self.place.lock().home.clone())
    }
}

impl Place {
    pub(crate) fn new(topology: Arc<Topology>, server: Option<usize>, home: Option<String>) -> Self {
        Place { server, topology, began: Instant::now(), home, has_asked_home: false }
    }

    /// Work begins on a server of this topology.
    pub(crate) fn begin(&mut self, server: usize, topology: Arc<Topology>) {
        (self.server, self.topology, self.began) = (Some(server), topology, Instant::now());
    }
}

impl Core {
    /// The server that a session begins with; `None` if it is better chosen when there is work.
    pub(crate) fn choose_early(&self, intent: Intent, preferred: Option<usize>) -> Option<usize> {
        match &self.cluster {
            Cluster::Routing(_) => None,
            Cluster::Checked(_) | Cluster::Single => {
                self.selection.choose_early(&self.topology, intent, preferred)
            }
        }
    }

    /// A connection to a server that does this work.
    pub(crate) async fn connect(&self, ask: &Ask<'_>) -> Result<Pooled, Error> {
        tokio::select! {
            biased;
            connected = async {
                match &self.cluster {
                    // In a box, as all that is large and rare: the task of every query would carry its room.
                    Cluster::Routing(router) => Box::pin(router.connect(self, ask)).await,
                    Cluster::Checked(_) | Cluster::Single => self.connect_to_chosen(ask).await,
                }
            } => connected,
            error = self.closing() => Err(error),
        }
    }

    /// A connection to the server that is chosen, or to another one where that comes to fit better while it is waited for.
    async fn connect_to_chosen(&self, ask: &Ask<'_>) -> Result<Pooled, Error> {
        loop {
            let (server, topology) = self.choose(ask).await?;
            let deadline = Instant::now() + self.config.acquisition_limit();
            if let Some(pooled) = self.connect_while_it_fits(server, &topology, ask, deadline).await? {
                return Ok(pooled);
            }
        }
    }

    /// The server to work on now: the one chosen before while it fits, else a new choice that avoids those that have
    /// just failed.
    async fn choose(&self, ask: &Ask<'_>) -> Result<(usize, Arc<Topology>), Error> {
        let topology = self.topology_of(ask).await?;
        let before = {
            let mut place = ask.place.lock();
            place.topology = topology.clone();
            place.server
        };
        if self.is_closed() {
            return Err(Error::driver_closed());
        }
        let (avoid, intent) = (ask.retry.failed(), ask.intent);
        let takes = |server: &usize| {
            !avoid.contains(server) && self.selection.still_takes(&topology, *server, intent)
        };
        let server = match before.filter(takes) {
            Some(server) => server,
            None => self.selection.choose_patiently(&topology, intent, avoid, ask.retry.deadline()).await?,
        };
        ask.place.lock().begin(server, topology.clone());
        Ok((server, topology))
    }

    /// Who is what for this work.
    async fn topology_of(&self, ask: &Ask<'_>) -> Result<Arc<Topology>, Error> {
        match &self.cluster {
            Cluster::Checked(checks) => {
                let mut database = ask.database();
                if database.is_none() && ask.user.has_own_home() && !ask.place.lock().has_asked_home {
                    // In a box, as all that is large and rare.
                    if let Some(home) = Box::pin(checks.home_of(ask.user, (ask.bookmarks)().own)).await? {
                        let mut place = ask.place.lock();
                        place.has_asked_home = true;
                        place.home.clone_from(&home);
                        database = home;
                    }
                }
                Ok(checks.topology(database.as_deref()).await)
            }
            Cluster::Single | Cluster::Routing(_) => Ok(self.topology.clone()),
        }
    }

    /// A connection to this server; `None` if it does not fit the work any more, and another one does, or it says so itself, or has gone.
    pub(crate) async fn connect_while_it_fits(
        &self,
        server: usize,
        topology: &Topology,
        ask: &Ask<'_>,
        deadline: Instant,
    ) -> Result<Option<Pooled>, Error> {
        let Ask { intent, retry, .. } = *ask;
        let pool = match self.members.pool(server) {
            // It was let go while it was chosen.
            Err(_) if intent.pinned.is_none() => return Ok(None),
            pool => pool?,
        };
        let is_down = || topology.is_down(server);
        let was_down = is_down();
        // What never did was all there is.
        let did_fit = fits(topology, server, intent);
        let is_outdone =
            || is_outdone(topology, server, intent) || did_fit && is_unfit(topology, server, intent);
        let unless_outdone = |pooled: Pooled| {
            if is_outdone() {
                pooled.release();
                return Ok(None);
            }
            Ok(Some(pooled))
        };
        let phases = Phases::default();
        let mut acquiring = pin!(pool.acquire_until(deadline, ask.user.auth, &phases));
        // Mostly one is idle, and nothing needs to be prepared for a wait.
        tokio::select! {
            biased;
            acquired = &mut acquiring => return unless_outdone(acquired?),
            () = std::future::ready(()) => {}
        }
        let mut changes = topology.changes();
        // What came before it was listened for is looked at first.
        changes.mark_changed();
        let patience = retry.patience(&self.config, was_down);
        let impatience = tokio::time::sleep(patience);
        let share = retry.share();
        let has_had_its_share = phases.server_takes(share.unwrap_or_default());
        tokio::pin!(impatience, has_had_its_share);
        let mut is_slow = false;
        // A host that swallows packets, or a process that hangs, would be waited for much longer.
        loop {
            tokio::select! {
                biased;
                acquired = &mut acquiring => return unless_outdone(acquired?),
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
            if is_slow && phases.now().is_of_server() && has_untried(topology, &tried(), intent) {
                let what = format!(
                    "gave no connection within {} ms, a share of the time for retries (maxTransactionRetryTime)",
                    share.unwrap_or_default().as_millis(),
                );
                return Err(pool.gave_none(&what, &phases));
            }
        }
    }

    /// Draws the consequences of an error of work for what is known of its server, whatever comes of the work itself. Gives the error as
    /// users of this cluster know it.
    pub(crate) fn on_error(&self, error: Error, database: Option<&str>, place: &Mutex<Place>) -> Error {
        if let Cluster::Routing(router) = &self.cluster {
            return router.on_error(error, database);
        }
        if let Some(server) = &error.server {
            let (topology, began) = {
                let place = place.lock();
                (place.topology.clone(), place.began)
            };
            self.selection.failed(&topology, server.index, began, &error);
            if error.server_unfit() {
                topology.demote(server.index, &error);
                // Of whoever is lost nothing is known for any database.
                if error.kind == Kind::Connection && topology.database().is_some() {
                    self.topology.demote(server.index, &error);
                }
            }
        }
        error
    }

    /// A server says in which database it does work that names none. Whether the session is to stay with that: where members have roles
    /// for each.
    pub(crate) fn is_home(&self, user: User<'_>, database: &str) -> bool {
        match &self.cluster {
            Cluster::Routing(router) => {
                router.home_is(user, database);
                true
            }
            Cluster::Checked(checks) => checks.are_per_database(),
            Cluster::Single => false,
        }
    }
}
