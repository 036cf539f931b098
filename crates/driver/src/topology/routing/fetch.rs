//! Routing tables: one fetch at a time for each database and user, whose outcome is that of all who wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{timeout, Instant};

use super::errors::{is_final, no_router_answered, NO_PROCEDURE};
use super::known::KnownTable;
use super::outage::Outage;
use super::race::{race, Gain, STAGGER};
use super::seeds::addresses_of;
use super::table::Table;
use super::{discovery, Key, Router};
use crate::address::Address;
use crate::bookmarks::Bookmarks;
use crate::config::AuthConfig;
use crate::connect::{Ask, User};
use crate::error::{Error, Kind};
use crate::net::phase::Phases;
use crate::pool::ReleasedOnDrop;
use crate::watch;

/// What a table is asked for with.
pub(crate) struct Lookup {
    pub(super) key: Key,
    pub(super) bookmarks: Bookmarks,
    pub(super) impersonated_user: Option<String>,
    pub(super) auth: Option<AuthConfig>,
}

/// What came of a fetch, when it is over.
pub(super) type Fetched = Option<Result<Arc<KnownTable>, Error>>;

/// A fetch under way.
#[derive(Clone)]
pub(super) struct Fetch {
    pub(super) lookup: Arc<Lookup>,
    pub(super) outcome: watch::Receiver<Fetched>,
}

/// Takes a fetch that is over, or was given up, out of those under way.
struct UnderWay {
    router: Arc<Router>,
    key: Key,
}

/// Where a table may come from.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Source {
    /// What the application's URI names, or what its resolver makes of it.
    Seed,
    /// What stands behind a name.
    Name(Address),
    Router(Address),
}

