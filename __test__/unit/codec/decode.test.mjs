import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import fc from 'fast-check'
import neo4j from 'neo4j-driver-core'
import { BatchWriter, CODE, KIND, NodeValue, Struct } from './support/batch-writer.mjs'
import { decoderFor, MODES, recordsOf, singleValue } from './support/decoding.mjs'
import { official } from './support/official.mjs'
import { int64, text, wireValue } from './support/wire-values.mjs'

// Would end a string or a template, were it pasted into source text
const TRICKY = `a\u2028\u2029"'\\\`$\{x}`

/** Every value of every record, read by name. */
const readAll = (records, keys) => records.map(record => keys.map(key => record.get(key)))
const officialRows = (rows, mode) => rows.map(row => row.map(value => official(value, mode)))

for (const mode of MODES) {
  describe(`records with integers as ${mode}`, () => {
    it('hold what neo4j-driver makes of the same values', () => {
      const rows = fc.array(fc.tuple(wireValue, wireValue), { minLength: 1, maxLength: 10 })
      fc.assert(
        fc.property(rows, fc.constantFrom('packed', 'plain'), (rows, lists) => {
          const writer = new BatchWriter({ intern: ['Person', 'a', ''], lists })
          const records = recordsOf(decoderFor(['x', 'y'], mode), writer.batch(rows))
          assert.deepEqual(readAll(records, ['x', 'y']), officialRows(rows, mode))
        }),
        { numRuns: 150 }
      )
    })

    it('hold columns of one type, with and without nulls', () => {
      const int32 = fc.bigInt({ min: -(2n ** 31n), max: 2n ** 31n - 1n })
      const types = { INT: int64, INT32: int32, FLOAT: fc.double(), STR: text, BOOL: fc.boolean() }
      for (const [name, type] of Object.entries(types)) {
        for (const value of [type, fc.option(type)]) {
          fc.assert(
            fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 70 }), rows => {
              const batch = new BatchWriter().batch(rows, { kinds: [KIND[name], KIND.MIXED] })
              const records = recordsOf(decoderFor(['a', 'b'], mode), batch)
              assert.deepEqual(readAll(records, ['a', 'b']), officialRows(rows, mode))
            }),
            { numRuns: 25 }
          )
        }
      }
      const nulls = new BatchWriter().batch([[null], [null]])
      assert.deepEqual(readAll(recordsOf(decoderFor(['a'], mode), nulls), ['a']), [[null], [null]])
    })

    it('are the same before and after readers were compiled', () => {
      const rows = Array.from({ length: 400 }, (_, i) => [
        BigInt(i) * 3_000_000_000n,
        i % 7 === 0 ? null : i / 3,
        i % 5 === 0 ? null : `text ${i}`,
        `ż${i}`,
        i % 3 === 0 ? null : i % 2 === 0,
        BigInt(i - 200),
        null,
        new NodeValue(
          BigInt(i),
          ['A', 'B'],
          { n: BigInt(i), f: i / 7, s: `s${i}`, w: `ż${i}`, b: i % 2 === 0, z: null, l: [1n], __proto_: 1 },
          `4:x:${i}`
        ),
        i % 2 ? 'mixed' : [BigInt(i), 'x', { k: BigInt(i) }]
      ])
      const keys = [...'abcdefghi']
      const want = officialRows(rows, mode)
      const writer = new BatchWriter({ intern: ['s7', 'text 3'] })
      const decoder = decoderFor(keys, mode)
      for (let round = 0; round < 4; round++) {
        const records = recordsOf(decoder, writer.batch(rows))
        assert.deepEqual(readAll(records, keys), want)
      }
    })

    it('share strings and shapes over the batches of a result, and not with other results', () => {
      const rowsOf = (name, n) =>
        Array.from({ length: n }, (_, i) => [
          new NodeValue(BigInt(i), [name], { [name]: 'interned', other: BigInt(i) }, `${name}${i}`)
        ])
      const results = ['One', 'Two'].map(name => ({
        name,
        writer: new BatchWriter({ intern: ['interned'] }),
        decoder: decoderFor(['n'], mode)
      }))
      for (const n of [1, 300, 5]) {
        for (const { name, writer, decoder } of results) {
          const rows = rowsOf(name, n)
          assert.deepEqual(readAll(recordsOf(decoder, writer.batch(rows)), ['n']), officialRows(rows, mode))
        }
      }
    })
  })
}

