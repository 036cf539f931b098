//! Who is what: one published, immutable view of the servers.

mod alarm;
mod check;
mod cluster;
mod kind;
pub(crate) mod routing;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::{Config, Mode, ServerConfig};
use crate::error::Error;
use crate::log::Log;
use crate::net::Product;
use crate::observer::Observer;
use crate::pool::Counted;
use crate::watch;
use alarm::{Alarm, Pace};
pub(crate) use cluster::Cluster;
pub use kind::Kinds;

/// Whether a server can be used. The numbers are the public values of `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Status {
    /// It answered, but with an error.
    Error = -2,
    /// It was not checked yet, it is not an HA member, or it was just found not to be what it was taken for.
    Unknown = -1,
    /// It did not answer.
    Down = 0,
    /// It answered.
    Up = 1,
}

/// What a server is. The numbers are the public values of `ServerType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Role {
    /// Not known.
    Unknown = 0,
    /// It takes reads, and writes by way of the master.
    Slave = 1,
    /// It takes everything.
    Master = 2,
}

/// One server as last seen.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerInfo {
    /// Whether it can be used.
    pub status: Status,
    /// What it is.
    pub role: Role,
    /// The same in its cluster's own word: `master`, `slave`, `leader`, `follower`, `read replica`, `single`.
    pub role_name: Option<&'static str>,
    /// The kind of its cluster: `ha`, `cluster`, `single`.
    pub topology: Option<&'static str>,
    /// What it is by its own word, if it was logged in to.
    pub product: Option<Arc<Product>>,
    /// Since when its status and role are these.
    pub since: SystemTime,
    /// Smoothed time of a check in milliseconds; -1 when it does not answer.
    pub distance: f64,
    /// Why it is not up.
    pub error: Option<Arc<str>>,
    /// It, or another one, was found unfit by its work, and the check of it that this hurried is not over.
    pub in_doubt: bool,
    /// Of a server that says itself that it is the master: the later it began to, the higher. One that does not answer, or was found
    /// unfit by its work, keeps it for a while: an earlier one is not the master again for that.
    pub claim: Option<u64>,
}

impl ServerInfo {
    fn down(error: String) -> Self {
        ServerInfo { status: Status::Down, error: Some(error.into()), ..ServerInfo::unknown() }
    }

    fn is_master(&self) -> bool {
        self.status == Status::Up && self.role == Role::Master
    }

    /// The same status and role as before are those since then.
    fn following(self, was: &ServerInfo) -> Self {
        let is_same = (self.status, self.role) == (was.status, was.role);
        ServerInfo { since: if is_same { was.since } else { self.since }, ..self }
    }

    fn failing(error: String) -> Self {
        ServerInfo { status: Status::Error, error: Some(error.into()), ..ServerInfo::unknown() }
    }

    pub(crate) fn unknown() -> Self {
        ServerInfo {
            status: Status::Unknown,
            role: Role::Unknown,
            role_name: None,
            topology: None,
            product: None,
            since: SystemTime::now(),
            distance: -1.0,
            error: None,
            in_doubt: false,
            claim: None,
        }
    }
}

/// All servers, in the order of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// One for each configured server.
    pub servers: Vec<ServerInfo>,
    /// Whether each was checked at least once.
    pub checked: bool,
}

impl View {
    /// Whether a server is about to be looked at again.
    pub(crate) fn is_in_doubt(&self) -> bool {
        self.servers.iter().any(|s| s.in_doubt)
    }

    /// The place of the master that is up; of several that say so, of the one that began to last.
    pub fn master(&self) -> Option<usize> {
        let masters =
            self.servers.iter().enumerate().filter(|(_, s)| s.is_master() && !self.is_superseded(s));
        // Of equals the first: those that do not say so themselves have no claim.
        masters.rev().max_by_key(|(_, s)| s.claim).map(|(index, _)| index)
    }

