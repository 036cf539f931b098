//! Bytes to an owned value.

use super::graph::GraphForm;
use super::structure::{self, Leaf, Structure};
use super::{
    text, DecodeError, Dialect, Item, Limits, Node, Path, Point, Reader, Relationship, UnboundRelationship,
    UnsupportedType, Value, Vector, Zoned,
};
use crate::Version;

/// Decodes one whole value. `utc` says whether the `utc` patch was agreed on (Bolt 4.3 and 4.4).
///
/// The value takes at most some forty times the memory of its bytes, and is no deeper than
/// [`Limits::MAX_VALUE_DEPTH`].
pub fn decode(bytes: &[u8], version: Version, utc: bool, limits: &Limits) -> Result<Value, DecodeError> {
    decode_with(bytes, &Dialect::new(version, utc), limits)
}

pub(crate) fn decode_with(bytes: &[u8], dialect: &Dialect, limits: &Limits) -> Result<Value, DecodeError> {
    let limit = limits.depth.min(Limits::MAX_VALUE_DEPTH);
    let mut decoder = Decoder { reader: Reader::new(bytes), dialect, limit, graphs: 0, owed: 0 };
    let value = decoder.value(limit)?;
    decoder.reader.finish()?;
    Ok(value)
}

struct Decoder<'d, 'a> {
    reader: Reader<'a>,
    dialect: &'d Dialect,
    limit: usize,
    /// Structures of the graph around this place.
    graphs: usize,
    /// Elements that the lists and maps around this place still have to bring. Each takes a byte at least, so that
    /// they cannot all claim the same bytes: memory for elements is never taken twice.
    owed: usize,
}

impl Decoder<'_, '_> {
    fn value(&mut self, depth: usize) -> Result<Value, DecodeError> {
        Ok(match self.reader.item()? {
            Item::Null => Value::Null,
            Item::Boolean(value) => Value::Boolean(value),
            Item::Integer(value) => Value::Integer(value),
            Item::Float(value) => Value::Float(value),
            Item::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Item::String(bytes) => Value::String(text(bytes)?.to_owned()),
            Item::Uuid(bytes) if self.dialect.uuids => Value::Uuid(Box::new(bytes)),
            Item::Uuid(_) => return Err(DecodeError::UnknownMarker(super::marker::UUID)),
            Item::List(n) => {
                let depth = self.deeper(depth)?;
                self.many(n, |this| this.value(depth)).map(Value::List)?
            }
            Item::Map(n) => Value::Map(self.entries(n, depth)?),
            Item::Structure { signature, fields } => {
                match structure::read(&mut self.reader, self.dialect, signature, fields)? {
                    Structure::Leaf(leaf) => leaf_value(leaf),
                    Structure::Graph(form) => {
                        let depth = self.deeper(depth)?;
                        let around = self.graphs;
                        self.graphs = GraphForm::inside(around)?;
                        let value = self.graph(form, depth)?;
                        self.graphs = around;
                        value
                    }
                }
            }
        })
    }

    fn deeper(&self, depth: usize) -> Result<usize, DecodeError> {
        depth.checked_sub(1).ok_or(DecodeError::Depth(self.limit))
    }

    fn many<T>(
        &mut self,
        n: usize,
        mut one: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let remaining = self.reader.remaining();
        if n > remaining.saturating_sub(self.owed) {
            return Err(DecodeError::Length { what: "list or map", length: n, remaining });
        }
        self.owed += n;
        let mut all = Vec::with_capacity(n);
        for _ in 0..n {
            self.owed -= 1;
            all.push(one(self)?);
        }
        Ok(all)
    }

    fn entries(&mut self, n: usize, depth: usize) -> Result<Vec<(String, Value)>, DecodeError> {
        let depth = self.deeper(depth)?;
        self.many(n, |this| {
            let key = text(this.reader.key()?)?.to_owned();
            Ok((key, this.value(depth)?))
        })
    }

    fn graph(&mut self, form: GraphForm, depth: usize) -> Result<Value, DecodeError> {
        Ok(match form {
            GraphForm::Node => Value::Node(Box::new(self.node(depth)?)),
            GraphForm::Relationship => Value::Relationship(Box::new(self.relationship(depth)?)),
            GraphForm::UnboundRelationship => Value::UnboundRelationship(Box::new(self.unbound(depth)?)),
            GraphForm::Path => Value::Path(Box::new(self.path(depth)?)),
        })
    }

    fn properties(&mut self, form: GraphForm, depth: usize) -> Result<Vec<(String, Value)>, DecodeError> {
        let n = form.properties(&mut self.reader)?;
        self.entries(n, depth)
    }

