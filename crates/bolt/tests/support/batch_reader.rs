//! Reads batches as their description says, and checks on the way what a reader in JavaScript takes for granted.

use bolt::packstream::{
    Node, Path, Point, Relationship, UnboundRelationship, UnsupportedType, Value, Vector, Zoned,
};

struct Shape {
    element_id: bool,
    labels: Vec<usize>,
    properties: Vec<(usize, i32)>,
}

/// The reader's half of one result: what its batches have told so far.
#[derive(Default)]
pub struct ResultReader {
    dictionary: Vec<String>,
    shapes: Vec<Shape>,
    /// Nodes that were read by a shape.
    pub shaped_nodes: usize,
    /// Strings that were read from the dictionary.
    pub dictionary_hits: usize,
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn word(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.0[at * 4..at * 4 + 4].try_into().unwrap())
    }

    fn unsigned(&self, at: usize) -> usize {
        usize::try_from(self.word(at)).unwrap()
    }

    fn bit(&self, at: usize, row: usize) -> bool {
        self.word(at + row / 32) >> (row % 32) & 1 == 1
    }

    fn long(&self, at: usize) -> i64 {
        i64::from(self.word(at)) & 0xFFFF_FFFF | i64::from(self.word(at + 1)) << 32
    }

    fn float(&self, index: usize) -> f64 {
        let at = (self.unsigned(2) + index) * 8;
        assert!(at + 8 <= self.unsigned(3), "a double beyond its section");
        f64::from_le_bytes(self.0[at..at + 8].try_into().unwrap())
    }

    fn ascii(&self, start: usize, length: usize) -> String {
        assert!(start + length <= self.unsigned(4), "a string beyond its pool");
        let text = &self.0[self.unsigned(3)..][start..start + length];
        assert!(text.is_ascii());
        String::from_utf8(text.to_vec()).unwrap()
    }

    fn wide(&self, start: usize, length: usize) -> String {
        assert!(start + length <= self.unsigned(6), "a string beyond its pool");
        assert_eq!(self.unsigned(5) % 2, 0);
        let at = self.unsigned(5) + start * 2;
        let units: Vec<u16> = self.0[at..at + length * 2]
            .chunks(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).unwrap()
    }

    fn string(&self, at: usize) -> String {
        match self.word(at + 1) {
            length if length < 0 => self.wide(self.unsigned(at), length.unsigned_abs() as usize),
            length => self.ascii(self.unsigned(at), length as usize),
        }
    }
}

/// The name of what stands for a value that cannot be represented; its message is the reason.
pub const BROKEN: &str = "broken";

impl ResultReader {
    /// The rows of the next batch.
    pub fn read(&mut self, batch: &[u8]) -> Vec<Vec<Value>> {
        let bytes = Bytes(batch);
        assert_eq!(bytes.unsigned(10), batch.len());
        assert_eq!(batch.len() % 8, 0);
        assert_eq!(bytes.word(11), 0);
        assert!(bytes.unsigned(3) + bytes.unsigned(4) <= bytes.unsigned(5));
        assert!(bytes.unsigned(5) + bytes.unsigned(6) * 2 <= batch.len());
        self.additions(&bytes);
        let (rows, columns) = (bytes.unsigned(0), bytes.unsigned(1));
        (0..rows).map(|row| (0..columns).map(|column| self.cell(&bytes, row, column)).collect()).collect()
    }

    fn additions(&mut self, bytes: &Bytes<'_>) {
        let mut at = bytes.unsigned(9);
        for _ in 0..bytes.unsigned(7) {
            self.dictionary.push(bytes.string(at));
            at += 2;
        }
        for _ in 0..bytes.unsigned(8) {
            let mut next = || {
                at += 1;
                bytes.word(at - 1)
            };
            let element_id = next() == 1;
            let labels = (0..next()).map(|_| next() as usize).collect();
            let properties = (0..next()).map(|_| (next() as usize, next())).collect();
            self.shapes.push(Shape { element_id, labels, properties });
        }
    }

    fn cell(&mut self, bytes: &Bytes<'_>, row: usize, column: usize) -> Value {
        let head = 12 + column * 4;
        let (kind, base, nulls) = (bytes.word(head), bytes.unsigned(head + 1), bytes.unsigned(head + 2));
        assert_eq!(bytes.word(head + 3), 0);
        if nulls != 0 && bytes.bit(nulls, row) {
            match kind {
                1 => assert_eq!(bytes.long(base + row * 2), 0),
                2 => assert_eq!(bytes.float(base + row), 0.0),
                3 => assert_eq!((bytes.word(base + row * 2), bytes.word(base + row * 2 + 1)), (0, 0)),
                5 => assert!(!bytes.bit(base, row)),
                6 => assert_eq!(bytes.word(base + row), 0),
                other => panic!("kind {other} with nulls"),
            }
            return Value::Null;
        }
        match kind {
            0 => self.value(bytes, &mut bytes.unsigned(base + row)),
            1 => Value::Integer(bytes.long(base + row * 2)),
            2 => Value::Float(bytes.float(base + row)),
            3 => Value::String(bytes.string(base + row * 2)),
            4 => Value::Null,
            5 => Value::Boolean(bytes.bit(base, row)),
            6 => Value::Integer(i64::from(bytes.word(base + row))),
            other => panic!("kind {other}"),
        }
    }

