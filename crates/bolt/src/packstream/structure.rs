//! Structures without further values inside: which there are, how many fields each has, and the range of each
//! field. The one place that knows, for the decoder of values and for the columns alike.
//!
//! Ranges are those of Neo4j: years -999,999,999 to 999,999,999, offsets to 18 hours either way.

use super::graph::GraphForm;
use super::marker::{signature, vector};
use super::{text, DecodeError, Dialect, Item, Reader};
use std::ops::RangeInclusive;

const NANOS_PER_DAY: i64 = 86_400_000_000_000;
const NANOS: RangeInclusive<i64> = 0..=999_999_999;
const NANOS_OF_DAY: RangeInclusive<i64> = 0..=NANOS_PER_DAY - 1;
const OFFSET: RangeInclusive<i64> = -64_800..=64_800;
/// -999999999-01-01 to +999999999-12-31 in days since 1970-01-01.
const DAYS: RangeInclusive<i64> = -365_243_219_162..=365_241_780_471;
const SECONDS: RangeInclusive<i64> = *DAYS.start() * 86_400..=*DAYS.end() * 86_400 + 86_399;
/// UTC seconds of a date-time whose offset is not known here: its local time may be 18 hours further.
const UTC_SECONDS: RangeInclusive<i64> = *SECONDS.start() - *OFFSET.end()..=*SECONDS.end() + *OFFSET.end();
const ANY: RangeInclusive<i64> = i64::MIN..=i64::MAX;

/// A structure with its fields, checked. Strings and bytes are borrowed from the input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Leaf<'a> {
    Date {
        days: i64,
    },
    Time {
        nanos: i64,
        offset: i64,
    },
    LocalTime {
        nanos: i64,
    },
    LocalDateTime {
        seconds: i64,
        nanos: i64,
    },
    /// `seconds` are local (wall clock), whatever form was sent.
    DateTimeOffset {
        seconds: i64,
        nanos: i64,
        offset: i64,
    },
    DateTimeZone {
        utc: bool,
        seconds: i64,
        nanos: i64,
        zone: &'a str,
    },
    Duration {
        months: i64,
        days: i64,
        seconds: i64,
        nanos: i64,
    },
    Point2D {
        srid: i64,
        x: f64,
        y: f64,
    },
    Point3D {
        srid: i64,
        x: f64,
        y: f64,
        z: f64,
    },
    Vector {
        marker: u8,
        bytes: &'a [u8],
    },
    Unsupported {
        name: &'a str,
        major: i64,
        minor: i64,
        message: Option<&'a str>,
    },
}

/// A structure whose head was read.
pub(crate) enum Structure<'a> {
    /// Read to its end.
    Leaf(Leaf<'a>),
    /// Its fields, in the number that the dialect wants, are still to be read.
    Graph(GraphForm),
}

/// Reads what follows the head of a structure.
pub(crate) fn read<'a>(
    reader: &mut Reader<'a>,
    dialect: &Dialect,
    code: u8,
    fields: usize,
) -> Result<Structure<'a>, DecodeError> {
    if let Some(form) = GraphForm::of(code) {
        arity(form.name(), form.fields(dialect), fields)?;
        return Ok(Structure::Graph(form));
    }
    let (structure, expected, known) = match code {
        signature::DATE => ("Date", 1, dialect.temporal),
        signature::TIME => ("Time", 2, dialect.temporal),
        signature::LOCAL_TIME => ("LocalTime", 1, dialect.temporal),
        signature::LOCAL_DATE_TIME => ("LocalDateTime", 2, dialect.temporal),
        signature::DATE_TIME_OFFSET | signature::DATE_TIME_ZONE => ("DateTime", 3, dialect.utc),
        signature::DATE_TIME_OFFSET_LEGACY | signature::DATE_TIME_ZONE_LEGACY => {
            ("DateTime", 3, dialect.temporal && !dialect.utc)
        }
        signature::DURATION => ("Duration", 4, dialect.temporal),
        signature::POINT_2D => ("Point", 3, dialect.temporal),
        signature::POINT_3D => ("Point", 4, dialect.temporal),
        signature::VECTOR => ("Vector", 2, dialect.vectors),
        signature::UNSUPPORTED => ("UnsupportedType", 4, dialect.vectors),
        _ => ("", 0, false),
    };
    if !known {
        return Err(DecodeError::Structure { signature: code, version: dialect.version });
    }
    arity(structure, expected, fields)?;
    Fields { reader, structure }.leaf(code).map(Structure::Leaf)
}

fn arity(structure: &'static str, expected: usize, actual: usize) -> Result<(), DecodeError> {
    if expected == actual {
        Ok(())
    } else {
        Err(DecodeError::Arity { structure, expected, actual })
    }
}

/// `seconds + by`, if that is a date-time that Neo4j can hold.
pub(crate) fn shift_seconds(seconds: i64, by: i64) -> Option<i64> {
    seconds.checked_add(by).filter(|sum| UTC_SECONDS.contains(sum))
}

struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    structure: &'static str,
}

