// drop-in: "Choosing a server".
import assert from 'node:assert/strict'
import { cluster, column, Neo4jHA, open, ready, settle, test, warnings } from '../support/contract.mjs'
import { until } from '../support/until.mjs'

const { HAReadWrite, HAStrategies, Status } = Neo4jHA
const never = 3_600_000

/** The indexes of the servers that `n` sessions of this kind were given, in order. */
const chosen = async (driver, n, ...session) => {
  const seen = []
  for (let i = 0; i < n; i++) {
    const opened = driver.session(...session)
    const { servedBy } = await opened.run('RETURN 1')
    await opened.close()
    seen.push(driver.servers.findIndex(({ location }) => location.bolt === servedBy.location.bolt))
  }
  return seen
}

const distinct = list => [...new Set(list)].sort()

const custom = {
  master: { read: false, write: false },
  slave: { read: false, write: true }
}

for (const [name, rwConfig, readers, writers] of [
  ['masterOnly', HAReadWrite.masterOnly, [0], [0]],
  ['masterWriteOnlySlaveReadOnly', HAReadWrite.masterWriteOnlySlaveReadOnly, [1, 2], [0]],
  ['masterReadWriteSlaveRead', HAReadWrite.masterReadWriteSlaveRead, [0, 1, 2], [0]],
  ['all', HAReadWrite.all, [0, 1, 2], [0, 1, 2]],
  ['an object of that shape: slaves write, nobody reads', custom, [0], [1, 2]]
]) {
  test(`eligible by rwConfig: ${name}`, async t => {
    warnings(t)
    const { servers } = await cluster(t)
    const driver = await ready(t, servers, { rwConfig, strategy: HAStrategies.roundRobin })
    assert.deepEqual(distinct(await chosen(driver, 6, false)), readers)
    assert.deepEqual(distinct(await chosen(driver, 6, true)), writers)
  })

  test(`rwConfig given to session() wins over the driver's: ${name}`, async t => {
    warnings(t)
    const { servers } = await cluster(t)
    const driver = await ready(t, servers, { rwConfig: HAReadWrite.masterOnly })
    assert.deepEqual(distinct(await chosen(driver, 6, false, rwConfig, HAStrategies.roundRobin)), readers)
    assert.deepEqual(distinct(await chosen(driver, 6, true, rwConfig, HAStrategies.roundRobin)), writers)
  })
}

for (const [role, what] of [
  ['other', 'of unknown type'],
  ['unknown', 'that answers 404'],
  ['broken', 'that answers 500'],
  ['refuse', 'that is down']
]) {
  test(`a server ${what} is not eligible`, async t => {
    const { servers } = await cluster(t, { roles: ['master', role, 'slave'] })
    const driver = await ready(t, servers, { rwConfig: HAReadWrite.all, strategy: HAStrategies.roundRobin })
    assert.deepEqual(await chosen(driver, 4, false), [0, 2, 0, 2])
  })
}

test('random: every eligible server has its share', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.random })
  const seen = await chosen(driver, 150, false)
  for (const index of [0, 1, 2]) {
    const share = seen.filter(one => one === index).length
    assert.ok(share > 20 && share < 85, `server ${index} had ${share} of 150`)
  }
})

test('round robin: in turn, and the first server first', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  assert.deepEqual(await chosen(driver, 7, false), [0, 1, 2, 0, 1, 2, 0])
})

test('round robin: a session whose work is a transaction function has one turn', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  const seen = []
  for (let n = 0; n < 6; n++) {
    const session = driver.session(false)
    const { servedBy } = await session.executeRead(tx => tx.run('RETURN 1'))
    await session.close()
    seen.push(driver.servers.findIndex(({ location }) => location.bolt === servedBy.location.bolt))
  }
  assert.deepEqual(seen, [0, 1, 2, 0, 1, 2])
})

test('round robin: each driver counts for itself', async t => {
  const { servers } = await cluster(t)
  const one = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  const two = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  assert.deepEqual(await chosen(one, 2, false), [0, 1])
  assert.deepEqual(await chosen(two, 4, false), [0, 1, 2, 0])
  assert.deepEqual(await chosen(one, 2, false), [2, 0])
})