impl Router {
    /// A table for this work: one that is fresh, or a new one.
    pub(super) async fn fresh_table(
        self: &Arc<Self>,
        key: &Key,
        ask: &Ask<'_>,
    ) -> Result<Arc<KnownTable>, Error> {
        let asked = Instant::now();
        if let Some(table) = self.known.lock().table(key, ask.write, asked) {
            return Ok(table);
        }
        let lookup = Arc::new(Lookup {
            key: key.clone(),
            bookmarks: (ask.bookmarks)(),
            impersonated_user: ask.user.impersonated.map(str::to_owned),
            auth: ask.user.of_tables().cloned(),
        });
        loop {
            let (joined, started) = {
                let mut known = self.known.lock();
                // Somebody else may have fetched it meanwhile.
                if let Some(table) = known.table(key, ask.write, asked) {
                    return Ok(table);
                }
                known.join(&lookup)
            };
            if let Some(outcome) = started {
                let under_way = UnderWay { router: self.clone(), key: lookup.key.clone() };
                tokio::spawn(under_way.fetch(lookup.clone(), outcome));
            }
            let Fetch { lookup: theirs, mut outcome } = joined;
            let outcome = outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone());
            match outcome {
                // An answer to what they asked with, and not to what is asked with here.
                Some(Err(error))
                    if (error.failure.is_some() || theirs.bookmarks.manager.is_some())
                        && is_final(&error)
                        && !theirs.is_like(&lookup) => {}
                Some(outcome) => return outcome,
                None if *self.closed.borrow() => return Err(Error::driver_closed()),
                // Its task ended without a word, which nothing but a panic does.
                None => return Err(Error::internal()),
            }
        }
    }

    async fn fetch(self: &Arc<Self>, lookup: &Arc<Lookup>) -> Result<Arc<KnownTable>, Error> {
        let key = &lookup.key;
        let (old, next, last_word) = {
            let known = self.known.lock();
            let old = known.tables.get(key).cloned();
            let outage = known.outages.get(key);
            let next = outage.and_then(|outage| outage.next_fetch(known.pace(self.pace)));
            (old, next, outage.map(Outage::last_word).unwrap_or_default())
        };
        let is_outage = next.is_some();
        if let Some(next) = next {
            tokio::time::sleep_until(next).await;
        }
        let (seed_first, silent, wants_writer) = {
            let known = self.known.lock();
            let wants_writer = known.outages.get(key).is_some_and(Outage::lacks_writer);
            (known.distrusts_routers, known.silent.clone(), wants_writer)
        };
        self.tell(is_outage, &|| match &old {
            Some(known) => format!("the routing table is stale: {}", known.table),
            None => format!("a routing table for {} is fetched", name_of(key)),
        });
        let routers = old.iter().flat_map(|known| &known.table.routers).cloned().map(Source::Router);
        let sources = match seed_first {
            true => [Source::Seed].into_iter().chain(routers).collect(),
            false => routers.chain([Source::Seed]).collect(),
        };
        let outcome = race(
            sources,
            if is_outage { Duration::ZERO } else { STAGGER },
            last_word,
            |source| matches!(source, Source::Router(address) if silent.contains(address)),
            |source| self.clone().look_in(source, lookup.clone(), is_outage),
            |table| !wants_writer || !table.writers.is_empty(),
            // Without a seed there are still the routers that are known; where the pool of one is full, or it does not route, there are
            // others.
            |source, error| {
                let is_its_own = matches!(error.kind, Kind::Pool | Kind::NotRouting);
                *source != Source::Seed && !is_its_own && is_final(error)
            },
        )
        .await;
        let (won, mut failed) = (outcome.won, outcome.failed);
        // Where there was a table, those that route are away.
        let is_final = |error: &Error| is_final(error) && (error.kind != Kind::NotRouting || old.is_none());
        if let (None, Some(at)) = (&won, failed.iter().position(|(_, error)| is_final(error))) {
            return Err(failed.swap_remove(at).1);
        }
        // Who answers may not be ready yet; but an answer that another attempt does not change is one.
        let is_unanswered =
            failed.iter().any(|(_, error)| error.kind == Kind::Connection || error.retryable());
        let won = {
            let mut known = self.known.lock();
            let failed = failed.iter().filter(|(_, error)| error.kind != Kind::Pool);
            // Of those that are asked all at once nobody is silent for being second.
            let overtaken = outcome.overtaken.iter().filter(|_| !is_outage);
            for source in overtaken.chain(failed.map(|(source, _)| source)) {
                if let Source::Router(address) = source {
                    known.silent.insert(address.clone());
                }
            }
            let won = won.map(|(source, table)| {
                if let Source::Router(address) = &source {
                    known.silent.remove(address);
                }
                let table = self.know(known.without_unreachable(table, &self.members));
                known.register(key, &table);
                table
            });
            if let (None, Some(outage)) = (&won, known.outages.get_mut(key)) {
                if is_unanswered {
                    outage.is_unanswered();
                }
                outage.is_fetched();
            }
            self.members.retire(&known.gone(&self.members));
            won
        };
        match won {
            Some(known) => {
                self.tell(is_outage, &|| format!("new routing table: {}", known.table));
                Ok(known)
            }
            None => {
                let old = old.as_ref().map(|known| &known.table);
                Err(no_router_answered(failed.iter().map(|(_, error)| error), old))
            }
        }
    }

    /// In an outage there is much to tell, again and again.
    fn tell(&self, is_outage: bool, message: &dyn Fn() -> String) {
        match is_outage {
            true => self.log.debug(message),
            false => self.log.info(message),
        }
    }

    /// One attempt to get a table, or to learn where it may come from.
    async fn look_in(
        self: Arc<Self>,
        source: Source,
        lookup: Arc<Lookup>,
        is_outage: bool,
    ) -> Result<Gain<Source, Table>, Error> {
        match source {
            Source::Seed => Ok(Gain::More(self.seeds().await?.into_iter().map(Source::Name).collect())),
            Source::Name(name) => {
                Ok(Gain::More(addresses_of(&name).await.into_iter().map(Source::Router).collect()))
            }
            Source::Router(address) => {
                let answer = self.fetch_from(&address, &lookup).await;
                if let Err(error) = &answer {
                    self.tell(is_outage, &|| format!("no routing table from {address}: {}", error.message));
                }
                answer.map(Gain::Goal)
            }
        }
    }

    async fn fetch_from(&self, address: &Address, lookup: &Lookup) -> Result<Table, Error> {
        let pool = self.pool(address)?;
        let config = &self.template.config;
        let limit = match config.connection_timeout {
            0 => config.connection_acquisition_timeout,
            limit => limit.min(config.connection_acquisition_timeout),
        };
        let late = |_| {
            let what = format!("{address} sent no routing table within {limit} ms. Is the server up?");
            pool.endpoint.error(Kind::Connection, what)
        };
        // This has limits of its own, and a full pool says nothing of the router.
        let acquired = pool.acquire(lookup.auth.as_ref(), &Phases::default()).await?;
        self.known.lock().note(address, acquired.bolt.hints().server_side_routing);
        // While servers are waited for, all routers are asked again and again, and the slow ones not heard to the end: a connection
        // anew each time would make them slower.
        let mut pooled = ReleasedOnDrop(Some(acquired));
        let bookmarks = self.bookmarks(lookup).await?;
        let context = self.template.routing.as_deref().unwrap_or_default();
        let asking = async {
            let Some(pooled) = &mut pooled.0 else { return Err(Error::internal()) };
            discovery::ask(&mut pooled.conn, context, lookup, &bookmarks, self.seed().tls).await
        };
        let answer = timeout(Duration::from_millis(limit), asking).await.map_err(|elapsed| {
            // RESET would wait for it as well.
            drop(pooled.0.take());
            late(elapsed)
        })?;
        match answer {
            Err(error) if error.code() == NO_PROCEDURE => {
                let message = format!(
                    "Server at {address} can't perform routing. Make sure you are connecting to a causal cluster, or \
                     use the scheme bolt:// for this server alone.",
                );
                Err(pool.endpoint.error(Kind::NotRouting, message))
            }
            answer => answer,
        }
    }

    /// What the members that are asked for a table have to have seen.
    async fn bookmarks(&self, lookup: &Lookup) -> Result<Vec<String>, Error> {
        let _managing = self.managing.clone();
        lookup.bookmarks.now(&*self.observer, &self.template.config).await
    }
}

