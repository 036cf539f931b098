//! Server selection: which server does the work, by what is known of the servers, the session's intent, and a strategy.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::Config;
use crate::error::{Error, Kind};
use crate::latency::Range;
use crate::log::Log;
use crate::members::{List, Member, Members};
use crate::observer::Observer;
use crate::strategy::{any_eligible, is_eligible, pick, Intent, Measures, Rotation, Strategy};
use crate::topology::{Role, ServerInfo, Status, Topology, View};

/// How often the same situation is warned of at most.
const WARN_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct ServerSelection {
    members: Arc<Members>,
    observer: Arc<dyn Observer>,
    log: Log,
    /// How long a server that is being looked at again is waited for.
    patience: Duration,
    nearest_window: f64,
    max_lag: Option<u64>,
    rotation: Rotation,
    warned: Mutex<Option<Instant>>,
}

/// The servers among which a strategy picks: of all that may do the work, those with the least against them.
struct Candidates<'a> {
    selection: &'a ServerSelection,
    members: Guard<Arc<List>>,
    view: &'a View,
    intent: Intent,
    /// Servers that have just failed.
    avoid: &'a [usize],
    /// How far the farthest server is, where that matters.
    farthest: Option<u64>,
    /// What is against each of them; `None` if nobody may do the work.
    flaws: Option<u8>,
}

/// What is against a server that may do the work: the more, the higher.
mod flaw {
    pub(super) const OTHER_ZONE: u8 = 1;
    pub(super) const EJECTED: u8 = 2;
    pub(super) const FAILED_JUST_NOW: u8 = 4;
    pub(super) const STALE: u8 = 8;
}

impl<'a> Candidates<'a> {
    fn new(selection: &'a ServerSelection, view: &'a View, intent: Intent, avoid: &'a [usize]) -> Self {
        let members = selection.members.list();
        let farthest = selection.max_lag.and_then(|_| view.farthest());
        let mut candidates = Candidates { selection, members, view, intent, avoid, farthest, flaws: None };
        candidates.flaws = view.indexes().filter_map(|server| candidates.flaws_of(server)).min();
        candidates
    }

    /// `None` if it may not do the work.
    fn flaws_of(&self, server: usize) -> Option<u8> {
        let Intent { write, permissions, .. } = self.intent;
        if !is_eligible(self.view, server, permissions, write) {
            return None;
        }
        let flaw = |is_there, flaw| if is_there { flaw } else { 0 };
        // Who is in the view, and among the members no more, has just gone.
        let member = self.members.get(server)?;
        Some(
            flaw(!write && self.is_stale(server), flaw::STALE)
                | flaw(self.avoid.contains(&server), flaw::FAILED_JUST_NOW)
                | flaw(member.ejection.is_out(), flaw::EJECTED)
                | flaw(!member.is_of_zone, flaw::OTHER_ZONE),
        )
    }

    /// Whether it is farther behind than reads are to see.
    fn is_stale(&self, server: usize) -> bool {
        let lag = || self.farthest?.checked_sub(self.view.get(server)?.applied?);
        self.selection.max_lag.is_some_and(|most| lag().is_some_and(|lag| lag > most))
    }

    fn iter(&self) -> impl Iterator<Item = usize> + Clone + '_ {
        self.view.indexes().filter(|server| self.flaws.is_some() && self.flaws_of(*server) == self.flaws)
    }

    fn pick(&self) -> Option<usize> {
        let ServerSelection { nearest_window, rotation, .. } = self.selection;
        pick(self.intent.strategy, self.iter(), self, *nearest_window, rotation, self.intent.write)
    }

    /// Whether none is left but those that are to be left alone.
    fn are_ejected(&self) -> bool {
        self.flaws.is_some_and(|flaws| flaws & flaw::EJECTED != 0)
    }
}

