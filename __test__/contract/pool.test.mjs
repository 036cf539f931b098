// One pool a server: its limits, its order, and that no connection is ever lost from it.
import assert from 'node:assert/strict'
import { column, failing, member, ready, settle, test } from '../support/contract.mjs'
import { bolt, gate, held } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const pool = async (t, neo4jDriverOptions, settings = {}) => {
  const one = await member(t, { versions: bolt.neo4j35, ...settings })
  const driver = await ready(t, [one.location], { neo4jDriverOptions })
  return { server: one.bolt, driver }
}

const later = ms => {
  const end = performance.now() + ms
  return until(() => performance.now() > end, { deadline: ms + 1000 })
}

test('maxConnectionPoolSize is the most that is ever open', async t => {
  const { server, driver } = await pool(t, { maxConnectionPoolSize: 3 })
  const open = gate()
  server.when('RUN', held(open))
  const all = Array.from({ length: 20 }, (_, n) => driver.session(true).run(`RETURN ${n}`))
  await until(() => server.received('RUN').length === 3)
  open.open()
  const results = await Promise.all(all)
  assert.deepEqual(
    results.map(result => column(result)[0]),
    [...Array(20).keys()]
  )
  assert.equal(server.connections.max, 3)
})

test('connections are used again', async t => {
  const { server, driver } = await pool(t, {})
  for (let n = 0; n < 30; n++) await driver.session(n % 2 === 0).run('RETURN 1')
  assert.equal(server.connections.total, 1)
})

test('the error of connectionAcquisitionTimeout says how long, and how many are in use', async t => {
  const { server, driver } = await pool(t, {
    maxConnectionPoolSize: 2,
    connectionAcquisitionTimeout: 250,
    maxTransactionRetryTime: 400
  })
  const open = gate()
  server.when('RUN', held(open))
  const running = [1, 2].map(n => driver.session(true).run(`RETURN ${n}`))
  await until(() => server.received('RUN').length === 2)
  const error = await within(failing(driver.session(true).run('RETURN 3')), 5000, 'the acquisition timeout')
  assert.match(error.message, /acquisition/i)
  assert.match(error.message, /\b250\b/)
  assert.match(error.message, /\b2\b/)
  assert.match(error.message, /in use|active|busy/i)
  open.open()
  await Promise.all(running)
  assert.deepEqual(column(await driver.session(true).run('RETURN 4')), [4])
})

test('the queue is fair: first come, first served', async t => {
  const { server, driver } = await pool(t, { maxConnectionPoolSize: 1 })
  const open = gate()
  server.when('RUN', held(open)).times(1)
  const all = Array.from({ length: 12 }, (_, n) => driver.session(true).run(`RETURN ${n}`))
  await until(() => server.received('RUN').length === 1)
  open.open()
  await Promise.all(all)
  assert.deepEqual(
    server.queries(),
    Array.from({ length: 12 }, (_, n) => `RETURN ${n}`)
  )
})

test('one who gave up waiting does not take the place of the next', async t => {
  const { server, driver } = await pool(t, {
    maxConnectionPoolSize: 1,
    connectionAcquisitionTimeout: 300,
    maxTransactionRetryTime: 0
  })
  const open = gate()
  server.when('RUN', held(open)).times(1)
  const first = driver.session(true).run('RETURN 1')
  await until(() => server.received('RUN').length === 1)
  await failing(driver.session(true).run('RETURN 2'))
  const third = driver.session(true).run('RETURN 3')
  open.open()
  assert.deepEqual(column(await third), [3])
  await first
})

test('a connection older than maxConnectionLifetime is replaced', async t => {
  const { server, driver } = await pool(t, { maxConnectionLifetime: 150 })
  await driver.session(true).run('RETURN 1')
  await later(200)
  await driver.session(true).run('RETURN 2')
  const [one, two] = server.received('RUN')
  assert.notEqual(one.connection, two.connection)
  await until(() => server.connections.open === 1)
})

test('connectionLivenessCheckTimeout: a connection idle for longer is sent RESET before its next use', async t => {
  const { server, driver } = await pool(t, { connectionLivenessCheckTimeout: 100 })
  await driver.session(true).run('RETURN 1')
  await later(150)
  const before = server.messages.length
  await driver.session(true).run('RETURN 2')
  const after = server.messages.slice(before).map(({ kind }) => kind)
  assert.deepEqual(after.slice(0, 2), ['RESET', 'RUN'])
  assert.equal(server.connections.total, 1)
})

