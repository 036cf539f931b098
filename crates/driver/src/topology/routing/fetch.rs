//! Routing tables: one fetch at a time for each database and user, whose outcome is that of all who wait for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{timeout, Instant};

use super::errors::{is_final, no_router_answered, NO_PROCEDURE};
use super::race::{race, Gain, STAGGER};
use super::seeds::addresses_of;
use super::table::Table;
use super::{discovery, Ask, Key, Router};
use crate::address::Address;
use crate::bookmarks::Bookmarks;
use crate::config::AuthConfig;
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
pub(super) type Fetched = Option<Result<Arc<Table>, Error>>;

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
    pub(super) async fn fresh_table(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Arc<Table>, Error> {
        let key = Key { database: ask.database.map(str::to_owned), user: self.user(ask) };
        let asked = Instant::now();
        if let Some(table) = self.known.lock().table(&key, ask, asked) {
            return Ok(table);
        }
        let lookup = Arc::new(Lookup {
            key,
            bookmarks: ask.bookmarks.clone(),
            impersonated_user: ask.impersonated_user.map(str::to_owned),
            auth: ask.auth.filter(|_| !ask.by_driver).cloned(),
        });
        loop {
            let (joined, started) = {
                let mut known = self.known.lock();
                // Somebody else may have fetched it meanwhile.
                if let Some(table) = known.table(&lookup.key, ask, asked) {
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

    async fn fetch(self: &Arc<Self>, lookup: &Arc<Lookup>) -> Result<Arc<Table>, Error> {
        let key = &lookup.key;
        let (old, next, last_word) = {
            let known = self.known.lock();
            let old = known.tables.get(key).cloned();
            let outage = known.outages.get(key).zip(old.as_ref());
            let next = outage.and_then(|(outage, old)| outage.next_fetch(self.pace, old.fetched));
            let last_word = outage.map(|(outage, _)| outage.last_word()).unwrap_or_default();
            (old, next, last_word)
        };
        let is_outage = next.is_some();
        if let Some(next) = next {
            tokio::time::sleep_until(next).await;
        }
        let (seed_first, silent) = {
            let known = self.known.lock();
            (known.distrusts_routers, known.silent.clone())
        };
        // In an outage there are many.
        let log = |message: &dyn Fn() -> String| match is_outage {
            true => self.log.debug(message),
            false => self.log.info(message),
        };
        log(&|| match &old {
            Some(table) => format!("the routing table is stale: {table}"),
            None => format!("a routing table for {} is fetched", name_of(key)),
        });
        let routers = old.iter().flat_map(|table| &table.routers).cloned().map(Source::Router);
        let sources = match seed_first {
            true => [Source::Seed].into_iter().chain(routers).collect(),
            false => routers.chain([Source::Seed]).collect(),
        };
        let outcome = race(
            sources,
            if is_outage { Duration::ZERO } else { STAGGER },
            last_word,
            |source| matches!(source, Source::Router(address) if silent.contains(address)),
            |source| self.clone().look_in(source, lookup.clone()),
            |table| !is_outage || !table.writers.is_empty(),
            // Without a seed there are still the routers that are known, and where the pool of one is full, there are others.
            |source, error| *source != Source::Seed && error.kind != Kind::Pool && is_final(error),
        )
        .await;
        let (won, mut failed) = (outcome.won, outcome.failed);
        if let (None, Some(at)) = (&won, failed.iter().position(|(_, error)| is_final(error))) {
            return Err(failed.swap_remove(at).1);
        }
        let won = won.map(|(source, table)| (source, Arc::new(table)));
        let gone = {
            let mut known = self.known.lock();
            let failed = failed.iter().filter(|(_, error)| error.kind != Kind::Pool);
            // Of those that are asked all at once nobody is silent for being second.
            let overtaken = outcome.overtaken.iter().filter(|_| !is_outage);
            for source in overtaken.chain(failed.map(|(source, _)| source)) {
                if let Source::Router(address) = source {
                    known.silent.insert(address.clone());
                }
            }
            if let Some((source, table)) = &won {
                if let Source::Router(address) = source {
                    known.silent.remove(address);
                }
                known.register(key, table);
            }
            known.gone(&self.members)
        };
        self.members.retire(&gone);
        match won {
            Some((_, table)) => {
                log(&|| format!("new routing table: {table}"));
                Ok(table)
            }
            None => Err(no_router_answered(failed.iter().map(|(_, error)| error), old.as_deref())),
        }
    }

    /// One attempt to get a table, or to learn where it may come from.
    async fn look_in(
        self: Arc<Self>,
        source: Source,
        lookup: Arc<Lookup>,
    ) -> Result<Gain<Source, Table>, Error> {
        match source {
            Source::Seed => Ok(Gain::More(self.seeds().await?.into_iter().map(Source::Name).collect())),
            Source::Name(name) => {
                Ok(Gain::More(addresses_of(&name).await.into_iter().map(Source::Router).collect()))
            }
            Source::Router(address) => {
                let answer = self.fetch_from(&address, &lookup).await;
                if let Err(error) = &answer {
                    self.log.info(|| format!("no routing table from {address}: {}", error.message));
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
        // While a writer is waited for, all routers are asked again and again, and the slow ones not heard to the end: a connection
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
