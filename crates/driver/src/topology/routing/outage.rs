//! A database without a writer, or without a reader that can be reached: from when the last one was lost until a table names one, all
//! routers are asked again and again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::table::Table;
use crate::topology::alarm::{Alarm, Pace};

const LAST_WORD: Duration = Duration::from_millis(20);
const LAST_WORD_SHARE: u32 = 8;
/// How long readers that were lost are tried, where a writer would do, at least, and the share of the outage beyond that: one that is just
/// starting takes connections, and does not answer; one that is far away needs its time.
const READERS_TRIED: Duration = Duration::from_millis(250);
const READERS_TRIED_SHARE: u32 = 32;

/// Whether there is anybody for the work of one database and user, and since when there is nobody.
#[derive(Default)]
pub(super) struct Outage {
    readers: Lack,
    writers: Lack,
    /// When the last fetch of a table ended.
    fetched: Option<Instant>,
    /// Held by whoever tries the readers of a new table for all who wait for one that is there.
    turn: Arc<Mutex<()>>,
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
    fn is_there(&mut self) {
        self.had_one = true;
        if let Some(alarm) = self.alarm.take() {
            self.last = Some((alarm, Instant::now()));
        }
    }

    fn is_missed(&mut self) {
        self.alarm.get_or_insert_with(|| Alarm::after(self.last, self.had_one));
    }
}

impl Outage {
    /// A table has changed, or a new one come.
    pub(super) fn is_seen(&mut self, table: &Table) {
        match table.writers.is_empty() {
            true => self.writers.is_missed(),
            false => self.writers.is_there(),
        }
        // Every table names readers, also those that are away: that one is there says only a connection to it.
        if table.readers.is_empty() {
            self.readers.is_missed();
        }
    }

    /// A reader was connected to.
    pub(super) fn has_reader(&mut self) {
        self.readers.is_there();
    }

    /// No router can be reached.
    pub(super) fn is_unanswered(&mut self) {
        self.readers.is_missed();
        self.writers.is_missed();
    }

    /// A fetch has ended, with a table or without.
    pub(super) fn is_fetched(&mut self) {
        self.fetched = Some(Instant::now());
    }

    fn lack(&self, write: bool) -> &Lack {
        if write {
            &self.writers
        } else {
            &self.readers
        }
    }

    /// Until when somebody is likely to be named, where there is nobody.
    pub(super) fn promised_until(&self, write: bool, pace: Pace) -> Option<Instant> {
        self.lack(write).alarm.and_then(|alarm| alarm.promised_until(pace))
    }

    /// To be taken by whoever tries readers that are lost: the others see by that whether they are there.
    pub(super) fn turn(&self) -> Option<Arc<Mutex<()>>> {
        self.readers.alarm.filter(|alarm| alarm.is_loss()).map(|_| self.turn.clone())
    }

    /// Whether there was somebody at some time.
    pub(super) fn had_one(&self, write: bool) -> bool {
        self.lack(write).had_one
    }

    /// Whether readers are lost, and this is no table from before that.
    pub(super) fn lacks_readers_since(&self, fetched: Instant) -> bool {
        self.readers.alarm.is_some_and(|alarm| alarm.is_loss() && alarm.began() <= fetched)
    }

    /// How long readers are tried that a table of this time names, where there is a writer; `None` if they are not lost.
    pub(super) fn tries_readers_for(&self, fetched: Instant) -> Option<Duration> {
        let alarm = self.readers.alarm.filter(|_| self.lacks_readers_since(fetched))?;
        Some(READERS_TRIED.max(alarm.lasted() / READERS_TRIED_SHARE))
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
        outage.writers.is_there();
        outage.writers.is_missed();
        assert_eq!(outage.last_word(), LAST_WORD);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(outage.last_word(), Duration::from_millis(500));
        outage.writers.is_there();
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
        outage.has_reader();
        outage.is_unanswered();
        assert_eq!(promised(&outage), [true, false]);
        outage.has_reader();
        assert_eq!(promised(&outage), [false, false]);
    }

    #[tokio::test(start_paused = true)]
    async fn fetches_that_fail_are_as_far_apart_as_others() {
        let pace = Pace::new(&Config::default());
        let mut outage = Outage::default();
        outage.has_reader();
        assert_eq!(outage.next_fetch(pace), None, "there is no hurry");
        outage.is_unanswered();
        outage.is_fetched();
        tokio::time::advance(Duration::from_millis(4)).await;
        assert_eq!(outage.next_fetch(pace).unwrap() - Instant::now(), Duration::from_millis(6));
    }
}
