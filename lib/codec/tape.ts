import { Tag } from '../format.js'
import { BIGINT, bigintOf32, INTEGER, integerOf32, type Mode, make, make32 } from './integers.js'
import { KnownMaps } from './map-readers.js'
import { define, internalised } from './names.js'
import { addShape } from './node-readers.js'
import { readStructure } from './structures.js'
import type { Dictionary, MapReaders, TapeReader } from './tape-reader.js'

/** `Buffer` with the native methods that its types leave out: no argument checks, some 30 ns less a call. */
export interface Bytes extends Buffer {
  latin1Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
}

// Lists and maps in each other that are read by recursion, which is the fastest for the few that there are mostly. More of them
// might not fit on the stack.
const RECURSION = 64

/** A list or map that is being filled. */
interface Opened {
  made: unknown[] | Record<string, unknown>
  size: number
  filled: number
}

// From this length on, V8 makes a part of a string by pointing into the whole, which then stays as long as the part: such
// strings are read on their own. Shorter ones are cut out of windows of the pool, which copies them, at a fifth of the time.
const POINTS_INTO = 13
const WINDOW_BITS = 12
const WINDOW = 1 << WINDOW_BITS
const WINDOW_MASK = WINDOW - 1

/**
 * One batch of rows, as Rust wrote it, and a cursor over its tape. Everything in it was checked by Rust.
 *
 * `base` and `floats` let a batch stand anywhere in a buffer: word offsets of the batch count from `base`,
 * indices of floats from `floats`.
 */
export class Batch implements TapeReader {
  i32!: Int32Array
  f64!: Float64Array
  u8!: Bytes
  base = 0
  floats = 0
  rows = 0
  /** Cursor: index of the next word of the tape. */
  p = 0
  /** Column being read: for messages. */
  column = 0
  /** The halves of what {@link integer} read. */
  low = 0
  high = 0
  /** The names of the columns, for records and messages. */
  keys!: string[]
  /** How many columns there are. */
  columns = 0
  lookup!: Readonly<Record<string, number>>
  dictionary!: Dictionary
  mode: Mode = INTEGER
  #pool = 0
  #wide = 0
  #windows: (string | undefined)[] = []
  #wideWindows: (string | undefined)[] = []
  #poolEnd = 0
  #wideEnd = 0
  /** Lists and maps around the cursor. */
  #depth = 0

  /**
   * Points this object at the batch `byteOffset` bytes (a multiple of 8) into a buffer, and takes in its new
   * strings and shapes.
   */
  bind(i32: Int32Array, f64: Float64Array, u8: Bytes, byteOffset: number, dictionary: Dictionary): this {
    const base = byteOffset >> 2
    this.i32 = i32
    this.f64 = f64
    this.u8 = u8
    this.base = base
    this.floats = (byteOffset >> 3) + i32[base + 2]
    this.rows = i32[base]
    this.dictionary = dictionary
    this.mode = dictionary.mode
    this.#pool = byteOffset + i32[base + 3]
    this.#poolEnd = this.#pool + i32[base + 4]
    this.#wide = byteOffset + i32[base + 5]
    this.#wideEnd = this.#wide + 2 * i32[base + 6]
    this.#windows = []
    this.#wideWindows = []
    this.#depth = 0
    const strings = i32[base + 7]
    const shapes = i32[base + 8]
    if (strings !== 0 || shapes !== 0) {
      let p = base + i32[base + 9]
      for (let i = 0; i < strings; i++, p += 2) {
        const text = internalised(this.text(i32[p], i32[p + 1]))
        dictionary.strings.push(text)
        dictionary.plain.push(!(text in Object.prototype))
      }
      for (let i = 0; i < shapes; i++) p = addShape(this, p)
    }
    return this
  }

  /** Lets go of strings of the batch, for an object that is used again. */
  release(): void {
    this.#windows = []
    this.#wideWindows = []
  }

