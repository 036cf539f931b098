// Made by tools/format.mjs from the Rust sources: change it there.
// biome-ignore-all lint/suspicious/noConstEnum: they cost nothing where rows are read
// biome-ignore-all lint/suspicious/noDuplicateEnumValues: sizes may be equal

/** Of all that crosses: messages, columns, parameters, calls. Whoever changes any of them raises it. At load, each side makes sure that the other has the same. */
export const FORMAT = 2

/** Words of messages. */
export const enum MessageWords {
  /** Before the payload: length of the whole in bytes, kind, operation, argument. */
  HEADER = 4,
  /** At the beginning of the payload of KEYS and SUMMARY. */
  PREFIX = 4
}

/** Bits of the facts about a result in its SUMMARY, above the 16 bits of the version. */
export const enum Fact {
  /** The server sent records, whether or not they were handed over. */
  HAS_RECORDS = 65536,
  /** The result was cancelled, and records of it discarded. */
  IS_PARTIAL = 131072,
  /** It has columns. */
  HAS_KEYS = 262144
}

/** The kinds of messages. */
export const enum Message {
  /** Field names of a result; argument: how many. Payload: server index, version (major << 8 | minor), milliseconds until the first record was there (-1: not told), length of a JSON array, then that. */
  Keys = 1,
  /** A batch of rows; argument: how many. */
  Batch = 2,
  /** A large batch waits to be taken; argument: its length in bytes. */
  Ready = 3,
  /** The result begins anew, on another connection: what came of it so far must be forgotten. */
  Restart = 4,
  /** The end of a result; argument: length of its batch. Payload: server index, milliseconds until the last record was read (-1: not told), version and facts about the result, length of the text; then a batch with one value, the metadata without that time, in whatever words, and the bookmark; then as text the server's agent, a line feed, and its address. Results that ended alike are equal from their version on. */
  Summary = 5,
  /** The end of a command that failed; argument: length of the JSON object. */
  Failure = 6,
  /** The end of a command; argument: length of the JSON value, 0 for none. */
  Done = 7,
  /** What is known of the servers changed; operation: the driver's id, argument: length of the JSON object. */
  Topology = 8,
  /** Lines for the log; operation: the driver's id, argument: length of the JSON array. */
  Log = 9,
  /** A function of the application is asked; operation: number of the question, argument: length of the JSON object. */
  Ask = 10,
  /** Work of a session with a bookmark manager was committed; operation: the driver's id, argument: length of the JSON object. */
  Committed = 11
}

/** Words at the beginning of a batch. */
export const enum BatchWords {
  /** Before the columns. */
  HEADER = 12,
  /** Which of them has the length of the whole in bytes. */
  BYTE_LENGTH = 10,
  /** Of each column. */
  COLUMN = 4
}

/** Kinds of columns. */
export const enum ColumnKind {
  /** `base`: a word for each row, the word offset of its tape value. No null bitmap. */
  MIXED = 0,
  /** `base`: two words for each row, the low one first. */
  INT = 1,
  /** `base`: index into the doubles of the first row. */
  FLOAT = 2,
  /** `base`: two words for each row, start and length; a negative length is one in the pool of UTF-16 strings. */
  STR = 3,
  /** Every row is null. */
  NULL = 4,
  /** `base`: a bitmap, set for true. */
  BOOL = 5,
  /** `base`: a word for each row. */
  INT32 = 6
}

/** Tags of tape values: the low four bits of a word, whose payload is the rest, signed. */
export const enum Tag {
  /** Null. */
  NULL = 0,
  /** False. */
  FALSE = 1,
  /** True. */
  TRUE = 2,
  /** An integer: the payload. */
  INT28 = 3,
  /** An integer: the next two words, the low one first. */
  INT64 = 4,
  /** A double: payload is its index. */
  F64 = 5,
  /** A string: payload is its length, the next word its start in the pool of ASCII strings. */
  STR8 = 6,
  /** A string: payload is its length in units, the next word its start in the pool of UTF-16 strings. */
  STR16 = 7,
  /** A list: payload is the number of values that follow. */
  LIST = 8,
  /** A map: payload is the number of entries that follow; a key is a dictionary id, or -1 and a string. */
  MAP = 9,
  /** A structure: payload is its `code`, its fields follow. */
  STRUCT = 10,
  /** A node: payload is its shape. Two words of its id, its properties by `property` type, and its element id, a string, if the shape says so. */
  NODE = 11,
  /** A string: payload is its dictionary id. */
  DICT = 12,
  /** Bytes: payload is how many, in the words that follow. */
  BYTES = 13,
  /** A list of integers: payload is how many, each a word. */
  INTS = 14,
  /** A list of doubles: payload is how many, the next word the index of the first. */
  FLOATS = 15
}

