//! Who is what: one published, immutable view of the servers.

mod alarm;
mod check;
mod checks;
mod cluster;
mod kind;
mod publisher;
pub(crate) mod routing;
mod view;
mod watcher;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::{Config, Mode};
use crate::error::Error;
use crate::log::Log;
use crate::pool::Counted;
use crate::watch;
use alarm::{Alarm, Pace};
pub(crate) use checks::Checks;
pub(crate) use cluster::Cluster;
pub use kind::Kinds;
pub(crate) use publisher::Publisher;
pub use view::{Role, ServerInfo, Status, View};

/// Who is what, for all databases or for one. Holds the view; readers take no lock. Tells the observer, and whoever waits, what has
/// changed.
pub(crate) struct Topology {
    /// The one database that it is of, where its cluster has roles for each.
    database: Option<Arc<str>>,
    view: ArcSwap<View>,
    /// What a server is taken for comes from its checks.
    is_checked: bool,
    changed: watch::Sender<()>,
    /// Held by whoever replaces the view.
    records: Mutex<Records>,
    /// Pieces of work that wait for a master.
    waiting: AtomicUsize,
    /// How often the servers are checked during an alarm, and otherwise.
    pace: Pace,
    /// Among how many such topologies the checks are shared: all together ask no more often than one.
    sharing: Arc<Sharing>,
    publisher: Arc<Publisher>,
    log: Log,
}

/// How many databases share the checks of their servers, and how many of them have no master.
#[derive(Default)]
pub(crate) struct Sharing {
    databases: AtomicU32,
    without_master: AtomicU32,
}

/// What was learned of the servers, beside the view.
struct Records {
    servers: BTreeMap<usize, Record>,
    /// Servers whose first check is waited for; and how many of them were there from the beginning.
    unchecked: usize,
    listed: usize,
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

#[derive(Default)]
struct Record {
    /// Wakes the check of the server before its time.
    urgent: Arc<Notify>,
    /// Its first check is waited for.
    is_awaited: bool,
    /// It was there from the beginning.
    is_listed: bool,
    /// The number of its own last demotion.
    demoted: u64,
    /// Its claim to be the master, from the first answer that says so to the first that says otherwise.
    claim: Option<u64>,
    /// When it stopped to answer as one, without saying that it is none.
    lost: Option<Instant>,
}

impl Record {
    /// The claim of a server of which nothing new is known: it counts for as long as a master is waited for, and is remembered while
    /// a later one counts. That server may hang, and still take itself for the master when it goes on.
    fn kept_claim(&mut self, before: &View, pace: Pace) -> Option<u64> {
        let lost = *self.lost.get_or_insert_with(Instant::now);
        let counts = lost.elapsed() < pace.patience();
        self.claim.filter(|claim| counts || before.servers.iter().any(|other| other.claim > Some(*claim)))
    }
}

impl Records {
    /// The first check of a server is not waited for any more.
    fn settle(&mut self, index: usize) {
        let Some(record) = self.servers.get_mut(&index) else { return };
        if std::mem::take(&mut record.is_awaited) {
            self.unchecked -= 1;
            self.listed -= usize::from(record.is_listed);
        }
    }
}

/// When a check began, by the demotions before that: an answer that was asked for before a demotion is outdated by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Generation(u64);

impl Topology {
    /// In [`Mode::Ha`] nothing is known yet. In the others servers are used without checks: each takes reads and writes.
    pub(crate) fn new(
        config: &Config,
        database: Option<Arc<str>>,
        servers: impl Iterator<Item = (usize, Arc<str>)>,
        publisher: Arc<Publisher>,
        log: Log,
    ) -> Self {
        let is_checked = config.mode == Mode::Ha;
        let is_awaited = is_checked && database.is_none();
        let info = |(index, address)| match is_checked {
            // Whoever needs a server for one more database waits for the first that fits, not for all.
            true => ServerInfo { index, address, in_doubt: database.is_some(), ..ServerInfo::unknown() },
            false => ServerInfo {
                index,
                address,
                status: Status::Up,
                role: Role::Master,
                distance: 0.0,
                ..ServerInfo::unknown()
            },
        };
        let servers: Vec<ServerInfo> = servers.map(info).collect();
        let record = |server: &ServerInfo| {
            (server.index, Record { is_awaited, is_listed: is_awaited, ..Record::default() })
        };
        let records = if is_checked { servers.iter().map(record).collect() } else { BTreeMap::new() };
        Topology {
            database,
            records: Mutex::new(Records {
                servers: records,
                unchecked: if is_awaited { servers.len() } else { 0 },
                listed: if is_awaited { servers.len() } else { 0 },
                demotions: 0,
                claims: 0,
                alarm: None,
                had_master: false,
                last_alarm: None,
            }),
            view: ArcSwap::from_pointee(View { servers, checked: !is_awaited }),
            is_checked,
            changed: watch::Sender::new(()),
            waiting: AtomicUsize::new(0),
            pace: Pace::new(config),
            sharing: Arc::default(),
            publisher,
            log,
        }
    }

