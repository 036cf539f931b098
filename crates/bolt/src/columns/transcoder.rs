//! Records to columns, in two passes: the first checks and notes each value, the second writes column after column.

use super::batch::{word, Batch, Capacity, Sections};
use super::dictionary::Dictionary;
use super::format::{kind, tag, words};
use super::shapes::Shapes;
use super::tape::Tape;
use crate::connection::RawRecords;
use crate::message::Metadata;
use crate::packstream::{DecodeError, Dialect, Item, Limits, Reader};
use crate::Version;

/// Entries at the end of a result that differ between results of the same query.
const DIFFERS_EACH_TIME: [&[u8]; 3] = [b"bookmark", b"t_last", b"result_consumed_after"];

/// Classes of values, as bits, so that a column's classes are their union.
mod class {
    pub(super) const NULL: u8 = 1;
    pub(super) const BOOL: u8 = 2;
    pub(super) const INT32: u8 = 4;
    pub(super) const INT64: u8 = 8;
    pub(super) const FLOAT: u8 = 16;
    pub(super) const STRING: u8 = 32;
    /// On the tape already: the note is its word offset.
    pub(super) const TAPE: u8 = 64;
}

/// Turns the records of one result into batches.
///
/// It keeps what the batches of a result have in common (the dictionary and the shapes), so that each result has one
/// of its own. After an error it is of no more use: what was read is not the whole result.
#[derive(Debug)]
pub struct Transcoder {
    dialect: Dialect,
    limits: Limits,
    dictionary: Dictionary,
    shapes: Shapes,
    /// What pass one notes of each value, record by record: the bits of a number, start and length of a string.
    notes: Vec<u64>,
    /// The class of each value.
    classes: Vec<u8>,
    /// The union of the classes of each column.
    seen: Vec<u8>,
    /// Buffers of a batch that was given back.
    spare: Option<Sections>,
    /// What the last batch took: the next one is likely to take as much.
    usual: Capacity,
}

impl Transcoder {
    /// For a result of a connection of this version; `utc` is
    /// [`Connection::utc_patched`](crate::Connection::utc_patched). Takes no memory yet.
    pub fn new(version: Version, utc: bool, limits: Limits) -> Self {
        Self {
            dialect: Dialect::new(version, utc),
            limits: limits.clamped(),
            dictionary: Dictionary::new(),
            shapes: Shapes::new(),
            notes: Vec::new(),
            classes: Vec::new(),
            seen: Vec::new(),
            spare: None,
            usual: Capacity::default(),
        }
    }

    /// Checks records and lays them out as columns. `columns` is the number of fields of the result.
    pub fn records(&mut self, raw: &RawRecords, columns: usize) -> Result<Batch, DecodeError> {
        let rows = raw.offsets.len();
        check_size(raw, columns, self.limits.columns)?;
        let mut out = self.begin(columns);
        self.note(raw, columns, &mut out)?;
        for column in 0..columns {
            self.column(column, rows, columns, &raw.bytes, &mut out)?;
        }
        self.finish(rows, columns, out)
    }

    /// Checks one packed value and lays it out as a batch of one row and one mixed column.
    pub fn value(&mut self, packstream: &[u8]) -> Result<Batch, DecodeError> {
        if packstream.len() > Limits::MAX_MESSAGE {
            return Err(too_large());
        }
        let mut out = self.begin(1);
        let base = out.here();
        out.words.push(base + 1);
        let mut reader = Reader::new(packstream);
        let depth = self.limits.depth;
        self.tape(&mut out).value(&mut reader, depth)?;
        reader.finish()?;
        head(&mut out, 0, kind::MIXED, base, 0);
        self.finish(1, 1, out)
    }

    /// Lays the metadata at the end of a result out as a batch of one row and one mixed column, which holds a map: without
    /// the entries that differ each time ([`Metadata::bookmark`], [`Metadata::t_last`]), so that results that ended alike
    /// have equal batches. Entries beyond the limit `metadata` are there with the reason why their values are not.
    pub fn metadata(&mut self, metadata: &Metadata) -> Result<Batch, DecodeError> {
        // There is one for each result, so that what the last one took is not known.
        self.usual = Capacity::of_one_value(metadata.raw().len());
        let mut out = self.begin(1);
        let base = out.here();
        out.words.push(base + 1);
        let lasting = || metadata.entries().filter(|(key, _)| !DIFFERS_EACH_TIME.contains(key));
        let (limit, depth) = (self.limits.metadata, self.limits.depth.saturating_sub(1));
        let mut left = limit;
        let mut tape = self.tape(&mut out);
        tape.head(lasting().count(), tag::MAP);
        for (key, value) in lasting() {
            tape.key(key)?;
            match left.checked_sub(value.len()) {
                Some(rest) => {
                    left = rest;
                    tape.value(&mut Reader::new(value), depth)?;
                }
                None => {
                    tape.broken(&DecodeError::TooLarge { what: "the metadata", name: "metadata", limit })?
                }
            }
        }
        head(&mut out, 0, kind::MIXED, base, 0);
        self.finish(1, 1, out)
    }

