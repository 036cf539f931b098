//! Routing: which members of a cluster read and write for a database, as the cluster itself says.
//!
//! Sources: Bolt documentation, "ROUTE"; the routing procedures of Neo4j 3.x and 4.x; the official drivers for what is
//! done with each error.
//!
//! A table is fetched when work needs one and has none that is fresh: from a router of the last table, else from the
//! seed, which is what the application's URI names (or what its resolver makes of that). One fetch at a time for each
//! database and user; whoever needs the same meanwhile waits for it.

mod discovery;
mod homes;
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
use tokio::time::Instant;

use crate::address::Address;
use crate::config::{AuthConfig, Config};
use crate::error::{Error, Kind, ServerRef};
use crate::log::Log;
use crate::net::{Conn, Endpoint, Interrupt};
use crate::observer::Observer;
use crate::pool::{Pool, Pooled};
use crate::strategy::Turns;
use homes::Homes;
use table::{read_address, Table};

/// Tables that are kept at most, one a database and user.
const MAX_TABLES: usize = 1_000;
/// Addresses that are tried at most.
const MAX_SEEDS: usize = 100;
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
}

#[derive(Default)]
struct Known {
    tables: HashMap<Key, Arc<Table>>,
    /// Fetches under way.
    fetches: HashMap<Key, Arc<tokio::sync::Mutex<()>>>,
    pools: HashMap<Address, Arc<Pool>>,
    /// Pools of servers that are in no table any more, while work on them is under way.
    retired: Vec<Weak<Pool>>,
    /// Pools that were ever made: servers are numbered by it.
    made: usize,
    homes: Homes,
    /// Members that do not pass work on to where it belongs: while there is one, no home is guessed.
    without_ssr: HashSet<Address>,
    /// The routers of the last table may be cut off from the cluster: the seed is asked first.
    distrusts_routers: bool,
    closed: bool,
}

/// What a table is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    database: Option<String>,
    /// `None` is the user of the driver.
    user: Option<String>,
}

