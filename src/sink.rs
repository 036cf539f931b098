//! A result as messages. Small batches travel inside their message; large ones wait here until JavaScript takes them
//! into memory of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use bolt::columns::Batch;
use bolt::Version;
use driver::{Error, Flow, Head, Sink, Summary};
use parking_lot::Mutex;

use crate::failure;
use crate::format::{facts, words};
use crate::inbox::{put_words, word, Inbox, Message};

/// Batches up to this size are copied through the inbox.
const INLINE: usize = 16 * 1024;
/// Bytes before the text or batch in the payload of KEYS and SUMMARY.
const PREFIX: usize = 4 * words::PREFIX;

/// A result of one operation, between the engine and JavaScript.
pub(crate) struct JsSink {
    pub(crate) op: i32,
    inbox: Arc<Inbox>,
    flow: Arc<Flow>,
    way: Mutex<Way>,
}

/// How far it is on its way.
#[derive(Default)]
struct Way {
    /// Large batches that were announced and not taken.
    batches: VecDeque<Batch>,
    /// How often the result began anew.
    restarts: u32,
    /// A record has reached the application.
    delivered: bool,
    /// Nobody takes what comes.
    left: bool,
    finished: bool,
}

impl JsSink {
    pub(crate) fn new(op: i32, inbox: Arc<Inbox>, flow: Arc<Flow>) -> Self {
        JsSink { op, inbox, flow, way: Mutex::default() }
    }

    /// Whether JavaScript has nothing more to ask of it.
    pub(crate) fn is_over(&self) -> bool {
        let way = self.way.lock();
        way.finished && way.batches.is_empty()
    }

    /// So many batches more may come; gathered, if nobody looks at a record before the end.
    pub(crate) fn more(&self, batches: usize, gathers: bool) {
        self.flow.more(batches, gathers);
    }

    /// Takes the oldest large batch.
    pub(crate) fn take(&self) -> Option<Batch> {
        self.way.lock().batches.pop_front()
    }

    /// Records are about to reach the application, from the result as it was after so many restarts. False if it has
    /// begun anew since: they must not.
    pub(crate) fn deliver(&self, restarts: u32) -> bool {
        let mut way = self.way.lock();
        way.delivered = way.restarts == restarts;
        way.delivered
    }

    /// The rest is not wanted; if `keeps`, what has come is, in case that it is all.
    pub(crate) fn cancel(&self, keeps: bool) {
        self.flow.cancel();
        if !keeps {
            let mut way = self.way.lock();
            way.left = true;
            way.batches.clear();
        }
    }

    fn finish(&self) {
        self.way.lock().finished = true;
    }
}

impl Sink for JsSink {
    fn keys(&self, head: &Head) {
        let text = serde_json::to_string(&head.keys).unwrap_or_default();
        let available = milliseconds(head.available_after);
        self.inbox.push(Message::Keys, self.op, head.keys.len(), PREFIX + text.len(), |payload| {
            let (prefix, rest) = payload.split_at_mut(PREFIX);
            put_words(prefix, [word(head.server), version_word(head.version), available, word(text.len())]);
            rest.copy_from_slice(text.as_bytes());
        });
    }

    fn batch(&self, batch: Batch) {
        let length = batch.byte_len();
        if length <= INLINE {
            self.inbox.push(Message::Batch, self.op, batch.rows, length, |payload| batch.write(payload));
        } else {
            let mut way = self.way.lock();
            if way.left {
                return;
            }
            way.batches.push_back(batch);
            drop(way);
            self.inbox.push(Message::Ready, self.op, length, 0, |_| {});
        }
    }

    fn restart(&self) -> bool {
        let mut way = self.way.lock();
        if way.delivered {
            return false;
        }
        way.restarts += 1;
        way.batches.clear();
        self.inbox.push(Message::Restart, self.op, 0, 0, |_| {});
        true
    }

    fn summary(&self, summary: Summary) {
        self.finish();
        let length = summary.metadata.byte_len();
        // The address as well: servers that a routing table named are not known to JavaScript by number.
        let whom = [&summary.agent, "\n", &summary.server.address];
        let text_length = whom.iter().map(|part| part.len()).sum();
        self.inbox.push(Message::Summary, self.op, length, PREFIX + length + text_length, |payload| {
            let (prefix, rest) = payload.split_at_mut(PREFIX);
            let (batch, mut text) = rest.split_at_mut(length);
            let facts = (i32::from(summary.has_records) * facts::HAS_RECORDS)
                | (i32::from(summary.is_partial) * facts::IS_PARTIAL)
                | (i32::from(summary.has_keys) * facts::HAS_KEYS);
            let consumed = milliseconds(summary.consumed_after);
            let how = facts | version_word(summary.version);
            put_words(prefix, [word(summary.server.index), consumed, how, word(text_length)]);
            summary.metadata.write(batch);
            for part in whom {
                let (place, rest) = text.split_at_mut(part.len());
                place.copy_from_slice(part.as_bytes());
                text = rest;
            }
        });
    }

    fn failure(&self, error: Error) {
        self.finish();
        let text = failure::to_json(&error);
        self.inbox
            .push(Message::Failure, self.op, text.len(), text.len(), |p| p.copy_from_slice(text.as_bytes()));
    }

    fn flush(&self) {
        self.inbox.wake();
    }
}

/// What the server said of a time; -1 where it said nothing.
fn milliseconds(told: Option<i64>) -> i32 {
    told.map_or(-1, |ms| i32::try_from(ms).unwrap_or(i32::MAX))
}

fn version_word(version: Version) -> i32 {
    i32::from(version.major) << 8 | i32::from(version.minor)
}