describe('records', () => {
  it('hold strings of every length and place in both pools', () => {
    const rows = []
    for (const n of [1, 12, 13, 100, 4095, 4096, 4097, 9000, 1, 4090, 20])
      rows.push(['x'.repeat(n - 1) + (n % 10), `ż${'y'.repeat(n)}`], [`${n}`, '😀'])
    const records = recordsOf(decoderFor(['a', 'b']), new BatchWriter().batch(rows))
    assert.deepEqual(readAll(records, ['a', 'b']), rows)
  })

  it('may have no columns, or no rows', () => {
    const none = recordsOf(decoderFor([]), new BatchWriter().batch([[], [], []], { columns: 0 }))
    assert.equal(none.length, 3)
    assert.deepEqual(none[0].keys, [])
    assert.deepEqual(none[0].toObject(), {})
    assert.deepEqual(recordsOf(decoderFor(['a']), new BatchWriter().batch([], { columns: 1 })), [])
  })

  it('may have more columns than readers are compiled for', () => {
    const keys = Array.from({ length: 60 }, (_, i) => `k${i}`)
    const rows = Array.from({ length: 700 }, (_, r) => keys.map((_, c) => BigInt(r * c)))
    const records = recordsOf(decoderFor(keys, 'bigint'), new BatchWriter().batch(rows))
    assert.deepEqual(readAll(records, keys), rows)
  })

  it('may hold nodes without element ids, as before Bolt 5', () => {
    const rows = Array.from({ length: 300 }, (_, i) => [new NodeValue(BigInt(i), ['A'], { a: 1n })])
    const want = rows.map(([node]) => [official(node, 'Integer', { legacy: true })])
    const decoder = decoderFor(['n'])
    assert.deepEqual(readAll(recordsOf(decoder, new BatchWriter().batch(rows)), ['n']), want)
    const relationship = new Struct(CODE.RELATIONSHIP, [1n, 2n, 3n, 'T', {}, null, null, null])
    const [[read]] = readAll(recordsOf(decoderFor(['r']), new BatchWriter().batch([[relationship]])), ['r'])
    assert.deepEqual(read, new neo4j.Relationship(neo4j.int(1), neo4j.int(2), neo4j.int(3), 'T', {}))
  })

  it('give nodes of one shape one hidden class, and labels of their own', () => {
    const rows = Array.from({ length: 500 }, (_, i) => [new NodeValue(BigInt(i), ['A'], { a: 1n }, 'x')])
    const nodes = recordsOf(decoderFor(['n']), new BatchWriter().batch(rows)).map(record => record.get('n'))
    nodes[0].labels.push('mine')
    nodes[499].labels.push('mine too')
    assert.deepEqual(nodes[1].labels, ['A'])
    assert.deepEqual(nodes[498].labels, ['A'])
    assert.ok(nodes.every(node => node instanceof neo4j.Node && neo4j.isNode(node)))
  })

  it('hold maps safely, whatever the names in them', () => {
    const nasty = new Map([
      ['__proto__', 5n],
      ['constructor', 1n],
      [TRICKY, 2n]
    ])
    const properties = Object.fromEntries([...nasty].map(([key, value]) => [key, value]))
    Object.defineProperty(properties, '__proto__', { value: 5n, enumerable: true })
    const rows = Array.from({ length: 300 }, () => [nasty, new NodeValue(1n, [TRICKY], properties, 'x')])
    const records = recordsOf(decoderFor(['m', 'n'], 'bigint'), new BatchWriter().batch(rows))
    for (const record of records) {
      assert.deepEqual(Object.entries(record.get('m')), [...nasty])
      assert.equal(Object.getPrototypeOf(record.get('m')), Object.prototype)
      assert.deepEqual(Object.entries(record.get('n').properties), [...nasty])
      assert.equal(Object.getPrototypeOf(record.get('n').properties), Object.prototype)
      assert.deepEqual(record.get('n').labels, [TRICKY])
    }
  })

  it('hold maps of many kinds, those that begin alike among them, the same before and after readers were compiled', () => {
    const kinds = [
      i => ({ id: BigInt(i), name: `name ${i}`, rest: { x: i + 0.5, y: 'interned', z: [1n] } }),
      i => ({ id: BigInt(i), name: `name ${i}`, other: null }),
      i => ({ id: BigInt(i) }),
      i => ({ id: 2n ** 40n + BigInt(i), 7: true, 3: `ż${i}`, toString: 'x', [`own ${i}`]: false }),
      i => ({ ['__proto__']: 1n, constructor: { id: BigInt(i), name: 'x', deeper: { deeper: {} } } })
    ]
    const order = [i => i % 5, i => (i >> 7) % 5, i => (i % 9 === 0 ? 1 : 0)]
    for (const mode of MODES) {
      for (const of of order) {
        const rows = Array.from({ length: 1500 }, (_, i) => [kinds[of(i)](i)])
        const decoder = decoderFor(['m'], mode)
        const writer = new BatchWriter({ intern: ['interned'] })
        for (let at = 0; at < rows.length; at += 250) {
          const part = rows.slice(at, at + 250)
          const maps = readAll(recordsOf(decoder, writer.batch(part)), ['m'])
          const want = officialRows(part, mode)
          assert.deepEqual(maps, want)
          for (const [i, [map]] of maps.entries()) assert.deepEqual(Object.keys(map), Object.keys(want[i][0]))
        }
      }
    }
  })

  it('read a zone that is not known as neo4j-driver does: the value is broken, the record is not', () => {
    for (const code of [CODE.DATETIME_ZONE_UTC, CODE.DATETIME_ZONE_LOCAL]) {
      for (const zone of ['Nowhere/Land', '']) {
        const rows = [['fine', [new Struct(code, [0n, 0n, zone])]]]
        const [record] = recordsOf(decoderFor(['a', 'when']), new BatchWriter().batch(rows))
        assert.equal(record.get('a'), 'fine')
        const [value] = record.get('when')
        assert.ok(neo4j.internal.objectUtil.isBrokenObject(value))
        assert.throws(() => value.year, {
          name: 'Neo4jError',
          message: `Field 'when' cannot be read: Time zone ID is expected to be a valid ZoneId but was: "${zone}"`
        })
      }
    }
  })

  it('read a date beyond what core takes as broken too', () => {
    const [record] = recordsOf(
      decoderFor(['d']),
      new BatchWriter().batch([[new Struct(CODE.DATE, [365241780472n])]])
    )
    assert.throws(() => record.get('d').year, /Field 'd' cannot be read: Year is expected to be in range/)
  })

  it('read times further away than doubles are exact', () => {
    const seconds = 31556889832780799n
    const rows = [
      [
        new Struct(CODE.LOCAL_DATETIME, [seconds, 7n]),
        new Struct(CODE.DATETIME_OFFSET, [-31557014135596799n, 0n, 60n])
      ]
    ]
    const [record] = recordsOf(decoderFor(['a', 'b'], 'number'), new BatchWriter().batch(rows))
    assert.deepEqual(record.get('a'), new neo4j.LocalDateTime(999999999, 12, 31, 23, 59, 59, 7))
    assert.deepEqual(record.get('b'), new neo4j.DateTime(-999999999, 1, 1, 0, 0, 1, 0, 60, null))
  })

  it('are the same read row by row and by compiled code', () => {
    const rows = Array.from({ length: 600 }, (_, i) => [
      BigInt(i),
      i + 0.5,
      `a text ${i}`,
      i % 3 === 0 ? null : 1n,
      [BigInt(i)]
    ])
    const keys = ['i', 'f', 's', 'n', 'l']
    const [first, second] = [1, 2].map(() => recordsOf(decoderFor(keys), new BatchWriter().batch(rows)))
    assert.deepEqual(readAll(first, keys), officialRows(rows, 'Integer'))
    assert.deepEqual(second, first)
    assert.deepEqual(first[7], new neo4j.Record(keys, first[7]._fields, first[7]._fieldLookup))
  })

  it('hold nothing of what was around a string in their batch', () => {
    v8.setFlagsFromString('--expose-gc')
    const gc = vm.runInNewContext('gc')
    const batches = ['', '\u{3b1}'].map(more =>
      new BatchWriter().batch(
        Array.from({ length: 100 }, (_, i) => [`the name of person ${i}${more} is long enough`])
      )
    )
    const kept = []
    const keep = times => {
      for (let i = 0; i < times; i++)
        for (const batch of batches) kept.push(recordsOf(decoderFor(['x']), batch)[50].get('x'))
      gc()
      return process.memoryUsage().heapUsed
    }
    const before = keep(200)
    const each = (keep(1000) - before) / 2000
    assert.ok(each < 300, `${each} bytes stay for each of ${kept.length} texts`)
  })
})

