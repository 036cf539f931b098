//! Routing: which members of a cluster read and write for a database, as the cluster itself says.
//!
//! Sources: Bolt documentation, "ROUTE"; the routing procedures of Neo4j 3.x and 4.x; the official drivers for what is
//! done with each error.
//!
//! A table is fetched when work needs one and has none that is fresh: from a router of the last table, else from the
//! seed, which is what the application's URI names (or what its resolver makes of that). A router that is silent is
//! overtaken by the next, and asked last from then on. One fetch at a time for each database and user, by a task of its
//! own: whoever needs the same meanwhile waits for it and has its outcome, good or bad.

mod discovery;
mod homes;
mod race;
mod table;

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bolt::Version;
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::address::Address;
use crate::config::{AuthConfig, Config};
use crate::error::{Error, Kind, ServerRef};
use crate::log::Log;
use crate::net::phase::Phases;
use crate::net::{Conn, Endpoint};
use crate::observer::Observer;
use crate::pool::{Pool, Pooled};
use crate::strategy::Turns;
use homes::Homes;
use race::{race, Gain};
use table::{read_resolved, Table};

/// Tables that are kept at most, one a database and user.
const MAX_TABLES: usize = 1_000;
/// Addresses of a resolver that are looked at.
const MAX_SEEDS: usize = 100;
/// How long the addresses of a name are waited for.
const NAME_TIMEOUT: Duration = Duration::from_secs(5);
/// Errors of servers after which another server would answer the same.
const FAIL_FAST: [&str; 6] = [
    "Neo.ClientError.Database.DatabaseNotFound",
    "Neo.ClientError.Transaction.InvalidBookmark",
    "Neo.ClientError.Transaction.InvalidBookmarkMixture",
    "Neo.ClientError.Statement.ArgumentError",
    "Neo.ClientError.Request.Invalid",
    "Neo.ClientError.Statement.TypeError",
];
const NO_PROCEDURE: &str = "Neo.ClientError.Procedure.ProcedureNotFound";

/// Finds the servers of a cluster, and keeps a pool for each.
pub(crate) struct Router {
    /// How to connect to any member: as to the seed.
    template: Endpoint,
    observer: Arc<dyn Observer>,
    log: Log,
    known: Mutex<Known>,
    /// Where the search for the least connected server begins, so that equals take turns.
    turns: Turns,
    /// Makes keys of secrets.
    hasher: RandomState,
    /// Shared by each question to the resolver that waits for its answer.
    resolving: Arc<()>,
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct Known {
    tables: HashMap<Key, Arc<Table>>,
    /// Fetches under way.
    fetches: HashMap<Key, Fetch>,
    pools: HashMap<Address, Arc<Pool>>,
    /// By the number of the server: the same, and those of servers that are in no table any more, while work on them is
    /// under way.
    numbered: HashMap<usize, Weak<Pool>>,
    /// Pools that were ever made: servers are numbered by it.
    made: usize,
    homes: Homes,
    /// Members that do not pass work on to where it belongs: while there is one, no home is guessed.
    without_ssr: HashSet<Address>,
    /// Routers that gave no table when they were last asked, or were overtaken: others are asked first.
    silent: HashSet<Address>,
    /// The routers of the last table may be cut off from the cluster: the seed is asked first.
    distrusts_routers: bool,
}

/// What a table is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    database: Option<String>,
    /// `None` is the user of the driver.
    user: Option<String>,
}

/// What a table is asked for with.
struct Lookup {
    key: Key,
    bookmarks: Vec<String>,
    impersonated_user: Option<String>,
    auth: Option<AuthConfig>,
}

/// What came of a fetch, when it is over.
type Fetched = Option<Result<Arc<Table>, Error>>;

