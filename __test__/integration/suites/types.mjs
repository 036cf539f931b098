// Every type, on a server: as parameter, as result, in each integer mode, in each way of reading, and
// side by side with npm's driver.

import assert from 'node:assert/strict'
import { after, before, describe } from 'node:test'
import { Neo4jHA, neo4j, npm, pairs, query, rows, test } from '../support.mjs'
import { inMode, valuesOf } from '../values.mjs'

const MODES = {
  Integer: {},
  'disableLosslessIntegers: number': { disableLosslessIntegers: true },
  'useBigInt: bigint': { useBigInt: true }
}

/** Makes a graph in which each kind of property is, and each shape of path. */
const GRAPH = `
  CREATE (a:Type:Test {name: 'a', int: 42, big: 9223372036854775807, float: 1.5, yes: true, ints: [1, 2, 3],
                       strings: ['x', '😀'], floats: [1.5, -0.5], none: [], date: date('2020-02-29'),
                       zoned: datetime('1960-07-01T12:00:00[America/New_York]'), duration: duration('P1M2DT3.5S'),
                       point: point({x: 1, y: 2})}),
         (b:Type {name: 'b'}), (c {name: 'c'}),
         (a)-[:KNOWS {since: 1999, at: localtime('12:00')}]->(b), (c)-[:LIKES]->(b), (a)-[:SELF]->(a)`

const GRAPHS = {
  'a node': 'MATCH (x:Type:Test) RETURN x, x.name AS name',
  'a node without labels and properties': 'CREATE (x) WITH x, id(x) AS id RETURN x, id',
  'a relationship': "MATCH ({name: 'a'})-[x:KNOWS]->() RETURN x",
  'a path forwards': 'MATCH x = (:Test)-[:KNOWS]->(:Type) RETURN x',
  'a path backwards': "MATCH x = (:Type {name: 'b'})<-[:KNOWS]-(:Test) RETURN x",
  'a path both ways': "MATCH x = ({name: 'a'})-[:KNOWS]->()<-[:LIKES]-({name: 'c'}) RETURN x",
  'a path of one node': 'MATCH x = (:Test) RETURN x',
  'a path that meets a node twice': "MATCH x = ({name: 'a'})-[:SELF]->()-[:KNOWS]->() RETURN x",
  'graph values in lists and maps':
    'MATCH p = (a:Test)-[r:KNOWS]->(b) RETURN [a, r, b, p] AS list, {a: a, more: {r: r, p: [p]}} AS map'
}

/** All records of a query, by subscribe. */
const subscribed = (driver, text, parameters) =>
  new Promise((resolve, reject) => {
    const seen = []
    const session = driver.session()
    session.run(text, parameters).subscribe({
      onNext: record => seen.push(record.get(0)),
      onCompleted: () => session.close().then(() => resolve(seen)),
      onError: reject
    })
  })

const iterated = async (driver, text, parameters) => {
  const seen = []
  const session = driver.session()
  for await (const record of session.run(text, parameters)) seen.push(record.get(0))
  await session.close()
  return seen
}

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set
 * @param {object} about
 * @param {string} about.version of Neo4j, as '3.4'
 * @param {[number, number]} about.bolt the version that must be agreed on
 * @param {boolean} [about.npm] whether npm's driver can connect
 */
export const typeSuite = (set, about) => describe('types', () => suite(set, about))

