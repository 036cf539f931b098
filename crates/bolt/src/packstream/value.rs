//! Values, owned. For metadata, parameters and tests; rows go to JavaScript as columns without becoming these.

/// A value of any type that Bolt can carry.
///
/// Types that take more than a few words are boxed, so that a list of a million integers stays small.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// A truth value.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A double.
    Float(f64),
    /// A byte array.
    Bytes(Vec<u8>),
    /// A string.
    String(String),
    /// A list.
    List(Vec<Value>),
    /// A map, its entries in the order sent.
    Map(Vec<(String, Value)>),
    /// A node.
    Node(Box<Node>),
    /// A relationship between two nodes.
    Relationship(Box<Relationship>),
    /// A relationship inside of a path.
    UnboundRelationship(Box<UnboundRelationship>),
    /// A path.
    Path(Box<Path>),
    /// Days since 1970-01-01.
    Date(i64),
    /// A time of day with an offset from UTC.
    Time {
        /// Nanoseconds since midnight, local.
        nanos: i64,
        /// Seconds east of UTC.
        offset: i32,
    },
    /// Nanoseconds since midnight.
    LocalTime(i64),
    /// A date and time with an offset from UTC.
    DateTime {
        /// Seconds since 1970-01-01T00:00:00 of the local (wall) clock, in every version of Bolt.
        seconds: i64,
        /// Nanoseconds of the second.
        nanos: u32,
        /// Seconds east of UTC.
        offset: i32,
    },
    /// A date and time in a named zone.
    Zoned(Box<Zoned>),
    /// A date and time without a zone.
    LocalDateTime {
        /// Seconds since 1970-01-01T00:00:00.
        seconds: i64,
        /// Nanoseconds of the second.
        nanos: u32,
    },
    /// A duration: months, days, seconds and nanoseconds, each on its own.
    Duration(Box<[i64; 4]>),
    /// A point in the plane or in space.
    Point(Box<Point>),
    /// A vector (Bolt 6.0).
    Vector(Box<Vector>),
    /// What a newer Bolt could have carried (6.0).
    Unsupported(Box<UnsupportedType>),
    /// A UUID (Bolt 6.1).
    Uuid(Box<[u8; 16]>),
}

/// A node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Its id.
    pub id: i64,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its properties, in the order sent.
    pub properties: Vec<(String, Value)>,
    /// Its element id, from Bolt 5.0 on.
    pub element_id: Option<String>,
}

/// A relationship between two nodes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Relationship {
    /// Its id.
    pub id: i64,
    /// The id of the node it starts from.
    pub start: i64,
    /// The id of the node it ends at.
    pub end: i64,
    /// Its type.
    pub kind: String,
    /// Its properties, in the order sent.
    pub properties: Vec<(String, Value)>,
    /// Element ids of the relationship, its start and its end, from Bolt 5.0 on.
    pub element_ids: Option<[String; 3]>,
}

/// A relationship inside of a path, whose nodes follow from the path.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnboundRelationship {
    /// Its id.
    pub id: i64,
    /// Its type.
    pub kind: String,
    /// Its properties, in the order sent.
    pub properties: Vec<(String, Value)>,
    /// Its element id, from Bolt 5.0 on.
    pub element_id: Option<String>,
}

/// A path.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Path {
    /// Its distinct nodes; the first is where it starts.
    pub nodes: Vec<Node>,
    /// Its distinct relationships.
    pub relationships: Vec<UnboundRelationship>,
    /// Two for each step: the relationship, counted from 1 and negative if walked against its direction, and the
    /// node that it leads to, counted from 0.
    pub indices: Vec<i64>,
}

/// A date and time in a named zone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Zoned {
    /// Whether `seconds` are of UTC, or of the local clock (Bolt before 5.0 without the `utc` patch).
    pub utc: bool,
    /// Seconds since 1970-01-01T00:00:00.
    pub seconds: i64,
    /// Nanoseconds of the second.
    pub nanos: u32,
    /// The zone's name, such as `Europe/Stockholm`.
    pub zone: String,
}

/// A point in the plane or in space.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point {
    /// The coordinate reference system.
    pub srid: i32,
    /// First coordinate.
    pub x: f64,
    /// Second coordinate.
    pub y: f64,
    /// Third coordinate of a point in space.
    pub z: Option<f64>,
}

/// A vector.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vector {
    /// The marker of its element type, see [`marker::vector`](super::marker::vector).
    pub marker: u8,
    /// Its elements, big endian.
    pub bytes: Vec<u8>,
}

/// A value that the server could not put into this version of Bolt.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnsupportedType {
    /// The type's name.
    pub name: String,
    /// The version of Bolt that it takes.
    pub minimum: (u8, u8),
    /// What the server says about it.
    pub message: Option<String>,
}

impl Value {
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The truth value of a boolean.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&[(String, Value)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a map's entry.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }
}