    fn value(&mut self, bytes: &Bytes<'_>, at: &mut usize) -> Value {
        let word = bytes.word(*at);
        *at += 1;
        let payload = word >> 4;
        let count = payload as usize;
        match word & 15 {
            0 => Value::Null,
            1 => Value::Boolean(false),
            2 => Value::Boolean(true),
            3 => Value::Integer(i64::from(payload)),
            4 => {
                *at += 2;
                Value::Integer(bytes.long(*at - 2))
            }
            5 => Value::Float(bytes.float(count)),
            6 => {
                *at += 1;
                Value::String(bytes.ascii(bytes.unsigned(*at - 1), count))
            }
            7 => {
                *at += 1;
                Value::String(bytes.wide(bytes.unsigned(*at - 1), count))
            }
            8 => Value::List((0..count).map(|_| self.value(bytes, at)).collect()),
            9 => Value::Map(self.entries(bytes, at, count)),
            10 => self.structure(bytes, at, payload),
            11 => Value::Node(Box::new(self.node(bytes, at, count))),
            12 => {
                self.dictionary_hits += 1;
                Value::String(self.dictionary[count].clone())
            }
            13 => {
                let start = *at * 4;
                *at += count.div_ceil(4);
                Value::Bytes(bytes.0[start..start + count].to_vec())
            }
            14 => {
                *at += count;
                let first = *at - count;
                Value::List((first..*at).map(|at| Value::Integer(i64::from(bytes.word(at)))).collect())
            }
            15 => {
                *at += 1;
                let first = bytes.unsigned(*at - 1);
                Value::List((first..first + count).map(|index| Value::Float(bytes.float(index))).collect())
            }
            _ => unreachable!(),
        }
    }

    fn entries(&mut self, bytes: &Bytes<'_>, at: &mut usize, count: usize) -> Vec<(String, Value)> {
        (0..count)
            .map(|_| {
                let word = bytes.word(*at);
                *at += 1;
                let key = match word {
                    -1 => self.text(bytes, at),
                    id => self.dictionary[usize::try_from(id).unwrap()].clone(),
                };
                (key, self.value(bytes, at))
            })
            .collect()
    }

    fn node(&mut self, bytes: &Bytes<'_>, at: &mut usize, shape: usize) -> Node {
        self.shaped_nodes += 1;
        let shape = &self.shapes[shape];
        let mut node = Node { id: bytes.long(*at), ..Node::default() };
        *at += 2;
        node.labels = shape.labels.iter().map(|id| self.dictionary[*id].clone()).collect();
        let element_id = shape.element_id;
        for (key, kind) in shape.properties.clone() {
            let mut next = || {
                *at += 1;
                bytes.word(*at - 1)
            };
            let value = match kind {
                0 => self.value(bytes, at),
                1 => {
                    *at += 2;
                    Value::Integer(bytes.long(*at - 2))
                }
                2 => Value::Float(bytes.float(next() as usize)),
                3 => match next() {
                    word if word < 0 => {
                        self.dictionary_hits += 1;
                        Value::String(self.dictionary[!word as usize].clone())
                    }
                    length => Value::String(bytes.ascii(next() as usize, length as usize)),
                },
                4 => match next() {
                    0 => Value::Boolean(false),
                    1 => Value::Boolean(true),
                    other => panic!("boolean {other}"),
                },
                5 => Value::Null,
                other => panic!("property type {other}"),
            };
            node.properties.push((self.dictionary[key].clone(), value));
        }
        if element_id {
            let tag = bytes.word(*at) & 15;
            assert!(tag == 6 || tag == 7, "an element id with tag {tag}");
            node.element_id = Some(self.text(bytes, at));
        }
        node
    }

    fn text(&mut self, bytes: &Bytes<'_>, at: &mut usize) -> String {
        match self.value(bytes, at) {
            Value::String(text) => text,
            other => panic!("{other:?} where a string must be"),
        }
    }

    fn optional_text(&mut self, bytes: &Bytes<'_>, at: &mut usize) -> Option<String> {
        match self.value(bytes, at) {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => panic!("{other:?} where a string must be"),
        }
    }

