//! Values that are mixed or nested, as tagged words.

use super::batch::{word, Sections};
use super::dictionary::Dictionary;
use super::format::{code, tag};
use super::shapes::Shapes;
use crate::packstream::{
    marker, read_structure, DecodeError, Dialect, GraphForm, Item, Leaf, Level, Levels, Reader, Structure,
};

/// Appends values to the parts of a batch.
#[derive(Debug)]
pub(super) struct Tape<'t> {
    pub(super) out: &'t mut Sections,
    pub(super) dictionary: &'t mut Dictionary,
    pub(super) shapes: &'t mut Shapes,
    pub(super) dialect: &'t Dialect,
    /// The limit of nesting, for the error that names it.
    pub(super) limit: usize,
    /// Structures of the graph around this place.
    pub(super) graphs: usize,
}

type Written = Result<(), DecodeError>;

#[inline]
pub(super) const fn tagged(payload: i32, tag: i32) -> i32 {
    payload << 4 | tag
}

impl Tape<'_> {
    /// The next value, which may hold `depth` levels.
    pub(super) fn value(&mut self, reader: &mut Reader<'_>, depth: usize) -> Written {
        let item = reader.item()?;
        self.item(item, reader, depth)
    }

    /// A value whose head was read. Out of the loops over plain values, which it would only slow down.
    #[inline(never)]
    pub(super) fn item(&mut self, item: Item<'_>, reader: &mut Reader<'_>, depth: usize) -> Written {
        match self.opened(item, reader, depth)? {
            Some(level) => self.nested(level, reader, depth.saturating_sub(1)),
            None => Ok(()),
        }
    }

    /// The content of a list or map whose head is written, and whose values may hold `depth` levels.
    fn nested(&mut self, level: Level, reader: &mut Reader<'_>, depth: usize) -> Written {
        let mut levels = Levels::new(level);
        while let Some(keyed) = levels.next() {
            if keyed {
                self.key(reader.key()?)?;
            }
            let item = reader.item()?;
            if let Some(level) = self.opened(item, reader, depth.saturating_sub(levels.around()))? {
                levels.open(level);
            }
        }
        Ok(())
    }

    /// The same up to the content of a list or map, which is to come. In the loop over lists and maps, which takes twice
    /// the time when each value is a call.
    #[inline(always)]
    fn opened(
        &mut self,
        item: Item<'_>,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Result<Option<Level>, DecodeError> {
        match item {
            Item::Null => self.out.words.push(tag::NULL),
            Item::Boolean(value) => self.boolean(value),
            Item::Integer(value) => self.integer(value),
            Item::Float(value) => self.float(value),
            Item::String(string) => self.string(string)?,
            Item::Bytes(bytes) => self.bytes(bytes),
            Item::Uuid(bytes) => {
                if !self.dialect.uuids {
                    return Err(DecodeError::UnknownMarker(marker::UUID));
                }
                self.structure(code::UUID);
                self.bytes(&bytes);
            }
            Item::List(n) => {
                self.deeper(depth)?;
                return Ok(self.list(n, reader));
            }
            Item::Map(n) => {
                self.deeper(depth)?;
                self.head(n, tag::MAP);
                return Ok(Some(Level { left: n, is_map: true }));
            }
            Item::Structure { signature, fields } => self.structured(signature, fields, reader, depth)?,
        }
        Ok(None)
    }

    /// A structure whose head was read. One that cannot be represented leaves its reason in its place.
    fn structured(&mut self, signature: u8, fields: usize, reader: &mut Reader<'_>, depth: usize) -> Written {
        let (start, ends, shape) = (reader.clone(), self.out.ends(), self.shapes.scratch.len());
        match self.representable(signature, fields, reader, depth) {
            Err(error) if error.is_of_one_value() => {
                self.out.cut(ends);
                self.shapes.scratch.truncate(shape);
                *reader = start;
                reader.skip_many(fields)?;
                self.broken(&error)
            }
            done => done,
        }
    }

    fn representable(
        &mut self,
        signature: u8,
        fields: usize,
        reader: &mut Reader<'_>,
        depth: usize,
    ) -> Written {
        match read_structure(reader, self.dialect, signature, fields)? {
            Structure::Leaf(leaf) => self.leaf(leaf),
            Structure::Graph(form) => {
                let depth = self.deeper(depth)?;
                let around = self.graphs;
                self.graphs = GraphForm::inside(around)?;
                let written = match form {
                    GraphForm::Node => self.node(reader, depth),
                    GraphForm::Relationship => self.relationship(reader, depth),
                    GraphForm::UnboundRelationship => self.unbound(reader, depth),
                    GraphForm::Path => self.path(reader, depth),
                };
                self.graphs = around;
                written
            }
        }
    }

    /// In place of a value: why there is none. There are few reasons, so that each is written once.
    pub(super) fn broken(&mut self, why: &DecodeError) -> Written {
        self.structure(code::BROKEN);
        let id = self.dictionary.intern_always(why.to_string().as_bytes())?;
        self.dict(id);
        Ok(())
    }

    #[inline]
    pub(super) fn deeper(&self, depth: usize) -> Result<usize, DecodeError> {
        depth.checked_sub(1).ok_or(DecodeError::Depth(self.limit))
    }

    #[inline]
    pub(super) fn head(&mut self, payload: usize, tag: i32) {
        self.out.words.push(tagged(word(payload), tag));
    }

    pub(super) fn structure(&mut self, code: i32) {
        self.out.words.push(tagged(code, tag::STRUCT));
    }

    #[inline]
    pub(super) fn null(&mut self) {
        self.out.words.push(tag::NULL);
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.out.words.push(if value { tag::TRUE } else { tag::FALSE });
    }

    #[inline]
    pub(super) fn integer(&mut self, value: i64) {
        if (-(1 << 27)..1 << 27).contains(&value) {
            self.out.words.push(tagged(value as i32, tag::INT28));
        } else {
            self.out.words.extend_from_slice(&[tag::INT64, value as i32, (value >> 32) as i32]);
        }
    }

    #[inline]
    pub(super) fn float(&mut self, value: f64) {
        self.head(self.out.floats.len(), tag::F64);
        self.out.floats.push(value);
    }

    /// A string that may come again.
    #[inline]
    pub(super) fn string(&mut self, string: &[u8]) -> Written {
        match self.dictionary.value(string)? {
            Some(id) => self.dict(id),
            None => return self.plain(string),
        }
        Ok(())
    }

    pub(super) fn dict(&mut self, id: u32) {
        self.out.words.push(tagged(id as i32, tag::DICT)); // the dictionary's limits are far below 28 bits
    }

    /// A string that hardly comes again.
    #[inline]
    pub(super) fn plain(&mut self, string: &[u8]) -> Written {
        let (start, length) = self.out.pooled(string)?;
        let head = if length < 0 { tagged(-length, tag::STR16) } else { tagged(length, tag::STR8) };
        self.out.words.extend_from_slice(&[head, start]);
        Ok(())
    }

    /// A string that comes again and again, if the dictionary takes it.
    pub(super) fn frequent(&mut self, string: &[u8]) -> Written {
        match self.dictionary.intern(string)? {
            Some(id) => self.dict(id),
            None => return self.plain(string),
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.head(bytes.len(), tag::BYTES);
        let (words, rest) = bytes.as_chunks::<4>();
        self.out.words.extend(words.iter().map(|bytes| i32::from_le_bytes(*bytes)));
        if !rest.is_empty() {
            let mut last = [0; 4];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            self.out.words.push(i32::from_le_bytes(last));
        }
    }

    /// A list whose head was read: whole if it is one of numbers, else up to its content.
    #[inline(never)]
    fn list(&mut self, n: usize, reader: &mut Reader<'_>) -> Option<Level> {
        let plain = match reader.peek().filter(|_| n > 0) {
            Some(0x00..=0x7F | 0xF0..=0xFF | marker::INT_8..=marker::INT_64) => self.integers(n, reader),
            Some(marker::FLOAT_64) => self.floats(n, reader),
            _ => false,
        };
        if plain {
            return None;
        }
        self.head(n, tag::LIST);
        Some(Level { left: n, is_map: false })
    }

    /// A list of nothing but integers of 32 bits; else nothing was done.
    fn integers(&mut self, n: usize, reader: &mut Reader<'_>) -> bool {
        let (start, mut ahead) = (self.out.words.len(), reader.clone());
        self.out.words.reserve(n + 1);
        self.head(n, tag::INTS);
        for _ in 0..n {
            let Some(value) = ahead.integer().and_then(|value| i32::try_from(value).ok()) else {
                self.out.words.truncate(start);
                return false;
            };
            self.out.words.push(value);
        }
        *reader = ahead;
        true
    }

    /// A list of nothing but doubles; else nothing was done.
    fn floats(&mut self, n: usize, reader: &mut Reader<'_>) -> bool {
        let (start, mut ahead) = (self.out.floats.len(), reader.clone());
        for _ in 0..n {
            let Some(value) = ahead.float() else {
                self.out.floats.truncate(start);
                return false;
            };
            self.out.floats.push(value);
        }
        self.head(n, tag::FLOATS);
        self.out.words.push(word(start));
        *reader = ahead;
        true
    }

    /// A map whose head was read, for its values `depth` levels.
    pub(super) fn map(&mut self, n: usize, reader: &mut Reader<'_>, depth: usize) -> Written {
        self.head(n, tag::MAP);
        self.nested(Level { left: n, is_map: true }, reader, depth)
    }

    #[inline]
    pub(super) fn key(&mut self, key: &[u8]) -> Written {
        match self.dictionary.intern(key)? {
            Some(id) => self.out.words.push(id as i32),
            None => {
                self.out.words.push(-1);
                self.plain(key)?;
            }
        }
        Ok(())
    }

    fn numbers(&mut self, code: i32, fields: &[i64]) {
        self.structure(code);
        for field in fields {
            self.integer(*field);
        }
    }

    fn leaf(&mut self, leaf: Leaf<'_>) -> Written {
        match leaf {
            Leaf::Date { days } => self.numbers(code::DATE, &[days]),
            Leaf::Time { nanos, offset } => self.numbers(code::TIME, &[nanos, offset]),
            Leaf::LocalTime { nanos } => self.numbers(code::LOCAL_TIME, &[nanos]),
            Leaf::LocalDateTime { seconds, nanos } => self.numbers(code::LOCAL_DATE_TIME, &[seconds, nanos]),
            Leaf::DateTimeOffset { seconds, nanos, offset } => {
                self.numbers(code::DATE_TIME_OFFSET, &[seconds, nanos, offset]);
            }
            Leaf::DateTimeZone { utc, seconds, nanos, zone } => {
                let code = if utc { code::DATE_TIME_ZONE_UTC } else { code::DATE_TIME_ZONE_LOCAL };
                self.numbers(code, &[seconds, nanos]);
                return self.string(zone.as_bytes());
            }
            Leaf::Duration { months, days, seconds, nanos } => {
                self.numbers(code::DURATION, &[months, days, seconds, nanos]);
            }
            Leaf::Point2D { srid, x, y } => {
                self.numbers(code::POINT, &[srid]);
                self.float(x);
                self.float(y);
            }
            Leaf::Point3D { srid, x, y, z } => {
                self.numbers(code::POINT_3D, &[srid]);
                self.float(x);
                self.float(y);
                self.float(z);
            }
            Leaf::Vector { marker, bytes } => {
                self.numbers(code::VECTOR, &[i64::from(marker)]);
                self.bytes(bytes);
            }
            Leaf::Unsupported { name, major, minor, message } => {
                self.structure(code::UNSUPPORTED);
                self.string(name.as_bytes())?;
                self.integer(major);
                self.integer(minor);
                match message {
                    Some(message) => return self.string(message.as_bytes()),
                    None => self.null(),
                }
            }
        }
        Ok(())
    }
}
