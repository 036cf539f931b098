//! Writing bytes item by item, each in its shortest form.

use super::marker;

/// Appends items to a buffer. Lengths have 32 bits at most; nothing that fits into memory here comes near.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Appends to the buffer.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Nothing.
    pub fn null(&mut self) {
        self.out.push(marker::NULL);
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) {
        self.out.push(if value { marker::TRUE } else { marker::FALSE });
    }

    /// An integer in the fewest bytes that hold it.
    pub fn integer(&mut self, value: i64) {
        if let Ok(small) = i8::try_from(value) {
            if small < -16 {
                self.out.push(marker::INT_8);
            }
            self.out.extend_from_slice(&small.to_be_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            self.out.push(marker::INT_16);
            self.out.extend_from_slice(&value.to_be_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.out.push(marker::INT_32);
            self.out.extend_from_slice(&value.to_be_bytes());
        } else {
            self.out.push(marker::INT_64);
            self.out.extend_from_slice(&value.to_be_bytes());
        }
    }

    /// A double.
    pub fn float(&mut self, value: f64) {
        self.out.push(marker::FLOAT_64);
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    /// A byte array.
    pub fn bytes(&mut self, value: &[u8]) {
        self.sized([marker::BYTES_8, marker::BYTES_16, marker::BYTES_32], value.len());
        self.out.extend_from_slice(value);
    }

    /// A string.
    pub fn string(&mut self, value: &str) {
        self.head(marker::TINY_STRING, [marker::STRING_8, marker::STRING_16, marker::STRING_32], value.len());
        self.out.extend_from_slice(value.as_bytes());
    }

    /// The head of a list: so many values have to follow.
    pub fn list(&mut self, length: usize) {
        self.head(marker::TINY_LIST, [marker::LIST_8, marker::LIST_16, marker::LIST_32], length);
    }

    /// The head of a map: so many pairs of [`string`](Self::string) and value have to follow.
    pub fn map(&mut self, length: usize) {
        self.head(marker::TINY_MAP, [marker::MAP_8, marker::MAP_16, marker::MAP_32], length);
    }

    /// The head of a structure of at most 15 fields: so many values have to follow.
    pub fn structure(&mut self, signature: u8, fields: u8) {
        self.out.extend_from_slice(&[marker::TINY_STRUCT | (fields & 0x0F), signature]);
    }

    /// A UUID (Bolt 6.1).
    pub fn uuid(&mut self, value: &[u8; 16]) {
        self.out.push(marker::UUID);
        self.out.extend_from_slice(value);
    }

    /// Bytes that are values already.
    pub fn raw(&mut self, packed: &[u8]) {
        self.out.extend_from_slice(packed);
    }

    /// A key and a string.
    pub fn string_entry(&mut self, key: &str, value: &str) {
        self.string(key);
        self.string(value);
    }

    /// A list of strings.
    pub fn strings<S: AsRef<str>>(&mut self, values: &[S]) {
        self.list(values.len());
        for value in values {
            self.string(value.as_ref());
        }
    }

    fn head(&mut self, tiny: u8, markers: [u8; 3], length: usize) {
        match u8::try_from(length) {
            Ok(small) if small < 16 => self.out.push(tiny | small),
            _ => self.sized(markers, length),
        }
    }

    fn sized(&mut self, [m8, m16, m32]: [u8; 3], length: usize) {
        if let Ok(length) = u8::try_from(length) {
            self.out.extend_from_slice(&[m8, length]);
        } else if let Ok(length) = u16::try_from(length) {
            self.out.push(m16);
            self.out.extend_from_slice(&length.to_be_bytes());
        } else {
            debug_assert!(u32::try_from(length).is_ok(), "longer than PackStream can say");
            self.out.push(m32);
            self.out.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
}
