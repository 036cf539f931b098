//! A database without a writer, or without a reader that can be reached: from when the last one was lost until a table names one, all
//! routers are asked again and again.

use std::time::Duration;

use tokio::time::Instant;

use super::table::Table;
use crate::topology::alarm::{Alarm, Pace};

const LAST_WORD: Duration = Duration::from_millis(20);
const LAST_WORD_SHARE: u32 = 8;

/// Whether there is anybody for the work of one database and user, and since when there is nobody.
#[derive(Default)]
pub(super) struct Outage {
    readers: Lack,
    writers: Lack,
    /// When the last fetch of a table ended.
    fetched: Option<Instant>,
}

/// Whether there is anybody for work of one kind.
#[derive(Default)]
struct Lack {
    /// There was one: if there is none now, it is lost, and not just badly configured.
    had_one: bool,
    alarm: Option<Alarm>,
    /// The last one, and when it ended.
    last: Option<(Alarm, Instant)>,
}

impl Lack {
    fn is_seen(&mut self, has_one: bool) {
        match (has_one, self.alarm) {
            (true, Some(alarm)) => {
                self.alarm = None;
                self.last = Some((alarm, Instant::now()));
            }
            (false, None) => self.alarm = Some(Alarm::after(self.last, self.had_one)),
            _ => {}
        }
    }
}

impl Outage {
    /// A table has changed, or a new one come.
    pub(super) fn is_seen(&mut self, table: &Table) {
        self.readers.is_seen(!table.readers.is_empty());
        // That there is one is all that the cluster can tell of it. A table without readers is none.
        self.writers.had_one |= !table.writers.is_empty();
        self.writers.is_seen(!table.writers.is_empty());
    }

    /// A server was connected to for such work.
    pub(super) fn is_met(&mut self, write: bool) {
        let lack = if write { &mut self.writers } else { &mut self.readers };
        lack.had_one = true;
    }

    /// No router has sent a table.
    pub(super) fn is_unanswered(&mut self) {
        self.readers.is_seen(false);
        self.writers.is_seen(false);
    }

    /// A fetch has ended, with a table or without.
    pub(super) fn is_fetched(&mut self) {
        self.fetched = Some(Instant::now());
    }

    /// Until when somebody is likely to be named, where there is nobody.
    pub(super) fn promised_until(&self, write: bool, pace: Pace) -> Option<Instant> {
        let lack = if write { &self.writers } else { &self.readers };
        lack.alarm.and_then(|alarm| alarm.promised_until(pace))
    }

    /// Whether readers are lost, and this is no table from before that.
    pub(super) fn lacks_readers_since(&self, fetched: Instant) -> bool {
        self.readers.alarm.is_some_and(|alarm| alarm.is_loss() && alarm.began() <= fetched)
    }

    /// Whether a table that names no writer is not what is waited for.
    pub(super) fn lacks_writer(&self) -> bool {
        self.writers.alarm.is_some()
    }

    /// How long those are waited for that have not answered where others know no writer, the longer the outage: one that is far away
    /// needs its time, and one that hangs is not to make the outage longer by more than that share.
    pub(super) fn last_word(&self) -> Duration {
        self.writers.alarm.map_or(LAST_WORD, |alarm| LAST_WORD.max(alarm.lasted() / LAST_WORD_SHARE))
    }

    /// When the next table is fetched; `None` if there is no hurry to be held back.
    pub(super) fn next_fetch(&self, pace: Pace) -> Option<Instant> {
        // The younger, the more often.
        let alarms = [self.readers.alarm, self.writers.alarm];
        let alarm = alarms.into_iter().flatten().min_by_key(|alarm| alarm.lasted())?;
        let fetched = self.fetched.unwrap_or_else(Instant::now);
        Some(pace.next(fetched, fetched, Some(alarm)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[tokio::test(start_paused = true)]
    async fn the_longer_there_is_no_writer_the_longer_those_that_are_slow_are_waited_for() {
        let mut outage = Outage::default();
        outage.is_met(true);
        outage.writers.is_seen(false);
        assert_eq!(outage.last_word(), LAST_WORD);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(outage.last_word(), Duration::from_millis(500));
        outage.writers.is_seen(true);
        assert_eq!(outage.last_word(), LAST_WORD);
    }

    #[tokio::test(start_paused = true)]
    async fn readers_and_writers_are_missed_each_for_itself_and_only_where_there_were_some() {
        let pace = Pace::new(&Config::default());
        let promised =
            |outage: &Outage| [false, true].map(|write| outage.promised_until(write, pace).is_some());
        let mut outage = Outage::default();
        outage.is_unanswered();
        assert_eq!(promised(&outage), [false, false], "nobody was ever known");
        let mut outage = Outage::default();
        outage.is_met(false);
        outage.is_unanswered();
        assert_eq!(promised(&outage), [true, false]);
        outage.readers.is_seen(true);
        assert_eq!(promised(&outage), [false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn fetches_that_fail_are_as_far_apart_as_others() {
        let pace = Pace::new(&Config::default());
        let mut outage = Outage::default();
        outage.readers.is_seen(true);
        assert_eq!(outage.next_fetch(pace), None, "there is no hurry");
        outage.is_unanswered();
        outage.is_fetched();
        tokio::time::advance(Duration::from_millis(4)).await;
        assert_eq!(outage.next_fetch(pace).unwrap() - Instant::now(), Duration::from_millis(6));
    }
}
