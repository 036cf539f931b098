//! How long a server takes to take up work, from RUN to its SUCCESS: at best and at worst, of late.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How much of a new time counts that is outside of what is usual: one or two slow answers tell that a server has become slow.
/// Not all of it: a pause of this process, or of the network, makes all servers slow for a moment.
const WIDENS: f64 = 0.5;
/// How much of a new time counts that is within.
const NARROWS: f64 = 0.1;
/// The longer a server was not asked, the more a new time counts: after so long, about two thirds.
const MEMORY: Duration = Duration::from_secs(1);

/// The times that a server takes.
#[derive(Default)]
pub(crate) struct Latency(Mutex<Option<Seen>>);

/// Milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    /// What it takes at best.
    pub(crate) low: f64,
    /// What it takes at worst.
    pub(crate) high: f64,
}

#[derive(Clone, Copy)]
struct Seen {
    range: Range,
    at: Instant,
}

impl Latency {
    /// A query was taken up, this long after it was asked.
    pub(crate) fn took(&self, time: Duration) {
        let (now, newest) = (Instant::now(), time.as_secs_f64() * 1000.0);
        let mut seen = self.0.lock();
        let range = match *seen {
            None => Range { low: newest, high: newest },
            Some(Seen { range: Range { low, high }, at }) => {
                let unasked = now.saturating_duration_since(at).as_secs_f64();
                let forgotten = 1.0 - (-unasked / MEMORY.as_secs_f64()).exp();
                let moved = |end: f64, widens| {
                    let share = if widens { WIDENS } else { NARROWS };
                    end + forgotten.max(share) * (newest - end)
                };
                Range { low: moved(low, newest < low), high: moved(high, newest > high) }
            }
        };
        *seen = Some(Seen { range, at: now });
    }

    /// `None` if nothing is known yet.
    pub(crate) fn range(&self) -> Option<Range> {
        self.0.lock().map(|seen| seen.range)
    }

    /// Whether nothing has become known for so long.
    pub(crate) fn is_older_than(&self, limit: Duration) -> bool {
        let seen = *self.0.lock();
        seen.is_none_or(|seen| seen.at.elapsed() >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    /// Its range after these times.
    fn after(latency: &Latency, times: &[u64]) -> (f64, f64) {
        times.iter().for_each(|time| latency.took(ms(*time)));
        let Range { low, high } = latency.range().unwrap();
        (low, high)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_outside_counts_more_than_what_is_within() {
        let latency = Latency::default();
        assert_eq!(latency.range(), None);
        assert_eq!(after(&latency, &[10]), (10.0, 10.0));
        assert_eq!(after(&latency, &[30]), (12.0, 20.0));
        assert_eq!(after(&latency, &[2]), (7.0, 18.2));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_pause_the_newest_time_counts() {
        let latency = Latency::default();
        latency.took(ms(100));
        tokio::time::advance(MEMORY).await;
        let (low, high) = after(&latency, &[10]);
        assert_eq!(low, high);
        assert!((42.0..44.0).contains(&low), "{low}");
        tokio::time::advance(MEMORY * 10).await;
        let (low, high) = after(&latency, &[20]);
        assert!(low > 19.9 && high < 20.1, "{low} to {high}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_old_when_nothing_was_taken_for_so_long() {
        let latency = Latency::default();
        assert!(latency.is_older_than(ms(50)), "nothing is known of it");
        latency.took(ms(1));
        tokio::time::advance(ms(49)).await;
        assert!(!latency.is_older_than(ms(50)));
        tokio::time::advance(ms(1)).await;
        assert!(latency.is_older_than(ms(50)));
    }
}
