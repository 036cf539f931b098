//! The metadata of a SUCCESS: kept as bytes, read entry by entry.

use crate::packstream::{check, decode_with, DecodeError, Dialect, Item, Limits, Reader, Value};
use bytes::Bytes;
use std::fmt;

/// The map of a SUCCESS message. It was checked when it came; an entry that cannot be represented is as good as none.
#[derive(Clone, PartialEq)]
pub struct Metadata {
    raw: Bytes,
    dialect: Dialect,
    known: Known,
}

/// Where the values of the entries lie that each SUCCESS is asked for, by [`Key`]; 0 for those that it lacks.
#[derive(Clone, Copy, PartialEq, Default)]
struct Known([u32; Key::LastOfOld as usize + 1]);

/// The place of an entry in [`Known`].
#[derive(Clone, Copy)]
enum Key {
    HasMore,
    Fields,
    Bookmark,
    Database,
    Type,
    Qid,
    First,
    FirstOfOld,
    Last,
    LastOfOld,
}

impl Key {
    fn of(key: &[u8]) -> Option<Key> {
        Some(match key {
            b"has_more" => Key::HasMore,
            b"fields" => Key::Fields,
            b"bookmark" => Key::Bookmark,
            b"db" => Key::Database,
            b"type" => Key::Type,
            b"qid" => Key::Qid,
            b"t_first" => Key::First,
            b"result_available_after" => Key::FirstOfOld,
            b"t_last" => Key::Last,
            b"result_consumed_after" => Key::LastOfOld,
            _ => return None,
        })
    }
}

impl Known {
    fn of(raw: &[u8]) -> Result<Known, DecodeError> {
        let mut known = Known::default();
        let mut reader = Reader::new(raw);
        for _ in 0..reader.map()? {
            let key = Key::of(reader.key()?);
            let place = key.and_then(|key| known.0.get_mut(key as usize)).filter(|place| **place == 0);
            if let (Some(place), Ok(at)) = (place, u32::try_from(reader.position())) {
                *place = at;
            }
            reader.skip()?;
        }
        Ok(known)
    }
}

impl Metadata {
    pub(crate) fn parse(raw: &[u8], dialect: Dialect, limits: &Limits) -> Result<Self, DecodeError> {
        Reader::new(raw).map()?;
        check(raw, &dialect, limits)?;
        Ok(Self { raw: Bytes::copy_from_slice(raw), dialect, known: Known::of(raw)? })
    }

    /// The map as it came, in PackStream: what [`Transcoder::value`](crate::columns::Transcoder::value) takes.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The value of an entry.
    pub fn get(&self, key: &str) -> Option<Value> {
        decode_with(self.find(key)?, &self.dialect, &Limits::default()).ok()
    }

    /// Its entries: each key, and the bytes of its value.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut reader = Reader::new(&self.raw);
        let n = reader.map().unwrap_or_default();
        (0..n).map_while(move |_| {
            let key = reader.key().ok()?;
            let start = reader.position();
            reader.skip().ok()?;
            Some((key, self.raw.get(start..reader.position())?))
        })
    }

    /// The bytes of an entry's value.
    fn find(&self, key: &str) -> Option<&[u8]> {
        self.entries().find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| value)
    }

    /// Reads the value of an entry.
    fn known(&self, key: Key) -> Option<Reader<'_>> {
        let place = self.known.0.get(key as usize).copied().filter(|place| *place > 0)?;
        Some(Reader::at(&self.raw, usize::try_from(place).ok()?))
    }

    fn item(&self, key: Key) -> Option<Item<'_>> {
        self.known(key)?.item().ok()
    }

    fn integer(&self, key: Key) -> Option<i64> {
        match self.item(key)? {
            Item::Integer(value) => Some(value),
            _ => None,
        }
    }

    fn string(&self, key: Key) -> Option<String> {
        self.known(key)?.string().ok().map(str::to_owned)
    }

    /// More records are there for the next PULL (Bolt 4.0).
    pub fn has_more(&self) -> bool {
        self.item(Key::HasMore) == Some(Item::Boolean(true))
    }

    /// The names of the columns: in the SUCCESS of a RUN. `None` too if they are no strings.
    pub fn fields(&self) -> Option<Vec<String>> {
        let mut reader = self.known(Key::Fields)?;
        let n = reader.list().ok()?;
        (0..n).map(|_| reader.string().ok().map(str::to_owned)).collect()
    }

    /// The bookmark of a transaction that ended.
    pub fn bookmark(&self) -> Option<String> {
        self.string(Key::Bookmark)
    }

    /// The database that the work is done in (Bolt 5.8 in RUN and BEGIN; 4.0 at the end of a result).
    pub fn database(&self) -> Option<String> {
        self.string(Key::Database)
    }

    /// Whether the server says, at the end of a result, that its query only reads.
    pub fn only_reads(&self) -> bool {
        self.item(Key::Type) == Some(Item::String(b"r"))
    }

    /// The number of the result inside of its transaction (Bolt 4.0).
    pub fn qid(&self) -> Option<i64> {
        self.integer(Key::Qid)
    }

    /// Milliseconds until the first record was there (`result_available_after` in Bolt 1 and 2).
    pub fn t_first(&self) -> Option<i64> {
        self.integer(Key::First).or_else(|| self.integer(Key::FirstOfOld))
    }

    /// Milliseconds until the last record was read (`result_consumed_after` in Bolt 1 and 2).
    pub fn t_last(&self) -> Option<i64> {
        self.integer(Key::Last).or_else(|| self.integer(Key::LastOfOld))
    }

    /// All of it that can be a value, as a [`Value::Map`].
    pub fn to_map(&self) -> Value {
        let entries = self.entries().filter_map(|(key, value)| {
            let key = std::str::from_utf8(key).ok()?;
            Some((key.to_owned(), decode_with(value, &self.dialect, &Limits::default()).ok()?))
        });
        Value::Map(entries.collect())
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Metadata").field(&self.to_map()).finish()
    }
}
