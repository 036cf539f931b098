import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import neo4j from 'neo4j-driver-core'
import encode from '../../../dist/codec/encode.js'
import { packOfficial } from './support/official.mjs'
import { readPackStream, Structure } from './support/packstream-reader.mjs'

const { encodeParameters } = encode

/** What a server reads of one parameter. */
const sent = value => readPackStream(encodeParameters({ value }).bytes).get('value')
const needs = value => encodeParameters({ value }).needs
const ours = value => Buffer.from(encodeParameters({ value }).bytes)
const struct = (signature, ...fields) => new Structure(signature, fields)

describe('parameters', () => {
  it('are an empty map when there are none', () => {
    for (const nothing of [undefined, null, {}, new Map()]) {
      const { bytes, needs } = encodeParameters(nothing)
      assert.deepEqual([...bytes], [0xa0])
      assert.equal(needs, 0)
    }
  })

  it('may be an object, an object without prototype, an instance of a class, or a Map', () => {
    class Parameters {
      a = 1
      get hidden() {
        return 2
      }
    }
    for (const map of [
      { a: 1 },
      Object.assign(Object.create(null), { a: 1 }),
      new Parameters(),
      new Map([['a', 1]])
    ]) {
      assert.deepEqual(readPackStream(encodeParameters(map).bytes), new Map([['a', 1]]))
    }
  })

  it('are refused when they are anything else', () => {
    const node = new neo4j.Node(1, [], {}, '1')
    for (const other of [
      'text',
      5,
      true,
      5n,
      [1],
      new Set(),
      neo4j.int(1),
      new Date(),
      Buffer.alloc(1),
      () => 1,
      node
    ]) {
      assert.throws(() => encodeParameters(other), {
        name: 'Neo4jError',
        message: /expected to either be undefined\/null or an object/
      })
    }
  })

  it('are no Map or other iterable as neo4j-driver would send them, and the error says so', () => {
    assert.equal(readPackStream(encodeParameters(new Map([['a', 1]])).bytes).size, 1)
    for (const list of [new Map([['a', 1]]), new Set([1])]) {
      const message = /an object of names and values, .*parameterConversion: 'neo4j-driver' no Map/
      assert.throws(() => encodeParameters(list, true), { name: 'Neo4jError', message })
    }
    assert.equal(readPackStream(encodeParameters(new Date(0), true).bytes).size, 0)
  })

  it('keep their order, and leave out what is undefined', () => {
    assert.deepEqual(
      [...readPackStream(encodeParameters({ b: 1, skipped: undefined, a: null }).bytes)],
      [
        ['b', 1],
        ['a', null]
      ]
    )
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i % 2 ? i : undefined]))
    assert.equal(readPackStream(encodeParameters(many).bytes).size, 150)
    assert.deepEqual(
      sent(
        new Map([
          ['a', undefined],
          ['b', 1]
        ])
      ),
      new Map([['b', 1]])
    )
  })
})

