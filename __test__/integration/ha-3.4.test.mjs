// A real HA cluster of Neo4j 3.4: Bolt 2, which npm's driver of today does not speak.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { until } from '../support/until.mjs'
import { commandSuite } from './suites/command.mjs'
import { loginSuite } from './suites/login.mjs'
import { manualSuite } from './suites/manual.mjs'
import { parameterSuite } from './suites/parameters.mjs'
import { runningWorkSuite } from './suites/running-work.mjs'
import { summarySuite } from './suites/summaries.mjs'
import { tlsSuite } from './suites/tls.mjs'
import { typeSuite } from './suites/types.mjs'
import {
  failing,
  Neo4jHA,
  NO_LOCKOUT,
  neo4j,
  query,
  ready,
  rows,
  servers,
  test,
  value,
  WHO
} from './support.mjs'

const { HAReadWrite, HAStrategies, ServerType, Status } = Neo4jHA

describe('a real HA cluster of Neo4j 3.4', () => {
  const set = servers('ha-3.4@integration', { settings: NO_LOCKOUT })
  const start = (t, options) => ready(t, set.cluster, options)

  test('roles are known, and Bolt 2 is spoken', async t => {
    const driver = await start(t)
    const members = await set.cluster.status()
    for (const [i, { info }] of driver.servers.entries()) {
      assert.equal(info.status, Status.up)
      assert.equal(info.type, ServerType[members[i].role])
    }
    assert.equal(
      driver.masterIndex,
      members.findIndex(({ role }) => role === 'master')
    )
    const { agent, protocolVersion } = await driver.servers[0].driver.getServerInfo()
    assert.match(agent, /^Neo4j\/3\.4/)
    assert.deepEqual([protocolVersion.major, protocolVersion.minor], [2, 0])
  })

  test('reads go round all servers, writes to the master', async t => {
    const driver = await start(t, { strategy: HAStrategies.roundRobin })
    const seen = []
    for (let n = 0; n < 6; n++) {
      const session = driver.session(false)
      seen.push(value(await session.run(WHO)))
      await session.close()
    }
    assert.deepEqual(seen, [1, 2, 3, 1, 2, 3])
    for (let n = 0; n < 3; n++) assert.equal(value(await query(driver, WHO)), driver.masterIndex + 1)
  })

  test('a write is acknowledged with counters, and reaches all members', async t => {
    const driver = await start(t)
    const { summary } = await query(driver, 'CREATE (:Written {name: {name}, age: $age})', {
      name: 'Ada',
      age: neo4j.int(36)
    })
    assert.equal(summary.counters.updates().nodesCreated, 1)
    assert.equal(summary.counters.nodesCreated(), 1)
    assert.equal(summary.queryType, 'w')
    for (const one of driver.servers) {
      const text = 'MATCH (n:Written) RETURN n.name, n.age'
      const found = () => query(one.driver, text).then(rows)
      const [row] = await until(async () => (await found()).length === 1 && found(), {
        deadline: 10_000,
        every: 50
      })
      assert.deepEqual(row, ['Ada', 36])
    }
  })

  test('transactions commit and roll back; bookmarks carry on to a slave', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const tx = session.beginTransaction()
    await tx.run('CREATE (:Kept)')
    await tx.run('CREATE (:Kept)')
    await tx.commit()
    const other = session.beginTransaction()
    await other.run('CREATE (:Kept)')
    await other.rollback()
    const bookmark = session.lastBookmark()
    assert.equal(typeof bookmark, 'string')
    await session.close()
    const slave = driver.servers.find(({ info }) => info.type === ServerType.slave)
    const reader = slave.driver.session({ defaultAccessMode: 'READ', bookmarks: [bookmark] })
    const reading = reader.beginTransaction()
    assert.equal(value(await reading.run('MATCH (n:Kept) RETURN count(n)')), 2)
    await reading.commit()
    await reader.close()
  })

  test('a failed query surfaces, and its session goes on', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const [one, error, three] = await Promise.all([
      session.run('RETURN 1'),
      failing(session.run('NONSENSE')),
      session.run('RETURN 3')
    ])
    assert.deepEqual([value(one), value(three)], [1, 3])
    assert.equal(error.code, 'Neo.ClientError.Statement.SyntaxError')
    await session.close()
  })

  test('what Bolt 2 cannot say is refused with an error that says so', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const error = await failing(session.run('RETURN 1', {}, { timeout: 1000 }))
    assert.match(error.message, /timeout|configuration|Bolt/i)
    await session.close()
    const other = driver.session({ database: 'neo4j', writeLock: true })
    assert.match((await failing(other.run('RETURN 1'))).message, /database|Bolt/i)
    await other.close()
    assert.equal(value(await query(driver, 'RETURN 1')), 1)
  })

  test('50,000 rows come whole and in order, on each server', async t => {
    const driver = await start(t, { strategy: HAStrategies.roundRobin, rwConfig: HAReadWrite.all })
    for (const _ of driver.servers) {
      const { records } = await query(driver, "UNWIND range(1, 50000) AS n RETURN n, 'row ' + n AS text")
      assert.equal(records.length, 50_000)
      for (const [i, record] of records.entries()) {
        if (record.get('n').toNumber() !== i + 1 || record.get('text') !== `row ${i + 1}`)
          assert.fail(`row ${i + 1}`)
      }
    }
  })

  const about = { version: '3.4', bolt: [2, 0], npm: false }
  loginSuite(set, about)
  runningWorkSuite(set, about)
  tlsSuite(set)
  typeSuite(set, about)
  parameterSuite(set)
  summarySuite(set, about)
  manualSuite(set)
  commandSuite(set, { ...about, checksOverHttp: true })
})
