// Which of several eligible servers: strategies that 1.2.3 did not have, weights, zones, and servers that fail again and again.
import assert from 'node:assert/strict'
import { cluster, Neo4jHA, open, ready, test, warnings } from '../support/contract.mjs'
import { delayed } from '../support/scripts.mjs'
import { until } from '../support/until.mjs'

const { HAReadWrite, HAStrategies } = Neo4jHA
const never = 3_600_000
const slavesRead = HAReadWrite.masterWriteOnlySlaveReadOnly

const indexOf = (driver, { location }) =>
  driver.servers.findIndex(server => server.location.bolt === location.bolt)

/** Every way to read, in a session of its own: each tells the server that did it. */
const doors = {
  'run()': async session => (await session.run('RETURN 1')).servedBy,
  'executeRead()': session => session.executeRead(async tx => (await tx.run('RETURN 1')).servedBy),
  'beginTransaction()': async session => {
    const tx = await session.beginTransaction()
    const { servedBy } = await tx.run('RETURN 1')
    await tx.commit()
    return servedBy
  }
}

/** The indexes of the servers that `n` reads had, one after the other. */
const chosen = async (driver, n, read = doors['run()']) => {
  const seen = []
  for (let i = 0; i < n; i++) {
    const session = driver.session(false)
    seen.push(indexOf(driver, await read(session)))
    await session.close()
  }
  return seen
}

const show = value => JSON.stringify(value)

const countOf = (list, wanted) => list.filter(one => one === wanted).length

/** The locations of a cluster, each with more. */
const locations = (members, more) => members.map(({ url, uri }, i) => ({ url, bolt: uri, ...more[i] }))

for (const [name, value] of [
  ['random', 0],
  ['roundRobin', 1],
  ['nearest', 2],
  ['leastConnected', 'leastConnected'],
  ['fastest', 'fastest']
]) {
  test(`HAStrategies.${name} is ${show(value)}, for a driver and for a session`, async t => {
    assert.equal(HAStrategies[name], value)
    const { servers } = await cluster(t)
    const driver = await ready(t, servers, { strategy: value })
    assert.equal((await chosen(driver, 3)).length, 3)
    assert.ok(driver.servers.includes(driver.getDriverBaseOnStrategyAndQueryWriteState(false)))
    const other = await ready(t, servers)
    assert.ok(other.servers.includes(other.getDriverBaseOnStrategyAndQueryWriteState(false, null, value)))
    for (const session of [other.session(false, null, value), other.session({ strategy: value })]) {
      assert.equal((await session.run('RETURN 1')).records.length, 1)
      await session.close()
    }
  })
}

test('a program of 1.2.3 that goes through the strategies finds those it knows', () => {
  const seen = []
  for (const name in HAStrategies) seen.push(name)
  assert.deepEqual(seen, ['random', 'roundRobin', 'nearest'])
})

for (const [door, read] of Object.entries(doors)) {
  test(`fastest leaves a slow reader, by ${door}`, async t => {
    const { servers, members } = await cluster(t)
    members[1].bolt.when('RUN', delayed(300))
    const driver = await ready(t, servers, { strategy: HAStrategies.fastest })
    const seen = await chosen(driver, 60, read)
    assert.ok(countOf(seen, 1) <= 2, `the slow one had ${countOf(seen, 1)} of 60`)
    assert.ok(countOf(seen, 0) > 0 && countOf(seen, 2) > 0, 'the others share the work')
  })
}

test('fastest: a reader that becomes slow is left after an answer or two', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave', 'slave'] })
  const driver = await ready(t, servers, { strategy: 'fastest', rwConfig: slavesRead })
  await until(async () => (await chosen(driver, 1))[0] === 1, { what: 'a read on server 1' })
  members[1].bolt.when('RUN', delayed(300))
  const seen = await chosen(driver, 40)
  assert.ok(countOf(seen, 1) <= 2, `the slow one had ${countOf(seen, 1)} of 40`)
})

test('leastConnected takes the reader with fewer connections in flight', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.leastConnected, rwConfig: slavesRead })
  const busy = driver.session(false)
  const tx = await busy.beginTransaction()
  const served = indexOf(driver, (await tx.run('RETURN 1')).servedBy)
  const other = served === 1 ? 2 : 1
  assert.deepEqual(await chosen(driver, 5), [other, other, other, other, other])
  await tx.commit()
  await until(async () => (await chosen(driver, 1))[0] === served, { what: 'a read on the first one' })
})

test('round robin: turns by weight', async t => {
  const { members } = await cluster(t)
  const weighted = locations(members, [{ weight: 2 }, {}, { weight: 1 }])
  const driver = await ready(t, weighted, { strategy: HAStrategies.roundRobin })
  assert.deepEqual(await chosen(driver, 8), [0, 1, 2, 0, 0, 1, 2, 0])
})

for (const [name, strategy] of [
  ['random', HAStrategies.random],
  ['leastConnected', HAStrategies.leastConnected]
]) {
  test(`${name}: shares by weight`, async t => {
    const { members } = await cluster(t, { roles: ['master', 'slave'] })
    const driver = await ready(t, locations(members, [{ weight: 0.5 }, { weight: 4.5 }]), { strategy })
    const share = countOf(await chosen(driver, 150), 1)
    assert.ok(share > 110 && share < 150, `nine tenths of the weight had ${share} of 150`)
  })
}

