// Clusters that are asked over Bolt alone, for their routing tables: who is what, and who is there.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { boltServer, failing, Neo4jHA, open, ready, routing, settle, test } from '../support/contract.mjs'
import { bolt, failure, routingTable, rows } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const { Status, ServerType, HAStrategies } = Neo4jHA
const never = 3_600_000
const versions = bolt.neo4j526
const { masterWriteOnlySlaveReadOnly: slaves } = Neo4jHA.HAReadWrite
const roles = driver => driver.servers.map(({ info }) => info?.role ?? null)
const bolts = driver => driver.servers.map(({ location }) => location.bolt)
const moved = (group, leader) => {
  const [writer, ...others] = [leader, ...group.members.filter(member => member !== leader)]
  Object.assign(group.table, { writers: [writer], readers: others, routers: group.members })
}

for (const [title, version] of [
  ['Bolt 5', versions],
  ['Bolt 4.4', bolt.neo4j44],
  ['Bolt 4.0, by a procedure', ['4.0']],
  ['a causal cluster of 3.5', bolt.neo4j35]
]) {
  test(`of neo4j:// and one member all members are found, in their roles: ${title}`, async t => {
    const group = await routing(t, { cores: 3, replicas: 1, versions: version })
    group.on(/MATCH/, rows([1]))
    const driver = await ready(t, [group.uri], { rwConfig: slaves, strategy: HAStrategies.roundRobin })
    assert.deepEqual(roles(driver), ['writer', 'reader', 'reader', 'reader'])
    assert.deepEqual(
      bolts(driver),
      group.members.map(({ address }) => `neo4j://${address}`)
    )
    assert.ok(driver.servers.every(({ info }) => info.topology === 'routing' && info.status === Status.up))
    assert.equal(driver.masterIndex, 0)
    await driver.session(true).run('CREATE (n)')
    for (let i = 0; i < 3; i++) await driver.session(false).run('MATCH (n) RETURN n')
    assert.deepEqual(group.served(/CREATE/), [0])
    assert.deepEqual(group.served(/MATCH/).sort(), [1, 2, 3])
  })
}

test('writes follow a new leader', async t => {
  const group = await routing(t, { cores: 3, versions })
  const driver = await ready(t, [group.uri], { checkInterval: 20 })
  await driver.session(true).run('CREATE (:Before)')
  moved(group, group.members[2])
  await until(() => driver.masterIndex === 2)
  await driver.session(true).run('CREATE (:After)')
  assert.deepEqual([group.served(/Before/), group.served(/After/)], [[0], [2]])
})

test('the leader dies: a write waits for the next one, which is asked for at once', async t => {
  const group = await routing(t, { cores: 3, versions })
  const driver = await ready(t, [group.uri], { checkInterval: never })
  const [leader, next] = group.members
  await leader.stop()
  const work = settle(driver.session(true).run('CREATE (n)'))
  const asked = next.routes().length
  await until(() => next.routes().length > asked + 10)
  moved(group, next)
  assert.equal((await work).error, undefined)
  assert.deepEqual(group.served(/CREATE/), [1])
})

test('each member is asked what it says of itself: who is out of date is no leader for it', async t => {
  const group = await routing(t, { cores: 2, versions })
  const [first, second] = group.members
  const driver = await ready(t, [group.uri], { checkInterval: 20 })
  // The first still takes the second for a reader, and the second the first for the leader no more.
  second.table = () =>
    routingTable({ routers: [first.address, second.address], readers: [second.address], writers: [] })
  first.table = () =>
    routingTable({
      routers: [first.address, second.address],
      readers: [first.address],
      writers: [second.address]
    })
  await until(() => driver.masterIndex === -1)
  assert.deepEqual(roles(driver), ['reader', 'reader'])
})

test('members that come are followed, and those that leave are let go when their work is done', async t => {
  const group = await routing(t, { cores: 3, versions })
  const [leader, reader, other] = group.members
  Object.assign(group.table, { routers: [leader, reader], readers: [reader] })
  group.on(/SLOW|MATCH/, rows([1]))
  const driver = await ready(t, [group.uri], { checkInterval: 20, rwConfig: slaves })
  assert.equal(driver.servers.length, 2)
  const left = driver.servers[1]
  const session = left.driver.session()
  const tx = await session.beginTransaction()
  Object.assign(group.table, { routers: [leader, other], readers: [other] })
  await until(() => driver.servers.length === 2 && !driver.servers.includes(left))
  await until(() => driver.servers[1].info?.status === Status.up)
  assert.deepEqual(bolts(driver), [group.uri, `neo4j://${other.address}`])
  await tx.run('SLOW')
  await tx.commit()
  await session.close()
  assert.equal(reader.received('COMMIT').length, 1)
  await until(() => reader.connections.live.size === 0)
  // Who has gone is chosen no more.
  await driver.session(false).run('MATCH (n) RETURN n')
  assert.deepEqual(group.served(/MATCH/), [2])
})

