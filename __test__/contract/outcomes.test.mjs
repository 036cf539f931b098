// What became of work that failed, and whether it is sent again: the rules of docs/RETRIES.md, as an application sees them.
import assert from 'node:assert/strict'
import { cluster, failing, Neo4jHA, ready, test } from '../support/contract.mjs'
import { chunked, pack, structure } from '../support/packstream.mjs'
import { bolt, ScriptedServer, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const { driver: neo4j } = Neo4jHA

/** How many requests of a kind all members have got. */
const total = (group, kind) => group.members.reduce((sum, { bolt }) => sum + bolt.received(kind).length, 0)

const serve = async (t, config = {}) => {
  const server = await ScriptedServer.start({ versions: bolt.neo4j526 })
  t.after(() => server.stop())
  const driver = neo4j.driver(server.uri, undefined, config)
  t.after(() => within(driver.close(), 5000, 'driver.close()'))
  return { server, driver }
}
const failsWith = code => x => x.fail(code, 'as scripted')
const deadlock = failsWith('Neo.TransientError.Transaction.DeadlockDetected')

const empty = () => ({ fields: [], records: [] })

const inBatches = [
  'MATCH (a) CALL { WITH a CREATE (:N) } IN TRANSACTIONS OF 100 ROWS',
  'UNWIND $ids AS id CALL (id) { CREATE (:N) } IN 4 CONCURRENT TRANSACTIONS',
  "USING PERIODIC COMMIT 500 LOAD CSV FROM 'file:///x' AS r CREATE (:N)",
  "CALL apoc.periodic.iterate('MATCH (n) RETURN n', 'SET n.x = 1', {})"
]

test('a query that commits in batches is sent once, and its failure is of unknown outcome: Neo4jHA', async t => {
  const group = await cluster(t, { roles: ['master'] })
  group.on(/./, empty)
  group.when('PULL', deadlock)
  const driver = await ready(t, group.servers)
  for (const query of inBatches) {
    const before = total(group, 'RUN')
    const error = await failing(driver.session(true).run(query, { ids: [1] }))
    assert.equal(error.unknownOutcome, true, query)
    assert.equal(error.retriable, false, query)
    assert.equal(total(group, 'RUN') - before, 1, query)
  }
})

test('the same by bolt://; one that was refused before it began was not done', async t => {
  const { server, driver } = await serve(t)
  server.on(/./, empty)
  const rule = server.when('PULL', failsWith('Neo.ClientError.Schema.ConstraintValidationFailed'))
  const error = await failing(driver.session().run(inBatches[0]))
  assert.deepEqual([error.unknownOutcome, error.retriable], [true, false])
  assert.equal(rule.hits, 1)
  server.when('RUN', failsWith('Neo.ClientError.Statement.SyntaxError'))
  assert.equal((await failing(driver.session().run(inBatches[0]))).unknownOutcome, false)
})

const onItsOwn = inBatches[3]

test('within a transaction, too, a query that commits on its own is sent once, and stays done', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const ha = await ready(t, group.servers)
  const { server, driver } = await serve(t)
  for (const { on, when, count, session } of [
    {
      on: (...rule) => group.on(...rule),
      when: (...rule) => group.when(...rule),
      count: () => total(group, 'RUN'),
      session: () => ha.session(true)
    },
    {
      on: (...rule) => server.on(...rule),
      when: (...rule) => server.when(...rule),
      count: () => server.received('RUN').length,
      session: () => driver.session()
    }
  ]) {
    on(/apoc/, empty)
    when('PULL', deadlock).times?.(1)
    const error = await failing(session().executeWrite(tx => tx.run(onItsOwn)))
    assert.deepEqual([error.unknownOutcome, error.retriable], [true, false])
    assert.equal(count(), 1)
  }
  server.rules.length = 0
  const tx = await driver.session().beginTransaction()
  await tx.run(onItsOwn)
  server.when('COMMIT', deadlock).times(1)
  assert.equal((await failing(tx.commit())).unknownOutcome, true)
  const refused = await driver.session().beginTransaction()
  server.when('RUN', failsWith('Neo.DatabaseError.Transaction.TransactionStartFailed')).times(1)
  assert.equal((await failing(refused.run(inBatches[0]))).unknownOutcome, false)
})

