//! An alarm: from the first sign that the master is lost until one is known, every member is asked again and again what it says
//! of itself. There is one for each driver, however many wait for its end.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::Config;

/// A pause between two checks takes this share of the time that the alarm has lasted. So much longer than it had to be, an outage
/// is at most.
const SHARE: u32 = 200;
/// Between the end of a check and the next one of the same member that its work hurries, while a master is known: a cluster in
/// trouble is not to be flooded by its clients.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// What the least pause of an alarm grows to where that begins again and again: the master refuses to be one.
const LONGEST_LEAST: Duration = Duration::from_millis(100);
/// How soon after an alarm another one counts as the same.
const RELAPSE: Duration = Duration::from_secs(1);

/// How often members are checked.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Pace {
    /// As long as there is a master.
    interval: Duration,
    /// Between two checks of a member, when an alarm begins.
    alarm: Duration,
    /// How long the master is waited for that was lost.
    patience: Duration,
}

impl Pace {
    pub(in crate::topology) fn new(config: &Config) -> Self {
        let milliseconds = |n: u64| Duration::from_millis(n.max(1));
        Pace {
            interval: milliseconds(config.check_interval),
            alarm: milliseconds(config.alarm_interval.min(config.check_interval)),
            patience: config.retry_time(),
        }
    }

    /// The same for one of several databases: so many ask beside each other, and so many of them without a master.
    pub(in crate::topology) fn shared_by(self, databases: u32, without_master: u32) -> Self {
        Pace {
            interval: self.interval.saturating_mul(databases.max(1)),
            alarm: self.alarm.saturating_mul(without_master.max(1)),
            ..self
        }
    }

    /// When the next check of a member begins that was checked from `began` to `ended`.
    pub(in crate::topology) fn next(self, began: Instant, ended: Instant, alarm: Option<Alarm>) -> Instant {
        let regular = began + self.interval;
        match alarm {
            None => regular,
            // Never later than without an alarm, unless that would be without a pause.
            Some(alarm) => {
                let least = self.least(Some(alarm));
                (ended + (alarm.since.elapsed() / SHARE).max(least)).min(regular.max(ended + least))
            }
        }
    }

    /// How long a master that was lost is waited for.
    pub(in crate::topology) fn patience(self) -> Duration {
        self.patience
    }

    /// The least time between a check and the next one, if that is wanted at once.
    pub(in crate::topology) fn least(self, alarm: Option<Alarm>) -> Duration {
        match alarm {
            Some(alarm) => {
                let grown = self.alarm.saturating_mul(2_u32.saturating_pow(alarm.relapses));
                grown.min(LONGEST_LEAST.max(self.alarm))
            }
            None => LEAST_PAUSE,
        }
    }
}

/// There is no master.
#[derive(Debug, Clone, Copy)]
pub(in crate::topology) struct Alarm {
    /// When it began, for the first time where it has relapsed.
    since: Instant,
    relapses: u32,
    /// When there was a master last.
    lost: Instant,
    /// There was one before.
    is_loss: bool,
}

impl Alarm {
    /// One that begins where the last one has just ended is a relapse of that.
    pub(in crate::topology) fn after(last: Option<(Alarm, Instant)>, is_loss: bool) -> Self {
        let lost = Instant::now();
        match last.filter(|(_, ended)| ended.elapsed() < RELAPSE) {
            Some((last, _)) => {
                Alarm { since: last.since, relapses: last.relapses.saturating_add(1), lost, is_loss }
            }
            None => Alarm { since: lost, relapses: 0, lost, is_loss },
        }
    }

    /// How long work waits for the master: that one comes is likely where there was one. Where there never was, or not for long,
    /// the servers that are listed may be slaves of one that is not.
    pub(in crate::topology) fn promised_until(self, pace: Pace) -> Option<Instant> {
        let until = self.lost.checked_add(pace.patience);
        until.filter(|until| self.is_loss && Instant::now() < *until)
    }

    pub(in crate::topology) fn began(self) -> Instant {
        self.since
    }

    /// Whether somebody is lost, who was there.
    pub(in crate::topology) fn is_loss(self) -> bool {
        self.is_loss
    }

    /// How long it has lasted.
    pub(in crate::topology) fn lasted(self) -> Duration {
        self.since.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn checks_are_frequent_at_first_and_as_rare_as_ever_at_last() {
        let pace = Pace::new(&Config::default());
        let alarm = Alarm::after(None, true);
        let mut pauses = Vec::new();
        let mut checks = 0;
        while alarm.lasted() < Duration::from_secs(200) {
            let ended = Instant::now();
            let next = pace.next(ended, ended, Some(alarm));
            pauses.push(next - ended);
            tokio::time::sleep_until(next).await;
            checks += 1;
        }
        assert_eq!(pauses[0], Duration::from_millis(10));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_millis(500)), "as without an alarm");
        assert!(pauses.last() >= Some(&Duration::from_millis(499)));
        assert!(checks < 1_700, "{checks}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_relapses_goes_on() {
        let first = Alarm::after(None, true);
        tokio::time::advance(Duration::from_secs(5)).await;
        let ended = Instant::now();
        tokio::time::advance(Duration::from_millis(900)).await;
        let relapse = Alarm::after(Some((first, ended)), true);
        assert_eq!(relapse.lasted(), Duration::from_millis(5_900));
        let pace = Pace::new(&Config::default());
        let mut alarm = first;
        let mut least = Vec::new();
        for _ in 0..6 {
            least.push(pace.least(Some(alarm)).as_millis());
            alarm = Alarm::after(Some((alarm, Instant::now())), true);
        }
        assert_eq!(least, [10, 20, 40, 80, 100, 100]);
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(Alarm::after(Some((first, ended)), true).lasted(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn checks_are_never_rarer_than_without_an_alarm() {
        for alarm_interval in [5_000, u64::MAX >> 12] {
            let pace = Pace::new(&Config { alarm_interval, ..Config::default() });
            let ended = Instant::now();
            let next = pace.next(ended, ended, Some(Alarm::after(None, true)));
            assert_eq!(next - ended, Duration::from_millis(500));
            assert_eq!(pace.least(Some(Alarm::after(None, true))), Duration::from_millis(500));
            let config = Config { alarm_interval, check_interval: u64::MAX >> 12, ..Config::default() };
            let relapsed = Alarm { relapses: u32::MAX, ..Alarm::after(None, true) };
            assert_eq!(Pace::new(&config).least(Some(relapsed)), Duration::from_millis(alarm_interval));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_takes_longer_than_the_interval_is_followed_by_a_pause() {
        let pace = Pace::new(&Config { check_interval: 20, alarm_interval: 10, ..Config::default() });
        let began = Instant::now();
        tokio::time::advance(Duration::from_millis(100)).await;
        let ended = Instant::now();
        assert_eq!(
            pace.next(began, ended, Some(Alarm::after(None, true))) - ended,
            Duration::from_millis(10)
        );
    }
}
