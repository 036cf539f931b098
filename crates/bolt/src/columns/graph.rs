//! Nodes, relationships and paths on the tape.

use super::batch::word;
use super::format::{code, property, tag};
use super::shapes::MAX_PARTS;
use super::tape::{tagged, Tape};
use crate::packstream::{DecodeError, GraphForm, Item, Reader};

type Written = Result<(), DecodeError>;

impl Tape<'_> {
    /// A node whose head was read: by its shape if it can have one.
    pub(super) fn node(&mut self, reader: &mut Reader<'_>, depth: usize) -> Written {
        let full = self.shapes.is_full() || self.dictionary.is_full();
        if full && !self.has_known_shape(reader.clone())? {
            return self.node_without_shape(reader, depth);
        }
        let (start, mut ahead) = (self.out.words.len(), reader.clone());
        if self.node_by_shape(&mut ahead, depth)? {
            *reader = ahead;
            return Ok(());
        }
        self.out.words.truncate(start);
        self.node_without_shape(reader, depth)
    }

    /// `false` if the node has too many parts, which is seen before any property is.
    fn node_by_shape(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<bool, DecodeError> {
        let form = GraphForm::Node;
        let at = self.out.words.len();
        let id = form.id(reader)?;
        self.out.words.extend_from_slice(&[0, id as i32, (id >> 32) as i32]);
        let labels = form.list(reader, "labels")?;
        if labels > MAX_PARTS {
            return Ok(false);
        }
        let shape = self.shapes.scratch.len();
        self.shapes.scratch.extend_from_slice(&[i32::from(self.dialect.element_ids), word(labels)]);
        for _ in 0..labels {
            let id = self.dictionary.intern_always(form.string(reader, "labels")?)?;
            self.shapes.scratch.push(id as i32);
        }
        let properties = form.properties(reader)?;
        if properties > MAX_PARTS {
            self.shapes.scratch.truncate(shape);
            return Ok(false);
        }
        self.shapes.scratch.push(word(properties));
        let depth = self.deeper(depth)?;
        for _ in 0..properties {
            let key = self.dictionary.intern_always(reader.key()?)?;
            let item = reader.item()?;
            let kind = property_type(&item);
            self.shapes.scratch.extend_from_slice(&[key as i32, kind]);
            self.property(item, kind, reader, depth)?;
        }
        if self.dialect.element_ids {
            self.plain(form.string(reader, "element id")?)?;
        }
        let shape = self.shapes.intern(shape);
        self.out.set(at, tagged(shape as i32, tag::NODE));
        Ok(true)
    }

    /// A property's value whose head was read, as its kind wants it.
    #[inline]
    fn property(&mut self, item: Item<'_>, kind: i32, reader: &mut Reader<'_>, depth: usize) -> Written {
        match item {
            Item::Integer(value) => self.out.words.extend_from_slice(&[value as i32, (value >> 32) as i32]),
            Item::Float(value) => {
                self.out.words.push(word(self.out.floats.len()));
                self.out.floats.push(value);
            }
            Item::String(string) if kind == property::STRING => match self.dictionary.value(string)? {
                Some(id) => self.out.words.push(!(id as i32)),
                None => {
                    let (start, length) = self.out.pooled_ascii(string);
                    self.out.words.extend_from_slice(&[length, start]);
                }
            },
            Item::Boolean(value) => self.out.words.push(i32::from(value)),
            Item::Null => {}
            other => self.item(other, reader, depth)?,
        }
        Ok(())
    }

    /// Whether the node's shape is known already. Nothing is added and nothing written.
    fn has_known_shape(&mut self, mut reader: Reader<'_>) -> Result<bool, DecodeError> {
        let from = self.shapes.scratch.len();
        let known = self.shape_of(&mut reader)? && self.shapes.knows(from);
        self.shapes.scratch.truncate(from);
        Ok(known)
    }

    /// Puts the node's shape into the scratch; `false` if one of its strings is unknown, or there are too many.
    fn shape_of(&mut self, reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
        let form = GraphForm::Node;
        form.id(reader)?;
        let labels = form.list(reader, "labels")?;
        if labels > MAX_PARTS {
            return Ok(false);
        }
        self.shapes.scratch.extend_from_slice(&[i32::from(self.dialect.element_ids), word(labels)]);
        for _ in 0..labels {
            let Some(id) = self.dictionary.find(form.string(reader, "labels")?) else { return Ok(false) };
            self.shapes.scratch.push(id as i32);
        }
        let properties = form.properties(reader)?;
        if properties > MAX_PARTS {
            return Ok(false);
        }
        self.shapes.scratch.push(word(properties));
        for _ in 0..properties {
            let Some(key) = self.dictionary.find(reader.key()?) else { return Ok(false) };
            let kind = property_type(&reader.clone().item()?);
            self.shapes.scratch.extend_from_slice(&[key as i32, kind]);
            reader.skip()?;
        }
        Ok(true)
    }

    fn node_without_shape(&mut self, reader: &mut Reader<'_>, depth: usize) -> Written {
        let form = GraphForm::Node;
        self.structure(code::NODE);
        self.integer(form.id(reader)?);
        let labels = form.list(reader, "labels")?;
        self.head(labels, tag::LIST);
        for _ in 0..labels {
            self.frequent(form.string(reader, "labels")?)?;
        }
        self.properties(form, reader, depth)?;
        self.element_ids(form, reader)
    }

    fn properties(&mut self, form: GraphForm, reader: &mut Reader<'_>, depth: usize) -> Written {
        let n = form.properties(reader)?;
        let depth = self.deeper(depth)?;
        self.map(n, reader, depth)
    }

    fn element_ids(&mut self, form: GraphForm, reader: &mut Reader<'_>) -> Written {
        let fields = if form == GraphForm::Relationship { 3 } else { 1 };
        for _ in 0..fields {
            match self.dialect.element_ids {
                true => self.plain(form.string(reader, "element id")?)?,
                false => self.null(),
            }
        }
        Ok(())
    }

    pub(super) fn relationship(&mut self, reader: &mut Reader<'_>, depth: usize) -> Written {
        let form = GraphForm::Relationship;
        self.structure(code::RELATIONSHIP);
        for _ in 0..3 {
            self.integer(form.id(reader)?);
        }
        self.frequent(form.string(reader, "type")?)?;
        self.properties(form, reader, depth)?;
        self.element_ids(form, reader)
    }

    pub(super) fn unbound(&mut self, reader: &mut Reader<'_>, depth: usize) -> Written {
        let form = GraphForm::UnboundRelationship;
        self.structure(code::UNBOUND_RELATIONSHIP);
        self.integer(form.id(reader)?);
        self.frequent(form.string(reader, "type")?)?;
        self.properties(form, reader, depth)?;
        self.element_ids(form, reader)
    }

    pub(super) fn path(&mut self, reader: &mut Reader<'_>, depth: usize) -> Written {
        let depth = self.deeper(depth)?;
        self.structure(code::PATH);
        let nodes = GraphForm::path_nodes(reader)?;
        self.head(nodes, tag::LIST);
        for _ in 0..nodes {
            GraphForm::Node.head_in_path(reader, self.dialect, "nodes")?;
            self.node(reader, depth)?;
        }
        let relationships = GraphForm::Path.list(reader, "relationships")?;
        self.head(relationships, tag::LIST);
        for _ in 0..relationships {
            GraphForm::UnboundRelationship.head_in_path(reader, self.dialect, "relationships")?;
            self.unbound(reader, depth)?;
        }
        let indices = GraphForm::indices(reader)?;
        self.head(indices, tag::INTS);
        for _ in 0..indices / 2 {
            // both are below the number of nodes or relationships
            let (relationship, node) = GraphForm::step(reader, nodes, relationships)?;
            self.out.words.extend_from_slice(&[relationship as i32, node as i32]);
        }
        Ok(())
    }
}

#[inline]
fn property_type(item: &Item<'_>) -> i32 {
    match item {
        Item::Integer(_) => property::INT,
        Item::Float(_) => property::FLOAT,
        Item::String(string) if string.is_ascii() => property::STRING,
        Item::Boolean(_) => property::BOOL,
        Item::Null => property::NULL,
        _ => property::GENERIC,
    }
}