/// A fetch under way.
#[derive(Clone)]
struct Fetch {
    lookup: Arc<Lookup>,
    outcome: watch::Receiver<Fetched>,
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

/// What work needs a connection for.
pub(crate) struct Ask<'a> {
    /// `None` is the home database of the user.
    pub(crate) database: Option<&'a str>,
    pub(crate) write: bool,
    pub(crate) bookmarks: &'a [String],
    pub(crate) impersonated_user: Option<&'a str>,
    /// Who the work is done as, where not the user of the driver.
    pub(crate) auth: Option<&'a AuthConfig>,
    /// The user of the driver asks for the table all the same.
    pub(crate) by_driver: bool,
}

/// A connection to a server that does the work.
pub(crate) struct Routed {
    pub(crate) pooled: Pooled,
    /// The home database of the user, where that was asked for and the server told.
    pub(crate) home: Option<String>,
}

impl Router {
    /// `template` is how to connect to the seed.
    pub(crate) fn new(config: &Config, template: Endpoint, observer: Arc<dyn Observer>, log: Log) -> Self {
        let known = Known { made: config.servers.len(), distrusts_routers: true, ..Known::default() };
        Router {
            template,
            observer,
            log,
            known: Mutex::new(known),
            turns: Turns::default(),
            hasher: RandomState::new(),
            resolving: Arc::default(),
            closed: watch::Sender::new(false),
        }
    }

    /// What the application's URI names.
    fn seed(&self) -> &Address {
        &self.template.address
    }

