//! A result as messages. Small batches travel inside their message; large ones wait here until JavaScript takes them
//! into memory of its own.

use std::collections::{HashMap, VecDeque};
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

/// The results of one session that are under way, by operation.
pub(crate) type Results = Arc<Mutex<HashMap<i32, OpenResult>>>;

pub(crate) struct OpenResult {
    pub(crate) flow: Arc<Flow>,
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

impl OpenResult {
    pub(crate) fn new(flow: Arc<Flow>) -> Self {
        OpenResult {
            flow,
            batches: VecDeque::new(),
            restarts: 0,
            delivered: false,
            left: false,
            finished: false,
        }
    }
}

/// Takes the oldest large batch of a result.
pub(crate) fn take(results: &Results, op: i32) -> Option<Batch> {
    let mut results = results.lock();
    let result = results.get_mut(&op)?;
    let batch = result.batches.pop_front();
    if result.finished && result.batches.is_empty() {
        results.remove(&op);
    }
    batch
}

/// Records are about to reach the application, from the result as it was after so many restarts. False if it has
/// begun anew since: they must not.
pub(crate) fn deliver(results: &Results, op: i32, restarts: u32) -> bool {
    match results.lock().get_mut(&op) {
        Some(result) if result.restarts == restarts => {
            result.delivered = true;
            true
        }
        Some(_) => false,
        // It has ended: nothing can begin anew.
        None => true,
    }
}

/// The rest of a result is not wanted; if `keeps`, what has come is, in case that it is all.
pub(crate) fn cancel(results: &Results, op: i32, keeps: bool) {
    let mut results = results.lock();
    if let Some(result) = results.get_mut(&op) {
        result.flow.cancel();
        if keeps {
            return;
        }
        result.left = true;
        result.batches.clear();
        if result.finished {
            results.remove(&op);
        }
    }
}

pub(crate) struct JsSink {
    pub(crate) op: i32,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) results: Results,
}

impl JsSink {
    fn finish(&self) {
        let mut results = self.results.lock();
        if let Some(result) = results.get_mut(&self.op) {
            result.finished = true;
            if result.batches.is_empty() {
                results.remove(&self.op);
            }
        }
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
            match self.results.lock().get_mut(&self.op) {
                Some(result) if !result.left => result.batches.push_back(batch),
                _ => return,
            }
            self.inbox.push(Message::Ready, self.op, length, 0, |_| {});
        }
    }

    fn restart(&self) -> bool {
        let mut results = self.results.lock();
        let Some(result) = results.get_mut(&self.op) else { return false };
        if result.delivered {
            return false;
        }
        result.restarts += 1;
        result.batches.clear();
        self.inbox.push(Message::Restart, self.op, 0, 0, |_| {});
        true
    }

    fn summary(&self, summary: Summary) {
        self.finish();
        let length = summary.metadata.byte_len();
        // The address as well: servers that a routing table named are not known to JavaScript by number.
        let whom = format!("{}\n{}", summary.agent, summary.server.address);
        self.inbox.push(Message::Summary, self.op, length, PREFIX + length + whom.len(), |payload| {
            let (prefix, rest) = payload.split_at_mut(PREFIX);
            let (batch, text) = rest.split_at_mut(length);
            let facts = (i32::from(summary.has_records) * facts::HAS_RECORDS)
                | (i32::from(summary.is_partial) * facts::IS_PARTIAL)
                | (i32::from(summary.has_keys) * facts::HAS_KEYS);
            let consumed = milliseconds(summary.consumed_after);
            let how = facts | version_word(summary.version);
            put_words(prefix, [word(summary.server.index), consumed, how, word(whom.len())]);
            summary.metadata.write(batch);
            text.copy_from_slice(whom.as_bytes());
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
