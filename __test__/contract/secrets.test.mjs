// Secrets are in no error, no log and no inspect.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
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
  routing,
  settle,
  test
} from '../support/contract.mjs'
import { bolt, silence } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const password = 'hunter2-Zwölf'
const encoded = Buffer.from(`neo4j:${password}`).toString('base64')
const auth = { user: 'neo4j', pass: password }

const clean = (text, where) => {
  for (const secret of [password, encoded, JSON.stringify(password).slice(1, -1)]) {
    assert.ok(!String(text).includes(secret), `the password is in ${where}: ${text}`)
  }
}

const told = error =>
  [error.message, error.stack, inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error)].join(
    '\n'
  )

test('the password is in no error', async t => {
  for (const versions of [['2.0'], ['3.0'], ['5.8']]) {
    const group = await cluster(t, { versions, auth: { user: 'neo4j', pass: 'another' } })
    const driver = await ready(t, group.servers, { auth, neo4jDriverOptions: { maxTransactionRetryTime: 0 } })
    clean(told(await failing(driver.session(true).run('RETURN 1'))), 'the error of a wrong password')
    for (const one of driver.servers) clean(inspect(one.info), 'info')
    for (const { bolt: server } of group.members) server.handshake = 'garbage'
    clean(told(await failing(driver.session(true).run('RETURN 1'))), 'the error of a broken server')
    await Promise.all(group.members.map(one => one.kill()))
    clean(told(await failing(driver.session(true).run('RETURN 1'))), 'the error of a dead server')
    await driver.checkServers()
    for (const one of driver.servers) clean(told(one.info.err), 'info.err')
  }
})

test('the password is in no error of construction', () => {
  for (const options of [
    { auth: { user: 7, pass: password } },
    { auth, strategy: 99 },
    { auth, neo4jDriverOptions: { trust: 'X' } }
  ]) {
    assert.throws(
      () => new Neo4jHA([['http://127.0.0.1:1', 'bolt://127.0.0.1:1']], options).close(),
      error => {
        clean(told(error), 'the error')
        return true
      }
    )
  }
  for (const servers of [
    [`http://neo4j:${password}@127.0.0.1:1`],
    [[`http://neo4j:${password}@`, 'bolt://x']]
  ]) {
    assert.throws(
      () => new Neo4jHA(servers, {}).close(),
      error => {
        clean(told(error), 'the error of a URL')
        return true
      }
    )
  }
})

test('the password is in no log, at no level', async t => {
  const lines = []
  for (const method of ['log', 'info', 'warn', 'error', 'debug']) {
    t.mock.method(console, method, (...words) => lines.push(words.map(word => inspect(word)).join(' ')))
  }
  const one = await member(t, { auth, versions: ['5.8'] })
  const logging = { level: 'debug', logger: (level, message) => lines.push(`${level} ${inspect(message)}`) }
  const driver = await ready(t, [one.location], {
    auth,
    neo4jDriverOptions: { logging, maxTransactionRetryTime: 0 }
  })
  await driver.session(true).run('RETURN $x AS x', { x: 1 })
  await settle(driver.session(true).run('NONSENSE'))
  one.bolt.auth = { user: 'neo4j', pass: 'changed' }
  await one.bolt.kick()
  await settle(driver.session(true).run('RETURN 2'))
  await driver.close()
  clean(lines.join('\n'), 'the log')
})

test('the password is in no inspect: of the driver, a session, a transaction, a result', async t => {
  const { servers } = await cluster(t, { auth })
  const driver = await ready(t, servers, { auth })
  const session = driver.session(true)
  const result = await session.run('RETURN 1')
  const tx = session.beginTransaction()
  await tx.run('RETURN 2')
  for (const [name, value] of Object.entries({ driver, session, tx, result, servedBy: result.servedBy })) {
    clean(inspect(value, { depth: 20 }), `inspect of ${name}`)
    clean(`${value}`, name)
  }
  await tx.rollback()
})

test('the password of a plain driver is in no inspect and no error', async t => {
  const one = await member(t, { auth: { user: 'neo4j', pass: 'another' }, versions: bolt.neo4j526 })
  const { driver: neo4j } = Neo4jHA
  const driver = neo4j.driver(one.uri, neo4j.auth.basic('neo4j', password))
  t.after(() => driver.close())
  clean(inspect(driver, { depth: 20 }), 'inspect')
  clean(told(await failing(driver.session().run('RETURN 1'))), 'the error')
})

