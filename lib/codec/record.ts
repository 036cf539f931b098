import { inspect } from 'node:util'
import { Record as CoreRecord } from 'neo4j-driver-core'
import type { Batch } from './tape.js'

type Lookup = Readonly<Record<string, number>>
type Visitor<T> = (value: unknown, key: string, record: CoreRecord) => T

// Up to here, comparing names one by one (by address, mostly) is quicker than a look-up by name.
const FEW_NAMES = 16

/**
 * What every record of this driver is: an instance of core's Record in all that a program can see.
 *
 * It has two forms under one prototype. A *standing* record has the four own properties of core's Record. A
 * *lazy* one has `_b`, a batch, and `_r`, a row in it, and makes each value as it is read: 40 bytes, of which
 * a large result keeps millions. Whatever looks at the own properties of objects (comparing deeply, cloning)
 * asks for their `Symbol.toStringTag` first: a lazy record takes that as the moment to become a standing one.
 *
 * What can tell it from a Record that `new Record` made: its prototype (`assert.deepStrictEqual` of the two
 * fails on Node 20), and, while it is lazy, what lists own properties without a word (`Object.keys`,
 * spreading, `structuredClone`).
 */
export class Row {
  declare _b: Batch | undefined
  declare _r: number
  keys: string[]
  length: number
  _fields: unknown[]
  _fieldLookup: Lookup

  constructor(keys: string[], fields: unknown[], lookup: Lookup) {
    this.keys = keys
    this.length = keys.length
    this._fields = fields
    this._fieldLookup = lookup
  }

  get(key: string | number): unknown {
    const batch = this._b
    if (batch === undefined) {
      const column = typeof key === 'number' ? key : this._fieldLookup[key]
      if (column >= 0 && column < this._fields.length) return this._fields[column]
    } else {
      const column = typeof key === 'number' ? key : columnOf(batch, key)
      if (column >>> 0 === column && column < batch.names.length) return batch.cell(column, this._r)
    }
    // missing, or something odd: core has the words for it
    return CoreRecord.prototype.get.call(this, key as number)
  }

  has(key: string | number): boolean {
    return typeof key === 'number' ? key >= 0 && key < this.length : this._fieldLookup[key] !== undefined
  }

  toObject(): Record<string, unknown> {
    const { keys } = this
    const object: Record<string, unknown> = {}
    for (let i = 0; i < keys.length; i++) object[keys[i]] = at(this, i)
    return object
  }

  forEach(visitor: Visitor<void>): void {
    const { keys } = this
    for (let i = 0; i < keys.length; i++) visitor(at(this, i), keys[i], this as unknown as CoreRecord)
  }

  map<T>(visitor: Visitor<T>): T[] {
    const { keys } = this
    const values: T[] = []
    for (let i = 0; i < keys.length; i++)
      values.push(visitor(at(this, i), keys[i], this as unknown as CoreRecord))
    return values
  }

  *entries(): IterableIterator<[string, unknown]> {
    for (let i = 0; i < this.keys.length; i++) yield [this.keys[i], at(this, i)]
  }

  *values(): IterableIterator<unknown> {
    for (let i = 0; i < this.keys.length; i++) yield at(this, i)
  }

  *[Symbol.iterator](): IterableIterator<unknown> {
    for (let i = 0; i < this.keys.length; i++) yield at(this, i)
  }

  toJSON(): object {
    const { keys, length, _fields, _fieldLookup } = this
    return { keys, length, _fields, _fieldLookup }
  }

  /** Shown as a Record of core is shown. */
  [inspect.custom](): CoreRecord {
    return new CoreRecord(this.keys, this._fields, this._fieldLookup as never)
  }
}

function columnOf({ names, lookup }: Batch, key: string): number {
  const n = names.length
  if (n > FEW_NAMES) return lookup[key] ?? -1
  for (let i = 0; i < n; i++) if (names[i] === key) return i
  return -1
}

function at(row: Row, column: number): unknown {
  const batch = row._b
  if (batch === undefined) return row._fields[column]
  return column < batch.names.length ? batch.cell(column, row._r) : undefined
}

function fieldsOf(row: Row): unknown[] {
  const batch = row._b as Batch
  const fields: unknown[] = []
  for (let i = 0; i < batch.names.length; i++) fields.push(batch.cell(i, row._r))
  return fields
}

/** Turns a lazy record into a standing one, in place. */
function stand(row: Row): void {
  const batch = row._b as Batch
  const fields = fieldsOf(row)
  // the reverse of the order in which they were added
  delete (row as Partial<Row>)._r
  delete (row as Partial<Row>)._b
  own(row, 'keys', batch.keys)
  own(row, 'length', batch.names.length)
  own(row, '_fields', fields)
  own(row, '_fieldLookup', batch.lookup)
}

function own(row: Row, name: string, value: unknown): void {
  Object.defineProperty(row, name, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * An own property of core's Record that a lazy one has on its prototype; writing to it makes the record a
 * standing one.
 */
function lazily(name: string, get: (row: Row, batch: Batch) => unknown): PropertyDescriptor {
  return {
    configurable: true,
    enumerable: false,
    get(this: Row) {
      return this._b === undefined ? undefined : get(this, this._b)
    },
    set(this: Row, value: unknown) {
      if (this._b !== undefined) stand(this)
      own(this, name, value)
    }
  }
}

const prototype = Row.prototype as unknown as CoreRecord
Object.setPrototypeOf(prototype, CoreRecord.prototype)
Object.defineProperties(prototype, {
  constructor: { value: CoreRecord, writable: true, configurable: true, enumerable: false },
  keys: lazily('keys', (_, batch) => batch.keys),
  length: lazily('length', (_, batch) => batch.names.length),
  _fields: lazily('_fields', fieldsOf),
  _fieldLookup: lazily('_fieldLookup', (_, batch) => batch.lookup),
  [Symbol.toStringTag]: {
    configurable: true,
    enumerable: false,
    get(this: Row) {
      if (this._b !== undefined && Object.isExtensible(this)) stand(this)
      return undefined
    }
  }
})

/** The records of a batch, each a lazy one. */
export function lazyRecords(batch: Batch): CoreRecord[] {
  const { rows } = batch
  const records = new Array<CoreRecord>(rows)
  // A literal, not a constructor: V8 notes at such a place that its objects live long, and allocates them
  // there at once.
  for (let row = 0; row < rows; row++) {
    records[row] = { __proto__: prototype, _b: batch, _r: row } as unknown as CoreRecord
  }
  return records
}