describe('a parameter', () => {
  it('may be a map that leaves out what is undefined, whatever the size of its header', () => {
    for (const [size, header] of [
      [16, 'd80f'],
      [255, 'd8fe'],
      [256, 'd900ff'],
      [65536, 'da0000ffff']
    ]) {
      const map = Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, null]))
      map.k3 = undefined
      const bytes = Buffer.from(encodeParameters(map).bytes).toString('hex')
      assert.equal(bytes.slice(0, header.length), header, `${size} keys`)
    }
  })

  it('is a float when it is a number, whatever its value', () => {
    for (const x of [0, -0, 1, -1, 1.5, 2 ** 53, 1e300, Infinity, -Infinity]) assert.ok(Object.is(sent(x), x))
    assert.ok(Number.isNaN(sent(Number.NaN)))
  })

  it('is an integer, in its shortest form, when it is a bigint or an Integer', () => {
    const edges = [
      0n,
      1n,
      -1n,
      -16n,
      -17n,
      127n,
      128n,
      -128n,
      -129n,
      32767n,
      32768n,
      -32768n,
      -32769n,
      2147483647n
    ]
    edges.push(2147483648n, -2147483648n, -2147483649n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n))
    for (const n of edges) {
      assert.equal(sent(n), n)
      assert.equal(sent(neo4j.int(n)), n)
      assert.deepEqual(ours(n), packOfficial({ value: n }))
    }
  })

  it('is refused when it is a bigint of more than 64 bits', () => {
    for (const n of [2n ** 63n, -(2n ** 63n) - 1n]) {
      assert.throws(() => encodeParameters({ a: [n] }), {
        message: 'Parameter a[0] cannot be sent: it is a bigint of more than 64 bits'
      })
    }
  })

  it('is a string of any length in UTF-8, lone surrogates replaced', () => {
    const lengths = [0, 1, 5, 14, 15, 16, 17, 38, 39, 40, 41, 255, 256, 65535, 65536]
    for (const n of lengths) {
      for (const c of ['a', 'ż', '€', '😀']) {
        const text = c.repeat(n)
        assert.equal(sent(text), text)
        assert.equal(sent(`x${text}`), `x${text}`)
        assert.deepEqual(ours(text), packOfficial({ value: text }))
      }
    }
    assert.equal(sent('a\ud800b\udc00'), 'a\ufffdb\ufffd')
    assert.equal(sent(`${'a'.repeat(50)}\ud800`), `${'a'.repeat(50)}\ufffd`)
    assert.equal(sent('\ufeffbom'), '\ufeffbom')
    assert.deepEqual(ours('żółw'), packOfficial({ value: 'żółw' }))
  })

  it('is a list when it is an array or something else to walk over; undefined in it is null', () => {
    assert.deepEqual(sent([1, 'a', null, undefined, [true]]), [1, 'a', null, null, [true]])
    assert.deepEqual(sent(new Array(3)), [null, null, null])
    assert.deepEqual(sent(new Set(['a', 'b'])), ['a', 'b'])
    assert.deepEqual(
      sent(
        (function* () {
          yield 1
          yield { a: 'b' }
        })()
      ),
      [1, new Map([['a', 'b']])]
    )
    const range = i => ({
      from: i,
      *[Symbol.iterator]() {
        yield this.from
        yield 'end'
      }
    })
    assert.deepEqual(sent(range(1)), [1, 'end'])
    const rows = Array.from({ length: 500 }, (_, i) => (i === 400 ? range(i) : { from: i }))
    assert.deepEqual(sent(rows)[400], [400, 'end'])
    assert.deepEqual(sent(rows.slice(395, 405))[5], [400, 'end'])
    for (const n of [15, 16, 255, 256, 65535, 65536]) assert.equal(sent(new Array(n).fill(null)).length, n)
  })

  it('is bytes when it is made of bytes', () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i)
    const part = new Uint8Array(bytes.buffer, 10, 20)
    for (const value of [
      bytes,
      Buffer.from(bytes),
      new Int8Array(bytes.buffer),
      bytes.buffer,
      new DataView(bytes.buffer)
    ]) {
      assert.deepEqual(sent(value), Buffer.from(bytes))
      assert.equal(needs(value), 32)
    }
    assert.deepEqual(sent(part), Buffer.from(part))
    assert.equal(sent(new Uint8Array(70000)).length, 70000)
    assert.deepEqual(ours(new Int8Array([1, -1])), packOfficial({ value: new Int8Array([1, -1]) }))
  })

  it('is a list of integers or floats when it is another typed array', () => {
    assert.deepEqual(sent(Int16Array.of(-1, 32767)), [-1n, 32767n])
    assert.deepEqual(sent(Uint16Array.of(65535)), [65535n])
    assert.deepEqual(sent(Int32Array.of(-(2 ** 31), 5)), [-(2n ** 31n), 5n])
    assert.deepEqual(sent(Uint32Array.of(2 ** 32 - 1, 2 ** 31, 1)), [2n ** 32n - 1n, 2n ** 31n, 1n])
    assert.deepEqual(sent(Uint8ClampedArray.of(1, 255)), [1n, 255n])
    assert.deepEqual(sent(BigInt64Array.of(-(2n ** 63n))), [-(2n ** 63n)])
    assert.deepEqual(sent(BigUint64Array.of(5n)), [5n])
    assert.deepEqual(sent(Float32Array.of(1.5)), [1.5])
    assert.deepEqual(sent(Float64Array.of(0.1)), [0.1])
    assert.throws(() => encodeParameters({ a: BigUint64Array.of(2n ** 63n) }), /Parameter a cannot be sent/)
  })

  it('is a map when it is an object or a Map with strings for keys', () => {
    const map = { a: 1, 'odd key': { b: [] }, __proto__: null }
    assert.deepEqual(sent(map), new Map(Object.entries({ a: 1, 'odd key': new Map([['b', []]]) })))
    assert.deepEqual(sent(JSON.parse('{"__proto__": 5}')), new Map([['__proto__', 5]]))
    assert.deepEqual(sent(new Map([['__proto__', 'x']])), new Map([['__proto__', 'x']]))
    for (const n of [15, 16, 255, 256, 65535, 65536]) {
      assert.equal(sent(Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, null]))).size, n)
    }
    assert.throws(() => encodeParameters({ a: new Map([[1, 2]]) }), {
      message: 'Parameter a cannot be sent: it is a Map with keys that are not strings'
    })
  })

  it('is what neo4j-driver sends, for all that both can send', () => {
    const leaf = fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(n => neo4j.int(n)),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.int8Array().filter(a => a.length > 0)
    )
    const { value } = fc.letrec(tie => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 20 }),
        fc.dictionary(fc.string(), fc.oneof(tie('value'), fc.constant(undefined)), { maxKeys: 20 })
      )
    }))
    fc.assert(
      fc.property(value, v =>
        assert.deepEqual(readPackStream(ours(v)), readPackStream(packOfficial({ value: v })))
      )
    )
  })
})

