// Between the loss of a master and the first write on the next one. No check is due here but by an alarm: whatever goes on, goes on
// by that.
import assert from 'node:assert/strict'
import { cluster, column, failing, ready, settle, test } from '../support/contract.mjs'
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
