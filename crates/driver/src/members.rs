//! The servers that a driver knows, and what it keeps for each: its connections, and what strategies measure.
//!
//! Each has a number: its place in the configuration, or for one that a cluster named, one that no other ever had. Members come and go;
//! a list of them is replaced, never changed.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use arc_swap::{ArcSwap, Guard};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::config::{Config, ServerConfig};
use crate::ejection::Ejection;
use crate::error::{Error, Kind, ServerRef};
use crate::latency::Latency;
use crate::log::Log;
use crate::net::Endpoint;
use crate::pool::Pool;

/// Databases that one member is asked for at the same time.
const CHECKS_AT_ONCE: usize = 32;

pub(crate) struct Member {
    pub(crate) pool: Arc<Pool>,
    /// How much of the work it gets beside the others.
    pub(crate) weight: f64,
    /// It is in the driver's own zone, or that has none.
    pub(crate) is_of_zone: bool,
    pub(crate) latency: Latency,
    pub(crate) ejection: Ejection,
    /// It was named by a cluster, not by the application.
    pub(crate) is_discovered: bool,
    /// One permit a check of one database.
    pub(crate) checks: Semaphore,
}

impl Member {
    pub(crate) fn index(&self) -> usize {
        self.pool.endpoint.server.index
    }

    pub(crate) fn address(&self) -> &Address {
        &self.pool.endpoint.address
    }
}

/// Members by their numbers, the lowest first.
pub(crate) struct List(Vec<Arc<Member>>);

impl List {
    pub(crate) fn get(&self, index: usize) -> Option<&Arc<Member>> {
        // As long as nobody has gone, each is at its own place.
        let at_home = self.0.get(index).filter(|member| member.index() == index);
        at_home.or_else(|| {
            let place = self.0.binary_search_by_key(&index, |member| member.index()).ok()?;
            self.0.get(place)
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.0.iter()
    }
}

pub(crate) struct Members {
    list: ArcSwap<List>,
    /// Held by whoever replaces the list.
    changing: Mutex<Changing>,
    log: Log,
}

struct Changing {
    /// How many there ever were.
    made: usize,
    by_address: HashMap<Address, Arc<Member>>,
    /// Who has gone, while work on it is under way.
    gone: Vec<Weak<Pool>>,
    is_closed: bool,
}

impl Members {
    /// The servers of the configuration, by their endpoints.
    pub(crate) fn new(config: &Config, endpoints: Vec<Endpoint>, log: Log) -> Self {
        let member = |(server, endpoint): (&ServerConfig, Endpoint)| Member {
            weight: server.weight,
            is_of_zone: config.zone.is_none() || server.zone == config.zone,
            ..Member::new(endpoint, log.clone(), false)
        };
        let list: Vec<_> = config.servers.iter().zip(endpoints).map(member).map(Arc::new).collect();
        let changing = Changing {
            // A seed that is no member has the number of its place all the same.
            made: config.servers.len(),
            by_address: list.iter().map(|member| (member.address().clone(), member.clone())).collect(),
            gone: Vec::new(),
            is_closed: false,
        };
        Members { list: ArcSwap::from_pointee(List(list)), changing: Mutex::new(changing), log }
    }

    pub(crate) fn list(&self) -> Guard<Arc<List>> {
        self.list.load()
    }

    pub(crate) fn get(&self, index: usize) -> Option<Arc<Member>> {
        self.list().get(index).cloned()
    }

    /// The connections to a server that the application has named.
    pub(crate) fn pool(&self, index: usize) -> Result<Arc<Pool>, Error> {
        self.pool_of(index).ok_or_else(|| {
            let what = "The server has left its cluster: no work is done on it any more. Look at the driver's servers for those \
                        that are members now.";
            Error::new(Kind::Client, what)
        })
    }

    /// The connections to a server, if it is still a member.
    pub(crate) fn pool_of(&self, index: usize) -> Option<Arc<Pool>> {
        self.list().get(index).map(|member| member.pool.clone())
    }

    /// Who has this address; a new member, which is reached as `like` is, where nobody has. `None` once the driver is closed.
    pub(crate) fn discover(&self, address: &Address, like: &Endpoint) -> Option<Arc<Member>> {
        let mut changing = self.changing.lock();
        match changing.by_address.get(address) {
            Some(member) => Some(member.clone()),
            None => self.add(&mut changing, &[address], like).pop(),
        }
    }

    /// The members at these addresses that are new: they are reached as `like` is. None once the driver is closed.
    pub(crate) fn discover_all(&self, addresses: &[&Address], like: &Endpoint) -> Vec<Arc<Member>> {
        self.add(&mut self.changing.lock(), addresses, like)
    }

    fn add(&self, changing: &mut Changing, addresses: &[&Address], like: &Endpoint) -> Vec<Arc<Member>> {
        let mut new = Vec::new();
        if changing.is_closed {
            return new;
        }
        for address in addresses {
            if let Entry::Vacant(place) = changing.by_address.entry(Address::clone(address)) {
                let server = ServerRef { index: changing.made, address: address.to_string(), token: None };
                changing.made += 1;
                let endpoint = like.elsewhere(server, Address::clone(address));
                let member = Arc::new(Member::new(endpoint, self.log.clone(), true));
                new.push(place.insert(member).clone());
            }
        }
        if !new.is_empty() {
            self.list.store(Arc::new(List(self.list().0.iter().chain(&new).cloned().collect())));
        }
        new
    }

    /// Members have left their cluster: their connections are closed when their work is done.
    pub(crate) fn retire(&self, gone: &BTreeSet<usize>) {
        if gone.is_empty() {
            return;
        }
        let mut changing = self.changing.lock();
        changing.gone.retain(|pool| pool.strong_count() > 0);
        let (left, stay): (Vec<_>, Vec<_>) =
            self.list().0.iter().cloned().partition(|member| gone.contains(&member.index()));
        for member in left {
            member.pool.retire();
            changing.by_address.remove(member.address());
            changing.gone.push(Arc::downgrade(&member.pool));
        }
        self.list.store(Arc::new(List(stay)));
    }

    /// Closes every connection. No member is added any more.
    pub(crate) async fn close(&self) {
        let pools: Vec<Arc<Pool>> = {
            let mut changing = self.changing.lock();
            changing.is_closed = true;
            let gone = std::mem::take(&mut changing.gone);
            let there = self.list();
            there
                .iter()
                .map(|member| member.pool.clone())
                .chain(gone.iter().filter_map(Weak::upgrade))
                .collect()
        };
        // All of them are told before one of them is waited for.
        let closing: Vec<_> = pools.iter().map(|pool| pool.close()).collect();
        for closed in closing {
            closed.await;
        }
    }
}

impl Member {
    fn new(endpoint: Endpoint, log: Log, is_discovered: bool) -> Self {
        Member {
            pool: Arc::new(Pool::new(endpoint, log)),
            weight: 1.0,
            is_of_zone: true,
            latency: Latency::default(),
            ejection: Ejection::default(),
            is_discovered,
            checks: Semaphore::new(CHECKS_AT_ONCE),
        }
    }
}
