//! What is known of a cluster: its tables, and what they say of its members.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use super::fetch::{Fetch, Fetched, Lookup};
use super::homes::Homes;
use super::outage::Outage;
use super::table::Table;
use super::{Ask, Key, Router};
use crate::address::Address;
use crate::error::Error;
use crate::members::Members;
use crate::pool::Pool;
use crate::watch;

/// Tables that are kept at most, one a database and user.
const MAX_TABLES: usize = 1_000;

#[derive(Default)]
pub(super) struct Known {
    pub(super) tables: HashMap<Key, Arc<Table>>,
    /// Fetches under way.
    pub(super) fetches: HashMap<Key, Fetch>,
    /// Where there is no writer, and where there was one.
    pub(super) outages: HashMap<Key, Outage>,
    pub(super) homes: Homes,
    /// Members that do not pass work on to where it belongs: while there is one, no home is guessed.
    pub(super) without_ssr: HashSet<Address>,
    /// Routers that gave no table when they were last asked, or were overtaken: others are asked first.
    pub(super) silent: HashSet<Address>,
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
        self.known.lock().change(|_| true, |table| table.forget(&pool.endpoint.address));
        pool.drop_idle();
    }
}

impl Known {
    /// A table that needs no fetch. What the home database is can change at any time: a table that was asked for without a
    /// database counts only for whoever asked before it came, unless it is for all databases there are (before Bolt 4.4).
    pub(super) fn table(&self, key: &Key, ask: &Ask<'_>, asked: Instant) -> Option<Arc<Table>> {
        let table = self.tables.get(key).filter(|table| !table.is_stale(ask.write))?;
        let is_home = key.database.is_none() && table.database.is_some();
        (!is_home || table.fetched >= asked).then(|| table.clone())
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

    /// Replaces the tables of some databases by what `change` makes of them.
    pub(super) fn change(&mut self, which: impl Fn(&Table) -> bool, change: impl Fn(&mut Table)) {
        for (key, table) in self.tables.iter_mut().filter(|(_, table)| which(table)) {
            change(Arc::make_mut(table));
            if let Some(outage) = self.outages.get_mut(key) {
                outage.is_seen(!table.writers.is_empty());
            }
        }
    }

    pub(super) fn note(&mut self, address: &Address, server_side_routing: bool) {
        if server_side_routing {
            self.without_ssr.remove(address);
        } else if !self.without_ssr.contains(address) {
            self.without_ssr.insert(address.clone());
        }
    }

    pub(super) fn register(&mut self, key: &Key, table: &Arc<Table>) {
        self.distrusts_routers = table.writers.is_empty();
        if let (None, Some(home)) = (&key.database, &table.database) {
            self.homes.set(key.user.clone(), home.clone());
            self.tables.insert(Key { database: Some(home.clone()), ..key.clone() }, table.clone());
        }
        self.tables.insert(key.clone(), table.clone());
        self.forget_old();
        self.outages.retain(|key, _| self.tables.contains_key(key));
        for (key, _) in self.tables.iter().filter(|(_, one)| Arc::ptr_eq(one, table)) {
            self.outages.entry(key.clone()).or_default().is_seen(!table.writers.is_empty());
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

    /// Members that are in no table.
    pub(super) fn gone(&mut self, members: &Members) -> Vec<usize> {
        let named: HashSet<&Address> = self.tables.values().flat_map(|table| table.all()).collect();
        self.silent.retain(|address| named.contains(address));
        self.without_ssr.retain(|address| named.contains(address));
        let members = members.list();
        let gone = members.iter().filter(|member| !named.contains(member.address()));
        gone.map(|member| member.index()).collect()
    }
}
