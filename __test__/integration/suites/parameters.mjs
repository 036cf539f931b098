// What JavaScript has beside the types of Cypher, as parameters: each arrives as the Cypher value it stands for. And what
// cannot be sent, whose error says where it is.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { connect, failing, neo4j, test } from '../support.mjs'

const { int } = neo4j
const integers = list => list.map(n => int(n))

/** A class of the application's own, with a getter and a method beside its fields. */
class Person {
  constructor(name) {
    this.name = name
  }
  get loud() {
    return this.name.toUpperCase()
  }
  greet() {
    return `hello ${this.name}`
  }
}

/** An iterable that can be iterated over again and again. */
const three = {
  *[Symbol.iterator]() {
    yield* ['a', 'b', 'c']
  }
}

/** Values, and what the server has then. */
const SENT = [
  ['a bigint', 42n, int(42)],
  ['the largest bigint', 2n ** 63n - 1n, int('9223372036854775807')],
  ['a number that is whole: a float', 42, 42],
  ['a list of bigints', [1n, 2n], integers([1, 2])],
  [
    'a Map',
    new Map([
      ['a', 1n],
      ['b', new Map([['c', [true]]])]
    ]),
    { a: int(1), b: { c: [true] } }
  ],
  ['a Set', new Set(['x', 'y']), ['x', 'y']],
  ['an iterable', three, ['a', 'b', 'c']],
  ['an object without prototype', Object.assign(Object.create(null), { a: 'b' }), { a: 'b' }],
  ['an object of a class', new Person('Ada'), { name: 'Ada' }],
  ['an undefined property', { a: undefined, b: 1n }, { b: int(1) }],
  ['undefined in a list', [undefined, 'x'], [null, 'x']],
  ['bytes of a Buffer', Buffer.from([1, 2, 255]), Int8Array.of(1, 2, -1)],
  ['bytes of an ArrayBuffer', Uint8Array.of(1, 2).buffer, Int8Array.of(1, 2)],
  ['bytes of a Uint8Array', Uint8Array.of(1, 2), Int8Array.of(1, 2)],
  ['bytes of an Int8Array', Int8Array.of(-1, 2), Int8Array.of(-1, 2)],
  ['bytes of a part of a buffer', new Uint8Array([0, 1, 2, 3]).subarray(1, 3), Int8Array.of(1, 2)],
  ['an Int16Array', Int16Array.of(-1, 32_767), integers([-1, 32_767])],
  ['a Uint16Array', Uint16Array.of(1, 65_535), integers([1, 65_535])],
  ['an Int32Array', Int32Array.of(-1, 2_147_483_647), integers([-1, 2_147_483_647])],
  ['a Uint32Array', Uint32Array.of(1, 4_294_967_295), integers([1, 4_294_967_295])],
  ['a BigInt64Array', BigInt64Array.of(-1n, 2n ** 63n - 1n), [int(-1), int('9223372036854775807')]],
  ['a Float32Array', Float32Array.of(0.5, -2), [0.5, -2]],
  ['a Float64Array', Float64Array.of(0.1, 1e300), [0.1, 1e300]]
]

const cyclic = {}
cyclic.self = cyclic

/** Parameters that cannot be sent, and what the error must name. */
const UNSENDABLE = [
  ['a function in a row', { rows: [{}, {}, {}, { when: () => {} }] }, 'rows[3].when'],
  ['a symbol', { x: { y: Symbol('secret') } }, 'x.y'],
  ['an invalid Date', { rows: [{ when: new Date(Number.NaN) }] }, 'rows[0].when'],
  ['a bigint beyond 64 bits', { list: [1n, 2n ** 63n] }, 'list[1]'],
  ['a Map with keys that are no strings', { map: new Map([[1, 2]]) }, 'map'],
  ['what holds itself', { cyclic }, 'cyclic'],
  ['a key that is no plain name', { 'a b': { "it's": Symbol('x') } }, `["it's"]`]
]

/** @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set */
export const parameterSuite = set =>
  describe('parameters', () => {
    for (const [name, sent, had] of SENT) {
      test(`${name} arrives`, async t => {
        const driver = connect(t, set.cluster)
        const session = driver.session({ defaultAccessMode: 'WRITE' })
        const { records } = await session.run('RETURN $x AS x, [$x] AS list, {m: $x} AS map', { x: sent })
        const { x, list, map } = records[0].toObject()
        assert.deepStrictEqual(x, had)
        assert.deepStrictEqual(list, [had])
        assert.deepStrictEqual(map, { m: had })
        await session.close()
      })
    }

    test('a Date arrives as the instant it is, and can be stored', async t => {
      const driver = connect(t, set.cluster)
      const when = new Date('2024-02-29T12:34:56.789Z')
      const { records } = await driver.executeQuery(
        'CREATE (n:Dated {when: $when}) RETURN n.when AS when, $when.epochMillis AS millis',
        { when }
      )
      const { when: had, millis } = records[0].toObject()
      assert.ok(neo4j.isDateTime(had))
      assert.equal(had.toStandardDate().getTime(), when.getTime())
      assert.equal(millis.toNumber(), when.getTime())
    })

    test('a Map as all of the parameters', async t => {
      const driver = connect(t, set.cluster)
      const { records } = await driver.executeQuery(
        'RETURN $a + $b AS sum',
        new Map([
          ['a', 1n],
          ['b', 2n]
        ])
      )
      assert.deepEqual(records[0].get('sum'), int(3))
    })

    test('rows are written as they are, of every shape', async t => {
      const driver = connect(t, set.cluster)
      const rows = Array.from({ length: 1000 }, (_, n) => ({
        id: BigInt(n),
        name: `n${n}`,
        tags: n % 2 ? new Set(['odd']) : ['even'],
        ...(n % 3 === 0 ? { third: true } : {})
      }))
      await driver.executeQuery('UNWIND $rows AS row CREATE (n:Shaped) SET n = row', { rows })
      const { records } = await driver.executeQuery(
        `MATCH (n:Shaped) RETURN count(n) AS all, sum(n.id) AS ids, count(n.third) AS thirds,
         count(CASE WHEN n.tags = ['odd'] THEN 1 END) AS odd`
      )
      assert.deepEqual(records[0].toObject(), {
        all: int(1000),
        ids: int(499_500),
        thirds: int(334),
        odd: int(500)
      })
    })

    for (const [name, parameters, path] of UNSENDABLE) {
      test(`${name} is refused, by an error that says where it is`, async t => {
        const driver = connect(t, set.cluster)
        const session = driver.session({ defaultAccessMode: 'WRITE' })
        const error = await failing((async () => session.run('RETURN 1', parameters))())
        assert.ok(error.message.includes(path), error.message)
        assert.ok(!error.message.includes('secret'), error.message)
        // and the session goes on
        assert.equal((await session.run('RETURN 1')).records.length, 1)
        await session.close()
      })
    }
  })