impl Measures for Candidates<'_> {
    fn weight(&self, server: usize) -> f64 {
        self.members.get(server).map_or(1.0, |member| member.weight)
    }

    fn distance(&self, server: usize) -> f64 {
        self.view.get(server).map_or(f64::MAX, |server| server.distance)
    }

    fn in_flight(&self, server: usize) -> usize {
        self.members.get(server).map_or(0, |member| member.pool.in_flight())
    }

    fn latency(&self, server: usize) -> Option<Range> {
        self.members.get(server).and_then(|member| member.latency.range())
    }

    fn is_unasked(&self, server: usize, time: Duration) -> bool {
        self.members.get(server).is_some_and(|member| member.latency.is_older_than(time))
    }
}

impl ServerSelection {
    pub(crate) fn new(config: &Config, members: Arc<Members>, observer: Arc<dyn Observer>, log: Log) -> Self {
        ServerSelection {
            members,
            observer,
            log,
            patience: Duration::from_millis(config.check_timeout),
            nearest_window: config.nearest_window,
            max_lag: config.max_lag,
            rotation: Rotation::default(),
            warned: Mutex::new(None),
        }
    }

    /// Chooses from what is known now, by a strategy that needs no callback, or falls back as 1.2.3 does: to the master, else
    /// to the first.
    pub(crate) fn choose(&self, view: &View, intent: Intent) -> usize {
        if let Some(pinned) = intent.pinned {
            return pinned;
        }
        let picked = Candidates::new(self, view, intent, &[]).pick();
        picked.unwrap_or_else(|| self.fall_back(view, intent.write, &[]))
    }

    /// The servers that a strategy of the user's own may choose from.
    pub(crate) fn candidates(&self, view: &View, intent: Intent) -> Vec<usize> {
        Candidates::new(self, view, intent, &[]).iter().collect()
    }

    /// The server that a session begins with; `None` if it is better chosen when there is work.
    pub(crate) fn choose_early(
        &self,
        topology: &Topology,
        intent: Intent,
        preferred: Option<usize>,
    ) -> Option<usize> {
        let view = topology.view();
        match (intent.pinned, intent.strategy) {
            (Some(pinned), _) => Some(pinned),
            (None, Strategy::Custom(_)) => preferred,
            _ if !view.checked => None,
            // Somebody is being looked at again: the session's work waits for that instead of falling back now.
            _ if !any_eligible(&view, intent.permissions, intent.write) && waits(topology, &view, intent) => {
                None
            }
            _ => Some(self.choose(&view, intent)),
        }
    }

    /// Chooses, for work that begins now, by any strategy, asking the user's own where it is one. Avoids some servers if there
    /// are others, and falls back only when no server is about to be looked at again, and no master is to be expected; or at the
    /// deadline.
    pub(crate) async fn choose_patiently(
        &self,
        topology: &Topology,
        intent: Intent,
        avoid: &[usize],
        deadline: Instant,
    ) -> Result<usize, Error> {
        if let Some(pinned) = intent.pinned {
            return Ok(pinned);
        }
        let view = self.wait_for_candidates(topology, intent, deadline).await;
        loop {
            let candidates = Candidates::new(self, &view, intent, avoid);
            let picked = match intent.strategy {
                Strategy::Custom(key) => self.ask(key, &candidates).await?,
                _ => candidates.pick(),
            };
            let Some(server) = picked else {
                return Ok(self.fall_back(&view, intent.write, avoid));
            };
            // Else somebody else's work has become its trial meanwhile.
            if self.let_in(server) || candidates.are_ejected() {
                return Ok(server);
            }
        }
    }

    /// Asks a strategy of the user's own, if there is a choice.
    async fn ask(&self, key: i32, candidates: &Candidates<'_>) -> Result<Option<usize>, Error> {
        let list: Vec<usize> = candidates.iter().collect();
        if list.is_empty() {
            return Ok(None);
        }
        match self.observer.choose(key, &list, candidates.intent.write).await {
            Ok(index) if list.contains(&index) => Ok(Some(index)),
            Ok(_) => Err(Error::new(Kind::Client, "The strategy function returned none of its candidates.")),
            Err(no) => {
                let why = format!("The strategy function failed: {no}");
                Err(no.with(why).error(Kind::Client))
            }
        }
    }

    fn let_in(&self, server: usize) -> bool {
        self.members.list().get(server).is_none_or(|member| member.ejection.let_in())
    }