    /// Gives the buffers of a batch back for the next one.
    pub fn recycle(&mut self, batch: Batch) {
        self.spare = Some(batch.into_sections());
    }

    fn begin(&mut self, columns: usize) -> Sections {
        let mut out = self.spare.take().unwrap_or_else(|| Sections::with_capacity(&self.usual));
        out.zeros(words::HEADER + words::COLUMN * columns);
        out
    }

    fn finish(&mut self, rows: usize, columns: usize, out: Sections) -> Result<Batch, DecodeError> {
        let batch = Batch::finish(rows, columns, out, &self.dictionary, &self.shapes)?;
        self.dictionary.all_told();
        self.shapes.all_told();
        self.usual = batch.capacity();
        Ok(batch)
    }

    fn tape<'t>(&'t mut self, out: &'t mut Sections) -> Tape<'t> {
        Tape {
            out,
            dictionary: &mut self.dictionary,
            shapes: &mut self.shapes,
            dialect: &self.dialect,
            limit: self.limits.depth,
            graphs: 0,
        }
    }

    /// Pass one. What is nested goes onto the tape at once.
    fn note(&mut self, raw: &RawRecords, columns: usize, out: &mut Sections) -> Result<(), DecodeError> {
        let rows = raw.offsets.len();
        // every place is written below
        self.notes.resize(rows * columns, 0);
        self.classes.resize(rows * columns, 0);
        self.seen.clear();
        self.seen.resize(columns, 0);
        let depth = self.limits.depth;
        let mut tape = Tape {
            out,
            dictionary: &mut self.dictionary,
            shapes: &mut self.shapes,
            dialect: &self.dialect,
            limit: depth,
            graphs: 0,
        };
        let mut places = self.notes.iter_mut().zip(&mut self.classes);
        let mut end = None;
        for offset in &raw.offsets {
            let start = *offset as usize;
            // records lie one behind the other, each behind a head of two bytes
            if end.is_some_and(|end| end + 2 != start) {
                return Err(misplaced(end.unwrap_or_default(), start));
            }
            let mut reader = Reader::at(&raw.bytes, start);
            match reader.item()? {
                Item::List(n) if n == columns => {}
                Item::List(actual) => return Err(DecodeError::Columns { expected: columns, actual }),
                _ => return Err(DecodeError::Expected("list")),
            }
            for (seen, (note, place)) in self.seen.iter_mut().zip(&mut places) {
                let (class, bits) = match reader.item()? {
                    Item::Integer(value) => {
                        let small = i64::from(value as i32) == value;
                        (if small { class::INT32 } else { class::INT64 }, value as u64)
                    }
                    Item::String(string) => {
                        let start = reader.position() - string.len();
                        (class::STRING, (start as u64) << 32 | string.len() as u64)
                    }
                    Item::Float(value) => (class::FLOAT, value.to_bits()),
                    Item::Null => (class::NULL, 0),
                    Item::Boolean(value) => (class::BOOL, u64::from(value)),
                    nested => {
                        let at = tape.out.words.len();
                        tape.item(nested, &mut reader, depth)?;
                        (class::TAPE, at as u64)
                    }
                };
                *note = bits;
                *place = class;
                *seen |= class;
            }
            end = Some(reader.position());
        }
        match end {
            Some(end) if end != raw.bytes.len() => Err(misplaced(end, raw.bytes.len())),
            _ => Ok(()),
        }
    }

    /// Pass two, for one column.
    fn column(
        &mut self,
        column: usize,
        rows: usize,
        columns: usize,
        bytes: &[u8],
        out: &mut Sections,
    ) -> Result<(), DecodeError> {
        debug_assert!(column < self.seen.len(), "a column that pass one has not seen");
        let seen = self.seen.get(column).copied().unwrap_or_default();
        let kind = match seen & !class::NULL {
            0 => kind::NULL,
            class::BOOL => kind::BOOL,
            class::INT32 => kind::INT32,
            class::INT64 => kind::INT,
            both if both == class::INT32 | class::INT64 => kind::INT,
            class::FLOAT => kind::FLOAT,
            class::STRING => kind::STR,
            _ => kind::MIXED,
        };
        if kind == kind::MIXED {
            return self.mixed(column, rows, columns, bytes, out);
        }
        let notes = self.notes.iter().skip(column).step_by(columns);
        let classes = self.classes.iter().skip(column).step_by(columns);
        let base = if kind == kind::FLOAT { word(out.floats.len()) } else { out.here() };
        match kind {
            kind::INT32 => out.words.extend(notes.map(|note| *note as i32)),
            kind::INT => {
                let slots = out.zeros(2 * rows).as_chunks_mut::<2>().0;
                for (slot, note) in slots.iter_mut().zip(notes) {
                    *slot = [*note as i32, (*note >> 32) as i32];
                }
            }
            kind::FLOAT => out.floats.extend(notes.map(|note| f64::from_bits(*note))),
            kind::STR => strings(notes, rows, bytes, out)?,
            kind::BOOL => bitmap(notes.map(|note| *note != 0), rows, out),
            _ => {}
        }
        let mut nulls = 0;
        if seen & class::NULL != 0 && kind != kind::NULL {
            nulls = out.here();
            bitmap(classes.map(|class| *class == class::NULL), rows, out);
        }
        let base = if kind == kind::NULL { 0 } else { base };
        head(out, column, kind, base, nulls);
        Ok(())
    }

