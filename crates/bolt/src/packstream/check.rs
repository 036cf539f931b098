//! Checking that bytes are one whole value, without making it.

use super::graph::GraphForm;
use super::structure::{self, Structure};
use super::{marker, text, DecodeError, Dialect, Item, Limits, Reader};

/// An error wherever [`decode`](super::decode) would give one.
pub(crate) fn check(bytes: &[u8], dialect: &Dialect, limits: &Limits) -> Result<(), DecodeError> {
    let limits = limits.clamped();
    let mut checker = Checker { reader: Reader::new(bytes), dialect, limit: limits.depth };
    checker.value(limits.depth)?;
    checker.reader.finish()
}

struct Checker<'d, 'a> {
    reader: Reader<'a>,
    dialect: &'d Dialect,
    limit: usize,
}

impl Checker<'_, '_> {
    fn value(&mut self, depth: usize) -> Result<(), DecodeError> {
        match self.reader.item()? {
            Item::String(bytes) => text(bytes).map(drop),
            Item::Uuid(_) if !self.dialect.uuids => Err(DecodeError::UnknownMarker(marker::UUID)),
            Item::List(n) => {
                let depth = self.deeper(depth)?;
                (0..n).try_for_each(|_| self.value(depth))
            }
            Item::Map(n) => self.entries(n, depth),
            Item::Structure { signature, fields } => {
                match structure::read(&mut self.reader, self.dialect, signature, fields)? {
                    Structure::Leaf(_) => Ok(()),
                    Structure::Graph(form) => self.graph(form, self.deeper(depth)?),
                }
            }
            _ => Ok(()),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, DecodeError> {
        depth.checked_sub(1).ok_or(DecodeError::Depth(self.limit))
    }

    fn entries(&mut self, n: usize, depth: usize) -> Result<(), DecodeError> {
        let depth = self.deeper(depth)?;
        (0..n).try_for_each(|_| {
            text(self.reader.key()?)?;
            self.value(depth)
        })
    }

    fn string(&mut self, form: GraphForm, field: &'static str) -> Result<(), DecodeError> {
        text(form.string(&mut self.reader, field)?).map(drop)
    }

    fn graph(&mut self, form: GraphForm, depth: usize) -> Result<(), DecodeError> {
        match form {
            GraphForm::Node => {
                form.id(&mut self.reader)?;
                for _ in 0..form.list(&mut self.reader, "labels")? {
                    self.string(form, "labels")?;
                }
            }
            GraphForm::Relationship => {
                for _ in 0..3 {
                    form.id(&mut self.reader)?;
                }
                self.string(form, "type")?;
            }
            GraphForm::UnboundRelationship => {
                form.id(&mut self.reader)?;
                self.string(form, "type")?;
            }
            GraphForm::Path => return self.path(depth),
        }
        let n = form.properties(&mut self.reader)?;
        self.entries(n, depth)?;
        for _ in 0..form.element_ids(self.dialect) {
            self.string(form, "element id")?;
        }
        Ok(())
    }

    fn path(&mut self, depth: usize) -> Result<(), DecodeError> {
        let depth = self.deeper(depth)?;
        let nodes = GraphForm::path_nodes(&mut self.reader)?;
        for _ in 0..nodes {
            GraphForm::Node.head_in_path(&mut self.reader, self.dialect, "nodes")?;
            self.graph(GraphForm::Node, depth)?;
        }
        let relationships = GraphForm::Path.list(&mut self.reader, "relationships")?;
        for _ in 0..relationships {
            GraphForm::UnboundRelationship.head_in_path(&mut self.reader, self.dialect, "relationships")?;
            self.graph(GraphForm::UnboundRelationship, depth)?;
        }
        for _ in 0..GraphForm::indices(&mut self.reader)? / 2 {
            GraphForm::step(&mut self.reader, nodes, relationships)?;
        }
        Ok(())
    }
}
