//! An owned value to bytes.

use super::graph::{path_step_is_valid, GraphForm};
use super::marker::{signature, vector};
use super::{Dialect, EncodeError, Node, Path, Point, UnboundRelationship, Value, Writer, Zoned};
use crate::Version;

/// Encodes one value. `utc` says whether the `utc` patch was agreed on (Bolt 4.3 and 4.4).
///
/// On an error the buffer may hold the beginning of the value.
pub fn encode(value: &Value, version: Version, utc: bool, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_with(value, &Dialect::new(version, utc), out)
}

pub(crate) fn encode_with(value: &Value, dialect: &Dialect, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    Encoder { writer: Writer::new(out), dialect }.value(value)
}

struct Encoder<'d, 'o> {
    writer: Writer<'o>,
    dialect: &'d Dialect,
}

impl Encoder<'_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.writer.null(),
            Value::Boolean(value) => self.writer.boolean(*value),
            Value::Integer(value) => self.writer.integer(*value),
            Value::Float(value) => self.writer.float(*value),
            Value::Bytes(bytes) => self.writer.bytes(bytes),
            Value::String(text) => self.writer.string(text),
            Value::List(values) => {
                self.writer.list(values.len());
                for value in values {
                    self.value(value)?;
                }
            }
            Value::Map(entries) => self.entries(entries)?,
            Value::Node(node) => self.node(node)?,
            Value::Relationship(it) => {
                self.graph(GraphForm::Relationship);
                self.integers(&[it.id, it.start, it.end]);
                self.writer.string(&it.kind);
                self.entries(&it.properties)?;
                if self.dialect.element_ids {
                    for id in it.element_ids.as_ref().unwrap_or(&Default::default()) {
                        self.writer.string(id);
                    }
                }
            }
            Value::UnboundRelationship(relationship) => self.unbound(relationship)?,
            Value::Path(path) => self.path(path)?,
            Value::Date(days) => {
                self.temporal("Date")?;
                self.structure(signature::DATE, &[*days]);
            }
            Value::Time { nanos, offset } => {
                self.temporal("Time")?;
                self.structure(signature::TIME, &[*nanos, i64::from(*offset)]);
            }
            Value::LocalTime(nanos) => {
                self.temporal("LocalTime")?;
                self.structure(signature::LOCAL_TIME, &[*nanos]);
            }
            Value::LocalDateTime { seconds, nanos } => {
                self.temporal("LocalDateTime")?;
                self.structure(signature::LOCAL_DATE_TIME, &[*seconds, i64::from(*nanos)]);
            }
            Value::DateTime { seconds, nanos, offset } => self.date_time(*seconds, *nanos, *offset)?,
            Value::Zoned(zoned) => self.zoned(zoned)?,
            Value::Duration(parts) => {
                self.temporal("Duration")?;
                self.structure(signature::DURATION, &parts[..]);
            }
            Value::Point(point) => self.point(point)?,
            Value::Vector(it) => {
                self.require(self.dialect.vectors, "Vector")?;
                let size = vector::element_size(it.marker);
                if size.is_none_or(|size| it.bytes.len() % size != 0) {
                    return Err(EncodeError::Range { type_name: "Vector", field: "elements" });
                }
                self.writer.structure(signature::VECTOR, 2);
                self.writer.bytes(&[it.marker]);
                self.writer.bytes(&it.bytes);
            }
            Value::Unsupported(it) => {
                self.require(self.dialect.vectors, "UnsupportedType")?;
                self.writer.structure(signature::UNSUPPORTED, 4);
                self.writer.string(&it.name);
                self.integers(&[i64::from(it.minimum.0), i64::from(it.minimum.1)]);
                self.writer.map(usize::from(it.message.is_some()));
                if let Some(message) = &it.message {
                    self.writer.string_entry("message", message);
                }
            }
            Value::Uuid(bytes) => {
                self.require(self.dialect.uuids, "UUID")?;
                self.writer.uuid(bytes);
            }
        }
        Ok(())
    }

    fn require(&self, known: bool, type_name: &'static str) -> Result<(), EncodeError> {
        if known {
            Ok(())
        } else {
            Err(EncodeError::Unsupported { type_name, version: self.dialect.version })
        }
    }

    fn temporal(&self, type_name: &'static str) -> Result<(), EncodeError> {
        self.require(self.dialect.temporal, type_name)
    }

    fn integers(&mut self, values: &[i64]) {
        for value in values {
            self.writer.integer(*value);
        }
    }

    fn structure(&mut self, signature: u8, fields: &[i64]) {
        self.writer.structure(signature, fields.len() as u8); // four at most
        self.integers(fields);
    }

    fn graph(&mut self, form: GraphForm) {
        self.writer.structure(form.signature(), form.fields(self.dialect) as u8);
        // eight at most
    }

    fn entries(&mut self, entries: &[(String, Value)]) -> Result<(), EncodeError> {
        self.writer.map(entries.len());
        for (key, value) in entries {
            self.writer.string(key);
            self.value(value)?;
        }
        Ok(())
    }

    fn element_id(&mut self, id: &Option<String>) {
        if self.dialect.element_ids {
            self.writer.string(id.as_deref().unwrap_or_default());
        }
    }

    fn node(&mut self, node: &Node) -> Result<(), EncodeError> {
        self.graph(GraphForm::Node);
        self.writer.integer(node.id);
        self.writer.strings(&node.labels);
        self.entries(&node.properties)?;
        self.element_id(&node.element_id);
        Ok(())
    }

    fn unbound(&mut self, relationship: &UnboundRelationship) -> Result<(), EncodeError> {
        self.graph(GraphForm::UnboundRelationship);
        self.writer.integer(relationship.id);
        self.writer.string(&relationship.kind);
        self.entries(&relationship.properties)?;
        self.element_id(&relationship.element_id);
        Ok(())
    }

    fn path(&mut self, path: &Path) -> Result<(), EncodeError> {
        let (nodes, relationships) = (path.nodes.len(), path.relationships.len());
        let steps = path.indices.chunks(2).all(|step| match step {
            [relationship, node] => path_step_is_valid(*relationship, *node, nodes, relationships),
            _ => false,
        });
        if !steps || path.nodes.is_empty() {
            return Err(EncodeError::Range { type_name: "Path", field: "indices" });
        }
        self.graph(GraphForm::Path);
        self.writer.list(nodes);
        for node in &path.nodes {
            self.node(node)?;
        }
        self.writer.list(relationships);
        for relationship in &path.relationships {
            self.unbound(relationship)?;
        }
        self.writer.list(path.indices.len());
        self.integers(&path.indices);
        Ok(())
    }

    fn date_time(&mut self, seconds: i64, nanos: u32, offset: i32) -> Result<(), EncodeError> {
        self.temporal("DateTime")?;
        let (nanos, offset) = (i64::from(nanos), i64::from(offset));
        if self.dialect.utc {
            let utc = seconds
                .checked_sub(offset)
                .ok_or(EncodeError::Range { type_name: "DateTime", field: "seconds" })?;
            self.structure(signature::DATE_TIME_OFFSET, &[utc, nanos, offset]);
        } else {
            self.structure(signature::DATE_TIME_OFFSET_LEGACY, &[seconds, nanos, offset]);
        }
        Ok(())
    }

    /// UTC seconds become local ones only with the rules of the zone, which are not known here.
    fn zoned(&mut self, zoned: &Zoned) -> Result<(), EncodeError> {
        self.temporal("DateTime")?;
        let type_name = if zoned.utc { "DateTime in UTC with a zone" } else { "local DateTime with a zone" };
        self.require(zoned.utc == self.dialect.utc, type_name)?;
        let signature = if zoned.utc { signature::DATE_TIME_ZONE } else { signature::DATE_TIME_ZONE_LEGACY };
        self.writer.structure(signature, 3);
        self.integers(&[zoned.seconds, i64::from(zoned.nanos)]);
        self.writer.string(&zoned.zone);
        Ok(())
    }

    fn point(&mut self, point: &Point) -> Result<(), EncodeError> {
        self.temporal("Point")?;
        match point.z {
            None => self.writer.structure(signature::POINT_2D, 3),
            Some(_) => self.writer.structure(signature::POINT_3D, 4),
        }
        self.writer.integer(i64::from(point.srid));
        self.writer.float(point.x);
        self.writer.float(point.y);
        if let Some(z) = point.z {
            self.writer.float(z);
        }
        Ok(())
    }
}
