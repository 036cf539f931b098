/**
 * How property values are encoded before they are encrypted, and encrypted values before they are stored: as by
 * `neo4j-driver` 6.3, so that each reads what the other wrote. Core's `EncryptionService` does the rest.
 */

import { EncryptedValue, isDateTime, type ProtocolVersion, UnsupportedType } from 'neo4j-driver-core'
import { putDateTimeInZone } from '../codec/encode-types'
import { putValue } from '../codec/encode-values'
import type { Mode } from '../codec/integers'
import { out, putListHeader, use } from '../codec/packer'
import { ENCRYPTED, ENCRYPTED_FIELDS, unpackEncrypted, unpackValue } from '../codec/unpack'
import { Unsendable } from '../codec/unsendable'
import { clientError } from '../errors'
import { leaveAlone } from '../impl'

/** Of the encoding of values: PackStream of Bolt 6.1. */
const VERSION = '1.0'
/** First byte of what is stored. */
const FORMAT = 1
const INITIAL_SIZE = 1024

export class PropertyEncoding {
  static {
    leaveAlone(PropertyEncoding)
  }

  readonly #mode: Mode

  /** @param mode what integers that were encrypted become */
  constructor(mode: Mode) {
    this.#mode = mode
  }

  encodeValue(value: unknown): ArrayBuffer {
    return packed(p => putProperty(value, p))
  }

  /** Additional data, as a value of that version is encoded. */
  encodeAAD(value: unknown, version: ProtocolVersion): ArrayBuffer {
    if (!isKnown(version)) {
      throw clientError(
        `The additional data was encoded in version ${version}, which this driver does not know: it knows ${VERSION}`
      )
    }
    return this.encodeValue(value)
  }

  decodeValue(bytes: ArrayBuffer | Uint8Array, version: ProtocolVersion): unknown {
    if (isKnown(version)) return unpackValue(new Uint8Array(bytes), this.#mode)
    const [major, minor] = String(version).split('.').map(Number)
    return new UnsupportedType(
      'Undecryptable Value',
      major,
      minor,
      'Encrypted value was encoded with a newer driver, you must update your driver version to decode it.'
    )
  }

  encodeObject(value: EncryptedValue): Int8Array {
    const { profileType, profileVersion, profileName, cipherOutput, typeName, metadata } = value
    const { typeProtocolMajor, typeProtocolMinor } = value
    const fields = [profileType, profileVersion, profileName, cipherOutput, typeName]
    const bytes = packed(p => {
      out.buf.set([FORMAT, 0xb0 | ENCRYPTED_FIELDS, ENCRYPTED], p)
      return [...fields, typeProtocolMajor, typeProtocolMinor, metadata].reduce<number>(
        (at, field) => putValue(field, at, 1),
        p + 3
      )
    })
    return new Int8Array(bytes)
  }

  decodeObject(bytes: Int8Array): EncryptedValue {
    const [format] = bytes
    if (format === undefined) throw clientError('Empty byte array provided as ciphertext to decryption.')
    if (format !== FORMAT) {
      throw clientError(
        `Object is encoded with version ${format}, this driver only supports version ${FORMAT}.`
      )
    }
    const [type, version, name, output, typeName, major, minor, metadata] = unpackEncrypted(
      new Uint8Array(bytes.buffer, bytes.byteOffset + 1, bytes.byteLength - 1)
    )
    return new EncryptedValue(output, name, type, version, typeName, major, minor, metadata)
  }
}

/** Its parts may be numbers or Integers. */
function isKnown(version: ProtocolVersion): boolean {
  return String(version) === VERSION
}

/** What `write` writes, in memory of its own. */
function packed(write: (p: number) => number): ArrayBuffer {
  const outer = { ...out }
  use(Buffer.allocUnsafeSlow(INITIAL_SIZE))
  try {
    const end = write(0)
    return new Uint8Array(out.buf.subarray(0, end)).buffer
  } catch (problem) {
    throw problem instanceof Unsendable
      ? clientError(`The value cannot be encoded: ${problem.message}`)
      : problem
  } finally {
    Object.assign(out, outer)
  }
}

/** A value, or a list of values, as servers of Bolt 6.1 would get it. */
function putProperty(value: unknown, p: number): number {
  if (Array.isArray(value))
    return value.reduce<number>((at, item) => putProperty(item, at), putListHeader(value.length, p))
  if (isDateTime(value as object) && (value as { timeZoneId?: unknown }).timeZoneId != null) {
    return putDateTimeInZone(value as Parameters<typeof putDateTimeInZone>[0], p)
  }
  return putValue(value, p, 1)
}