impl<'a> Fields<'_, 'a> {
    fn leaf(&mut self, code: u8) -> Result<Leaf<'a>, DecodeError> {
        Ok(match code {
            signature::DATE => Leaf::Date { days: self.integer("days", DAYS)? },
            signature::TIME => Leaf::Time {
                nanos: self.integer("nanoseconds", NANOS_OF_DAY)?,
                offset: self.integer("offset", OFFSET)?,
            },
            signature::LOCAL_TIME => Leaf::LocalTime { nanos: self.integer("nanoseconds", NANOS_OF_DAY)? },
            signature::LOCAL_DATE_TIME => Leaf::LocalDateTime {
                seconds: self.integer("seconds", SECONDS)?,
                nanos: self.integer("nanoseconds", NANOS)?,
            },
            signature::DATE_TIME_OFFSET => {
                let utc = self.integer("seconds", UTC_SECONDS)?;
                let nanos = self.integer("nanoseconds", NANOS)?;
                let offset = self.integer("offset", OFFSET)?;
                // both are within their ranges, so the sum is far from overflow
                let seconds = self.in_range("seconds", utc + offset, SECONDS)?;
                Leaf::DateTimeOffset { seconds, nanos, offset }
            }
            signature::DATE_TIME_OFFSET_LEGACY => Leaf::DateTimeOffset {
                seconds: self.integer("seconds", SECONDS)?,
                nanos: self.integer("nanoseconds", NANOS)?,
                offset: self.integer("offset", OFFSET)?,
            },
            signature::DATE_TIME_ZONE => self.zoned(true, UTC_SECONDS)?,
            signature::DATE_TIME_ZONE_LEGACY => self.zoned(false, SECONDS)?,
            signature::DURATION => Leaf::Duration {
                months: self.integer("months", ANY)?,
                days: self.integer("days", ANY)?,
                seconds: self.integer("seconds", ANY)?,
                nanos: self.integer("nanoseconds", -*NANOS.end()..=*NANOS.end())?,
            },
            signature::POINT_2D => {
                Leaf::Point2D { srid: self.srid()?, x: self.float("x")?, y: self.float("y")? }
            }
            signature::POINT_3D => Leaf::Point3D {
                srid: self.srid()?,
                x: self.float("x")?,
                y: self.float("y")?,
                z: self.float("z")?,
            },
            signature::VECTOR => self.vector()?,
            _ => Leaf::Unsupported {
                name: self.text("name")?,
                major: self.integer("minimum version", 0..=255)?,
                minor: self.integer("minimum version", 0..=255)?,
                message: self.message()?,
            },
        })
    }

    fn zoned(&mut self, utc: bool, range: RangeInclusive<i64>) -> Result<Leaf<'a>, DecodeError> {
        Ok(Leaf::DateTimeZone {
            utc,
            seconds: self.integer("seconds", range)?,
            nanos: self.integer("nanoseconds", NANOS)?,
            zone: self.text("zone id")?,
        })
    }

    fn vector(&mut self) -> Result<Leaf<'a>, DecodeError> {
        let marker = match self.bytes("element type")? {
            [marker] => *marker,
            _ => return Err(self.range("element type")),
        };
        let size = vector::element_size(marker).ok_or_else(|| self.range("element type"))?;
        let bytes = self.bytes("elements")?;
        if bytes.len() % size != 0 {
            return Err(self.range("elements"));
        }
        Ok(Leaf::Vector { marker, bytes })
    }

    /// The `message` of a map; other entries are for servers to come.
    fn message(&mut self) -> Result<Option<&'a str>, DecodeError> {
        let Item::Map(entries) = self.reader.item()? else { return Err(self.wrong("details")) };
        let mut message = None;
        for _ in 0..entries {
            if self.reader.key()? == b"message" {
                message = Some(self.text("message")?);
            } else {
                self.reader.skip()?;
            }
        }
        Ok(message)
    }

    fn srid(&mut self) -> Result<i64, DecodeError> {
        self.integer("srid", 0..=i64::from(i32::MAX))
    }

    fn integer(&mut self, field: &'static str, range: RangeInclusive<i64>) -> Result<i64, DecodeError> {
        match self.reader.item()? {
            Item::Integer(value) => self.in_range(field, value, range),
            _ => Err(self.wrong(field)),
        }
    }

    fn in_range(
        &self,
        field: &'static str,
        value: i64,
        range: RangeInclusive<i64>,
    ) -> Result<i64, DecodeError> {
        if range.contains(&value) {
            Ok(value)
        } else {
            Err(self.range(field))
        }
    }

    fn float(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        match self.reader.item()? {
            Item::Float(value) => Ok(value),
            _ => Err(self.wrong(field)),
        }
    }

    fn text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        match self.reader.item()? {
            Item::String(bytes) => text(bytes),
            _ => Err(self.wrong(field)),
        }
    }

    fn bytes(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        match self.reader.item()? {
            Item::Bytes(bytes) => Ok(bytes),
            _ => Err(self.wrong(field)),
        }
    }

    fn wrong(&self, field: &'static str) -> DecodeError {
        DecodeError::FieldType { structure: self.structure, field }
    }

    fn range(&self, field: &'static str) -> DecodeError {
        DecodeError::FieldRange { structure: self.structure, field }
    }
}
