import type { Needs } from '../format.js'
import { Unsendable } from './unsendable.js'

/**
 * The bytes being written, PackStream: one growing buffer for the whole process. Functions that write take
 * the position to write at and return the one behind: the buffer may have been replaced by a larger one
 * meanwhile, so it is read from here each time.
 *
 * PackStream: https://neo4j.com/docs/bolt/current/packstream/
 */
export const out: {
  buf: Target
  view: DataView
  size: number
  /**
   * What the bytes ask of the protocol: bits of {@link Needs}.
   */
  needs: number
} = { buf: Buffer.alloc(0) as Target, view: new DataView(new ArrayBuffer(0)), size: 0, needs: 0 }

/** `Buffer` with the native method that its types leave out. */
interface Target extends Buffer {
  utf8Write(text: string, at: number): number
}

/** Room that {@link room} always leaves: any fixed-size value, or the header of any other, fits. */
export const SLACK = 32

const MAX_SIZE = 1 << 30

/** Makes `buf` the buffer that is written to. */
export function use(buf: Buffer): void {
  out.buf = buf as Target
  out.view = new DataView(buf.buffer, buf.byteOffset, buf.length)
  out.size = buf.length
}

/** Makes sure that `n` bytes fit at `p`. */
export function room(p: number, n: number): void {
  if (p + n > out.size) grow(p, n)
}

function grow(p: number, n: number): void {
  if (p + n > MAX_SIZE) throw new Unsendable(`parameters of more than ${MAX_SIZE} bytes are not supported`)
  const larger = Buffer.allocUnsafeSlow(Math.max(2 * out.size, p + n + SLACK))
  out.buf.copy(larger, 0, 0, p)
  use(larger)
}

/**
 * The header of a string, list or map: `tiny` is its marker up to 15, `long` the one of the form with one
 * byte of length.
 */
export function putHeader(n: number, tiny: number, long: number, p: number): number {
  const { buf } = out
  if (n < 16) {
    buf[p] = tiny | n
    return p + 1
  }
  if (n < 256) {
    buf[p] = long
    buf[p + 1] = n
    return p + 2
  }
  if (n < 65536) {
    buf[p] = long + 1
    out.view.setUint16(p + 1, n)
    return p + 3
  }
  buf[p] = long + 2
  out.view.setUint32(p + 1, n)
  return p + 5
}

export const putListHeader = (n: number, p: number): number => putHeader(n, 0x90, 0xd4, p)
export const putMapHeader = (n: number, p: number): number => putHeader(n, 0xa0, 0xd8, p)

// Up to here a loop in JavaScript beats a call of a native method.
const SHORT = 40

/** A string; lone surrogates become U+FFFD. Checks for room by itself, and leaves {@link SLACK} behind it. */
export function putString(text: string, p: number): number {
  const n = text.length
  if (n < SHORT) {
    room(p, 3 * SHORT + SLACK)
    const { buf } = out
    let q = p + 1
    if (n < 16) {
      buf[p] = 0x80 | n
    } else {
      buf[p] = 0xd0
      buf[q++] = n
    }
    let i = 0
    for (; i < n; i++) {
      const c = text.charCodeAt(i)
      if (c > 127) break
      buf[q + i] = c
    }
    if (i === n) return q + n
    return putShortWide(text, p, q, i)
  }
  const length = Buffer.byteLength(text)
  room(p, length + SLACK)
  const q = putHeader(length, 0x80, 0xd0, p)
  return q + out.buf.utf8Write(text, q)
}

/**
 * The rest of a short string from its first character beyond ASCII, `i`; the ones before are written, behind
 * a header that ends at `q`.
 */
function putShortWide(text: string, p: number, q: number, i: number): number {
  const { buf } = out
  const n = text.length
  let end = q + i
  for (; i < n; i++) {
    let c = text.charCodeAt(i)
    if (c < 0x80) {
      buf[end++] = c
    } else if (c < 0x800) {
      buf[end++] = 0xc0 | (c >> 6)
      buf[end++] = 0x80 | (c & 63)
    } else {
      if (c >= 0xd800 && c < 0xe000) {
        const low = c < 0xdc00 && i + 1 < n ? text.charCodeAt(i + 1) : 0
        if (low >= 0xdc00 && low < 0xe000) {
          c = 0x10000 + ((c & 0x3ff) << 10) + (low & 0x3ff)
          i++
          buf[end++] = 0xf0 | (c >> 18)
          buf[end++] = 0x80 | ((c >> 12) & 63)
          buf[end++] = 0x80 | ((c >> 6) & 63)
          buf[end++] = 0x80 | (c & 63)
          continue
        }
        c = 0xfffd
      }
      buf[end++] = 0xe0 | (c >> 12)
      buf[end++] = 0x80 | ((c >> 6) & 63)
      buf[end++] = 0x80 | (c & 63)
    }
  }
  const size = end - q
  if (size < 16) {
    buf[p] = 0x80 | size
  } else if (q === p + 2) {
    buf[p + 1] = size
  } else {
    // of fewer than 16 characters, but not of fewer than 16 bytes: the header takes one byte more
    buf.copyWithin(q + 1, q, end)
    buf[p] = 0xd0
    buf[p + 1] = size
    return end + 1
  }
  return end
}

/** A 64-bit integer from its two signed halves, in the shortest form. */
export function putInteger(low: number, high: number, p: number): number {
  const { buf } = out
  if (high === low >> 31) {
    if (low >= -16 && low < 128) {
      buf[p] = low
      return p + 1
    }
    if (low >= -128 && low < 128) {
      buf[p] = 0xc8
      buf[p + 1] = low
      return p + 2
    }
    if (low >= -32768 && low < 32768) {
      buf[p] = 0xc9
      out.view.setInt16(p + 1, low)
      return p + 3
    }
    buf[p] = 0xca
    out.view.setInt32(p + 1, low)
    return p + 5
  }
  buf[p] = 0xcb
  out.view.setInt32(p + 1, high)
  out.view.setInt32(p + 5, low)
  return p + 9
}

/** An integer that a double holds exactly. */
export const putSafe = (n: number, p: number): number => putInteger(n | 0, Math.floor(n / 4294967296), p)

/** A bigint; it has to fit into 64 bits. */
export function putBigint(n: bigint, p: number): number {
  const x = Number(n)
  if (Number.isSafeInteger(x)) return putSafe(x, p)
  if (BigInt.asIntN(64, n) !== n) throw new Unsendable('it is a bigint of more than 64 bits')
  return putInteger(Number(BigInt.asIntN(32, n)), Number(n >> 32n), p)
}

export function putFloat(x: number, p: number): number {
  out.buf[p] = 0xc1
  out.view.setFloat64(p + 1, x)
  return p + 9
}

/** A byte array: the bytes below any view or buffer. */
export function putBytes(bytes: Uint8Array, p: number): number {
  const n = bytes.length
  room(p, n + SLACK)
  const { buf } = out
  let q = p
  if (n < 256) {
    buf[q++] = 0xcc
    buf[q++] = n
  } else if (n < 65536) {
    buf[q] = 0xcd
    out.view.setUint16(q + 1, n)
    q += 3
  } else {
    buf[q] = 0xce
    out.view.setUint32(q + 1, n)
    q += 5
  }
  buf.set(bytes, q)
  return q + n
}