    fn owned(&mut self, form: GraphForm, field: &'static str) -> Result<String, DecodeError> {
        text(form.string(&mut self.reader, field)?).map(str::to_owned)
    }

    fn element_id(&mut self, form: GraphForm) -> Result<Option<String>, DecodeError> {
        self.dialect.element_ids.then(|| self.owned(form, "element id")).transpose()
    }

    fn node(&mut self, depth: usize) -> Result<Node, DecodeError> {
        let form = GraphForm::Node;
        let id = form.id(&mut self.reader)?;
        let labels = form.list(&mut self.reader, "labels")?;
        Ok(Node {
            id,
            labels: self.many(labels, |this| this.owned(form, "labels"))?,
            properties: self.properties(form, depth)?,
            element_id: self.element_id(form)?,
        })
    }

    fn relationship(&mut self, depth: usize) -> Result<Relationship, DecodeError> {
        let form = GraphForm::Relationship;
        Ok(Relationship {
            id: form.id(&mut self.reader)?,
            start: form.id(&mut self.reader)?,
            end: form.id(&mut self.reader)?,
            kind: self.owned(form, "type")?,
            properties: self.properties(form, depth)?,
            element_ids: match self.dialect.element_ids {
                true => Some([
                    self.owned(form, "element id")?,
                    self.owned(form, "element id")?,
                    self.owned(form, "element id")?,
                ]),
                false => None,
            },
        })
    }

    fn unbound(&mut self, depth: usize) -> Result<UnboundRelationship, DecodeError> {
        let form = GraphForm::UnboundRelationship;
        Ok(UnboundRelationship {
            id: form.id(&mut self.reader)?,
            kind: self.owned(form, "type")?,
            properties: self.properties(form, depth)?,
            element_id: self.element_id(form)?,
        })
    }

    fn path(&mut self, depth: usize) -> Result<Path, DecodeError> {
        let depth = self.deeper(depth)?;
        let nodes = GraphForm::path_nodes(&mut self.reader)?;
        let nodes = self.many(nodes, |this| {
            GraphForm::Node.head_in_path(&mut this.reader, this.dialect, "nodes")?;
            this.node(depth)
        })?;
        let relationships = GraphForm::Path.list(&mut self.reader, "relationships")?;
        let relationships = self.many(relationships, |this| {
            GraphForm::UnboundRelationship.head_in_path(&mut this.reader, this.dialect, "relationships")?;
            this.unbound(depth)
        })?;
        let mut indices = Vec::new();
        for _ in 0..GraphForm::indices(&mut self.reader)? / 2 {
            let (relationship, node) = GraphForm::step(&mut self.reader, nodes.len(), relationships.len())?;
            indices.extend([relationship, node]);
        }
        Ok(Path { nodes, relationships, indices })
    }
}

/// Every field was held against its range, so that none of these conversions loses anything.
fn leaf_value(leaf: Leaf<'_>) -> Value {
    match leaf {
        Leaf::Date { days } => Value::Date(days),
        Leaf::Time { nanos, offset } => Value::Time { nanos, offset: offset as i32 },
        Leaf::LocalTime { nanos } => Value::LocalTime(nanos),
        Leaf::LocalDateTime { seconds, nanos } => Value::LocalDateTime { seconds, nanos: nanos as u32 },
        Leaf::DateTimeOffset { seconds, nanos, offset } => {
            Value::DateTime { seconds, nanos: nanos as u32, offset: offset as i32 }
        }
        Leaf::DateTimeZone { utc, seconds, nanos, zone } => {
            Value::Zoned(Box::new(Zoned { utc, seconds, nanos: nanos as u32, zone: zone.to_owned() }))
        }
        Leaf::Duration { months, days, seconds, nanos } => {
            Value::Duration(Box::new([months, days, seconds, nanos]))
        }
        Leaf::Point2D { srid, x, y } => Value::Point(Box::new(Point { srid: srid as i32, x, y, z: None })),
        Leaf::Point3D { srid, x, y, z } => {
            Value::Point(Box::new(Point { srid: srid as i32, x, y, z: Some(z) }))
        }
        Leaf::Vector { marker, bytes } => Value::Vector(Box::new(Vector { marker, bytes: bytes.to_vec() })),
        Leaf::Unsupported { name, major, minor, message } => Value::Unsupported(Box::new(UnsupportedType {
            name: name.to_owned(),
            minimum: (major as u8, minor as u8),
            message: message.map(str::to_owned),
        })),
    }
}
