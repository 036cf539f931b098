// Single real servers from 3.5 to today's, reached by a Bolt URI alone: the same work on each, TLS, and a wrong password.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { until } from '../support/until.mjs'
import {
  failing,
  Neo4jHA,
  neo4j,
  npmDriver,
  open,
  query,
  rows,
  servers,
  single,
  tap,
  test,
  value
} from './support.mjs'

const port = ({ bolt }) => Number(new URL(bolt).port)

for (const [server, bolt] of [
  ['3.5', [3, 0]],
  ['4.4', [4, 4]],
  ['5.26', [5, 8]],
  ['2026', [6, 1]]
]) {
  describe(`a single Neo4j ${server}`, () => {
    const set = servers(`${server}@single`)
    const member = () => set.cluster.members[0]
    const start = (t, options) => single(t, member(), set.cluster.auth, options)
    const isOld = bolt[0] === 3

    test(`a Bolt URI is enough; Bolt ${bolt.join('.')} is spoken, and the server counts as master`, async t => {
      const driver = start(t)
      await driver.ready
      assert.equal(driver.servers.length, 1)
      assert.equal(driver.servers[0].info.status, Neo4jHA.Status.up)
      assert.equal(driver.servers[0].info.type, Neo4jHA.ServerType.master)
      assert.equal(driver.masterIndex, 0)
      const { agent, protocolVersion } = await driver.servers[0].driver.getServerInfo()
      assert.deepEqual([protocolVersion.major, protocolVersion.minor], bolt)
      assert.ok(agent.startsWith(`Neo4j/${server}`), agent)
    })

    test('writes and reads', async t => {
      const driver = start(t)
      const created = await query(driver, 'CREATE (n:Thing {x: $x}) RETURN n', { x: neo4j.int(7) })
      assert.equal(created.summary.counters.updates().nodesCreated, 1)
      assert.equal(created.records[0].get('n').properties.x.toNumber(), 7)
      const session = driver.session(false)
      const found = await session.run('MATCH (n:Thing) RETURN n.x')
      assert.equal(value(found), 7)
      assert.equal(found.servedBy.location.bolt, member().bolt)
      await session.close()
    })

    test('a write in session(false) is for the server to judge', async t => {
      const driver = start(t)
      const session = driver.session(false)
      if (isOld) await session.run('CREATE (:Undeclared)')
      else
        assert.equal(
          (await failing(session.run('CREATE (:Undeclared)'))).code,
          'Neo.ClientError.Statement.AccessMode'
        )
      await session.close()
      assert.equal(value(await query(driver, 'MATCH (n:Undeclared) RETURN count(n)')), isOld ? 1 : 0)
    })

    test(`{a} parameters ${isOld ? 'work' : 'are refused by the server'}, $a work`, async t => {
      const driver = start(t)
      assert.equal(value(await query(driver, 'RETURN $a', { a: 'x' })), 'x')
      const old = query(driver, 'RETURN {a} AS a', { a: 'x' })
      if (isOld) assert.equal(value(await old), 'x')
      else assert.equal((await failing(old)).code, 'Neo.ClientError.Statement.SyntaxError')
    })

    test('transactions commit, roll back, and carry bookmarks on', async t => {
      const driver = start(t)
      const session = driver.session(true)
      const tx = session.beginTransaction()
      await tx.run('CREATE (:InTx)')
      await tx.commit()
      const other = session.beginTransaction()
      await other.run('CREATE (:InTx)')
      await other.rollback()
      const counted = await session.executeRead(work => work.run('MATCH (n:InTx) RETURN count(n)'))
      assert.equal(value(counted), 1)
      const next = driver.session({ writeLock: false, bookmarks: session.lastBookmarks() })
      assert.equal(value(await next.run('MATCH (n:InTx) RETURN count(n)')), 1)
      await Promise.all([session.close(), next.close()])
    })

    test('executeQuery, and the namespace of neo4j-driver', async t => {
      const { user, pass } = set.cluster.auth
      const driver = neo4j.driver(member().bolt, neo4j.auth.basic(user, pass))
      t.after(() => driver.close())
      const { records, keys } = await driver.executeQuery(
        'UNWIND [1, 2] AS n RETURN n',
        {},
        { routing: 'READ' }
      )
      assert.deepEqual(keys, ['n'])
      assert.deepEqual(rows({ records }), [[1], [2]])
      assert.equal(await driver.supportsMultiDb(), !isOld)
      assert.equal(await driver.verifyAuthentication(), true)
    })

    test('100,000 rows come whole and in order', async t => {
      const { records } = await query(
        start(t),
        "UNWIND range(1, 100000) AS n RETURN n, 'row ' + toString(n) AS text"
      )
      assert.equal(records.length, 100_000)
      for (const [i, record] of records.entries()) {
        if (record.get('n').toNumber() !== i + 1 || record.get('text') !== `row ${i + 1}`)
          assert.fail(`row ${i + 1}`)
      }
    })

    test('a result is fetched as it is read: fetchSize 1 gives the same', async t => {
      const driver = start(t, { neo4jDriverOptions: { fetchSize: 1 } })
      const seen = rows(await query(driver, 'UNWIND range(1, 50) AS n RETURN n')).flat()
      assert.deepEqual(
        seen,
        Array.from({ length: 50 }, (_, n) => n + 1)
      )
    })

    test("errors of the server surface as npm's driver has them", async t => {
      const [ours, theirs] = [start(t), npmDriver(t, member(), set.cluster.auth)]
      for (const text of ['RETURN 1 / 0', 'RETURN', 'RETURN $missing', 'RETURN unknown()']) {
        const error = await failing(query(ours, text))
        const peer = await failing(query(theirs, text))
        assert.ok(error instanceof neo4j.Neo4jError)
        for (const key of [
          'code',
          'message',
          'gqlStatus',
          'gqlStatusDescription',
          'diagnosticRecord',
          'retryable'
        ]) {
          assert.deepEqual(error[key], peer[key], `${key} of ${text}`)
        }
        assert.equal(error.cause?.gqlStatus, peer.cause?.gqlStatus)
        assert.equal(error.cause?.message, peer.cause?.message)
      }
    })

    test("a summary is what npm's driver has", async t => {
      const [ours, theirs] = [start(t), npmDriver(t, member(), set.cluster.auth)]
      const text =
        'CREATE (n:Summary:Other {x: 1})-[:R]->(m) WITH n MATCH (a:Summary), (b:Missing) RETURN a, n.y'
      const [one, other] = [(await query(ours, text)).summary, (await query(theirs, text)).summary]
      for (const key of ['query', 'queryType', 'database', 'plan', 'profile']) {
        assert.deepEqual(one[key], other[key], key)
      }
      assert.equal(one.server.agent, other.server.agent)
      assert.deepEqual(one.counters.updates(), other.counters.updates())
      assert.equal(one.counters.containsUpdates(), other.counters.containsUpdates())
      assert.deepEqual(
        one.notifications.map(({ code }) => code),
        other.notifications.map(({ code }) => code)
      )
      assert.deepEqual(
        one.gqlStatusObjects.map(({ gqlStatus }) => gqlStatus),
        other.gqlStatusObjects.map(({ gqlStatus }) => gqlStatus)
      )
      const plan = (await query(ours, 'EXPLAIN MATCH (n:Summary) RETURN n')).summary.plan
      const peer = (await query(theirs, 'EXPLAIN MATCH (n:Summary) RETURN n')).summary.plan
      assert.equal(plan.operatorType, peer.operatorType)
      assert.deepEqual(plan.identifiers, peer.identifiers)
    })

    if (bolt[0] >= 4) {
      test('a database is chosen by name', async t => {
        const driver = start(t)
        const session = driver.session({ database: 'system', writeLock: false })
        const result = await session.run('SHOW DATABASES YIELD name RETURN name')
        assert.deepEqual(rows(result).flat().sort(), ['neo4j', 'system'])
        assert.equal(result.summary.database.name, 'system')
        const none = driver.session({ database: 'none', writeLock: true })
        assert.match((await failing(none.run('RETURN 1'))).code, /DatabaseNotFound/)
        await Promise.all([session.close(), none.close()])
      })
    }

    // ---- TLS ----

    const encrypted = 'Encryption'
    for (const [name, scheme, host, options] of [
      ['bolt+ssc takes any certificate', 'bolt+ssc', '127.0.0.1', () => ({})],
      [
        'trust-all takes any certificate',
        'bolt',
        'localhost',
        () => ({ encrypted: true, trust: 'TRUST_ALL_CERTIFICATES' })
      ],
      ...['localhost', '127.0.0.1'].map(at => [
        `a certificate that is trusted by file is taken, by ${at}`,
        'bolt',
        at,
        () => ({
          encrypted: true,
          trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
          trustedCertificates: [member().certificate]
        })
      ])
    ]) {
      test(`${encrypted}: ${name}`, async t => {
        const way = await tap(t, port(member()))
        const driver = open(t, `${scheme}://${host}:${way.port}`, {
          auth: set.cluster.auth,
          neo4jDriverOptions: options()
        })
        assert.equal(value(await query(driver, 'RETURN 1')), 1)
        assert.ok(way.seen.length > 0 && way.seen.every(how => how === 'tls'), way.seen.join(' '))
      })
    }

    test(`${encrypted}: without it nothing is encrypted`, async t => {
      const way = await tap(t, port(member()))
      const driver = open(t, `bolt://127.0.0.1:${way.port}`, { auth: set.cluster.auth })
      assert.equal(value(await query(driver, 'RETURN 1')), 1)
      assert.ok(way.seen.length > 0 && way.seen.every(how => how === 'plain'), way.seen.join(' '))
    })

    for (const [name, scheme, options] of [
      ['bolt+s: a certificate that nobody vouches for', 'bolt+s', {}],
      ['a system trust store that does not know the certificate', 'bolt', { encrypted: true }]
    ]) {
      test(`${encrypted}: ${name} is refused, and the error says so`, async t => {
        const driver = open(t, `${scheme}://127.0.0.1:${port(member())}`, {
          auth: set.cluster.auth,
          badConnectionsCountAsErrors: true,
          retryOnError: 0,
          neo4jDriverOptions: { maxTransactionRetryTime: 1000, ...options }
        })
        const error = await failing(query(driver, 'RETURN 1'))
        assert.match(error.message, /certificate/i)
      })
    }

    // ---- last, since the server locks a user out for a while after three of these ----

    test('a wrong password: Unauthorized, at once', async t => {
      const driver = open(t, member().bolt, {
        auth: { user: 'neo4j', pass: 'wrong' },
        checkInterval: 3_600_000
      })
      const begun = performance.now()
      const error = await failing(query(driver, 'RETURN 1'))
      assert.equal(error.code, 'Neo.ClientError.Security.Unauthorized')
      assert.ok(error instanceof neo4j.Neo4jError)
      assert.equal(error.retryable, false)
      assert.ok(performance.now() - begun < 10_000)
      await until(() => driver.servers[0].info !== null)
      assert.equal(driver.servers[0].info.status, Neo4jHA.Status.error)
    })
  })
}
