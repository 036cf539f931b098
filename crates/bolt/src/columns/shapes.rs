//! Shapes of nodes: labels, property keys and the types of the properties. Nodes of one shape are read by one
//! piece of code that was made for it.

use super::interner::Interner;

/// Shapes of a result. Nodes of further shapes are written without one.
const MAX_SHAPES: usize = 1_024;
/// Labels, and properties, of a node that can have a shape.
pub(super) const MAX_PARTS: usize = 64;

/// The shapes of one result: element ids (0, 1), number of labels, labels, number of properties, (key, type).
#[derive(Debug)]
pub(super) struct Shapes {
    shapes: Interner<i32>,
    told: usize,
    /// Shapes that are being put together, one behind the other: a property of a node may hold nodes.
    pub(super) scratch: Vec<i32>,
}

impl Shapes {
    pub(super) fn new() -> Self {
        Self { shapes: Interner::new(), told: 0, scratch: Vec::new() }
    }

    pub(super) fn is_full(&self) -> bool {
        self.shapes.len() >= MAX_SHAPES
    }

    /// Whether the shape in the scratch from there on is known. The scratch ends there afterwards.
    pub(super) fn knows(&mut self, from: usize) -> bool {
        let Self { shapes, scratch, .. } = self;
        let shape = scratch.get(from..).unwrap_or_default();
        let known = shapes.find(quick(shape), shape).is_some();
        scratch.truncate(from);
        known
    }

    /// The id of the shape in the scratch from there on, added if need be. The scratch ends there afterwards.
    pub(super) fn intern(&mut self, from: usize) -> u32 {
        let Self { shapes, scratch, .. } = self;
        debug_assert!(from <= scratch.len(), "the scratch ends before the shape");
        let shape = scratch.get(from..).unwrap_or_default();
        let quick = quick(shape);
        let id = shapes.find(quick, shape).unwrap_or_else(|| shapes.insert(quick, shape));
        scratch.truncate(from);
        id
    }

    /// Shapes that the reader does not know yet.
    pub(super) fn news(&self) -> impl ExactSizeIterator<Item = &[i32]> {
        self.shapes.from(self.told)
    }

    pub(super) fn all_told(&mut self) {
        self.told = self.shapes.len();
    }
}

fn quick(shape: &[i32]) -> u64 {
    let mut hash = shape.len() as u64;
    for part in shape {
        hash = (hash.rotate_left(5) ^ *part as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    hash ^ hash >> 29
}