impl UnderWay {
    /// Fetches, whoever waits for it still, until the driver is closed.
    async fn fetch(self, lookup: Arc<Lookup>, sender: watch::Sender<Fetched>) {
        let mut is_closed = self.router.closed.subscribe();
        let outcome = tokio::select! {
            biased;
            outcome = self.router.fetch(&lookup) => outcome,
            _ = is_closed.wait_for(|closed| *closed) => Err(Error::driver_closed()),
        };
        // Before it is sent: who asks after a failure gets a fetch of its own.
        drop(self);
        sender.send_replace(Some(outcome));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.router.known.lock().fetches.remove(&self.key);
    }
}

impl Lookup {
    /// By nobody in particular, as a check does.
    pub(crate) fn of_driver(database: Option<&str>) -> Self {
        Lookup {
            key: Key { database: database.map(str::to_owned), user: None },
            bookmarks: Bookmarks::default(),
            impersonated_user: None,
            auth: None,
        }
    }

    /// Of the home database of this user.
    pub(crate) fn of_home(user: User<'_>) -> Self {
        Lookup {
            impersonated_user: user.impersonated.map(str::to_owned),
            auth: user.auth.cloned(),
            ..Lookup::of_driver(None)
        }
    }

    /// Who asks, where not the user of the driver.
    pub(crate) fn auth(&self) -> Option<&AuthConfig> {
        self.auth.as_ref()
    }

    /// Whether what a server answers to one is its answer to the other.
    fn is_like(&self, other: &Lookup) -> bool {
        let is_same_user = match (&self.auth, &other.auth) {
            (Some(auth), Some(other)) => auth.is_same_as(other),
            (None, None) => true,
            _ => false,
        };
        is_same_user && self.key == other.key && self.bookmarks == other.bookmarks
    }
}

fn name_of(key: &Key) -> String {
    match &key.database {
        Some(name) => format!("database {name}"),
        None => "the home database".into(),
    }
}
