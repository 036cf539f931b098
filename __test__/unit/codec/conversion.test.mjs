// Parameters that neo4j-driver sends otherwise: each row of the table in docs/MIGRATION.md, held against its own packer.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import vm from 'node:vm'
import neo4j from 'neo4j-driver-core'
import encode from '../../../dist/codec/encode.js'
import { packOfficial } from './support/official.mjs'

const { encodeParameters } = encode
const inside = bytes => Buffer.from(bytes).subarray(1 + 6) // behind the head of the map, and the name
const ours = value => inside(encodeParameters({ value }).bytes)
const asTheirs = value => inside(encodeParameters({ value }, true).bytes)
const map = Buffer.of(0xa0)
const integers = (...values) => Buffer.of(0x90 | values.length, ...values)
const bytes = (...values) => Buffer.of(0xcc, values.length, ...values)
const refused = 'refused'

/** Rows of the table: values, and what they are by default. */
const ROWS = {
  '`Buffer`, `Uint8Array`': [
    [Buffer.of(1, 2), bytes(1, 2)],
    [Uint8Array.of(1, 2), bytes(1, 2)]
  ],
  '`DataView`': [[new DataView(new ArrayBuffer(2)), bytes(0, 0)]],
  '`ArrayBuffer`, `SharedArrayBuffer`': [
    [new ArrayBuffer(2), bytes(0, 0)],
    [new SharedArrayBuffer(1), bytes(0)]
  ],
  '`Uint8ClampedArray`, `Int16Array`, `Uint16Array`, `Int32Array`, `Uint32Array`': [
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array
  ].map(type => [type.of(1, 2, 100), integers(1, 2, 100)]),
  '`Date`': [[new Date(5000), Buffer.of(0xb3, 0x49, 5, 0, 0)]],
  '`Map` whose keys are strings': [
    [new Map([['a', neo4j.int(1)]]), Buffer.of(0xa1, 0x81, 0x61, 1)],
    [new Map(), map]
  ],
  '`Map` with other keys': [[new Map([[1, 'a']]), refused]],
  '`Promise`': [[Promise.resolve(1), refused]]
}

class Point2 {
  x = 1.5
  #hidden = 2
  get hidden() {
    return this.#hidden
  }
}

/** Values that are the same either way. */
const SAME = {
  Int8Array: Int8Array.of(1, -2),
  Float32Array: Float32Array.of(1.5),
  Float64Array: Float64Array.of(1.5, 2),
  BigInt64Array: BigInt64Array.of(1n, -(2n ** 63n)),
  BigUint64Array: BigUint64Array.of(1n),
  'an array with holes': Object.assign([1], { 2: undefined, 3: null }),
  'an array of another realm': vm.runInNewContext('[1, "a"]'),
  'a Set': new Set([1, 'a', new Set()]),
  'a generator': {
    *[Symbol.iterator]() {
      yield 1
    }
  },
  'an instance of a class': new Point2(),
  'an object without a prototype': Object.assign(Object.create(null), { a: 1 }),
  'properties that are undefined': { a: undefined, b: { c: undefined, d: null } },
  'a boxed number': new Number(5),
  'a boxed text': new String('ab'),
  'a boxed boolean': new Boolean(true),
  'an object with toJSON': { a: 1.5, __proto__: { toJSON: () => 'b' } },
  'a RegExp': /x/,
  'an Error': Object.assign(new Error('x'), { code: 5.5 }),
  'a WeakMap': new WeakMap(),
  'a URLSearchParams': new URLSearchParams('a=b'),
  numbers: [1, 1.5, -0, Number.NaN, Number.POSITIVE_INFINITY],
  bigints: [1n, -17n, 2n ** 62n],
  Integers: [neo4j.int(1), neo4j.int('9007199254740993')],
  'temporal values': [
    new neo4j.Date(2020, 1, 2),
    new neo4j.Duration(1, 2, 3, 4),
    new neo4j.LocalTime(1, 2, 3, 4)
  ],
  'a point': new neo4j.Point(7203, 1, 2),
  'a vector': new neo4j.Vector(Float32Array.of(1, 2)),
  'a UUID': new neo4j.UUID(new Uint8Array(16))
}

describe('parameters of classes of JavaScript', () => {
  it('are a table in MIGRATION.md that is complete', () => {
    const text = readFileSync(new URL('../../../docs/MIGRATION.md', import.meta.url), 'utf8')
    const [, section] = text.split('\n### Parameters\n')
    const [, ...rows] = section.split('\n## ')[0].match(/^\| .*$/gm)
    assert.deepEqual(
      rows.map(row => row.split(' | ')[0].slice(2)),
      Object.keys(ROWS)
    )
  })

  it('are sent by what they are', () => {
    for (const [name, values] of Object.entries(ROWS)) {
      for (const [value, expected] of values) {
        assert.deepEqual(
          attempt(() => ours(value)),
          expected,
          name
        )
        assert.notDeepEqual(
          attempt(() => ours(value)),
          packOfficial(value),
          `${name}: no difference`
        )
      }
    }
  })

  it('are sent to the byte as neo4j-driver sends them, where that is asked for', () => {
    for (const [name, values] of Object.entries(ROWS)) {
      for (const [value] of values) {
        assert.deepEqual(asTheirs(value), packOfficial(value), name)
        const nested = { list: [[value], { in: value }] }
        assert.deepEqual(asTheirs(nested), packOfficial(nested), `${name}, nested`)
        const rows = Array.from({ length: 300 }, (_, i) => ({ i, value }))
        assert.deepEqual(asTheirs(rows), packOfficial(rows), `${name}, in rows`)
      }
    }
  })

  it('are the same either way where the table has no row', () => {
    for (const [name, value] of Object.entries(SAME)) {
      const expected = packOfficial(value)
      assert.deepEqual(ours(value), expected, name)
      assert.deepEqual(asTheirs(value), expected, name)
    }
  })

  it('are refused either way where neo4j-driver refuses them', () => {
    const node = new neo4j.Node(1, [], {})
    for (const value of [() => 1, Symbol('s'), node, { deep: [() => 1] }, new Set([node])]) {
      assert.throws(() => packOfficial(value))
      for (const send of [ours, asTheirs]) assert.throws(() => send(value), { name: 'Neo4jError' })
    }
  })

  it('are each sent as their own driver says, one in the middle of another', () => {
    const when = new Date(5000)
    const inner = []
    const parameters = {
      get a() {
        inner.push(inside(encodeParameters({ value: when }).bytes))
        return when
      }
    }
    assert.deepEqual(Buffer.from(encodeParameters(parameters, true).bytes), Buffer.of(0xa1, 0x81, 0x61, 0xa0))
    assert.deepEqual(inner[0], ours(when))
    assert.throws(() => encodeParameters({ when, f() {} }, true))
    assert.deepEqual(ours(when), Buffer.of(0xb3, 0x49, 5, 0, 0))
  })
})

function attempt(send) {
  try {
    return send()
  } catch {
    return refused
  }
}
