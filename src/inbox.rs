//! What waits for JavaScript: messages in one buffer, and one pending wake however many they are.
//!
//! A message is a header of four 32-bit words (length of the whole in bytes, kind, operation, argument; little
//! endian, as every platform with prebuilt binaries is) and a payload; its length is a multiple of 8.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use napi::Env;
use parking_lot::Mutex;

use crate::format::words;
use crate::wake::Wake;

const HEADER: usize = 4 * words::HEADER;

/// The kinds of messages.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
pub(crate) enum Message {
    /// Field names of a result; argument: how many. Payload: server index, version (major << 8 | minor), milliseconds until the
    /// first record was there (-1: not told), length of a JSON array, then that.
    Keys = 1,
    /// A batch of rows; argument: how many.
    Batch = 2,
    /// A large batch waits to be taken; argument: its length in bytes.
    Ready = 3,
    /// The result begins anew, on another connection: what came of it so far must be forgotten.
    Restart = 4,
    /// The end of a result; argument: length of its batch. Payload: server index, milliseconds until the last record was
    /// read (-1: not told), version and facts about the result, length of the text; then a batch with one value,
    /// the metadata without that time, in whatever words, and the bookmark; then as text the server's agent, a line feed, and its address.
    /// Results that ended alike are equal from their version on.
    Summary = 5,
    /// The end of a command that failed; argument: length of the JSON object.
    Failure = 6,
    /// The end of a command; argument: length of the JSON value, 0 for none.
    Done = 7,
    /// What is known of the servers changed; operation: the driver's id, argument: length of the JSON object.
    Topology = 8,
    /// Lines for the log; operation: the driver's id, argument: length of the JSON array.
    Log = 9,
    /// A function of the application is asked; operation: number of the question, argument: length of the JSON object.
    Ask = 10,
    /// Work of a session with a bookmark manager was committed; operation: the driver's id, argument: length of the JSON object.
    Committed = 11,
}

/// What is made into a message when it is drained, so that however often it changes, only its last state waits.
pub(crate) trait Latest: Send + Sync {
    fn message(&self) -> Option<(Message, i32, String)>;
}

#[derive(Default)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    signalled: AtomicBool,
    /// None while nobody listens.
    wake: Mutex<Option<Wake>>,
}

#[derive(Default)]
struct Queue {
    messages: Buffer,
    latest: Vec<Arc<dyn Latest>>,
    /// Messages made of `latest`. They go first: what was said later may rely on them.
    made: Buffer,
}

/// Whole messages, one behind the other.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    /// Where the first message that was not drained begins.
    start: usize,
}

impl Inbox {
    /// Somebody drains it from now on, and is woken if something waits already.
    pub(crate) fn listen(&self, wake: Wake) {
        *self.wake.lock() = Some(wake);
        self.signalled.store(false, Ordering::Release);
        self.wake();
    }

    /// Nobody does any more: lets JavaScript's function go.
    pub(crate) fn rest(&self) {
        let wake = self.wake.lock().take();
        drop(wake);
    }

    /// Whether the process stays alive for what comes. To be called on JavaScript's thread.
    pub(crate) fn keep_alive(&self, env: Env, is_needed: bool) {
        if let Some(wake) = self.wake.lock().as_ref() {
            wake.keep_alive(env, is_needed);
        }
    }

    /// Appends a message whose payload of `length` bytes is written by `fill`. JavaScript is not woken yet.
    pub(crate) fn push(
        &self,
        kind: Message,
        op: i32,
        argument: usize,
        length: usize,
        fill: impl FnOnce(&mut [u8]),
    ) {
        self.queue.lock().messages.push(kind, op, argument, length, fill);
    }

    /// Appends a message whose payload is text, and wakes JavaScript.
    pub(crate) fn push_text(&self, kind: Message, op: i32, text: &str) {
        self.push(kind, op, text.len(), text.len(), |payload| payload.copy_from_slice(text.as_bytes()));
        self.wake();
    }

