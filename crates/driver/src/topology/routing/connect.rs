//! The choice of a member for work, and a connection to it.

use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use bolt::Version;
use tokio::time::{timeout_at, Instant};

use super::seeds::addresses_of;
use super::table::Table;
use super::{Ask, Key, Routed, Router};
use crate::error::{Error, Kind};
use crate::net::phase::Phases;
use crate::net::Conn;
use crate::pool::Pooled;

/// How much longer a way to a connection may take than the acquisition on it: whose error says who holds the connections.
const GRACE: Duration = Duration::from_millis(50);
/// Tables that are tried for work, where no server of the first can be reached.
const TABLES: usize = 2;

impl Router {
    /// A connection to a server for this work: the one with the fewest connections in use. A server that cannot be
    /// reached is forgotten, and the next one tried; if there is none left, once more with a new table. Where the last writer was lost, the
    /// next one is waited for.
    pub(crate) async fn connect(self: &Arc<Self>, ask: &Ask<'_>) -> Result<Routed, Error> {
        let limit = Duration::from_millis(self.template.config.connection_acquisition_timeout);
        let deadline = Instant::now() + limit;
        match timeout_at(deadline + GRACE, self.connect_until(deadline, ask)).await {
            Ok(result) => result,
            Err(_) => Err(Error::new(
                Kind::Pool,
                format!(
                    "Connection acquisition timed out in {} ms (connectionAcquisitionTimeout): no connection to a \
                     server that {} could be had by the routing of {}{}.",
                    limit.as_millis(),
                    verb(ask.write),
                    self.seed(),
                    self.unanswered(),
                ),
            )),
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
    async fn connect_until(self: &Arc<Self>, deadline: Instant, ask: &Ask<'_>) -> Result<Routed, Error> {
        if ask.database.is_none() {
            if let Some(pooled) = self.connect_by_guess(deadline, ask).await? {
                return Ok(Routed { pooled, home: None });
            }
        }
        let mut earlier: Vec<String> = Vec::new();
        let mut tables = 0;
        loop {
            let table = self.fresh_table(ask).await?;
            let home = table.database.clone().filter(|_| ask.database.is_none());
            let error = match self.connect_to_one_of(&table, deadline, ask).await {
                Ok(pooled) => return Ok(Routed { pooled, home }),
                Err(error) => error,
            };
            tables += 1;
            if !matches!(error.kind, Kind::Connection | Kind::Expired) {
                return Err(error);
            }
            // Where a writer was lost, the next fetch waits for its time, and so does whoever needs it.
            if self.awaits_writer(ask) {
                earlier = vec![error.message];
                continue;
            }
            if error.kind == Kind::Expired {
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
        error.earlier = earlier;
        Err(error)
    }

    /// Whether the next table may name a writer, since there was one.
    fn awaits_writer(&self, ask: &Ask<'_>) -> bool {
        let key = Key { database: ask.database.map(str::to_owned), user: self.user(ask) };
        let promised =
            || self.known.lock().outages.get(&key).and_then(|outage| outage.promised_until(self.pace));
        ask.write && Instant::now() < ask.deadline && promised().is_some()
    }

    /// Tries the servers of a table, the least connected first. [`Kind::Connection`] if none can be reached.
    async fn connect_to_one_of(
        &self,
        table: &Table,
        deadline: Instant,
        ask: &Ask<'_>,
    ) -> Result<Pooled, Error> {
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
            match pool.acquire_until(deadline, ask.auth, &Phases::default()).await {
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
    async fn connect_by_guess(&self, deadline: Instant, ask: &Ask<'_>) -> Result<Option<Pooled>, Error> {
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
        match self.connect_to_one_of(&table, deadline, ask).await {
            Ok(pooled) if pooled.bolt.hints().server_side_routing => Ok(Some(pooled)),
            // A member that was not known before.
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
}

fn verb(write: bool) -> &'static str {
    if write {
        "writes"
    } else {
        "reads"
    }
}
