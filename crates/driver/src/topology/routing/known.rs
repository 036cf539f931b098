//! What is known of a cluster: its tables, and what they say of its members.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::fetch::{Fetch, Fetched, Lookup};
use super::homes::Homes;
use super::outage::Outage;
use super::table::Table;
use super::{Key, Router};
use crate::address::Address;
use crate::error::Error;
use crate::members::Members;
use crate::pool::Pool;
use crate::topology::alarm::Pace;
use crate::topology::Topology;
use crate::watch;

/// Tables that are kept at most, one a database and user.
const MAX_TABLES: usize = 1_000;

/// A table, and who is what by it: immutable, as that is.
pub(super) struct KnownTable {
    pub(super) table: Table,
    readers: Arc<Topology>,
    writers: Arc<Topology>,
}

impl KnownTable {
    /// The servers that do such work.
    pub(super) fn topology(&self, write: bool) -> &Arc<Topology> {
        if write {
            &self.writers
        } else {
            &self.readers
        }
    }
}

#[derive(Default)]
pub(super) struct Known {
    pub(super) tables: HashMap<Key, Arc<KnownTable>>,
    /// Fetches under way.
    pub(super) fetches: HashMap<Key, Fetch>,
    /// Where there is no writer or no reader, and where there were.
    pub(super) outages: HashMap<Key, Outage>,
    pub(super) homes: Homes,
    /// Members that do not pass work on to where it belongs: while there is one, no home is guessed.
    pub(super) without_ssr: HashSet<Address>,
    /// Routers that gave no table when they were last asked, or were overtaken: others are asked first.
    pub(super) silent: HashSet<Address>,
    /// When members could not be reached last, by their numbers: whoever has a table from before that need not try as well.
    pub(super) unreachable: HashMap<usize, Instant>,
    /// The routers of the last table may be cut off from the cluster: the seed is asked first.
    pub(super) distrusts_routers: bool,
}

impl Router {
    pub(super) fn pool(&self, address: &Address) -> Result<Arc<Pool>, Error> {
        let member = self.members.discover(address, &self.template).ok_or_else(Error::driver_closed)?;
        Ok(member.pool.clone())
    }

    /// The server cannot be reached.
    pub(super) fn forget(&self, pool: &Pool) {
        self.known.lock().unreachable.insert(pool.endpoint.server.index, Instant::now());
        self.change(&pool.endpoint.address, |_| true, Table::forget);
        pool.drop_idle();
    }

    /// Of the tables that have work for this server, replaces some by what `change` makes of them.
    pub(super) fn change(
        &self,
        address: &Address,
        which: impl Fn(&Table) -> bool,
        change: impl Fn(&mut Table, &Address),
    ) {
        let mut known = self.known.lock();
        let Known { tables, outages, .. } = &mut *known;
        let concerned = |table: &Table| table.has_work_for(address) && which(table);
        for (key, before) in tables.iter_mut().filter(|(_, before)| concerned(&before.table)) {
            let mut table = before.table.clone();
            change(&mut table, address);
            if let Some(outage) = outages.get_mut(key) {
                outage.is_seen(&table);
            }
            *before = self.know(table);
        }
    }

    /// With what is known locked, so that no server of the table is let go meanwhile.
    pub(super) fn know(&self, table: Table) -> Arc<KnownTable> {
        let config = &self.template.config;
        let all: Vec<&Address> = table.readers.iter().chain(&table.writers).collect();
        self.members.discover_all(&all, &self.template);
        let topology = |addresses: &[Address]| {
            let member = |address| self.members.discover(address, &self.template);
            let mut servers: Vec<(usize, Arc<str>)> = addresses
                .iter()
                .filter_map(member)
                .map(|member| (member.index(), member.address().to_string().into()))
                .collect();
            servers.sort_unstable();
            let servers = servers.into_iter();
            Arc::new(Topology::new(config, None, servers, self.publisher.clone(), self.log.clone()))
        };
        Arc::new(KnownTable { readers: topology(&table.readers), writers: topology(&table.writers), table })
    }
}

