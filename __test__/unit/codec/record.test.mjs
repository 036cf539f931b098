import loose from 'node:assert'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect, isDeepStrictEqual } from 'node:util'
import neo4j from 'neo4j-driver-core'
import { BatchWriter, NodeValue } from './support/batch-writer.mjs'
import { decoderFor, recordsOf, WAYS } from './support/decoding.mjs'

const KEYS = ['id', 'name', 'node', 'list']
const row = i => [
  BigInt(i),
  `name ${i}`,
  new NodeValue(BigInt(i), ['A'], { x: 1.5 }, `4:${i}`),
  [1n, { deep: { deeper: { deepest: ['end'] } } }]
]
const ROWS = Array.from({ length: 5 }, (_, i) => row(i))

const records = (way, rows = ROWS, keys = KEYS, mode = 'Integer') =>
  recordsOf(decoderFor(keys, mode), new BatchWriter().batch(rows), way)

/** The record that core would have made. */
function core(record) {
  return new neo4j.Record(
    [...record.keys],
    record.keys.map(key => record.get(key))
  )
}

for (const way of WAYS) {
  describe(`a record (${way})`, () => {
    const [record, other] = records(way)

    it('is a Record of core', () => {
      assert.ok(record instanceof neo4j.Record)
      assert.equal(record.constructor, neo4j.Record)
      assert.equal(record.constructor.name, 'Record')
      assert.equal(Object.prototype.toString.call(records(way)[0]), '[object Object]')
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
      for (const key of [
        'nope',
        '',
        4,
        -1,
        Infinity,
        'toString',
        '__proto__',
        undefined,
        null,
        Symbol('s')
      ]) {
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
      const fresh = records(way)[0]
      const expected = core(records(way)[0])
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
      assert.equal(
        inspect(records(way)[0], { customInspect: false }),
        inspect(expected, { customInspect: false })
      )
    })

    it('is compared deeply by what it holds', () => {
      const [a] = records(way)
      const [b, c] = records(way)
      assert.deepEqual(a, b)
      assert.notDeepEqual(a, c)
      assert.ok(isDeepStrictEqual(records(way), records(way)))
      assert.ok(!isDeepStrictEqual(records(way, [row(1)]), records(way, [row(2)])))
      assert.ok(!isDeepStrictEqual(records(way, [[1n]], ['a']), records(way, [[1n]], ['b'])))
      // once compared, and then with one that was not
      assert.deepEqual(a, records(way)[0])
      loose.deepEqual(records(way)[0], core(b))
      loose.notDeepEqual(records(way)[0], core(c))
    })

    it('goes on as before once it was compared', () => {
      const [a, b] = records(way)
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
      const [a] = records(way)
      a._fields = ['changed', 2, 3, 4]
      assert.equal(a.get('id'), 'changed')
      const [b] = records(way)
      b.extra = 1
      assert.equal(b.extra, 1)
      assert.equal(b.get('name'), 'name 0')
    })

    it('may be frozen', () => {
      const a = Object.freeze(records(way)[0])
      assert.equal(Object.prototype.toString.call(a), '[object Object]')
      assert.equal(a.get('name'), 'name 0')
      assert.equal(JSON.stringify(a), JSON.stringify(core(a)))
    })

    it('is not confused by what is done to its keys', () => {
      const [a, b] = records(way)
      a.keys.sort().reverse()
      a.keys.push('more')
      assert.equal(a.get('name'), 'name 0')
      assert.equal(b.get('name'), 'name 1')
      assert.throws(() => b.get('more'), /no field with key/)
      assert.equal([...b.entries()].at(-1)[1], undefined)
    })

    it('may have many fields, and names like numbers', () => {
      const keys = [...Array.from({ length: 40 }, (_, i) => `field ${i}`), '1', '0']
      const [wide] = records(way, [keys.map((_, i) => BigInt(i))], keys, 'number')
      assert.deepEqual(wide.toObject(), Object.fromEntries(keys.map((key, i) => [key, i])))
      assert.equal(wide.get('1'), 40)
      assert.equal(wide.get('field 39'), 39)
      assert.throws(() => wide.get('field 40'), /no field with key/)
    })
  })
}

/** The parts of an error that a program may look at. */
function failure(act) {
  try {
    act()
    return {}
  } catch ({ name, message, code }) {
    return { name, message, code }
  }
}

describe('records of the two ways', () => {
  it('are equal when they hold the same', () => {
    const [[lazy], [eager]] = [records('lazy'), records('eager')]
    assert.deepEqual(lazy, eager)
    assert.deepEqual(records('eager')[0], records('lazy')[0])
    assert.notDeepEqual(records('lazy')[0], records('eager')[1])
  })
})
