/**
 * Reads PackStream of Bolt 6.1 in JavaScript. Results do not come this way; it is for the few values that are packed
 * inside of others: what was encrypted as a property.
 */

import { type EncryptedValue, newError, Point, UUID } from 'neo4j-driver-core'
import { MAX_DEPTH } from './encode-values.js'
import { INTEGER, type Mode, make } from './integers.js'
import { define } from './names.js'
import { vectorOf } from './structures.js'
import {
  dateOf,
  dateTimeInZone,
  dateTimeWithOffset,
  durationOf,
  localDateTimeOf,
  localTimeOf,
  timeOf
} from './temporal.js'

/** The fields of an encrypted value, in their order. */
export type EncryptedFields = [
  profileType: EncryptedValue['profileType'],
  profileVersion: EncryptedValue['profileVersion'],
  profileName: string,
  cipherOutput: Int8Array,
  typeName: string,
  typeProtocolMajor: EncryptedValue['typeProtocolMajor'],
  typeProtocolMinor: EncryptedValue['typeProtocolMinor'],
  metadata: EncryptedValue['metadata']
]

/** Signature of an encrypted value, and how many fields it has. */
export const ENCRYPTED = 0x65
export const ENCRYPTED_FIELDS = 8

/** The one value that the bytes are. Throws when they are none, or more than one. */
export function unpackValue(bytes: Uint8Array, mode: Mode): unknown {
  const reader = new Reader(bytes, mode)
  const value = reader.value(0)
  reader.end()
  return value
}

/** The fields of the encrypted value that the bytes are; integers among them are Integers. */
export function unpackEncrypted(bytes: Uint8Array): EncryptedFields {
  const reader = new Reader(bytes, INTEGER)
  reader.structure(ENCRYPTED, ENCRYPTED_FIELDS)
  const fields = Array.from({ length: ENCRYPTED_FIELDS }, () => reader.value(1))
  reader.end()
  return fields as EncryptedFields
}

class Reader {
  readonly #bytes: Buffer
  readonly #mode: Mode
  #at = 0
  // the integer that was read last, in halves
  #low = 0
  #high = 0

