import loose from 'node:assert'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect, isDeepStrictEqual } from 'node:util'
import v8 from 'node:v8'
import neo4j from 'neo4j-driver-core'
import { BatchWriter, NodeValue } from './support/batch-writer.mjs'
import { decoderFor, recordsOf } from './support/decoding.mjs'

const KEYS = ['id', 'name', 'node', 'list']
const row = i => [
  BigInt(i),
  `name ${i}`,
  new NodeValue(BigInt(i), ['A'], { x: 1.5 }, `4:${i}`),
  [1n, { deep: { deeper: { deepest: ['end'] } } }]
]
const ROWS = Array.from({ length: 5 }, (_, i) => row(i))

const records = (rows = ROWS, keys = KEYS, mode = 'Integer') =>
  recordsOf(decoderFor(keys, mode), new BatchWriter().batch(rows))

/** The record that core would have made. */
function core(record) {
  return new neo4j.Record(
    [...record.keys],
    record.keys.map(key => record.get(key))
  )
}

describe('a record', () => {
  const [record, other] = records()

  it('is a Record of core', () => {
    assert.ok(record instanceof neo4j.Record)
    assert.equal(record.constructor, neo4j.Record)
    assert.equal(record.constructor.name, 'Record')
    assert.equal(Object.prototype.toString.call(records()[0]), '[object Object]')
    assert.equal(`${record}`, `${core(record)}`)
  })

  it('has keys, length, _fields and _fieldLookup', () => {
    assert.deepEqual(record.keys, KEYS)
    assert.equal(record.length, 4)
    assert.deepEqual(record._fields, core(record)._fields)
    assert.deepEqual(record._fieldLookup, core(record)._fieldLookup)
    assert.equal(record._fields[record._fieldLookup.name], 'name 0')
    assert.equal(record.keys, other.keys, 'one array for all records')
  })

  it('gets values by name and by position', () => {
    assert.equal(record.get('name'), 'name 0')
    assert.equal(record.get(1), 'name 0')
    assert.deepEqual(record.get('id'), neo4j.int(0))
    assert.equal(other.get('name'), 'name 1')
    const built = ['na', 'me'].join('')
    assert.equal(record.get(built), 'name 0')
  })

  it('fails as core does for what it does not have', () => {
    for (const key of ['nope', '', 4, -1, Infinity, 'toString', '__proto__', undefined, null, Symbol('s')]) {
      const expected = failure(() => core(record).get(key))
      assert.deepEqual(
        failure(() => record.get(key)),
        expected,
        String(key)
      )
      assert.ok(expected.message)
    }
    for (const key of [0.5, Number.NaN]) assert.equal(record.get(key), core(record).get(key))
  })

  it('knows what it has', () => {
    for (const key of ['id', 'nope', 0, 3, 4, -1, 'toString'])
      assert.equal(record.has(key), core(record).has(key), key)
  })

  it('can be walked over in every way', () => {
    const expected = core(record)
    assert.deepEqual([...record], [...expected])
    assert.deepEqual([...record.values()], [...expected.values()])
    assert.deepEqual([...record.entries()], [...expected.entries()])
    assert.deepEqual(record.toObject(), expected.toObject())
    assert.deepEqual(
      record.map((value, key, self) => [value, key, self === record]),
      KEYS.map(key => [record.get(key), key, true])
    )
    const seen = []
    assert.equal(
      record.forEach((value, key, self) => {
        seen.push([value, key, self === record])
      }),
      undefined
    )
    assert.deepEqual(
      seen,
      KEYS.map(key => [record.get(key), key, true])
    )
  })

  it('maps itself onto classes', () => {
    class Row {
      name = undefined
    }
    const rules = { name: { convert: text => text.toUpperCase() } }
    assert.deepEqual(record.as(Row, rules), core(record).as(Row, rules))
    assert.ok(record.as(Row) instanceof Row)
  })

  it('gives the same list, map or node each time', () => {
    assert.equal(record.get('node'), record.get('node'))
    assert.equal(record.get('list'), record.get(3))
    assert.equal(record.toObject().list, record.get('list'))
    assert.equal([...record][2], record.get('node'))
    assert.equal(record._fields[2], record.get('node'))
    record.get('list').push('mine')
    assert.equal(record.get('list').at(-1), 'mine')
    record.get('list').pop()
  })

  it('is the same JSON text', () => {
    assert.equal(JSON.stringify(record), JSON.stringify(core(record)))
    assert.equal(JSON.stringify({ a: [record] }, null, 2), JSON.stringify({ a: [core(record)] }, null, 2))
    assert.equal(neo4j.json.stringify(record), neo4j.json.stringify(core(record)))
  })

  it('is the same inspected text', () => {
    const fresh = records()[0]
    const expected = core(records()[0])
    for (const options of [
      {},
      { depth: 0 },
      { depth: null },
      { compact: false },
      { colors: true },
      { sorted: true },
      { showHidden: true }
    ]) {
      assert.equal(inspect(fresh, options), inspect(expected, options))
      assert.equal(inspect({ a: { b: [fresh] } }, options), inspect({ a: { b: [expected] } }, options))
    }
    assert.match(inspect(fresh), /^Record {/)
    assert.equal(inspect(records()[0], { customInspect: false }), inspect(expected, { customInspect: false }))
  })

  it('has the own keys of core, in their order, before anybody looks', () => {
    const own = ['keys', 'length', '_fields', '_fieldLookup']
    assert.deepEqual(Object.keys(records()[0]), own)
    assert.deepEqual(Reflect.ownKeys(records()[0]), own)
    assert.deepEqual(Object.getOwnPropertyNames(records()[0]), own)
    const seen = []
    for (const key in records()[0]) seen.push(key)
    assert.deepEqual(seen.slice(0, 4), own)
    for (const key of own) assert.ok(Object.hasOwn(records()[0], key), key)
  })

  it('is the same spread, assigned, and cloned', () => {
    const fields = () => records(ROWS, KEYS, 'number')[1]
    const expected = core(fields())
    assert.deepEqual({ ...fields() }, { ...expected })
    assert.deepEqual(Object.entries(fields()), Object.entries(expected))
    const copy = Object.assign(Object.create(Object.getPrototypeOf(record)), fields())
    assert.equal(copy.get('name'), 'name 1')
    assert.deepEqual(copy.toObject(), expected.toObject())
    assert.deepEqual(structuredClone(fields()), structuredClone(expected))
    assert.deepEqual(v8.deserialize(v8.serialize(fields())), v8.deserialize(v8.serialize(expected)))
  })

  it('is small when it is cloned on its own', () => {
    const [, one] = records()
    const bytes = v8.serialize(one)
    assert.ok(bytes.includes('name 1'))
    assert.ok(!bytes.includes('name 2'))
  })

  it('is an object under which others can stand', () => {
    const [, one] = records()
    const heir = Object.create(one)
    assert.equal(heir.get('name'), 'name 1')
    assert.deepEqual(heir.toObject(), one.toObject())
  })

  it('is compared deeply by what it holds', () => {
    const [a] = records()
    const [b, c] = records()
    assert.deepEqual(a, b)
    assert.notDeepEqual(a, c)
    assert.ok(isDeepStrictEqual(records(), records()))
    assert.ok(!isDeepStrictEqual(records([row(1)]), records([row(2)])))
    assert.ok(!isDeepStrictEqual(records([[1n]], ['a']), records([[1n]], ['b'])))
    // once compared, and then with one that was not
    assert.deepEqual(a, records()[0])
    loose.deepEqual(records()[0], core(b))
    loose.notDeepEqual(records()[0], core(c))
  })

  it('goes on as before once it was compared', () => {
    const [a, b] = records()
    const node = a.get('node')
    assert.notDeepEqual(a, b)
    assert.equal(a.get('node'), node)
    assert.equal(a.get('name'), 'name 0')
    assert.equal(a.get(1), 'name 0')
    assert.deepEqual(Object.keys(a), ['keys', 'length', '_fields', '_fieldLookup'])
    assert.deepEqual(a.toObject(), core(a).toObject())
    assert.equal(JSON.stringify(a), JSON.stringify(core(a)))
    assert.equal(inspect(a), inspect(core(a)))
    assert.throws(() => a.get('nope'), /available keys are: \[id,name,node,list\]/)
  })

  it('takes what is written to its properties', () => {
    const [a] = records()
    a._fields = ['changed', 2, 3, 4]
    assert.equal(a.get('id'), 'changed')
    const [, c] = records()
    c._fields[1] = 'written'
    assert.equal(c.get('name'), 'written')
    assert.equal(c._fields, c._fields)
    assert.deepEqual(Object.keys(c), ['keys', 'length', '_fields', '_fieldLookup'])
    assert.equal(delete c._fields, true)
    const [b] = records()
    b.extra = 1
    assert.equal(b.extra, 1)
    assert.equal(b.get('name'), 'name 0')
  })

  it('may be frozen', () => {
    const a = Object.freeze(records()[0])
    assert.equal(Object.prototype.toString.call(a), '[object Object]')
    assert.equal(a.get('name'), 'name 0')
    assert.equal(JSON.stringify(a), JSON.stringify(core(a)))
    assert.equal(a._fields, a._fields)
    a._fields[1] = 'the array is not frozen'
    assert.equal(a.get('name'), 'the array is not frozen')
  })

  it('is not confused by what is done to its keys', () => {
    const [a, b] = records()
    a.keys.sort().reverse()
    a.keys.push('more')
    assert.equal(a.get('name'), 'name 0')
    assert.equal(b.get('name'), 'name 1')
    assert.throws(() => b.get('more'), /no field with key/)
    assert.equal([...b.entries()].at(-1)[1], undefined)
  })

  it('may have many fields, and names like numbers', () => {
    const keys = [...Array.from({ length: 40 }, (_, i) => `field ${i}`), '1', '0']
    const [wide] = records([keys.map((_, i) => BigInt(i))], keys, 'number')
    assert.deepEqual(wide.toObject(), Object.fromEntries(keys.map((key, i) => [key, i])))
    assert.equal(wide.get('1'), 40)
    assert.equal(wide.get('field 39'), 39)
    assert.throws(() => wide.get('field 40'), /no field with key/)
  })
})

/** The parts of an error that a program may look at. */
function failure(act) {
  try {
    act()
    return {}
  } catch ({ name, message, code }) {
    return { name, message, code }
  }
}