  /** A string of `n` ASCII characters, `start` into the pool. */
  ascii(start: number, n: number): string {
    if (n === 0) return ''
    const window = start >> WINDOW_BITS
    if (n >= POINTS_INTO || (start + n - 1) >> WINDOW_BITS !== window)
      return this.u8.latin1Slice(this.#pool + start, this.#pool + start + n)
    const text = this.#windows[window] ?? this.#openWindow(window)
    const at = start & WINDOW_MASK
    return text.substring(at, at + n)
  }

  #openWindow(window: number): string {
    const start = this.#pool + (window << WINDOW_BITS)
    const text = this.u8.latin1Slice(start, Math.min(start + WINDOW, this.#poolEnd))
    this.#windows[window] = text
    return text
  }

  /** A string of `n` UTF-16 units, `start` units into the wide pool. */
  wide(start: number, n: number): string {
    const window = start >> WINDOW_BITS
    if (n >= POINTS_INTO || (start + n - 1) >> WINDOW_BITS !== window) {
      return this.u8.ucs2Slice(this.#wide + 2 * start, this.#wide + 2 * (start + n))
    }
    const text = this.#wideWindows[window] ?? this.#openWideWindow(window)
    const at = start & WINDOW_MASK
    return text.substring(at, at + n)
  }

  #openWideWindow(window: number): string {
    const start = this.#wide + (window << (WINDOW_BITS + 1))
    const text = this.u8.ucs2Slice(start, Math.min(start + 2 * WINDOW, this.#wideEnd))
    this.#wideWindows[window] = text
    return text
  }

  /** A string of a STR column: `n` >= 0 in the ASCII pool, else in the wide pool. */
  text(start: number, n: number): string {
    return n >= 0 ? this.ascii(start, n) : this.wide(start, -n)
  }

  /** Reads the tape value at the cursor and moves behind it. */
  value(): unknown {
    const i32 = this.i32
    const word = i32[this.p++]
    const n = word >> 4
    switch (word & 15) {
      case Tag.NULL:
        return null
      case Tag.FALSE:
        return false
      case Tag.TRUE:
        return true
      case Tag.INT28:
        return make32(this.mode, n)
      case Tag.INT64: {
        const p = this.p
        this.p = p + 2
        return make(this.mode, i32[p], i32[p + 1])
      }
      case Tag.F64:
        return this.f64[this.floats + n]
      case Tag.STR8:
        return this.ascii(i32[this.p++], n)
      case Tag.STR16:
        return this.wide(i32[this.p++], n)
      case Tag.LIST:
        return this.#depth < RECURSION ? this.#list(n) : this.#deep(new Array(n), n)
      case Tag.MAP:
        return this.#depth < RECURSION ? this.#map(n) : this.#deep({}, n)
      case Tag.STRUCT:
        return readStructure(this, n)
      case Tag.NODE:
        return this.dictionary.shapes[n].read(this)
      case Tag.DICT:
        return this.dictionary.strings[n]
      case Tag.BYTES:
        return this.#bytes(n)
      case Tag.INTS:
        return this.#ints(n)
      default:
        return this.#floatList(n)
    }
  }

  #list(n: number): unknown[] {
    const list = new Array(n)
    this.#depth++
    for (let i = 0; i < n; i++) list[i] = this.value()
    this.#depth--
    return list
  }

  #map(n: number): Record<string, unknown> {
    this.#depth++
    const { dictionary } = this
    dictionary.maps ??= new KnownMaps(dictionary.mode, dictionary.strings)
    const map = dictionary.maps.read(this, n) ?? this.#entries(n, dictionary.maps)
    this.#depth--
    return map
  }

  #entries(n: number, maps: MapReaders): Record<string, unknown> {
    const { strings, plain } = this.dictionary
    const ids: number[] | null = n > 0 && maps.lacks(this.i32[this.p], n) ? [] : null
    const map: Record<string, unknown> = {}
    for (let i = 0; i < n; i++) {
      const id = this.i32[this.p++]
      if (ids !== null) ids.push(id)
      if (id >= 0 && plain[id]) {
        map[strings[id]] = this.value()
      } else {
        // a rare key, or a name that Object.prototype has
        const key = id >= 0 ? strings[id] : (this.value() as string)
        define(map, key, this.value())
      }
    }
    if (ids !== null) maps.note(ids)
    return map
  }

  /** Fills a list or map of so many entries, with a stack of its own for those inside. */
  #deep(made: Opened['made'], size: number): Opened['made'] {
    const around: Opened[] = []
    let opened: Opened = { made, size, filled: 0 }
    for (;;) {
      while (opened.filled === opened.size) {
        const outer = around.pop()
        if (outer === undefined) return made
        opened = outer
      }
      const into = opened.made
      const key = Array.isArray(into) ? opened.filled : this.#key()
      opened.filled++
      const word = this.i32[this.p]
      const tag = word & 15
      let value: unknown
      if (tag === Tag.LIST || tag === Tag.MAP) {
        this.p++
        const n = word >> 4
        around.push(opened)
        opened = { made: tag === Tag.LIST ? new Array(n) : {}, size: n, filled: 0 }
        value = opened.made
      } else value = this.value()
      if (typeof key === 'number') (into as unknown[])[key] = value
      else define(into, key, value)
    }
  }

  #key(): string {
    const id = this.i32[this.p++]
    return id >= 0 ? this.dictionary.strings[id] : (this.value() as string)
  }

  #bytes(n: number): Int8Array {
    const start = this.p << 2
    this.p += (n + 3) >> 2
    return new Int8Array(this.u8.buffer.slice(this.u8.byteOffset + start, this.u8.byteOffset + start + n))
  }

  #ints(n: number): unknown[] {
    const i32 = this.i32
    const list = new Array(n)
    let p = this.p
    this.p = p + n
    if (this.mode === INTEGER) for (let i = 0; i < n; i++) list[i] = integerOf32(i32[p++])
    else if (this.mode === BIGINT) for (let i = 0; i < n; i++) list[i] = bigintOf32(i32[p++])
    else for (let i = 0; i < n; i++) list[i] = i32[p++]
    return list
  }

  #floatList(n: number): number[] {
    const { f64 } = this
    const list = new Array<number>(n)
    let p = this.floats + this.i32[this.p++]
    for (let i = 0; i < n; i++) list[i] = f64[p++]
    return list
  }

  /** Reads an integer into {@link low} and {@link high}. */
  integer(): void {
    const { i32 } = this
    const word = i32[this.p++]
    if ((word & 15) === Tag.INT28) {
      this.low = word >> 4
      this.high = word >> 31
    } else {
      this.low = i32[this.p++]
      this.high = i32[this.p++]
    }
  }

  /** Reads an integer that a double can hold. */
  number(): number {
    this.integer()
    return this.high * 4294967296 + (this.low >>> 0)
  }

  /** Reads a list of small integers, in either of its forms. */
  value32s(): number[] {
    const word = this.i32[this.p++]
    const packed = (word & 15) === Tag.INTS
    const list: number[] = []
    for (let n = word >> 4; n > 0; n--) list.push(packed ? this.i32[this.p++] : this.number())
    return list
  }
}
