// Clusters of Neo4j 4 and later: members have a role for each database. Their endpoints are played as the operations manual has them.
import assert from 'node:assert/strict'
import { cluster, Neo4jHA, open, ready, test } from '../support/contract.mjs'
import { bolt, routingTable, rows } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const { Status, ServerType, HAStrategies } = Neo4jHA
const never = 3_600_000
const versions = bolt.neo4j526
const leader = { role: 'leader' }
const follower = { role: 'follower' }
const { masterWriteOnlySlaveReadOnly: slaves } = Neo4jHA.HAReadWrite

/** Three members; `sales` has another leader than `neo4j`, and is not hosted by the last. */
const members = async (t, { home = () => 'neo4j', ...options } = {}) => {
  const roles = [
    { databases: { neo4j: leader, sales: follower } },
    { databases: { neo4j: follower, sales: leader } },
    { databases: { neo4j: { role: 'secondary' } } }
  ]
  const table = request => {
    const database = request.database ?? home(request)
    return tableOf(group, database === 'sales' ? 1 : 0, database)
  }
  const group = await cluster(t, { roles, versions, table, ...options })
  group.on(/MATCH/, rows([1]))
  return group
}

/** One member does everything, as all of them say. */
const tableOf = (group, index, db) => {
  const all = group.members.map(({ bolt: { address } }) => address)
  return routingTable({ db, routers: all, readers: [all[index]], writers: [all[index]] })
}

const write = (driver, query, database) =>
  driver.asDriver().executeQuery(query, {}, { database, routing: 'WRITE' })

test('info tells the role for the home database, in the words of the cluster', async t => {
  const group = await members(t)
  const driver = await ready(t, group.servers)
  const told = driver.servers.map(({ info }) => [info.status, info.type, info.role, info.topology])
  assert.deepEqual(told, [
    [Status.up, ServerType.master, 'leader', 'cluster'],
    [Status.up, ServerType.slave, 'follower', 'cluster'],
    [Status.up, ServerType.slave, 'secondary', 'cluster']
  ])
  assert.equal(driver.masterIndex, 0)
})

test('a session gets the leader, or a reader, of its database', async t => {
  const group = await members(t)
  const driver = await ready(t, group.servers, { rwConfig: slaves })
  await write(driver, 'CREATE (:Neo4j)')
  await write(driver, 'CREATE (:Sales)', 'sales')
  assert.deepEqual(group.served(/:Neo4j/), [0])
  assert.deepEqual(group.served(/:Sales/), [1])
  for (let i = 0; i < 4; i++) {
    await driver.session({ database: 'sales', defaultAccessMode: 'READ' }).run('MATCH (s:Reads)')
  }
  assert.deepEqual(group.served(/:Reads/), [0, 0, 0, 0], 'it has one follower')
})

test('work that begins before the first check goes to the leader of its database', async t => {
  const group = await members(t)
  const driver = open(t, group.servers, { checkInterval: never })
  await write(driver, 'CREATE (:Sales)', 'sales')
  assert.deepEqual(group.served(/:Sales/), [1])
})

test('a member that names another home database each time is asked for no more than two in a check', async t => {
  let named = 0
  const homes = Array.from({ length: 50 }, (_, i) => [`home${i}`, leader])
  const roles = [{ databases: { neo4j: leader, ...Object.fromEntries(homes) } }]
  const table = () => tableOf(group, 0, `home${named++}`)
  const group = await cluster(t, { roles, versions, table })
  const driver = await ready(t, group.servers, { checkInterval: never, discover: true })
  assert.equal(driver.servers[0].info.role, 'leader')
  assert.equal(named, 1)
})

test('info tells the roles for each database that work was for', async t => {
  const group = await members(t)
  const driver = await ready(t, group.servers)
  const told = () => driver.servers.map(({ info }) => ({ ...info.databases }))
  assert.deepEqual(told(), [{ neo4j: 'leader' }, { neo4j: 'follower' }, { neo4j: 'secondary' }])
  await write(driver, 'CREATE (n)', 'sales')
  assert.deepEqual(told(), [
    { neo4j: 'leader', sales: 'follower' },
    { neo4j: 'follower', sales: 'leader' },
    { neo4j: 'secondary' }
  ])
})

