// A writer of the batches that the native side hands over, so that the decoder can be tested without it.
//
// Wire values are written as: null, booleans, bigint (an integer), number (a float), string, Array (a list),
// Int8Array (bytes), plain object or Map (a map), Struct (a structure of the tape), NodeValue (a node, by its
// shape).

export const KIND = { MIXED: 0, INT: 1, FLOAT: 2, STR: 3, NULL: 4, BOOL: 5, INT32: 6 }

export const CODE = {
  NODE: 1,
  RELATIONSHIP: 2,
  UNBOUND_RELATIONSHIP: 3,
  PATH: 4,
  DATE: 5,
  TIME: 6,
  LOCAL_TIME: 7,
  DATETIME_OFFSET: 8,
  DATETIME_ZONE_UTC: 9,
  DATETIME_ZONE_LOCAL: 10,
  LOCAL_DATETIME: 11,
  DURATION: 12,
  POINT: 13,
  POINT3D: 14,
  VECTOR: 15,
  UNSUPPORTED: 16,
  UUID: 17
}

export class Struct {
  constructor(code, fields) {
    this.code = code
    this.fields = fields
  }
}

/** @property elementId a string, or null for servers that have none */
export class NodeValue {
  constructor(id, labels, properties, elementId = null) {
    this.id = id
    this.labels = labels
    this.properties = properties
    this.elementId = elementId
  }
}

const isAscii = text => /^[\0-\x7f]*$/.test(text)
const fits32 = n => BigInt.asIntN(32, n) === n
const low = n => Number(BigInt.asIntN(32, n))
const high = n => Number(BigInt.asIntN(32, n >> 32n))

/** Writes the batches of one result: strings and shapes are numbered over all of them. */
export class BatchWriter {
  #ids = new Map()
  #shapeIds = new Map()
  #interned = new Set()

  /** @param intern string values that go into the dictionary (labels and property names always do) */
  constructor({ intern = [], lists = 'packed' } = {}) {
    this.#interned = new Set(intern)
    this.packedLists = lists === 'packed'
  }

  /**
   * @param rows arrays of wire values, all of one length
   * @param columns how many values a row has; for batches without rows
   * @param kinds the kind of each column, where not the best that its values allow
   * @returns an ArrayBuffer holding the batch
   */
  batch(rows, { columns = rows[0]?.length ?? 0, kinds = [] } = {}) {
    this.words = []
    this.floats = []
    this.ascii = []
    this.asciiLength = 0
    this.wide = []
    this.newStrings = []
    this.newShapes = []
    const header = 12 + 4 * columns
    for (let i = 0; i < header; i++) this.words.push(0)
    for (let c = 0; c < columns; c++) this.#column(c, rows, kinds[c])
    return this.#finish(rows.length, columns)
  }

  #column(c, rows, wanted) {
    const values = rows.map(row => row[c])
    const kind = wanted ?? bestKind(values)
    const h = 12 + 4 * c
    let nulls = 0
    let base = 0
    if (kind !== KIND.MIXED && kind !== KIND.NULL && values.includes(null)) {
      nulls = this.#bitmap(values.map(v => v === null))
    }
    if (kind === KIND.FLOAT) {
      base = this.floats.length
      for (const v of values) this.floats.push(v ?? 0)
    } else if (kind === KIND.BOOL) {
      base = this.#bitmap(values.map(v => v === true))
    } else if (kind === KIND.INT || kind === KIND.INT32 || kind === KIND.STR) {
      base = this.words.length
      for (const v of values) {
        if (kind === KIND.INT) this.words.push(low(v ?? 0n), high(v ?? 0n))
        else if (kind === KIND.INT32) this.words.push(low(v ?? 0n))
        else this.words.push(...(v === null ? [0, 0] : this.#text(v)))
      }
    } else if (kind === KIND.MIXED) {
      base = this.words.length
      for (const _ of values) this.words.push(0)
      values.forEach((v, r) => {
        this.words[base + r] = this.words.length
        this.#value(v)
      })
    }
    this.words.splice(h, 4, kind, base, nulls, 0)
  }

  #bitmap(bits) {
    const at = this.words.length
    for (let i = 0; i < bits.length; i += 32) this.words.push(0)
    bits.forEach((bit, r) => {
      if (bit) this.words[at + (r >> 5)] |= 1 << (r & 31)
    })
    return at
  }