describe('rows of one shape', () => {
  const rowsSent = rows => readPackStream(encodeParameters({ rows }).bytes).get('rows')
  const expected = rows => rows.map(row => new Map(Object.entries(row)))

  it('are sent like any maps, before and after a writer was compiled for them', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      id: i,
      name: `żółw ${i}`,
      'a key': [i],
      on: i % 2 === 0,
      [`long${'x'.repeat(50)}`]: null
    }))
    assert.deepEqual(rowsSent(rows), expected(rows))
    assert.deepEqual(rowsSent(rows), expected(rows))
  })

  it('may be broken by rows of other shapes, in the middle', () => {
    const rows = Array.from({ length: 900 }, (_, i) => ({ a: i, b: 'x' }))
    rows[500] = { b: 'x', a: 1 }
    rows[501] = { a: 1 }
    rows[502] = { a: 1, b: 'x', c: 2 }
    rows[503] = Object.assign(Object.create(null), { a: 1, b: 'x' })
    rows[504] = {}
    const read = rowsSent(rows)
    assert.deepEqual(read, expected(rows))
    assert.deepEqual([...read[500].keys()], ['b', 'a'], 'in their own order')
    rows[505] = { a: undefined, b: 'x' }
    assert.deepEqual(rowsSent(rows)[505], new Map([['b', 'x']]))
    rows[506] = null
    rows[507] = [1]
    rows[508] = 'text'
    rows[509] = new Date(0)
    const odd = rowsSent(rows)
    assert.deepEqual(odd.slice(506, 509), [null, [1], 'text'])
    assert.equal(odd[509].signature, 0x49)
    assert.deepEqual(
      odd[899],
      new Map([
        ['a', 899],
        ['b', 'x']
      ])
    )
  })

  it('are not fooled by properties that Object.prototype has or gets', () => {
    const rows = Array.from({ length: 500 }, (_, i) =>
      JSON.parse(`{"__proto__": ${i}, "toString": "x", "constructor": null}`)
    )
    assert.deepEqual(rowsSent(rows), expected(rows))
    rows[400] = {}
    rows[401] = JSON.parse('{"__proto__": 1}')
    assert.deepEqual(rowsSent(rows), expected(rows), 'what a row does not have itself is not sent')
    const plain = Array.from({ length: 500 }, (_, i) => ({ polluted: i }))
    const want = expected(plain)
    Object.prototype.added = 'everywhere'
    try {
      assert.deepEqual(rowsSent(plain), want)
    } finally {
      delete Object.prototype.added
    }
  })

  it('may have getters', () => {
    const rows = Array.from({ length: 500 }, (_, i) => ({
      get a() {
        return i
      },
      b: 1
    }))
    assert.deepEqual(
      rowsSent(rows),
      rows.map(
        (_, i) =>
          new Map([
            ['a', i],
            ['b', 1]
          ])
      )
    )
  })

  it('may hold rows', () => {
    const rows = Array.from({ length: 300 }, (_, i) => ({
      inner: Array.from({ length: 10 }, (_, k) => ({ i, k }))
    }))
    assert.deepEqual(
      rowsSent(rows),
      rows.map(row => new Map([['inner', expected(row.inner)]]))
    )
  })
})