    /// A column of values of several kinds, or nested ones: where each lies on the tape.
    fn mixed(
        &mut self,
        column: usize,
        rows: usize,
        columns: usize,
        bytes: &[u8],
        out: &mut Sections,
    ) -> Result<(), DecodeError> {
        let base = out.words.len();
        out.zeros(rows);
        let mut tape = Tape {
            out,
            dictionary: &mut self.dictionary,
            shapes: &mut self.shapes,
            dialect: &self.dialect,
            limit: self.limits.depth,
            graphs: 0,
        };
        let notes = self.notes.iter().skip(column).step_by(columns);
        let classes = self.classes.iter().skip(column).step_by(columns);
        for (row, (note, class)) in notes.zip(classes).enumerate() {
            let mut at = tape.out.words.len();
            match *class {
                class::TAPE => at = *note as usize,
                class::BOOL => tape.boolean(*note != 0),
                class::INT32 | class::INT64 => tape.integer(*note as i64),
                class::FLOAT => tape.float(f64::from_bits(*note)),
                class::STRING => tape.string(noted(*note, bytes))?,
                _ => tape.null(),
            }
            tape.out.set(base + row, word(at));
        }
        head(tape.out, column, kind::MIXED, word(base), 0);
        Ok(())
    }
}

/// What can be said before any record is read: that no more is asked for than the bytes can hold.
fn check_size(raw: &RawRecords, columns: usize, limit: usize) -> Result<(), DecodeError> {
    if columns > limit {
        return Err(DecodeError::TooLarge { what: "the number of columns", name: "columns", limit });
    }
    if raw.bytes.len() > 2 * Limits::MAX_MESSAGE {
        return Err(too_large());
    }
    // a record takes a byte at least, and so does each value
    match raw.offsets.len().checked_mul(columns + 1) {
        Some(values) if values <= raw.bytes.len() => Ok(()),
        _ => Err(DecodeError::Truncated),
    }
}

fn too_large() -> DecodeError {
    DecodeError::TooLarge { what: "the length of records", name: "message", limit: Limits::MAX_MESSAGE }
}

/// Bytes between two records, or records that overlap.
fn misplaced(end: usize, next: usize) -> DecodeError {
    match next.checked_sub(end) {
        None | Some(0) => DecodeError::Truncated,
        Some(gap) => DecodeError::Trailing(gap),
    }
}

fn head(out: &mut Sections, column: usize, kind: i32, base: i32, nulls: i32) {
    for (at, value) in [kind, base, nulls].into_iter().enumerate() {
        out.set(words::HEADER + words::COLUMN * column + at, value);
    }
}

/// The bytes of a string that pass one noted.
#[inline]
fn noted(note: u64, bytes: &[u8]) -> &[u8] {
    let (start, length) = ((note >> 32) as usize, (note & 0xFFFF_FFFF) as usize);
    debug_assert!(start + length <= bytes.len(), "a string was noted that is not there");
    bytes.get(start..start + length).unwrap_or_default()
}

fn strings<'n>(
    notes: impl Iterator<Item = &'n u64>,
    rows: usize,
    bytes: &[u8],
    out: &mut Sections,
) -> Result<(), DecodeError> {
    let base = out.words.len();
    out.zeros(2 * rows);
    let mut words = std::mem::take(&mut out.words);
    let slots = words.get_mut(base..).unwrap_or_default().as_chunks_mut::<2>().0;
    for (slot, note) in slots.iter_mut().zip(notes) {
        // a null has no note; a string that begins at 0 there is not, it is behind the record's head
        if *note != 0 {
            let (start, length) = out.pooled(noted(*note, bytes))?;
            *slot = [start, length];
        }
    }
    out.words = words;
    Ok(())
}

fn bitmap(bits: impl Iterator<Item = bool>, rows: usize, out: &mut Sections) {
    let words = out.zeros(rows.div_ceil(32));
    for (row, bit) in bits.enumerate() {
        if let Some(word) = words.get_mut(row / 32) {
            *word |= i32::from(bit) << (row % 32);
        }
    }
}
