//! The numbers that a batch is made of: kinds of columns, tags of tape values, codes of structures, types of
//! properties. Those of the reader in JavaScript are made from this file.

/// Words at the beginning of a batch.
pub mod words {
    /// Before the columns.
    pub const HEADER: usize = 12;
    /// Which of them has the length of the whole in bytes.
    pub const BYTE_LENGTH: usize = 10;
    /// Of each column.
    pub const COLUMN: usize = 4;
}

/// Kinds of columns.
pub mod kind {
    /// `base`: a word for each row, the word offset of its tape value. No null bitmap.
    pub const MIXED: i32 = 0;
    /// `base`: two words for each row, the low one first.
    pub const INT: i32 = 1;
    /// `base`: index into the doubles of the first row.
    pub const FLOAT: i32 = 2;
    /// `base`: two words for each row, start and length; a negative length is one in the pool of UTF-16 strings.
    pub const STR: i32 = 3;
    /// Every row is null.
    pub const NULL: i32 = 4;
    /// `base`: a bitmap, set for true.
    pub const BOOL: i32 = 5;
    /// `base`: a word for each row.
    pub const INT32: i32 = 6;
}

/// Tags of tape values: the low four bits of a word, whose payload is the rest, signed.
pub mod tag {
    /// Null.
    pub const NULL: i32 = 0;
    /// False.
    pub const FALSE: i32 = 1;
    /// True.
    pub const TRUE: i32 = 2;
    /// An integer: the payload.
    pub const INT28: i32 = 3;
    /// An integer: the next two words, the low one first.
    pub const INT64: i32 = 4;
    /// A double: payload is its index.
    pub const F64: i32 = 5;
    /// A string: payload is its length, the next word its start in the pool of ASCII strings.
    pub const STR8: i32 = 6;
    /// A string: payload is its length in units, the next word its start in the pool of UTF-16 strings.
    pub const STR16: i32 = 7;
    /// A list: payload is the number of values that follow.
    pub const LIST: i32 = 8;
    /// A map: payload is the number of entries that follow; a key is a dictionary id, or -1 and a string.
    pub const MAP: i32 = 9;
    /// A structure: payload is its [`code`](super::code), its fields follow.
    pub const STRUCT: i32 = 10;
    /// A node: payload is its shape. Two words of its id, its properties by [`property`](super::property) type, and
    /// its element id, a string, if the shape says so.
    pub const NODE: i32 = 11;
    /// A string: payload is its dictionary id.
    pub const DICT: i32 = 12;
    /// Bytes: payload is how many, in the words that follow.
    pub const BYTES: i32 = 13;
    /// A list of integers: payload is how many, each a word.
    pub const INTS: i32 = 14;
    /// A list of doubles: payload is how many, the next word the index of the first.
    pub const FLOATS: i32 = 15;
}

/// Codes of structures, and their fields.
pub mod code {
    /// id, labels, properties, element id or null
    pub const NODE: i32 = 1;
    /// id, start, end, type, properties, element ids (or nulls) of it, start and end
    pub const RELATIONSHIP: i32 = 2;
    /// id, type, properties, element id or null
    pub const UNBOUND_RELATIONSHIP: i32 = 3;
    /// nodes, relationships, indices
    pub const PATH: i32 = 4;
    /// days
    pub const DATE: i32 = 5;
    /// nanoseconds of the day, offset in seconds
    pub const TIME: i32 = 6;
    /// nanoseconds of the day
    pub const LOCAL_TIME: i32 = 7;
    /// local seconds, nanoseconds, offset in seconds
    pub const DATE_TIME_OFFSET: i32 = 8;
    /// UTC seconds, nanoseconds, zone id
    pub const DATE_TIME_ZONE_UTC: i32 = 9;
    /// local seconds, nanoseconds, zone id
    pub const DATE_TIME_ZONE_LOCAL: i32 = 10;
    /// seconds, nanoseconds
    pub const LOCAL_DATE_TIME: i32 = 11;
    /// months, days, seconds, nanoseconds
    pub const DURATION: i32 = 12;
    /// srid, x, y
    pub const POINT: i32 = 13;
    /// srid, x, y, z
    pub const POINT_3D: i32 = 14;
    /// marker of the element type, bytes (big endian)
    pub const VECTOR: i32 = 15;
    /// name, minimum version (major, minor), message or null
    pub const UNSUPPORTED: i32 = 16;
    /// 16 bytes
    pub const UUID: i32 = 17;
    /// why the value that is here cannot be represented
    pub const BROKEN: i32 = 18;
}

/// How a property lies in a node of known shape.
pub mod property {
    /// A tape value.
    pub const GENERIC: i32 = 0;
    /// Two words, the low one first.
    pub const INT: i32 = 1;
    /// A word: index of the double.
    pub const FLOAT: i32 = 2;
    /// An ASCII string: its length and its start in the pool, or, in one word, the complement of its dictionary id.
    pub const STRING: i32 = 3;
    /// A word: 0 or 1.
    pub const BOOL: i32 = 4;
    /// Nothing.
    pub const NULL: i32 = 5;
}
