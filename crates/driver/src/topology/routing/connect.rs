//! The choice of a member for work, and a connection to it.

use std::sync::Arc;
use std::time::Duration;

use bolt::Version;
use tokio::time::{timeout, timeout_at, Instant};

use super::discovery::SYSTEM;
use super::known::KnownTable;
use super::outage::Outage;
use super::race::STAGGER;
use super::seeds::addresses_of;
use super::{Key, Router};
use crate::connect::Ask;
use crate::core::Core;
use crate::error::{Error, Kind};
use crate::net::Conn;
use crate::pool::Pooled;
use crate::strategy::{Intent, Permissions, Strategy};

/// How much longer a way to a connection may take than the acquisition on it: whose error says who holds the connections.
const GRACE: Duration = Duration::from_millis(50);
/// Tables that are tried for work, where no server of the first can be reached.
const TABLES: usize = 2;

/// What a guess of the home database has led to.
enum Guess {
    /// A connection.
    Right(Box<Pooled>),
    /// The servers of this database are lost, and waited for.
    Lost(Key),
    /// Nothing: a table says it.
    None,
}

impl Router {
    /// A connection to a server for this work: the one with the fewest connections in use. A server that cannot be
    /// reached is forgotten, and the next one tried; if there is none left, once more with a new table. Where the last one was lost, the
    /// next one is waited for.
    pub(crate) async fn connect(self: &Arc<Self>, core: &Core, ask: &Ask<'_>) -> Result<Pooled, Error> {
        let limit = core.config.acquisition_limit();
        let deadline = Instant::now() + limit;
        let mut earlier = Vec::new();
        match timeout_at(deadline + GRACE, self.connect_until(deadline, core, ask, &mut earlier)).await {
            Ok(result) => result,
            Err(_) => {
                let message = format!(
                    "Connection acquisition timed out in {} ms (connectionAcquisitionTimeout): no connection to a \
                     server that {} could be had by the routing of {}{}.",
                    limit.as_millis(),
                    verb(ask.write),
                    self.seed(),
                    self.unanswered(),
                );
                Err(Error { earlier, ..Error::new(Kind::Pool, message) })
            }
        }
    }

