// npm's neo4j-driver as the one to be equal to: wire values -> PackStream bytes -> what it makes of them.
import { createRequire } from 'node:module'
import { CODE, NodeValue, Struct } from './batch-writer.mjs'

const require = createRequire(import.meta.url)
const { alloc } = require('neo4j-driver-bolt-connection/lib/channel')
const { Unpacker, Packer } = require('neo4j-driver-bolt-connection/lib/packstream/packstream-v1')
const { default: Transformer } = require('neo4j-driver-bolt-connection/lib/bolt/transformer')
const transformersOf = version =>
  require(`neo4j-driver-bolt-connection/lib/bolt/bolt-protocol-v${version}.transformer`).default

const utf8 = new TextEncoder()

// Signature of each structure, by its code on the tape
const SIGNATURES = {
  [CODE.NODE]: 0x4e,
  [CODE.RELATIONSHIP]: 0x52,
  [CODE.UNBOUND_RELATIONSHIP]: 0x72,
  [CODE.PATH]: 0x50,
  [CODE.DATE]: 0x44,
  [CODE.TIME]: 0x54,
  [CODE.LOCAL_TIME]: 0x74,
  [CODE.DATETIME_OFFSET]: 0x49,
  [CODE.DATETIME_ZONE_UTC]: 0x69,
  [CODE.DATETIME_ZONE_LOCAL]: 0x66,
  [CODE.LOCAL_DATETIME]: 0x64,
  [CODE.DURATION]: 0x45,
  [CODE.POINT]: 0x58,
  [CODE.POINT3D]: 0x59,
  [CODE.VECTOR]: 0x56,
  [CODE.UNSUPPORTED]: 0x3f
}

/** PackStream of a wire value, as a server of 5.0 or later sends it (with `legacy`: before). */
export function packWire(v, { legacy = false } = {}) {
  const chunks = []
  const put = (...bytes) => chunks.push(Uint8Array.from(bytes))
  const sized = (marker, n) => {
    const b = Buffer.alloc(5)
    b[0] = marker
    b.writeUInt32BE(n, 1)
    chunks.push(b)
  }
  const int = n => {
    const b = Buffer.alloc(9)
    b[0] = 0xcb
    b.writeBigInt64BE(n, 1)
    chunks.push(b)
  }
  const string = text => {
    const bytes = utf8.encode(text)
    sized(0xd2, bytes.length)
    chunks.push(bytes)
  }
  const map = entries => {
    sized(0xda, entries.length)
    for (const [key, value] of entries) {
      string(key)
      write(value)
    }
  }
  const struct = (code, fields) => {
    if (code === CODE.UUID) {
      put(0xe0)
      chunks.push(new Uint8Array(fields[0].buffer))
      return
    }
    if (code === CODE.VECTOR) fields = [Int8Array.of(Number(fields[0])), fields[1]]
    if (code === CODE.UNSUPPORTED)
      fields = [...fields.slice(0, 3), fields[3] === null ? {} : { message: fields[3] }]
    if (code === CODE.DATETIME_OFFSET) fields = [fields[0] - fields[2], fields[1], fields[2]]
    if (legacy)
      fields = fields.slice(
        0,
        { [CODE.NODE]: 3, [CODE.RELATIONSHIP]: 5, [CODE.UNBOUND_RELATIONSHIP]: 3 }[code]
      )
    put(0xb0 | fields.length, SIGNATURES[code])
    for (const field of fields) write(field)
  }
  const write = v => {
    if (v === null) put(0xc0)
    else if (typeof v === 'boolean') put(v ? 0xc3 : 0xc2)
    else if (typeof v === 'bigint') int(v)
    else if (typeof v === 'number') {
      const b = Buffer.alloc(9)
      b[0] = 0xc1
      b.writeDoubleBE(v, 1)
      chunks.push(b)
    } else if (typeof v === 'string') string(v)
    else if (Array.isArray(v)) {
      sized(0xd6, v.length)
      for (const x of v) write(x)
    } else if (v instanceof Int8Array) {
      sized(0xce, v.length)
      chunks.push(new Uint8Array(v.buffer, v.byteOffset, v.length))
    } else if (v instanceof Struct) struct(v.code, v.fields)
    else if (v instanceof NodeValue) {
      struct(CODE.NODE, [v.id, v.labels, v.properties, ...(v.elementId === null ? [] : [v.elementId])])
    } else map(v instanceof Map ? [...v] : Object.entries(v))
  }
  write(v)
  return Buffer.concat(chunks)
}

const transformers = new Map()
function transformerOf(mode, legacy) {
  const id = `${mode} ${legacy}`
  let transformer = transformers.get(id)
  if (transformer === undefined) {
    const config = { disableLosslessIntegers: mode === 'number', useBigInt: mode === 'bigint' }
    const log = { warn() {}, debug() {} }
    const version = legacy ? '4x4' : '6x1'
    const all = { ...transformersOf(version) }
    // both forms of a zoned time, as for a connection of either kind
    const list = Object.values(all).map(create => create(config, log))
    if (!legacy) list.push(transformersOf('4x4').createDateTimeWithZoneIdTransformer(config, log))
    transformer = new Transformer(list)
    transformers.set(id, transformer)
  }
  return transformer
}

/** What neo4j-driver makes of a wire value. */
export function official(v, mode = 'Integer', { legacy = false } = {}) {
  return unpackOfficial(packWire(v, { legacy }), mode, { legacy })
}

/** What neo4j-driver makes of PackStream bytes. */
export function unpackOfficial(bytes, mode = 'Integer', { legacy = false } = {}) {
  const buffer = alloc(bytes.length)
  for (const byte of bytes) buffer.writeUInt8(byte)
  buffer.reset()
  const unpacker = new Unpacker(mode === 'number', mode === 'bigint', true)
  return unpacker.unpack(buffer, transformerOf(mode, legacy).fromStructure)
}

/** The bytes that neo4j-driver sends for a parameter. */
export function packOfficial(value) {
  const chunks = []
  const number = (bytes, write) => n => {
    const b = Buffer.alloc(bytes)
    b[write](n, 0)
    chunks.push(b)
  }
  const channel = {
    writeUInt8: number(1, 'writeUInt8'),
    writeInt8: number(1, 'writeInt8'),
    writeInt16: number(2, 'writeInt16BE'),
    writeInt32: number(4, 'writeInt32BE'),
    writeFloat64: number(8, 'writeDoubleBE'),
    writeBytes: bytes => chunks.push(Buffer.from(bytes._buffer))
  }
  new Packer(channel, true).packable(value, transformerOf('Integer', false).toStructure)()
  return Buffer.concat(chunks)
}
