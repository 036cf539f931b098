// What ours writes, other clients read, and the other way round: npm's `neo4j-driver`, and the crate `neo4rs`.

import assert from 'node:assert/strict'
import { before, describe } from 'node:test'
import { build, neo4rs, plain } from '../neo4rs.mjs'
import { neo4j, npmDriver, query, rows, single, test, value } from '../support.mjs'
import { valuesOf } from '../values.mjs'

/** What a property can hold: no maps, no nulls, no lists of lists or of several types. */
const isStorable = ({ value, since }) =>
  since !== '2026' &&
  value !== null &&
  !(Array.isArray(value) && value.some(item => item === null || typeof item !== typeof value[0])) &&
  Object.getPrototypeOf(value) !== Object.prototype

const storable = version => valuesOf(version).filter(isStorable)

/** An integer of -16 to -1, or a time that is one such on the wire: `neo4rs` 0.8 reads them as 240 to 255. */
const isSmallNegative = value =>
  neo4j.isInt(value)
    ? value.lessThan(0) && value.greaterThanOrEqual(-16)
    : String(value).startsWith('1969-12-31')

/** Values that `neo4rs` 0.8 can write and read. Of a duration it reads the length alone, and it knows no years far away. */
const isKnownToNeo4rs = ({ value, name }) =>
  !isSmallNegative(value) &&
  !(value instanceof neo4j.types.Duration) &&
  !(typeof value === 'bigint') &&
  !(value?.year && (value.year.toNumber() < 1 || value.year.toNumber() > 9999)) &&
  !name.includes('the second of an hour') // which the old form of the wire, and so Bolt 4.1, cannot say

const GRAPH = `CREATE p = (a:Person:Admin {name: $name, born: $born})-[:KNOWS {since: $since}]->(b:Person {name: 'Bea'})
  RETURN p`
const PARAMETERS = {
  name: 'Adé 😀',
  born: new neo4j.types.Date(neo4j.int(1815), neo4j.int(12), neo4j.int(10)),
  since: neo4j.int('9007199254740993')
}
const READ = 'MATCH p = (a:Admin {name: $name})-[r:KNOWS]->(b) RETURN a, r, p, [a.name, b.name] AS names'

