//! How long a server takes to take up work: from RUN to its SUCCESS, smoothed, and quicker to rise than to fall.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// How much of a new time counts that is longer than the smoothed one. Not all of it: a pause of this process, or of the
/// network, makes all servers slow for a moment, and is not to send everybody to one that always is.
const RISE: f64 = 0.5;
/// How much of a new time counts that is shorter.
const FALL: f64 = 0.3;
/// What is not asked any more is forgotten, so that a server that was slow is tried again: after so long, about a third of
/// its time is left.
const MEMORY: Duration = Duration::from_secs(10);

/// The smoothed time of one server.
#[derive(Default)]
pub(crate) struct Latency(Mutex<Option<Seen>>);

#[derive(Clone, Copy)]
struct Seen {
    /// Milliseconds.
    smoothed: f64,
    at: Instant,
}

impl Latency {
    /// A query was taken up, this long after it was asked.
    pub(crate) fn took(&self, time: Duration) {
        let (now, newest) = (Instant::now(), time.as_secs_f64() * 1000.0);
        let mut seen = self.0.lock();
        let smoothed = match *seen {
            None => newest,
            Some(before) => {
                let before = before.at(now);
                let share = if newest > before { RISE } else { FALL };
                before + share * (newest - before)
            }
        };
        *seen = Some(Seen { smoothed, at: now });
    }

    /// Milliseconds; `None` if nothing is known yet.
    pub(crate) fn now(&self) -> Option<f64> {
        let seen = *self.0.lock();
        seen.map(|seen| seen.at(Instant::now()))
    }
}

impl Seen {
    fn at(self, now: Instant) -> f64 {
        let unasked = now.saturating_duration_since(self.at).as_secs_f64();
        self.smoothed * (-unasked / MEMORY.as_secs_f64()).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(time: u64) -> Duration {
        Duration::from_millis(time)
    }

    #[tokio::test(start_paused = true)]
    async fn a_longer_time_counts_more_than_a_shorter_one() {
        let latency = Latency::default();
        assert_eq!(latency.now(), None);
        latency.took(ms(10));
        assert_eq!(latency.now(), Some(10.0));
        latency.took(ms(30));
        assert_eq!(latency.now(), Some(20.0));
        latency.took(ms(10));
        assert_eq!(latency.now(), Some(17.0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_asked_is_forgotten() {
        let latency = Latency::default();
        latency.took(ms(100));
        tokio::time::advance(MEMORY).await;
        let left = latency.now().unwrap();
        assert!((36.0..38.0).contains(&left), "{left}");
        tokio::time::advance(MEMORY * 10).await;
        assert!(latency.now().unwrap() < 0.01);
        latency.took(ms(100));
        assert!(latency.now().unwrap() > 49.0, "and is learned anew");
    }
}
