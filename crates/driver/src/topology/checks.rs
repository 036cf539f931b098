//! The checks of all servers: for all databases, or where a cluster has roles for each database, for each that work is for.
//!
//! Members come and go: who is named by the routing tables of others is discovered, and watched like those of the configuration.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::check::{Checker, Home, Sign, StatusUrl, Subject, Told};
use super::watcher::watch;
use super::{Publisher, Sharing, Status, Topology};
use crate::address::Address;
use crate::config::Config;
use crate::error::Error;
use crate::log::Log;
use crate::members::{Member, Members};

/// How long the members are asked for a database that no work is for any more.
const UNUSED_AT_MOST: Duration = Duration::from_secs(120);
/// Members that are discovered at most: tables are not trusted.
const DISCOVERED_AT_MOST: usize = 3_000;

pub(crate) struct Checks {
    pub(super) checker: Checker,
    members: Arc<Members>,
    publisher: Arc<Publisher>,
    log: Log,
    runtime: Handle,
    /// The status endpoints of the servers of the configuration.
    status: Vec<Option<Arc<StatusUrl>>>,
    /// Of all databases, or of the one that work is for which names none.
    main: Scope,
    /// Of the databases that are not the main one.
    sharing: Arc<Sharing>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Once the roles are known to be of one database each.
    home: Option<Home>,
    by_database: BTreeMap<Arc<str>, Scope>,
    /// Whom each server names as members, by its number.
    named: BTreeMap<usize, Vec<Address>>,
    is_closed: bool,
}

/// The servers in their roles for one database, or for all.
struct Scope {
    topology: Arc<Topology>,
    watched: Mutex<BTreeMap<usize, Watched>>,
    /// When work was last for it.
    used: Mutex<Instant>,
}

