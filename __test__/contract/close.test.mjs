// drop-in: "close()", and what an idle driver and work under way do to the process.
import assert from 'node:assert/strict'
import {
  boltServer,
  cluster,
  column,
  connect,
  failing,
  Neo4jHA,
  open,
  program,
  ready,
  settle,
  test
} from '../support/contract.mjs'
import { bolt, gate, held, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

test('close() stops the checks', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers, { checkInterval: 20 })
  await driver.close()
  await until(() => members.every(one => one.http.open === 0))
  const before = members.map(one => one.checks.length)
  const clock = await cluster(t, { roles: ['master'] })
  await ready(t, clock.servers, { checkInterval: 20 })
  await until(() => clock.members[0].checks.length >= 8)
  assert.deepEqual(
    members.map(one => one.checks.length),
    before
  )
})

test('close() closes every connection, Bolt and HTTP', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers, { strategy: 1 })
  await Promise.all(Array.from({ length: 12 }, () => driver.session(false).run('RETURN 1')))
  assert.ok(members.every(one => one.bolt.connections.open > 0))
  await driver.close()
  await until(() => members.every(one => one.bolt.connections.open === 0 && one.http.open === 0))
})

test('close() closes the drivers of single servers too', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  await driver.servers[1].driver.session().run('RETURN 1')
  await driver.close()
  await until(() => members[1].bolt.connections.open === 0)
})

test('close() returns a promise; calling it twice, and at the same time, is fine', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const [one, two] = [driver.close(), driver.close()]
  assert.equal(typeof one.then, 'function')
  await Promise.all([one, two])
  await driver.close()
})

test('close() before the first check is over ends everything', async t => {
  const { servers, members } = await cluster(t)
  for (const one of members) await one.become('hang')
  const driver = open(t, servers, { checkTimeout: 60_000 })
  const waiting = settle(driver.session(true).run('RETURN 1'))
  const started = settle(driver.ready)
  await within(Promise.resolve(driver.close()), 3000, 'close()')
  assert.ok((await within(waiting, 1000, 'the run')).error)
  await within(started, 1000, 'driver.ready')
  await until(() => members.every(one => one.http.open === 0))
})

test('close() lets nothing hang: work under way and work that waits settle with an error', async t => {
  const { servers, members } = await cluster(t)
  members[0].bolt.when('RUN', silence)
  const driver = await ready(t, servers, { neo4jDriverOptions: { maxConnectionPoolSize: 1 } })
  const running = settle(driver.session(true).run('RETURN 1'))
  await until(() => members[0].bolt.received('RUN').length === 1)
  const queued = settle(driver.session(true).run('RETURN 2'))
  const tx = driver.session(true).beginTransaction()
  const inside = settle(tx.run('RETURN 3'))
  const commit = settle(tx.commit())
  await within(Promise.resolve(driver.close()), 5000, 'close()')
  for (const [name, one] of Object.entries({ running, queued, inside, commit })) {
    const { error } = await within(one, 2000, name)
    assert.ok(error, `${name} was served`)
  }
})

test('work that ends because the driver was closed is not for another attempt', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j5 })
  server.when('RUN', silence).query(/HANGS/)
  const driver = connect(t, server.uri)
  const transaction = await driver.session().beginTransaction()
  let runs = 0
  const works = {
    write: driver.session().run('HANGS'),
    transaction: transaction.run('HANGS'),
    function: driver.session().executeWrite(tx => {
      runs++
      return tx.run('HANGS')
    })
  }
  const settled = Object.entries(works).map(async ([name, work]) => [name, await failing(work)])
  await until(() => server.queries(/HANGS/).length === 3)
  await driver.close()
  for (const [name, error] of await Promise.all(settled)) {
    assert.match(error.message, /the driver was closed/, name)
    assert.equal(error.retriable, false, name)
    assert.equal(error.unknownOutcome, name === 'write', name)
  }
  assert.equal(runs, 1)
})

test('close() ends the wait for ROLLBACK: the server rolls back what its connection took with it', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j5 })
  const silent = server.when('ROLLBACK', silence)
  const driver = connect(t, server.uri)
  const transaction = await driver.session().beginTransaction()
  await transaction.run('CREATE (n)')
  const rollback = transaction.rollback()
  await until(() => silent.hits === 1)
  await driver.close()
  await within(rollback, 2000, 'the rollback')
})

