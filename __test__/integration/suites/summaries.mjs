// What a server says at the end of a result: what it was, what it changed, how it was planned, what is worth noting.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { connect, failing, neo4j, rows, test } from '../support.mjs'

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set
 * @param {object} about
 * @param {[number, number]} about.bolt the version that is agreed on
 * @param {string} [about.scheme] of the URI
 */
export const summarySuite = (set, { bolt, scheme }) =>
  describe('summaries', () => {
    const start = (t, config) => connect(t, set.cluster, { scheme, ...config })
    const isAtLeast = (major, minor) => bolt[0] > major || (bolt[0] === major && bolt[1] >= minor)
    const summaryOf = async (driver, text, parameters, config) =>
      (await driver.executeQuery(text, parameters, config)).summary

    test('the query, its type, its parameters, the server and the database', async t => {
      const driver = start(t)
      const label = randomUUID()
      for (const [text, type] of [
        ['RETURN $x', 'r'],
        [`CREATE (:\`${label}\` {x: $x})`, 'w'],
        [`CREATE (n:\`${label}\` {x: $x}) RETURN n`, 'rw'],
        [
          bolt[0] >= 4 ? `CREATE INDEX FOR (n:\`${label}\`) ON (n.x)` : `CREATE INDEX ON :\`${label}\`(x)`,
          's'
        ]
      ]) {
        const summary = await summaryOf(driver, text, { x: 'y' })
        assert.equal(summary.queryType, type, text)
        assert.deepEqual(summary.query, { text, parameters: { x: 'y' } })
        assert.match(summary.server.agent, /^Neo4j\/\d/)
        assert.ok(set.cluster.members.some(({ bolt: uri }) => uri === `bolt://${summary.server.address}`))
        const { major, minor } = summary.server.protocolVersion
        assert.deepEqual([major, minor], bolt)
        assert.equal(summary.database.name, bolt[0] >= 4 ? 'neo4j' : null)
      }
    })

    test('times', async t => {
      const summary = await summaryOf(start(t), 'UNWIND range(1, 200000) AS n RETURN count(n)')
      for (const time of [summary.resultAvailableAfter, summary.resultConsumedAfter]) {
        assert.ok(neo4j.isInt(time))
        assert.ok(time.toNumber() >= 0 && time.toNumber() < 30_000, `${time} ms`)
      }
      const asNumbers = start(t, { disableLosslessIntegers: true })
      const { resultAvailableAfter } = await summaryOf(asNumbers, 'RETURN 1')
      assert.equal(typeof resultAvailableAfter, 'number')
    })

    test('counters', async t => {
      const driver = start(t)
      const label = randomUUID()
      const counted = async (text, parameters) => (await summaryOf(driver, text, parameters)).counters
      const nonZero = counters =>
        Object.fromEntries(Object.entries(counters.updates()).filter(([, n]) => n > 0))

      const created = await counted(
        `CREATE (a:\`${label}\` {x: 1, y: 2})-[:R {z: 3}]->(b:\`${label}\`:Other)`
      )
      assert.deepEqual(nonZero(created), {
        nodesCreated: 2,
        relationshipsCreated: 1,
        propertiesSet: 3,
        labelsAdded: 3
      })
      assert.equal(created.containsUpdates(), true)
      assert.equal(created.containsSystemUpdates(), false)

      const changed = await counted(`MATCH (b:\`${label}\`:Other) REMOVE b:Other SET b.x = 1`)
      assert.deepEqual(nonZero(changed), { propertiesSet: 1, labelsRemoved: 1 })

      const deleted = await counted(`MATCH (n:\`${label}\`) DETACH DELETE n`)
      assert.deepEqual(nonZero(deleted), { nodesDeleted: 2, relationshipsDeleted: 1 })

      const none = await counted('RETURN 1')
      assert.deepEqual(nonZero(none), {})
      assert.equal(none.containsUpdates(), false)
    })

    test('counters of indexes, constraints and the system', async t => {
      const driver = start(t)
      const label = randomUUID()
      const [index, constraint] =
        bolt[0] >= 4
          ? [
              `CREATE INDEX FOR (n:\`${label}\`) ON (n.x)`,
              `CREATE CONSTRAINT FOR (n:\`${label}\`) REQUIRE n.id IS UNIQUE`
            ]
          : [
              `CREATE INDEX ON :\`${label}\`(x)`,
              `CREATE CONSTRAINT ON (n:\`${label}\`) ASSERT n.id IS UNIQUE`
            ]
      assert.equal((await summaryOf(driver, index)).counters.updates().indexesAdded, 1)
      assert.equal((await summaryOf(driver, constraint)).counters.updates().constraintsAdded, 1)
      if (bolt[0] < 4) return
      const user = `u${label.replaceAll('-', '')}`
      const config = { database: 'system' }
      const { counters, database } = await summaryOf(
        driver,
        `CREATE USER ${user} SET PASSWORD 'a-password'`,
        {},
        config
      )
      assert.equal(counters.containsSystemUpdates(), true)
      assert.equal(counters.systemUpdates(), 1)
      assert.equal(database.name, 'system')
      await summaryOf(driver, `DROP USER ${user}`, {}, config)
    })

    test('EXPLAIN gives a plan and does nothing', async t => {
      const driver = start(t)
      const label = randomUUID()
      const text = `EXPLAIN CREATE (n:\`${label}\`) RETURN n`
      const { records, summary } = await driver.executeQuery(text)
      assert.equal(records.length, 0)
      assert.equal(summary.hasPlan(), true)
      assert.equal(summary.hasProfile(), false)
      assert.equal(summary.profile, false)
      const operators = plan => [plan.operatorType, ...plan.children.flatMap(operators)]
      const all = operators(summary.plan)
      assert.match(all[0], /^ProduceResults/)
      assert.ok(
        all.some(name => /^Create/.test(name)),
        all.join(' ')
      )
      assert.deepEqual(summary.plan.identifiers, ['n'])
      assert.equal(typeof summary.plan.arguments.planner, 'string')
      const found = await driver.executeQuery(`MATCH (n:\`${label}\`) RETURN count(n)`)
      assert.deepEqual(rows(found), [[0]])
      assert.equal(found.summary.plan, false)
    })

    test('PROFILE does it, and says what it took', async t => {
      const label = randomUUID()
      const driver = start(t)
      await driver.executeQuery(`UNWIND range(1, 7) AS n CREATE (:\`${label}\` {n: n})`)
      const { records, summary } = await driver.executeQuery(`PROFILE MATCH (n:\`${label}\`) RETURN n.n`)
      assert.equal(records.length, 7)
      assert.equal(summary.hasProfile(), true)
      const { profile } = summary
      assert.match(profile.operatorType, /^ProduceResults/)
      assert.equal(profile.rows, 7)
      const hits = plan => plan.dbHits + plan.children.reduce((sum, child) => sum + hits(child), 0)
      assert.ok(hits(profile) >= 7, `${hits(profile)} hits`)
      assert.equal(profile.hasPageCacheStats(), profile.pageCacheHits + profile.pageCacheMisses > 0)
    })

    const WARNED = 'MATCH (a), (b) WHERE a.x = b.x RETURN a LIMIT 0'

    test('notifications, and GQL status objects', async t => {
      const driver = start(t)
      const { notifications, gqlStatusObjects } = await summaryOf(driver, `EXPLAIN ${WARNED}`)
      const notification = notifications.find(({ code }) => code.includes('CartesianProduct'))
      assert.ok(notification, JSON.stringify(notifications))
      assert.match(notification.title, /cartesian product/i)
      assert.ok(notification.description.length > 0)
      for (const key of ['offset', 'line', 'column'])
        assert.equal(typeof notification.position[key], 'number')
      assert.equal(notification.severityLevel, isAtLeast(5, 0) ? 'INFORMATION' : 'WARNING')
      const status = gqlStatusObjects.find(({ isNotification }) => isNotification)
      assert.match(status.gqlStatus, isAtLeast(5, 5) ? /^03N90$/ : /^0[13]N42$/)
      assert.ok(status.statusDescription.length > 0)
      assert.deepEqual(Object.keys(status.diagnosticRecord).slice(0, 3).sort(), [
        'CURRENT_SCHEMA',
        'OPERATION',
        'OPERATION_CODE'
      ])
    })

    test('GQL statuses say whether there was data', async t => {
      const driver = start(t)
      for (const [text, gqlStatus] of [
        ['RETURN 1', '00000'],
        ['UNWIND [] AS n RETURN n', '02000'],
        [`CREATE (:\`${randomUUID()}\`)`, '00001']
      ]) {
        const { gqlStatusObjects } = await summaryOf(driver, text)
        assert.equal(gqlStatusObjects[0].gqlStatus, gqlStatus, text)
      }
    })

    test(`notification filters ${isAtLeast(5, 2) ? 'hold' : 'are refused, for the server has none'}`, async t => {
      const { notificationFilterMinimumSeverityLevel: level, notificationFilterDisabledCategory: category } =
        neo4j
      for (const notificationFilter of [
        { minimumSeverityLevel: level.WARNING },
        { disabledCategories: [category.PERFORMANCE] },
        { minimumSeverityLevel: level.OFF }
      ]) {
        const driver = start(t, { notificationFilter })
        if (!isAtLeast(5, 2)) {
          assert.match((await failing(driver.executeQuery(WARNED))).message, /notification/i)
          continue
        }
        const { notifications } = await summaryOf(driver, `EXPLAIN ${WARNED}`)
        assert.deepEqual(
          notifications.filter(({ code }) => code.includes('CartesianProduct')),
          []
        )
      }
      if (!isAtLeast(5, 2)) return
      const session = start(t).session({ notificationFilter: { minimumSeverityLevel: level.OFF } })
      const { summary } = await session.run(`EXPLAIN ${WARNED}`)
      assert.deepEqual(summary.notifications, [])
      await session.close()
    })
  })
