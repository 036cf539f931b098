//! The parts of a batch and how they lie behind each other.

use super::dictionary::Dictionary;
use super::format::words;
use super::shapes::Shapes;
use crate::packstream::DecodeError;

/// The parts while they grow.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Sections {
    pub(super) words: Vec<i32>,
    pub(super) floats: Vec<f64>,
    pub(super) ascii: Vec<u8>,
    pub(super) wide: Vec<u16>,
}

/// How much each part took.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Capacity {
    words: usize,
    floats: usize,
    ascii: usize,
    wide: usize,
}

impl Capacity {
    /// About what one value of so many packed bytes takes, most of which are strings.
    pub(super) fn of_one_value(packed: usize) -> Self {
        Self { words: words::HEADER + words::COLUMN + packed / 2, ascii: packed, floats: 0, wide: 0 }
    }
}

/// A count as a word. No count of a batch exceeds the bytes that it was made from, which are at most 2^28, and no
/// number of words three times that.
#[inline]
pub(super) fn word(count: usize) -> i32 {
    count as i32
}

impl Sections {
    pub(super) fn with_capacity(capacity: &Capacity) -> Self {
        Self {
            words: Vec::with_capacity(capacity.words),
            floats: Vec::with_capacity(capacity.floats),
            ascii: Vec::with_capacity(capacity.ascii),
            wide: Vec::with_capacity(capacity.wide),
        }
    }

    /// The word offset of the next word.
    #[inline]
    pub(super) fn here(&self) -> i32 {
        word(self.words.len())
    }

    #[inline]
    pub(super) fn set(&mut self, at: usize, value: i32) {
        if let Some(word) = self.words.get_mut(at) {
            *word = value;
        }
    }

    /// Room for so many more words, all 0.
    pub(super) fn zeros(&mut self, count: usize) -> &mut [i32] {
        let at = self.words.len();
        self.words.resize(at + count, 0);
        self.words.get_mut(at..).unwrap_or_default()
    }

    /// Copies a string into one of the pools: its start, and its length, negative in the pool of UTF-16 strings.
    #[inline]
    pub(super) fn pooled(&mut self, string: &[u8]) -> Result<(i32, i32), DecodeError> {
        if string.is_ascii() {
            return Ok(self.pooled_ascii(string));
        }
        let text = crate::packstream::text(string)?;
        let start = self.wide.len();
        self.wide.extend(text.encode_utf16());
        Ok((word(start), -word(self.wide.len() - start)))
    }

    /// The same for a string that is known to be ASCII.
    #[inline]
    pub(super) fn pooled_ascii(&mut self, string: &[u8]) -> (i32, i32) {
        let start = self.ascii.len();
        self.ascii.extend_from_slice(string);
        (word(start), word(string.len()))
    }

    /// How long each part is, for [`cut`](Self::cut).
    pub(super) fn ends(&self) -> Capacity {
        Capacity {
            words: self.words.len(),
            floats: self.floats.len(),
            ascii: self.ascii.len(),
            wide: self.wide.len(),
        }
    }

    /// Takes back what was written since.
    pub(super) fn cut(&mut self, ends: Capacity) {
        self.words.truncate(ends.words);
        self.floats.truncate(ends.floats);
        self.ascii.truncate(ends.ascii);
        self.wide.truncate(ends.wide);
    }

    fn clear(&mut self) {
        self.words.clear();
        self.floats.clear();
        self.ascii.clear();
        self.wide.clear();
    }

    fn layout(&self) -> Layout {
        let ascii = (self.words.len() / 2 + self.floats.len()) * 8;
        let wide = (ascii + self.ascii.len()).next_multiple_of(2);
        Layout { ascii, wide, end: (wide + self.wide.len() * 2).next_multiple_of(8) }
    }
}

/// Byte offsets of the parts.
struct Layout {
    ascii: usize,
    wide: usize,
    end: usize,
}

/// A run of records as columns, see the [module](super).
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its number of records.
    pub rows: usize,
    sections: Sections,
}

impl Batch {
    /// Adds the news of the dictionary and the shapes, and the header.
    pub(super) fn finish(
        rows: usize,
        columns: usize,
        mut sections: Sections,
        dictionary: &Dictionary,
        shapes: &Shapes,
    ) -> Result<Self, DecodeError> {
        let additions = sections.here();
        for string in dictionary.news() {
            let (start, length) = sections.pooled(string)?;
            sections.words.extend_from_slice(&[start, length]);
        }
        for shape in shapes.news() {
            sections.words.extend_from_slice(shape);
        }
        if sections.words.len() % 2 == 1 {
            sections.words.push(0);
        }
        let layout = sections.layout();
        let Ok(length) = i32::try_from(layout.end) else {
            return Err(DecodeError::TooLarge {
                what: "a batch of records as columns",
                name: "message",
                limit: i32::MAX as usize,
            });
        };
        let mut header: [i32; words::HEADER] = [
            word(rows),
            word(columns),
            word(sections.words.len() / 2),
            word(layout.ascii),
            word(sections.ascii.len()),
            word(layout.wide),
            word(sections.wide.len()),
            word(dictionary.news().len()),
            word(shapes.news().len()),
            additions,
            0,
            0,
        ];
        header[words::BYTE_LENGTH] = length;
        for (at, value) in header.into_iter().enumerate() {
            sections.set(at, value);
        }
        Ok(Self { rows, sections })
    }

    /// Its length in bytes, a multiple of 8.
    pub fn byte_len(&self) -> usize {
        self.sections.layout().end
    }

    /// Writes it. `out` must begin at an address that the reader takes for a multiple of 8, and have
    /// [`byte_len`](Self::byte_len) bytes; of a shorter one only what fits is written.
    pub fn write(&self, out: &mut [u8]) {
        let Sections { words, floats, ascii, wide } = &self.sections;
        let layout = self.sections.layout();
        for (bytes, word) in out.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        for (bytes, float) in tail(out, words.len() * 4).chunks_exact_mut(8).zip(floats) {
            bytes.copy_from_slice(&float.to_le_bytes());
        }
        for (byte, ascii) in tail(out, layout.ascii).iter_mut().zip(ascii) {
            *byte = *ascii;
        }
        if let Some(pad) = out.get_mut(layout.ascii + ascii.len()..layout.wide) {
            pad.fill(0);
        }
        for (bytes, unit) in tail(out, layout.wide).chunks_exact_mut(2).zip(wide) {
            bytes.copy_from_slice(&unit.to_le_bytes());
        }
        if let Some(pad) = out.get_mut(layout.wide + wide.len() * 2..layout.end) {
            pad.fill(0);
        }
    }

    /// What its parts took, and an eighth more.
    pub(super) fn capacity(&self) -> Capacity {
        let Sections { words, floats, ascii, wide } = &self.sections;
        let more = |length: usize| length + length / 8;
        Capacity {
            words: more(words.len()),
            floats: more(floats.len()),
            ascii: more(ascii.len()),
            wide: more(wide.len()),
        }
    }

    /// Its buffers, empty, for the next batch.
    pub(super) fn into_sections(mut self) -> Sections {
        self.sections.clear();
        self.sections
    }
}

fn tail(out: &mut [u8], from: usize) -> &mut [u8] {
    out.get_mut(from..).unwrap_or_default()
}