test('a connection that was used just now is not checked', async t => {
  const { server, driver } = await pool(t, { connectionLivenessCheckTimeout: 60_000 })
  const session = driver.session(true)
  for (let n = 0; n < 5; n++) await session.run('RETURN 1')
  assert.ok(server.received('RESET').length <= 5)
  assert.equal(server.connections.total, 1)
})

test('the liveness check finds a dead connection, and the write behind it is done once', async t => {
  const { server, driver } = await pool(t, { connectionLivenessCheckTimeout: 0 })
  await driver.session(true).run('CREATE (a)')
  const rule = server.when('RESET', x => x.reset()).times(1)
  await driver.session(true).run('CREATE (b)')
  assert.equal(rule.hits, 1)
  assert.deepEqual(server.queries(), ['CREATE (a)', 'CREATE (b)'])
})

test('no connection is lost after errors', async t => {
  const { server, driver } = await pool(t, {
    maxConnectionPoolSize: 1,
    connectionAcquisitionTimeout: 2000,
    maxTransactionRetryTime: 0
  })
  for (let n = 0; n < 40; n++) {
    const session = driver.session(n % 2 === 0)
    await failing(session.run('NONSENSE'))
    if (n % 3 === 0) await session.close()
  }
  for (let n = 0; n < 10; n++) {
    const tx = driver.session(true).beginTransaction()
    await failing(tx.run('NONSENSE'))
    await settle(tx.rollback())
  }
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
  assert.ok(server.connections.max <= 2)
})

test('no connection is lost when connections are', async t => {
  const { server, driver } = await pool(t, {
    maxConnectionPoolSize: 1,
    connectionAcquisitionTimeout: 2000,
    maxTransactionRetryTime: 0
  })
  for (const kind of ['HELLO', 'RUN', 'PULL']) {
    for (const action of [x => x.reset(), x => x.close(), x => x.write(Buffer.from('0001ff0000', 'hex'))]) {
      // Each attempt needs a connection that is not yet open, so that every message of its life is met.
      await server.kick()
      const rule = server.when(kind, action).times(1)
      await settle(driver.session(true).run('RETURN 1'))
      rule.remove()
    }
  }
  await until(async () => (await settle(driver.session(false).run('RETURN 2'))).value)
  assert.deepEqual(column(await driver.session(false).run('RETURN 3')), [3])
})

test('no connection is lost when a result is left half read', async t => {
  const { server, driver } = await pool(t, {
    maxConnectionPoolSize: 1,
    fetchSize: 5,
    connectionAcquisitionTimeout: 3000
  })
  for (let n = 0; n < 10; n++) {
    const session = driver.session(false)
    for await (const record of session.run('UNWIND range(1, 100) AS n RETURN n')) {
      assert.equal(Number(record.get('n')), 1)
      break
    }
    await session.close()
  }
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
  assert.ok(server.connections.max <= 2)
})

test('no connection is lost when a transaction is left open and its session closed', async t => {
  const { server, driver } = await pool(t, { maxConnectionPoolSize: 1, connectionAcquisitionTimeout: 3000 })
  for (let n = 0; n < 10; n++) {
    const session = driver.session(true)
    const tx = session.beginTransaction()
    await tx.run('CREATE (n)')
    await session.close()
  }
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
  assert.equal(server.received('COMMIT').length, 0)
  assert.ok(server.connections.max <= 2)
})

test('a hundred sessions at once on a pool of the default size', async t => {
  const { server, driver } = await pool(t, {})
  const results = await Promise.all(
    Array.from({ length: 300 }, (_, n) => driver.session(n % 2 === 0).run(`RETURN ${n}`))
  )
  assert.deepEqual(
    results.map(result => column(result)[0]),
    [...Array(300).keys()]
  )
  assert.ok(server.connections.max <= 100)
})

test('a server that closes its idle connections does no harm', async t => {
  const { server, driver } = await pool(t, {})
  for (let n = 0; n < 5; n++) {
    await Promise.all([1, 2, 3, 4].map(() => driver.session(false).run('RETURN 1')))
    await server.kick()
    await until(() => server.connections.open === 0)
  }
  assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
})