  constructor(bytes: Uint8Array, mode: Mode) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#mode = mode
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw newError('There are bytes behind the value.')
  }

  structure(signature: number, fields: number): void {
    if (this.#bytes[this.#skip(1)] !== (0xb0 | fields) || this.#bytes[this.#skip(1)] !== signature) {
      throw newError(`A structure 0x${signature.toString(16)} with ${fields} fields was expected.`)
    }
  }

  value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw newError(`The value is nested deeper than ${MAX_DEPTH} levels.`)
    const marker = this.#bytes[this.#skip(1)]
    if (this.#integer(marker)) return make(this.#mode, this.#low, this.#high)
    switch (marker >> 4) {
      case 0x8:
        return this.#text(marker & 15)
      case 0x9:
        return this.#list(marker & 15, depth)
      case 0xa:
        return this.#map(marker & 15, depth)
      case 0xb:
        return this.#structure(marker & 15)
      default:
        return this.#long(marker, depth)
    }
  }

  #long(marker: number, depth: number): unknown {
    switch (marker) {
      case 0xc0:
        return null
      case 0xc1:
        return this.#bytes.readDoubleBE(this.#skip(8))
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#blob(this.#size(marker - 0xcc))
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return this.#text(this.#size(marker - 0xd0))
      case 0xd4:
      case 0xd5:
      case 0xd6:
        return this.#list(this.#size(marker - 0xd4), depth)
      case 0xd8:
      case 0xd9:
      case 0xda:
        return this.#map(this.#size(marker - 0xd8), depth)
      case 0xe0: {
        const at = this.#skip(16)
        return new UUID(new Uint8Array(this.#bytes.subarray(at, at + 16)))
      }
      default:
        throw newError(`A value cannot begin with the byte 0x${marker.toString(16)}.`)
    }
  }

  /** Moves on by `n` bytes; returns where they are. */
  #skip(n: number): number {
    const at = this.#at
    if (at + n > this.#bytes.length) throw newError('The value is cut off.')
    this.#at = at + n
    return at
  }

  /** A length of 1, 2 or 4 bytes. */
  #size(form: number): number {
    const n = 1 << form
    return this.#bytes.readUIntBE(this.#skip(n), n)
  }

  /** Reads the integer of this marker into the halves; false when it is no integer's. */
  #integer(marker: number): boolean {
    if (marker < 0x80 || marker >= 0xf0) this.#low = (marker << 24) >> 24
    else if (marker === 0xc8) this.#low = this.#bytes.readInt8(this.#skip(1))
    else if (marker === 0xc9) this.#low = this.#bytes.readInt16BE(this.#skip(2))
    else if (marker === 0xca) this.#low = this.#bytes.readInt32BE(this.#skip(4))
    else if (marker === 0xcb) {
      this.#high = this.#bytes.readInt32BE(this.#skip(4))
      this.#low = this.#bytes.readInt32BE(this.#skip(4))
      return true
    } else return false
    this.#high = this.#low >> 31
    return true
  }

  /** A field that is an integer, as a number. */
  #number(): number {
    if (!this.#integer(this.#bytes[this.#skip(1)])) throw newError('An integer was expected.')
    return this.#high * 4294967296 + (this.#low >>> 0)
  }

  #text(n: number): string {
    const at = this.#skip(n)
    return this.#bytes.toString('utf8', at, at + n)
  }

  #blob(n: number): Int8Array {
    const at = this.#skip(n)
    return new Int8Array(this.#bytes.subarray(at, at + n))
  }

  #list(n: number, depth: number): unknown[] {
    const list: unknown[] = []
    for (let i = 0; i < n; i++) list.push(this.value(depth + 1))
    return list
  }

  #map(n: number, depth: number): Record<string, unknown> {
    const map = {}
    for (let i = 0; i < n; i++) {
      const key = this.value(MAX_DEPTH)
      if (typeof key !== 'string') throw newError('A key of a map was no string.')
      define(map, key, this.value(depth + 1))
    }
    return map
  }

  #structure(fields: number): unknown {
    const mode = this.#mode
    const signature = this.#bytes[this.#skip(1)]
    switch ((fields << 8) | signature) {
      case 0x144:
        return dateOf(mode, this.#number())
      case 0x174:
        return localTimeOf(mode, this.#number())
      case 0x254:
        return timeOf(mode, this.#number(), this.#number())
      case 0x264: {
        this.#number()
        return localDateTimeOf(mode, this.#low, this.#high, this.#number())
      }
      case 0x349: {
        this.#number()
        const utc = (BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0)
        const nanos = this.#number()
        const offset = this.#number()
        const local = utc + BigInt(offset)
        return dateTimeWithOffset(mode, Number(BigInt.asIntN(32, local)), Number(local >> 32n), nanos, offset)
      }
      case 0x369: {
        this.#number()
        return dateTimeInZone(mode, this.#low, this.#high, this.#number(), this.value(MAX_DEPTH) as string)
      }
      case 0x445: {
        const months = this.value(MAX_DEPTH) as number
        const days = this.value(MAX_DEPTH) as number
        this.#number()
        return durationOf(mode, months, days, this.#low, this.#high, this.#number())
      }
      case 0x358:
      case 0x459: {
        const [srid, x, y, z] = Array.from({ length: fields }, () => this.value(MAX_DEPTH) as number)
        return new Point(srid, x, y, z)
      }
      case 0x256: {
        const [type, elements] = [this.value(MAX_DEPTH), this.value(MAX_DEPTH)] as Int8Array[]
        return vectorOf(type[0] & 0xff, elements)
      }
      default:
        throw newError(`A structure 0x${signature.toString(16)} with ${fields} fields is not known.`)
    }
  }
}
