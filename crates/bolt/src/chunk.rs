//! Messages as chunks: a length of two bytes before each chunk, and a chunk of length zero after a message. A zero
//! chunk outside of a message is a NOOP, by which a server shows that it is alive.

use crate::packstream::Limits;
use std::collections::VecDeque;

const MAX_CHUNK: usize = 0xFFFF;
/// What an empty buffer may keep for what comes next.
const KEPT: usize = 256 << 10;
/// What it may keep while nothing is asked for: there may be thousands of such connections.
const KEPT_IDLE: usize = 8 << 10;

/// Appends one message to the output in chunks. The message is written in place and only moved if it is too long for
/// one chunk. If `write` fails, nothing is appended.
pub(crate) fn write<E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = out.len();
    out.extend_from_slice(&[0, 0]);
    let body = out.len();
    if let Err(error) = write(out) {
        out.truncate(start);
        return Err(error);
    }
    let message = if out.len() - body > MAX_CHUNK { out.split_off(body + MAX_CHUNK) } else { Vec::new() };
    let first = (out.len() - body) as u16; // at most MAX_CHUNK
    if let Some(head) = out.get_mut(start..body) {
        head.copy_from_slice(&first.to_be_bytes());
    }
    for chunk in message.chunks(MAX_CHUNK) {
        out.extend_from_slice(&(chunk.len() as u16).to_be_bytes());
        out.extend_from_slice(chunk);
    }
    out.extend_from_slice(&[0, 0]);
    Ok(())
}

/// A message would be longer than the limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooLong {
    /// The limit of the first messages.
    First,
    /// The limit of all others.
    Message,
}

/// Takes bytes in any split and puts messages together, one behind the other in one buffer.
#[derive(Debug)]
pub(crate) struct Dechunker {
    limit: usize,
    /// How many messages are still to come that may be no longer than [`Limits::BEFORE_LOGIN`].
    first: usize,
    /// Payloads of messages: those not taken yet, then the beginning of the next one.
    buffer: Vec<u8>,
    /// Where the first message not taken begins.
    taken: usize,
    /// Where each whole message ends.
    ends: VecDeque<usize>,
    /// Bytes that the current chunk still lacks.
    chunk: usize,
    /// The first byte of a length whose second has not come.
    half: Option<u8>,
}

impl Dechunker {
    /// The first so many messages are those before somebody is logged in.
    pub(crate) fn new(limits: &Limits, first: usize) -> Self {
        Self {
            limit: limits.message,
            first,
            buffer: Vec::new(),
            taken: 0,
            ends: VecDeque::new(),
            chunk: 0,
            half: None,
        }
    }

    /// Where the message that is being put together begins.
    fn open(&self) -> usize {
        self.ends.back().copied().unwrap_or(self.taken)
    }

    /// Whether the bytes so far end within a message, or within a length.
    pub(crate) fn is_amid_message(&self) -> bool {
        self.half.is_some() || self.buffer.len() > self.open() || self.chunk > 0
    }

    /// Takes bytes. Whole messages that came before one that is too long can still be read.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        self.compact();
        self.buffer.reserve(bytes.len());
        while !bytes.is_empty() {
            if self.chunk > 0 {
                let (now, later) = bytes.split_at(self.chunk.min(bytes.len()));
                self.buffer.extend_from_slice(now);
                self.chunk -= now.len();
                bytes = later;
                continue;
            }
            let Some((first, rest)) = bytes.split_first() else { break };
            bytes = rest;
            let Some(high) = self.half.take() else {
                self.half = Some(*first);
                continue;
            };
            let length = usize::from(u16::from_be_bytes([high, *first]));
            let open = self.buffer.len() - self.open();
            if length > 0 {
                if open + length > self.limit {
                    return Err(TooLong::Message);
                }
                if self.first > 0 && open + length > Limits::BEFORE_LOGIN {
                    return Err(TooLong::First);
                }
                self.chunk = length;
            } else if open > 0 {
                self.ends.push_back(self.buffer.len());
                self.first = self.first.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Nothing is asked for: gives back the memory that a large result needed.
    pub(crate) fn make_idle(&mut self) {
        self.compact();
        self.buffer.shrink_to(KEPT_IDLE);
        self.ends.shrink_to(KEPT_IDLE / size_of::<usize>());
    }

    /// Drops what was taken, so that the buffer holds at most what is not yet read. Moves bytes only when most of
    /// them were taken, so that a long message that comes in many pieces is not moved with each.
    fn compact(&mut self) {
        if self.taken == self.buffer.len() && self.ends.is_empty() {
            self.buffer.clear();
            self.buffer.shrink_to(KEPT);
            self.taken = 0;
        } else if self.taken > self.buffer.len() / 2 {
            self.buffer.drain(..self.taken);
            for end in &mut self.ends {
                *end -= self.taken;
            }
            self.taken = 0;
        }
    }

    /// The message at this place in the queue.
    pub(crate) fn message(&self, index: usize) -> Option<&[u8]> {
        let start = match index.checked_sub(1) {
            None => self.taken,
            Some(before) => *self.ends.get(before)?,
        };
        self.buffer.get(start..*self.ends.get(index)?)
    }

    /// The first messages as they lie, one behind the other.
    pub(crate) fn first(&self, count: usize) -> &[u8] {
        let end = count.checked_sub(1).and_then(|last| self.ends.get(last).copied()).unwrap_or(self.taken);
        debug_assert!(end <= self.buffer.len(), "a message ends behind what came");
        self.buffer.get(self.taken..end).unwrap_or_default()
    }

    /// Drops the first messages.
    pub(crate) fn drop_first(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(end) = self.ends.pop_front() {
                self.taken = end;
            }
        }
    }

    /// The first messages, owned. Where they are most of what there is, the buffer itself is handed out, and the rest is moved.
    pub(crate) fn take_first(&mut self, count: usize) -> Vec<u8> {
        let end = self.taken + self.first(count).len();
        if self.taken > 0 || self.buffer.len() - end > end {
            let bytes = self.first(count).to_vec();
            self.drop_first(count);
            return bytes;
        }
        self.ends.drain(..count.min(self.ends.len()));
        for later in &mut self.ends {
            *later -= end;
        }
        let rest = self.buffer.split_off(end);
        std::mem::replace(&mut self.buffer, rest)
    }
}
