//! Servers that fail again and again although their checks find nothing wrong with them: left alone for a while, that grows, and
//! let back in by one piece of work.
//!
//! ```text
//!             5 failures in a row              the while is over, work begins
//!   trusted ──────────────────────► left alone ──────────────────────────────► on trial
//!      ▲                                ▲                                         │ │
//!      │                                └──────────────── a failure ──────────────┘ │
//!      └─────────────────────────── it takes work up ───────────────────────────────┘
//! ```
//!
//! What began before it was left alone, or before its trial, tells nothing new: neither its loss nor its answer counts for that.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Failures in a row after which a server is left alone.
const FAILURES: u32 = 5;
/// For how long, the first time; twice that the second time, and so on.
const FIRST_WHILE: Duration = Duration::from_secs(30);
/// The longest while. A server that has served for so long since the last one begins with the first again.
const LONGEST_WHILE: Duration = Duration::from_secs(300);
/// How long a trial may take before there is another one: its work may have been given up, or be of the long sort.
const TRIAL: Duration = Duration::from_secs(30);

/// What is known of all servers, in the order of the configuration.
pub(crate) struct Ejections {
    servers: Vec<Server>,
    /// How many are not trusted: mostly none, and then nothing is looked at.
    distrusted: AtomicUsize,
}

#[derive(Default)]
struct Server {
    /// In a row.
    failures: AtomicU32,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// Unless the server is trusted.
    ejected: Option<Ejected>,
    ejections: u32,
    trusted_since: Option<Instant>,
}

struct Ejected {
    since: Instant,
    /// Until when it is left alone.
    until: Instant,
    /// When its trial began, if it is on trial.
    trial: Option<Instant>,
}

impl Ejected {
    /// Whether work that began then is its trial, or came after that.
    fn is_tried_by(&self, began: Instant) -> bool {
        self.trial.is_some_and(|trial| began >= trial)
    }
}

impl Ejections {
    pub(crate) fn of(servers: usize) -> Self {
        Ejections {
            servers: (0..servers).map(|_| Server::default()).collect(),
            distrusted: AtomicUsize::new(0),
        }
    }

    /// Whether the server is left alone now.
    pub(crate) fn is_out(&self, server: usize) -> bool {
        self.with_distrusted(server, |ejected| ejected.until > Instant::now())
    }

    /// Work is about to begin on the server: `false` if it is to be left alone. Where its while is over, this is its trial.
    pub(crate) fn let_in(&self, server: usize) -> bool {
        !self.with_distrusted(server, |ejected| {
            let now = Instant::now();
            if ejected.until > now {
                return true;
            }
            (ejected.until, ejected.trial) = (now + TRIAL, Some(now));
            false
        })
    }

    /// `false` if the server is trusted.
    fn with_distrusted(&self, server: usize, look: impl FnOnce(&mut Ejected) -> bool) -> bool {
        if self.distrusted.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.servers.get(server).is_some_and(|server| server.record.lock().ejected.as_mut().is_some_and(look))
    }

    /// The server has taken up work that began then: where that is its trial, it is trusted again, however long the work will
    /// take. Losses go on counting until it has answered: one that takes up all and loses it is ejected by the next. Whether it
    /// is trusted by this.
    pub(crate) fn took_up(&self, index: usize, began: Instant) -> bool {
        if self.distrusted.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.servers
            .get(index)
            .is_some_and(|server| self.trust(&mut server.record.lock(), |ejected| ejected.is_tried_by(began)))
    }

    /// The server has answered work that began then, with whatever. Whether that made it trusted again.
    pub(crate) fn answered(&self, index: usize, began: Instant) -> bool {
        let Some(server) = self.servers.get(index) else { return false };
        if server.failures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut record = server.record.lock();
        if record.ejected.as_ref().is_some_and(|ejected| began < ejected.since) {
            return false;
        }
        server.failures.store(0, Ordering::Relaxed);
        self.trust(&mut record, |_| true)
    }