struct Watched {
    subject: Arc<Subject>,
    task: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Checks {
    /// Begins to check the members.
    pub(crate) fn start(
        config: &Arc<Config>,
        members: Arc<Members>,
        topology: Arc<Topology>,
        publisher: Arc<Publisher>,
        log: &Log,
        runtime: &Handle,
    ) -> Result<Arc<Checks>, Error> {
        let status = |server: &crate::config::ServerConfig| {
            let http = server.http.as_ref().filter(|_| config.topology.are_asked_over_http());
            Ok(http.map(StatusUrl::new).transpose()?.map(Arc::new))
        };
        let checks = Arc::new(Checks {
            checker: Checker::new(config, log)?,
            status: config.servers.iter().map(status).collect::<Result<_, Error>>()?,
            publisher,
            log: log.clone(),
            runtime: runtime.clone(),
            main: Scope::new(topology),
            sharing: Arc::default(),
            known: Mutex::default(),
            members,
        });
        for member in checks.members.list().iter() {
            checks.watch(&checks.main, member);
        }
        Ok(checks)
    }

    fn watch(self: &Arc<Self>, scope: &Scope, member: &Arc<Member>) {
        let status = self.status.get(member.index()).cloned().flatten();
        let subject = Arc::new(Subject::new(member.clone(), scope.topology.clone(), status));
        let task = self.runtime.spawn(watch(self.clone(), subject.clone()));
        scope.watched.lock().insert(member.index(), Watched { subject, task });
    }

    /// Who is what for work in this database, or in the one that is meant where none is named; when each server was asked once.
    pub(crate) async fn topology(self: &Arc<Self>, database: Option<&str>) -> Arc<Topology> {
        let mut topology = self.of(database);
        while !topology.view().checked {
            topology.wait_checked().await;
            // The first checks of all tell whether roles are of one database each.
            topology = self.of(database);
        }
        topology
    }

    fn of(self: &Arc<Self>, database: Option<&str>) -> Arc<Topology> {
        let Some(database) = database else { return self.main.topology.clone() };
        let mut known = self.known.lock();
        // Names of databases have no case.
        match &known.home {
            Some(home) if !home.database.eq_ignore_ascii_case(database) => {}
            _ => return self.main.topology.clone(),
        }
        let name: Arc<str> = database.to_lowercase().into();
        if let Some(scope) = known.by_database.get(&name) {
            *scope.used.lock() = Instant::now();
            return scope.topology.clone();
        }
        if known.is_closed {
            return self.main.topology.clone();
        }
        let members = self.members.list();
        let servers = members.iter().map(|member| (member.index(), member.address().to_string().into()));
        let config = &self.checker.config;
        let topology =
            Topology::new(config, Some(name.clone()), servers, self.publisher.clone(), self.log.clone());
        let scope = Scope::new(Arc::new(topology.sharing_checks(self.sharing.clone())));
        let topology = scope.topology.clone();
        for member in members.iter() {
            self.watch(&scope, member);
        }
        self.publisher.begin(&name, topology.view());
        known.by_database.insert(name, scope);
        self.sharing.count(known.by_database.values().map(|scope| &*scope.topology));
        topology
    }

    /// Whether roles are of one database each.
    pub(crate) fn are_per_database(&self) -> bool {
        self.known.lock().home.is_some()
    }

    /// Checks one server once.
    pub(super) async fn check(self: &Arc<Self>, subject: &Subject) -> Sign {
        let home = self.known.lock().home.clone();
        let is_alone = self.status.len() == 1;
        let is_main = subject.topology.database().is_none();
        let learn = |told: Told| {
            if let Some(home) = told.home.filter(|_| is_main) {
                self.is_home(home);
            }
            if let Some(named) = told.named.filter(|_| is_main) {
                self.follow(subject.index(), Some(named));
            }
        };
        // A burst of databases is none of connections.
        let _turn = match is_main {
            true => None,
            false => subject.member.checks.acquire().await.ok(),
        };
        let sign = self.checker.check(subject, is_alone, home, learn).await;
        let view = subject.topology.view();
        if is_main && view.get(subject.index()).is_some_and(|server| server.status == Status::Down) {
            self.follow(subject.index(), None);
        }
        self.forget_unused();
        sign
    }

    fn is_home(&self, home: Home) {
        let mut known = self.known.lock();
        if known.home.as_ref().is_none_or(|before| home.is_told && *before != home) {
            self.publisher.main_is_of(Some(home.database.clone()));
            known.home = Some(home);
        }
    }

    /// A server names the members of its cluster, or is down and names nobody any more: those that are new are watched, and those that
    /// nobody names any more let go.
    fn follow(self: &Arc<Self>, index: usize, named: Option<Vec<Address>>) {
        let mut known = self.known.lock();
        if known.is_closed || known.named.get(&index) == named.as_ref() {
            return;
        }
        match named {
            Some(named) => drop(known.named.insert(index, named)),
            // What the last one said stands: where all are down, nobody has left.
            None if known.named.len() == 1 => return,
            None => drop(known.named.remove(&index)),
        }
        let list = self.members.list();
        known.named.retain(|index, _| list.get(*index).is_some());
        let Some(like) = list.get(index) else { return };
        let mut named = HashSet::new();
        // In the order of the tables: an application sees them so.
        let addresses = known.named.values().flatten().filter(|address| named.insert(address.place()));
        let addresses: Vec<&Address> = addresses.take(DISCOVERED_AT_MOST).collect();
        let found = self.members.discover_all(&addresses, &like.pool.endpoint);
        let is_gone =
            |member: &&Arc<Member>| member.is_discovered && !named.contains(&member.address().place());
        let gone: BTreeSet<usize> = list.iter().filter(is_gone).map(|member| member.index()).collect();
        if found.is_empty() && gone.is_empty() {
            return;
        }
        for member in &found {
            self.log.info(|| format!("{} is a member, as {} says", member.address(), like.address()));
        }
        for scope in known.scopes(&self.main) {
            scope.watched.lock().retain(|index, _| !gone.contains(index));
            let news = found.iter().map(|member| (member.index(), member.address().to_string().into()));
            scope.topology.change(news, &gone);
            found.iter().for_each(|member| self.watch(scope, member));
        }
        known.named.retain(|index, _| !gone.contains(index));
        self.members.retire(&gone);
    }

    /// Databases that no work is for any more are not asked for.
    fn forget_unused(&self) {
        let mut known = self.known.lock();
        if known.by_database.is_empty() {
            return;
        }
        let unused: Vec<Arc<str>> = known
            .by_database
            .iter()
            .filter(|(_, scope)| scope.is_unused())
            .map(|(database, _)| database.clone())
            .collect();
        for database in unused {
            known.by_database.remove(&database);
            self.publisher.forget(&database);
        }
        self.sharing.count(known.by_database.values().map(|scope| &*scope.topology));
    }

    /// Checks all servers once.
    pub(crate) async fn check_all(self: &Arc<Self>) {
        let subjects: Vec<_> = {
            let known = self.known.lock();
            let scopes = known.scopes(&self.main);
            scopes.flat_map(|scope| scope.subjects()).collect()
        };
        let checks: Vec<_> = subjects
            .into_iter()
            .map(|subject| {
                let checks = self.clone();
                tokio::spawn(async move { checks.check(&subject).await })
            })
            .collect();
        for check in checks {
            let _ = check.await;
        }
    }

    /// Ends the checks.
    pub(crate) async fn stop(&self) {
        let watched: Vec<Watched> = {
            let mut known = self.known.lock();
            known.is_closed = true;
            let scopes = known.scopes(&self.main);
            scopes.flat_map(|scope| std::mem::take(&mut *scope.watched.lock()).into_values()).collect()
        };
        watched.iter().for_each(|watched| watched.task.abort());
        for mut watched in watched {
            let _ = (&mut watched.task).await;
        }
        self.checker.close();
    }
}

impl Known {
    fn scopes<'a>(&'a self, main: &'a Scope) -> impl Iterator<Item = &'a Scope> {
        [main].into_iter().chain(self.by_database.values())
    }
}

impl Scope {
    fn new(topology: Arc<Topology>) -> Self {
        Scope { topology, watched: Mutex::default(), used: Mutex::new(Instant::now()) }
    }

    fn is_unused(&self) -> bool {
        let is_awaited = !self.topology.view().checked || self.topology.waiting() > 0;
        !is_awaited && self.used.lock().elapsed() > UNUSED_AT_MOST
    }

    fn subjects(&self) -> Vec<Arc<Subject>> {
        self.watched.lock().values().map(|watched| watched.subject.clone()).collect()
    }
}