describe('temporal, spatial and other types', () => {
  const int = neo4j.int

  it('are the structures of the protocol', () => {
    assert.deepEqual(sent(new neo4j.Date(1970, 1, 2)), struct(0x44, 1n))
    assert.deepEqual(sent(new neo4j.Date(int(-999999999), int(1), int(1))), struct(0x44, -365243219162n))
    assert.deepEqual(sent(new neo4j.LocalTime(1, 2, 3, 4)), struct(0x74, 3723000000004n))
    assert.deepEqual(sent(new neo4j.Time(1, 2, 3, 4, -3600)), struct(0x54, 3723000000004n, -3600n))
    assert.deepEqual(sent(new neo4j.LocalDateTime(1969, 12, 31, 23, 59, 59, 999)), struct(0x64, -1n, 999n))
    assert.deepEqual(
      sent(new neo4j.DateTime(1970, 1, 1, 1, 0, 0, 5, 3600, null)),
      struct(0x49, 0n, 5n, 3600n)
    )
    assert.deepEqual(sent(new neo4j.Duration(1, -2, 3, 4)), struct(0x45, 1n, -2n, 3n, 4n))
    assert.deepEqual(sent(new neo4j.Point(7203, 1, 2)), struct(0x58, 7203n, 1, 2))
    assert.deepEqual(sent(new neo4j.Point(int(4979), 1, 2, 3)), struct(0x59, 4979n, 1, 2, 3))
    assert.deepEqual(sent(neo4j.uuid('00112233-4455-6677-8899-aabbccddeeff')), {
      uuid: '00112233445566778899aabbccddeeff'
    })
  })

  it('are the same whether their fields are numbers, Integers or bigints', () => {
    const as = make => [
      new neo4j.Date(make(2024), make(2), make(29)),
      new neo4j.LocalDateTime(make(-44), make(3), make(15), make(12), make(1), make(2), make(3)),
      new neo4j.DateTime(
        make(2024),
        make(2),
        make(29),
        make(1),
        make(2),
        make(3),
        make(4),
        make(-7200),
        null
      ),
      new neo4j.DateTime(
        make(2024),
        make(2),
        make(29),
        make(1),
        make(2),
        make(3),
        make(4),
        make(3600),
        'Europe/Berlin'
      ),
      new neo4j.Time(make(23), make(59), make(59), make(999999999), make(0)),
      new neo4j.Duration(make(-1), make(5), make(10 ** 12), make(999)),
      new neo4j.Point(make(4326), 1.5, 2.5)
    ]
    const numbers = encodeParameters({ v: as(Number) })
    const bytes = Buffer.from(numbers.bytes)
    for (const make of [n => int(n), BigInt]) {
      const other = encodeParameters({ v: as(make) })
      assert.deepEqual(Buffer.from(other.bytes), bytes)
      assert.equal(other.needs, numbers.needs)
    }
  })

  it('are exact at both ends of time', () => {
    const year = 999999999
    assert.deepEqual(
      sent(new neo4j.LocalDateTime(year, 12, 31, 23, 59, 59, 1)),
      struct(0x64, 31556889832780799n, 1n)
    )
    assert.deepEqual(
      sent(new neo4j.LocalDateTime(-year, 1, 1, 0, 0, 1, 1)),
      struct(0x64, -31557014135596799n, 1n)
    )
  })

  it('are what neo4j-driver sends', () => {
    const whole = (min, max) => fc.integer({ min, max })
    const long = fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })
    const date = [whole(-999999999, 999999999), whole(1, 12), whole(1, 28)]
    const time = [whole(0, 23), whole(0, 59), whole(0, 59), whole(0, 999999999)]
    const value = fc.oneof(
      fc.tuple(...date).map(fields => new neo4j.Date(...fields)),
      fc.tuple(...time).map(fields => new neo4j.LocalTime(...fields)),
      fc.tuple(...time, whole(-64800, 64800)).map(fields => new neo4j.Time(...fields)),
      fc.tuple(...date, ...time).map(fields => new neo4j.LocalDateTime(...fields)),
      fc.tuple(...date, ...time, whole(-64800, 64800)).map(fields => new neo4j.DateTime(...fields)),
      fc.tuple(long, long, long, whole(-2e9, 2e9)).map(fields => new neo4j.Duration(...fields)),
      fc
        .tuple(whole(0, 9999), fc.double(), fc.double(), fc.option(fc.double()))
        .map(fields => new neo4j.Point(...fields)),
      fc.float32Array().map(array => neo4j.vector(new Float32Array(array))),
      fc.bigInt64Array().map(array => neo4j.vector(new BigInt64Array(array)))
    )
    fc.assert(fc.property(value, v => assert.deepEqual(ours(v), packOfficial({ value: v }))))
  })

  it('of a zone carry local time, zone and offset: the one given, or the one the zone had', () => {
    const local = BigInt(Date.UTC(2022, 9, 30, 2, 30) / 1000)
    const when = [2022, 10, 30, 2, 30, 0, 0]
    assert.deepEqual(
      sent(new neo4j.DateTime(...when, 3600, 'Europe/Berlin')),
      struct(0x69, local, 0n, 'Europe/Berlin', 3600n)
    )
    assert.deepEqual(
      sent(new neo4j.DateTime(...when, 7200, 'Europe/Berlin')),
      struct(0x69, local, 0n, 'Europe/Berlin', 7200n)
    )
    const summer = new neo4j.DateTime(2022, 7, 1, 12, 0, 0, 0, undefined, 'Europe/Berlin')
    assert.equal(sent(summer).fields[3], 7200n)
  })

  it('of a zone get the offset that neo4j-driver finds', () => {
    const zones = [
      'Europe/Berlin',
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'UTC',
      'Pacific/Apia'
    ]
    const at = fc.date({ min: new Date('1800-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(at, fc.constantFrom(...zones), (date, zone) => {
        const { year, month, day, hour, minute, second } = neo4j.LocalDateTime.fromStandardDate(date)
        const value = new neo4j.DateTime(year, month, day, hour, minute, second, 0, undefined, zone)
        const [local, , , offset] = sent(value).fields
        const [utc] = readPackStream(packOfficial(value)).fields
        assert.equal(local - offset, utc)
      })
    )
  })

  it('include JavaScript dates, as DateTime.fromStandardDate makes them', () => {
    const range = { min: new Date('1500-01-01'), max: new Date('2500-01-01'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(range), date => {
        assert.deepEqual(ours(date), ours(neo4j.DateTime.fromStandardDate(date)))
      })
    )
    assert.throws(() => encodeParameters({ a: { when: new Date(Number.NaN) } }), {
      message: 'Parameter a.when cannot be sent: it is an invalid Date'
    })
  })

  it('include vectors, big endian, of part of a buffer too', () => {
    const vector = array => sent(neo4j.vector(array))
    assert.deepEqual(vector(Int8Array.of(1, -1)), struct(0x56, Buffer.from([0xc8]), Buffer.from([1, 255])))
    assert.deepEqual(vector(Int16Array.of(1)), struct(0x56, Buffer.from([0xc9]), Buffer.from([0, 1])))
    assert.deepEqual(vector(Int32Array.of(1)), struct(0x56, Buffer.from([0xca]), Buffer.from([0, 0, 0, 1])))
    assert.deepEqual(
      vector(BigInt64Array.of(1n)),
      struct(0x56, Buffer.from([0xcb]), Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]))
    )
    assert.deepEqual(
      vector(Float32Array.of(1)),
      struct(0x56, Buffer.from([0xc6]), Buffer.from('3f800000', 'hex'))
    )
    assert.deepEqual(
      vector(Float64Array.of(1)),
      struct(0x56, Buffer.from([0xc1]), Buffer.from('3ff0000000000000', 'hex'))
    )
    const part = Int16Array.of(1, 2, 3).subarray(1, 2)
    assert.deepEqual(vector(part), struct(0x56, Buffer.from([0xc9]), Buffer.from([0, 2])))
    assert.deepEqual([...part], [2], 'the vector itself is left alone')
  })

  it('say what they need of the protocol', () => {
    assert.equal(needs(new neo4j.Date(1970, 1, 2)), 1)
    assert.equal(needs(new neo4j.Point(7203, 1, 2)), 1)
    assert.equal(needs(new Date()), 3)
    assert.equal(needs(new neo4j.DateTime(1970, 1, 1, 0, 0, 0, 0, undefined, 'UTC')), 5)
    assert.equal(needs(neo4j.vector(Int8Array.of(1))), 8)
    assert.equal(needs(neo4j.uuid('00112233-4455-6677-8899-aabbccddeeff')), 16)
    assert.equal(needs([Buffer.alloc(1), new neo4j.Duration(1, 2, 3, 4)]), 33)
    assert.equal(needs('none'), 0, 'what an earlier call needed is forgotten')
  })

  it('may come from another copy of neo4j-driver-core', () => {
    const other = secondCore()
    const pairs = core => [
      core.int(5),
      new core.Date(2020, 1, 1),
      new core.LocalTime(1, 2, 3, 4),
      new core.Time(1, 2, 3, 4, 5),
      new core.LocalDateTime(2020, 1, 1, 1, 2, 3, 4),
      new core.DateTime(2020, 1, 1, 1, 2, 3, core.int(4), core.int(3600), 'Europe/Berlin'),
      new core.Duration(1, 2, 3, 4),
      new core.Point(core.int(7203), 1, 2),
      core.vector(Int8Array.of(1)),
      core.uuid('00112233-4455-6677-8899-aabbccddeeff')
    ]
    assert.notEqual(other.Integer, neo4j.Integer)
    assert.deepEqual(ours(pairs(other)), ours(pairs(neo4j)))
    assert.throws(() => encodeParameters({ n: new other.Node(1, [], {}, '1') }), /not allowed to pass nodes/)
  })
})

