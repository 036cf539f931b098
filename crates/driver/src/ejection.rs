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

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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

/// What is known of one server.
#[derive(Default)]
pub(crate) struct Ejection {
    /// In a row.
    failures: AtomicU32,
    /// It is not trusted. Mostly it is, and then nothing else is looked at.
    is_distrusted: AtomicBool,
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

impl Ejection {
    /// Whether the server is left alone now.
    pub(crate) fn is_out(&self) -> bool {
        self.with_distrusted(|ejected| ejected.until > Instant::now())
    }

    /// Work is about to begin on the server: `false` if it is to be left alone. Where its while is over, this is its trial.
    pub(crate) fn let_in(&self) -> bool {
        !self.with_distrusted(|ejected| {
            let now = Instant::now();
            if ejected.until > now {
                return true;
            }
            (ejected.until, ejected.trial) = (now + TRIAL, Some(now));
            false
        })
    }

    /// `false` if the server is trusted.
    fn with_distrusted(&self, look: impl FnOnce(&mut Ejected) -> bool) -> bool {
        self.is_distrusted.load(Ordering::Relaxed) && self.record.lock().ejected.as_mut().is_some_and(look)
    }

    /// The server has taken up work that began then: where that is its trial, it is trusted again, however long the work will
    /// take. Losses go on counting until it has answered: one that takes up all and loses it is ejected by the next. Whether it
    /// is trusted by this.
    pub(crate) fn took_up(&self, began: Instant) -> bool {
        self.is_distrusted.load(Ordering::Relaxed)
            && self.trust(&mut self.record.lock(), |ejected| ejected.is_tried_by(began))
    }

    /// The server has answered work that began then, with whatever. Whether that made it trusted again.
    pub(crate) fn answered(&self, began: Instant) -> bool {
        if self.failures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let mut record = self.record.lock();
        if record.ejected.as_ref().is_some_and(|ejected| began < ejected.since) {
            return false;
        }
        self.failures.store(0, Ordering::Relaxed);
        self.trust(&mut record, |_| true)
    }

    /// Trusts an ejected server again, if it may be.
    fn trust(&self, record: &mut Record, may: impl FnOnce(&mut Ejected) -> bool) -> bool {
        if record.ejected.take_if(may).is_none() {
            return false;
        }
        record.trusted_since = Some(Instant::now());
        self.is_distrusted.store(false, Ordering::Relaxed);
        true
    }

    /// Work that began then was lost with the server. For how long that makes it left alone, unless it may not be.
    pub(crate) fn failed(&self, began: Instant, may_eject: bool) -> Option<Duration> {
        let mut record = self.record.lock();
        let failures = self.failures.load(Ordering::Relaxed).saturating_add(1);
        self.failures.store(failures, Ordering::Relaxed);
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
        record.ejected = Some(Ejected { since: now, until: now + time, trial: None });
        self.is_distrusted.store(true, Ordering::Relaxed);
        Some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Fails so often, and tells for how many seconds the last failure has it left alone.
    fn fail(ejection: &Ejection, times: u32) -> Option<u64> {
        (0..times).map(|_| ejection.failed(Instant::now(), true)).last().flatten().map(|time| time.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_in_a_row_and_no_fewer() {
        let ejection = Ejection::default();
        assert_eq!(fail(&ejection, 4), None);
        ejection.answered(Instant::now());
        assert_eq!(fail(&ejection, 4), None, "an answer has broken the row");
        assert!(!ejection.is_out());
        assert_eq!(fail(&ejection, 1), Some(30));
        assert_eq!((ejection.is_out(), ejection.let_in()), (true, false));
    }

    #[tokio::test(start_paused = true)]
    async fn one_trial_lets_it_back_in() {
        let ejection = Ejection::default();
        fail(&ejection, 5);
        tokio::time::advance(SECOND * 29).await;
        assert!(ejection.is_out());
        tokio::time::advance(SECOND).await;
        assert!(!ejection.is_out(), "it may be chosen");
        assert!(ejection.let_in());
        assert!(!ejection.let_in(), "there is one trial at a time");
        assert!(ejection.is_out());
        assert!(ejection.answered(Instant::now()));
        assert!(!ejection.is_out() && ejection.let_in() && ejection.let_in());
        assert_eq!(fail(&ejection, 4), None, "it starts afresh");
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_fails_ejects_it_for_longer_up_to_a_bound() {
        let ejection = Ejection::default();
        let mut times = vec![fail(&ejection, 5)];
        for _ in 0..12 {
            tokio::time::advance(LONGEST_WHILE).await;
            assert!(ejection.let_in());
            times.push(fail(&ejection, 1));
        }
        let times: Vec<_> = times.into_iter().flatten().collect();
        assert_eq!(times, [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300]);
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_began_before_does_not_lengthen_it() {
        let ejection = Ejection::default();
        fail(&ejection, 5);
        assert_eq!(fail(&ejection, 20), None);
        tokio::time::advance(SECOND * 30).await;
        assert!(!ejection.is_out());
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_is_passed_when_its_work_is_taken_up_and_losses_count_until_it_is_answered() {
        let ejection = Ejection::default();
        fail(&ejection, 5);
        tokio::time::advance(SECOND * 30).await;
        assert!(ejection.let_in());
        assert!(ejection.took_up(Instant::now()));
        assert!(!ejection.is_out() && ejection.let_in() && ejection.let_in());
        assert_eq!(fail(&ejection, 1), Some(60), "it takes up all and loses it");
        tokio::time::advance(SECOND * 60).await;
        assert!(ejection.let_in());
        assert!(ejection.took_up(Instant::now()));
        ejection.answered(Instant::now());
        assert_eq!(fail(&ejection, 4), None, "it starts afresh");
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_is_ended_by_its_own_work_alone() {
        let ejection = Ejection::default();
        let before = Instant::now();
        tokio::time::advance(SECOND).await;
        fail(&ejection, 5);
        assert!(!ejection.answered(before) && ejection.is_out(), "it was asked before it was left alone");
        tokio::time::advance(SECOND * 30).await;
        assert!(ejection.let_in());
        assert_eq!(ejection.failed(before, true), None);
        assert!(!ejection.took_up(before) && !ejection.answered(before));
        assert!(ejection.is_out() && !ejection.let_in(), "the trial goes on");
        assert_eq!(ejection.failed(Instant::now(), true), Some(Duration::from_secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_of_which_nothing_is_heard_is_followed_by_another() {
        let ejection = Ejection::default();
        fail(&ejection, 5);
        tokio::time::advance(SECOND * 30).await;
        assert!(ejection.let_in());
        tokio::time::advance(TRIAL).await;
        assert!(ejection.let_in());
        assert!(!ejection.let_in());
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_again_soon_is_left_alone_for_longer_and_what_has_served_long_is_not() {
        let ejection = Ejection::default();
        fail(&ejection, 5);
        tokio::time::advance(SECOND * 30).await;
        ejection.answered(Instant::now());
        tokio::time::advance(SECOND * 299).await;
        assert_eq!(fail(&ejection, 5), Some(60));
        tokio::time::advance(SECOND * 60).await;
        ejection.answered(Instant::now());
        tokio::time::advance(LONGEST_WHILE).await;
        assert_eq!(fail(&ejection, 5), Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_not_be_ejected_is_not_until_it_may() {
        let ejection = Ejection::default();
        for _ in 0..20 {
            assert_eq!(ejection.failed(Instant::now(), false), None);
        }
        assert!(!ejection.is_out());
        assert_eq!(fail(&ejection, 1), Some(30));
    }
}