test('close() ends retries that wait for their next attempt', async t => {
  const group = await cluster(t)
  group.when('RUN', x => x.fail('Neo.TransientError.Transaction.DeadlockDetected', 'again'))
  const driver = await ready(t, group.servers, { neo4jDriverOptions: { maxTransactionRetryTime: 60_000 } })
  const running = settle(driver.session(true).run('RETURN 1'))
  await until(() => group.members[0].bolt.received('RUN').length >= 1)
  await driver.close()
  assert.ok((await within(running, 1500, 'the run')).error)
})

test('after close() a run, a transaction and a check are errors that say so', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(
    t,
    servers.map(([, bolt]) => [undefined, bolt])
  )
  const session = driver.session(true)
  const managed = driver.session({ bookmarkManager: Neo4jHA.driver.bookmarkManager() })
  await driver.close()
  const connections = members.map(({ bolt }) => bolt.connections.total)
  for (const attempt of [
    () => session.run('RETURN 1'),
    () => managed.run('RETURN 1'),
    () => managed.executeWrite(tx => tx.run('RETURN 1')),
    () => driver.session(true).run('RETURN 1'),
    async () => {
      const tx = driver.session(true).beginTransaction()
      await tx.run('RETURN 1')
    }
  ]) {
    const error = await failing((async () => attempt())())
    assert.match(error.message, /The driver is closed/)
  }
  await within(settle(driver.checkServers()), 2000, 'checkServers()')
  assert.deepEqual(
    members.map(({ bolt }) => bolt.connections.total),
    connections
  )
})

const start = `
  import Neo4jHA from 'neo4j-ha-bolt-driver'
  const driver = new Neo4jHA(input.servers, { checkInterval: 30 })
`

test('an idle driver does not keep a process alive', async t => {
  const { servers } = await cluster(t)
  const { code, stdout, stderr } = await program(
    `${start}
    await driver.ready
    const result = await driver.session(true).run('RETURN 1')
    console.log(result.records.length)`,
    { input: { servers }, deadline: 8000 }
  )
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.equal(stdout.trim(), '1')
})

test('a driver that was closed does not keep a process alive', async t => {
  const { servers } = await cluster(t)
  const { code } = await program(`${start} await driver.ready; await driver.close()`, {
    input: { servers },
    deadline: 8000
  })
  assert.equal(code, 0)
})

test('work under way keeps it alive: a query nobody awaits gets its answer', async t => {
  const { servers, members } = await cluster(t)
  const later = gate()
  members[0].bolt.when('RUN', held(later))
  const running = program(
    `${start}
    driver.session(true).run('RETURN 1').then(result => console.log('rows', result.records.length))`,
    { input: { servers }, deadline: 10_000 }
  )
  await until(() => members[0].bolt.received('RUN').length === 1, { deadline: 8000 })
  // Long enough for an event loop that holds nothing to end: its process would be gone, and its connection with it.
  const end = performance.now() + 300
  await until(() => performance.now() > end || members[0].bolt.connections.open === 0)
  assert.equal(members[0].bolt.connections.open, 1)
  later.open()
  const { code, stdout } = await running
  assert.equal(code, 0)
  assert.equal(stdout.trim(), 'rows 1')
})

test('the first check keeps it alive until the ready callback was called', async t => {
  const { servers, members } = await cluster(t)
  for (const one of members) one.delay = 300
  const { code, stdout } = await program(
    `import Neo4jHA from 'neo4j-ha-bolt-driver'
    new Neo4jHA(input.servers, {}, () => console.log('ready'))`,
    { input: { servers }, deadline: 8000 }
  )
  assert.equal(code, 0)
  assert.equal(stdout.trim(), 'ready')
})

test('process.exit() under work ends at once and cleanly', async t => {
  const { servers, members } = await cluster(t)
  members[0].bolt.when('RUN', silence)
  const { code, signal, stderr } = await program(
    `${start}
    await driver.ready
    for (let n = 0; n < 20; n++) driver.session(true).run('RETURN 1')
    setTimeout(() => process.exit(3), 50)`,
    { input: { servers }, deadline: 8000 }
  )
  assert.equal(signal, null)
  assert.equal(stderr, '')
  assert.equal(code, 3)
})

test('many drivers, opened and closed, leave nothing open', async t => {
  const { servers, members } = await cluster(t)
  for (let n = 0; n < 15; n++) {
    const driver = await ready(t, servers)
    assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
    await driver.close()
  }
  await until(() => members.every(one => one.bolt.connections.open === 0 && one.http.open === 0))
})