/** neo4j-driver-core loaded a second time, as another version in another folder would be. */
function secondCore() {
  const require = createRequire(import.meta.url)
  const ofCore = path => path.includes('neo4j-driver-core')
  const first = Object.entries(require.cache).filter(([path]) => ofCore(path))
  for (const [path] of first) delete require.cache[path]
  const second = require('neo4j-driver-core')
  for (const path of Object.keys(require.cache).filter(ofCore)) delete require.cache[path]
  for (const [path, module] of first) require.cache[path] = module
  return second
}

describe('a value that cannot be sent', () => {
  const fails = (parameters, message) =>
    assert.throws(() => encodeParameters(parameters), { name: 'Neo4jError', code: 'ProtocolError', message })
  const node = new neo4j.Node(1, ['A'], {}, '1')
  const relationship = new neo4j.Relationship(1, 2, 3, 'T', {}, '1', '2', '3')

  it('is named with its path', () => {
    const rows = Array.from({ length: 20 }, () => ({ when: 1 }))
    rows[3] = { when: () => 1 }
    fails({ rows }, 'Parameter rows[3].when cannot be sent: it is a function')
    fails({ a: { 'odd key': [Symbol('x')] } }, 'Parameter a["odd key"][0] cannot be sent: it is a symbol')
    fails({ 'first key': () => 1 }, 'Parameter ["first key"] cannot be sent: it is a function')
    fails(new Map([['m', new Map([['k', () => 1]])]]), 'Parameter m.k cannot be sent: it is a function')
    fails({ s: new Set([1, () => 1]) }, 'Parameter s[1] cannot be sent: it is a function')
    fails(
      { żółw: Promise.resolve(1) },
      'Parameter żółw cannot be sent: it is a Promise (is an await missing?)'
    )
  })

  it('is found in what can be walked over only once', () => {
    const once = (function* () {
      yield 1
      yield { x: Symbol('x') }
    })()
    fails({ once }, 'Parameter once[1].x cannot be sent: it is a symbol')
  })

  it('may be a graph type', () => {
    const unbound = new neo4j.UnboundRelationship(1, 'T', {}, '1')
    const segment = new neo4j.PathSegment(node, relationship, node)
    const path = new neo4j.Path(node, node, [segment])
    fails({ n: [node] }, 'Parameter n[0] cannot be sent: It is not allowed to pass nodes in query parameters')
    fails({ n: relationship }, /^Parameter n .* relationships in/)
    fails({ n: unbound }, /^Parameter n .* unbound relationships in/)
    fails({ n: path }, /^Parameter n .* paths in/)
    fails({ n: segment }, /^Parameter n .* path segments in/)
    fails({ n: new neo4j.UnsupportedType('X', 7, 0) }, /^Parameter n .* UnsupportedType/)
  })

  it('may contain itself, or be nested too deep', () => {
    const list = []
    list.push([list])
    fails({ list }, 'Parameter list[0][0] cannot be sent: it contains itself')
    const map = { a: {} }
    map.a.b = map
    fails(map, 'Parameter a.b cannot be sent: it contains itself')
    const rows = Array.from({ length: 10 }, () => ({ x: null }))
    rows[9].x = rows
    fails({ rows }, 'Parameter rows[9].x cannot be sent: it contains itself')
    const nested = levels => (levels === 0 ? 'end' : [nested(levels - 1)])
    assert.ok(encodeParameters({ deep: nested(2047) }).bytes.length > 2047)
    fails(
      { deep: nested(2048) },
      /^Parameter deep(\[0\]){2047} cannot be sent: it is nested deeper than 2048 levels$/
    )
    fails({ deep: nested(5000) }, /nested deeper than 2048 levels$/)
    let maps = 'end'
    for (let level = 0; level < 2047; level++) maps = { a: maps }
    assert.equal(encodeParameters({ deep: maps }).bytes.length, 'xdeep'.length + 1 + 3 * 2047 + 'xend'.length)
    const shared = { x: 1 }
    assert.ok(encodeParameters({ a: shared, b: [shared, shared] }))
  })

  it('may be a date that core would not have made', () => {
    const broken = Object.assign(Object.create(neo4j.Date.prototype), { year: 2020, month: 'x', day: 1 })
    fails({ d: broken }, /^Parameter d cannot be sent: its month/)
    const none = Object.create(neo4j.Duration.prototype)
    fails({ d: none }, /^Parameter d cannot be sent: its months/)
    const unknown = Object.assign(Object.create(neo4j.DateTime.prototype), {
      ...new neo4j.DateTime(2020, 1, 1, 1, 1, 1, 1, undefined, 'UTC'),
      timeZoneId: 'Nowhere/Land'
    })
    fails(
      { d: unknown },
      'Parameter d cannot be sent: Time zone ID is expected to be a valid ZoneId but was: "Nowhere/Land"'
    )
  })

  it('leaves nothing behind', () => {
    fails({ a: 1, d: new Date(), b: () => 1 }, /Parameter b/)
    const { bytes, needs } = encodeParameters({ a: 1 })
    assert.deepEqual(readPackStream(bytes), new Map([['a', 1]]))
    assert.equal(needs, 0)
  })

  it('may be an error of the application itself, which it gets', () => {
    const problem = new Error('mine')
    const parameters = {
      get a() {
        throw problem
      }
    }
    assert.throws(
      () => encodeParameters(parameters),
      error => error === problem
    )
    assert.deepEqual(sent(1), 1)
  })
})

