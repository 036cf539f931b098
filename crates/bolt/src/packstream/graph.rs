//! Structures of the graph: nodes, relationships and paths, which hold further values.

use super::marker::signature;
use super::{DecodeError, Dialect, Item, Limits, Reader};

/// Which structure of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GraphForm {
    Node,
    Relationship,
    UnboundRelationship,
    Path,
}

impl GraphForm {
    pub(crate) fn of(code: u8) -> Option<Self> {
        match code {
            signature::NODE => Some(Self::Node),
            signature::RELATIONSHIP => Some(Self::Relationship),
            signature::UNBOUND_RELATIONSHIP => Some(Self::UnboundRelationship),
            signature::PATH => Some(Self::Path),
            _ => None,
        }
    }

    pub(crate) fn signature(self) -> u8 {
        match self {
            Self::Node => signature::NODE,
            Self::Relationship => signature::RELATIONSHIP,
            Self::UnboundRelationship => signature::UNBOUND_RELATIONSHIP,
            Self::Path => signature::PATH,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Node => "Node",
            Self::Relationship => "Relationship",
            Self::UnboundRelationship => "UnboundRelationship",
            Self::Path => "Path",
        }
    }

    /// Fields on the wire: Bolt 5.0 added the element ids.
    pub(crate) fn fields(self, dialect: &Dialect) -> usize {
        match (self, dialect.element_ids) {
            (Self::Node, false) | (Self::UnboundRelationship, false) | (Self::Path, _) => 3,
            (Self::Node, true) | (Self::UnboundRelationship, true) => 4,
            (Self::Relationship, false) => 5,
            (Self::Relationship, true) => 8,
        }
    }

    /// Element ids after the properties.
    pub(crate) fn element_ids(self, dialect: &Dialect) -> usize {
        match self {
            _ if !dialect.element_ids => 0,
            Self::Node | Self::UnboundRelationship => 1,
            Self::Relationship => 3,
            Self::Path => 0,
        }
    }

    /// One more structure of the graph than are around it.
    pub(crate) fn inside(around: usize) -> Result<usize, DecodeError> {
        match around {
            Limits::MAX_GRAPH_DEPTH.. => Err(DecodeError::GraphDepth(Limits::MAX_GRAPH_DEPTH)),
            _ => Ok(around + 1),
        }
    }

    fn wrong(self, field: &'static str) -> DecodeError {
        DecodeError::FieldType { structure: self.name(), field }
    }

    /// An id: an integer.
    pub(crate) fn id(self, reader: &mut Reader<'_>) -> Result<i64, DecodeError> {
        match reader.item()? {
            Item::Integer(id) => Ok(id),
            _ => Err(self.wrong("id")),
        }
    }

    /// A string whose bytes are not yet known to be UTF-8.
    pub(crate) fn string<'a>(
        self,
        reader: &mut Reader<'a>,
        field: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        match reader.item()? {
            Item::String(bytes) => Ok(bytes),
            _ => Err(self.wrong(field)),
        }
    }

    /// The head of a list.
    pub(crate) fn list(self, reader: &mut Reader<'_>, field: &'static str) -> Result<usize, DecodeError> {
        match reader.item()? {
            Item::List(n) => Ok(n),
            _ => Err(self.wrong(field)),
        }
    }

    /// The head of the map of properties.
    pub(crate) fn properties(self, reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
        match reader.item()? {
            Item::Map(n) => Ok(n),
            _ => Err(self.wrong("properties")),
        }
    }

    /// The head of this structure as an element of a path.
    pub(crate) fn head_in_path(
        self,
        reader: &mut Reader<'_>,
        dialect: &Dialect,
        field: &'static str,
    ) -> Result<(), DecodeError> {
        match reader.item()? {
            Item::Structure { signature, fields } if signature == self.signature() => {
                let expected = self.fields(dialect);
                if fields == expected {
                    Ok(())
                } else {
                    Err(DecodeError::Arity { structure: self.name(), expected, actual: fields })
                }
            }
            _ => Err(Self::Path.wrong(field)),
        }
    }

    /// How many nodes a path has: one at least.
    pub(crate) fn path_nodes(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
        match Self::Path.list(reader, "nodes")? {
            0 => Err(DecodeError::FieldRange { structure: "Path", field: "nodes" }),
            n => Ok(n),
        }
    }

    /// How many indices a path has: two for each step.
    pub(crate) fn indices(reader: &mut Reader<'_>) -> Result<usize, DecodeError> {
        match Self::Path.list(reader, "indices")? {
            n if n % 2 == 0 => Ok(n),
            _ => Err(DecodeError::FieldRange { structure: "Path", field: "indices" }),
        }
    }

    /// The next two indices of a path: relationship (from 1, negative for one against its direction), node (from 0).
    pub(crate) fn step(
        reader: &mut Reader<'_>,
        nodes: usize,
        relationships: usize,
    ) -> Result<(i64, i64), DecodeError> {
        let (Item::Integer(relationship), Item::Integer(node)) = (reader.item()?, reader.item()?) else {
            return Err(Self::Path.wrong("indices"));
        };
        if !path_step_is_valid(relationship, node, nodes, relationships) {
            return Err(DecodeError::FieldRange { structure: "Path", field: "indices" });
        }
        Ok((relationship, node))
    }
}

/// Whether a path of so many nodes and relationships can take this step.
pub(crate) fn path_step_is_valid(relationship: i64, node: i64, nodes: usize, relationships: usize) -> bool {
    relationship != 0
        && relationship.unsigned_abs() <= relationships as u64
        && u64::try_from(node).is_ok_and(|node| node < nodes as u64)
}