    /// Makes a message of this when the inbox is drained next, and wakes JavaScript. Once for each drain is enough.
    pub(crate) fn push_latest(&self, latest: Arc<dyn Latest>) {
        self.queue.lock().latest.push(latest);
        self.wake();
    }

    /// Makes JavaScript drain the inbox soon, unless it is about to, or there is nothing.
    pub(crate) fn wake(&self) {
        if self.queue.lock().is_empty() {
            return;
        }
        if !self.signalled.swap(true, Ordering::AcqRel) {
            if let Some(wake) = self.wake.lock().as_ref() {
                wake.call();
            }
        }
    }

    /// Moves as many whole messages as fit to `out`. Returns their bytes; 0 if there are none; the negative length
    /// of the first message if not even that fits.
    pub(crate) fn drain(&self, out: &mut [u8]) -> i32 {
        self.signalled.store(false, Ordering::Release);
        let mut guard = self.queue.lock();
        let queue = &mut *guard;
        for latest in std::mem::take(&mut queue.latest) {
            let Some((kind, op, text)) = latest.message() else { continue };
            queue
                .made
                .push(kind, op, text.len(), text.len(), |payload| payload.copy_from_slice(text.as_bytes()));
        }
        let mut drained = 0;
        for buffer in [&mut queue.made, &mut queue.messages] {
            drained += buffer.drain(out.get_mut(drained..).unwrap_or_default());
            if let Some(next) = buffer.next_length() {
                return if drained == 0 { -word(next) } else { word(drained) };
            }
        }
        word(drained)
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.latest.is_empty() && self.made.bytes.is_empty() && self.messages.bytes.is_empty()
    }
}

impl Buffer {
    fn push(&mut self, kind: Message, op: i32, argument: usize, length: usize, fill: impl FnOnce(&mut [u8])) {
        let whole = (HEADER + length).next_multiple_of(8);
        let at = self.bytes.len();
        self.bytes.resize(at + whole, 0);
        let Some(message) = self.bytes.get_mut(at..) else { return };
        let (header, payload) = message.split_at_mut(HEADER);
        put_words(header, [word(whole), kind as i32, op, word(argument)]);
        if let Some(payload) = payload.get_mut(..length) {
            fill(payload);
        }
    }

    /// The length of the first message.
    fn next_length(&self) -> Option<usize> {
        self.bytes.get(self.start..).and_then(first_word)
    }

    /// Moves as many whole messages as fit.
    fn drain(&mut self, out: &mut [u8]) -> usize {
        let waiting = self.bytes.get(self.start..).unwrap_or_default();
        let mut fits = 0;
        while let Some(length) = waiting.get(fits..).and_then(first_word) {
            if fits + length > out.len() {
                break;
            }
            fits += length;
        }
        if let (Some(to), Some(from)) = (out.get_mut(..fits), waiting.get(..fits)) {
            to.copy_from_slice(from);
        }
        self.start += fits;
        if self.start == self.bytes.len() {
            self.start = 0;
            self.bytes.clear();
            self.bytes.shrink_to(KEEP);
        } else if self.start >= KEEP && self.start >= self.bytes.len() / 2 {
            // A reader that never comes to the end is not to make it grow for ever.
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        fits
    }
}

/// Memory the inbox keeps while it is empty.
const KEEP: usize = 256 * 1024;

/// Writes words to the beginning of a payload.
pub(crate) fn put_words<const N: usize>(payload: &mut [u8], words: [i32; N]) {
    for (slot, word) in payload.chunks_exact_mut(4).zip(words) {
        slot.copy_from_slice(&word.to_le_bytes());
    }
}

fn first_word(bytes: &[u8]) -> Option<usize> {
    let word = bytes.first_chunk::<4>()?;
    usize::try_from(i32::from_le_bytes(*word)).ok()
}

/// Lengths here are bounded by the limit of a message, far below 2^31.
pub(crate) fn word(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