    pub(crate) fn sharing_checks(self, sharing: Arc<Sharing>) -> Self {
        sharing.databases.fetch_add(1, Ordering::Relaxed);
        Topology { sharing, ..self }
    }

    /// Waits until each server was checked once.
    pub(crate) async fn wait_checked(&self) -> Arc<View> {
        let view = self.view();
        if view.checked {
            return view;
        }
        let mut changes = self.changes();
        loop {
            let view = self.view();
            // The sender lives as long as this does.
            if view.checked || changes.changed().await.is_err() {
                return view;
            }
        }
    }

    /// Servers have come, of which nothing is known yet: whoever finds no other one waits for their first checks. And others have gone.
    pub(crate) fn change(&self, found: impl Iterator<Item = (usize, Arc<str>)>, gone: &BTreeSet<usize>) {
        let mut guard = self.records.lock();
        let records = &mut *guard;
        let before = self.view();
        let mut servers = before.servers.clone();
        servers.retain(|server| !gone.contains(&server.index));
        for index in gone {
            records.settle(*index);
            records.servers.remove(index);
        }
        // Those that listed servers name in their first checks are checked once, too, before anything is chosen.
        let is_awaited = records.listed > 0;
        for (index, address) in found {
            let record = Record { is_awaited, ..Record::default() };
            if records.servers.insert(index, record).is_none() {
                records.unchecked += usize::from(is_awaited);
                servers.push(ServerInfo { index, address, in_doubt: true, ..ServerInfo::unknown() });
            }
        }
        let view = Arc::new(View { servers, checked: before.checked || records.unchecked == 0 });
        self.store(view.clone());
        if view.checked {
            self.watch_for_the_master(records, &view);
        }
        self.changed.send_replace(());
    }

