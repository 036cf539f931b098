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
use super::routing::{race, Gain, Lookup, STAGGER};
use super::watcher::watch;
use super::{Publisher, Sharing, Status, Topology};
use crate::address::Address;
use crate::config::Config;
use crate::connect::User;
use crate::error::{is_security, Error};
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
    /// What it said counts for as long as it answers: else who has died would name itself for ever.
    named: BTreeMap<usize, Vec<Address>>,
    /// Somebody has stopped to answer: who was named by that one alone may have gone.
    is_unsettled: bool,
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

    /// Who is what for work in this database, or in the one that is meant where none is named; when each server was asked once. Of
    /// another database nothing may be known yet: its servers are in doubt.
    pub(crate) async fn topology(self: &Arc<Self>, database: Option<&str>) -> Arc<Topology> {
        // Whether roles are of one database each is known by then.
        self.main.topology.wait_checked().await;
        self.of(database)
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
        topology
    }

    /// Whether roles are of one database each.
    pub(crate) fn are_per_database(&self) -> bool {
        self.known.lock().home.is_some()
    }

    /// The database that is at home for this user, as a member says, where roles are of one database each: from Bolt 4.4 on. `None` if
    /// none answers in the time of a check.
    ///
    /// # Errors
    /// The server's own, where it does not let this user in.
    pub(crate) async fn home_of(
        self: &Arc<Self>,
        user: User<'_>,
        bookmarks: Vec<String>,
    ) -> Result<Option<Option<String>>, Error> {
        let view = self.main.topology.wait_checked().await;
        if !self.are_per_database() {
            return Ok(None);
        }
        let up = view.servers.iter().filter(|server| server.status == Status::Up);
        let lookup = Arc::new((Lookup::of_home(user), bookmarks));
        let asking = race(
            up.map(|server| server.index).collect(),
            STAGGER,
            Duration::ZERO,
            |_| false,
            |index| {
                let (checks, lookup) = (self.clone(), lookup.clone());
                async move {
                    let member = checks.members.get(index).ok_or_else(Error::driver_closed)?;
                    checks.checker.home_of(&member, &lookup.0, &lookup.1).await.map(Gain::Goal)
                }
            },
            |_| true,
            // Others would refuse as well, and are not to count one more failed login.
            |_, error| is_security(error.code()),
        );
        let Ok(outcome) = tokio::time::timeout(self.checker.limit(), asking).await else { return Ok(None) };
        match (outcome.won, outcome.failed.into_iter().find(|(_, error)| is_security(error.code()))) {
            (Some((_, home)), _) => Ok(Some(home)),
            (None, Some((_, error))) => Err(error),
            (None, None) => Ok(None),
        }
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
                self.follow(subject.index(), named);
            }
        };
        // A burst of databases is none of connections.
        let _turn = match is_main {
            true => None,
            false => subject.member.checks.acquire().await.ok(),
        };
        let sign = self.checker.check(subject, is_alone, home, learn).await;
        if is_main && subject.topology.is_down(subject.index()) {
            let mut known = self.known.lock();
            known.is_unsettled |= known.named.remove(&subject.index()).is_some();
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
    fn follow(self: &Arc<Self>, index: usize, named: Vec<Address>) {
        let mut known = self.known.lock();
        let is_no_news = || known.named.get(&index).is_some_and(|before| are_same(before, &named));
        if known.is_closed || !known.is_unsettled && is_no_news() {
            return;
        }
        known.is_unsettled = false;
        known.named.insert(index, named);
        let list = self.members.list();
        known.named.retain(|index, _| list.get(*index).is_some());
        let Some(like) = list.get(index) else { return };
        let mut named = HashSet::new();
        // In the order of the tables: an application sees them so.
        let addresses = known.named.values().flatten().filter(|address| named.insert((*address).clone()));
        let addresses: Vec<&Address> = addresses.take(DISCOVERED_AT_MOST).collect();
        let found = self.members.discover_all(&addresses, &like.pool.endpoint);
        let is_gone = |member: &&Arc<Member>| member.is_discovered && !named.contains(member.address());
        let gone: BTreeSet<usize> = list.iter().filter(is_gone).map(|member| member.index()).collect();
        if found.is_empty() && gone.is_empty() {
            return;
        }
        for member in &found {
            self.log.info(|| format!("{} is a member, as {} says", member.address(), like.address()));
        }
        for member in list.iter().filter(is_gone) {
            self.log.info(|| format!("{} is no member any more", member.address()));
        }
        // Nobody watches them any more: who waits for one that is silent would wait for ever.
        for index in gone.iter().filter(|index| self.main.topology.is_down(**index)) {
            list.get(*index).into_iter().for_each(|member| member.pool.give_up());
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
            .filter(|(_, scope)| {
                scope.used.lock().elapsed() > UNUSED_AT_MOST && scope.topology.waiting() == 0
            })
            .map(|(database, _)| database.clone())
            .collect();
        for database in unused {
            // Work that began before may still have it, and find something out.
            known.by_database.remove(&database).into_iter().for_each(|scope| scope.topology.end());
            self.publisher.forget(&database);
        }
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

/// Whether they are the same, in whatever order: servers shuffle their tables.
fn are_same(some: &[Address], others: &[Address]) -> bool {
    some.len() == others.len() && {
        let some: HashSet<_> = some.iter().collect();
        others.iter().all(|other| some.contains(other))
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

    fn subjects(&self) -> Vec<Arc<Subject>> {
        self.watched.lock().values().map(|watched| watched.subject.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::TlsWish;
    use crate::topology::routing::read_address;

    #[test]
    fn the_order_of_a_table_is_no_news() {
        let named = |names: &[&str]| -> Vec<Address> {
            names.iter().map(|name| read_address(name, TlsWish::Options).unwrap()).collect()
        };
        let before = named(&["a:1", "b:1", "c:1"]);
        assert!(are_same(&before, &named(&["c:1", "a:1", "b:1"])));
        for others in [["a:1", "b:1", "d:1"].as_slice(), &["a:1", "b:1"], &["a:1", "b:1", "c:2"], &[]] {
            assert!(!are_same(&before, &named(others)), "{others:?}");
        }
    }
}
