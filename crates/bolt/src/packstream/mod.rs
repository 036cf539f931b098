//! The data format of Bolt: bytes to values and back.
//!
//! [`decode`] and [`encode`] turn one whole value; [`Reader`] and [`Writer`] work item by item. Which structures
//! may occur, and in which form, depends on the version: [`Dialect`].

mod check;
mod decode;
mod dialect;
mod encode;
mod error;
mod graph;
mod levels;
mod limits;
pub mod marker;
mod reader;
mod structure;
mod value;
mod writer;

pub use decode::decode;
pub use dialect::Dialect;
pub use encode::encode;
pub use error::{DecodeError, EncodeError};
pub use limits::Limits;
pub use reader::{text, Item, Reader};
pub use value::{
    Node, Path, Point, Relationship, UnboundRelationship, UnsupportedType, Value, Vector, Zoned,
};
pub use writer::Writer;

pub(crate) use check::check;
pub(crate) use decode::decode_with;
pub(crate) use encode::encode_with;
pub(crate) use graph::GraphForm;
pub(crate) use levels::{Level, Levels};
pub(crate) use structure::{read as read_structure, shift_seconds, Leaf, Structure};
