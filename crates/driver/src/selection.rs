//! Server selection: which server does the work, by what is known of the servers, the session's intent, and a strategy.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::Config;
use crate::error::{Error, Kind};
use crate::log::Log;
use crate::observer::Observer;
use crate::strategy::{any_eligible, eligible, is_eligible, pick, Intent, Strategy, Turns};
use crate::topology::{Role, Status, Topology, View};

/// How often the same situation is warned of at most.
const WARN_EVERY: Duration = Duration::from_secs(1);

pub(crate) struct ServerSelection {
    topology: Arc<Topology>,
    observer: Arc<dyn Observer>,
    log: Log,
    /// How long a server that is being looked at again is waited for.
    patience: Duration,
    turns: Turns,
    warned: Mutex<Option<Instant>>,
}

impl ServerSelection {
    pub(crate) fn new(
        config: &Config,
        topology: &Arc<Topology>,
        observer: &Arc<dyn Observer>,
        log: &Log,
    ) -> Self {
        ServerSelection {
            topology: topology.clone(),
            observer: observer.clone(),
            log: log.clone(),
            patience: Duration::from_millis(config.check_timeout),
            turns: Turns::default(),
            warned: Mutex::new(None),
        }
    }

    /// Chooses from what is known now, by a strategy that needs no callback, or falls back as 1.2.3 does: to the master, else
    /// to the first.
    pub(crate) fn choose(&self, view: &View, intent: Intent) -> usize {
        if let Some(pinned) = intent.pinned {
            return pinned;
        }
        let candidates = eligible(view, intent.permissions, intent.write);
        pick(intent.strategy, view, &candidates, self.turns.of(intent.write))
            .unwrap_or_else(|| self.fall_back(view, intent.write, &[]))
    }

    /// The server that a session begins with; `None` if it is better chosen when there is work.
    pub(crate) fn choose_early(&self, intent: Intent, preferred: Option<usize>) -> Option<usize> {
        let view = self.topology.view();
        match (intent.pinned, intent.strategy) {
            (Some(pinned), _) => Some(pinned),
            (None, Strategy::Custom(_)) => preferred,
            _ if !view.checked => None,
            // Somebody is being looked at again: the session's work waits for that instead of falling back now.
            _ if !any_eligible(&view, intent.permissions, intent.write) && self.waits(&view, intent) => None,
            _ => Some(self.choose(&view, intent)),
        }
    }

    /// Chooses by any strategy, asking the user's own where it is one. Avoids some servers if there are others, and
    /// falls back only when no server is about to be looked at again, and no master is to be expected; or at the deadline.
    pub(crate) async fn choose_patiently(
        &self,
        intent: Intent,
        avoid: &[usize],
        deadline: Instant,
    ) -> Result<usize, Error> {
        if let Some(pinned) = intent.pinned {
            return Ok(pinned);
        }
        let view = self.wait_for_candidates(intent, deadline).await;
        let all = eligible(&view, intent.permissions, intent.write);
        let fresh: Vec<usize> = all.iter().copied().filter(|i| !avoid.contains(i)).collect();
        let candidates = if fresh.is_empty() { all } else { fresh };
        let Strategy::Custom(key) = intent.strategy else {
            let picked = pick(intent.strategy, &view, &candidates, self.turns.of(intent.write));
            return Ok(picked.unwrap_or_else(|| self.fall_back(&view, intent.write, avoid)));
        };
        if candidates.is_empty() {
            return Ok(self.fall_back(&view, intent.write, avoid));
        }
        match self.observer.choose(key, &candidates, intent.write).await {
            Ok(index) if candidates.contains(&index) => Ok(index),
            Ok(_) => Err(Error::new(Kind::Client, "The strategy function returned none of its candidates.")),
            Err(no) => {
                let why = format!("The strategy function failed: {no}");
                Err(no.with(why).error(Kind::Client))
            }
        }
    }

    /// Whether the server still fits the intent.
    pub(crate) fn fits(&self, index: usize, intent: Intent) -> bool {
        intent.pinned.is_some() || is_eligible(&self.topology.view(), index, intent.permissions, intent.write)
    }

    /// Whether the server does not fit, and another one does.
    pub(crate) fn is_outdone(&self, index: usize, intent: Intent) -> bool {
        !self.fits(index, intent) && any_eligible(&self.topology.view(), intent.permissions, intent.write)
    }

