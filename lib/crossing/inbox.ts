/**
 * Messages from the native side, drained into one buffer: a header of four words, then the payload. A word is
 * a little-endian i32; every message starts at a multiple of 8 bytes.
 */

/** Field names of a result; `arg`: how many. Payload: {@link KEYS_HEADER_WORDS} words, then a JSON array. */
export const KEYS = 1
/** A batch of rows; `arg`: how many. */
export const BATCH = 2
/** A large batch waits to be taken; `arg`: its length in bytes. */
export const READY = 3
/** The result begins anew, on another connection: what came of it so far must be forgotten. */
export const RESTART = 4
/**
 * The end of a result. Payload: {@link SUMMARY_HEADER_WORDS} words, then a batch with one value, the
 * metadata, and as text the server's agent, a line feed, and its address.
 */
export const SUMMARY = 5
/** The end of a command that failed; `arg`: length of the JSON object. */
export const FAILURE = 6
/** The end of a command; `arg`: length of the JSON value, 0 for none. */
export const DONE = 7
/** What is known of the servers changed; `op`: the driver's id, `arg`: length of the JSON object. */
export const TOPOLOGY = 8
/** Lines for the log; `op`: the driver's id, `arg`: length of the JSON array. */
export const LOG = 9
/** A function of the application is asked; `op`: number of the question, `arg`: length of the JSON object. */
export const ASK = 10
/** Work of a session with a bookmark manager was committed; `op`: the driver's id, `arg`: length of the JSON object. */
export const COMMITTED = 11

/** Words before a message's payload. */
export const MESSAGE_HEADER_WORDS = 4
/** Bytes before a message's payload. */
export const MESSAGE_HEADER_BYTES = 4 * MESSAGE_HEADER_WORDS
/**
 * Payload words of KEYS before its JSON: server index, version (major << 8 | minor), t_first in ms (-1:
 * none), JSON length.
 */
export const KEYS_HEADER_WORDS = 4
/**
 * Payload words of SUMMARY before its batch: server index, version, {@link HAS_RECORDS} and {@link IS_PARTIAL}, length of the
 * text.
 */
export const SUMMARY_HEADER_WORDS = 4
/** The server sent records, whether or not they were handed over. */
export const HAS_RECORDS = 1
/** The result was cancelled, and records of it discarded. */
export const IS_PARTIAL = 2

/** The buffer that messages are drained into, seen in the three ways in which they are read. */
export class Inbox {
  readonly i32: Int32Array
  readonly f64: Float64Array
  readonly u8: Buffer

  /** @param byteLength size of the buffer; a multiple of 8 */
  constructor(byteLength: number) {
    const buffer = new ArrayBuffer(byteLength)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
    this.u8 = Buffer.from(buffer)
  }

  /** Length in bytes, header included, of the message at byte `at`: the next one starts behind it. */
  byteLen(at: number): number {
    return this.i32[at >> 2]
  }

  /** What the message is: {@link KEYS} ... {@link COMMITTED}. */
  kind(at: number): number {
    return this.i32[(at >> 2) + 1]
  }

  /** The command, driver or question that the message belongs to. */
  op(at: number): number {
    return this.i32[(at >> 2) + 2]
  }

  /** A count or a length, by kind. */
  arg(at: number): number {
    return this.i32[(at >> 2) + 3]
  }

  /** Payload word `n` of the message. */
  word(at: number, n: number): number {
    return this.i32[(at >> 2) + MESSAGE_HEADER_WORDS + n]
  }

  /** The JSON of `length` bytes, `skip` bytes into the payload; `undefined` for no bytes. */
  json(at: number, skip: number, length: number): unknown {
    const start = at + MESSAGE_HEADER_BYTES + skip
    return length === 0 ? undefined : JSON.parse(this.u8.toString('utf8', start, start + length))
  }
}
