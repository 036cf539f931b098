// Which kind of cluster a server is a member of, and what it is there: as each says itself, over HTTP.
import assert from 'node:assert/strict'
import { cluster, member, Neo4jHA, open, ready, test } from '../support/contract.mjs'
import { rows } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const { Status, ServerType, HAStrategies } = Neo4jHA
const { slave, master } = ServerType
const never = 3_600_000
const asked = one => one.checks.map(({ url }) => url.replace(/^\/db\/(manage\/server\/)?/, ''))

for (const [role, type, name, topology] of [
  ['master', master, 'master', 'ha'],
  ['slave', slave, 'slave', 'ha'],
  ['leader', master, 'leader', 'cluster'],
  ['follower', slave, 'follower', 'cluster'],
  ['replica', slave, 'read replica', 'cluster'],
  ['single', master, 'single', 'single']
]) {
  test(`a server by itself is found out to be this: ${name} of ${topology}`, async t => {
    const before = Date.now()
    const driver = await ready(t, [(await member(t, { role })).location])
    const { distance, since, product, bolt, ...info } = driver.servers[0].info
    assert.deepEqual(info, { status: Status.up, type, role: name, topology, lag: null, databases: {} })
    assert.ok(distance >= 0 && since >= before && since <= Date.now(), `${since}`)
  })
}

test('what a server calls itself, and what is spoken with it, is known once there was a connection', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location], { checkInterval: never })
  const known = () => [driver.servers[0].info.product, driver.servers[0].info.bolt]
  assert.deepEqual(known(), [null, null])
  const { summary } = await driver.session(true).run('CREATE (n)')
  await driver.checkServers()
  assert.deepEqual(known(), [summary.server.agent, '3.0'])
})

test('in a causal cluster writes go to the leader, reads to followers and read replicas, and both follow a new leader', async t => {
  const group = await cluster(t, { roles: ['follower', 'leader', 'replica'] })
  group.on(/MATCH/, rows([1]))
  const driver = await ready(t, group.servers, {
    checkInterval: 20,
    strategy: HAStrategies.roundRobin,
    rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly
  })
  assert.equal(driver.masterIndex, 1)
  for (const write of [true, false, false])
    await driver.session(write).run(write ? 'CREATE (n)' : 'MATCH (n)')
  assert.deepEqual(group.served(/CREATE|MATCH/), [1, 0, 2])
  await group.members[1].become('follower')
  await group.members[0].become('leader')
  await until(() => driver.masterIndex === 0)
  await driver.session(true).run('CREATE (m)')
  assert.deepEqual(group.served(/CREATE \(m\)/), [0])
})

test('a leader that was deposed gives its write to the next one, which is found by an alarm', async t => {
  const group = await cluster(t, { roles: ['leader', 'follower', 'follower'] })
  const [old, , next] = group.members
  const driver = await ready(t, group.servers, { checkInterval: never })
  old.bolt.when('RUN', x =>
    x.fail('Neo.ClientError.Cluster.NotALeader', 'No write operations are allowed here.')
  )
  await old.become('follower')
  const work = driver.session(true).run('CREATE (n)')
  await until(() => next.checks.length > 5)
  await next.become('leader')
  await work
  assert.deepEqual(group.served(/CREATE/), [0, 2])
})

test('once it is known what a member is, it is asked one question a check', async t => {
  const group = await cluster(t, { roles: ['leader', 'follower', 'replica'] })
  const driver = await ready(t, group.servers, { checkInterval: never })
  const [leader, follower, replica] = group.members
  for (const one of group.members) one.checks.length = 0
  await driver.checkServers()
  await driver.checkServers()
  // That they do not tell how far they are was found out once.
  assert.deepEqual(asked(leader), ['core/writable', 'core/writable'])
  assert.deepEqual(asked(follower), ['core/writable', 'core/writable'])
  assert.deepEqual(asked(replica), ['read-replica/available', 'read-replica/available'])
})

for (const [before, after, name, topology] of [
  ['master', 'leader', 'leader', 'cluster'],
  ['leader', 'master', 'master', 'ha'],
  ['follower', 'replica', 'read replica', 'cluster'],
  ['slave', 'single', 'single', 'single']
]) {
  test(`a server that comes back as something else is found out anew: ${before}, ${name}`, async t => {
    const one = await member(t, { role: before })
    const driver = await ready(t, [one.location], { checkInterval: never })
    await one.kill()
    await driver.checkServers()
    await one.revive(after)
    await driver.checkServers()
    const { info } = driver.servers[0]
    assert.deepEqual([info.status, info.role, info.topology], [Status.up, name, topology])
  })
}

test('a server of its own that comes back as a member is found out anew', async t => {
  const one = await member(t, { role: 'single' })
  const driver = await ready(t, [one.location], { checkInterval: never })
  await one.kill()
  await driver.checkServers()
  assert.equal(driver.servers[0].info.status, Status.down)
  await one.revive('follower')
  await driver.checkServers()
  assert.equal(driver.servers[0].info.role, 'follower')
})

test('beside others, a server that knows none of the pages is not taken for one of its own', async t => {
  const group = await cluster(t, { roles: ['leader', 'single'] })
  const driver = await ready(t, group.servers)
  const { status, type, role, err } = driver.servers[1].info
  assert.deepEqual([status, type, role], [Status.unknown, ServerType.unknown, null])
  assert.match(err.message, /no role in a cluster/)
})

test('with topology only its pages are asked for, and of a single server none', async t => {
  const seen = {}
  for (const topology of ['ha', 'cluster', 'routing', 'single']) {
    const one = await member(t, { role: 'single' })
    const driver = await ready(t, [one.location], { topology, checkInterval: never })
    const { status, role } = driver.servers[0].info
    seen[topology] = [asked(one), status, role]
  }
  assert.deepEqual(seen, {
    ha: [['ha/available'], Status.unknown, null],
    cluster: [
      ['core/writable', 'read-replica/available', 'neo4j/cluster/writable', 'neo4j/cluster/read-only'],
      Status.unknown,
      null
    ],
    routing: [[], Status.up, 'writer'],
    single: [[], Status.up, 'single']
  })
})

test('any other topology is refused at once', t => {
  assert.throws(() => open(t, [['http://h', 'bolt://h']], { topology: 'mesh' }), {
    name: 'TypeError',
    message: "topology takes one of auto, ha, cluster, routing, single; it was 'mesh'"
  })
})

test('a check that is not let in says which user is wrong, and which setting lets everybody ask', async t => {
  const driver = await ready(t, [(await member(t, { role: 'unauthorized' })).location])
  assert.match(
    driver.servers[0].info.err.message,
    /HTTP 401.*user and password.*dbms\.security\.ha_status_auth_enabled/
  )
  const other = await ready(t, [(await member(t, { role: 'forbidden' })).location])
  assert.match(
    other.servers[0].info.err.message,
    /HTTP 403.*no member of a highly available cluster, nor of a causal cluster/
  )
})
