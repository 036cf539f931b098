// A pool of HA servers, for a library that takes a driver of neo4j-driver, opens sessions as it does there, and writes.
import assert from 'node:assert/strict'
import { Driver } from 'neo4j-driver-core'
import { cluster, Neo4jHA, ready, settle, test } from '../support/contract.mjs'
import { until } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const opened = async (t, options) => {
  const group = await cluster(t)
  group.on(/MATCH|CREATE/, { fields: ['n'], records: [[1]] })
  const pool = await ready(t, group.servers, options)
  return { group, pool, driver: pool.asDriver() }
}

test('asDriver() is a driver of neo4j-driver, the same each time', async t => {
  const { pool, driver } = await opened(t)
  assert.ok(driver instanceof Driver)
  assert.ok(driver instanceof neo4j.Driver)
  assert.ok(!(driver instanceof Neo4jHA))
  assert.equal(pool.asDriver(), driver)
})

for (const [what, config] of [
  ['session()', undefined],
  ['session({database})', {}],
  ['session({defaultAccessMode: WRITE})', { defaultAccessMode: neo4j.session.WRITE }]
]) {
  test(`asDriver(): ${what} may write: the master serves it`, async t => {
    const { group, driver } = await opened(t)
    const session = driver.session(config)
    for (let i = 0; i < 5; i++) await session.run('CREATE (:A)')
    await session.close()
    assert.deepEqual(group.served(/CREATE/), [0, 0, 0, 0, 0])
  })
}

test('asDriver(): a session that reads goes where rwConfig and strategy of the pool say', async t => {
  const seen = []
  const { group, driver } = await opened(t, {
    rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly,
    strategy: (candidates, { write }) => {
      seen.push(write)
      return candidates.at(-1)
    }
  })
  const session = driver.session({ defaultAccessMode: neo4j.session.READ })
  await session.run('MATCH (n) RETURN n')
  await session.close()
  assert.deepEqual(group.served(/MATCH/), [2])
  assert.ok(seen.includes(false))
})

test('asDriver(): transaction functions and executeQuery go to the servers of their kind', async t => {
  const { group, driver } = await opened(t, { rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
  const session = driver.session()
  await session.executeWrite(tx => tx.run('CREATE (:InFunction)'))
  await session.executeRead(tx => tx.run('MATCH (n:InFunction) RETURN n'))
  await session.close()
  await driver.executeQuery('CREATE (:Executed)')
  await driver.executeQuery('MATCH (n:Executed) RETURN n', {}, { routing: neo4j.routing.READ })
  assert.deepEqual(group.served(/CREATE/), [0, 0])
  assert.ok(group.served(/MATCH/).every(member => member > 0))
})

test('asDriver(): the pool itself keeps the defaults of 1.2.3', async t => {
  const { group, pool } = await opened(t, { rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
  const session = pool.session()
  await session.run('MATCH (n) RETURN n')
  await session.close()
  assert.ok(group.served(/MATCH/).every(member => member > 0))
})

for (const [what, close] of [
  ['closing it closes the pool', ({ driver }) => driver.close()],
  ['it closes with the pool', ({ pool }) => pool.close()]
]) {
  test(`asDriver(): ${what}, and nothing is left open`, async t => {
    const all = await opened(t)
    const { group, pool, driver } = all
    await driver.verifyConnectivity()
    await close(all)
    for (const closed of [pool, driver]) assert.throws(() => closed.session(), /driver is closed/)
    const { error } = await settle(driver.executeQuery('RETURN 1'))
    assert.match(error.message, /driver is closed/)
    await until(() => group.members.every(({ bolt }) => bolt.connections.open === 0))
    await Promise.all([driver.close(), pool.close()])
  })
}