    /// Whether work of this intent may begin on a server that was chosen before.
    pub(crate) fn still_takes(&self, topology: &Topology, server: usize, intent: Intent) -> bool {
        intent.pinned.is_some() || fits(topology, server, intent) && self.let_in(server)
    }

    /// Another server than these for the same work, by a strategy that needs no callback, if there is one.
    pub(crate) fn another(&self, topology: &Topology, intent: Intent, than: &[usize]) -> Option<usize> {
        let picked = Candidates::new(self, &topology.view(), intent, than).pick();
        picked.filter(|server| !than.contains(server) && intent.pinned.is_none())
    }

    /// A query was taken up by the server that it was asked then.
    pub(crate) fn took(&self, server: usize, asked: Instant) {
        if let Some(member) = self.members.list().get(server) {
            member.latency.took(asked.elapsed());
            self.log_trust(member, member.ejection.took_up(asked));
        }
    }

    /// The server has answered work that began then.
    pub(crate) fn answered(&self, server: usize, began: Instant) {
        if let Some(member) = self.members.list().get(server) {
            self.log_trust(member, member.ejection.answered(began));
        }
    }

    fn log_trust(&self, member: &Member, is_new: bool) {
        if is_new {
            self.log.info(|| format!("{} answers, and gets work again", member.address()));
        }
    }

    /// Work that began then has failed by this error, and nothing was made of it yet.
    pub(crate) fn failed(&self, topology: &Topology, server: usize, began: Instant, error: &Error) {
        if error.failure.is_some() {
            // Whoever is not what it was taken for has answered, and would so again.
            if !error.server_unfit() {
                self.answered(server, began);
            }
        } else if error.kind == Kind::Connection {
            self.lost(topology, server, began);
        }
    }

    /// Work was lost with the server. What is lost at the same time counts once: the first makes it unknown until its next check.
    fn lost(&self, topology: &Topology, server: usize, began: Instant) {
        let view = topology.view();
        if view.get(server).is_none_or(|info| info.status != Status::Up) {
            return;
        }
        let members = self.members.list();
        let Some(member) = members.get(server) else { return };
        if let Some(time) = member.ejection.failed(began, is_replaceable(&members, &view, server)) {
            self.log.warn(&format!(
                "{} loses work again and again, though its checks are answered: it is left alone for {} s, unless there is no \
                 other server.",
                member.address(),
                time.as_secs()
            ));
        }
    }

    /// The view, when it has a server for this work, or none is to be expected any more.
    async fn wait_for_candidates(&self, topology: &Topology, intent: Intent, deadline: Instant) -> Arc<View> {
        let mut changes = topology.changes();
        let checks_end = Instant::now() + self.patience;
        loop {
            let view = topology.view();
            if any_eligible(&view, intent.permissions, intent.write) {
                return view;
            }
            let master = master_until(topology, intent);
            let limit = match master {
                Some(promised) => promised.min(deadline),
                None if view.is_in_doubt() => checks_end.min(deadline),
                None => return view,
            };
            let _counted = master.map(|_| topology.wait_for_master());
            tokio::select! {
                biased;
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(limit) => return topology.view(),
            }
        }
    }

    /// The master, else the first server that answers its checks, else the first. A read that has just failed there goes on to those
    /// that it has not tried, the ones that answer first: members that know no master still read, and so do some whose checks fail.
    fn fall_back(&self, view: &View, write: bool, avoid: &[usize]) -> usize {
        let what = if write { "writes" } else { "reads" };
        let answers = |i: &usize| view.get(*i).is_some_and(|s| s.status != Status::Down);
        let untried = || view.indexes().filter(|i| !avoid.contains(i));
        let other = untried().find(answers).or_else(|| untried().next());
        // Not even as the last resort is anything written to a master that another one came after.
        let may = |i: &usize| !(write && view.get(*i).is_some_and(|s| view.is_superseded(s)));
        let all = || view.indexes().filter(may);
        let first = all().find(answers).or_else(|| all().next()).unwrap_or_default();
        let (index, whom) = match (view.master(), other) {
            (Some(master), _) => (master, "the master"),
            (None, Some(other)) if !write && avoid.contains(&first) => (other, "another one"),
            _ => (first, "the first server"),
        };
        let mut warned = self.warned.lock();
        if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            *warned = Some(Instant::now());
            let address = view.get(index).map_or("none", |server| &server.address);
            self.log.warn(&format!("No server is eligible for {what}: taking {whom}, {address}."));
        }
        index
    }
}

