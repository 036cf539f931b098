// Between the loss of a master and the first write on the next one. No check is due here but by an alarm: whatever goes on, goes on
// by that.
import assert from 'node:assert/strict'
import { lastValueFrom, toArray } from 'rxjs'
import { cluster, column, connect, failing, ready, routing, settle, test } from '../support/contract.mjs'
import { rows } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const never = 3_600_000

test('a write that finds no master waits for it, and is sent to no slave meanwhile', async t => {
  const group = await cluster(t)
  const [master, next, other] = group.members
  group.on(/CREATE/, rows([7]))
  const driver = await ready(t, group.servers, { checkInterval: never })
  await master.kill()
  const work = settle(driver.session(true).run('CREATE (n) RETURN n'))
  const asked = other.checks.length
  await until(() => other.checks.length > asked + 5, { what: 'the members are asked again and again' })
  await next.become('master')
  const { value, error } = await work
  assert.equal(error, undefined)
  assert.deepEqual(column(value), [7])
  assert.deepEqual(group.served(/CREATE/), [1])
})

test('however many wait, each member is asked by one check at a time, and all go on', async t => {
  const group = await cluster(t)
  const [master, next] = group.members
  group.on(/CREATE/, rows([7]))
  const driver = await ready(t, group.servers, { checkInterval: never })
  await master.kill()
  const works = Array.from({ length: 300 }, () => settle(driver.session(true).run('CREATE (n) RETURN n')))
  const asked = next.checks.length
  next.delay = 5
  await until(() => next.checks.length > asked + 5)
  await next.become('master')
  for (const { value, error } of await Promise.all(works)) {
    assert.equal(error, undefined)
    assert.deepEqual(column(value), [7])
  }
  assert.deepEqual(
    group.members.map(({ http }) => http.maxInFlight),
    [1, 1, 1]
  )
})

test('a new master that is not ready yet is tried again soon: by a query, and by a transaction function', async t => {
  const group = await cluster(t)
  const [master, next] = group.members
  const refusals = 6
  const driver = await ready(t, group.servers, {
    checkInterval: never,
    neo4jDriverOptions: { maxTransactionRetryTime: 2_500 }
  })
  next.bolt
    .when('RUN', x => x.fail('Neo.TransientError.Transaction.InstanceStateChanged', 'not yet'))
    .times(refusals)
  await master.kill()
  await next.become('master')
  await driver.session(true).run('CREATE (n)')
  next.bolt
    .when('RUN', x => x.fail('Neo.TransientError.Transaction.InstanceStateChanged', 'not yet'))
    .times(refusals)
  await driver.session(true).executeWrite(tx => tx.run('CREATE (m)'))
  assert.equal(next.bolt.received('RUN', /CREATE \(n\)/).length, refusals + 1)
  assert.equal(next.bolt.received('RUN', /CREATE \(m\)/).length, refusals + 1)
})

test('work under way on a master that hangs ends when another one has taken its place', async t => {
  const group = await cluster(t)
  const [master, next] = group.members
  const driver = await ready(t, group.servers, {
    checkInterval: 20,
    checkTimeout: 100,
    unresponsiveTimeout: 60_000
  })
  master.bolt.when('PULL', () => {
    master.bolt.freeze()
    return master.become('hang')
  })
  const work = failing(driver.session(true).run('CREATE (n)'))
  await until(() => driver.servers[0].info.status === 0, { what: 'the master counts as down' })
  await next.become('master')
  const error = await within(work, 10_000, 'the write')
  assert.equal(error.unknownOutcome, true)
})

test('a member that refuses to say what it is is not asked more often for the sake of an alarm', async t => {
  const group = await cluster(t, { roles: ['master', 'unauthorized', 'slave'] })
  const [master, refusing, slave] = group.members
  const driver = await ready(t, group.servers, { checkInterval: never })
  const before = refusing.checks.length
  await master.kill()
  const work = settle(driver.session(true).run('CREATE (n)'))
  await until(() => slave.checks.length > 20)
  // One that may have been due when the alarm began, and the one that the loss hurried.
  assert.ok(refusing.checks.length <= before + 2, `${refusing.checks.length - before} checks`)
  await slave.become('master')
  assert.equal((await work).error, undefined)
})

test('where no master was ever known, a write falls back at once, as in 1.2.3', async t => {
  const group = await cluster(t, { roles: ['slave', 'slave'] })
  const driver = await ready(t, group.servers, { checkInterval: never })
  await driver.session(true).run('CREATE (n)')
  assert.deepEqual(group.served(/CREATE/), [0])
})

test('before there is a new master, those that may become it have been connected to', async t => {
  const group = await cluster(t)
  const [master, next, other] = group.members
  const driver = await ready(t, group.servers, { checkInterval: never })
  await master.kill()
  const work = settle(driver.session(true).run('CREATE (n)'))
  await until(() => [next, other].every(({ bolt }) => bolt.received('HELLO').length === 1))
  await next.become('master')
  assert.equal((await work).error, undefined)
  assert.equal(next.bolt.received('HELLO').length, 1, 'the write had its connection')
})

