//! A database without a writer: from when the last one was lost until a table names one, all routers are asked again and again.

use std::time::Duration;

use tokio::time::Instant;

use crate::topology::alarm::{Alarm, Pace};

const LAST_WORD: Duration = Duration::from_millis(20);
const LAST_WORD_SHARE: u32 = 8;

/// Whether there is a writer for one database and user, and since when there is none.
#[derive(Default)]
pub(super) struct Outage {
    had_writer: bool,
    alarm: Option<Alarm>,
    /// The last one, and when it ended.
    last: Option<(Alarm, Instant)>,
}

impl Outage {
    /// A table has changed, or a new one come.
    pub(super) fn is_seen(&mut self, has_writer: bool) {
        self.had_writer |= has_writer;
        match (has_writer, self.alarm) {
            (true, Some(alarm)) => {
                self.alarm = None;
                self.last = Some((alarm, Instant::now()));
            }
            (false, None) => self.alarm = Some(Alarm::after(self.last, self.had_writer)),
            _ => {}
        }
    }

    /// Until when a writer is likely to be named, where there is none.
    pub(super) fn promised_until(&self, pace: Pace) -> Option<Instant> {
        self.alarm.and_then(|alarm| alarm.promised_until(pace))
    }

    /// How long those are waited for that have not answered where others know no writer, the longer the outage: one that is far away
    /// needs its time, and one that hangs is not to make the outage longer by more than that share.
    pub(super) fn last_word(&self) -> Duration {
        self.alarm.map_or(LAST_WORD, |alarm| LAST_WORD.max(alarm.lasted() / LAST_WORD_SHARE))
    }

    /// When the next table is fetched after one that came at this time; `None` if there is no hurry to be held back.
    pub(super) fn next_fetch(&self, pace: Pace, last: Instant) -> Option<Instant> {
        self.alarm.map(|alarm| pace.next(last, last, Some(alarm)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_longer_there_is_no_writer_the_longer_those_that_are_slow_are_waited_for() {
        let mut outage = Outage::default();
        outage.is_seen(true);
        outage.is_seen(false);
        assert_eq!(outage.last_word(), LAST_WORD);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(outage.last_word(), Duration::from_millis(500));
        outage.is_seen(true);
        assert_eq!(outage.last_word(), LAST_WORD);
    }
}