test('names of databases have no case', async t => {
  const group = await members(t)
  const driver = await ready(t, group.servers)
  await write(driver, 'CREATE (:Sales)', 'Sales')
  await write(driver, 'CREATE (:Neo4j)', 'NEO4J')
  assert.deepEqual([group.served(/:Sales/), group.served(/:Neo4j/)], [[1], [0]])
  assert.deepEqual(Object.keys(driver.servers[1].info.databases), ['neo4j', 'sales'])
})

test('the home database is the one that the cluster says', async t => {
  const home = { databases: { other: leader, neo4j: follower } }
  const away = { databases: { other: follower, neo4j: leader } }
  const group = await cluster(t, { roles: [home, away], versions, table: () => tableOf(group, 0, 'other') })
  const driver = await ready(t, group.servers)
  assert.equal(driver.masterIndex, 0)
  await write(driver, 'CREATE (n)')
  assert.deepEqual(group.served(/CREATE/), [0])
})

const annIsAtSales = ({ impersonatedUser, user }) =>
  impersonatedUser === 'ann' || user === 'ann' ? 'sales' : 'neo4j'
const others = [
  ['somebody else', { impersonatedUser: 'ann' }],
  ['a user of its own', { auth: Neo4jHA.driver.auth.basic('ann', 'secret') }]
]
for (const [whom, config] of others) {
  test(`a session that works as ${whom} gets the leader of that user's home database`, async t => {
    const group = await members(t, { home: annIsAtSales })
    const driver = await ready(t, group.servers)
    const session = driver.asDriver().session(config)
    await session.run('CREATE (:Ann)')
    await session.run('CREATE (:Ann)')
    await driver.asDriver().session().run('CREATE (:Driver)')
    assert.deepEqual(group.served(/:Ann/), [1, 1])
    assert.deepEqual(group.served(/:Driver/), [0])
    const named = group.members[1].bolt.received('RUN', /:Ann/).map(({ fields }) => fields[2].db)
    assert.deepEqual(named, ['sales', 'sales'])
  })
}

test('a member that does not answer what is at home for a user is overtaken by the next', async t => {
  const group = await members(t, { home: annIsAtSales })
  const driver = await ready(t, group.servers, { checkInterval: never })
  group.members[0].bolt.when('ROUTE', () => new Promise(() => {}))
  await driver.asDriver().session({ impersonatedUser: 'ann' }).run('CREATE (:Ann)')
  assert.deepEqual(group.served(/:Ann/), [1])
})

test('where no member says what is at home for a user, the work goes on', async t => {
  const group = await members(t)
  const driver = await ready(t, group.servers, { checkTimeout: 300, checkInterval: never })
  for (const { bolt } of group.members) bolt.when('ROUTE', () => new Promise(() => {}))
  await driver.asDriver().session({ impersonatedUser: 'ann' }).run('CREATE (:Ann)')
  assert.deepEqual(group.served(/:Ann/), [0])
})

test('a user that is refused when its home is asked for is told so, after one login', async t => {
  const group = await members(t)
  const driver = await ready(t, group.servers, { checkInterval: never })
  for (const { bolt } of group.members) bolt.auth = [{ user: 'neo4j', pass: 'secret' }]
  const auth = Neo4jHA.driver.auth.basic('ann', 'wrong')
  const work = driver.asDriver().session({ auth }).run('CREATE (:Ann)')
  await assert.rejects(work, { code: 'Neo.ClientError.Security.Unauthorized' })
  const logins = group.members
    .flatMap(({ bolt }) => bolt.received('LOGON'))
    .filter(({ fields }) => fields[0].principal === 'ann')
  assert.equal(logins.length, 1)
})