/// Whether the server still fits the intent.
pub(crate) fn fits(topology: &Topology, index: usize, intent: Intent) -> bool {
    intent.pinned.is_some() || is_eligible(&topology.view(), index, intent.permissions, intent.write)
}

/// Whether others could do what this one does: somebody, and where it is the master, another one.
fn is_replaceable(members: &List, view: &View, server: usize) -> bool {
    let is_master = view.get(server).is_some_and(|info| info.role == Role::Master);
    view.servers.iter().any(|other| {
        let does_it = other.role == Role::Master || other.role == Role::Slave && !is_master;
        let is_out = || members.get(other.index).is_none_or(|member| member.ejection.is_out());
        other.index != server && other.status == Status::Up && does_it && !is_out()
    })
}

/// Whether the server answers, and is known to be something else than what the work needs.
pub(crate) fn is_unfit(topology: &Topology, index: usize, intent: Intent) -> bool {
    let view = topology.view();
    let is_known = |s: &ServerInfo| s.status == Status::Up && s.role != Role::Unknown;
    !fits(topology, index, intent) && view.get(index).is_some_and(is_known)
}

/// Whether the server does not fit, and another one does.
pub(crate) fn is_outdone(topology: &Topology, index: usize, intent: Intent) -> bool {
    !fits(topology, index, intent) && any_eligible(&topology.view(), intent.permissions, intent.write)
}

/// Whether a choice now would be one that was not tried: one that fits, or where none does, one that a read falls back on.
pub(crate) fn has_untried(topology: &Topology, tried: &[usize], intent: Intent) -> bool {
    let view = topology.view();
    let falls_back_on_all =
        !intent.write && view.master().is_none() && !any_eligible(&view, intent.permissions, intent.write);
    let is_choice = |i: &usize| falls_back_on_all || is_eligible(&view, *i, intent.permissions, intent.write);
    intent.pinned.is_none() && view.indexes().filter(is_choice).any(|i| !tried.contains(&i))
}

/// Whether work that no server fits waits for one.
fn waits(topology: &Topology, view: &View, intent: Intent) -> bool {
    view.is_in_doubt() || master_until(topology, intent).is_some()
}