/// What work needs a connection for.
pub(crate) struct Ask<'a> {
    /// `None` is the home database of the user.
    pub(crate) database: Option<&'a str>,
    pub(crate) write: bool,
    pub(crate) bookmarks: &'a [String],
    pub(crate) impersonated_user: Option<&'a str>,
    /// Who the session is, where not the user of the driver.
    pub(crate) auth: Option<&'a AuthConfig>,
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
        }
    }

    /// What the application's URI names.
    fn seed(&self) -> &Address {
        &self.template.address
    }

    /// A connection to a server for this work: the one with the fewest connections in use. A server that cannot be
    /// reached is forgotten, and the next one tried; if there is none left, once more with a new table.
    pub(crate) async fn connect(&self, ask: &Ask<'_>) -> Result<Routed, Error> {
        let limit = Duration::from_millis(self.template.config.connection_acquisition_timeout);
        match tokio::time::timeout(limit, self.connect_unbounded(ask)).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                Kind::Pool,
                format!(
                    "Connection acquisition timed out in {} ms (connectionAcquisitionTimeout): no connection to a \
                     server that {} could be had by the routing of {}.",
                    limit.as_millis(),
                    verb(ask.write),
                    self.seed(),
                ),
            )),
        }
    }

    async fn connect_unbounded(&self, ask: &Ask<'_>) -> Result<Routed, Error> {
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
            match pool.acquire(ask.auth).await {
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
        for address in self.seeds().await? {
            match Conn::negotiate(&self.pool(&address)?.endpoint).await {
                Ok(version) => return Ok(version),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::new(Kind::Discovery, format!("{} has no address.", self.seed()))))
    }

    // ---- tables ----

    /// A table for this work: one that is fresh, or a new one.
    async fn fresh_table(&self, ask: &Ask<'_>) -> Result<Arc<Table>, Error> {
        let key = Key { database: ask.database.map(str::to_owned), user: self.user(ask) };
        let asked = Instant::now();
        if let Some(table) = self.known_table(&key, ask, None) {
            return Ok(table);
        }
        let turn = self.known.lock().fetches.entry(key.clone()).or_default().clone();
        let guard = turn.lock().await;
        // Somebody else may have fetched it meanwhile.
        let result = match self.known_table(&key, ask, Some(asked)) {
            Some(table) => Ok(table),
            None => self.fetch(&key, ask).await,
        };
        drop(guard);
        let mut known = self.known.lock();
        // Two more hold it while nobody else waits: the map, and `turn`.
        if Arc::strong_count(&turn) <= 2 {
            known.fetches.remove(&key);
        }
        result
    }

    /// A table that needs no fetch. What the home database is can change at any time: a table that was asked for without a
    /// database counts only for whoever asked before it came, unless it is for all databases there are (before Bolt 4.4).
    fn known_table(&self, key: &Key, ask: &Ask<'_>, asked: Option<Instant>) -> Option<Arc<Table>> {
        let table = self.known.lock().tables.get(key).filter(|table| !table.is_stale(ask.write)).cloned()?;
        let is_home = key.database.is_none() && table.database.is_some();
        (!is_home || asked.is_some_and(|asked| table.fetched >= asked)).then_some(table)
    }

    async fn fetch(&self, key: &Key, ask: &Ask<'_>) -> Result<Arc<Table>, Error> {
        let (old, seed_first) = {
            let known = self.known.lock();
            (known.tables.get(key).cloned(), known.distrusts_routers)
        };
        self.log.info(|| match &old {
            Some(table) => format!("the routing table is stale: {table}"),
            None => format!("a routing table for {} is fetched", name_of(key)),
        });
        let routers = old.as_ref().map(|table| table.routers.clone()).unwrap_or_default();
        let mut tried = Vec::new();
        let mut failures = Vec::new();
        for seeds in [seed_first, !seed_first] {
            let addresses = if seeds { self.seeds().await? } else { routers.clone() };
            for address in addresses {
                if tried.contains(&address) {
                    continue;
                }
                match self.fetch_from(&address, ask).await {
                    Ok(table) => return Ok(self.register(key, table)),
                    Err(error) if is_final(&error) => return Err(error),
                    Err(error) => {
                        let failure = format!("{address}: {}", error.message);
                        self.log.info(|| format!("no routing table from {failure}"));
                        failures.push(failure);
                        tried.push(address);
                    }
                }
            }
        }
        let table = old.map_or_else(|| "none".to_owned(), |table| table.to_string());
        let mut error = Error::new(
            Kind::Discovery,
            format!(
                "Could not perform discovery. No routing servers available. Tried: {}. Known routing table: {table}.",
                failures.join("; "),
            ),
        );
        error.earlier = failures;
        Err(error)
    }

    async fn fetch_from(&self, address: &Address, ask: &Ask<'_>) -> Result<Table, Error> {
        let pool = self.pool(address)?;
        let limit = Duration::from_millis(self.template.config.connection_timeout);
        let fetching = async {
            let mut pooled = pool.acquire(ask.auth).await?;
            self.known.lock().note(address, pooled.bolt.hints().server_side_routing);
            let context = self.template.routing.as_deref().unwrap_or_default();
            let answer = discovery::ask(&mut pooled, context, ask, self.seed().tls).await;
            pooled.release();
            answer
        };
        let answer = if limit.is_zero() {
            fetching.await
        } else {
            tokio::time::timeout(limit, fetching).await.unwrap_or_else(|_| {
                let what = format!("it sent no routing table within {} ms", limit.as_millis());
                Err(pool.endpoint.error(Kind::Connection, what))
            })
        };
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

    /// Where to begin: what the URI names, or what the application's resolver makes of it; each IP address behind a name
    /// for itself, since they may be different members.
    async fn seeds(&self) -> Result<Vec<Address>, Error> {
        let named =
            if self.template.config.resolver { self.resolve().await? } else { vec![self.seed().clone()] };
        let mut seeds = Vec::new();
        for address in named {
            let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
            let ips: Vec<IpAddr> = found.map(|ips| ips.map(|ip| ip.ip()).collect()).unwrap_or_default();
            if ips.len() > 1 {
                seeds.extend(ips.into_iter().map(|ip| Address { ip: Some(ip), ..address.clone() }));
            } else {
                seeds.push(address);
            }
        }
        seeds.truncate(MAX_SEEDS);
        Ok(seeds)
    }

    async fn resolve(&self) -> Result<Vec<Address>, Error> {
        let failed = |why: &str| {
            Error::new(Kind::Client, format!("The resolver gave no address for {}: {why}.", self.seed()))
        };
        let found = self.observer.resolve(&self.seed().to_string()).await.map_err(|why| failed(&why))?;
        if found.is_empty() {
            return Err(failed("its list is empty"));
        }
        found.iter().map(|text| read_address(text, self.seed().tls).map_err(|why| failed(&why))).collect()
    }

    fn register(&self, key: &Key, table: Table) -> Arc<Table> {
        let table = Arc::new(table);
        self.log.info(|| format!("new routing table: {table}"));
        let retired = {
            let mut known = self.known.lock();
            known.distrusts_routers = table.writers.is_empty();
            if let (None, Some(home)) = (&key.database, &table.database) {
                known.homes.set(key.user.clone(), home.clone());
                known.tables.insert(Key { database: Some(home.clone()), ..key.clone() }, table.clone());
            }
            known.tables.insert(key.clone(), table.clone());
            known.forget_old();
            known.retire()
        };
        for pool in retired {
            self.log.debug(|| format!("{} is in no routing table any more", pool.endpoint.address));
            pool.retire();
        }
        table
    }

    // ---- servers ----

    fn pool(&self, address: &Address) -> Result<Arc<Pool>, Error> {
        let mut known = self.known.lock();
        if known.closed {
            return Err(Error::new(Kind::Pool, "The driver is closed."));
        }
        if let Some(pool) = known.pools.get(address) {
            return Ok(pool.clone());
        }
        let server = ServerRef { index: known.made, address: address.to_string(), token: None };
        known.made += 1;
        let like = known.pools.values().next().map_or(&self.template, |pool| &pool.endpoint);
        let pool = Arc::new(Pool::new(like.elsewhere(server, address.clone()), self.log.clone()));
        known.pools.insert(address.clone(), pool.clone());
        Ok(pool)
    }

    /// The server cannot be reached.
    fn forget(&self, pool: &Pool) {
        self.known.lock().change(|_| true, |table| table.forget(&pool.endpoint.address));
        pool.drop_idle();
    }

    /// Draws the consequences of an error of work on a server, and gives the error as users of routing know it.
    pub(crate) fn heard(&self, error: Error, database: Option<&str>) -> Error {
        let Some(server) = error.server.clone() else { return error };
        let pool =
            self.known.lock().all_pools().into_iter().find(|p| p.endpoint.server.index == server.index);
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
        match (ask.impersonated_user, ask.auth) {
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

    /// Ends every connection. None is made any more.
    pub(crate) async fn close(&self) {
        let pools = {
            let mut known = self.known.lock();
            known.closed = true;
            known.all_pools()
        };
        for pool in &pools {
            pool.endpoint.interrupt.send_replace(Interrupt::Closed);
        }
        for pool in &pools {
            pool.close().await;
        }
    }
}

impl Known {
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

    fn all_pools(&self) -> Vec<Arc<Pool>> {
        self.pools.values().cloned().chain(self.retired.iter().filter_map(Weak::upgrade)).collect()
    }

    /// Takes out the pools of servers that are in no table.
    fn retire(&mut self) -> Vec<Arc<Pool>> {
        let tables = &self.tables;
        let gone: Vec<Address> =
            self.pools.keys().filter(|address| !tables.values().any(|t| t.has(address))).cloned().collect();
        self.without_ssr.retain(|address| !gone.contains(address));
        let gone: Vec<Arc<Pool>> = gone.iter().filter_map(|address| self.pools.remove(address)).collect();
        self.retired.retain(|pool| pool.strong_count() > 0);
        self.retired.extend(gone.iter().map(Arc::downgrade));
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
