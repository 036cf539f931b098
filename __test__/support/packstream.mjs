// PackStream, both ways, for the scripted server. Written from the protocol's description and kept apart
// from the library on purpose: a fault in the library's codec must not be mirrored by the one that checks it.

/** A float that would otherwise be written, or read, as an integer: `new Float(1)`. */
export class Float {
  constructor(value) {
    this.value = value
  }
  valueOf() {
    return this.value
  }
}

/** A tagged structure, such as a node or a date. */
export class Structure {
  constructor(tag, fields) {
    this.tag = tag
    this.fields = fields
  }
}

/** The UUID of Bolt 6.1: sixteen bytes behind a marker of its own. */
export class Uuid {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes)
  }
}

/** Bytes that are already PackStream. */
export class Packed {
  constructor(bytes) {
    this.bytes = Buffer.from(bytes)
  }
}

export const structure = (tag, ...fields) => new Structure(tag, fields)
export const node = (id, labels, properties, elementId) =>
  elementId === undefined
    ? structure(0x4e, id, labels, properties)
    : structure(0x4e, id, labels, properties, elementId)
export const relationship = (id, start, end, type, properties, elementIds) =>
  structure(0x52, id, start, end, type, properties, ...(elementIds ?? []))

const sized = (size, tiny, tinyLimit, markers) => {
  if (tiny !== null && size < tinyLimit) return Buffer.from([tiny | size])
  const [m8, m16, m32] = markers
  if (m8 !== null && size < 0x100) return Buffer.from([m8, size])
  if (size < 0x10000) return Buffer.from([m16, size >> 8, size & 0xff])
  const head = Buffer.alloc(5)
  head[0] = m32
  head.writeUInt32BE(size, 1)
  return head
}

const integer = value => {
  const n = BigInt(value)
  if (n >= -16n && n < 128n) return Buffer.from([Number(n) & 0xff])
  if (n >= -0x80n && n < 0x80n) return Buffer.from([0xc8, Number(n) & 0xff])
  let out
  if (n >= -0x8000n && n < 0x8000n) {
    out = Buffer.from([0xc9, 0, 0])
    out.writeInt16BE(Number(n), 1)
  } else if (n >= -0x80000000n && n < 0x80000000n) {
    out = Buffer.from([0xca, 0, 0, 0, 0])
    out.writeInt32BE(Number(n), 1)
  } else {
    out = Buffer.alloc(9)
    out[0] = 0xcb
    out.writeBigInt64BE(n, 1)
  }
  return out
}

const float = value => {
  const out = Buffer.alloc(9)
  out[0] = 0xc1
  out.writeDoubleBE(value, 1)
  return out
}

const write = (value, out) => {
  if (value === null || value === undefined) out.push(Buffer.from([0xc0]))
  else if (value === false) out.push(Buffer.from([0xc2]))
  else if (value === true) out.push(Buffer.from([0xc3]))
  else if (typeof value === 'bigint') out.push(integer(value))
  else if (typeof value === 'number') out.push(Number.isSafeInteger(value) ? integer(value) : float(value))
  else if (value instanceof Float) out.push(float(value.value))
  else if (typeof value === 'string') {
    const text = Buffer.from(value, 'utf8')
    out.push(sized(text.length, 0x80, 16, [0xd0, 0xd1, 0xd2]), text)
  } else if (value instanceof Packed) out.push(value.bytes)
  else if (value instanceof Uuid) out.push(Buffer.from([0xe0]), value.bytes)
  else if (value instanceof Uint8Array) {
    out.push(sized(value.length, null, 0, [0xcc, 0xcd, 0xce]), Buffer.from(value))
  } else if (Array.isArray(value)) {
    out.push(sized(value.length, 0x90, 16, [0xd4, 0xd5, 0xd6]))
    for (const item of value) write(item, out)
  } else if (value instanceof Structure) {
    out.push(Buffer.from([0xb0 | value.fields.length, value.tag]))
    for (const field of value.fields) write(field, out)
  } else {
    const entries = value instanceof Map ? [...value] : Object.entries(value)
    out.push(sized(entries.length, 0xa0, 16, [0xd8, 0xd9, 0xda]))
    for (const [key, item] of entries) {
      write(key, out)
      write(item, out)
    }
  }
}