test('a member that died is let go when the others do not name it any more, and who waits for it is told', async t => {
  const group = await routing(t, { cores: 3, versions })
  const [leader, dead, other] = group.members
  Object.assign(group.table, { routers: group.members, readers: [dead, other] })
  const driver = await ready(t, [group.uri], {
    checkInterval: 20,
    checkTimeout: 200,
    unresponsiveTimeout: never
  })
  const left = driver.servers[1]
  dead.when('RUN', () => {})
  dead.when('ROUTE', () => {})
  const work = settle(left.driver.session().run('RETURN 1'))
  await until(() => dead.received('RUN').length > 0)
  await until(() => left.info.status === Status.down)
  assert.ok(driver.servers.includes(left), 'it is named still')
  Object.assign(group.table, { routers: [leader, other], readers: [other] })
  await until(() => !driver.servers.includes(left))
  assert.match((await work).error.message, /stopped answering|unresponsive|no longer|silent/i)
  assert.deepEqual(bolts(driver), [group.uri, `neo4j://${other.address}`])
})

test('discover: false stays with the servers that are listed', async t => {
  const group = await routing(t, { cores: 3, versions })
  const driver = await ready(t, [group.uri], { discover: false })
  assert.deepEqual(roles(driver), ['writer'])
})

test('discover: true finds the members of servers that are listed by bolt://', async t => {
  const group = await routing(t, { cores: 3, versions })
  const driver = await ready(t, [`bolt://${group.members[1].address}`], { discover: true })
  assert.deepEqual([...roles(driver)].sort(), ['reader', 'reader', 'writer'])
  assert.ok(bolts(driver).every(uri => uri.startsWith('bolt://')))
})

test('a server of its own that routes is one, by whatever address it knows itself', async t => {
  const server = await boltServer(t, { versions })
  server.table = () =>
    routingTable({
      routers: ['elsewhere:7687'],
      readers: ['elsewhere:7687'],
      writers: ['elsewhere:7687']
    })
  for (const uri of [`bolt://${server.address}`, `neo4j://${server.address}`]) {
    const driver = await ready(t, [uri])
    const { status, type, role, topology } = driver.servers[0].info
    assert.deepEqual([status, type, role, topology], [Status.up, ServerType.master, 'single', 'single'])
    assert.equal(driver.servers.length, 1)
    await driver.session(true).run('CREATE (n)')
  }
})

test('a server that has no routing table is one of its own; with topology routing it is told what is wrong', async t => {
  const no = failure('Neo.ClientError.Procedure.ProcedureNotFound', 'There is no procedure with the name')
  const server = await boltServer(t, { versions: bolt.neo4j35, table: () => no })
  const uri = `bolt://${server.address}`
  const single = await ready(t, [uri])
  assert.equal(single.servers[0].info.role, 'single')
  const routed = await ready(t, [uri], { topology: 'routing' })
  assert.equal(routed.servers[0].info.status, Status.error)
  assert.match(routed.servers[0].info.err.message, /no routing table.*no member of a cluster that routes/)
})

test('with topology routing nobody is asked over HTTP', async t => {
  const group = await routing(t, { cores: 2, versions })
  const servers = group.members.map(({ address }) => ['http://127.0.0.1:1', `neo4j://${address}`])
  const driver = await ready(t, servers, { topology: 'routing' })
  assert.deepEqual(roles(driver), ['writer', 'reader'])
})

test('a member that its cluster knows by another address says what to do', async t => {
  const group = await routing(t, { cores: 2, versions })
  Object.assign(group.table, {
    routers: ['core1:7687', 'core2:7687'],
    readers: ['core2:7687'],
    writers: ['core1:7687']
  })
  const driver = await ready(t, [group.uri], { discover: false })
  const { status, err } = driver.servers[0].info
  assert.equal(status, Status.unknown)
  assert.match(
    err.message,
    /does not name it by this address, but core1:7687, core2:7687.*resolver.*discover/
  )
})

test('an address that cannot be reached is told with the option that mends it', async t => {
  const group = await routing(t, { cores: 2, versions })
  const [seed] = group.members
  Object.assign(group.table, { readers: ['127.0.0.1:1'], routers: [seed] })
  const driver = await ready(t, [group.uri])
  assert.deepEqual(bolts(driver), [group.uri, 'neo4j://127.0.0.1:1'])
  const { status, err } = driver.servers[1].info
  assert.equal(status, Status.down)
  assert.match(err.message, /names it by this address.*NAT.*Docker.*resolver/)
})

test('resolver says by which addresses members are reached', async t => {
  const group = await routing(t, { cores: 3, versions })
  const names = ['core1:7687', 'core2:7687', 'core3:7687']
  Object.assign(group.table, { routers: names, readers: names.slice(1), writers: names.slice(0, 1) })
  const resolver = {
    core1: group.members[0].address,
    'CORE2:7687': group.members[1].address,
    'core3:7687': group.members[2].address
  }
  const driver = await ready(t, [group.uri], { resolver, rwConfig: slaves })
  assert.deepEqual(roles(driver), ['writer', 'reader', 'reader'])
  assert.deepEqual(
    bolts(driver),
    group.members.map(({ address }) => `neo4j://${address}`)
  )
})