    /// Whether another server began later to say that it is the master: nothing is written to this one, so that
    /// their data do not part.
    pub(crate) fn is_superseded(&self, server: &ServerInfo) -> bool {
        server.claim.is_some_and(|claim| self.servers.iter().any(|other| other.claim > Some(claim)))
    }
}

/// Holds the view; readers take no lock. Tells the observer, and whoever waits, what has changed.
pub(crate) struct Topology {
    view: ArcSwap<View>,
    /// What a server is taken for comes from its checks.
    is_checked: bool,
    changed: watch::Sender<()>,
    /// Held by whoever replaces the view.
    records: Mutex<Records>,
    /// Wake the checks of one server before their time.
    urgent: Vec<Notify>,
    /// Pieces of work that wait for a master.
    waiting: AtomicUsize,
    /// How often the servers are checked during an alarm, and otherwise.
    pace: Pace,
    addresses: Vec<String>,
    observer: Arc<dyn Observer>,
    log: Log,
}

/// What was learned of the servers, beside the view.
struct Records {
    servers: Vec<Record>,
    /// Servers that were not checked yet.
    unchecked: usize,
    /// How many times the work of any server found it unfit.
    demotions: u64,
    claims: u64,
    /// There is no master, and there was one or will be.
    alarm: Option<Alarm>,
    /// There was a master at some time.
    had_master: bool,
    /// The last one, and when it ended.
    last_alarm: Option<(Alarm, Instant)>,
}

#[derive(Clone, Default)]
struct Record {
    /// The server says itself what it is.
    tells_role: bool,
    checked: bool,
    /// The number of its own last demotion.
    demoted: u64,
    /// Its claim to be the master, from the first answer that says so to the first that says otherwise.
    claim: Option<u64>,
    /// When it stopped to answer as one, without saying that it is none.
    lost: Option<Instant>,
}

impl Record {
    /// The claim of a server of which nothing new is known: it counts for as long as a master is waited for.
    fn kept_claim(&mut self, pace: Pace) -> Option<u64> {
        let lost = *self.lost.get_or_insert_with(Instant::now);
        self.claim.filter(|_| lost.elapsed() < pace.patience())
    }
}

/// When a check began, by the demotions before that: an answer that was asked for before a demotion is outdated by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(u64);