    /// Whether a choice now would be one that was not tried: one that fits, or where none does, one that a read falls back on.
    pub(crate) fn has_untried(&self, tried: &[usize], intent: Intent) -> bool {
        let view = self.topology.view();
        let mut choices = eligible(&view, intent.permissions, intent.write);
        if choices.is_empty() && !intent.write && view.master().is_none() {
            choices = (0..view.servers.len()).collect();
        }
        intent.pinned.is_none() && choices.iter().any(|i| !tried.contains(i))
    }

    /// The view, when it has a server for this work, or none is to be expected any more.
    async fn wait_for_candidates(&self, intent: Intent, deadline: Instant) -> Arc<View> {
        let mut changes = self.topology.changes();
        let checks_end = Instant::now() + self.patience;
        loop {
            let view = self.topology.view();
            if any_eligible(&view, intent.permissions, intent.write) {
                return view;
            }
            let master = self.master_until(intent);
            let waits_for_master = master.is_some();
            let limit = match master {
                Some(promised) => promised.min(deadline),
                None if view.is_in_doubt() => checks_end,
                None => return view,
            };
            let _counted = waits_for_master.then(|| self.topology.wait_for_master());
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(limit) => return self.topology.view(),
            }
        }
    }

    /// Whether work that no server fits waits for one.
    fn waits(&self, view: &View, intent: Intent) -> bool {
        view.is_in_doubt() || self.master_until(intent).is_some()
    }

    /// Until when a master may be found for this work.
    fn master_until(&self, intent: Intent) -> Option<Instant> {
        let wants_master = intent.permissions.allow(Role::Master, intent.write);
        self.topology.master_is_promised_until().filter(|_| wants_master && intent.write)
    }

    /// The master, else the first server that answers its checks, else the first. A read that has just failed there goes on to those
    /// that it has not tried, the ones that answer first: members that know no master still read, and so do some whose checks fail.
    fn fall_back(&self, view: &View, write: bool, avoid: &[usize]) -> usize {
        let what = if write { "writes" } else { "reads" };
        let answers = |i: &usize| view.servers.get(*i).is_some_and(|s| s.status != Status::Down);
        let untried = || (0..view.servers.len()).filter(|i| !avoid.contains(i));
        let other = untried().find(answers).or_else(|| untried().next());
        let first = (0..view.servers.len()).find(answers).unwrap_or(0);
        let (index, whom) = match (view.master(), other) {
            (Some(master), _) => (master, "the master"),
            (None, Some(other)) if !write && avoid.contains(&first) => (other, "another one"),
            _ => (first, "the first server"),
        };
        let mut warned = self.warned.lock();
        if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            *warned = Some(Instant::now());
            let address = self.topology.address(index);
            self.log.warn(&format!("No server is eligible for {what}: taking {whom}, {address}."));
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogLevel, ServerConfig, StatusEndpoint};
    use crate::strategy::Permissions;

    struct Unobserved;

    impl Observer for Unobserved {
        fn topology(&self, _: &View) {}
        fn log(&self, _: LogLevel, _: &str) {}
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_nobody_waits_for_the_check_that_is_due_and_no_longer_than_one_takes() {
        let http = StatusEndpoint { url: "http://h".into(), auth: None };
        let server = ServerConfig { http: Some(http), bolt: "bolt://h".into(), auth: None, managed: false };
        let config = Config { servers: vec![server; 2], ..Config::default() };
        let observer: Arc<dyn Observer> = Arc::new(Unobserved);
        let log = Log::new(observer.clone(), config.log_level);
        let addresses = vec!["one:7687".into(), "two:7687".into()];
        let topology = Arc::new(Topology::new(&config, addresses, observer.clone(), log.clone()));
        let selection = ServerSelection::new(&config, &topology, &observer, &log);
        let permissions = Permissions::MASTER_READ_WRITE_SLAVE_READ;
        let intent = Intent { write: true, permissions, strategy: Strategy::Random, pinned: None };
        topology.demote(1, &Error::new(Kind::Connection, "lost"));

        let began = Instant::now();
        assert_eq!(
            selection.choose_patiently(intent, &[], began + Duration::from_secs(30)).await.unwrap(),
            0,
            "it falls back on the first"
        );
        assert_eq!(began.elapsed(), Duration::from_millis(config.check_timeout));

        let began = Instant::now();
        let check = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            topology.found_master(1);
        };
        let (chosen, ()) =
            tokio::join!(selection.choose_patiently(intent, &[], began + Duration::from_secs(30)), check);
        assert_eq!((chosen.unwrap(), began.elapsed()), (1, Duration::from_millis(300)));
    }
}