for (const [what, message] of [
  ['SUCCESS', structure(0x70, { bookmark: 'FB:forged' })],
  ['FAILURE', structure(0x7f, { code: 'Neo.TransientError.X.Y', message: 'unasked' })]
]) {
  for (const version of ['3.0', '4.4', '5.4']) {
    test(`Bolt ${version}: an unasked ${what} is no answer to the COMMIT behind it, which is not sent`, async t => {
      const server = await ScriptedServer.start({ versions: [version] })
      t.after(() => server.stop())
      const driver = neo4j.driver(server.uri)
      t.after(() => driver.close())
      server
        .when('PULL', async x => {
          await x.reply()
          await x.write(chunked(pack(message), 0xffff))
        })
        .times(1)
      const session = driver.session()
      const tx = await session.beginTransaction()
      await tx.run('CREATE (n)')
      // The unasked one has come by the time that another exchange is over.
      await driver.session().run('RETURN 1')
      const error = await failing(tx.commit())
      assert.equal(error.unknownOutcome, false)
      assert.match(error.message, /broke the Bolt protocol/)
      assert.deepEqual(session.lastBookmarks(), [])
      await session.close()
      await driver.session().run('RETURN 1')
      assert.equal(server.received('COMMIT').length, 0)
    })
  }
}

test('a COMMIT passed on by a member that is not known to be master may be done, also in an election', async t => {
  const group = await cluster(t, { roles: ['slave'] })
  const [member] = group.members
  group.when('COMMIT', failsWith('Neo.TransientError.Transaction.InstanceStateChanged'))
  const driver = await ready(t, group.servers, { rwConfig: Neo4jHA.HAReadWrite.all, checkInterval: 20 })
  const tx = driver.session(true).beginTransaction()
  await tx.run('CREATE (n)')
  await member.become('unknown')
  await until(() => driver.servers[0].info.status !== Neo4jHA.Status.up)
  assert.equal((await failing(tx.commit())).unknownOutcome, true)
})

test('a COMMIT is not sent on a connection that is gone, nor after close(): it was not done', async t => {
  const { server, driver } = await serve(t)
  const lost = await driver.session().beginTransaction()
  await lost.run('CREATE (n)')
  await server.kick({ reset: true })
  await until(() => server.connections.open === 0)
  assert.equal((await failing(lost.commit())).unknownOutcome, false)

  const late = await driver.session().beginTransaction()
  await late.run('CREATE (n)')
  await driver.close()
  const error = await failing(late.commit())
  assert.equal(error.unknownOutcome, false)
  assert.match(error.message, /driver is closed/)
  assert.equal(server.received('COMMIT').length, 0)
})

test('doubt about a lost read outlives the deadline of its attempts', async t => {
  const group = await cluster(t, { roles: ['master'], versions: ['3.0'] })
  const [{ bolt: server }] = group.members
  const driver = await ready(t, group.servers, {
    neo4jDriverOptions: { maxTransactionRetryTime: 600, connectionTimeout: 200 }
  })
  server.when('RUN', async x => {
    server.when('HELLO', silence)
    await x.reset()
  })
  const error = await failing(driver.session(false).run('CREATE (n)'))
  assert.equal(error.unknownOutcome, true)
  assert.equal(server.received('RUN').length, 1)
})

test('doubt about a lost read stays where no time is given for attempts, and on bolt://', async t => {
  const group = await cluster(t, { roles: ['master'], versions: ['3.0'] })
  group.when('RUN', x => x.reset())
  const ha = await ready(t, group.servers, { neo4jDriverOptions: { maxTransactionRetryTime: 0 } })
  assert.equal((await failing(ha.session(false).run('CREATE (n)'))).unknownOutcome, true)

  const server = await ScriptedServer.start({ versions: ['3.0'] })
  t.after(() => server.stop())
  server.when('RUN', x => x.reset())
  const driver = neo4j.driver(server.uri)
  t.after(() => driver.close())
  const reader = driver.session({ defaultAccessMode: 'READ' })
  assert.equal((await failing(reader.run('CREATE (n)'))).unknownOutcome, true)
})

test('close() of the driver ends pauses between attempts', async t => {
  const { server, driver } = await serve(t)
  server.when('RUN', deadlock)
  const works = [driver.session().executeWrite(tx => tx.run('X')), driver.executeQuery('X')].map(failing)
  // A connection is reset when its failure was read: then both pause.
  await until(() => server.received('RESET').length >= 2)
  await driver.close()
  for (const work of works) assert.match((await within(work, 500, 'the work')).code, /Neo\.TransientError/)
})

test('a bookmark manager that never answers is waited for until the acquisition time is up, or the driver is closed', async t => {
  const { driver } = await serve(t, { connectionAcquisitionTimeout: 300, connectionTimeout: 200 })
  const bookmarkManager = { getBookmarks: () => new Promise(() => {}), async updateBookmarks() {} }
  const session = driver.session({ bookmarkManager })
  assert.match((await failing(session.run('RETURN 1'))).message, /getBookmarks/)
  await within(session.close(), 2000, 'the end of the session')

  const { driver: patient } = await serve(t)
  const work = failing(patient.session({ bookmarkManager }).run('RETURN 1'))
  await patient.close()
  assert.match((await within(work, 1000, 'the query')).message, /closed/)
})