/// Until when a master may be found for this work.
fn master_until(topology: &Topology, intent: Intent) -> Option<Instant> {
    let wants_master = intent.permissions.allow(Role::Master, intent.write);
    topology.master_is_promised_until().filter(|_| wants_master && intent.write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogLevel, ServerConfig, StatusEndpoint};
    use crate::core::endpoint;
    use crate::strategy::Permissions;
    use crate::topology::Publisher;

    struct Unobserved;

    impl Observer for Unobserved {
        fn topology(&self, _: &View) {}
        fn log(&self, _: LogLevel, _: &str) {}
    }

    const READS: Intent = Intent {
        write: false,
        permissions: Permissions::MASTER_READ_WRITE_SLAVE_READ,
        strategy: Strategy::RoundRobin,
        pinned: None,
    };
    const WRITES: Intent = Intent { write: true, ..READS };

    /// Servers, one for each zone, and a driver's choice among them.
    fn members(zones: &[&str], config: Config) -> (Arc<Topology>, ServerSelection) {
        let member = |zone: &&str| ServerConfig {
            http: Some(StatusEndpoint { url: "http://h".into(), auth: None }),
            bolt: "bolt://h".into(),
            zone: Some((*zone).into()),
            ..ServerConfig::default()
        };
        let config = Arc::new(Config { servers: zones.iter().map(member).collect(), ..config });
        let observer: Arc<dyn Observer> = Arc::new(Unobserved);
        let log = Log::new(observer.clone(), config.log_level);
        let endpoints =
            (0..zones.len()).map(|index| endpoint(&config, index, &observer, &None).unwrap()).collect();
        let servers = (0..zones.len()).map(|i| (i, format!("h{i}:7687").into()));
        let publisher = Arc::new(Publisher::new(observer.clone()));
        let topology = Arc::new(Topology::new(&config, None, servers, publisher, log.clone()));
        let members = Arc::new(Members::new(&config, endpoints, log.clone()));
        let selection = ServerSelection::new(&config, members, observer, log);
        (topology, selection)
    }

    /// The same, checked: the first is the master, the others are slaves.
    fn checked(zones: &[&str], config: Config) -> (Arc<Topology>, ServerSelection) {
        let (topology, selection) = members(zones, config);
        topology.found_master(0);
        (1..zones.len()).for_each(|slave| topology.found_slave(slave));
        (topology, selection)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    fn lost() -> Error {
        Error::new(Kind::Connection, "lost")
    }

    /// Work is lost on a server as often as that, and each time its check finds it as it was.
    fn lose(topology: &Topology, selection: &ServerSelection, server: usize, times: usize) {
        for _ in 0..times {
            selection.failed(topology, server, Instant::now(), &lost());
            topology.demote(server, &lost());
            if server == 0 {
                topology.found_master(server);
            } else {
                topology.found_slave(server);
            }
        }
    }

    async fn chosen(
        (topology, selection): (&Topology, &ServerSelection),
        intent: Intent,
        times: usize,
    ) -> Vec<usize> {
        let mut chosen = Vec::new();
        for _ in 0..times {
            chosen.push(selection.choose_patiently(topology, intent, &[], soon()).await.unwrap());
        }
        chosen
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_nobody_waits_for_the_check_that_is_due_and_no_longer_than_one_takes() {
        let config = Config::default();
        let patience = Duration::from_millis(config.check_timeout);
        let (topology, selection) = members(&["", ""], config);
        topology.demote(1, &lost());

        let began = Instant::now();
        assert_eq!(
            selection.choose_patiently(&topology, WRITES, &[], soon()).await.unwrap(),
            0,
            "it falls back on the first"
        );
        assert_eq!(began.elapsed(), patience);

        let began = Instant::now();
        let check = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            topology.found_master(1);
        };
        let (chosen, ()) = tokio::join!(selection.choose_patiently(&topology, WRITES, &[], soon()), check);
        assert_eq!((chosen.unwrap(), began.elapsed()), (1, Duration::from_millis(300)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_read_that_finds_nobody_does_not_wait_for_one_that_hangs_where_another_has_answered() {
        let (topology, selection) = members(&["", ""], Config::default());
        topology.found_nobody(0);
        topology.found_no_role(1);
        topology.demote(0, &lost());
        topology.found_no_role(1);
        let began = Instant::now();
        let chosen = selection.choose_patiently(&topology, READS, &[0], soon()).await.unwrap();
        assert_eq!((chosen, began.elapsed()), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn the_own_zone_comes_first_and_others_when_none_there_does_it() {
        let zone = |zone: &str| Config { zone: Some(zone.into()), ..Config::default() };
        let (topology, selection) = checked(&["a", "b", "b", "c"], zone("b"));
        assert_eq!(chosen((&topology, &selection), READS, 4).await, [1, 2, 1, 2]);
        assert_eq!(selection.candidates(&topology.view(), READS), [1, 2]);
        assert_eq!(chosen((&topology, &selection), WRITES, 2).await, [0, 0], "the master is elsewhere");
        assert_eq!(selection.choose_patiently(&topology, READS, &[1], soon()).await.unwrap(), 2);
        let elsewhere = selection.choose_patiently(&topology, READS, &[1, 2], soon()).await.unwrap();
        assert_eq!(elsewhere, 0, "those of the zone have just failed");
        topology.demote(1, &lost());
        topology.demote(2, &lost());
        assert_eq!(chosen((&topology, &selection), READS, 3).await, [3, 0, 3]);
        topology.found_slave(2);
        assert_eq!(chosen((&topology, &selection), READS, 2).await, [2, 2]);

        let (topology, selection) = checked(&["a", "b", "b", "c"], Config::default());
        assert_eq!(
            selection.candidates(&topology.view(), READS),
            [0, 1, 2, 3],
            "a driver without a zone has no preference"
        );
        let (topology, selection) = checked(&["a", "b", "b", "c"], zone("d"));
        assert_eq!(selection.candidates(&topology.view(), READS), [0, 1, 2, 3], "nobody is of that zone");
    }

    #[tokio::test(start_paused = true)]
    async fn what_loses_work_again_and_again_is_left_alone_and_let_back_in_by_one_trial() {
        let (topology, selection) = checked(&["", "", ""], Config::default());
        lose(&topology, &selection, 2, 4);
        assert_eq!(selection.candidates(&topology.view(), READS), [0, 1, 2]);
        lose(&topology, &selection, 2, 1);
        assert_eq!(selection.candidates(&topology.view(), READS), [0, 1]);
        assert!(!selection.still_takes(&topology, 2, READS), "who had chosen it before chooses anew");
        assert!(!chosen((&topology, &selection), READS, 6).await.contains(&2));

        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(selection.candidates(&topology.view(), READS), [0, 1, 2]);
        let choices = chosen((&topology, &selection), READS, 12).await;
        assert_eq!(choices.iter().filter(|server| **server == 2).count(), 1, "{choices:?}");
        selection.answered(2, Instant::now());
        assert!(chosen((&topology, &selection), READS, 3).await.contains(&2));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_written_to_a_master_that_another_one_came_after_not_even_as_the_last_resort() {
        let (topology, selection) = checked(&["", ""], Config::default());
        topology.found_master(1);
        topology.demote(1, &lost());
        assert_eq!(topology.view().master(), None);
        let began = Instant::now();
        let chosen = selection.choose_patiently(&topology, WRITES, &[], began + Duration::from_secs(5)).await;
        assert_eq!((chosen.unwrap(), began.elapsed()), (1, Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_lost_at_the_same_time_counts_once() {
        let (topology, selection) = checked(&["", ""], Config::default());
        for _ in 0..50 {
            selection.failed(&topology, 1, Instant::now(), &lost());
            topology.demote(1, &lost());
        }
        topology.found_slave(1);
        assert_eq!(selection.candidates(&topology.view(), READS), [0, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn errors_that_the_server_answers_are_answers() {
        let (topology, selection) = checked(&["", ""], Config::default());
        let answer = |code: &str| {
            let failure = bolt::ServerFailure { code: code.into(), ..bolt::ServerFailure::default() };
            Error::from_failure(failure)
        };
        for _ in 0..20 {
            selection.failed(&topology, 1, Instant::now(), &answer("Neo.ClientError.Statement.SyntaxError"));
        }
        lose(&topology, &selection, 1, 4);
        selection.failed(&topology, 1, Instant::now(), &answer("Neo.ClientError.Statement.SyntaxError"));
        lose(&topology, &selection, 1, 4);
        for kind in [Kind::Aborted, Kind::Pool, Kind::Client] {
            selection.failed(&topology, 1, Instant::now(), &Error::new(kind, "the caller's"));
        }
        assert_eq!(selection.candidates(&topology.view(), READS), [0, 1]);
        lose(&topology, &selection, 1, 1);
        assert_eq!(
            selection.candidates(&topology.view(), READS),
            [0],
            "what is no word of the server does not break the row"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_one_and_the_only_master_are_never_left_alone() {
        let (topology, selection) = checked(&["", ""], Config::default());
        lose(&topology, &selection, 0, 20);
        assert_eq!(chosen((&topology, &selection), WRITES, 1).await, [0]);
        assert_eq!(selection.candidates(&topology.view(), READS), [0, 1], "nor for reads");
        topology.demote(0, &lost());
        lose(&topology, &selection, 1, 20);
        assert_eq!(chosen((&topology, &selection), READS, 2).await, [1, 1]);

        // One that was rightly left alone is taken all the same when it is all there is.
        topology.found_master(0);
        lose(&topology, &selection, 1, 1);
        assert_eq!(selection.candidates(&topology.view(), READS), [0]);
        topology.demote(0, &lost());
        assert_eq!(chosen((&topology, &selection), READS, 2).await, [1, 1]);
    }
}