    /// Nothing more becomes known: the last view stays, for whoever still has it, and nobody else is told of one.
    pub(crate) fn end(&self) {
        let mut records = self.records.lock();
        records.servers.clear();
        self.sharing.databases.fetch_sub(1, Ordering::Relaxed);
        if records.alarm.take().is_some() {
            self.sharing.without_master.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The one database that it is of, where its cluster has roles for each.
    pub(crate) fn database(&self) -> Option<&Arc<str>> {
        self.database.as_ref()
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
        let before = self.view();
        records.settle(index);
        let (Some(record), Some(was)) = (records.servers.get_mut(&index), before.get(index)) else { return };
        (info.index, info.address) = (index, was.address.clone());
        // The check that the last demotion hurried is still to come.
        info.in_doubt = was.in_doubt && generation < Generation(records.demotions);
        if info.status == Status::Down {
            // However long ago it was asked: that it does not answer contradicts nothing that was learned since.
            info.claim = record.kept_claim(&before, self.pace);
        } else if generation < Generation(record.demoted) {
            // Its work has shown since that it is not what the answer says.
            info = was.clone();
        } else if info.is_master() && info.claim.is_some() {
            let claims = &mut records.claims;
            info.claim = Some(*record.claim.get_or_insert_with(|| {
                *claims += 1;
                *claims
            }));
            record.lost = None;
        } else {
            record.claim = None;
        }
        let checked = before.checked || records.unchecked == 0;
        let info = info.following(was);
        // Most checks of most servers: nothing is copied for them, nor told.
        if (&info, checked) == (was, before.checked) {
            return;
        }
        let mut view = View::clone(&before);
        view.checked = checked;
        self.replace(records, &before, view, info);
    }

    /// The server did not behave as what it was taken for: nobody gets it before its next check. That starts now, and so
    /// do those of the others: another one may have taken its place.
    pub(crate) fn demote(&self, index: usize, error: &Error) {
        let mut guard = self.records.lock();
        let records = &mut *guard;
        let before = self.view();
        let (Some(record), Some(was)) = (records.servers.get_mut(&index), before.get(index)) else { return };
        records.demotions += 1;
        record.demoted = records.demotions;
        // Less is known of one that does not answer than of one that is unfit, and whoever waits for it is to know. A slave that
        // refuses a write is what it was taken for.
        let is_no_news = was.status == Status::Down || was.role == Role::Slave && error.is_not_writable();
        let info = if is_no_news {
            ServerInfo { in_doubt: true, ..was.clone() }
        } else {
            let error = Some(error.message.as_str().into());
            let (product, claim) = (was.product.clone(), record.kept_claim(&before, self.pace));
            let (index, address) = (was.index, was.address.clone());
            ServerInfo { index, address, error, in_doubt: true, product, claim, ..ServerInfo::unknown() }
                .following(was)
        };
        let mut view = View::clone(&before);
        view.servers.iter_mut().for_each(|server| server.in_doubt = true);
        self.replace(records, &before, view, info);
        hurry(records);
    }

    /// Whether what this server is asked is done by it alone. An HA member that is not known to be the master, by its own
    /// word, may pass it on to whoever is.
    pub(crate) fn is_done_alone(&self, index: usize) -> bool {
        let says_so = |server: &ServerInfo| server.is_master() && server.claim.is_some();
        !self.is_checked || self.view().get(index).is_some_and(says_so)
    }

    pub(crate) fn is_down(&self, index: usize) -> bool {
        self.view().get(index).is_some_and(|server| server.status == Status::Down)
    }

    /// Wakes the check of a server before its time; `None` if it has gone.
    fn urgent(&self, index: usize) -> Option<Arc<Notify>> {
        self.records.lock().servers.get(&index).map(|record| record.urgent.clone())
    }

    /// A check of the server begins: it is the one that was wanted before its time.
    pub(crate) async fn begin_check(&self, index: usize) {
        let Some(urgent) = self.urgent(index) else { return };
        tokio::select! {
            biased;
            () = urgent.notified() => {}
            () = std::future::ready(()) => {}
        }
    }

    /// Waits until a server is to be checked again that was checked from `began` to `ended`.
    pub(crate) async fn until_next_check(&self, index: usize, began: Instant, ended: Instant) {
        let Some(urgent) = self.urgent(index) else { return std::future::pending().await };
        let Sharing { databases, without_master } = &*self.sharing;
        let pace =
            self.pace.shared_by(databases.load(Ordering::Relaxed), without_master.load(Ordering::Relaxed));
        let next = pace.next(began, ended, self.alarm(index));
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(next) => {}
            () = async {
                urgent.notified().await;
                tokio::time::sleep_until(ended + pace.least(self.alarm(index))).await;
            } => {}
        }
    }

    /// Waits until this server, which was the master, does not answer its checks, and another one is the master in its place.
    pub(crate) async fn replaced(&self, index: usize) {
        let mut changes = self.changes();
        while !self.is_replaced(index) && changes.changed().await.is_ok() {}
    }

    fn is_replaced(&self, index: usize) -> bool {
        let Some(claim) = self.records.lock().servers.get(&index).and_then(|record| record.claim) else {
            return false;
        };
        self.is_down(index)
            && self.view().servers.iter().any(|other| other.is_master() && other.claim > Some(claim))
    }

    /// Until when a master is likely to be found, where there is none now.
    pub(crate) fn master_is_promised_until(&self) -> Option<Instant> {
        self.records.lock().alarm.and_then(|alarm| alarm.promised_until(self.pace))
    }

    /// Whether a master is waited for, and this server may be the one.
    pub(crate) fn may_become_master(&self, index: usize) -> bool {
        let may =
            |server: &ServerInfo| server.status != Status::Down && kind::may_become_master(server.role_name);
        self.master_is_promised_until().is_some() && self.view().get(index).is_some_and(may)
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
        alarm.filter(|_| !self.view().get(index).is_some_and(refuses))
    }

    /// Puts another view in the place of the one before, and tells of it if it is new. Called with the records locked, so that
    /// views follow each other as they were made.
    fn replace(&self, records: &mut Records, before: &View, mut view: View, info: ServerInfo) {
        let place = view.place(info.index);
        let (Some(was), Some(server)) =
            (before.get(info.index), place.and_then(|place| view.servers.get_mut(place)))
        else {
            return;
        };
        *server = info.clone();
        if view == *before {
            return;
        }
        let is_settled = was.in_doubt != info.in_doubt || view.checked != before.checked;
        let view = Arc::new(view);
        self.store(view.clone());
        let is_other = (was.status, was.role) != (info.status, info.role);
        if is_other {
            self.log_change(&view, &info);
        }
        records.had_master |= view.master().is_some();
        if view.checked {
            self.watch_for_the_master(records, &view);
        }
        if is_other || is_settled {
            self.changed.send_replace(());
        }
    }

    fn store(&self, view: Arc<View>) {
        self.view.store(view.clone());
        self.publisher.publish(self.database.as_ref(), view);
    }

    /// Begins or ends the alarm. When it begins, all are asked at once.
    fn watch_for_the_master(&self, records: &mut Records, view: &View) {
        match (view.master(), records.alarm) {
            (None, None) => {
                records.alarm = Some(Alarm::after(records.last_alarm, records.had_master));
                self.sharing.without_master.fetch_add(1, Ordering::Relaxed);
                let of = self.of();
                self.log.info(|| format!("no master{of} is known: all servers are asked until one is"));
                hurry(records);
            }
            (Some(master), Some(alarm)) => {
                records.alarm = None;
                self.sharing.without_master.fetch_sub(1, Ordering::Relaxed);
                records.last_alarm = Some((alarm, Instant::now()));
                self.log.info(|| {
                    let (master, of) = (address(view, master), self.of());
                    format!("{master} is the master{of}, after {} ms without one", alarm.lasted().as_millis())
                });
            }
            _ => {}
        }
    }

    fn log_change(&self, view: &View, info: &ServerInfo) {
        self.log.info(|| {
            let why = info.error.as_deref().map(|e| format!(" ({e})")).unwrap_or_default();
            format!("{} is now {:?} as {:?}{}{why}", info.address, info.status, info.role, self.of())
        });
        let claims = view.servers.iter().filter(|s| s.is_master() && s.claim.is_some()).count();
        if let (Some(_), true, Some(master)) = (info.claim, claims > 1, view.master()) {
            self.log.warn(&format!(
                "{claims} servers say that they are the master{}: writes go to {}, which began to say so last. \
                 Is the cluster split?",
                self.of(),
                address(view, master)
            ));
        }
    }

    /// Of which database, where that has to be said.
    fn of(&self) -> String {
        self.database.as_ref().map(|database| format!(" of database {database}")).unwrap_or_default()
    }
}

/// Wakes the checks of all servers.
fn hurry(records: &Records) {
    records.servers.values().for_each(|record| record.urgent.notify_one());
}

fn address(view: &View, index: usize) -> &str {
    view.get(index).map_or("?", |server| &server.address)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::LogLevel;
    use crate::error::Kind;
    use crate::observer::Observer;

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
        let config = Config::default();
        let servers = (0..count).map(|i| (i, format!("h{i}:7687").into()));
        let log = Log::new(seen.clone(), config.log_level);
        (Topology::new(&config, None, servers, Arc::new(Publisher::new(seen.clone())), log), seen)
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

        pub(crate) fn found_no_role(&self, index: usize) {
            self.found(index, ServerInfo::unknown());
        }

        pub(crate) fn found_nobody(&self, index: usize) {
            self.found(index, down());
        }
    }