test('the password of a client key, and the key, are in no inspect, no error and no log', async t => {
  const ca = authority()
  t.after(() => ca.remove())
  const { certFile: certfile, keyFile: path } = ca.issueClient()
  const { clientCertificateProviders, driver: connect } = Neo4jHA.driver
  const lines = []
  const logging = { level: 'debug', logger: (level, message) => lines.push(`${level} ${inspect(message)}`) }
  const one = await member(t, {
    versions: bolt.neo4j526,
    tls: { ...ca.issue(['IP:127.0.0.1']), requestCert: true, ca: ca.pem }
  })
  const uri = one.uri.replace('bolt:', 'bolt+ssc:')
  const broken = join(ca.folder, 'broken.key')
  writeFileSync(
    broken,
    `-----BEGIN PRIVATE KEY-----\n${Buffer.from(password).toString('base64')}\n-----END PRIVATE KEY-----\n`
  )
  const key = readFileSync(path, 'utf8').split('\n')[1]
  const given = { certfile, keyfile: { path, password } }
  const rotating = clientCertificateProviders.rotating({ initialCertificate: given })
  for (const clientCertificate of [given, { certfile, keyfile: broken, password }, rotating]) {
    const driver = connect(uri, undefined, { clientCertificate, logging, maxTransactionRetryTime: 0 })
    t.after(() => driver.close())
    const { error } = await settle(driver.session().run('RETURN 1'))
    clean(inspect(driver, { depth: 20, showHidden: true }), 'inspect')
    assert.equal(error !== undefined, clientCertificate.keyfile === broken, error?.message)
    if (error) clean(told(error), 'the error')
    assert.ok(!lines.join('\n').includes(key))
  }
  assert.throws(
    () => connect(uri, undefined, { clientCertificate: { certfile: 5, keyfile: path, password } }),
    error => {
      clean(told(error), 'the error')
      return true
    }
  )
  clean(lines.join('\n'), 'the log')
})

test('credentials go to the server they are for, and to no other', async t => {
  const mine = await member(t, { auth })
  const other = await member(t, { auth: { user: 'neo4j', pass: 'other-word' }, role: 'slave' })
  const driver = await ready(
    t,
    [
      { url: mine.url, bolt: mine.uri, auth },
      { url: other.url, bolt: other.uri, auth: { user: 'neo4j', pass: 'other-word' } }
    ],
    { strategy: 1 }
  )
  await driver.session(false).run('RETURN 1')
  await driver.session(false).run('RETURN 1')
  assert.equal(mine.bolt.received('HELLO')[0].fields.at(-1).credentials, password)
  assert.equal(other.bolt.received('HELLO')[0].fields.at(-1).credentials, 'other-word')
  assert.ok(other.checks.every(({ headers }) => headers.authorization !== `Basic ${encoded}`))
})

test('a server known by its bolt URI alone gets no HTTP request with credentials', async t => {
  const one = await member(t, { auth, versions: bolt.neo4j526 })
  const driver = await ready(t, one.uri, { auth })
  await driver.session(true).run('RETURN 1')
  assert.equal(one.checks.length, 0)
})

test('user and password in a URL are for the check alone, and are shown nowhere', async t => {
  const one = await member(t, { auth: { user: 'neo4j', pass: 'bolt-word' } })
  const url = one.url.replace('//', `//neo4j:${encodeURIComponent(password)}@`)
  const driver = await ready(t, [[url, one.uri.replace('//', `//neo4j:${encodeURIComponent(password)}@`)]], {
    auth: { user: 'neo4j', pass: 'bolt-word' }
  })
  assert.equal(one.checks[0].headers.authorization, `Basic ${encoded}`)
  const { location } = driver.servers[0]
  assert.deepEqual([location.url, location.bolt], [one.url, one.uri])
  const settled = await settle(driver.session(true).run('RETURN 1'))
  const summary = settled.value?.summary
  for (const value of [driver, driver.servers, settled, summary]) {
    for (const text of [inspect(value, { depth: 20, showHidden: true }), JSON.stringify(value)]) {
      for (const word of [password, encodeURIComponent(password), 'bolt-word'])
        assert.ok(!text?.includes(word))
    }
  }
  assert.ok(!JSON.stringify(summary).includes('neo4j"'), 'the name of the user is in the summary')
})

test('credentials of other schemes than basic and bearer are not sent to a status endpoint', async t => {
  const { auth: tokens } = Neo4jHA.driver
  for (const token of [tokens.custom('neo4j', password, 'realm', 'mine'), tokens.kerberos(password)]) {
    const one = await member(t, {})
    await ready(t, [one.location], { auth: token })
    assert.equal(one.checks[0].headers.authorization, undefined)
  }
})