/** On a server of Bolt 4.4 or later. */
export const interopSuite = (set, { version }) =>
  describe('interoperation', () => {
    let program
    before(
      async () => {
        program = await build()
      },
      { timeout: 400_000 }
    )
    const clients = t => {
      const { auth, members } = set.cluster
      return { ours: single(t, members[0], auth), theirs: npmDriver(t, members[0], auth) }
    }
    const read = ({ value, read = () => value }) => read({ utc: true })

    test('every storable value that ours writes is read by npm, and the other way round', async t => {
      const { ours, theirs } = clients(t)
      for (const one of storable(version)) {
        const { name, value } = one
        const write = 'CREATE (n:Value {name: $name, x: $x})'
        await query(ours, write, { name: `ours ${name}`, x: value })
        if (!one.notByNpm) await query(theirs, write, { name: `theirs ${name}`, x: value })
      }
      const found = 'MATCH (n:Value) RETURN n.name AS name, n.x AS x ORDER BY id(n)'
      const byOurs = (await query(ours, found)).records.map(record => record.toObject())
      const byTheirs = (await query(theirs, found)).records.map(record => record.toObject())
      assert.deepStrictEqual(byOurs, byTheirs)
      const wanted = storable(version).flatMap(one => [
        { name: `ours ${one.name}`, x: read(one) },
        ...(one.notByNpm ? [] : [{ name: `theirs ${one.name}`, x: read(one) }])
      ])
      for (const [i, seen] of byOurs.entries()) assert.deepStrictEqual(seen, wanted[i])
      assert.equal(byOurs.length, wanted.length)
    })

    test('every value that ours writes is read by neo4rs', async t => {
      const { ours } = clients(t)
      const known = storable(version).filter(isKnownToNeo4rs)
      for (const [i, one] of known.entries()) {
        await query(ours, 'CREATE (:ForRust {i: $i, x: $x})', { i: neo4j.int(i), x: one.value })
      }
      const text = 'MATCH (n:ForRust) RETURN n.x AS x ORDER BY n.i'
      const [seen] = await neo4rs(program, set.cluster.members[0], set.cluster.auth, [{ text }])
      assert.equal(seen.length, known.length)
      for (const [i, { x }] of seen.entries()) assert.deepEqual(x, plain(read(known[i])), known[i].name)
    })

    test('every value that neo4rs writes is read by ours', async t => {
      const { ours } = clients(t)
      const { auth, members } = set.cluster
      const known = storable(version).filter(one => isKnownToNeo4rs(one) && !one.notByNpm)
      const queries = known.map((one, i) => ({
        text: 'CREATE (:FromRust {i: $i, x: $x})',
        parameters: { i: neo4j.int(i), x: one.value }
      }))
      await neo4rs(program, members[0], auth, queries)
      const { records } = await query(ours, 'MATCH (n:FromRust) RETURN n.x AS x ORDER BY n.i')
      assert.equal(records.length, known.length)
      for (const [i, record] of records.entries()) {
        assert.deepStrictEqual(record.get('x'), read(known[i]), known[i].name)
      }
    })

    test('durations cross between ours and neo4rs', async t => {
      const { ours } = clients(t)
      const { auth, members } = set.cluster
      const { int, types } = neo4j
      const written = new types.Duration(int(14), int(3), int(14_706), int(789))
      const [, [{ length }]] = await neo4rs(program, members[0], auth, [
        { text: 'CREATE (:Duration {x: $x})', parameters: { x: written } },
        { text: "RETURN duration('PT90.5S') AS length" }
      ])
      assert.deepEqual(length, { $: 'duration', value: [0, 0, 90, 500_000_000] })
      assert.deepStrictEqual(value(await query(ours, 'MATCH (n:Duration) RETURN n.x')), written)
    })

    test('maps, lists and nulls cross between ours and neo4rs as parameters', async t => {
      const { ours } = clients(t)
      const { auth, members } = set.cluster
      const { int } = neo4j
      const x = { a: [int(1), null, ['b', { c: 1.5 }]], 'ü 😀': true, none: null, empty: {} }
      const text = 'RETURN $x AS x'
      const [[seen]] = await neo4rs(program, members[0], auth, [{ text, parameters: { x } }])
      assert.deepEqual(seen.x, plain(x))
      assert.deepStrictEqual(value(await query(ours, text, { x })), x)
    })

    for (const writer of ['ours', 'npm', 'neo4rs']) {
      test(`a graph that ${writer} wrote is one and the same to all three`, async t => {
        const { ours, theirs } = clients(t)
        const { auth, members } = set.cluster
        const parameters = { ...PARAMETERS, name: `${PARAMETERS.name} by ${writer}` }
        if (writer === 'ours') await query(ours, GRAPH, parameters)
        else if (writer === 'npm') await query(theirs, GRAPH, parameters)
        else await neo4rs(program, members[0], auth, [{ text: GRAPH, parameters }])

        const [byOurs] = (await query(ours, READ, parameters)).records.map(record => record.toObject())
        const [byTheirs] = (await query(theirs, READ, parameters)).records.map(record => record.toObject())
        assert.deepStrictEqual(byOurs, byTheirs)
        assert.equal(byOurs.a.properties.name, parameters.name)
        assert.deepStrictEqual(byOurs.a.properties.born, PARAMETERS.born)
        assert.deepStrictEqual(byOurs.r.properties.since, PARAMETERS.since)

        const [[byRust]] = await neo4rs(program, members[0], auth, [{ text: READ, parameters }])
        for (const key of ['a', 'r', 'names']) assert.deepEqual(byRust[key], plain(byOurs[key]), key)
        const { nodes, relationships, indices } = byRust.p
        const [segment] = byOurs.p.segments
        assert.deepEqual(nodes, [segment.start, segment.end].map(plain))
        const { id, type, properties } = plain(segment.relationship)
        assert.deepEqual(relationships, [{ $: 'unbound', id, type, properties }])
        assert.deepEqual(indices, [1, 1])
      })
    }

    test('what one commits the others see at once, and of what is rolled back nothing', async t => {
      const { ours, theirs } = clients(t)
      const { auth, members } = set.cluster
      const count = 'MATCH (n:Seen) RETURN count(n) AS n'
      const everywhere = async () => {
        const [[{ n }]] = await neo4rs(program, members[0], auth, [{ text: count }])
        return [
          ...rows(await query(ours, count)),
          ...rows(await query(theirs, count)),
          [Number(n.value)]
        ].flat()
      }
      const session = ours.session(true)
      const tx = session.beginTransaction()
      await tx.run('CREATE (:Seen), (:Seen)')
      assert.deepEqual(await everywhere(), [0, 0, 0])
      await tx.commit()
      assert.deepEqual(await everywhere(), [2, 2, 2])
      const other = session.beginTransaction()
      await other.run('CREATE (:Seen)')
      await other.rollback()
      await session.close()
      assert.deepEqual(await everywhere(), [2, 2, 2])
      await neo4rs(program, members[0], auth, [{ text: 'CREATE (:Seen)' }])
      await query(theirs, 'CREATE (:Seen)')
      assert.deepEqual(await everywhere(), [4, 4, 4])
    })
  })