const suite = (set, { version, bolt, npm: withNpm = true }) => {
  // Bolt 4.4 has it as an option, which is taken
  const utc = bolt[0] >= 5 || (bolt[0] === 4 && bolt[1] === 4)
  const ours = {}
  const theirs = {}

  before(async () => {
    const { cluster } = set
    const auth = npm.auth.basic(cluster.auth.user, cluster.auth.pass)
    for (const [mode, config] of Object.entries(MODES)) {
      ours[mode] = new Neo4jHA(cluster.kind === 'ha' ? pairs(cluster) : cluster.members[0].bolt, {
        auth: cluster.auth,
        rwConfig: Neo4jHA.HAReadWrite.masterOnly,
        neo4jDriverOptions: config
      })
      if (withNpm) theirs[mode] = npm.driver(cluster.members[0].bolt, auth, config)
    }
    await query(ours.Integer, GRAPH)
  })
  after(() => Promise.all([...Object.values(ours), ...Object.values(theirs)].map(driver => driver.close())))

  test(`Neo4j ${version} is spoken to by Bolt ${bolt.join('.')}`, async () => {
    const { protocolVersion } = await ours.Integer.servers[0].driver.getServerInfo()
    assert.deepEqual([protocolVersion.major, protocolVersion.minor], bolt)
  })

  const expected = ({ value, read = () => value }) => read({ utc })

  for (const one of valuesOf(version)) {
    const { name, value, cypher = '$x', same = `$x = ${cypher}`, since, notByNpm } = one
    test(name, async () => {
      const prefix = since === '2026' ? 'CYPHER 25 ' : ''
      const text = `${prefix}RETURN $x AS came, ${same} AS same, ${cypher} AS made`
      const [record] = (await query(ours.Integer, text, { x: value })).records
      assert.equal(record.get('same'), true, 'the server got another value')
      assert.deepStrictEqual(record.get('came'), expected(one), 'as parameter and back')
      assert.deepStrictEqual(record.get('made'), expected(one), 'as result')
      if (!withNpm || notByNpm) return
      const [peer] = (await query(theirs.Integer, text, { x: value })).records
      assert.deepStrictEqual(record.toObject(), peer.toObject(), "side by side with npm's driver")
    })
  }

  for (const [mode, config] of Object.entries(MODES)) {
    const x = valuesOf(version).filter(one => one.since !== '2026' && !one.notByNpm && !one.integerModeOnly)

    test(`every type is read with ${mode}`, async () => {
      const wanted = x.map(one => inMode(expected(one), config))
      const text = 'RETURN $x AS x'
      const [record] = (await query(ours[mode], text, { x: x.map(one => one.value) })).records
      for (const [i, seen] of record.get('x').entries()) assert.deepStrictEqual(seen, wanted[i], x[i].name)
      if (!withNpm) return
      const [peer] = (await query(theirs[mode], text, { x: x.map(one => one.value) })).records
      assert.deepStrictEqual(record.get('x'), peer.get('x'))
    })

    test(`rows of every type are the same collected, subscribed and iterated, with ${mode}`, async () => {
      const wanted = x.map(one => inMode(expected(one), config))
      const text = 'UNWIND $x AS x RETURN x'
      const parameters = { x: x.map(one => one.value) }
      const collected = (await query(ours[mode], text, parameters)).records.map(record => record.get('x'))
      assert.equal(collected.length, x.length)
      for (const [i, seen] of collected.entries()) assert.deepStrictEqual(seen, wanted[i], x[i].name)
      assert.deepStrictEqual(await subscribed(ours[mode], text, parameters), wanted)
      assert.deepStrictEqual(await iterated(ours[mode], text, parameters), wanted)
    })

    for (const [name, text] of withNpm ? Object.entries(GRAPHS) : []) {
      if (text.startsWith('CREATE')) continue
      test(`${name} is what npm's driver reads, with ${mode}`, async () => {
        const [record] = (await query(ours[mode], text)).records
        const [peer] = (await query(theirs[mode], text)).records
        assert.deepStrictEqual(record.toObject(), peer.toObject())
        assert.equal(JSON.stringify(record.toObject(), plain), JSON.stringify(peer.toObject(), plain))
      })
    }
  }

  test(`every part of a node`, async () => {
    const [record] = (await query(ours.Integer, GRAPHS['a node'])).records
    const node = record.get('x')
    assert.ok(node instanceof neo4j.types.Node)
    assert.ok(neo4j.isInt(node.identity))
    assert.equal(typeof node.elementId, 'string')
    if (bolt[0] < 5) assert.equal(node.elementId, node.identity.toString())
    assert.deepEqual([...node.labels].sort(), ['Test', 'Type'])
    assert.equal(record.get('name'), 'a')
    const { int, types } = neo4j
    assert.deepStrictEqual(
      { ...node.properties },
      {
        name: 'a',
        int: int(42),
        big: int('9223372036854775807'),
        float: 1.5,
        yes: true,
        ints: [int(1), int(2), int(3)],
        strings: ['x', '😀'],
        floats: [1.5, -0.5],
        none: [],
        date: new types.Date(int(2020), int(2), int(29)),
        zoned: new types.DateTime(
          ...[1960, 7, 1, 12, 0, 0, 0].map(n => int(n)),
          utc ? int(-14_400) : null,
          'America/New_York'
        ),
        duration: new types.Duration(int(1), int(2), int(3), int(500_000_000)),
        point: new types.Point(int(7203), 1, 2)
      }
    )
  })

  test(`a node without labels and properties`, async () => {
    const [record] = (await query(ours.Integer, GRAPHS['a node without labels and properties'])).records
    const node = record.get('x')
    assert.deepStrictEqual(node.identity, record.get('id'))
    assert.deepEqual(node.labels, [])
    assert.deepEqual(node.properties, {})
  })

  test(`every part of a relationship`, async () => {
    const text = `MATCH (a:Test)-[r:KNOWS]->(b) RETURN r, a, b, id(a) AS start, id(b) AS end`
    const [record] = (await query(ours.Integer, text)).records
    const relationship = record.get('r')
    assert.ok(relationship instanceof neo4j.types.Relationship)
    assert.equal(relationship.type, 'KNOWS')
    assert.deepStrictEqual(relationship.start, record.get('start'))
    assert.deepStrictEqual(relationship.end, record.get('end'))
    assert.equal(relationship.startNodeElementId, record.get('a').elementId)
    assert.equal(relationship.endNodeElementId, record.get('b').elementId)
    const { since, at } = relationship.properties
    assert.deepStrictEqual(since, neo4j.int(1999))
    assert.equal(at.toString(), '12:00:00')
  })

  test(`every part of a path`, async () => {
    const [record] = (await query(ours.Integer, GRAPHS['a path both ways'])).records
    const path = record.get('x')
    assert.ok(path instanceof neo4j.types.Path)
    assert.equal(path.length, 2)
    assert.equal(path.start.properties.name, 'a')
    assert.equal(path.end.properties.name, 'c')
    assert.deepEqual(
      path.segments.map(({ start, relationship, end }) => [
        start.properties.name,
        relationship.type,
        end.properties.name
      ]),
      [
        ['a', 'KNOWS', 'b'],
        ['b', 'LIKES', 'c']
      ]
    )
    const [knows, likes] = path.segments
    assert.deepStrictEqual(knows.relationship.start, knows.start.identity)
    // it was met from its end
    assert.deepStrictEqual(likes.relationship.start, likes.end.identity)
    assert.deepStrictEqual(likes.relationship.end, likes.start.identity)
  })

  test(`a Date of JavaScript arrives as the instant it is`, async () => {
    const instant = new Date('1969-07-20T20:17:40.123Z')
    const text = 'RETURN $x.epochMillis AS millis'
    assert.deepEqual(rows(await query(ours.Integer, text, { x: instant })), [[instant.getTime()]])
  })

  test(`what the server says is a property is what it stored`, async () => {
    // what a property can hold: no maps, no nulls, no lists of lists or of several types
    const storable = valuesOf(version).filter(
      ({ value, since }) =>
        since !== '2026' &&
        value !== null &&
        !(Array.isArray(value) && value.some(item => item === null || typeof item !== typeof value[0])) &&
        Object.getPrototypeOf(value) !== Object.prototype
    )
    for (const one of storable) {
      const made = await query(ours.Integer, 'CREATE (n:Stored {x: $x}) RETURN id(n) AS id', { x: one.value })
      const id = made.records[0].get('id')
      const found = await query(ours.Integer, 'MATCH (n:Stored) WHERE id(n) = $id RETURN n, n.x AS x', { id })
      const [record] = found.records
      assert.deepStrictEqual(record.get('x'), expected(one), one.name)
      assert.deepStrictEqual(record.get('n').properties.x, expected(one), one.name)
    }
  })
}

/** For JSON: bigints have no form of their own there. */
const plain = (_key, value) => (typeof value === 'bigint' ? `${value}n` : value)
