//! Query parameters: bytes that were packed without knowing the version, made to fit the version of a connection.
//!
//! Whoever packs them writes standard PackStream, but date-times as
//! - `B3 49` [utc seconds, nanoseconds, offset], and
//! - `B4 69` [local seconds, nanoseconds, zone id, offset], a form of this crate's own: the zone's rules are not known
//!   here, so the offset comes along.

use crate::message::RequestError;
use crate::packstream::marker::signature;
use crate::packstream::{encode_with, shift_seconds, DecodeError, Dialect, Item, Reader, Value, Writer};
use bytes::Bytes;
use std::borrow::Cow;

/// Bits of [`Parameters::needs`]: types that are among the parameters, and that not every version can carry.
pub mod needs {
    /// Any temporal or spatial type: Bolt 2.
    pub const TEMPORAL_OR_SPATIAL: u32 = 1;
    /// A date-time with an offset.
    pub const DATE_TIME_OFFSET: u32 = 2;
    /// A date-time with a zone id.
    pub const DATE_TIME_ZONE: u32 = 4;
    /// A vector: Bolt 6.0.
    pub const VECTOR: u32 = 8;
    /// A UUID: Bolt 6.1.
    pub const UUID: u32 = 16;
    /// A byte array: Neo4j 3.2.
    pub const BYTES: u32 = 32;
}

/// Parameters of a query: one packed map, and which of the types in it not every version can carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// One PackStream map, see the module's documentation for date-times.
    pub bytes: Bytes,
    /// Bits of [`needs`]. A bit that is missing although its type occurs leads to an error of the server at best.
    pub needs: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self::empty()
    }
}

impl Parameters {
    /// No parameters.
    pub fn empty() -> Self {
        Self { bytes: Bytes::from_static(&[0xA0]), needs: 0 }
    }

    /// Parameters from values. Date-times with a zone must hold UTC seconds, and are refused by versions that send
    /// local ones; parts of the graph are no parameters.
    pub fn from_map<K: AsRef<str>>(entries: &[(K, Value)]) -> Result<Self, crate::EncodeError> {
        let mut bytes = Vec::new();
        Writer::new(&mut bytes).map(entries.len());
        let newest = Dialect::new(crate::Version::new(6, 1), true);
        let mut needs = 0;
        for (key, value) in entries {
            Writer::new(&mut bytes).string(key.as_ref());
            needs |= needs_of(value)?;
            encode_with(value, &newest, &mut bytes)?;
        }
        Ok(Self { bytes: bytes.into(), needs })
    }
}

fn needs_of(value: &Value) -> Result<u32, crate::EncodeError> {
    let refuse =
        |type_name| Err(crate::EncodeError::Unsupported { type_name, version: crate::Version::new(6, 1) });
    Ok(match value {
        Value::List(values) => {
            let mut needs = 0;
            for value in values {
                needs |= needs_of(value)?;
            }
            needs
        }
        Value::Map(entries) => {
            let mut needs = 0;
            for (_, value) in entries {
                needs |= needs_of(value)?;
            }
            needs
        }
        Value::Node(_) => return refuse("Node"),
        Value::Relationship(_) => return refuse("Relationship"),
        Value::UnboundRelationship(_) => return refuse("UnboundRelationship"),
        Value::Path(_) => return refuse("Path"),
        Value::Unsupported(_) => return refuse("UnsupportedType"),
        Value::Date(_)
        | Value::Time { .. }
        | Value::LocalTime(_)
        | Value::LocalDateTime { .. }
        | Value::Duration(_)
        | Value::Point(_) => needs::TEMPORAL_OR_SPATIAL,
        Value::DateTime { .. } => needs::TEMPORAL_OR_SPATIAL | needs::DATE_TIME_OFFSET,
        Value::Zoned(_) => needs::TEMPORAL_OR_SPATIAL | needs::DATE_TIME_ZONE,
        Value::Vector(_) => needs::VECTOR,
        Value::Uuid(_) => needs::UUID,
        Value::Bytes(_) => needs::BYTES,
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::String(_) => 0,
    })
}

/// What the connection can carry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Carrier {
    pub(crate) dialect: Dialect,
    /// Byte arrays came with Neo4j 3.2, on the same Bolt 1.
    pub(crate) bytes: bool,
}

/// The parameters as this connection has to send them.
pub(crate) fn adapt(parameters: &Parameters, carrier: Carrier) -> Result<Cow<'_, [u8]>, RequestError> {
    use needs::*;
    let dialect = carrier.dialect;
    let lacking = [
        (
            TEMPORAL_OR_SPATIAL | DATE_TIME_OFFSET | DATE_TIME_ZONE,
            dialect.temporal,
            "a temporal or spatial value",
        ),
        (VECTOR, dialect.vectors, "a Vector"),
        (UUID, dialect.uuids, "a UUID"),
        (BYTES, carrier.bytes, "a byte array"),
    ];
    for (bits, carried, type_name) in lacking {
        if parameters.needs & bits != 0 && !carried {
            return Err(RequestError::Unsupported { type_name, version: dialect.version });
        }
    }
    let rewrite = DATE_TIME_ZONE | if dialect.utc { 0 } else { DATE_TIME_OFFSET };
    if parameters.needs & rewrite == 0 {
        is_map(&parameters.bytes)?;
        return Ok(Cow::Borrowed(&parameters.bytes));
    }
    adapt_map(&parameters.bytes, carrier)
}