for (const [resolver, message] of [
  [() => [], /resolver takes an object/],
  [new Map([['core1', 'localhost']]), /resolver takes a plain object.*it was a Map/],
  [{ 'core1:7687': 7 }, /resolver\['core1:7687'\] takes an address, host:port; it was 7/],
  [{ 'core1:7687': 'bolt://localhost' }, /resolver\['core1:7687'\] takes an address/],
  [{ 'bolt://core1': 'localhost' }, /a key of resolver takes an address/]
]) {
  test(`what is no map of addresses is refused at once: ${inspect(resolver)}`, t => {
    assert.throws(() => open(t, ['neo4j://h'], { resolver }), { name: 'TypeError', message })
  })
}

test('databases have roles of their own', async t => {
  const group = await routing(t, { cores: 3, versions })
  const [first, second] = group.members
  group.tables.sales = { readers: [first], writers: [second] }
  const driver = await ready(t, [group.uri])
  await driver.asDriver().executeQuery('CREATE (:Sales)', {}, { database: 'sales' })
  await driver.asDriver().executeQuery('CREATE (:Home)')
  assert.deepEqual([group.served(/:Sales/), group.served(/:Home/)], [[1], [0]])
  assert.deepEqual(
    driver.servers.map(({ info }) => ({ ...info.databases })),
    [{ neo4j: 'writer', sales: 'reader' }, { neo4j: 'reader', sales: 'writer' }, { neo4j: 'reader' }]
  )
})

test('the first work of all is done by the leader of its database', async t => {
  const group = await routing(t, { cores: 3, versions })
  const [first, second] = group.members
  group.tables.sales = { readers: [first], writers: [second] }
  const driver = open(t, [group.uri], { checkInterval: never })
  await driver.asDriver().executeQuery('CREATE (:Sales)', {}, { database: 'sales' })
  assert.deepEqual(group.served(/:Sales/), [1])
})

test('a strategy function chooses among members that were found', async t => {
  const group = await routing(t, { cores: 3, versions })
  group.on(/MATCH/, rows([1]))
  const seen = []
  const strategy = candidates => {
    seen.push(candidates.map(({ location }) => location.bolt))
    return candidates.at(-1)
  }
  const driver = await ready(t, [group.uri], { strategy, rwConfig: slaves })
  const result = await driver.session(false).run('MATCH (n) RETURN n')
  assert.deepEqual(seen.at(-1), bolts(driver).slice(1))
  assert.deepEqual(group.served(/MATCH/), [2])
  assert.equal(result.summary.server.address, group.members[2].address)
})

test('a member that is dead, and that nobody else names any more, is let go though it has named itself', async t => {
  const group = await routing(t, { cores: 3, versions })
  const [leader, reader, dead] = group.members
  const driver = await ready(t, [group.uri], { checkInterval: 20 })
  assert.equal(driver.servers.length, 3)
  await dead.stop()
  Object.assign(group.table, { routers: [leader, reader], readers: [reader] })
  await until(() => driver.servers.length === 2)
  assert.deepEqual(bolts(driver), [group.uri, `neo4j://${reader.address}`])
})

test('where all members are down none of them has left', async t => {
  const group = await routing(t, { cores: 3, versions })
  const driver = await ready(t, [group.uri], { checkInterval: 20 })
  await group.stop()
  await until(() => driver.servers.every(({ info }) => info.status === Status.down))
  await driver.checkServers()
  assert.equal(driver.servers.length, 3)
})

test('what is asked of a member that has left is done by nobody else', async t => {
  const group = await routing(t, { cores: 3, versions })
  const [leader, reader, leaving] = group.members
  const driver = await ready(t, [group.uri], { checkInterval: 20 })
  const gone = driver.servers[2].driver
  const before = gone.session()
  Object.assign(group.table, { routers: [leader, reader], readers: [reader] })
  await until(() => driver.servers.length === 2)
  const ways = [
    () => before.run('CREATE (n)'),
    () => gone.session().run('CREATE (n)'),
    () => gone.session().executeWrite(tx => tx.run('CREATE (n)')),
    () => gone.executeQuery('CREATE (n)'),
    () => gone.verifyConnectivity()
  ]
  for (const way of ways) assert.match((await failing(way())).message, /has left its cluster.*servers/)
  assert.deepEqual(group.served(/CREATE/), [])
  assert.equal(leaving.received('RUN').length, 0)
})

test('the application may do what it likes with the array of servers', async t => {
  const group = await routing(t, { cores: 3, versions })
  const [leader, reader] = group.members
  const driver = await ready(t, [group.uri], { checkInterval: 20 })
  const [listed, , gone] = driver.servers.splice(0)
  Object.assign(group.table, { routers: [leader, reader], readers: [reader] })
  await until(async () => (await settle(gone.driver.verifyConnectivity())).error !== undefined)
  driver.servers.push(listed)
  Object.assign(group.table, { routers: group.members, readers: group.members.slice(1) })
  await until(() => driver.servers.length === 2)
  assert.deepEqual(bolts(driver), [group.uri, `neo4j://${group.members[2].address}`])
})
