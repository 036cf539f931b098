import type { Record as CoreRecord } from 'neo4j-driver-core'
import { BatchWords } from '../format.js'
import { type IntegerMode, modeOf } from './integers.js'
import { recordsOf } from './row-readers.js'
import { Batch, type Bytes } from './tape.js'
import type { Dictionary } from './tape-reader.js'

export type { IntegerMode } from './integers.js'

/** Field name -> its position, as core's Record wants it. */
export type FieldLookup = Readonly<Record<string, number>>

/** Builds the {@link FieldLookup} of a result. */
export function lookupOf(keys: readonly string[]): FieldLookup {
  const lookup: Record<string, number> = Object.create(null)
  for (let i = 0; i < keys.length; i++) lookup[keys[i]] = i
  return lookup
}

const NO_KEYS: string[] = []
const NO_LOOKUP = lookupOf(NO_KEYS)

// What reading is done with: it is over when the call returns, and what it made does not refer to the batch.
const passing = new Batch()

/**
 * Turns the batches of one result into values. Batches must be given in the order in which they came, each
 * once: strings and node shapes are numbered over the whole result.
 */
export class Decoder {
  readonly #dictionary: Dictionary
  #keys = NO_KEYS
  /** Counted once: an application may change the names that its records have. */
  #columns = 0
  #lookup = NO_LOOKUP

  constructor(mode: IntegerMode = 'Integer') {
    this.#dictionary = { mode: modeOf(mode), strings: [], plain: [], shapes: [], maps: null }
  }

  /** The names of the result's fields, and where each is: both become parts of every record. */
  setKeys(keys: string[], lookup: FieldLookup = lookupOf(keys)): void {
    this.#keys = keys
    this.#columns = keys.length
    this.#lookup = lookup
  }

  /**
   * The records of the batch `byteOffset` bytes (a multiple of 8) into a buffer, given as three views of all
   * of it. They keep nothing of the buffer.
   */
  records(i32: Int32Array, f64: Float64Array, u8: Buffer, byteOffset: number): CoreRecord[] {
    this.#bind(i32, f64, u8, byteOffset)
    try {
      return recordsOf(passing)
    } finally {
      passing.release()
    }
  }

  /**
   * The one value of a batch of one row and one column (the metadata of a summary); the arguments are those
   * of {@link records}.
   */
  value(i32: Int32Array, f64: Float64Array, u8: Buffer, byteOffset: number): unknown {
    this.#bind(i32, f64, u8, byteOffset)
    try {
      passing.p = passing.base + i32[passing.base + i32[passing.base + BatchWords.HEADER + 1]]
      return passing.value()
    } finally {
      passing.release()
    }
  }

  #bind(i32: Int32Array, f64: Float64Array, u8: Buffer, byteOffset: number): void {
    passing.keys = this.#keys
    passing.columns = this.#columns
    passing.lookup = this.#lookup
    passing.bind(i32, f64, u8 as Bytes, byteOffset, this.#dictionary)
  }
}