test('credentials over plain http are warned of, once a driver', async t => {
  const lines = []
  const logging = { level: 'warn', logger: (_, message) => lines.push(message) }
  const { servers } = await cluster(t, { auth })
  const driver = await ready(t, servers, { auth, neo4jDriverOptions: { logging } })
  await driver.checkServers()
  assert.equal(lines.filter(line => line.includes('plain http')).length, 1, lines.join('\n'))
})

test('the error of a URI with a query does not repeat it', () => {
  for (const uri of [
    'bolt://h?token=hunter2',
    'neo4j://h?token=hunter2&x',
    'neo4j://h?a=hunter2&a=hunter2'
  ]) {
    assert.throws(
      () => Neo4jHA.driver.driver(uri),
      error => !told(error).split('\n    at')[0].includes('hunter2')
    )
  }
})

test('the error of a URI that cannot be read shows nothing of a user, a password or what stands in place of a port', () => {
  for (const [uri, shown] of [
    ['bolt://u:hunter2@h:x', 'bolt://h:...'],
    ['u:hunter2@h:7687', 'h:7687'],
    ['bolt:/u:hunter2@h', 'h'],
    ['bolt:u:hunter2@h:7687', 'h:7687'],
    ['//u:hunter2@h', 'h'],
    ['bolt://u:hunter2', 'bolt://u:...'],
    ['u:hunter2', 'u:...'],
    ['bolt://u:hunt/er2@h:x', 'bolt://h:...'],
    ['bolt://[::1]:hunter2', 'bolt://[::1]:...'],
    ['bolt://[::1]:99999', 'bolt://[::1]:99999'],
    ['bolt:h/#hunter2', 'bolt:...'],
    ['host:7687', 'host:7687']
  ]) {
    for (const make of [() => Neo4jHA.driver.driver(uri), () => new Neo4jHA([['http://h', uri]], {})]) {
      assert.throws(make, error => {
        assert.ok(!told(error).split('\n    at')[0].includes('hunt'), error.message)
        assert.ok(error.message.includes(`it was '${shown}'`), error.message)
        return true
      })
    }
  }
})

test('the query and the fragment of a URL are in no inspect and no JSON; the check asks without them', async t => {
  const one = await member(t)
  const driver = await ready(t, [[`${one.url}/?x=hunter2#hunter2`, `${one.uri}/#hunter2`]])
  assert.equal(driver.servers[0].info.err, undefined)
  const { servedBy } = await driver.session(true).run('RETURN 1')
  for (const value of [driver, driver.servers, servedBy]) {
    assert.ok(!inspect(value, { depth: 20, showHidden: true }).includes('hunter2'))
    assert.ok(!JSON.stringify(value).includes('hunter2'))
  }
})

test('the routing context is in no inspect and no JSON, and goes to the servers', async t => {
  const group = await routing(t)
  const driver = connect(t, `${group.uri}?token=hunter2`)
  const { summary } = await ask(driver)
  assert.equal(group.routes()[0].context.token, 'hunter2')
  for (const value of [driver, summary]) {
    assert.ok(!inspect(value, { depth: 20 }).includes('hunter2'))
    assert.ok(!JSON.stringify(value).includes('hunter2'))
  }
})

test('who waits for a connection is told of the query that holds it, without its literals', async t => {
  const server = await boltServer(t)
  server.when('RUN', silence).query(/ALTER/)
  const lines = []
  const driver = connect(t, server.uri, undefined, {
    maxConnectionPoolSize: 1,
    connectionAcquisitionTimeout: 100,
    logging: { level: 'debug', logger: (_, message) => lines.push(message) }
  })
  settle(driver.session().run("ALTER CURRENT USER SET PASSWORD FROM 'hunter1' TO 'hunter2'"))
  await until(() => server.received('RUN', /ALTER/).length === 1)
  const error = await failing(driver.session().run('RETURN 1'))
  assert.match(error.message, /Held by: "ALTER CURRENT USER SET PASSWORD FROM…"/)
  assert.doesNotMatch([told(error), ...lines].join('\n'), /hunter/)
})

test('what a resolver gives and is no address is warned of without the password in it', async t => {
  const group = await routing(t)
  const lines = []
  const driver = connect(t, 'neo4j://somewhere.invalid', undefined, {
    resolver: () => ['neo4j:hunter2@127.0.0.1:7687', group.members[0].address],
    logging: { level: 'debug', logger: (_, message) => lines.push(message) }
  })
  await ask(driver)
  assert.equal(lines.filter(line => line.includes('"127.0.0.1:7687" is no address')).length, 1)
  assert.ok(!lines.join('\n').includes('hunter2'))
})
