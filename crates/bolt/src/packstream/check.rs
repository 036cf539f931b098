//! Checking that bytes are one whole value, without making it.

use super::graph::GraphForm;
use super::levels::{Level, Levels};
use super::structure::{self, Structure};
use super::{marker, text, DecodeError, Dialect, Item, Limits, Reader};

/// An error for bytes that are no value, or are nested too deep. A structure that cannot be represented is none.
pub(crate) fn check(bytes: &[u8], dialect: &Dialect, limits: &Limits) -> Result<(), DecodeError> {
    let limits = limits.clamped();
    let mut checker = Checker { reader: Reader::new(bytes), dialect, limit: limits.depth, graphs: 0 };
    checker.nested(Level { left: 1, is_map: false }, limits.depth)?;
    checker.reader.finish()
}

struct Checker<'d, 'a> {
    reader: Reader<'a>,
    dialect: &'d Dialect,
    limit: usize,
    /// Structures of the graph around this place.
    graphs: usize,
}

impl Checker<'_, '_> {
    /// The content of a list or map, whose values may hold `depth` levels.
    fn nested(&mut self, level: Level, depth: usize) -> Result<(), DecodeError> {
        let mut levels = Levels::new(level);
        while let Some(keyed) = levels.next() {
            if keyed {
                text(self.reader.key()?)?;
            }
            let depth = depth.saturating_sub(levels.around());
            match self.reader.item()? {
                Item::String(bytes) => text(bytes).map(drop)?,
                Item::Uuid(_) if !self.dialect.uuids => {
                    return Err(DecodeError::UnknownMarker(marker::UUID));
                }
                Item::List(left) => {
                    self.deeper(depth)?;
                    levels.open(Level { left, is_map: false });
                }
                Item::Map(left) => {
                    self.deeper(depth)?;
                    levels.open(Level { left, is_map: true });
                }
                Item::Structure { signature, fields } => {
                    let start = self.reader.clone();
                    match self.structure(signature, fields, depth) {
                        Err(error) if error.is_of_one_value() => {
                            self.reader = start;
                            self.reader.skip_many(fields)?;
                        }
                        done => done?,
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn deeper(&self, depth: usize) -> Result<usize, DecodeError> {
        depth.checked_sub(1).ok_or(DecodeError::Depth(self.limit))
    }

    fn structure(&mut self, signature: u8, fields: usize, depth: usize) -> Result<(), DecodeError> {
        match structure::read(&mut self.reader, self.dialect, signature, fields)? {
            Structure::Leaf(_) => Ok(()),
            Structure::Graph(form) => {
                let depth = self.deeper(depth)?;
                let around = self.graphs;
                self.graphs = GraphForm::inside(around)?;
                let checked = self.graph(form, depth);
                self.graphs = around;
                checked
            }
        }
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
        let left = form.properties(&mut self.reader)?;
        let depth = self.deeper(depth)?;
        self.nested(Level { left, is_map: true }, depth)?;
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
