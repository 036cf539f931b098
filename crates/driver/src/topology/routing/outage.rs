//! A database without a writer: from when the last one was lost until a table names one, all routers are asked again and again.

use tokio::time::Instant;

use crate::topology::alarm::{Alarm, Pace};

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

    /// When the next table is fetched after one that came at this time; `None` if there is no hurry to be held back.
    pub(super) fn next_fetch(&self, pace: Pace, last: Instant) -> Option<Instant> {
        self.alarm.map(|alarm| pace.next(last, last, Some(alarm)))
    }
}
