// Every wait for a server has an end, and a connection is left as it should be.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { authority } from '../support/certificates.mjs'
import {
  ask,
  boltServer,
  cluster,
  connect,
  failing,
  member,
  Neo4jHA,
  ready,
  settle,
  test
} from '../support/contract.mjs'
import { routingTable, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const ann = { scheme: 'basic', principal: 'ann', credentials: 'sesame' }
const bob = { scheme: 'basic', principal: 'bob', credentials: 'sesame' }

const ca = authority()
after(() => ca.remove())

/** NOOPs in place of an answer, for as long as the client listens. */
const noops = async x => {
  while (x.connection.alive) {
    await x.noop()
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const single = async (t, config = {}, settings = {}) => {
  const server = await boltServer(t, { versions: ['5.4'], ...settings })
  return { server, driver: connect(t, server.uri, ann, config) }
}

for (const call of ['verifyConnectivity', 'getServerInfo']) {
  test(`${call} ends when RESET is not answered`, async t => {
    const { server, driver } = await single(t, { connectionTimeout: 300 })
    await ask(driver)
    server.when('RESET', silence)
    const error = await within(failing(driver[call]()), 5000, call)
    assert.match(error.message, /RESET was not answered within 300 ms/)
  })

  test(`${call} sends no RESET on a connection that has just logged in`, async t => {
    const { server, driver } = await single(t)
    await driver[call]()
    await ask(driver)
    await ask(driver)
    assert.equal(server.received('RESET').length, 0)
    assert.equal(server.connections.total, 1)
  })
}

test('NOOPs in place of the answer to RESET do not lengthen its limit', async t => {
  const { server, driver } = await single(t, { connectionTimeout: 300 })
  await ask(driver)
  server.when('RESET', noops)
  const error = await within(failing(driver.verifyConnectivity()), 5000, 'verifyConnectivity')
  assert.match(error.message, /RESET was not answered within 300 ms/)
})

test('close() ends verifyAuthentication, which logs in by a connection of its own before Bolt 5.1', async t => {
  const { server, driver } = await single(t, { connectionTimeout: 0 }, { versions: ['4.4'] })
  await ask(driver)
  server.handshake = 'silent'
  const verifying = settle(driver.verifyAuthentication({ database: 'neo4j' }))
  await until(() => server.connections.open === 2)
  await driver.close()
  await within(verifying, 5000, 'verifyAuthentication')
})

for (const [message, version] of [
  ['HELLO', '5.0'],
  ['HELLO', '5.4'],
  ['LOGON', '5.4']
]) {
  test(`NOOPs in place of the answer to ${message} of Bolt ${version} do not lengthen its limit`, async t => {
    const { server, driver } = await single(t, { connectionTimeout: 300 }, { versions: [version] })
    server.when(message, noops)
    const error = await within(failing(ask(driver)), 5000, 'the query')
    assert.match(error.message, /within 300 ms \(connectionTimeout\)/)
    assert.match(error.message, /did not answer the login/)
    await until(() => server.connections.open === 0)
  })
}

test('NOOPs in place of the answer to the LOGON of another user do not lengthen its limit', async t => {
  const { server, driver } = await single(t, { connectionTimeout: 300 })
  await ask(driver)
  server.when('LOGON', noops)
  const error = await within(failing(ask(driver, 'RETURN 1', { auth: bob })), 5000, 'the query')
  assert.match(error.message, /did not answer the login within 300 ms \(connectionTimeout\)/)
})

test('a liveness check without an answer leaves time for a new connection, and is not repeated on others', async t => {
  const { server, driver } = await single(t, {
    connectionLivenessCheckTimeout: 0,
    connectionAcquisitionTimeout: 2000,
    connectionTimeout: 1000
  })
  await Promise.all([ask(driver), ask(driver), ask(driver)])
  const opened = server.connections.total
  server.when('RESET', silence)
  await within(ask(driver), 2000, 'the query')
  assert.equal(server.received('RESET').length, 1)
  assert.equal(server.connections.total, opened + 1)
})

test('close() reaches a transaction that nobody talks on, and says GOODBYE', async t => {
  const { server, driver } = await single(t)
  const session = driver.session()
  const tx = await session.beginTransaction()
  await tx.run('RETURN 1')
  await driver.close()
  await until(() => server.connections.open === 0)
  assert.equal(server.received('GOODBYE').length, 1)
  const { error } = await settle(tx.commit())
  assert.match(error.message, /closed/)
  assert.equal(server.received('COMMIT').length, 0)
})

test('a connection that is being reset when the driver closes is left with GOODBYE', async t => {
  const { server, driver } = await single(t)
  server.when('RESET', silence)
  await failing(ask(driver, 'NONSENSE'))
  await until(() => server.received('RESET').length === 1)
  await driver.close()
  await until(() => server.connections.open === 0)
  assert.equal(server.received('GOODBYE').length, 1)
})

test('what came behind the last answer makes a connection unclean', async t => {
  const { server, driver } = await single(t, { maxConnectionPoolSize: 1 })
  server
    .when('PULL', async x => {
      await x.reply()
      await x.success({ fields: ['x'] })
    })
    .times(1)
  await ask(driver)
  await ask(driver)
  const [first, second] = server.received('RUN')
  assert.notEqual(first.connection, second.connection)
})

test('an idle connection that its server has ended is not handed out', async t => {
  const { server, driver } = await single(t)
  await ask(driver)
  await server.kick()
  await ask(driver)
  assert.equal(server.received('RUN').length, 2)
  assert.equal(server.connections.total, 2)
})

test('idle connections are ended when their time is over, without another query', async t => {
  const { server, driver } = await single(t, { maxConnectionLifetime: 200 })
  await Promise.all([ask(driver), ask(driver), ask(driver)])
  await until(() => server.connections.open === 0)
  assert.equal(server.received('GOODBYE').length, server.connections.total)
})

test('an acquisition that fails says who holds the connections', async t => {
  const { driver } = await single(t, {
    maxConnectionPoolSize: 1,
    connectionAcquisitionTimeout: 200,
    connectionTimeout: 200
  })
  const tx = await driver.session().beginTransaction()
  await tx.run('RETURN $secret', { secret: 'hidden' })
  const error = await failing(ask(driver))
  assert.match(error.message, /1 of 1 .*oldest for \d+ ms.*"RETURN \$secret" \(for \d+ ms\)/)
  assert.doesNotMatch(error.message, /hidden/)
  await tx.rollback()
})

test('an acquisition that fails says what the server did not do', async t => {
  const { driver } = await single(t, { connectionAcquisitionTimeout: 200 }, { handshake: 'silent' })
  const error = await failing(ask(driver))
  assert.match(error.message, /did not answer the Bolt handshake/)
  assert.doesNotMatch(error.message, /in use|maxConnectionPoolSize/)
})

test('a connection that is given up because its server stopped answering checks: the error says the phase', async t => {
  const one = await member(t, { versions: ['5.4'] })
  const driver = await ready(t, [[one.url, one.uri]], { neo4jDriverOptions: { maxTransactionRetryTime: 0 } })
  await one.bolt.kick()
  one.bolt.handshake = 'silent'
  const opened = one.bolt.connections.total
  const asked = failing(driver.session(true).run('RETURN 1'))
  await until(() => one.bolt.connections.total > opened)
  await one.become('refuse')
  const { message } = await within(asked, 5000, 'the query')
  assert.match(message, /127\.0\.0\.1:\d+ stopped answering its checks .*did not answer the Bolt handshake/)
})

test('a server that makes no connection leaves time for another one, though its checks are answered', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave', 'slave'] })
  const driver = await ready(t, servers, {
    rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly,
    strategy: Neo4jHA.HAStrategies.roundRobin,
    neo4jDriverOptions: { connectionTimeout: 60_000, maxTransactionRetryTime: 3000 }
  })
  members[1].bolt.handshake = 'silent'
  const reads = [1, 2].map(() => driver.session(false).run('RETURN 1'))
  await within(Promise.all(reads), 10_000, 'the reads')
  assert.ok(members[1].bolt.connections.total > 0, 'it was tried')
  assert.equal(members[2].bolt.received('RUN').length, 2)
})

test('a write that waits for a connection to the old master goes to the new one', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave'] })
  const driver = await ready(t, servers, {
    neo4jDriverOptions: { connectionTimeout: 60_000, maxTransactionRetryTime: 60_000 }
  })
  members[0].bolt.handshake = 'silent'
  const write = driver.session(true).run('CREATE (n)')
  await until(() => members[0].bolt.connections.total > 0)
  await members[0].become('slave')
  await members[1].become('master')
  const { summary } = await within(write, 5000, 'the write')
  assert.equal(members[1].bolt.queries(/CREATE/).length, 1)
  assert.match(servers[1][1], new RegExp(summary.server.address))
})

test('LOGOFF, LOGON and the next message leave in one write', async t => {
  const { server, driver } = await single(t)
  await ask(driver)
  const other = driver.session({ auth: bob })
  await other.run('RETURN 2')
  await other.close()
  const segments = ['LOGOFF', 'LOGON', 'RUN'].map(kind => server.received(kind).at(-1).segment)
  assert.equal(new Set(segments).size, 1)
})

test("silence beyond the server's hint ends the query, and says so", async t => {
  const { server, driver } = await single(t, {}, { hints: { 'connection.recv_timeout_seconds': 1 } })
  server.when('RUN', silence)
  const error = await within(failing(ask(driver)), 5000, 'the query')
  assert.match(error.message, /server didn't respond in 1000 ms/)
})

test("silence beyond the server's hint ends the query though more is asked all the while", async t => {
  const { server, driver } = await single(t, {}, { hints: { 'connection.recv_timeout_seconds': 1 } })
  server.when('RUN', silence)
  const session = driver.session()
  const first = failing(session.run('RETURN 1'))
  const others = []
  const asking = setInterval(() => others.push(settle(session.run('RETURN 2'))), 100)
  t.after(() => clearInterval(asking))
  const error = await within(first, 5000, 'the query')
  clearInterval(asking)
  assert.match(error.message, /server didn't respond in 1000 ms/)
})

for (const [what, settings] of [
  ['plain', () => ({})],
  ['over TLS', () => ({ tls: ca.issue(['IP:127.0.0.1']) })]
]) {
  test(`a server that takes nothing of what is sent ends the query by its hint: ${what}`, async t => {
    const hints = { 'connection.recv_timeout_seconds': 1 }
    const server = await boltServer(t, { versions: ['5.4'], hints, ...settings() })
    const uri = server.certificate ? server.uri.replace('bolt:', 'bolt+ssc:') : server.uri
    const driver = connect(t, uri, ann)
    await ask(driver)
    for (const connection of server.connections.live) connection.stopReading()
    // More than the buffers of both systems hold.
    const session = driver.session()
    const error = await within(failing(session.run('RETURN $x', { x: 'x'.repeat(60e6) })), 8000, 'the query')
    assert.match(error.message, /took nothing of what was sent in 1000 ms/)
  })
}

test('a connection to a member that has left the cluster ends when its work is done', async t => {
  const [router, old, young] = await Promise.all([1, 2, 3].map(() => boltServer(t, { versions: ['5.4'] })))
  let member = old
  router.table = () =>
    routingTable({ ttl: 0, routers: [router.address], readers: [member.address], writers: [member.address] })
  const driver = connect(t, `neo4j://${router.address}`, ann)
  const tx = await driver.session({ database: 'neo4j' }).beginTransaction()
  await tx.run('RETURN 1')
  member = young
  await ask(driver, 'RETURN 2', { database: 'neo4j' })
  assert.equal(young.received('RUN').length, 1)
  await tx.commit()
  await until(() => old.connections.open === 0)
  assert.equal(old.received('GOODBYE').length, 1)
})