impl Topology {
    /// In [`Mode::Ha`] nothing is known yet. In the others servers are used without checks: each takes reads and writes.
    pub(crate) fn new(
        config: &Config,
        addresses: Vec<String>,
        observer: Arc<dyn Observer>,
        log: Log,
    ) -> Self {
        let servers = addresses.len();
        let is_checked = config.mode == Mode::Ha;
        let info = match is_checked {
            true => ServerInfo::unknown(),
            false => {
                ServerInfo { status: Status::Up, role: Role::Master, distance: 0.0, ..ServerInfo::unknown() }
            }
        };
        let record = |s: &ServerConfig| Record { tells_role: s.http.is_some(), ..Record::default() };
        let records = if is_checked { config.servers.iter().map(record).collect() } else { Vec::new() };
        Topology {
            view: ArcSwap::from_pointee(View { servers: vec![info; servers], checked: !is_checked }),
            is_checked,
            changed: watch::Sender::new(()),
            records: Mutex::new(Records {
                servers: records,
                unchecked: servers,
                demotions: 0,
                claims: 0,
                alarm: None,
                had_master: false,
                last_alarm: None,
            }),
            urgent: (0..servers).map(|_| Notify::new()).collect(),
            waiting: AtomicUsize::new(0),
            pace: Pace::new(config),
            addresses,
            observer,
            log,
        }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Wakes when a server came, went, or changed its role.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The generation that an answer belongs to which is asked for now.
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.records.lock().demotions)
    }

    /// A check is over that began in this generation.
    pub(crate) fn publish(&self, index: usize, generation: Generation, mut info: ServerInfo) {
        let mut guard = self.records.lock();
        let records = &mut *guard;
        let Some(record) = records.servers.get_mut(index) else { return };
        if !std::mem::replace(&mut record.checked, true) {
            records.unchecked -= 1;
        }
        let before = self.view();
        let Some(was) = before.servers.get(index) else { return };
        // The check that the last demotion hurried is still to come.
        info.in_doubt = was.in_doubt && generation < Generation(records.demotions);
        if generation < Generation(record.demoted) {
            // Its work has shown since that it is not what the answer says. That it does not answer is no contradiction.
            if info.status != Status::Down {
                info = was.clone();
            }
        } else {
            if info.is_master() && record.tells_role {
                let claims = &mut records.claims;
                info.claim = Some(*record.claim.get_or_insert_with(|| {
                    *claims += 1;
                    *claims
                }));
                record.lost = None;
            } else if info.status == Status::Down {
                info.claim = record.kept_claim(self.pace);
            } else {
                record.claim = None;
            }
        }
        let checked = before.checked || records.unchecked == 0;
        let info = info.following(was);
        // Most checks of most servers: nothing is copied for them, nor told.
        if (&info, checked) == (was, before.checked) {
            return;
        }
        let mut view = View::clone(&before);
        view.checked = checked;
        let had_alarm = records.alarm.is_some();
        self.replace(records, &before, view, index, info);
        if !had_alarm && records.alarm.is_some() {
            self.hurry();
        }
    }

    /// The server did not behave as what it was taken for: nobody gets it before its next check. That starts now, and so
    /// do those of the others: another one may have taken its place.
    pub(crate) fn demote(&self, index: usize, error: &Error) {
        let mut guard = self.records.lock();
        let records = &mut *guard;
        let before = self.view();
        let (Some(record), Some(was)) = (records.servers.get_mut(index), before.servers.get(index)) else {
            return;
        };
        records.demotions += 1;
        record.demoted = records.demotions;
        // Less is known of one that does not answer than of one that is unfit, and whoever waits for it is to know. A slave that
        // refuses a write is what it was taken for.
        let is_no_news = was.status == Status::Down || was.role == Role::Slave && error.is_not_writable();
        let info = if is_no_news {
            ServerInfo { in_doubt: true, ..was.clone() }
        } else {
            let error = Some(error.message.as_str().into());
            let (product, claim) = (was.product.clone(), record.kept_claim(self.pace));
            ServerInfo { error, in_doubt: true, product, claim, ..ServerInfo::unknown() }.following(was)
        };
        let mut view = View::clone(&before);
        view.servers.iter_mut().for_each(|server| server.in_doubt = true);
        self.replace(records, &before, view, index, info);
        self.hurry();
    }

    /// Wakes the checks of all servers.
    fn hurry(&self) {
        self.urgent.iter().for_each(Notify::notify_one);
    }

    /// Whether what this server is asked is done by it alone. An HA member that is not known to be the master, by its own
    /// word, may pass it on to whoever is.
    pub(crate) fn is_done_alone(&self, index: usize) -> bool {
        let says_so = |server: &ServerInfo| server.is_master() && server.claim.is_some();
        !self.is_checked || self.view().servers.get(index).is_some_and(says_so)
    }

    pub(crate) fn address(&self, index: usize) -> &str {
        self.addresses.get(index).map_or("?", String::as_str)
    }

    /// A check of the server begins: it is the one that was wanted before its time.
    pub(crate) async fn begin_check(&self, index: usize) {
        let Some(urgent) = self.urgent.get(index) else { return };
        tokio::select! {
            biased;
            () = urgent.notified() => {}
            () = std::future::ready(()) => {}
        }
    }

    /// Waits until a server is to be checked again that was checked from `began` to `ended`.
    pub(crate) async fn until_next_check(&self, index: usize, began: Instant, ended: Instant) {
        let Some(urgent) = self.urgent.get(index) else { return std::future::pending().await };
        let next = self.pace.next(began, ended, self.alarm(index));
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next) => {}
            () = async {
                urgent.notified().await;
                tokio::time::sleep_until(ended + self.pace.least(self.alarm(index))).await;
            } => {}
        }
    }

    /// Waits until this server, which was the master, does not answer its checks, and another one is the master in its place.
    pub(crate) async fn replaced(&self, index: usize) {
        let mut changes = self.changes();
        while !self.is_replaced(index) && changes.changed().await.is_ok() {}
    }

    fn is_replaced(&self, index: usize) -> bool {
        let Some(claim) = self.records.lock().servers.get(index).and_then(|record| record.claim) else {
            return false;
        };
        let view = self.view();
        let is_down = view.servers.get(index).is_some_and(|server| server.status == Status::Down);
        is_down && view.servers.iter().any(|other| other.is_master() && other.claim > Some(claim))
    }

    /// Until when a master is likely to be found, where there is none now.
    pub(crate) fn master_is_promised_until(&self) -> Option<Instant> {
        self.records.lock().alarm.and_then(|alarm| alarm.promised_until(self.pace))
    }

    /// Whether a master is waited for, and this server may be the one.
    pub(crate) fn may_become_master(&self, index: usize) -> bool {
        let may = |server: &ServerInfo| {
            server.status != Status::Down && server.role_name != Some(kind::READ_REPLICA)
        };
        self.master_is_promised_until().is_some() && self.view().servers.get(index).is_some_and(may)
    }

    /// How many pieces of work wait for a master.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Counts somebody who waits for a master, until what is returned is dropped.
    pub(crate) fn wait_for_master(&self) -> Counted<'_> {
        Counted::by(&self.waiting)
    }

    /// The alarm, as far as it concerns this server: one whose endpoint refuses to say what it is, such as to a wrong password,
    /// is not asked more often for it.
    fn alarm(&self, index: usize) -> Option<Alarm> {
        let alarm = self.records.lock().alarm;
        let refuses = |server: &ServerInfo| server.status == Status::Error;
        alarm.filter(|_| !self.view().servers.get(index).is_some_and(refuses))
    }

    /// Puts another view in the place of the one before, and tells of it if it is new. Called with the records locked, so that
    /// views follow each other as they were made.
    fn replace(&self, records: &mut Records, before: &View, mut view: View, index: usize, info: ServerInfo) {
        let (Some(was), Some(server)) = (before.servers.get(index), view.servers.get_mut(index)) else {
            return;
        };
        *server = info.clone();
        if view == *before {
            return;
        }
        let is_settled = was.in_doubt != info.in_doubt || view.checked != before.checked;
        let view = Arc::new(view);
        self.view.store(view.clone());
        self.observer.topology(&view);
        let is_other = (was.status, was.role) != (info.status, info.role);
        if is_other {
            self.log_change(&view, index, &info);
        }
        records.had_master |= view.master().is_some();
        if view.checked {
            self.watch_for_the_master(records, &view);
        }
        if is_other || is_settled {
            self.changed.send_replace(());
        }
    }

    /// Begins or ends the alarm.
    fn watch_for_the_master(&self, records: &mut Records, view: &View) {
        match (view.master(), records.alarm) {
            (None, None) => {
                records.alarm = Some(Alarm::after(records.last_alarm, records.had_master));
                self.log.info(|| "no master is known: all servers are asked until one is".to_owned());
            }
            (Some(master), Some(alarm)) => {
                records.alarm = None;
                records.last_alarm = Some((alarm, Instant::now()));
                self.log.info(|| {
                    format!(
                        "{} is the master, after {} ms without one",
                        self.address(master),
                        alarm.lasted().as_millis()
                    )
                });
            }
            _ => {}
        }
    }

    fn log_change(&self, view: &View, index: usize, info: &ServerInfo) {
        self.log.info(|| {
            let why = info.error.as_deref().map(|e| format!(" ({e})")).unwrap_or_default();
            format!("{} is now {:?} as {:?}{why}", self.address(index), info.status, info.role)
        });
        let claims = view.servers.iter().filter(|s| s.is_master() && s.claim.is_some()).count();
        if let (Some(_), true, Some(master)) = (info.claim, claims > 1, view.master()) {
            self.log.warn(&format!(
                "{claims} servers say that they are the master: writes go to {}, which began to say so last. \
                 Is the cluster split?",
                self.address(master)
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{LogLevel, StatusEndpoint};
    use crate::error::Kind;

    #[derive(Default)]
    struct Seen {
        views: AtomicUsize,
        warnings: Mutex<Vec<String>>,
    }

    impl Observer for Seen {
        fn topology(&self, _: &View) {
            self.views.fetch_add(1, Ordering::Relaxed);
        }

        fn log(&self, level: LogLevel, message: &str) {
            if level == LogLevel::Warn {
                self.warnings.lock().push(message.to_owned());
            }
        }
    }

    fn members(count: usize) -> (Topology, Arc<Seen>) {
        let seen = Arc::new(Seen::default());
        let http = StatusEndpoint { url: "http://h".into(), auth: None };
        let server = ServerConfig { http: Some(http), bolt: "bolt://h".into(), ..ServerConfig::default() };
        let config = Config { servers: vec![server; count], ..Config::default() };
        let addresses = (0..count).map(|i| format!("h{i}:7687")).collect();
        let log = Log::new(seen.clone(), config.log_level);
        (Topology::new(&config, addresses, seen.clone(), log), seen)
    }

    impl Topology {
        /// A check that began now finds this.
        fn found(&self, index: usize, info: ServerInfo) {
            self.publish(index, self.generation(), info);
        }

        pub(crate) fn found_master(&self, index: usize) {
            self.found(index, up(Role::Master));
        }

        pub(crate) fn found_slave(&self, index: usize) {
            self.found(index, up(Role::Slave));
        }
    }

    fn up(role: Role) -> ServerInfo {
        ServerInfo { status: Status::Up, role, distance: 1.0, ..ServerInfo::unknown() }
    }

    fn down() -> ServerInfo {
        ServerInfo::down("no answer".into())
    }

    #[test]
    fn what_a_check_finds_as_it_was_is_not_told() {
        let (topology, seen) = members(2);
        topology.found(0, down());
        topology.found(1, down());
        let told = seen.views.load(Ordering::Relaxed);
        let view = topology.view();
        assert!(view.checked);
        for _ in 0..10 {
            topology.found(0, down());
            topology.found(1, down());
        }
        assert_eq!(seen.views.load(Ordering::Relaxed), told);
        assert!(Arc::ptr_eq(&view, &topology.view()), "the view is the same one");
        topology.found(1, up(Role::Slave));
        assert_eq!(seen.views.load(Ordering::Relaxed), told + 1);
    }

    #[test]
    fn whoever_waits_for_a_server_is_woken_by_another_status_or_role_and_not_by_each_latency() {
        let (topology, _) = members(1);
        topology.found(0, up(Role::Slave));
        let mut changes = topology.changes();
        changes.mark_unchanged();
        topology.found(0, ServerInfo { distance: 2.0, ..up(Role::Slave) });
        assert!(!changes.has_changed().unwrap());
        topology.found(0, up(Role::Master));
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        topology.demote(0, &Error::new(Kind::Connection, "lost"));
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn of_masters_the_one_that_began_last_to_say_so_counts() {
        let (topology, seen) = members(3);
        topology.found(1, up(Role::Master));
        topology.found(0, up(Role::Master));
        topology.found(1, up(Role::Master));
        let superseded = || {
            let view = topology.view();
            view.servers.iter().map(|server| view.is_superseded(server)).collect::<Vec<_>>()
        };
        assert_eq!((topology.view().master(), superseded()), (Some(0), vec![false, true, false]));
        assert!(seen
            .warnings
            .lock()
            .concat()
            .contains("2 servers say that they are the master: writes go to h0:7687"));
        // What does not answer may still be a master when it does again: its claim is as old as it was.
        topology.found(1, down());
        topology.found(1, up(Role::Master));
        assert_eq!(topology.view().master(), Some(0));
        // What was something else since has begun anew.
        topology.found(1, up(Role::Slave));
        topology.found(1, up(Role::Master));
        assert_eq!((topology.view().master(), superseded()), (Some(1), vec![true, false, false]));
    }

    #[test]
    fn an_answer_that_is_older_than_a_demotion_tells_at_most_that_there_is_none() {
        let (topology, _) = members(2);
        topology.found(0, up(Role::Master));
        let generation = topology.generation();
        topology.demote(0, &Error::new(Kind::Connection, "lost"));
        topology.publish(0, generation, up(Role::Master));
        assert_eq!(
            (topology.view().servers[0].status, topology.view().is_in_doubt()),
            (Status::Unknown, true)
        );
        topology.publish(0, generation, down());
        assert_eq!(topology.view().servers[0].status, Status::Down);
        topology.found(0, up(Role::Master));
        assert_eq!(topology.view().master(), Some(0));
        assert!(!topology.view().servers[0].in_doubt);
    }

    #[test]
    fn an_answer_that_is_older_than_the_demotion_of_another_counts_and_leaves_its_server_in_doubt() {
        let (topology, _) = members(2);
        topology.found(0, up(Role::Master));
        topology.found(1, up(Role::Slave));
        let generation = topology.generation();
        topology.demote(0, &Error::new(Kind::Connection, "lost"));
        topology.found(0, up(Role::Slave));
        // Asked for before the old master was found unfit: it cannot tell who came after it.
        topology.publish(1, generation, ServerInfo { distance: 2.0, ..up(Role::Slave) });
        let view = topology.view();
        assert_eq!((view.servers[1].status, view.servers[1].distance), (Status::Up, 2.0));
        assert!(view.is_in_doubt(), "the check that the demotion hurried is still to come");
        topology.found(1, up(Role::Master));
        assert_eq!((topology.view().master(), topology.view().is_in_doubt()), (Some(1), false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_master_that_was_replaced_is_not_the_master_again_because_its_successor_is_lost() {
        for is_down in [false, true] {
            let (topology, _) = members(2);
            topology.found(0, up(Role::Master));
            topology.found(1, up(Role::Master));
            assert_eq!(topology.view().master(), Some(1), "it began last");
            topology.demote(1, &Error::new(Kind::Connection, "lost"));
            if is_down {
                topology.found(1, down());
            }
            topology.found(0, up(Role::Master));
            let view = topology.view();
            assert_eq!(view.master(), None);
            assert!(view.is_superseded(&view.servers[0]));
            assert!(
                topology.master_is_promised_until().is_some(),
                "its successor, or another one, is waited for"
            );
            // For as long as work is tried again, and no longer: the successor may never come back.
            tokio::time::advance(Duration::from_secs(31)).await;
            topology.found(1, down());
            assert_eq!(topology.view().master(), Some(0));
        }
    }

    #[test]
    fn a_slave_that_refuses_a_write_stays_what_it_is() {
        let (topology, _) = members(2);
        topology.found(0, down());
        topology.found(1, up(Role::Slave));
        let failure = bolt::ServerFailure {
            code: "Neo.ClientError.Cluster.NotALeader".into(),
            ..bolt::ServerFailure::default()
        };
        topology.demote(1, &Error::from_failure(failure));
        let view = topology.view();
        assert_eq!((view.servers[1].status, view.servers[1].role), (Status::Up, Role::Slave));
        assert!(view.is_in_doubt(), "it may have become another one: its check is hurried");
    }

    #[test]
    fn the_loss_of_a_master_is_one_though_another_server_was_not_checked_yet() {
        let (topology, _) = members(2);
        topology.found(0, up(Role::Master));
        topology.found(0, down());
        topology.found(1, up(Role::Slave));
        assert!(topology.master_is_promised_until().is_some());
    }
}