test('nearest: the one of the lowest latency, not the farthest', async t => {
  const { servers, members } = await cluster(t)
  members[0].delay = 80
  members[2].delay = 160
  const driver = await ready(t, servers, { strategy: HAStrategies.nearest })
  assert.deepEqual(distinct(await chosen(driver, 5, false)), [1])
})

test('nearest: latency is smoothed, one slow check changes nothing', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave'] })
  members[0].delay = 150
  const driver = await ready(t, servers, { strategy: HAStrategies.nearest, checkInterval: never })
  for (let n = 0; n < 3; n++) await driver.checkServers()
  members[1].delay = 200
  await driver.checkServers()
  assert.deepEqual(distinct(await chosen(driver, 3, false)), [1])
})

test('nearest: latency that stays high does change it', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave'] })
  members[0].delay = 30
  const driver = await ready(t, servers, { strategy: HAStrategies.nearest, checkInterval: 20 })
  members[1].delay = 200
  await until(async () => (await chosen(driver, 1, false))[0] === 0, { deadline: 10_000 })
})

test('a function gets the eligible entries of servers and {write}, and its answer is taken', async t => {
  const { servers } = await cluster(t, { roles: ['slave', 'master', 'refuse', 'slave'] })
  const calls = []
  const strategy = (candidates, intent) => {
    calls.push({ candidates: [...candidates], intent })
    return candidates.at(-1)
  }
  const driver = await ready(t, servers, { strategy })
  assert.deepEqual(await chosen(driver, 1, false), [3])
  assert.deepEqual(
    calls[0].candidates.map(entry => driver.servers.indexOf(entry)),
    [0, 1, 3]
  )
  assert.equal(calls[0].intent.write, false)
  calls.length = 0
  assert.deepEqual(await chosen(driver, 1, true), [1])
  assert.deepEqual(
    calls[0].candidates.map(entry => driver.servers.indexOf(entry)),
    [1]
  )
  assert.equal(calls[0].intent.write, true)
})

test('a function may be given to session()', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  assert.deepEqual(await chosen(driver, 3, false, undefined, candidates => candidates[2]), [2, 2, 2])
})

for (const [what, strategy] of [
  [
    'throws',
    () => {
      throw new Error('my strategy is broken')
    }
  ],
  ['returns nothing', () => undefined],
  ['returns what is no candidate', () => ({ location: { bolt: 'bolt://evil.test:7687' } })],
  ['returns a promise', async candidates => candidates[0]]
]) {
  test(`a function that ${what} hangs nothing: an error that says so, or a warning and the master`, async t => {
    const warned = warnings(t)
    const { servers, served } = await cluster(t)
    const driver = await ready(t, servers, { strategy })
    const { value, error } = await settle((async () => driver.session(false).run('RETURN 1'))())
    if (error) {
      assert.match(error.message, /strategy/)
      assert.deepEqual(served(/RETURN 1/), [])
    } else {
      assert.equal(value.servedBy.location.bolt, servers[0][1])
      await until(() => /strategy/i.test(warned.join('\n')), { what: 'a warning of the strategy' })
    }
  })
}

test('none eligible: it warns and takes the master', async t => {
  const warned = warnings(t)
  const { servers } = await cluster(t, { roles: ['slave', 'master'] })
  const rwConfig = { master: { read: false, write: true }, slave: { read: false, write: false } }
  const driver = await ready(t, servers, { rwConfig })
  assert.deepEqual(await chosen(driver, 2, false), [1, 1])
  await until(() => warned.length > 0, { what: 'a warning' })
  assert.match(warned[0], /master/)
})

test('none eligible and no master: it warns and takes the first server', async t => {
  const warned = warnings(t)
  const { servers } = await cluster(t, { roles: ['unknown', 'unknown'] })
  const driver = await ready(t, servers)
  assert.deepEqual(await chosen(driver, 3, false), [0, 0, 0])
  await until(() => warned.length > 0, { what: 'a warning' })
})

test('none answers its checks: a read tries each server in turn', async t => {
  const { servers, members } = await cluster(t, { roles: ['refuse', 'refuse', 'refuse'] })
  const driver = await ready(t, servers)
  await Promise.all([members[0].bolt.stop(), members[1].bolt.stop()])
  assert.deepEqual(await chosen(driver, 1, false), [2])
})