/** Codes of structures, and their fields. */
export const enum StructureCode {
  /** id, labels, properties, element id or null */
  NODE = 1,
  /** id, start, end, type, properties, element ids (or nulls) of it, start and end */
  RELATIONSHIP = 2,
  /** id, type, properties, element id or null */
  UNBOUND_RELATIONSHIP = 3,
  /** nodes, relationships, indices */
  PATH = 4,
  /** days */
  DATE = 5,
  /** nanoseconds of the day, offset in seconds */
  TIME = 6,
  /** nanoseconds of the day */
  LOCAL_TIME = 7,
  /** local seconds, nanoseconds, offset in seconds */
  DATE_TIME_OFFSET = 8,
  /** UTC seconds, nanoseconds, zone id */
  DATE_TIME_ZONE_UTC = 9,
  /** local seconds, nanoseconds, zone id */
  DATE_TIME_ZONE_LOCAL = 10,
  /** seconds, nanoseconds */
  LOCAL_DATE_TIME = 11,
  /** months, days, seconds, nanoseconds */
  DURATION = 12,
  /** srid, x, y */
  POINT = 13,
  /** srid, x, y, z */
  POINT_3D = 14,
  /** marker of the element type, bytes (big endian) */
  VECTOR = 15,
  /** name, minimum version (major, minor), message or null */
  UNSUPPORTED = 16,
  /** 16 bytes */
  UUID = 17,
  /** why the value that is here cannot be represented */
  BROKEN = 18
}

/** How a property lies in a node of known shape. */
export const enum PropertyKind {
  /** A tape value. */
  GENERIC = 0,
  /** Two words, the low one first. */
  INT = 1,
  /** A word: index of the double. */
  FLOAT = 2,
  /** An ASCII string: its length and its start in the pool, or, in one word, the complement of its dictionary id. */
  STRING = 3,
  /** A word: 0 or 1. */
  BOOL = 4,
  /** Nothing. */
  NULL = 5
}

/** Bits of `Parameters::needs`: types that are among the parameters, and that not every version can carry. */
export const enum Needs {
  /** Any temporal or spatial type: Bolt 2. */
  TEMPORAL_OR_SPATIAL = 1,
  /** A date-time with an offset. */
  DATE_TIME_OFFSET = 2,
  /** A date-time with a zone id. */
  DATE_TIME_ZONE = 4,
  /** A vector: Bolt 6.0. */
  VECTOR = 8,
  /** A UUID: Bolt 6.1. */
  UUID = 16,
  /** A byte array: Neo4j 3.2. */
  BYTES = 32
}

/** Bits of `Permissions`. */
export const enum Permission {
  /** Masters may read. */
  MASTER_READS = 1,
  /** Masters may write. */
  MASTER_WRITES = 2,
  /** Slaves may read. */
  SLAVE_READS = 4,
  /** Slaves may write. */
  SLAVE_WRITES = 8
}

/** The public numbers of strategies. */
export const enum Strategy {
  /** Any of them. */
  RANDOM = 0,
  /** One after the other, in the order of the configuration. */
  ROUND_ROBIN = 1,
  /** The one with the lowest smoothed latency of its checks. */
  NEAREST = 2,
  /** Of two at random the one with fewer connections in flight. */
  LEAST_CONNECTED = 3,
  /** Of two at random that are not slower than others the one that takes work up sooner, for what is in flight there. */
  FASTEST = 4,
  /** From here on, functions of the application. */
  FIRST_FUNCTION = 5
}

/** Whether a server can be used. The numbers are the public values of `Status`. */
export const enum ServerStatus {
  /** It answered, but with an error. */
  Error = -2,
  /** It was not checked yet, it is not an HA member, or it was just found not to be what it was taken for. */
  Unknown = -1,
  /** It did not answer. */
  Down = 0,
  /** It answered. */
  Up = 1
}

/** What a server is. The numbers are the public values of `ServerType`. */
export const enum Role {
  /** Not known. */
  Unknown = 0,
  /** It takes reads, and writes by way of the master. */
  Slave = 1,
  /** It takes everything. */
  Master = 2
}
