//! Reading bytes item by item. A reader can only hand out what is there: each length is held against the bytes
//! that remain before anyone gets to see it.

use super::{marker, DecodeError};

/// One item: a scalar, or the head of a container whose content follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// Nothing.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A 64-bit integer, whatever the width it was sent in.
    Integer(i64),
    /// A double.
    Float(f64),
    /// A byte array.
    Bytes(&'a [u8]),
    /// A string whose bytes are not yet known to be UTF-8: see [`text`].
    String(&'a [u8]),
    /// So many values follow. Never more than bytes remain.
    List(usize),
    /// So many pairs of key and value follow. Never more than bytes remain for them.
    Map(usize),
    /// A structure: so many values follow. Never more than bytes remain.
    Structure {
        /// Which structure.
        signature: u8,
        /// How many fields.
        fields: usize,
    },
    /// A UUID (Bolt 6.1).
    Uuid([u8; 16]),
}

/// The text of a string's bytes.
#[inline]
pub fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::Utf8)
}

/// Reads items one after the other.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads from a position on. One beyond the end is the end.
    pub fn at(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, at: position.min(bytes.len()) }
    }

    /// Bytes read so far.
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Bytes that remain.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error if bytes remain.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            n => Err(DecodeError::Trailing(n)),
        }
    }

    /// The next byte, left where it is.
    #[inline]
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, DecodeError> {
        let byte = *self.bytes.get(self.at).ok_or(DecodeError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let array = *rest.first_chunk().ok_or(DecodeError::Truncated)?;
        self.at += N;
        Ok(array)
    }

    #[inline]
    fn slice(&mut self, what: &'static str, length: usize) -> Result<&'a [u8], DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(slice) = rest.get(..length) else {
            return Err(DecodeError::Length { what, length, remaining: rest.len() });
        };
        self.at += length;
        Ok(slice)
    }

    #[inline]
    fn u8(&mut self) -> Result<usize, DecodeError> {
        self.byte().map(usize::from)
    }

    #[inline]
    fn u16(&mut self) -> Result<usize, DecodeError> {
        self.array().map(|b| usize::from(u16::from_be_bytes(b)))
    }

    #[inline]
    fn u32(&mut self) -> Result<usize, DecodeError> {
        // usize has at least 32 bits wherever this runs
        self.array().map(|b| u32::from_be_bytes(b) as usize)
    }

    /// Each element takes `least` bytes or more.
    #[inline]
    fn count(&self, what: &'static str, length: usize, least: usize) -> Result<usize, DecodeError> {
        if length > self.remaining() / least {
            return Err(DecodeError::Length { what, length, remaining: self.remaining() });
        }
        Ok(length)
    }

    fn structure(&mut self, fields: usize) -> Result<Item<'a>, DecodeError> {
        let signature = self.byte()?;
        Ok(Item::Structure { signature, fields: self.count("structure", fields, 1)? })
    }

    /// The next item. After the head of a container its content follows as further items.
    #[inline]
    pub fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        let head = self.byte()?;
        let tiny = usize::from(head & 0x0F);
        Ok(match head {
            0x00..=0x7F => Item::Integer(i64::from(head)),
            0x80..=0x8F => Item::String(self.slice("string", tiny)?),
            0x90..=0x9F => Item::List(self.count("list", tiny, 1)?),
            0xA0..=0xAF => Item::Map(self.count("map", tiny, 2)?),
            0xB0..=0xBF => self.structure(tiny)?,
            0xF0..=0xFF => Item::Integer(i64::from(head) - 256),
            marker::NULL => Item::Null,
            marker::FLOAT_64 => Item::Float(f64::from_be_bytes(self.array()?)),
            marker::FALSE => Item::Boolean(false),
            marker::TRUE => Item::Boolean(true),
            marker::INT_8 => Item::Integer(i64::from(i8::from_be_bytes(self.array()?))),
            marker::INT_16 => Item::Integer(i64::from(i16::from_be_bytes(self.array()?))),
            marker::INT_32 => Item::Integer(i64::from(i32::from_be_bytes(self.array()?))),
            marker::INT_64 => Item::Integer(i64::from_be_bytes(self.array()?)),
            marker::STRING_8 => {
                let n = self.u8()?;
                Item::String(self.slice("string", n)?)
            }
            marker::STRING_16 => {
                let n = self.u16()?;
                Item::String(self.slice("string", n)?)
            }
            _ => self.rare(head)?,
        })
    }

    /// The next item if it is a whole integer; else nothing is read. For runs of them, which take half the time by this.
    #[inline(always)]
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let (head, rest) = self.bytes.get(self.at..)?.split_first()?;
        let (value, length) = match *head {
            0x00..=0x7F | 0xF0..=0xFF => (i64::from(*head as i8), 1),
            marker::INT_8 => (i64::from(i8::from_be_bytes(*rest.first_chunk()?)), 2),
            marker::INT_16 => (i64::from(i16::from_be_bytes(*rest.first_chunk()?)), 3),
            marker::INT_32 => (i64::from(i32::from_be_bytes(*rest.first_chunk()?)), 5),
            marker::INT_64 => (i64::from_be_bytes(*rest.first_chunk()?), 9),
            _ => return None,
        };
        self.at += length;
        Some(value)
    }

    /// The same for a double.
    #[inline(always)]
    pub(crate) fn float(&mut self) -> Option<f64> {
        match self.bytes.get(self.at..)?.first_chunk::<9>()? {
            [marker::FLOAT_64, value @ ..] => {
                self.at += 9;
                Some(f64::from_be_bytes(*value))
            }
            _ => None,
        }
    }

    /// The markers that are seldom seen, out of the way of the others.
    fn rare(&mut self, head: u8) -> Result<Item<'a>, DecodeError> {
        let length = match head {
            marker::BYTES_8 | marker::LIST_8 | marker::MAP_8 | marker::STRUCT_8 => self.u8()?,
            marker::BYTES_16 | marker::LIST_16 | marker::MAP_16 | marker::STRUCT_16 => self.u16()?,
            marker::BYTES_32 | marker::LIST_32 | marker::MAP_32 | marker::STRING_32 => self.u32()?,
            marker::UUID => return self.array().map(Item::Uuid),
            _ => return Err(DecodeError::UnknownMarker(head)),
        };
        Ok(match head {
            marker::BYTES_8 | marker::BYTES_16 | marker::BYTES_32 => {
                Item::Bytes(self.slice("byte array", length)?)
            }
            marker::LIST_8 | marker::LIST_16 | marker::LIST_32 => Item::List(self.count("list", length, 1)?),
            marker::MAP_8 | marker::MAP_16 | marker::MAP_32 => Item::Map(self.count("map", length, 2)?),
            marker::STRING_32 => Item::String(self.slice("string", length)?),
            _ => self.structure(length)?,
        })
    }

    /// A string, checked.
    pub fn string(&mut self) -> Result<&'a str, DecodeError> {
        match self.item()? {
            Item::String(bytes) => text(bytes),
            _ => Err(DecodeError::Expected("string")),
        }
    }

    /// The head of a list.
    pub fn list(&mut self) -> Result<usize, DecodeError> {
        match self.item()? {
            Item::List(n) => Ok(n),
            _ => Err(DecodeError::Expected("list")),
        }
    }

    /// The head of a map.
    pub fn map(&mut self) -> Result<usize, DecodeError> {
        match self.item()? {
            Item::Map(n) => Ok(n),
            _ => Err(DecodeError::Expected("map")),
        }
    }

    /// The bytes of a map key, which are not yet known to be UTF-8.
    #[inline]
    pub fn key(&mut self) -> Result<&'a [u8], DecodeError> {
        match self.item()? {
            Item::String(bytes) => Ok(bytes),
            _ => Err(DecodeError::Key),
        }
    }

    /// Passes over one whole value. Works without recursion, so any depth will do; checks nothing but lengths.
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        self.skip_many(1)
    }

    /// The same for so many values.
    pub fn skip_many(&mut self, count: usize) -> Result<(), DecodeError> {
        let mut left = count as u64;
        while left > 0 {
            left -= 1;
            // each count was held against the bytes that remain, so no sum of them comes near 64 bits
            match self.item()? {
                Item::List(n) | Item::Structure { fields: n, .. } => left += n as u64,
                Item::Map(n) => left += 2 * n as u64,
                _ => {}
            }
        }
        Ok(())
    }
}
