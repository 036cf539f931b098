//! PackStream, as far as a server that replays prepared rows needs it.

/// What a client sent is not PackStream, or not the message it should be. It loses its connection for it.
#[derive(Debug)]
pub(crate) struct Malformed;

/// Appends PackStream values.
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(crate) fn int(&mut self, value: i64) {
        if let Ok(tiny @ -16..=127) = i8::try_from(value) {
            self.0.extend(tiny.to_be_bytes());
        } else if let Ok(small) = i8::try_from(value) {
            self.marked(0xC8, &small.to_be_bytes());
        } else if let Ok(medium) = i16::try_from(value) {
            self.marked(0xC9, &medium.to_be_bytes());
        } else if let Ok(large) = i32::try_from(value) {
            self.marked(0xCA, &large.to_be_bytes());
        } else {
            self.marked(0xCB, &value.to_be_bytes());
        }
    }

    pub(crate) fn float(&mut self, value: f64) {
        self.marked(0xC1, &value.to_be_bytes());
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.0.push(if value { 0xC3 } else { 0xC2 });
    }

    pub(crate) fn string(&mut self, text: &str) {
        self.sized(0x80, 0xD0, text.len());
        self.0.extend(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        match (u8::try_from(bytes.len()), u16::try_from(bytes.len())) {
            (Ok(size), _) => self.marked(0xCC, &size.to_be_bytes()),
            (_, Ok(size)) => self.marked(0xCD, &size.to_be_bytes()),
            _ => self.marked(0xCE, &u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()),
        }
        self.0.extend(bytes);
    }

    /// The head of a list; its items follow.
    pub(crate) fn list(&mut self, items: usize) {
        self.sized(0x90, 0xD4, items);
    }

    /// The head of a map; its entries follow, each a key and a value.
    pub(crate) fn map(&mut self, entries: usize) {
        self.sized(0xA0, 0xD8, entries);
    }

    /// The head of a structure or message of at most 15 fields, which follow.
    pub(crate) fn structure(&mut self, fields: u8, signature: u8) {
        self.0.extend([0xB0 | (fields & 0x0F), signature]);
    }

    /// A key and a string: the commonest entry of the metadata.
    pub(crate) fn entry(&mut self, key: &str, text: &str) {
        self.string(key);
        self.string(text);
    }

    fn marked(&mut self, marker: u8, bytes: &[u8]) {
        self.0.push(marker);
        self.0.extend(bytes);
    }

    /// The shortest head for a size: four bits inside the marker, else 8, 16 or 32 bits after it.
    fn sized(&mut self, tiny: u8, marker: u8, size: usize) {
        match (u8::try_from(size), u16::try_from(size)) {
            (Ok(size @ 0..=15), _) => self.0.push(tiny | size),
            (Ok(size), _) => self.marked(marker, &size.to_be_bytes()),
            (_, Ok(size)) => self.marked(marker + 1, &size.to_be_bytes()),
            _ => self.marked(marker + 2, &u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes()),
        }
    }
}

/// What a client's parameters add up to; sent back, so that the client can see that all of them arrived.
#[derive(Default)]
pub(crate) struct Tally {
    /// The sum of all integers and floats, added in the order they came in.
    pub(crate) numbers: f64,
    /// The bytes of all strings, keys included.
    pub(crate) text: i64,
}

