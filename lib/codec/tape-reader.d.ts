import type { Node, NumberOrInteger } from 'neo4j-driver-core'
import type { Mode } from './integers.js'

/** What those who read one kind of value need of the batch that it is in. */
export interface TapeReader {
  readonly i32: Int32Array
  readonly f64: Float64Array
  /** Index of the batch's first float in `f64`. */
  readonly floats: number
  /** Cursor: index of the next word of the tape. */
  p: number
  /** Column being read, and the names of all: for messages. */
  readonly column: number
  readonly keys: readonly string[]
  readonly mode: Mode
  readonly dictionary: Dictionary
  /** The halves of what {@link integer} read. */
  readonly low: number
  readonly high: number
  /** Reads the value at the cursor and moves behind it. */
  value(): unknown
  /** Reads a list of small integers, in either of its forms. */
  value32s(): number[]
  /** Reads an integer into {@link low} and {@link high}. */
  integer(): void
  /** Reads an integer that a double can hold. */
  number(): number
  /** A string of `n` ASCII characters, `start` into the pool. */
  ascii(start: number, n: number): string
}

/** What a result's batches share: strings and node shapes are numbered over the whole result. */
export interface Dictionary {
  readonly mode: Mode
  readonly strings: string[]
  /** Whether a plain `object[key] = value` is right for the string of that id. */
  readonly plain: boolean[]
  readonly shapes: NodeReader[]
  /** Null until a map is met. */
  maps: MapReaders | null
}

/** Code for maps that have keys which many maps of the result have. */
export interface MapReaders {
  /** The map of that many entries at the cursor, which it moves behind; null, and nothing is read, where there is no code for it. */
  read(batch: TapeReader, size: number): Record<string, unknown> | null
  /** Whether a map of this first key and that many entries is to be noted when it was read without. */
  lacks(first: number, size: number): boolean
  /** Maps with these keys have come. */
  note(ids: readonly number[]): void
}

/** Reads a node of one shape at the cursor, and moves behind it. */
export interface NodeReader {
  read(batch: TapeReader): Node<NumberOrInteger>
}