  /** Puts a string into its pool. @returns start and length, as a STR column has them */
  #text(text) {
    if (isAscii(text)) {
      const start = this.asciiLength
      this.ascii.push(text)
      this.asciiLength += text.length
      return [start, text.length]
    }
    const start = this.wide.length
    for (let i = 0; i < text.length; i++) this.wide.push(text.charCodeAt(i))
    return [start, -text.length]
  }

  #word(tag, payload) {
    this.words.push((payload << 4) | tag)
  }

  #dictionary(text) {
    let id = this.#ids.get(text)
    if (id === undefined) {
      id = this.#ids.size
      this.#ids.set(text, id)
      this.newStrings.push(text)
    }
    return id
  }

  #value(v) {
    if (v === null) this.#word(0, 0)
    else if (v === false) this.#word(1, 0)
    else if (v === true) this.#word(2, 0)
    else if (typeof v === 'bigint') this.#integer(v)
    else if (typeof v === 'number') {
      this.#word(5, this.floats.length)
      this.floats.push(v)
    } else if (typeof v === 'string') this.#string(v)
    else if (Array.isArray(v)) this.#list(v)
    else if (v instanceof Int8Array) this.#bytes(v)
    else if (v instanceof Struct) {
      this.#word(10, v.code)
      for (const field of v.fields) this.#value(field)
    } else if (v instanceof NodeValue) this.#node(v)
    else this.#map(v instanceof Map ? [...v] : Object.entries(v))
  }

  #integer(v) {
    if (v >= -(2n ** 27n) && v < 2n ** 27n) this.#word(3, Number(v))
    else {
      this.#word(4, 0)
      this.words.push(low(v), high(v))
    }
  }

  #string(v) {
    if (this.#interned.has(v)) return this.#word(12, this.#dictionary(v))
    const [start, n] = this.#text(v)
    this.#word(n >= 0 ? 6 : 7, Math.abs(n))
    this.words.push(start)
  }

  #list(v) {
    if (this.packedLists && v.length > 0 && v.every(x => typeof x === 'bigint' && fits32(x))) {
      this.#word(14, v.length)
      for (const x of v) this.words.push(low(x))
    } else if (this.packedLists && v.length > 0 && v.every(x => typeof x === 'number')) {
      this.#word(15, v.length)
      this.words.push(this.floats.length)
      this.floats.push(...v)
    } else {
      this.#word(8, v.length)
      for (const x of v) this.#value(x)
    }
  }

  #bytes(v) {
    this.#word(13, v.length)
    const padded = new Uint8Array((v.length + 3) & ~3)
    padded.set(new Uint8Array(v.buffer, v.byteOffset, v.length))
    this.words.push(...new Int32Array(padded.buffer))
  }

  /** Names of more than 40 characters stay out of the dictionary, as though it were full. */
  #map(entries) {
    this.#word(9, entries.length)
    for (const [key, value] of entries) {
      if (key.length <= 40) this.words.push(this.#dictionary(key))
      else {
        this.words.push(-1)
        const [start, n] = this.#text(key)
        this.#word(n >= 0 ? 6 : 7, Math.abs(n))
        this.words.push(start)
      }
      this.#value(value)
    }
  }

  #node({ id, labels, properties, elementId }) {
    const entries = Object.entries(properties)
    const types = entries.map(([, v]) => propertyType(v))
    const shape = [
      elementId === null ? 0 : 1,
      labels.length,
      ...labels.map(label => this.#dictionary(label)),
      entries.length,
      ...entries.flatMap(([key], i) => [this.#dictionary(key), types[i]])
    ]
    const name = shape.join()
    let shapeId = this.#shapeIds.get(name)
    if (shapeId === undefined) {
      shapeId = this.#shapeIds.size
      this.#shapeIds.set(name, shapeId)
      this.newShapes.push(shape)
    }
    this.#word(11, shapeId)
    this.words.push(low(id), high(id))
    entries.forEach(([, v], i) => {
      if (types[i] === 0) this.#value(v)
      else if (types[i] === 1) this.words.push(low(v), high(v))
      else if (types[i] === 2) {
        this.words.push(this.floats.length)
        this.floats.push(v)
      } else if (types[i] === 3) {
        if (this.#interned.has(v)) this.words.push(~this.#dictionary(v))
        else this.words.push(...this.#text(v).reverse())
      } else if (types[i] === 4) this.words.push(v ? 1 : 0)
    })
    if (elementId !== null) this.#value(elementId)
  }

  #finish(rows, columns) {
    const newAt = this.words.length
    for (const text of this.newStrings) this.words.push(...this.#text(text))
    for (const shape of this.newShapes) this.words.push(...shape)
    const f64At = (this.words.length + 1) >> 1
    const poolAt = 8 * (f64At + this.floats.length)
    const wideAt = (poolAt + this.asciiLength + 1) & ~1
    const byteLen = (wideAt + 2 * this.wide.length + 7) & ~7
    this.words.splice(
      0,
      12,
      rows,
      columns,
      f64At,
      poolAt,
      this.asciiLength,
      wideAt,
      this.wide.length,
      this.newStrings.length,
      this.newShapes.length,
      newAt,
      byteLen,
      0
    )
    const buffer = new ArrayBuffer(byteLen)
    new Int32Array(buffer).set(this.words)
    new Float64Array(buffer, 8 * f64At, this.floats.length).set(this.floats)
    Buffer.from(buffer, poolAt, this.asciiLength).write(this.ascii.join(''), 'latin1')
    new Uint16Array(buffer, wideAt, this.wide.length).set(this.wide)
    return buffer
  }
}

function propertyType(v) {
  if (v === null) return 5
  if (typeof v === 'bigint') return 1
  if (typeof v === 'number') return 2
  if (typeof v === 'boolean') return 4
  return typeof v === 'string' && isAscii(v) ? 3 : 0
}

/** The most compact kind that holds all values. */
function bestKind(values) {
  const there = values.filter(v => v !== null)
  if (there.length === 0) return KIND.NULL
  if (there.every(v => typeof v === 'bigint')) return there.every(fits32) ? KIND.INT32 : KIND.INT
  if (there.every(v => typeof v === 'number')) return KIND.FLOAT
  if (there.every(v => typeof v === 'string')) return KIND.STR
  if (there.every(v => typeof v === 'boolean')) return KIND.BOOL
  return KIND.MIXED
}