describe('a decoder', () => {
  it('reads a single value', () => {
    for (const mode of MODES) {
      fc.assert(
        fc.property(wireValue, value => {
          const batch = new BatchWriter().batch([[value]], { kinds: [KIND.MIXED] })
          assert.deepEqual(singleValue(decoderFor([], mode), batch), official(value, mode))
        }),
        { numRuns: 50 }
      )
    }
  })

  it('reads what stands deep in lists and maps as what does not', () => {
    const around = (value, level) =>
      level % 3 === 0
        ? [level % 2 === 0, value, [1n, 2n]]
        : new Map([
            ['known', 'a'],
            [['__proto__', 'known too', TRICKY][level % 3], value],
            ['end', { constructor: 1n }]
          ])
    const nested = value => {
      let outer = value
      for (let level = 0; level < 150; level++) outer = around(outer, level)
      return outer
    }
    for (const mode of MODES) {
      fc.assert(
        fc.property(wireValue, value => {
          const writer = new BatchWriter({ intern: ['known', 'known too', '__proto__'] })
          const batch = writer.batch([[nested(value)]], { kinds: [KIND.MIXED] })
          assert.deepEqual(singleValue(decoderFor([], mode), batch), official(nested(value), mode))
        }),
        { numRuns: 20 }
      )
    }
  })

  it('reads rows and a value in turn, sharing one dictionary', () => {
    const writer = new BatchWriter()
    const decoder = decoderFor(['m'], 'bigint')
    const [first] = recordsOf(decoder, writer.batch([[{ name: 1n }]]))
    const [second] = recordsOf(decoder, writer.batch([[{ name: 2n, more: 3n }]]))
    const last = singleValue(
      decoder,
      writer.batch([[{ more: 4n, name: 5n, end: 6n }]], { kinds: [KIND.MIXED] })
    )
    assert.deepEqual(
      [first.get('m'), second.get('m'), last],
      [{ name: 1n }, { name: 2n, more: 3n }, { more: 4n, name: 5n, end: 6n }]
    )
  })
})

describe('zoned times', () => {
  it('have the offset that neo4j-driver finds, around every change of it', () => {
    // hour by hour over some years with changes: enough to hit each of them, on the day and beside it
    for (const zone of [
      'Europe/Berlin',
      'America/St_Johns',
      'Africa/Casablanca',
      'Africa/Monrovia',
      'Australia/Lord_Howe'
    ]) {
      const rows = []
      for (let t = Date.UTC(1971, 11, 1) / 1000; t < Date.UTC(1974, 0, 1) / 1000; t += 7 * 3600 + 13)
        rows.push([new Struct(CODE.DATETIME_ZONE_UTC, [BigInt(t), 0n, zone])])
      for (let t = Date.UTC(2023, 2, 1) / 1000; t < Date.UTC(2023, 11, 1) / 1000; t += 3 * 3600 + 13)
        rows.push([new Struct(CODE.DATETIME_ZONE_UTC, [BigInt(t), 0n, zone])])
      const records = recordsOf(decoderFor(['t'], 'number'), new BatchWriter().batch(rows))
      const wrong = rows.filter(([value], i) => `${records[i].get('t')}` !== `${official(value, 'number')}`)
      assert.deepEqual(wrong, [])
    }
  })
})