for (const [by, end] of [
  ['rollback()', (_, transaction) => transaction.rollback()],
  ['session.close()', session => session.close()],
  ['a transaction function that throws', null]
]) {
  test(`a connection that is lost at ROLLBACK is a loss of its server like any other: by ${by}`, async t => {
    const group = await cluster(t)
    const [master] = group.members
    const driver = await ready(t, group.servers, { checkInterval: never })
    master.bolt.when('ROLLBACK', x => x.reset())
    const asked = group.members.map(({ checks }) => checks.length)
    const session = driver.session(true)
    const throwing = () =>
      session.executeWrite(async transaction => {
        await transaction.run('CREATE (n)')
        throw new Error('of the application')
      })
    const explicit = async () => {
      const transaction = await session.beginTransaction()
      await transaction.run('CREATE (n)')
      await end(session, transaction)
    }
    const { error } = await settle(end === null ? throwing() : explicit())
    assert.equal(error?.message, end === null ? 'of the application' : undefined)
    await until(() => group.members.every(({ checks }, i) => checks.length > asked[i]), {
      what: 'every member is looked at'
    })
    await driver.session(true).run('CREATE (m)')
    assert.deepEqual(group.served(/CREATE \(m\)/), [0], 'the master is what it was')
  })
}

for (const bolt of ['3.0', '5.4']) {
  test(`Bolt ${bolt}: a COMMIT that is lost of queries which only read costs no error, whatever the function may do`, async t => {
    const group = await cluster(t, { roles: ['master', 'slave'], versions: [bolt] })
    group.on(/MATCH/, rows([7]))
    const driver = await ready(t, group.servers)
    for (const [call, writes] of [
      ['executeRead', false],
      ['executeWrite', true]
    ]) {
      for (const one of group.when('COMMIT', x => x.reset())) one.times(1)
      const reads = () => driver.session(writes)[call](tx => tx.run('MATCH (n) RETURN n'))
      for (let n = 0; n < 2; n++) assert.deepEqual(column(await reads()), [7], call)
    }
  })

  test(`Bolt ${bolt}: a COMMIT that is lost of anything else is of unknown outcome`, async t => {
    const group = await cluster(t, { roles: ['master', 'slave'], versions: [bolt] })
    group.on(/MATCH/, rows([7]))
    const driver = await ready(t, group.servers)
    group.when('COMMIT', x => x.reset())
    const work = driver.session(true).executeWrite(async tx => {
      await tx.run('MATCH (n) RETURN n')
      await tx.run('MATCH (n) SET n.x = 1')
      await tx.run('MATCH (n) RETURN n')
    })
    assert.equal((await failing(work)).unknownOutcome, true)
  })
}

test('the same of driver(): executeRead, executeQuery, rxSession()', async t => {
  const group = await routing(t, { versions: ['3.0'] })
  group.on(/MATCH/, rows([7]))
  const driver = connect(t, group.uri)
  const cypher = 'MATCH (n) RETURN n'
  const ways = [
    () => driver.session().executeRead(tx => tx.run(cypher)),
    () => driver.executeQuery(cypher, {}, { routing: 'READ' }),
    () => lastValueFrom(driver.rxSession().executeRead(tx => tx.run(cypher).records().pipe(toArray())))
  ]
  for (const one of group.when('COMMIT', x => x.reset())) one.times(1)
  const values = result => (result.records ?? result).map(record => Number(record.get(0)))
  assert.deepEqual((await Promise.all(ways.map(work => work()))).map(values), [[7], [7], [7]])
})

test('a COMMIT that is lost of a transaction of reads is an error that another attempt may cure', async t => {
  const group = await cluster(t, { roles: ['master'], versions: ['3.0'] })
  const driver = await ready(t, group.servers)
  group.on(/MATCH/, rows([7]))
  group.when('COMMIT', x => x.reset())
  const transaction = await driver.session(true).beginTransaction()
  await transaction.run('MATCH (n) RETURN n')
  const error = await failing(transaction.commit())
  assert.deepEqual([error.code, error.retryable, error.unknownOutcome], ['ServiceUnavailable', true, false])
})

for (const [code, message] of [
  [
    'Neo.DatabaseError.Transaction.TransactionCommitFailed',
    'Could not apply the transaction to the store after written to log'
  ],
  ['Neo.TransientError.Cluster.ReplicationFailure', 'Interrupted while replicating']
]) {
  test(`a COMMIT that is answered by ${code} may have been done`, async t => {
    const group = await cluster(t)
    const driver = await ready(t, group.servers)
    group.when('COMMIT', x => x.fail(code, message))
    const error = await failing(driver.session(true).executeWrite(tx => tx.run('CREATE (n)')))
    assert.deepEqual([error.code, error.unknownOutcome, error.retryable], [code, true, false])
    assert.deepEqual(group.served(/CREATE/), [0])
  })
}

test('a leader that hands its role over costs transaction functions no error', async t => {
  const group = await cluster(t, { roles: ['leader', 'follower', 'follower'], versions: ['4.4'] })
  const [leader, next] = group.members
  group.on(/MATCH/, rows([7]))
  const driver = await ready(t, group.servers, { checkInterval: never })
  const notALeader = x => x.fail('Neo.ClientError.Cluster.NotALeader', 'no longer')
  // The first is refused before it has done anything, the second when it would commit.
  leader.bolt
    .when('RUN', notALeader)
    .query(/CREATE/)
    .times(1)
  leader.bolt.when('COMMIT', notALeader).times(1)
  await leader.become('follower')
  const work = Promise.all(
    ['CREATE (a)', 'MATCH (b) SET b.x = 1 RETURN b'].map(query =>
      driver.session(true).executeWrite(tx => tx.run(query))
    )
  )
  await until(() => [0, 1].every(member => group.members[member].checks.length > 1))
  await next.become('leader')
  await work
  assert.equal(
    await driver.session(false).executeRead(async tx => column(await tx.run('MATCH (n) RETURN n'))[0]),
    7
  )
  assert.ok(group.served(/CREATE|SET/).includes(1), 'the new leader did the work')
})