impl Known {
    /// A table that needs no fetch. What the home database is can change at any time: a table that was asked for without a
    /// database counts only for whoever asked before it came, unless it is for all databases there are (before Bolt 4.4).
    pub(super) fn table(&self, key: &Key, write: bool, asked: Instant) -> Option<Arc<KnownTable>> {
        let known = self.tables.get(key).filter(|known| !known.table.is_stale(write))?;
        let is_home = key.database.is_none() && known.table.database.is_some();
        (!is_home || known.table.fetched >= asked).then(|| known.clone())
    }

    /// The fetch under way for the same database and user; or a new one, and where its outcome is to be sent.
    pub(super) fn join(&mut self, lookup: &Arc<Lookup>) -> (Fetch, Option<watch::Sender<Fetched>>) {
        if let Some(fetch) = self.fetches.get(&lookup.key) {
            return (fetch.clone(), None);
        }
        let (sender, outcome) = watch::channel(None);
        let fetch = Fetch { lookup: lookup.clone(), outcome };
        self.fetches.insert(lookup.key.clone(), fetch.clone());
        (fetch, Some(sender))
    }

    /// How often tables are fetched for one of several databases or users: all together ask no more often than one.
    pub(super) fn pace(&self, pace: Pace) -> Pace {
        let asking = u32::try_from(self.fetches.len()).unwrap_or(u32::MAX);
        pace.shared_by(asking, asking)
    }

    /// A table without those that could not be reached since it was sent.
    pub(super) fn without_unreachable(&self, mut table: Table, members: &Members) -> Table {
        for index in self.unreachable_since(table.fetched) {
            members.get(index).iter().for_each(|member| table.forget(member.address()));
        }
        table
    }

    pub(super) fn unreachable_since(&self, moment: Instant) -> impl Iterator<Item = usize> + '_ {
        self.unreachable.iter().filter(move |(_, at)| **at > moment).map(|(index, _)| *index)
    }

    pub(super) fn note(&mut self, address: &Address, server_side_routing: bool) {
        if server_side_routing {
            self.without_ssr.remove(address);
        } else if !self.without_ssr.contains(address) {
            self.without_ssr.insert(address.clone());
        }
    }

    pub(super) fn register(&mut self, key: &Key, known: &Arc<KnownTable>) {
        self.distrusts_routers = known.table.writers.is_empty();
        if let (None, Some(home)) = (&key.database, &known.table.database) {
            self.homes.set(key.user.clone(), home.clone());
            self.tables.insert(Key { database: Some(home.clone()), ..key.clone() }, known.clone());
        }
        self.tables.insert(key.clone(), known.clone());
        self.forget_old();
        self.outages.retain(|key, _| self.tables.contains_key(key));
        for (key, _) in self.tables.iter().filter(|(_, one)| Arc::ptr_eq(one, known)) {
            let outage = self.outages.entry(key.clone()).or_default();
            outage.is_seen(&known.table);
            outage.is_fetched();
        }
    }

    /// Drops tables that are over; and, if there are too many, those that were fetched first.
    fn forget_old(&mut self) {
        self.tables.retain(|_, known| !known.table.is_over());
        if self.tables.len() > MAX_TABLES {
            let mut fetched: Vec<Instant> = self.tables.values().map(|known| known.table.fetched).collect();
            fetched.sort_unstable();
            let limit = fetched.get(self.tables.len() - MAX_TABLES).copied();
            self.tables.retain(|_, known| limit.is_none_or(|limit| known.table.fetched >= limit));
        }
    }

    /// Members that are in no table.
    pub(super) fn gone(&mut self, members: &Members) -> BTreeSet<usize> {
        let named: HashSet<&Address> = self.tables.values().flat_map(|known| known.table.all()).collect();
        self.silent.retain(|address| named.contains(address));
        self.without_ssr.retain(|address| named.contains(address));
        let members = members.list();
        self.unreachable.retain(|index, _| members.get(*index).is_some());
        let gone = members.iter().filter(|member| !named.contains(member.address()));
        gone.map(|member| member.index()).collect()
    }
}