test('a write where there is no master but slaves: it warns and takes the first server', async t => {
  const warned = warnings(t)
  const { servers } = await cluster(t, { roles: ['slave', 'slave'] })
  const driver = await ready(t, servers)
  assert.deepEqual(await chosen(driver, 1, true), [0])
  await until(() => warned.length > 0, { what: 'a warning' })
})

test("strategy 0 given to session() wins over the driver's own", async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: () => driver.servers[0] })
  const seen = await chosen(driver, 60, false, undefined, HAStrategies.random)
  assert.deepEqual(distinct(seen), [0, 1, 2])
})

test('the choice is made when session() is called: round robin in the order of those calls', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  const sessions = [0, 1, 2, 3].map(() => driver.session(false))
  const served = []
  for (const index of [3, 1, 2, 0]) {
    const { servedBy } = await sessions[index].run('RETURN 1')
    served[index] = servers.findIndex(([, bolt]) => bolt === servedBy.location.bolt)
  }
  assert.deepEqual(served, [0, 1, 2, 0])
})

test('the choice is made again before work starts when the chosen server is no longer up', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers, { strategy: candidates => candidates.at(-1) })
  const session = driver.session(false)
  await members[2].become('refuse')
  await until(() => driver.servers[2].info.status === Status.down)
  const { servedBy } = await session.run('RETURN 1')
  assert.equal(servedBy.location.bolt, servers[1][1])
  assert.equal(members[2].bolt.queries().length, 0)
})

test('the choice is made again before work starts when the chosen master is no longer master', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(true)
  await members[0].become('slave')
  await members[1].become('master')
  await until(() => driver.masterIndex === 1)
  const { servedBy } = await session.run('RETURN 1')
  assert.equal(servedBy.location.bolt, servers[1][1])
  assert.equal(members[0].bolt.queries().length, 0)
})

test('the choice holds while it qualifies: each run of a session goes to the same server', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  const session = driver.session(false)
  const seen = []
  for (let n = 0; n < 4; n++) seen.push((await session.run('RETURN 1')).servedBy.location.bolt)
  assert.equal(new Set(seen).size, 1)
})

test('a session asked for before the first check waits for that check', async t => {
  const warned = warnings(t)
  const { servers, members } = await cluster(t, { roles: ['slave', 'slave', 'master'] })
  for (const one of members) one.delay = 100
  const driver = open(t, servers)
  const result = await driver.session(true).run('RETURN 1')
  assert.equal(result.servedBy.location.bolt, servers[2][1])
  assert.deepEqual(warned, [])
})

test('a transaction begun before the first check waits for that check', async t => {
  const { servers, members } = await cluster(t, { roles: ['slave', 'master'] })
  for (const one of members) one.delay = 100
  const driver = open(t, servers)
  const tx = driver.session(true).beginTransaction()
  const running = tx.run('RETURN 1')
  assert.deepEqual(column(await running), [1])
  await tx.commit()
  assert.equal(members[1].bolt.received('COMMIT').length, 1)
})

test('getDriverBaseOnStrategyAndQueryWriteState(canWrite, rwConfig?, strategy?) returns an entry of servers', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  const pick = (...words) =>
    driver.servers.indexOf(driver.getDriverBaseOnStrategyAndQueryWriteState(...words))
  assert.deepEqual([pick(false), pick(false), pick(false), pick(false)], [0, 1, 2, 0])
  assert.equal(pick(true), 0)
  assert.equal(pick(false, HAReadWrite.masterOnly), 0)
  assert.equal(
    pick(false, undefined, candidates => candidates[1]),
    1
  )
  const random = Array.from({ length: 60 }, () => pick(false, undefined, HAStrategies.random))
  assert.deepEqual(distinct(random), [0, 1, 2])
  const entry = driver.getDriverBaseOnStrategyAndQueryWriteState(true)
  const session = entry.driver.session()
  assert.deepEqual(column(await session.run('RETURN 5')), [5])
  await session.close()
})

test('getDriverBaseOnStrategyAndQueryWriteState falls back as session() does', async t => {
  const warned = warnings(t)
  const { servers } = await cluster(t, { roles: ['slave', 'master'] })
  const nobody = { master: { read: false, write: false }, slave: { read: false, write: false } }
  const driver = await ready(t, servers)
  assert.equal(driver.getDriverBaseOnStrategyAndQueryWriteState(false, nobody), driver.servers[1])
  await until(() => warned.length > 0, { what: 'a warning' })
})
