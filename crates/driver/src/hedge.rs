//! Hedged reads: one that takes long is asked of another reader as well, and whichever answers first is heard.
//!
//! After Dean and Barroso, "The Tail at Scale" (2013): a second request after the 95th percentile of the usual time costs a few
//! percent more work, and cuts the tail that one slow server makes. The budget bounds it where all of them are slow.

use std::time::Duration;

use parking_lot::Mutex;

use crate::config::{HedgeAfter, HedgeConfig};

/// How many times of reads are remembered, and how many there have to be before they say anything.
const REMEMBERED: usize = 256;
const ENOUGH: usize = 32;
/// The percentile is found anew after so many.
const RENEWED_AFTER: usize = 32;
const PERCENTILE: f64 = 0.95;
/// Hedges that may be saved up for a burst.
const SAVED_AT_MOST: f64 = 10.0;

pub(crate) struct Hedges {
    config: HedgeConfig,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    /// Milliseconds from RUN to its SUCCESS, the oldest replaced first.
    times: Vec<f64>,
    next: usize,
    unseen: usize,
    usual: Option<f64>,
    /// Hedges that may be made.
    saved: f64,
}

impl Hedges {
    pub(crate) fn new(config: HedgeConfig) -> Self {
        Hedges { config, record: Mutex::default() }
    }

    /// A read begins: after how long another server may be asked, if that is known.
    pub(crate) fn after(&self) -> Option<Duration> {
        let mut record = self.record.lock();
        record.saved = (record.saved + self.config.budget).min(SAVED_AT_MOST);
        let milliseconds = match self.config.after {
            HedgeAfter::Milliseconds(after) => after,
            HedgeAfter::P95 => record.usual?,
        };
        // A time that is none is never over.
        Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
    }

    /// Whether the budget has one for this read.
    pub(crate) fn take(&self) -> bool {
        let mut record = self.record.lock();
        let may = record.saved >= 1.0;
        if may {
            record.saved -= 1.0;
        }
        may
    }

    /// A read was taken up, this long after it was asked.
    pub(crate) fn took(&self, time: Duration) {
        let milliseconds = time.as_secs_f64() * 1000.0;
        let mut guard = self.record.lock();
        let record = &mut *guard;
        match record.times.get_mut(record.next) {
            Some(oldest) => *oldest = milliseconds,
            None => record.times.push(milliseconds),
        }
        record.next = (record.next + 1) % REMEMBERED;
        record.unseen += 1;
        if record.times.len() >= ENOUGH && record.unseen >= RENEWED_AFTER {
            record.unseen = 0;
            record.usual = percentile(&record.times);
        }
    }
}

fn percentile(times: &[f64]) -> Option<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let place = (sorted.len() as f64 * PERCENTILE) as usize;
    sorted.get(place.min(sorted.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hedges(after: HedgeAfter, budget: f64) -> Hedges {
        Hedges::new(HedgeConfig { after, budget })
    }

    #[test]
    fn the_95th_percentile_is_known_after_enough_reads_and_follows_them() {
        let hedges = hedges(HedgeAfter::P95, 0.02);
        (0..ENOUGH - 1).for_each(|_| hedges.took(Duration::from_millis(1)));
        assert_eq!(hedges.after(), None);
        let times = |from: u64| (from..from + 257).for_each(|ms| hedges.took(Duration::from_millis(ms)));
        times(1);
        let first = hedges.after().unwrap().as_millis();
        assert!((240..=250).contains(&first), "{first}");
        times(1_001);
        let second = hedges.after().unwrap().as_millis();
        assert!((1_210..=1_250).contains(&second), "{second}");
    }

    #[test]
    fn a_time_that_is_none_is_never_over() {
        for milliseconds in [f64::MAX, f64::NAN, -1.0] {
            assert_eq!(hedges(HedgeAfter::Milliseconds(milliseconds), 1.0).after(), None);
        }
    }

    #[test]
    fn no_more_than_the_budget_and_a_burst() {
        let hedges = hedges(HedgeAfter::Milliseconds(5.0), 0.1);
        let made =
            (0..1_000).filter(|_| hedges.after() == Some(Duration::from_millis(5)) && hedges.take()).count();
        assert!((99..=100).contains(&made), "{made}");
        for _ in 0..1_000 {
            hedges.after();
        }
        assert_eq!((0..50).filter(|_| hedges.take()).count(), 10, "what is not used is not saved for ever");
    }
}
