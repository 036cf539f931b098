//! The strings of a result that come again and again: map keys, labels, types, and short values.

use super::interner::Interner;
use crate::packstream::{text, DecodeError};

/// Strings that a result's dictionary takes. A node that is begun may take its labels and keys beyond it.
const MAX_STRINGS: usize = 65_536;
/// Bytes after which it takes no more.
const MAX_BYTES: usize = 4 << 20;
/// Values among its strings.
const MAX_VALUES: usize = 8_192;
/// Bytes of a value that may be taken.
const MAX_VALUE: usize = 32;
/// Values that pass before any is looked at: a small result is done sooner without.
const WARM_UP: u32 = 32;
/// Places of the filter of values seen once. A power of two.
const FILTER: usize = 1024;

/// The dictionary of one result.
#[derive(Debug)]
pub(super) struct Dictionary {
    strings: Interner<u8>,
    /// How many were told to the reader.
    told: usize,
    values: usize,
    passed: u32,
    /// Of each place the value seen last: 32 bits of its hash, and its id + 1 in the low half, or 0.
    filter: Vec<u64>,
}

impl Dictionary {
    pub(super) fn new() -> Self {
        Self { strings: Interner::new(), told: 0, values: 0, passed: 0, filter: Vec::new() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.strings.len() >= MAX_STRINGS || self.strings.items() >= MAX_BYTES
    }

    /// The id of a string that is there.
    #[inline]
    pub(super) fn find(&mut self, string: &[u8]) -> Option<u32> {
        self.strings.find(quick(string), string)
    }

    /// The id of a string, added if need be; `None` if the dictionary is full. What is in it is UTF-8.
    #[inline]
    pub(super) fn intern(&mut self, string: &[u8]) -> Result<Option<u32>, DecodeError> {
        match self.find(string) {
            None if self.is_full() => Ok(None),
            None => self.add(string).map(Some),
            found => Ok(found),
        }
    }

    /// The same, but never full.
    #[inline]
    pub(super) fn intern_always(&mut self, string: &[u8]) -> Result<u32, DecodeError> {
        match self.find(string) {
            None => self.add(string),
            Some(id) => Ok(id),
        }
    }

    fn add(&mut self, string: &[u8]) -> Result<u32, DecodeError> {
        text(string)?;
        Ok(self.strings.insert(quick(string), string))
    }

    /// The id of a value that was seen before.
    #[inline]
    pub(super) fn value(&mut self, string: &[u8]) -> Result<Option<u32>, DecodeError> {
        if string.len() > MAX_VALUE || string.is_empty() {
            return Ok(None);
        }
        if self.passed < WARM_UP {
            self.passed += 1;
            return Ok(None);
        }
        self.seen(string)
    }

    fn seen(&mut self, string: &[u8]) -> Result<Option<u32>, DecodeError> {
        if self.filter.is_empty() {
            self.filter.resize(FILTER, 0);
        }
        let hash = quick(string);
        let at = (hash >> 54) as usize; // ten bits
        let mark = (hash & 0xFFFF_FFFF) << 32 | 1 << 63;
        let place = self.filter.get(at).copied().unwrap_or_default();
        let id = place as u32;
        if place & !0xFFFF_FFFF != mark {
            self.note(at, mark);
            return Ok(None);
        }
        if id != 0 {
            return Ok((self.strings.get(id - 1) == string).then_some(id - 1));
        }
        if self.values >= MAX_VALUES || self.is_full() {
            return Ok(None);
        }
        let id = self.intern_always(string)?;
        self.values += 1;
        self.note(at, mark | u64::from(id + 1));
        Ok(Some(id))
    }

    fn note(&mut self, at: usize, place: u64) {
        if let Some(slot) = self.filter.get_mut(at) {
            *slot = place;
        }
    }

    /// Strings that the reader does not know yet.
    pub(super) fn news(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.strings.from(self.told)
    }

    pub(super) fn all_told(&mut self) {
        self.told = self.strings.len();
    }
}

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// A hash of the length and up to 32 bytes, both ends and what is next to them.
#[inline]
fn quick(string: &[u8]) -> u64 {
    let (first, last) = match (string.first_chunk::<8>(), string.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (string.first_chunk::<4>(), string.last_chunk::<4>()) {
            (Some(first), Some(last)) => {
                (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)))
            }
            _ => match string {
                [] => (0, 0),
                [only] => (u64::from(*only), 0),
                [first, .., last] => {
                    let middle = string.get(1).copied().unwrap_or_default();
                    (u64::from(*first), u64::from(*last) | u64::from(middle) << 8)
                }
            },
        },
    };
    let mut hash = mix(first ^ string.len() as u64, last);
    if string.len() > 16 {
        let inner = string.get(8..string.len() - 8).unwrap_or_default();
        if let (Some(first), Some(last)) = (inner.first_chunk::<8>(), inner.last_chunk::<8>()) {
            hash = mix(hash ^ u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        } else if let Some(first) = string.get(8..16).and_then(|s| s.first_chunk::<8>()) {
            hash = mix(hash, u64::from_le_bytes(*first));
        }
    }
    hash
}

#[inline]
fn mix(a: u64, b: u64) -> u64 {
    let hash = (a ^ b.rotate_left(29)).wrapping_mul(MULTIPLIER);
    (hash ^ hash >> 32).wrapping_mul(MULTIPLIER)
}