/// The same for a map whose types are not known: it is looked through.
pub(crate) fn adapt_map(bytes: &[u8], carrier: Carrier) -> Result<Cow<'_, [u8]>, RequestError> {
    is_map(bytes)?;
    let mut rewriter = Rewriter { reader: Reader::new(bytes), bytes, copied: 0, out: Vec::new(), carrier };
    rewriter.value()?;
    rewriter.reader.finish().map_err(RequestError::Malformed)?;
    if rewriter.copied == 0 {
        return Ok(Cow::Borrowed(bytes));
    }
    rewriter.copy_until(bytes.len());
    Ok(Cow::Owned(rewriter.out))
}

fn is_map(bytes: &[u8]) -> Result<(), RequestError> {
    Reader::new(bytes).map().map(drop).map_err(RequestError::Malformed)
}

struct Rewriter<'a> {
    reader: Reader<'a>,
    bytes: &'a [u8],
    /// How much of the input is in the output.
    copied: usize,
    out: Vec<u8>,
    carrier: Carrier,
}

impl Rewriter<'_> {
    /// Containers have counts, not byte lengths, so that a structure can be replaced where it stands.
    fn value(&mut self) -> Result<(), RequestError> {
        let dialect = self.carrier.dialect;
        let mut left: u64 = 1;
        while left > 0 {
            left -= 1;
            let start = self.reader.position();
            match self.reader.item().map_err(RequestError::Malformed)? {
                Item::List(n) => left += n as u64,
                Item::Map(n) => left += 2 * n as u64,
                Item::Bytes(_) => self.require(self.carrier.bytes, "a byte array")?,
                Item::Uuid(_) => self.require(dialect.uuids, "a UUID")?,
                Item::Structure { signature: signature::VECTOR, fields } => {
                    self.require(dialect.vectors, "a Vector")?;
                    for _ in 0..fields {
                        self.reader.skip().map_err(RequestError::Malformed)?;
                    }
                }
                Item::Structure { signature, fields } => {
                    self.require(dialect.temporal, "a temporal or spatial value")?;
                    match (signature, fields) {
                        (signature::DATE_TIME_OFFSET, 3) if !dialect.utc => self.offset(start)?,
                        (signature::DATE_TIME_ZONE, 4) => self.zone(start)?,
                        _ => left += fields as u64,
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn require(&self, carried: bool, type_name: &'static str) -> Result<(), RequestError> {
        if carried {
            Ok(())
        } else {
            Err(RequestError::Unsupported { type_name, version: self.carrier.dialect.version })
        }
    }

    fn copy_until(&mut self, position: usize) {
        debug_assert!(self.bytes.get(self.copied..position).is_some(), "the parameters are read in order");
        self.out.extend_from_slice(self.bytes.get(self.copied..position).unwrap_or_default());
        self.copied = position;
    }

    fn integer(&mut self, field: &'static str) -> Result<i64, RequestError> {
        match self.reader.item() {
            Ok(Item::Integer(value)) => Ok(value),
            Ok(_) => Err(RequestError::Malformed(DecodeError::FieldType { structure: "DateTime", field })),
            Err(error) => Err(RequestError::Malformed(error)),
        }
    }

    fn shift(&self, seconds: i64, by: Option<i64>) -> Result<i64, RequestError> {
        by.and_then(|by| shift_seconds(seconds, by)).ok_or(RequestError::Malformed(DecodeError::FieldRange {
            structure: "DateTime",
            field: "seconds",
        }))
    }

    fn offset(&mut self, start: usize) -> Result<(), RequestError> {
        let utc = self.integer("seconds")?;
        let nanos = self.integer("nanoseconds")?;
        let offset = self.integer("offset")?;
        let local = self.shift(utc, Some(offset))?;
        self.copy_until(start);
        self.copied = self.reader.position();
        let mut writer = Writer::new(&mut self.out);
        writer.structure(signature::DATE_TIME_OFFSET_LEGACY, 3);
        writer.integer(local);
        writer.integer(nanos);
        writer.integer(offset);
        Ok(())
    }

    fn zone(&mut self, start: usize) -> Result<(), RequestError> {
        let local = self.integer("seconds")?;
        let nanos = self.integer("nanoseconds")?;
        let zone = self.reader.string().map_err(RequestError::Malformed)?;
        let offset = self.integer("offset")?;
        let utc = self.shift(local, offset.checked_neg())?;
        self.copy_until(start);
        self.copied = self.reader.position();
        let mut writer = Writer::new(&mut self.out);
        if self.carrier.dialect.utc {
            writer.structure(signature::DATE_TIME_ZONE, 3);
            writer.integer(utc);
        } else {
            writer.structure(signature::DATE_TIME_ZONE_LEGACY, 3);
            writer.integer(local);
        }
        writer.integer(nanos);
        writer.string(zone);
        Ok(())
    }
}