    /// Trusts an ejected server again, if it may be.
    fn trust(&self, record: &mut Record, may: impl FnOnce(&mut Ejected) -> bool) -> bool {
        if record.ejected.take_if(may).is_none() {
            return false;
        }
        record.trusted_since = Some(Instant::now());
        self.distrusted.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Work that began then was lost with the server. For how long that makes it left alone, unless it may not be.
    pub(crate) fn failed(&self, index: usize, began: Instant, may_eject: bool) -> Option<Duration> {
        let server = self.servers.get(index)?;
        let mut record = server.record.lock();
        let failures = server.failures.load(Ordering::Relaxed).saturating_add(1);
        server.failures.store(failures, Ordering::Relaxed);
        let is_due = match &record.ejected {
            Some(ejected) => ejected.is_tried_by(began),
            None => failures >= FAILURES && may_eject,
        };
        if !is_due {
            return None;
        }
        let now = Instant::now();
        let has_served_long =
            record.trusted_since.take().is_some_and(|since| now.duration_since(since) >= LONGEST_WHILE);
        record.ejections = if has_served_long { 1 } else { record.ejections.saturating_add(1) };
        let time = FIRST_WHILE.saturating_mul(record.ejections).min(LONGEST_WHILE);
        if record.ejected.replace(Ejected { since: now, until: now + time, trial: None }).is_none() {
            self.distrusted.fetch_add(1, Ordering::Relaxed);
        }
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Fails so often, and tells for how many seconds the last failure has it left alone.
    fn fail(ejections: &Ejections, times: u32) -> Option<u64> {
        (0..times)
            .map(|_| ejections.failed(0, Instant::now(), true))
            .last()
            .flatten()
            .map(|time| time.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_row_and_no_fewer() {
        let ejections = Ejections::of(2);
        assert_eq!(fail(&ejections, 4), None);
        ejections.answered(0, Instant::now());
        assert_eq!(fail(&ejections, 4), None, "an answer has broken the row");
        assert!(!ejections.is_out(0));
        assert_eq!(fail(&ejections, 1), Some(30));
        assert_eq!((ejections.is_out(0), ejections.let_in(0)), (true, false));
        assert_eq!((ejections.is_out(1), ejections.let_in(1)), (false, true), "the other one is not meant");
    }

    #[tokio::test(start_paused = true)]
    async fn one_trial_lets_it_back_in() {
        let ejections = Ejections::of(1);
        fail(&ejections, 5);
        tokio::time::advance(SECOND * 29).await;
        assert!(ejections.is_out(0));
        tokio::time::advance(SECOND).await;
        assert!(!ejections.is_out(0), "it may be chosen");
        assert!(ejections.let_in(0));
        assert!(!ejections.let_in(0), "there is one trial at a time");
        assert!(ejections.is_out(0));
        assert!(ejections.answered(0, Instant::now()));
        assert!(!ejections.is_out(0) && ejections.let_in(0) && ejections.let_in(0));
        assert_eq!(fail(&ejections, 4), None, "it starts afresh");
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_fails_ejects_it_for_longer_up_to_a_bound() {
        let ejections = Ejections::of(1);
        let mut times = vec![fail(&ejections, 5)];
        for _ in 0..12 {
            tokio::time::advance(LONGEST_WHILE).await;
            assert!(ejections.let_in(0));
            times.push(fail(&ejections, 1));
        }
        let times: Vec<_> = times.into_iter().flatten().collect();
        assert_eq!(times, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_began_before_does_not_lengthen_it() {
        let ejections = Ejections::of(1);
        fail(&ejections, 5);
        assert_eq!(fail(&ejections, 20), None);
        tokio::time::advance(SECOND * 30).await;
        assert!(!ejections.is_out(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_is_passed_when_its_work_is_taken_up_and_losses_count_until_it_is_answered() {
        let ejections = Ejections::of(1);
        fail(&ejections, 5);
        tokio::time::advance(SECOND * 30).await;
        assert!(ejections.let_in(0));
        assert!(ejections.took_up(0, Instant::now()));
        assert!(!ejections.is_out(0) && ejections.let_in(0) && ejections.let_in(0));
        assert_eq!(fail(&ejections, 1), Some(60), "it takes up all and loses it");
        tokio::time::advance(SECOND * 60).await;
        assert!(ejections.let_in(0));
        assert!(ejections.took_up(0, Instant::now()));
        ejections.answered(0, Instant::now());
        assert_eq!(fail(&ejections, 4), None, "it starts afresh");
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_is_ended_by_its_own_work_alone() {
        let ejections = Ejections::of(1);
        let before = Instant::now();
        tokio::time::advance(SECOND).await;
        fail(&ejections, 5);
        assert!(
            !ejections.answered(0, before) && ejections.is_out(0),
            "it was asked before it was left alone"
        );
        tokio::time::advance(SECOND * 30).await;
        assert!(ejections.let_in(0));
        assert_eq!(ejections.failed(0, before, true), None);
        assert!(!ejections.took_up(0, before) && !ejections.answered(0, before));
        assert!(ejections.is_out(0) && !ejections.let_in(0), "the trial goes on");
        assert_eq!(ejections.failed(0, Instant::now(), true), Some(Duration::from_secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_of_which_nothing_is_heard_is_followed_by_another() {
        let ejections = Ejections::of(1);
        fail(&ejections, 5);
        tokio::time::advance(SECOND * 30).await;
        assert!(ejections.let_in(0));
        tokio::time::advance(TRIAL).await;
        assert!(ejections.let_in(0));
        assert!(!ejections.let_in(0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_again_soon_is_left_alone_for_longer_and_what_has_served_long_is_not() {
        let ejections = Ejections::of(1);
        fail(&ejections, 5);
        tokio::time::advance(SECOND * 30).await;
        ejections.answered(0, Instant::now());
        tokio::time::advance(SECOND * 299).await;
        assert_eq!(fail(&ejections, 5), Some(60));
        tokio::time::advance(SECOND * 60).await;
        ejections.answered(0, Instant::now());
        tokio::time::advance(LONGEST_WHILE).await;
        assert_eq!(fail(&ejections, 5), Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_not_be_ejected_is_not_until_it_may() {
        let ejections = Ejections::of(1);
        for _ in 0..20 {
            assert_eq!(ejections.failed(0, Instant::now(), false), None);
        }
        assert!(!ejections.is_out(0));
        assert_eq!(fail(&ejections, 1), Some(30));
    }
}
