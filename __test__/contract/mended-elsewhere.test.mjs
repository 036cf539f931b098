// What the releases 6.1 to 6.3 of neo4j-driver mended, held against this driver: one test for each that can happen here.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import tls from 'node:tls'
import { authority } from '../support/certificates.mjs'
import { ask, boltServer, connect, Neo4jHA, routing, settle, test } from '../support/contract.mjs'
import { Packed } from '../support/packstream.mjs'
import { until } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const { READ } = neo4j.session
const first = ({ records }) => records.map(record => record.get(0))

test('6.3: columns that are named as what every object has are columns, and no others are there', async t => {
  const names = ['__proto__', 'constructor', 'toString']
  const server = await boltServer(t)
  server.on('ODD', { fields: names, records: [[1, 2, 3]] })
  server.on('PLAIN', { fields: ['n'], records: [[1]] })
  const driver = connect(t, server.uri, undefined, { disableLosslessIntegers: true })
  const [odd] = (await ask(driver, 'ODD')).records
  assert.deepEqual(odd.keys, names)
  assert.deepEqual(
    names.map(name => odd.get(name)),
    [1, 2, 3]
  )
  const [plain] = (await ask(driver, 'PLAIN')).records
  for (const name of [...names, 'hasOwnProperty', 'valueOf']) {
    assert.equal(plain.has(name), false, name)
    assert.throws(() => plain.get(name), neo4j.Neo4jError, name)
  }
})

test('6.3: a key of a map that is named __proto__ is a key of that map alone', async t => {
  const server = await boltServer(t)
  server.on('MAP', { fields: ['map'], records: [[JSON.parse('{"__proto__": {"injected": true}, "a": 1}')]] })
  const [map] = first(await ask(connect(t, server.uri), 'MAP'))
  assert.deepEqual(Object.keys(map), ['__proto__', 'a'])
  assert.equal(map.injected, undefined)
  assert.equal({}.injected, undefined)
})

test('6.3: a text that ends within a character leaves nothing behind for the next', async t => {
  const server = await boltServer(t)
  const torn = new Packed([0x82, 0x61, 0xe2])
  server.on('TORN', { fields: ['torn'], records: [[torn]] })
  server.on('AGAIN', { fields: ['whole'], records: [['ä whole one']] })
  const driver = connect(t, server.uri)
  const { error } = await settle(ask(driver, 'TORN'))
  assert.match(error.message, /not valid UTF-8/)
  assert.deepEqual(first(await ask(driver, 'AGAIN')), ['ä whole one'])
})

test('6.3: a table of one database does not close connections to members that only another names', async t => {
  const cluster = await routing(t, { versions: ['5.4'], cores: 3 })
  const [, one, two] = cluster.members
  cluster.tables.one = { readers: [one] }
  cluster.tables.two = { readers: [two], routers: [cluster.members[0], two] }
  const driver = connect(t, cluster.uri)
  for (const database of ['one', 'two', 'one'])
    await ask(driver, 'RETURN 1', { defaultAccessMode: READ, database })
  assert.deepEqual(cluster.served(/RETURN/), [1, 2, 1])
  assert.equal(one.connections.total, 1)
})

test('6.3: a profile has numbers where the server measured, and null where it did not', async t => {
  const server = await boltServer(t)
  const profile = { operatorType: 'Scan', identifiers: [], args: {}, children: [], rows: 7 }
  server.on('PROFILE', { fields: [], records: [], summary: { type: 'r', profile } })
  const { summary } = await ask(connect(t, server.uri), 'PROFILE')
  assert.equal(summary.queryProfile.rows, 7)
  assert.equal(summary.queryProfile.dbHits, null)
  assert.equal(summary.profile.dbHits, 0)
  assert.equal(summary.hasProfile(), true)
})

test('6.3: the debug log has no parameter and no record', async t => {
  const server = await boltServer(t)
  server.on('RETURN $secret AS a', { fields: ['a'], records: [['the record']] })
  const lines = []
  const logging = { level: 'debug', logger: (_, message) => lines.push(message) }
  const session = connect(t, server.uri, undefined, { logging }).session()
  await session.run('RETURN $secret AS a', { secret: 'the parameter' })
  await session.close()
  assert.ok(lines.length > 0)
  assert.doesNotMatch(lines.join('\n'), /the parameter|the record/)
})

for (const [host, name] of [
  ['127.0.0.1', false],
  ['localhost', 'localhost']
]) {
  test(`6.1: with TLS to ${host} the server is asked for ${name || 'no name, for an address is none'}`, async t => {
    const own = authority()
    t.after(() => own.remove())
    const { key, cert } = own.issue(['DNS:localhost', 'IP:127.0.0.1'])
    const asked = []
    const server = tls.createServer({ key, cert }, socket => {
      asked.push(socket.servername)
      socket.on('error', () => {})
      socket.destroy()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const driver = connect(t, `bolt+ssc://${host}:${server.address().port}`)
    await settle(driver.verifyConnectivity())
    assert.equal(asked[0], name)
  })
}

test('6.1: an error without a code of security does not reach the token manager', async t => {
  const server = await boltServer(t)
  server.when('RUN', exchange => exchange.reset()).times(1)
  const told = []
  const manager = {
    getToken: () => neo4j.auth.basic('neo4j', 'secret'),
    handleSecurityException: (_, code) => {
      told.push(code)
      return false
    }
  }
  const driver = connect(t, server.uri, manager)
  const { error } = await settle(ask(driver, 'RETURN 1'))
  assert.ok(error instanceof neo4j.Neo4jError)
  assert.deepEqual(told, [])
})

test('6.1: a rule for what need not be there gives nothing where no column has its name', async t => {
  const server = await boltServer(t)
  server.on('NAME', { fields: ['name'], records: [['Ada']] })
  const session = connect(t, server.uri).session()
  const rules = { name: neo4j.rule.asString(), age: neo4j.rule.asNumber({ optional: true }) }
  const { records } = await session.run('NAME').as(rules)
  await session.close()
  assert.equal(records[0].name, 'Ada')
  assert.equal(records[0].age, undefined)
})

test('6.1: an object of a class with rules is a parameter by its rules, by every way to run a query', async t => {
  class Person {
    constructor(name) {
      this.name = name
    }
  }
  neo4j.RecordObjectMapping.register(Person, { name: neo4j.rule.asString({ from: 'full_name' }) })
  t.after(() => neo4j.RecordObjectMapping.clearMappingRegistry())
  const server = await boltServer(t)
  server.on('RULES', { fields: ['n'], records: [[1]] })
  const driver = connect(t, server.uri)
  const session = driver.session()
  await session.run('RULES', new Person('Ada'))
  await session.executeRead(tx => tx.run('RULES', new Person('Ada')))
  await session.close()
  await driver.executeQuery('RULES', new Person('Ada'))
  const sent = server.received('RUN', /RULES/).map(({ fields }) => fields[1])
  assert.deepEqual(sent, Array(3).fill({ full_name: 'Ada' }))
})

test('6.1: the summary of a result that is under way discards what is left of it', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  server.on('MANY', { fields: ['n'], records: Array.from({ length: 100 }, (_, n) => [n]) })
  const session = connect(t, server.uri, undefined, { fetchSize: 10 }).session()
  const result = session.run('MANY')
  await result[Symbol.asyncIterator]().next()
  await result.summary()
  await session.close()
  await until(() => server.received('DISCARD').length === 1)
})