    /// A connection to a server for this work: the one with the fewest connections in use. A server that cannot be
    /// reached is forgotten, and the next one tried; if there is none left, once more with a new table.
    pub(crate) async fn connect(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Routed, Error> {
        let limit = Duration::from_millis(self.template.config.connection_acquisition_timeout);
        match tokio::time::timeout(limit, self.connect_unbounded(ask)).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                Kind::Pool,
                format!(
                    "Connection acquisition timed out in {} ms (connectionAcquisitionTimeout): no connection to a \
                     server that {} could be had by the routing of {}{}.",
                    limit.as_millis(),
                    verb(ask.write),
                    self.seed(),
                    if Arc::strong_count(&self.resolving) > 1 { ", whose resolver has not answered" } else { "" },
                ),
            )),
        }
    }

    async fn connect_unbounded(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Routed, Error> {
        if ask.database.is_none() {
            if let Some(pooled) = self.connect_by_guess(ask).await? {
                return Ok(Routed { pooled, home: None });
            }
        }
        let mut earlier = Vec::new();
        for _ in 0..2 {
            let table = self.fresh_table(ask).await?;
            let home = table.database.clone().filter(|_| ask.database.is_none());
            match self.connect_to_one_of(&table, ask).await {
                Ok(pooled) => return Ok(Routed { pooled, home }),
                Err(error) if error.kind == Kind::Connection => earlier.push(error.message),
                Err(error) => return Err(error),
            }
        }
        let mut error = Error::new(
            Kind::Expired,
            format!(
                "No server that {} could be connected to, though the routing table names some.",
                verb(ask.write)
            ),
        );
        error.earlier = earlier;
        Err(error)
    }

    /// Tries the servers of a table, the least connected first. [`Kind::Connection`] if none can be reached.
    async fn connect_to_one_of(&self, table: &Table, ask: &Ask<'_>) -> Result<Pooled, Error> {
        let mut pools = table
            .servers(ask.write)
            .iter()
            .map(|address| self.pool(address))
            .collect::<Result<Vec<_>, Error>>()?;
        let first = self
            .turns
            .of(ask.write)
            .fetch_add(1, Ordering::Relaxed)
            .checked_rem(pools.len())
            .unwrap_or_default();
        pools.rotate_left(first);
        pools.sort_by_key(|pool| pool.in_use());
        let mut last = None;
        for pool in pools {
            match pool.acquire(ask.auth, &Phases::default()).await {
                Ok(pooled) => {
                    self.known.lock().note(&pool.endpoint.address, pooled.bolt.hints().server_side_routing);
                    return Ok(pooled);
                }
                Err(error) if error.kind == Kind::Connection => {
                    self.forget(&pool);
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            let message = format!(
                "Failed to obtain connection towards {} server. Known routing table is: {table}.",
                if ask.write { "write" } else { "read" },
            );
            Error::new(Kind::Expired, message)
        }))
    }

    /// A connection by what is remembered of the user's home, if its server passes work on where that is wrong.
    async fn connect_by_guess(&self, ask: &Ask<'_>) -> Result<Option<Pooled>, Error> {
        let user = self.user(ask);
        let table = {
            let mut known = self.known.lock();
            let Some(database) = known.homes.get(&user) else { return Ok(None) };
            if !known.without_ssr.is_empty() {
                return Ok(None);
            }
            known.tables.get(&Key { database: Some(database), user }).cloned()
        };
        let Some(table) = table.filter(|table| !table.is_stale(ask.write)) else { return Ok(None) };
        match self.connect_to_one_of(&table, ask).await {
            Ok(pooled) if pooled.bolt.hints().server_side_routing => Ok(Some(pooled)),
            // The first word of a member that was not known before.
            Ok(pooled) => {
                pooled.release();
                Ok(None)
            }
            Err(error) if matches!(error.kind, Kind::Connection | Kind::Expired) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The version that the first seed speaks that can be reached.
    pub(crate) async fn negotiate(&self) -> Result<Version, Error> {
        let mut last = None;
        for name in self.seeds().await? {
            for address in addresses_of(&name).await {
                match Conn::negotiate(&self.pool(&address)?.endpoint).await {
                    Ok(version) => return Ok(version),
                    Err(error) => last = Some(error),
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::new(Kind::Discovery, format!("{} has no address.", self.seed()))))
    }

    // ---- tables ----

    /// A table for this work: one that is fresh, or a new one.
    async fn fresh_table(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Arc<Table>, Error> {
        let key = Key { database: ask.database.map(str::to_owned), user: self.user(ask) };
        let asked = Instant::now();
        if let Some(table) = self.known.lock().table(&key, ask, asked) {
            return Ok(table);
        }
        let lookup = Arc::new(Lookup {
            key,
            bookmarks: ask.bookmarks.to_vec(),
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
                // An answer to what they asked, and not to what is asked here.
                Some(Err(error))
                    if error.failure.is_some() && is_final(&error) && !theirs.is_like(&lookup) => {}
                Some(outcome) => return outcome,
                // The task went with its runtime.
                None => return Err(closed()),
            }
        }
    }

    async fn fetch(self: &Arc<Self>, lookup: &Arc<Lookup>) -> Result<Arc<Table>, Error> {
        let key = &lookup.key;
        let (old, seed_first, silent) = {
            let known = self.known.lock();
            (known.tables.get(key).cloned(), known.distrusts_routers, known.silent.clone())
        };
        self.log.info(|| match &old {
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
            |source| matches!(source, Source::Router(address) if silent.contains(address)),
            |source| self.clone().look_in(source, lookup.clone()),
            // Without a seed there are still the routers that are known.
            |source, error| *source != Source::Seed && is_final(error),
        )
        .await;
        let (won, mut failed) = (outcome.won, outcome.failed);
        if let (None, Some(at)) = (&won, failed.iter().position(|(_, error)| is_final(error))) {
            return Err(failed.swap_remove(at).1);
        }
        let won = won.map(|(source, table)| (source, Arc::new(table)));
        let retired = {
            let mut known = self.known.lock();
            for source in outcome.overtaken.iter().chain(failed.iter().map(|(source, _)| source)) {
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
            known.retire()
        };
        for pool in retired {
            self.log.debug(|| format!("{} is in no routing table", pool.endpoint.address));
            pool.retire();
        }
        match won {
            Some((_, table)) => {
                self.log.info(|| format!("new routing table: {table}"));
                Ok(table)
            }
            None => Err(nobody_told(failed.iter().map(|(_, error)| error), old.as_deref())),
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
        let fetching = async {
            let mut pooled = pool.acquire(lookup.auth.as_ref(), &Phases::default()).await?;
            self.known.lock().note(address, pooled.bolt.hints().server_side_routing);
            let context = self.template.routing.as_deref().unwrap_or_default();
            let answer = discovery::ask(&mut pooled, context, lookup, self.seed().tls).await;
            pooled.release();
            answer
        };
        let answer =
            tokio::time::timeout(Duration::from_millis(limit), fetching).await.unwrap_or_else(|_| {
                let what = format!("{address} sent no routing table within {limit} ms. Is the server up?");
                Err(pool.endpoint.error(Kind::Connection, what))
            });
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

    /// Where to begin: what the URI names, or what the application's resolver makes of it. What in its list is no
    /// address is left out.
    async fn seeds(&self) -> Result<Vec<Address>, Error> {
        let seed = self.seed();
        if !self.template.config.resolver {
            return Ok(vec![seed.clone()]);
        }
        let failed =
            |why: &str| Error::new(Kind::Client, format!("The resolver gave no address for {seed}: {why}."));
        let _resolving = self.resolving.clone();
        let limit = self.template.config.connection_acquisition_timeout;
        let found =
            tokio::time::timeout(Duration::from_millis(limit), self.observer.resolve(&seed.to_string()))
                .await
                .unwrap_or_else(|_| {
                    Err(format!("it did not answer within {limit} ms (connectionAcquisitionTimeout)"))
                })
                .map_err(|why| failed(&why))?;
        let mut seeds = Vec::new();
        let mut last = "its list is empty".to_owned();
        for text in found.iter().take(MAX_SEEDS) {
            match read_resolved(text, seed.tls) {
                Ok(address) => seeds.push(address),
                Err(why) => {
                    self.log.warn(&format!("What the resolver gave for {seed} is left out: {why}."));
                    last = why;
                }
            }
        }
        if seeds.is_empty() {
            return Err(failed(&last));
        }
        Ok(seeds)
    }

    // ---- servers ----

    fn pool(&self, address: &Address) -> Result<Arc<Pool>, Error> {
        let mut known = self.known.lock();
        if *self.closed.borrow() {
            return Err(closed());
        }
        if let Some(pool) = known.pools.get(address) {
            return Ok(pool.clone());
        }
        let server = ServerRef { index: known.made, address: address.to_string(), token: None };
        known.made += 1;
        let like = known.pools.values().next().map_or(&self.template, |pool| &pool.endpoint);
        let pool = Arc::new(Pool::new(like.elsewhere(server, address.clone()), self.log.clone()));
        known.pools.insert(address.clone(), pool.clone());
        known.numbered.insert(pool.endpoint.server.index, Arc::downgrade(&pool));
        Ok(pool)
    }

    /// The server cannot be reached.
    fn forget(&self, pool: &Pool) {
        self.known.lock().change(|_| true, |table| table.forget(&pool.endpoint.address));
        pool.drop_idle();
    }

    /// Draws the consequences of an error of work on a server, and gives the error as users of routing know it.
    pub(crate) fn on_error(&self, error: Error, database: Option<&str>) -> Error {
        let Some(server) = error.server.clone() else { return error };
        let pool = self.known.lock().numbered.get(&server.index).and_then(Weak::upgrade);
        let Some(pool) = pool else { return error };
        let address = &pool.endpoint.address;
        let concerned = |table: &Table| table.database.as_deref() == database || database.is_none();
        if error.kind == Kind::Connection {
            self.forget(&pool);
            return Error { kind: Kind::Expired, ..error };
        }
        if error.code().ends_with(".DatabaseUnavailable") {
            self.known.lock().change(concerned, |table| table.forget(address));
            return error;
        }
        if error.is_not_writable() {
            self.known.lock().change(concerned, |table| table.writers.retain(|a| a != address));
            let message = format!("No longer possible to write to server at {address}: {}", error.message);
            let earlier = vec![format!("{}: {}", error.code(), error.message)];
            return Error { kind: Kind::Expired, message, failure: None, earlier, ..error };
        }
        error
    }

    /// A server said where the work of a session without a database was done (Bolt 5.8).
    pub(crate) fn home_is(&self, ask: &Ask<'_>, database: &str) {
        let user = self.user(ask);
        self.known.lock().homes.set(user, database.to_owned());
    }

    /// Whose home database and tables count.
    fn user(&self, ask: &Ask<'_>) -> Option<String> {
        match (ask.impersonated_user, ask.auth.filter(|_| !ask.by_driver)) {
            (Some(name), _) => Some(format!("as {name}")),
            (None, Some(auth)) => Some(match &auth.principal {
                Some(name) => format!("{} {name}", auth.scheme),
                None => {
                    let secret = auth.credentials.as_ref().map_or("", |c| c.expose_secret());
                    format!("{} {:x}", auth.scheme, self.hasher.hash_one(secret))
                }
            }),
            (None, None) => None,
        }
    }

    /// Ends every fetch and every connection. None is made any more.
    pub(crate) async fn close(&self) {
        self.closed.send_replace(true);
        let pools: Vec<Arc<Pool>> = self.known.lock().numbered.values().filter_map(Weak::upgrade).collect();
        let closing: Vec<_> = pools.iter().map(|pool| pool.close()).collect();
        for closed in closing {
            closed.await;
        }
    }
}

impl UnderWay {
    /// Fetches, whoever waits for it still, until the driver is closed.
    async fn fetch(self, lookup: Arc<Lookup>, told: watch::Sender<Fetched>) {
        let mut is_closed = self.router.closed.subscribe();
        let outcome = tokio::select! {
            outcome = self.router.fetch(&lookup) => outcome,
            _ = is_closed.wait_for(|closed| *closed) => Err(closed()),
        };
        // Before anybody is told: who asks after a failure gets a fetch of its own.
        drop(self);
        told.send_replace(Some(outcome));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.router.known.lock().fetches.remove(&self.key);
    }
}

impl Lookup {
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

impl Known {
    /// A table that needs no fetch. What the home database is can change at any time: a table that was asked for without a
    /// database counts only for whoever asked before it came, unless it is for all databases there are (before Bolt 4.4).
    fn table(&self, key: &Key, ask: &Ask<'_>, asked: Instant) -> Option<Arc<Table>> {
        let table = self.tables.get(key).filter(|table| !table.is_stale(ask.write))?;
        let is_home = key.database.is_none() && table.database.is_some();
        (!is_home || table.fetched >= asked).then(|| table.clone())
    }

    /// The fetch under way for the same database and user; or a new one, and whom its outcome is to be told.
    fn join(&mut self, lookup: &Arc<Lookup>) -> (Fetch, Option<watch::Sender<Fetched>>) {
        if let Some(fetch) = self.fetches.get(&lookup.key) {
            return (fetch.clone(), None);
        }
        let (told, outcome) = watch::channel(None);
        let fetch = Fetch { lookup: lookup.clone(), outcome };
        self.fetches.insert(lookup.key.clone(), fetch.clone());
        (fetch, Some(told))
    }

    /// Replaces the tables of some databases by what `change` makes of them.
    fn change(&mut self, which: impl Fn(&Table) -> bool, change: impl Fn(&mut Table)) {
        for table in self.tables.values_mut().filter(|table| which(table)) {
            change(Arc::make_mut(table));
        }
    }

    fn note(&mut self, address: &Address, server_side_routing: bool) {
        if server_side_routing {
            self.without_ssr.remove(address);
        } else if !self.without_ssr.contains(address) {
            self.without_ssr.insert(address.clone());
        }
    }

    fn register(&mut self, key: &Key, table: &Arc<Table>) {
        self.distrusts_routers = table.writers.is_empty();
        if let (None, Some(home)) = (&key.database, &table.database) {
            self.homes.set(key.user.clone(), home.clone());
            self.tables.insert(Key { database: Some(home.clone()), ..key.clone() }, table.clone());
        }
        self.tables.insert(key.clone(), table.clone());
        self.forget_old();
    }

    /// Drops tables that are over; and, if there are too many, those that were fetched first.
    fn forget_old(&mut self) {
        self.tables.retain(|_, table| !table.is_over());
        if self.tables.len() > MAX_TABLES {
            let mut fetched: Vec<Instant> = self.tables.values().map(|table| table.fetched).collect();
            fetched.sort_unstable();
            let limit = fetched.get(self.tables.len() - MAX_TABLES).copied();
            self.tables.retain(|_, table| limit.is_none_or(|limit| table.fetched >= limit));
        }
    }

    /// Takes out the pools of servers that are in no table.
    fn retire(&mut self) -> Vec<Arc<Pool>> {
        let named: HashSet<&Address> = self.tables.values().flat_map(|table| table.all()).collect();
        let gone =
            self.pools.extract_if(|address, _| !named.contains(address)).map(|(_, pool)| pool).collect();
        self.silent.retain(|address| named.contains(address));
        self.without_ssr.retain(|address| self.pools.contains_key(address));
        self.numbered.retain(|_, pool| pool.strong_count() > 0);
        gone
    }
}

/// Whether no other router would answer otherwise.
fn is_final(error: &Error) -> bool {
    let code = error.code();
    match error.kind {
        Kind::Client | Kind::Pool | Kind::Discovery | Kind::NotRouting | Kind::Aborted | Kind::Internal => {
            true
        }
        Kind::Server => {
            FAIL_FAST.contains(&code)
                || (code.starts_with("Neo.ClientError.Security.")
                    && code != "Neo.ClientError.Security.AuthorizationExpired")
        }
        Kind::Connection | Kind::Protocol | Kind::Expired => false,
    }
}

/// No router had a table to give.
fn nobody_told<'a>(errors: impl Iterator<Item = &'a Error>, old: Option<&Table>) -> Error {
    let errors: Vec<String> = errors.map(told_by).collect();
    let table = old.map_or_else(|| "none".to_owned(), |table| table.to_string());
    let message = format!(
        "Could not perform discovery. No routing servers available. Tried: {}. Known routing table: {table}.",
        errors.join("; "),
    );
    Error { earlier: errors, ..Error::new(Kind::Discovery, message) }
}

fn told_by(error: &Error) -> String {
    match &error.server {
        Some(server) => format!("{}: {}", server.address, error.message),
        None => error.message.clone(),
    }
}

/// Each IP address behind a name for itself, since they may be different members. A name that is not resolved in time, or
/// not at all, stands for itself: connecting to it has an end and an error of its own.
async fn addresses_of(name: &Address) -> Vec<Address> {
    let found =
        tokio::time::timeout(NAME_TIMEOUT, tokio::net::lookup_host((name.host.as_str(), name.port))).await;
    let ips: Vec<IpAddr> = found.into_iter().flatten().flatten().map(|ip| ip.ip()).collect();
    if ips.len() > 1 {
        ips.into_iter().map(|ip| Address { ip: Some(ip), ..name.clone() }).collect()
    } else {
        vec![name.clone()]
    }
}

fn closed() -> Error {
    Error::new(Kind::Pool, "The driver is closed.")
}

fn verb(write: bool) -> &'static str {
    if write {
        "writes"
    } else {
        "reads"
    }
}

fn name_of(key: &Key) -> String {
    match &key.database {
        Some(name) => format!("database {name}"),
        None => "the home database".into(),
    }
}
