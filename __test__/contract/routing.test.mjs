// neo4j:// on a cluster: what is asked of which router, in the form of each version, and who serves then.
import assert from 'node:assert/strict'
import { rank } from '../support/bolt-versions.mjs'
import {
  ask,
  column,
  connect,
  failing,
  Neo4jHA,
  program,
  routing,
  settle,
  test
} from '../support/contract.mjs'
import { gate, held, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const { READ, WRITE } = neo4j.session
const read = { defaultAccessMode: READ, database: 'neo4j' }
const write = { defaultAccessMode: WRITE, database: 'neo4j' }
const versions = ['3.0', '4.0', '4.1', '4.2', '4.3', '4.4', '5.0', '5.4', '5.8', '6.1']

/** Sorted, how often each member served. */
const shares = (cluster, pattern = /^RETURN/) => {
  const counts = cluster.members.map(() => 0)
  for (const server of cluster.served(pattern)) counts[server]++
  return counts
}

for (const version of versions) {
  const r = rank(version)
  const database = r < 0x400 ? undefined : 'sales'

  test(`Bolt ${version}: the table is asked for in the form of this version`, async t => {
    const cluster = await routing(t, { versions: [version], cores: 2 })
    const seed = cluster.members[0].address
    const driver = connect(t, `${cluster.uri}?policy=eu&region=north`)
    await ask(driver, 'RETURN 1', { database, bookmarks: ['FB:one'] })
    const context = { policy: 'eu', region: 'north', address: seed }
    const [{ message, server }] = cluster.routes()
    assert.equal(server, 0)
    if (r < 0x400) {
      assert.deepEqual(message.fields.slice(0, 2), [
        'CALL dbms.cluster.routing.getRoutingTable($context)',
        { context }
      ])
      assert.deepEqual(message.fields[2], {})
    } else if (r < 0x403) {
      assert.deepEqual(message.fields, [
        'CALL dbms.routing.getRoutingTable($context, $database)',
        { context, database },
        { db: 'system', mode: 'r', bookmarks: ['FB:one'] }
      ])
    } else {
      assert.equal(message.name, 'ROUTE')
      assert.deepEqual(message.fields, [context, ['FB:one'], r < 0x404 ? database : { db: database }])
    }
    assert.deepEqual(
      cluster.members.flatMap(member => member.protocolErrors),
      []
    )
  })

  test(`Bolt ${version}: HELLO ${r < 0x401 ? 'says nothing of routing' : 'carries the routing context, to every member'}`, async t => {
    const cluster = await routing(t, { versions: [version], cores: 2 })
    const driver = connect(t, `${cluster.uri}?policy=eu`)
    await ask(driver, 'RETURN 1', { defaultAccessMode: READ })
    const hellos = cluster.received('HELLO')
    assert.ok(cluster.members[1].received('HELLO').length > 0)
    for (const { fields } of hellos) {
      const expected = r < 0x401 ? undefined : { policy: 'eu', address: cluster.members[0].address }
      assert.deepEqual(fields[0].routing, expected)
    }
  })

  test(`Bolt ${version}: reads go to readers, writes to writers, one table for all`, async t => {
    const cluster = await routing(t, { versions: [version], cores: 3, replicas: 1 })
    const driver = connect(t, cluster.uri)
    const session = mode => ({ defaultAccessMode: mode, database })
    for (let n = 0; n < 6; n++) assert.deepEqual(column(await ask(driver, 'RETURN 1', session(READ))), [1])
    for (let n = 0; n < 2; n++) await ask(driver, 'CREATE (n)', session(WRITE))
    assert.deepEqual(shares(cluster), [0, 2, 2, 2])
    assert.deepEqual(shares(cluster, /^CREATE/), [2, 0, 0, 0])
    assert.equal(cluster.routes().length, 1)
  })
}

for (const version of ['1.0', '2.0']) {
  test(`Bolt ${version}: a causal cluster of 3.2 to 3.4 is routed by its procedure`, async t => {
    const cluster = await routing(t, { versions: [version], cores: 2 })
    const driver = connect(t, `${cluster.uri}?policy=eu`)
    assert.deepEqual(column(await ask(driver, 'RETURN 1', { defaultAccessMode: READ })), [1])
    await ask(driver, 'CREATE (n)')
    assert.deepEqual(cluster.served(/^RETURN/), [1])
    assert.deepEqual(cluster.served(/^CREATE/), [0])
    const [{ form, context }] = cluster.routes()
    assert.equal(form, 'CALL dbms.cluster.routing.getRoutingTable($context)')
    assert.equal(context.policy, 'eu')
  })
}

test('transaction functions go by their kind, whatever the mode of the session', async t => {
  const cluster = await routing(t, { versions: ['5.4'] })
  const session = connect(t, cluster.uri).session(write)
  await session.executeRead(tx => tx.run('RETURN 1'))
  await session.executeWrite(tx => tx.run('RETURN 2'))
  const [reader] = cluster.served(/RETURN 1/)
  assert.ok(reader > 0)
  assert.deepEqual(cluster.served(/RETURN 2/), [0])
})

test('executeQuery goes to a writer, and with routing READ to a reader', async t => {
  const cluster = await routing(t, { cores: 2, versions: ['5.4'] })
  const driver = connect(t, cluster.uri)
  await driver.executeQuery('RETURN 1')
  await driver.executeQuery('RETURN 2', {}, { routing: neo4j.routing.READ })
  assert.deepEqual(cluster.served(/RETURN 1/), [0])
  assert.deepEqual(cluster.served(/RETURN 2/), [1])
  const [first, second] = cluster.received('BEGIN')
  assert.equal(first.fields[0].mode, undefined)
  assert.equal(second.fields[0].mode, 'r')
})

test('readers get work by how many connections are busy: the least connected first', async t => {
  const cluster = await routing(t, { cores: 1, replicas: 3, versions: ['5.4'] })
  cluster.table.readers = cluster.members.slice(1)
  const driver = connect(t, cluster.uri)
  const open = gate()
  cluster.when('RUN', held(open))
  const work = []
  for (let n = 1; n <= 6; n++) {
    work.push(ask(driver, 'RETURN 1', read))
    await until(() => cluster.served(/RETURN/).length === n)
  }
  assert.deepEqual(shares(cluster), [0, 2, 2, 2])
  open.open()
  await Promise.all(work)
})

test('a reader that is busy is passed over', async t => {
  const cluster = await routing(t, { cores: 1, replicas: 2, versions: ['5.4'] })
  cluster.table.readers = cluster.members.slice(1)
  const driver = connect(t, cluster.uri)
  const open = gate()
  for (const rule of cluster.when('RUN', held(open))) rule.query(/HOLD/)
  for (const member of cluster.members) member.on('HOLD', { fields: ['n'], records: [[1]] })
  const work = ask(driver, 'HOLD', read)
  await until(() => cluster.served(/HOLD/).length === 1)
  const [busy] = cluster.served(/HOLD/)
  for (let n = 0; n < 4; n++) await ask(driver, 'RETURN 1', read)
  assert.equal(shares(cluster)[busy], 0)
  open.open()
  await work
})

test('readers that are equally busy take turns, writers too', async t => {
  const cluster = await routing(t, { cores: 1, replicas: 3, versions: ['4.4'] })
  cluster.table.readers = cluster.members.slice(1)
  cluster.table.writers = cluster.members.slice(0, 2)
  const driver = connect(t, cluster.uri)
  for (let n = 0; n < 9; n++) await ask(driver, 'RETURN 1', read)
  assert.deepEqual(shares(cluster), [0, 3, 3, 3])
  for (let n = 0; n < 4; n++) await ask(driver, 'CREATE (n)', write)
  assert.deepEqual(shares(cluster, /CREATE/), [2, 2, 0, 0])
})

test('the summary tells which member served', async t => {
  const cluster = await routing(t, { cores: 2, versions: ['5.4'] })
  const driver = connect(t, cluster.uri)
  const reading = await ask(driver, 'RETURN 1', read)
  assert.equal(reading.summary.server.address, cluster.members[1].address)
  const writing = await driver.executeQuery('RETURN 1')
  assert.equal(writing.summary.server.address, cluster.members[0].address)
  assert.equal(writing.summary.database.name, 'neo4j')
})

test('a table is used until its time is over, and then fetched anew from its routers', async t => {
  const cluster = await routing(t, { ttl: 1, versions: ['5.4'] })
  cluster.table.routers = cluster.members.slice(1)
  const driver = connect(t, cluster.uri)
  for (let n = 0; n < 3; n++) await ask(driver, 'RETURN 1', read)
  assert.equal(cluster.routes().length, 1)
  cluster.table.ttl = 300
  await until(async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length > 1, { every: 50 })
  const [first, second] = cluster.routes()
  assert.ok(second.message.at - first.message.at > 900)
  assert.equal(first.server, 0)
  assert.ok(second.server > 0, 'a router of the table was there to be asked')
  await ask(driver, 'RETURN 1', read)
  assert.equal(cluster.routes().length, 2)
})

test('a router that fails is passed over for the next, and the seed is the last resort', async t => {
  const cluster = await routing(t, { ttl: 1, versions: ['5.4'] })
  const [seed, one, two] = cluster.members
  cluster.table = { ttl: 1, db: 'neo4j', routers: [one, two], readers: [seed], writers: [seed] }
  const driver = connect(t, cluster.uri)
  await ask(driver, 'RETURN 1', read)
  await one.stop()
  await until(async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length > 1, { every: 50 })
  assert.equal(cluster.routes()[1].server, 2)
  await two.stop()
  await until(async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length > 2, { every: 50 })
  assert.equal(cluster.routes()[2].server, 0)
})

for (const database of ['neo4j', undefined]) {
  test(`sessions that want a table at the same time share one fetch: ${database ?? 'the home database'}`, async t => {
    const cluster = await routing(t, { versions: ['5.4'] })
    const open = gate()
    cluster.when('ROUTE', held(open))
    const driver = connect(t, cluster.uri)
    const work = Array.from({ length: 10 }, () =>
      ask(driver, 'RETURN 1', { defaultAccessMode: READ, database })
    )
    await until(() => cluster.routes().length > 0)
    open.open()
    await Promise.all(work)
    assert.equal(cluster.routes().length, 1)
  })
}

test('close() during a fetch settles everything', async t => {
  const cluster = await routing(t, { versions: ['5.4'] })
  cluster.when('ROUTE', silence)
  const driver = connect(t, cluster.uri)
  const work = [
    ask(driver, 'RETURN 1', read),
    driver.executeQuery('RETURN 1'),
    driver.session().executeRead(tx => tx.run('RETURN 1')),
    driver.verifyConnectivity()
  ].map(settle)
  await until(() => cluster.routes().length > 0)
  await within(driver.close(), 3000, 'close()')
  for (const { error } of await within(Promise.all(work), 3000, 'the work')) assert.ok(error)
  await until(() => cluster.members.every(({ connections }) => connections.open === 0))
})

test('a driver of a cluster that is left idle keeps no process alive', async t => {
  const cluster = await routing(t, { versions: ['5.4'], ttl: 1 })
  const { code, stdout } = await program(
    `import Neo4jHA from 'neo4j-ha-bolt-driver'
    const driver = Neo4jHA.driver.driver(input.uri)
    const { records } = await driver.executeQuery('RETURN 1')
    console.log(records.length)`,
    { input: { uri: cluster.uri } }
  )
  assert.equal(stdout.trim(), '1')
  assert.equal(code, 0)
})

test('connections to members that are in no table any more are closed', async t => {
  const cluster = await routing(t, { ttl: 1, versions: ['5.4'] })
  const [leader, stays, goes] = cluster.members
  const driver = connect(t, cluster.uri)
  for (let n = 0; n < 2; n++) await ask(driver, 'RETURN 1', read)
  assert.ok(goes.connections.open > 0)
  cluster.table = { ttl: 300, db: 'neo4j', routers: [leader, stays], readers: [stays], writers: [leader] }
  await until(async () => (await ask(driver, 'RETURN 1', read)) && goes.connections.open === 0, {
    every: 50,
    what: 'the connection of the member that left is closed'
  })
  assert.ok(stays.connections.open > 0)
})

test('work under way on a member that leaves the table is not cut off', async t => {
  const cluster = await routing(t, { ttl: 1, versions: ['5.4'] })
  const [leader, stays, goes] = cluster.members
  cluster.table.readers = [goes]
  const open = gate()
  goes.when('PULL', held(open)).query(/RETURN 7/)
  const driver = connect(t, cluster.uri)
  const slow = ask(driver, 'RETURN 7', read)
  await until(() => goes.queries().length === 1)
  cluster.table = { ttl: 300, db: 'neo4j', routers: [leader], readers: [stays], writers: [leader] }
  await until(async () => (await ask(driver, 'RETURN 1', read)) && stays.queries().length > 0, { every: 50 })
  open.open()
  assert.deepEqual(column(await slow), [7])
})

test('verifyConnectivity and getServerInfo ask a reader of the database', async t => {
  const cluster = await routing(t, { cores: 2, versions: ['5.4'] })
  const driver = connect(t, cluster.uri)
  await driver.verifyConnectivity({ database: 'sales' })
  assert.deepEqual(cluster.routes()[0].database, 'sales')
  const info = await driver.getServerInfo({ database: 'sales' })
  assert.equal(info.address, cluster.members[1].address)
  assert.match(info.agent, /^Neo4j\//)
  assert.equal(String(info.protocolVersion), '5.4')
  await driver.getServerInfo()
  assert.equal(cluster.received('RUN').length, 0)
})

test('verifyConnectivity without a cluster behind it says what is wrong', async t => {
  const cluster = await routing(t, { cores: 1 })
  await cluster.stop()
  const error = await failing(connect(t, cluster.uri).verifyConnectivity())
  assert.equal(error.code, neo4j.error.SERVICE_UNAVAILABLE)
  assert.match(error.message, new RegExp(cluster.members[0].port))
})

for (const [version, multiDb, config, impersonation, sessionAuth] of [
  ['3.0', false, true, false, false],
  ['4.3', true, true, false, false],
  ['4.4', true, true, true, false],
  ['5.0', true, true, true, false],
  ['5.1', true, true, true, true],
  ['6.1', true, true, true, true]
]) {
  test(`Bolt ${version}: what the cluster supports is told by its seed`, async t => {
    const cluster = await routing(t, { cores: 1, versions: [version] })
    const driver = connect(t, cluster.uri)
    assert.equal(await driver.supportsMultiDb(), multiDb)
    assert.equal(await driver.supportsTransactionConfig(), config)
    assert.equal(await driver.supportsUserImpersonation(), impersonation)
    assert.equal(await driver.supportsSessionAuth(), sessionAuth)
    const { major, minor } = await driver.getNegotiatedProtocolVersion()
    assert.equal(`${major}.${minor}`, version)
  })
}