    fn integer(&mut self, bytes: &Bytes<'_>, at: &mut usize) -> i64 {
        self.value(bytes, at).as_integer().unwrap()
    }

    fn list(&mut self, bytes: &Bytes<'_>, at: &mut usize) -> Vec<Value> {
        match self.value(bytes, at) {
            Value::List(values) => values,
            other => panic!("{other:?} where a list must be"),
        }
    }

    fn map(&mut self, bytes: &Bytes<'_>, at: &mut usize) -> Vec<(String, Value)> {
        match self.value(bytes, at) {
            Value::Map(entries) => entries,
            other => panic!("{other:?} where a map must be"),
        }
    }

    fn structure(&mut self, bytes: &Bytes<'_>, at: &mut usize, code: i32) -> Value {
        let mut int = |this: &mut Self| this.integer(bytes, at);
        match code {
            5 => Value::Date(int(self)),
            6 => Value::Time { nanos: int(self), offset: int(self).try_into().unwrap() },
            7 => Value::LocalTime(int(self)),
            8 => Value::DateTime {
                seconds: int(self),
                nanos: int(self).try_into().unwrap(),
                offset: int(self).try_into().unwrap(),
            },
            9 | 10 => Value::Zoned(Box::new(Zoned {
                utc: code == 9,
                seconds: int(self),
                nanos: int(self).try_into().unwrap(),
                zone: self.text(bytes, at),
            })),
            11 => Value::LocalDateTime { seconds: int(self), nanos: int(self).try_into().unwrap() },
            12 => Value::Duration(Box::new([int(self), int(self), int(self), int(self)])),
            13 | 14 => {
                let srid = int(self).try_into().unwrap();
                let mut float = || match self.value(bytes, at) {
                    Value::Float(value) => value,
                    other => panic!("{other:?} where a double must be"),
                };
                let (x, y) = (float(), float());
                Value::Point(Box::new(Point { srid, x, y, z: (code == 14).then(float) }))
            }
            15 => {
                let marker = int(self).try_into().unwrap();
                let Value::Bytes(bytes) = self.value(bytes, at) else { panic!("no bytes") };
                Value::Vector(Box::new(Vector { marker, bytes }))
            }
            16 => Value::Unsupported(Box::new(UnsupportedType {
                name: self.text(bytes, at),
                minimum: (
                    self.integer(bytes, at).try_into().unwrap(),
                    self.integer(bytes, at).try_into().unwrap(),
                ),
                message: self.optional_text(bytes, at),
            })),
            17 => match self.value(bytes, at) {
                Value::Bytes(bytes) => Value::Uuid(Box::new(bytes.try_into().unwrap())),
                other => panic!("{other:?} where bytes must be"),
            },
            18 => Value::Unsupported(Box::new(UnsupportedType {
                name: BROKEN.to_owned(),
                minimum: (0, 0),
                message: Some(self.text(bytes, at)),
            })),
            _ => self.graph(bytes, at, code),
        }
    }

    fn graph(&mut self, bytes: &Bytes<'_>, at: &mut usize, code: i32) -> Value {
        match code {
            1 => Value::Node(Box::new(Node {
                id: self.integer(bytes, at),
                labels: self.list(bytes, at).iter().map(|label| label.as_str().unwrap().to_owned()).collect(),
                properties: self.map(bytes, at),
                element_id: self.optional_text(bytes, at),
            })),
            2 => Value::Relationship(Box::new(Relationship {
                id: self.integer(bytes, at),
                start: self.integer(bytes, at),
                end: self.integer(bytes, at),
                kind: self.text(bytes, at),
                properties: self.map(bytes, at),
                element_ids: {
                    let ids = [(); 3].map(|()| self.optional_text(bytes, at));
                    ids.iter().all(Option::is_some).then(|| ids.map(Option::unwrap))
                },
            })),
            3 => Value::UnboundRelationship(Box::new(UnboundRelationship {
                id: self.integer(bytes, at),
                kind: self.text(bytes, at),
                properties: self.map(bytes, at),
                element_id: self.optional_text(bytes, at),
            })),
            4 => Value::Path(Box::new(Path {
                nodes: self
                    .list(bytes, at)
                    .into_iter()
                    .map(|node| match node {
                        Value::Node(node) => *node,
                        other => panic!("{other:?} where a node must be"),
                    })
                    .collect(),
                relationships: self
                    .list(bytes, at)
                    .into_iter()
                    .map(|it| match it {
                        Value::UnboundRelationship(it) => *it,
                        other => panic!("{other:?} where a relationship must be"),
                    })
                    .collect(),
                indices: self.list(bytes, at).iter().map(|index| index.as_integer().unwrap()).collect(),
            })),
            other => panic!("structure {other}"),
        }
    }
}
