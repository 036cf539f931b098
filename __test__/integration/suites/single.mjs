// A single real server, reached by a Bolt URI alone: the same work on each version.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { failing, Neo4jHA, neo4j, npmDriver, query, rows, single, test, value } from '../support.mjs'

export const singleSuite = (set, { version, bolt }) =>
  describe('by a Bolt URI alone', () => {
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
      assert.ok(agent.startsWith(`Neo4j/${version}`), agent)
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
  })