test('the leader of one database is lost: writes to it wait for the next one, and others go on', async t => {
  const group = await members(t)
  const [first, second] = group.members
  const driver = await ready(t, group.servers, { checkInterval: never })
  await write(driver, 'CREATE (:Warm)', 'sales')
  second.bolt.when('RUN', x => x.fail('Neo.ClientError.Cluster.NotALeader', 'No longer'))
  second.bolt.when('BEGIN', x => x.fail('Neo.ClientError.Cluster.NotALeader', 'No longer'))
  await second.become({ databases: { neo4j: follower, sales: follower } })
  const work = write(driver, 'CREATE (:Sales)', 'sales')
  const asked = () => first.checks.filter(({ url }) => url.includes('/sales/')).length
  const before = asked()
  await until(() => asked() > before + 5)
  await write(driver, 'CREATE (:Neo4j)')
  assert.deepEqual(group.served(/:Neo4j/), [0])
  await first.become({ databases: { neo4j: leader, sales: leader } })
  await work
  assert.equal(group.served(/:Sales/).at(-1), 0)
})

test('the first work on a database waits for a server that fits, not for one that hangs', async t => {
  const group = await members(t)
  const driver = await ready(t, group.servers, { checkInterval: never, checkTimeout: 10_000 })
  const [, , third] = group.members
  await third.become('hang')
  await write(driver, 'CREATE (:Sales)', 'sales')
  assert.deepEqual(group.served(/:Sales/), [1])
  assert.equal(third.http.inFlight, 1)
})

test('a database that has no endpoint, such as an alias, is found by the routing tables', async t => {
  const group = await members(t, { table: ({ database }) => tableOf(group, 1, database ?? 'neo4j') })
  const driver = await ready(t, group.servers)
  await write(driver, 'CREATE (:Alias)', 'nickname')
  assert.deepEqual(group.served(/:Alias/), [1])
})

test('with maxLag reads keep off a replica that is farther behind', async t => {
  const at = (role, applied) => ({ databases: { neo4j: { role, applied } } })
  const roles = [at('leader', 1_000), at('follower', 990), at('secondary', 500)]
  const group = await cluster(t, { roles, versions })
  group.on(/MATCH/, rows([1]))
  const options = { rwConfig: slaves, strategy: HAStrategies.roundRobin, checkInterval: 20 }
  const driver = await ready(t, group.servers, { maxLag: 100, ...options })
  await until(() => driver.servers[2].info.lag === 500)
  assert.deepEqual(
    driver.servers.map(({ info }) => info.lag),
    [0, 10, 500]
  )
  const read = async () => {
    const before = group.served(/MATCH/).length
    for (let i = 0; i < 4; i++) await driver.session(false).run('MATCH (n) RETURN n')
    return group.served(/MATCH/).slice(before)
  }
  assert.deepEqual(await read(), [1, 1, 1, 1])
  await group.members[2].become(at('secondary', 950))
  await until(() => driver.servers[2].info.lag === 50)
  assert.deepEqual(new Set(await read()), new Set([1, 2]))
  // Who is stale is read from when there is nobody else.
  await group.members[2].become(at('secondary', 100))
  await group.members[1].kill()
  await until(() => driver.servers[1].info.status === Status.down && driver.servers[2].info.lag === 900)
  assert.deepEqual(new Set(await read()), new Set([2]))
})

test('how far a member is behind is told anew when another one turns out to be farther', async t => {
  const at = (role, applied) => ({ databases: { neo4j: { role, applied } } })
  const group = await cluster(t, { roles: [at('follower', 1_000), at('follower', 990)], versions })
  const [far] = group.members
  far.delay = 100
  const driver = open(t, group.servers, { checkInterval: never })
  await until(() => driver.servers[1].info?.lag === 0)
  await driver.ready
  assert.deepEqual(
    driver.servers.map(({ info }) => info.lag),
    [0, 10]
  )
})

for (const [value, message] of [
  [-1, /maxLag/],
  ['many', /maxLag/]
]) {
  test(`maxLag ${value} is refused at once`, () => {
    assert.throws(() => new Neo4jHA([['http://h', 'bolt://h']], { maxLag: value }), {
      name: 'TypeError',
      message
    })
  })
}