test('weight and zone are in servers[i].location, where they were given', async t => {
  const { members } = await cluster(t, { roles: ['master', 'slave'] })
  const driver = open(t, locations(members, [{ weight: 2, zone: 'here' }, {}]))
  const shown = driver.servers.map(({ location }) => ({ ...location }))
  assert.deepEqual(shown, locations(members, [{ weight: 2, zone: 'here' }, {}]))
})

test('zone: servers of the own zone first; others when none there is eligible, and no longer', async t => {
  const { members } = await cluster(t, { roles: ['master', 'slave', 'slave', 'slave'] })
  const zoned = locations(members, [{ zone: 'far' }, { zone: 'near' }, { zone: 'near' }, {}])
  const driver = await ready(t, zoned, { zone: 'near', strategy: HAStrategies.roundRobin })
  assert.deepEqual(await chosen(driver, 4), [1, 2, 1, 2])
  const writing = driver.session(true)
  assert.equal(indexOf(driver, (await writing.run('CREATE (n)')).servedBy), 0, 'the master is elsewhere')
  await members[1].become('unknown')
  await until(() => driver.servers[1].info.status === Neo4jHA.Status.unknown)
  assert.deepEqual(await chosen(driver, 2), [2, 2])
  await members[2].kill()
  await until(() => driver.servers[2].info.status === Neo4jHA.Status.down)
  assert.deepEqual(new Set(await chosen(driver, 4)), new Set([0, 3]))
  await members[1].become('slave')
  await until(() => driver.servers[1].info.status === Neo4jHA.Status.up)
  assert.deepEqual(await chosen(driver, 2), [1, 1])
})

test('zone: a read goes on elsewhere when the only server of the zone is lost', async t => {
  const { members } = await cluster(t, { roles: ['master', 'slave'] })
  const zoned = locations(members, [{ zone: 'far' }, { zone: 'near' }])
  const driver = await ready(t, zoned, { zone: 'near', checkInterval: never })
  assert.deepEqual(await chosen(driver, 1), [1])
  await members[1].kill()
  assert.deepEqual(await chosen(driver, 1), [0])
})

test('zone: a function chooses among those of the zone', async t => {
  const { members } = await cluster(t)
  const zoned = locations(members, [{ zone: 'far' }, { zone: 'near' }, { zone: 'near' }])
  const asked = []
  const strategy = candidates => {
    asked.push(candidates.map(({ location }) => location.zone))
    return candidates[1]
  }
  const driver = await ready(t, zoned, { zone: 'near', strategy })
  assert.deepEqual(await chosen(driver, 1), [2])
  assert.deepEqual(asked[0], ['near', 'near'])
})

test('nearestWindow: those that are as near take turns, and the farther one gets nothing', async t => {
  const { servers, members } = await cluster(t)
  members[1].delay = 600
  const options = { strategy: HAStrategies.nearest, checkInterval: never, nearestWindow: 300 }
  const driver = await ready(t, servers, options)
  assert.deepEqual(await chosen(driver, 6), [0, 2, 0, 2, 0, 2])
})

for (const [what, make] of [
  ['weight', weight => [[{ bolt: 'bolt://127.0.0.1:1', weight }]]],
  ['zone', zone => [[{ bolt: 'bolt://127.0.0.1:1', zone }]]],
  ['zone', zone => ['bolt://127.0.0.1:1', { zone }]],
  ['nearestWindow', nearestWindow => ['bolt://127.0.0.1:1', { nearestWindow }]]
]) {
  for (const value of {
    weight: [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 'much', {}],
    zone: [7, '', {}],
    nearestWindow: [-1, Number.NaN, 'near', {}]
  }[what]) {
    const [servers, options] = make(value)
    const where = options === undefined ? 'of a location' : 'of the options'
    test(`bad input: ${what} ${where} given ${show(value)} (${value}) is an error that names it`, () => {
      assert.throws(() => new Neo4jHA(servers, options).close(), {
        name: 'TypeError',
        message: new RegExp(`\\b${what} takes`)
      })
    })
  }
}

for (const [door, read] of Object.entries(doors).slice(0, 2)) {
  test(`a reader that loses work again and again though its checks are answered is left alone, by ${door}`, async t => {
    const warned = warnings(t)
    const { servers, members } = await cluster(t)
    members[1].bolt.handshake = 'close'
    const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
    await until(
      async () => {
        await chosen(driver, 3, read)
        return warned.some(text => text.includes('left alone'))
      },
      { what: 'a warning that it is left alone' }
    )
    const tried = members[1].bolt.connections.total
    assert.equal(tried, 5)
    assert.deepEqual(new Set(await chosen(driver, 6, read)), new Set([0, 2]))
    assert.equal(members[1].bolt.connections.total, tried, 'no work is tried there any more')
  })
}

test('a reader that answers errors of the application is not left alone', async t => {
  const warned = warnings(t)
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { strategy: HAStrategies.roundRobin })
  for (let n = 0; n < 30; n++) await assert.rejects(driver.session(false).run('NO CYPHER'), /Invalid input/)
  assert.deepEqual(warned, [])
  assert.deepEqual(new Set(await chosen(driver, 3)), new Set([0, 1, 2]))
})

test('the only master is tried again and again, however often it loses work', async t => {
  const warned = warnings(t)
  const { servers, members } = await cluster(t)
  members[0].bolt.handshake = 'close'
  const driver = await ready(t, servers)
  const writing = driver.session(true).run('CREATE (n)')
  await until(() => members[0].bolt.connections.total >= 7, { what: 'seven attempts', deadline: 10_000 })
  members[0].bolt.handshake = 'bolt'
  assert.equal(indexOf(driver, (await writing).servedBy), 0)
  assert.ok(!warned.some(text => text.includes('left alone')))
})
