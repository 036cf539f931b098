/**
 * Messages from the native side, drained into one buffer: a header of four words, then the payload. A word is
 * a little-endian i32; every message starts at a multiple of 8 bytes.
 */

import { type Message, MessageWords } from '../format'

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

  kind(at: number): Message {
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
    return this.i32[(at >> 2) + MessageWords.HEADER + n]
  }

  /** The JSON of `length` bytes, `skip` bytes into the payload; `undefined` for no bytes. */
  json(at: number, skip: number, length: number): unknown {
    const start = at + 4 * MessageWords.HEADER + skip
    return length === 0 ? undefined : JSON.parse(this.u8.toString('utf8', start, start + length))
  }
}