    /// Which function of the application has been asked, and has not answered.
    fn unanswered(&self) -> &'static str {
        let waits = |asked: &Arc<()>| Arc::strong_count(asked) > 1;
        match (waits(&self.resolving), waits(&self.managing)) {
            (true, _) => ", whose resolver has not answered",
            (_, true) => "; a bookmark manager has not answered: look at its getBookmarks()",
            (false, false) => "",
        }
    }

    /// The deadline is that of each acquisition from a pool.
    async fn connect_until(
        self: &Arc<Self>,
        deadline: Instant,
        core: &Core,
        ask: &Ask<'_>,
        earlier: &mut Vec<String>,
    ) -> Result<Pooled, Error> {
        // Who is to be verified may have no database to be at home in, nor the right to ask for a table.
        let database = ask.database().or_else(|| ask.user.routed_by_driver.then(|| SYSTEM.to_owned()));
        let mut key = Key { database, user: self.name_of(ask.user) };
        if key.database.is_none() {
            match self.connect_by_guess(&key, deadline, core, ask).await? {
                Guess::Right(pooled) => return Ok(*pooled),
                Guess::Lost(home) => key = home,
                Guess::None => {}
            }
        }
        let mut tables = 0;
        loop {
            if let Some(known) = self.stand_in(&key, ask) {
                match self.connect_to_one_of(&known, true, deadline, core, ask).await {
                    Err(error) if has_none(&error) => {}
                    connected => return connected,
                }
            }
            let (error, tried) = match self.fresh_table(&key, ask).await {
                Ok(known) => match self.connect_by(&known, &key, deadline, core, ask).await {
                    Ok(pooled) => return Ok(pooled),
                    Err(error) => (error, Some(known.table.fetched)),
                },
                Err(error) => (error, None),
            };
            tables += 1;
            // Where the last server for it was lost, the next fetch waits for its time, and so does whoever needs it.
            let is_of_servers = has_none(&error) || error.kind == Kind::Discovery;
            if is_of_servers && self.awaits_server(&key, ask, tried) {
                *earlier = vec![error.message];
                continue;
            }
            if error.kind != Kind::Connection {
                return Err(error);
            }
            earlier.push(error.message);
            if tables >= TABLES {
                break;
            }
        }
        let mut error = Error::new(
            Kind::Expired,
            format!(
                "No server that {} could be connected to, though the routing table names some.",
                verb(ask.write)
            ),
        );
        error.earlier = std::mem::take(earlier);
        Err(error)
    }

    /// A connection by this table.
    async fn connect_by(
        &self,
        known: &KnownTable,
        key: &Key,
        deadline: Instant,
        core: &Core,
        ask: &Ask<'_>,
    ) -> Result<Pooled, Error> {
        let connected = match ask.write {
            true => self.connect_to_one_of(known, true, deadline, core, ask).await,
            false => self.connect_to_reader(known, key, deadline, core, ask).await,
        };
        if connected.is_ok() && key.database.is_none() && known.table.database.is_some() {
            ask.place.lock().home.clone_from(&known.table.database);
        }
        connected
    }

    /// A connection to a reader. Where a cluster has lost its readers a writer reads: once none is left, servers name it so themselves, and
    /// until then it is there all the same.
    async fn connect_to_reader(
        &self,
        known: &KnownTable,
        key: &Key,
        deadline: Instant,
        core: &Core,
        ask: &Ask<'_>,
    ) -> Result<Pooled, Error> {
        let turn = || self.known.lock().outages.get(key).and_then(Outage::turn);
        let held = match turn() {
            // Who tries a server that is silent keeps nobody waiting.
            Some(turn) => timeout(STAGGER, turn.lock_owned()).await.ok(),
            None => None,
        };
        // Where one is there meanwhile, all go on at once.
        let held = held.filter(|_| turn().is_some());
        let patience = {
            let outages = &self.known.lock().outages;
            outages.get(key).and_then(|outage| outage.tries_readers_for(known.table.fetched))
        };
        let connecting = self.connect_to_one_of(known, false, deadline, core, ask);
        let connected = match patience.filter(|_| !known.table.writers.is_empty()) {
            Some(limit) => timeout(limit, connecting).await.unwrap_or_else(|_| Err(self.silent(ask, limit))),
            None => connecting.await,
        };
        drop(held);
        match connected {
            Ok(pooled) => {
                let outages = &mut self.known.lock().outages;
                outages.get_mut(key).into_iter().for_each(Outage::has_reader);
                // The table of who names no database is that of the home database as well.
                if key.database.is_none() {
                    let home = Key { database: known.table.database.clone(), ..key.clone() };
                    outages.get_mut(&home).into_iter().for_each(Outage::has_reader);
                }
                Ok(pooled)
            }
            Err(error) if patience.is_some() && has_none(&error) => {
                self.connect_to_one_of(known, true, deadline, core, ask).await.or(Err(error))
            }
            Err(error) => Err(error),
        }
    }

    /// The reader that was tried last gave no connection in time.
    fn silent(&self, ask: &Ask<'_>, limit: Duration) -> Error {
        let tried = ask.place.lock().server;
        // That all of its connections are in use says nothing of a server.
        let pool = tried.and_then(|server| self.members.pool_of(server)).filter(|pool| !pool.is_full());
        pool.iter().for_each(|pool| self.forget(pool));
        let what = format!("No reader gave a connection within {} ms.", limit.as_millis());
        Error::new(Kind::Connection, what)
    }

    /// A table of an outage of readers whose time for the next one has not come, and whose readers have been tried.
    fn stand_in(&self, key: &Key, ask: &Ask<'_>) -> Option<Arc<KnownTable>> {
        let known = self.known.lock();
        let outage = known.outages.get(key).filter(|_| !ask.write)?;
        let (table, now) = (known.tables.get(key)?, Instant::now());
        let is_tried = table.table.readers.is_empty() && outage.lacks_readers_since(table.table.fetched);
        let is_of_now = !table.table.is_stale(true)
            && outage.next_fetch(known.pace(self.pace)).is_some_and(|next| now < next);
        (is_tried && is_of_now).then(|| table.clone())
    }

    /// Whether the next table may name a server that does it, since there was one; or one has come already since that which was tried.
    fn awaits_server(&self, key: &Key, ask: &Ask<'_>, tried: Option<Instant>) -> bool {
        if !ask.is_patient || Instant::now() >= ask.retry.deadline() {
            return false;
        }
        let known = self.known.lock();
        let Some(outage) = known.outages.get(key) else { return false };
        let table = known.tables.get(key).map(|known| &known.table);
        let is_newer = table.zip(tried).is_some_and(|(table, tried)| table.fetched > tried);
        // Another attempt would try the same at once.
        let is_same = !is_newer && tried.is_some() && table.is_some_and(|table| !table.is_stale(ask.write));
        !is_same
            && (outage.promised_until(ask.write, self.pace).is_some()
                || outage.had_one(ask.write) && is_newer)
    }

    /// Tries the readers or the writers of a table, one after the other. [`Kind::Connection`] if none can be reached.
    async fn connect_to_one_of(
        &self,
        known: &KnownTable,
        writers: bool,
        deadline: Instant,
        core: &Core,
        ask: &Ask<'_>,
    ) -> Result<Pooled, Error> {
        let topology = known.topology(writers);
        let intent = Intent {
            write: ask.write,
            // What they do is what the table has them for.
            permissions: Permissions::MASTER_READ_WRITE_SLAVE_READ,
            strategy: Strategy::LeastOfAll,
            pinned: None,
        };
        let ask = &Ask { intent, ..*ask };
        let mut tried: Vec<usize> = self.known.lock().unreachable_since(known.table.fetched).collect();
        let mut last = None;
        while let Some(server) = core.selection.another(topology, intent, &tried) {
            ask.place.lock().begin(server, topology.clone());
            match core.connect_while_it_fits(server, topology, ask, deadline).await {
                Ok(Some(pooled)) => {
                    if let Some(member) = self.members.get(server) {
                        self.known.lock().note(member.address(), pooled.bolt.hints().server_side_routing);
                    }
                    return Ok(pooled);
                }
                // It has gone just now.
                Ok(None) => {}
                Err(error) if error.kind == Kind::Connection => {
                    if let Some(pool) = self.members.pool_of(server) {
                        self.forget(&pool);
                    }
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
            tried.push(server);
        }
        if core.is_closed() {
            return Err(Error::driver_closed());
        }
        // Where all have gone since, a newer table has others.
        let kind = if known.table.servers(writers).is_empty() { Kind::Expired } else { Kind::Connection };
        Err(last.unwrap_or_else(|| {
            let message = format!(
                "Failed to obtain connection towards {} server. Known routing table is: {}.",
                if ask.write { "write" } else { "read" },
                known.table,
            );
            Error::new(kind, message)
        }))
    }

    /// By what is remembered of the user's home, if its servers pass work on where that is wrong.
    async fn connect_by_guess(
        &self,
        key: &Key,
        deadline: Instant,
        core: &Core,
        ask: &Ask<'_>,
    ) -> Result<Guess, Error> {
        let (home, known) = {
            let mut known = self.known.lock();
            let Some(database) = known.homes.get(&key.user) else { return Ok(Guess::None) };
            if !known.without_ssr.is_empty() {
                return Ok(Guess::None);
            }
            let home = Key { database: Some(database), ..key.clone() };
            let table = known.tables.get(&home).cloned();
            (home, table)
        };
        let mut tried = None;
        if let Some(known) = known.filter(|known| !known.table.is_stale(ask.write)) {
            tried = Some(known.table.fetched);
            match self.connect_by(&known, &home, deadline, core, ask).await {
                Ok(pooled) if pooled.bolt.hints().server_side_routing => {
                    return Ok(Guess::Right(Box::new(pooled)))
                }
                // A member that was not known before.
                Ok(pooled) => {
                    pooled.release();
                    return Ok(Guess::None);
                }
                Err(error) if has_none(&error) => {}
                Err(error) => return Err(error),
            }
        }
        match self.awaits_server(&home, ask, tried) {
            true => Ok(Guess::Lost(home)),
            false => Ok(Guess::None),
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
}

/// Whether a table had no server for the work, or none that could be reached.
fn has_none(error: &Error) -> bool {
    matches!(error.kind, Kind::Connection | Kind::Expired)
}

fn verb(write: bool) -> &'static str {
    if write {
        "writes"
    } else {
        "reads"
    }
}
