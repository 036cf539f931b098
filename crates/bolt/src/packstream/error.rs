//! What can be wrong with bytes, and with values that are to become bytes.

use crate::Version;
use thiserror::Error;

/// Why bytes are not a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside of a value.
    #[error("the bytes end in the middle of a value")]
    Truncated,
    /// A length is larger than what can follow it.
    #[error("a {what} claims {length} items, but only {remaining} bytes remain")]
    Length {
        /// What claimed the length: `list`, `map`, `string`, ...
        what: &'static str,
        /// The length claimed.
        length: usize,
        /// Bytes that remain.
        remaining: usize,
    },
    /// A byte that starts no value in this version.
    #[error("0x{0:02X} starts no value in this version of Bolt")]
    UnknownMarker(u8),
    /// Text that is not UTF-8.
    #[error("a string is not valid UTF-8")]
    Utf8,
    /// Nesting deeper than [`Limits::depth`](crate::Limits::depth).
    #[error("values are nested deeper than the limit of {0} levels (option `limits.depth`)")]
    Depth(usize),
    /// Structures of the graph in each other, deeper than [`Limits::MAX_GRAPH_DEPTH`](crate::Limits::MAX_GRAPH_DEPTH).
    #[error("nodes, relationships and paths are nested in each other deeper than {0} levels")]
    GraphDepth(usize),
    /// A map key that is no string.
    #[error("a map key is not a string")]
    Key,
    /// A structure that this version does not know.
    #[error("0x{signature:02X} is no structure of Bolt {version}")]
    Structure {
        /// Its signature.
        signature: u8,
        /// The version of the connection.
        version: Version,
    },
    /// A structure with too few or too many fields.
    #[error("a {structure} has {actual} fields, it should have {expected}")]
    Arity {
        /// The structure's name.
        structure: &'static str,
        /// Fields it should have.
        expected: usize,
        /// Fields it has.
        actual: usize,
    },
    /// A field of a structure with a value of the wrong type.
    #[error("the {field} of a {structure} has the wrong type")]
    FieldType {
        /// The structure's name.
        structure: &'static str,
        /// The field's name.
        field: &'static str,
    },
    /// A field of a structure with a value out of its range.
    #[error("the {field} of a {structure} is out of range")]
    FieldRange {
        /// The structure's name.
        structure: &'static str,
        /// The field's name.
        field: &'static str,
    },
    /// A record with another number of values than the result has columns.
    #[error("a record has {actual} values, the result has {expected} columns")]
    Columns {
        /// Columns of the result.
        expected: usize,
        /// Values of the record.
        actual: usize,
    },
    /// Something other than a list, map or string where one of these must be.
    #[error("a {0} was expected")]
    Expected(&'static str),
    /// Bytes after the end of the value.
    #[error("{0} bytes follow the end of the value")]
    Trailing(usize),
    /// More than a limit allows.
    #[error("{what} exceeds the limit of {limit} (option `limits.{name}`)")]
    TooLarge {
        /// What exceeds it.
        what: &'static str,
        /// The name of the limit in [`Limits`](crate::Limits), and so in the options of a driver.
        name: &'static str,
        /// The limit.
        limit: usize,
    },
}

impl DecodeError {
    /// Whether it concerns one value alone: its bytes can be passed over, and what follows can be read.
    pub fn is_of_one_value(&self) -> bool {
        use DecodeError::{Arity, FieldRange, FieldType, Structure};
        matches!(self, Structure { .. } | Arity { .. } | FieldType { .. } | FieldRange { .. })
    }
}

/// Why a value cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The version has no such type.
    #[error("{type_name} cannot be sent over Bolt {version}")]
    Unsupported {
        /// The type's name.
        type_name: &'static str,
        /// The version of the connection.
        version: Version,
    },
    /// A value out of the range of its type.
    #[error("the {field} of a {type_name} is out of range")]
    Range {
        /// The type's name.
        type_name: &'static str,
        /// The field's name.
        field: &'static str,
    },
}