    fn up(role: Role) -> ServerInfo {
        let claim = (role == Role::Master).then_some(0);
        ServerInfo { status: Status::Up, role, claim, distance: 1.0, ..ServerInfo::unknown() }
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

    fn change(topology: &Topology, found: &[usize], gone: &[usize]) {
        let found = found.iter().map(|index| (*index, format!("h{index}:7687").into()));
        topology.change(found, &gone.iter().copied().collect());
    }

    #[test]
    fn the_first_check_is_over_with_that_of_those_that_listed_servers_name_in_theirs() {
        let (topology, _) = members(1);
        change(&topology, &[1, 2, 3], &[]);
        topology.found(0, up(Role::Master));
        topology.found(1, up(Role::Slave));
        change(&topology, &[4], &[3]);
        assert!(!topology.view().checked);
        topology.found(2, down());
        let view = topology.view();
        assert!(view.checked, "one that was named later is not waited for");
        assert_eq!(view.indexes().collect::<Vec<_>>(), [0, 1, 2, 4]);

        let (topology, _) = members(1);
        change(&topology, &[1], &[]);
        topology.found(0, up(Role::Master));
        change(&topology, &[2], &[1]);
        assert!(topology.view().checked, "nor one that has gone");
    }

    #[tokio::test(start_paused = true)]
    async fn databases_without_a_master_ask_no_more_often_together_than_one() {
        let sharing = Arc::new(Sharing::default());
        let databases: Vec<_> = (0..20).map(|_| members(1).0.sharing_checks(sharing.clone())).collect();
        let pause = |topology: Topology| async move {
            topology.begin_check(0).await;
            let ended = Instant::now();
            topology.until_next_check(0, ended, ended).await;
            ended.elapsed()
        };
        for topology in databases.iter().take(10) {
            topology.found(0, up(Role::Slave));
        }
        for topology in databases.iter().skip(10) {
            topology.found(0, up(Role::Master));
        }
        let mut databases = databases.into_iter();
        // The timer rounds up to milliseconds.
        let without = pause(databases.next().unwrap()).await;
        assert!((100..=101).contains(&without.as_millis()), "{without:?}");
        let with = pause(databases.next_back().unwrap()).await;
        assert!((10_000..=10_001).contains(&with.as_millis()), "{with:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_master_that_leaves_is_looked_for_at_once() {
        let (topology, _) = members(1);
        topology.found(0, up(Role::Slave));
        change(&topology, &[1], &[]);
        topology.found(1, up(Role::Master));
        let now = Instant::now();
        let waiting = topology.until_next_check(0, now, now);
        tokio::pin!(waiting);
        tokio::select! {
            biased;
            () = &mut waiting => unreachable!("it is not due"),
            () = tokio::task::yield_now() => {}
        }
        change(&topology, &[], &[1]);
        waiting.await;
        assert!(now.elapsed() <= Duration::from_millis(50), "{:?}", now.elapsed());
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
        enum Check {
            None,
            Old,
            New,
        }
        for check in [Check::None, Check::Old, Check::New] {
            let (topology, _) = members(2);
            topology.found(0, up(Role::Master));
            topology.found(1, up(Role::Master));
            assert_eq!(topology.view().master(), Some(1), "it began last");
            let before = topology.generation();
            topology.demote(1, &Error::new(Kind::Connection, "lost"));
            match check {
                Check::None => {}
                Check::Old => topology.publish(1, before, down()),
                Check::New => topology.found(1, down()),
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

    #[tokio::test(start_paused = true)]
    async fn a_master_that_hung_is_known_as_replaced_for_as_long_as_a_later_one_counts() {
        let (topology, _) = members(2);
        let is_superseded = || {
            let view = topology.view();
            view.is_superseded(&view.servers[0])
        };
        topology.found(0, up(Role::Master));
        topology.found(0, down());
        topology.found(1, up(Role::Master));
        tokio::time::advance(Duration::from_secs(60)).await;
        topology.found(0, down());
        topology.found(1, down());
        assert!(is_superseded(), "nothing is written to it, not even where no server is known to be up");
        tokio::time::advance(Duration::from_secs(60)).await;
        topology.found(1, down());
        topology.found(0, down());
        assert!(!is_superseded(), "the later one may never come back");
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

    #[tokio::test]
    async fn all_are_asked_at_once_when_the_master_has_gone() {
        let (topology, _) = members(2);
        topology.found(0, up(Role::Master));
        topology.found(1, up(Role::Slave));
        topology.begin_check(1).await;
        change(&topology, &[], &[0]);
        let urgent = topology.urgent(1).unwrap();
        tokio::time::timeout(Duration::from_secs(5), urgent.notified()).await.unwrap();
    }

    #[test]
    fn a_server_that_goes_unchecked_is_not_waited_for() {
        let (topology, _) = members(2);
        topology.found(0, up(Role::Master));
        assert!(!topology.view().checked);
        change(&topology, &[2], &[]);
        change(&topology, &[], &[1]);
        assert!(!topology.view().checked, "one that came meanwhile is");
        change(&topology, &[], &[2]);
        assert!(topology.view().checked);
    }

    #[test]
    fn what_has_ended_tells_nobody_of_what_is_found() {
        let (topology, seen) = members(1);
        topology.found(0, up(Role::Master));
        let told = seen.views.load(Ordering::Relaxed);
        topology.end();
        topology.found(0, up(Role::Slave));
        topology.demote(0, &Error::new(Kind::Connection, "lost"));
        assert_eq!(seen.views.load(Ordering::Relaxed), told);
        assert_eq!(topology.view().master(), Some(0));
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