describe('the encoder', () => {
  it('may be called by a getter or an iterator in the middle of a call', () => {
    const inner = () => {
      const { bytes, needs } = encodeParameters({ inner: 'x'.repeat(100_000), when: new Date(0) })
      assert.equal(readPackStream(bytes).get('inner').length, 100_000)
      assert.equal(needs, 3)
      assert.throws(() => encodeParameters({ f() {} }), /Parameter f cannot/)
      return 'back'
    }
    const rows = Array.from({ length: 600 }, (_, i) => ({
      i,
      get a() {
        return i % 100 === 99 ? inner() : 'plain'
      },
      z: 'end'
    }))
    const list = (function* () {
      yield 1
      yield inner()
    })()
    const { bytes, needs } = encodeParameters({ rows, list, last: Buffer.alloc(2) })
    const read = readPackStream(bytes)
    assert.equal(needs, 32)
    assert.deepEqual(
      read.get('rows')[599],
      new Map([
        ['i', 599],
        ['a', 'back'],
        ['z', 'end']
      ])
    )
    assert.deepEqual(
      read.get('rows')[0],
      new Map([
        ['i', 0],
        ['a', 'plain'],
        ['z', 'end']
      ])
    )
    assert.deepEqual(read.get('list'), [1, 'back'])
  })

  it('copes with lists that change while they are read', () => {
    const list = [
      1,
      {
        get x() {
          list.length = 2
          return 1
        }
      },
      3,
      4
    ]
    assert.deepEqual(sent(list), [1, new Map([['x', 1]]), null, null])
  })

  it('grows for large parameters and does not keep the memory', () => {
    const large = 'x'.repeat(32 * 1024 * 1024)
    assert.equal(encodeParameters({ large }).bytes.length, large.length + 12)
    const { bytes } = encodeParameters({ small: 1 })
    assert.ok(bytes.buffer.byteLength < 1024 * 1024)
  })
})