/// Reads PackStream values from the front of what is left.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.0.split_first().ok_or(Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (&taken, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn size8(&mut self) -> Result<usize, Malformed> {
        self.byte().map(usize::from)
    }

    fn size16(&mut self) -> Result<usize, Malformed> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    fn size32(&mut self) -> Result<usize, Malformed> {
        self.array().and_then(|bytes| usize::try_from(u32::from_be_bytes(bytes)).map_err(|_| Malformed))
    }

    pub(crate) fn string(&mut self) -> Result<&'a str, Malformed> {
        let size = match self.byte()? {
            tiny @ 0x80..=0x8F => usize::from(tiny & 0x0F),
            0xD0 => self.size8()?,
            0xD1 => self.size16()?,
            0xD2 => self.size32()?,
            _ => return Err(Malformed),
        };
        std::str::from_utf8(self.take(size)?).map_err(|_| Malformed)
    }

    /// The number of entries of the map whose head is next.
    pub(crate) fn map(&mut self) -> Result<usize, Malformed> {
        match self.byte()? {
            tiny @ 0xA0..=0xAF => Ok(usize::from(tiny & 0x0F)),
            0xD8 => self.size8(),
            0xD9 => self.size16(),
            0xDA => self.size32(),
            _ => Err(Malformed),
        }
    }

    /// The number of items of the list that is next, which stays unread; nothing where no list is next.
    pub(crate) fn list_ahead(&self) -> Option<usize> {
        let mut ahead = Reader(self.0);
        match ahead.byte().ok()? {
            tiny @ 0x90..=0x9F => Some(usize::from(tiny & 0x0F)),
            0xD4 => ahead.size8().ok(),
            0xD5 => ahead.size16().ok(),
            0xD6 => ahead.size32().ok(),
            _ => None,
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64, Malformed> {
        Ok(match self.byte()? {
            tiny @ (0x00..=0x7F | 0xF0..=0xFF) => i64::from(i8::from_be_bytes([tiny])),
            0xC8 => i64::from(i8::from_be_bytes(self.array()?)),
            0xC9 => i64::from(i16::from_be_bytes(self.array()?)),
            0xCA => i64::from(i32::from_be_bytes(self.array()?)),
            0xCB => i64::from_be_bytes(self.array()?),
            _ => return Err(Malformed),
        })
    }

    /// Reads one value of any type, with all that is in it, into the tally. Works through the values one by one
    /// and counts those still due, so that no nesting is too deep.
    pub(crate) fn tally(&mut self, tally: &mut Tally) -> Result<(), Malformed> {
        let mut due: usize = 1;
        while let Some(left) = due.checked_sub(1) {
            let inner = match self.0.first().ok_or(Malformed)? {
                0x00..=0x7F | 0xF0..=0xFF | 0xC8..=0xCB => {
                    // Rounded above 2^53, for both sides of a comparison alike.
                    tally.numbers += self.int()? as f64;
                    0
                }
                0xC1 => {
                    self.byte()?;
                    tally.numbers += f64::from_be_bytes(self.array()?);
                    0
                }
                0x80..=0x8F | 0xD0..=0xD2 => {
                    tally.text += i64::try_from(self.string()?.len()).map_err(|_| Malformed)?;
                    0
                }
                0x90..=0x9F | 0xD4..=0xD6 => {
                    let items = self.list_ahead().ok_or(Malformed)?;
                    self.skip_head()?;
                    items
                }
                0xA0..=0xAF | 0xD8..=0xDA => self.map()?.saturating_mul(2),
                _ => self.rest_of_other()?,
            };
            due = left.saturating_add(inner);
        }
        Ok(())
    }

    /// Skips the head of a list, of which the size is known already.
    fn skip_head(&mut self) -> Result<(), Malformed> {
        let size_bytes = match self.byte()? {
            0xD4 => 1,
            0xD5 => 2,
            0xD6 => 4,
            _ => 0,
        };
        self.take(size_bytes).map(drop)
    }

    /// Null, a boolean, bytes or the head of a structure; gives the number of fields that follow.
    fn rest_of_other(&mut self) -> Result<usize, Malformed> {
        match self.byte()? {
            0xC0 | 0xC2 | 0xC3 => Ok(0),
            marker @ 0xCC..=0xCE => {
                let size = match marker {
                    0xCC => self.size8()?,
                    0xCD => self.size16()?,
                    _ => self.size32()?,
                };
                self.take(size).map(|_| 0)
            }
            marker @ 0xB0..=0xBF => self.byte().map(|_| usize::from(marker & 0x0F)),
            _ => Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut Writer(&mut bytes));
        bytes
    }

    #[test]
    fn integers_of_every_width_come_back() {
        for value in [0, 127, -16, -17, -128, 128, 32_767, -32_769, 1 << 31, i64::MIN, i64::MAX] {
            let bytes = packed(|p| p.int(value));
            assert!(matches!(Reader(&bytes).int(), Ok(read) if read == value), "{value}");
        }
    }

    #[test]
    fn a_tally_sees_every_value_once() {
        let bytes = packed(|p| {
            p.map(2);
            p.string("rows");
            p.list(300);
            for i in 0..300 {
                p.int(i);
            }
            p.string("x");
            p.list(2);
            p.float(0.5);
            p.boolean(true);
        });
        let (mut reader, mut tally) = (Reader(&bytes), Tally::default());
        assert!(reader.tally(&mut tally).is_ok() && reader.0.is_empty());
        assert_eq!((tally.numbers, tally.text), (44_850.5, 5));
    }

    #[test]
    fn what_is_cut_short_is_malformed() {
        let bytes = packed(|p| {
            p.list(1);
            p.string("a longer string than four bits can count");
        });
        for length in 0..bytes.len() {
            let cut = bytes.split_at(length).0;
            assert!(Reader(cut).tally(&mut Tally::default()).is_err(), "{length}");
        }
    }

    #[test]
    fn nesting_may_be_deep() {
        let bytes = vec![0x91; 1_000_000];
        assert!(Reader(&bytes).tally(&mut Tally::default()).is_err());
    }
}