/** PackStream of one value. Numbers without a fraction are integers; use `Float` for 1.0. */
export const pack = value => {
  const out = []
  write(value, out)
  return Buffer.concat(out)
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes
    this.at = 0
  }
  take(n) {
    if (this.at + n > this.bytes.length) throw new Error(`PackStream ends early: ${n} bytes wanted`)
    this.at += n
    return this.bytes.subarray(this.at - n, this.at)
  }
  size(marker, first) {
    if (marker === first) return this.take(1)[0]
    if (marker === first + 1) return this.take(2).readUInt16BE()
    return this.take(4).readUInt32BE()
  }
  text(n) {
    return this.take(n).toString('utf8')
  }
  list(n) {
    return Array.from({ length: n }, () => this.value())
  }
  map(n) {
    const out = {}
    for (let i = 0; i < n; i++) {
      const key = this.value()
      out[key] = this.value()
    }
    return out
  }
  structure(n) {
    const tag = this.take(1)[0]
    return new Structure(tag, this.list(n))
  }
  value() {
    const marker = this.take(1)[0]
    if (marker < 0x80) return marker
    if (marker >= 0xf0) return marker - 0x100
    if (marker < 0x90) return this.text(marker & 15)
    if (marker < 0xa0) return this.list(marker & 15)
    if (marker < 0xb0) return this.map(marker & 15)
    if (marker < 0xc0) return this.structure(marker & 15)
    switch (marker) {
      case 0xc0:
        return null
      case 0xc1: {
        const value = this.take(8).readDoubleBE()
        return Number.isSafeInteger(value) ? new Float(value) : value
      }
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc8:
        return this.take(1).readInt8()
      case 0xc9:
        return this.take(2).readInt16BE()
      case 0xca:
        return this.take(4).readInt32BE()
      case 0xcb: {
        const value = this.take(8).readBigInt64BE()
        const small = Number(value)
        return Number.isSafeInteger(small) ? small : value
      }
      case 0xcc:
      case 0xcd:
      case 0xce:
        return Buffer.from(this.take(this.size(marker, 0xcc)))
      case 0xd0:
      case 0xd1:
      case 0xd2:
        return this.text(this.size(marker, 0xd0))
      case 0xd4:
      case 0xd5:
      case 0xd6:
        return this.list(this.size(marker, 0xd4))
      case 0xd8:
      case 0xd9:
      case 0xda:
        return this.map(this.size(marker, 0xd8))
      case 0xdc:
      case 0xdd:
        return this.structure(marker === 0xdc ? this.take(1)[0] : this.take(2).readUInt16BE())
      case 0xe0:
        return new Uuid(this.take(16))
      default:
        throw new Error(`no such PackStream marker: 0x${marker.toString(16)}`)
    }
  }
}

/** The one value in `bytes`. Integers beyond 2^53 come as bigint, whole floats as `Float`. */
export const unpack = bytes => {
  const reader = new Reader(Buffer.from(bytes))
  const value = reader.value()
  if (reader.at !== reader.bytes.length) throw new Error('PackStream: bytes left over')
  return value
}

/** One Bolt message in chunks of at most `size` bytes, with the closing empty chunk. */
export const chunked = (message, size = 0xffff) => {
  const out = []
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size)
    out.push(Buffer.from([part.length >> 8, part.length & 0xff]), part)
  }
  out.push(Buffer.from([0, 0]))
  return Buffer.concat(out)
}

/** Collects chunks into messages: feed it bytes, it returns the messages that are complete. NOOPs fall away. */
export class Dechunker {
  #rest = Buffer.alloc(0)
  #parts = []
  feed(bytes) {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const messages = []
    while (this.#rest.length >= 2) {
      const size = this.#rest.readUInt16BE()
      if (this.#rest.length < 2 + size) break
      if (size > 0) this.#parts.push(this.#rest.subarray(2, 2 + size))
      else if (this.#parts.length > 0) {
        messages.push(Buffer.concat(this.#parts))
        this.#parts = []
      }
      this.#rest = this.#rest.subarray(2 + size)
    }
    return messages
  }
}
