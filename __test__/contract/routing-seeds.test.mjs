// neo4j:// from its URI on: context, ports, IPv6, resolvers, and TLS that no routing table weakens.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { authority } from '../support/certificates.mjs'
import {
  ask,
  boltServer,
  column,
  connect,
  failing,
  Neo4jHA,
  program,
  routing,
  settle,
  test
} from '../support/contract.mjs'
import { gate } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const { READ } = neo4j.session
const modern = { versions: ['5.4'] }
const read = { defaultAccessMode: READ, database: 'neo4j' }

// ---- URIs ----

for (const [query, pattern] of [
  ['?a=1&a=2', /Duplicated query parameters with key 'a'/],
  ['?a=', /empty value/],
  ['?=b', /empty key/],
  ['?a', /Invalid parameters/],
  ['?a=1=2', /Invalid parameters/],
  ['?a=1&', /Invalid parameters/]
]) {
  test(`neo4j://host${query} is refused when the driver is made`, () => {
    assert.throws(() => neo4j.driver(`neo4j://127.0.0.1${query}`), pattern)
  })
}

for (const scheme of ['bolt', 'bolt+s', 'bolt+ssc']) {
  test(`${scheme}:// takes no routing context`, () => {
    assert.throws(
      () => neo4j.driver(`${scheme}://127.0.0.1?policy=eu`),
      /Parameters are not supported with none routed scheme/
    )
  })
}

test('without a query string the context is the address alone', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  await ask(connect(t, cluster.uri))
  const address = cluster.members[0].address
  assert.deepEqual(cluster.routes()[0].context, { address })
  assert.deepEqual(cluster.received('HELLO')[0].fields[0].routing, { address })
})

test('bolt:// sends no routing context and asks for no table', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  await ask(connect(t, cluster.members[0].uri))
  assert.equal(cluster.received('HELLO')[0].fields[0].routing ?? null, null)
  assert.equal(cluster.routes().length, 0)
})

test('the context is that of the URI whoever is asked, and the address that of the seed', async t => {
  const cluster = await routing(t, { ...modern, ttl: 1 })
  cluster.table.routers = [cluster.members[2]]
  const driver = connect(t, `${cluster.uri}?policy=eu`)
  await until(async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length > 1, { every: 50 })
  const [, second] = cluster.routes()
  assert.equal(second.server, 2)
  assert.deepEqual(second.context, { policy: 'eu', address: cluster.members[0].address })
})

/** A server on 7687 of a loopback address, or null where that cannot be had. */
const onDefaultPort = (t, host) => boltServer(t, { ...modern, host, port: 7687 }).catch(() => null)

test('a seed without a port means 7687', async t => {
  const server = await onDefaultPort(t, '127.0.0.87')
  if (server === null) return t.skip('port 7687 is taken')
  assert.deepEqual(column(await ask(connect(t, 'neo4j://127.0.0.87'))), [1])
  assert.equal(server.routes()[0].context.address, '127.0.0.87:7687')
})

test('an address without a port, in a table or from a resolver, means 7687', async t => {
  const server = await onDefaultPort(t, '127.0.0.88')
  if (server === null) return t.skip('port 7687 is taken')
  const self = ['127.0.0.88']
  server.table = () => ({
    ttl: 300,
    db: 'neo4j',
    servers: ['ROUTE', 'READ', 'WRITE'].map(role => ({ role, addresses: self }))
  })
  const driver = connect(t, 'neo4j://somewhere.invalid', undefined, { resolver: () => self })
  assert.deepEqual(column(await ask(driver)), [1])
})

test('IPv6: as a seed, in a table, from a resolver', async t => {
  const server = await boltServer(t, { ...modern, host: '::1' }).catch(() => null)
  if (server === null) return t.skip('no IPv6 here')
  const uri = `neo4j://[::1]:${server.port}`
  const { summary } = await ask(connect(t, uri))
  assert.equal(summary.server.address, `[::1]:${server.port}`)
  assert.equal(server.routes()[0].context.address, `[::1]:${server.port}`)
  for (const found of [server.address, `neo4j://${server.address}`]) {
    const resolved = connect(t, 'neo4j://somewhere.invalid', undefined, { resolver: () => [found] })
    assert.deepEqual(column(await ask(resolved)), [1])
  }
})

test('hosts are compared without regard to case, and a table may name a host in capitals', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  const { port } = cluster.members[0]
  cluster.table = {
    ttl: 300,
    db: 'neo4j',
    routers: [`LOCALHOST:${port}`],
    readers: [`LocalHost:${port}`],
    writers: [`localhost:${port}`]
  }
  const driver = connect(t, `neo4j://localhost:${port}`)
  assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
})

// ---- resolvers ----

test('a resolver is asked for the seed, as host:port, and its first address is tried first', async t => {
  const cluster = await routing(t, modern)
  const asked = []
  const driver = connect(t, 'neo4j://somewhere.invalid:1234', undefined, {
    resolver: address => {
      asked.push(address)
      return [cluster.members[1].address, cluster.members[2].address]
    }
  })
  assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
  assert.deepEqual([...new Set(asked)], ['somewhere.invalid:1234'])
  assert.deepEqual(
    cluster.routes().map(({ server }) => server),
    [1]
  )
  assert.equal(cluster.routes()[0].context.address, 'somewhere.invalid:1234')
})

test('a resolver may take its time', async t => {
  const cluster = await routing(t, modern)
  const open = gate()
  const driver = connect(t, 'neo4j://somewhere.invalid', undefined, {
    resolver: async () => {
      await open
      return [cluster.members[1].address]
    }
  })
  const work = ask(driver, 'RETURN 1', read)
  open.open()
  assert.deepEqual(column(await work), [1])
})

test('of several addresses the next is tried when one does not answer', async t => {
  const cluster = await routing(t, modern)
  const [dead, alive] = cluster.members
  const addresses = [dead.address, alive.address]
  await dead.stop()
  cluster.table = { ttl: 300, db: 'neo4j', routers: [alive], readers: [alive], writers: [alive] }
  const driver = connect(t, 'neo4j://somewhere.invalid', undefined, { resolver: () => addresses })
  assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
  assert.deepEqual(
    cluster.routes().map(({ server }) => server),
    [1]
  )
})

test('members of a table are not resolved', async t => {
  const cluster = await routing(t, modern)
  const asked = []
  const driver = connect(t, cluster.uri, undefined, {
    resolver: address => {
      asked.push(address)
      return [address]
    }
  })
  for (let n = 0; n < 3; n++) await ask(driver, 'RETURN 1', read)
  assert.deepEqual([...new Set(asked)], [cluster.members[0].address])
})

for (const [what, resolver, pattern] of [
  [
    'throws',
    () => {
      throw new Error('no such service')
    },
    /no such service/
  ],
  [
    'rejects',
    async () => {
      throw new Error('no such service')
    },
    /no such service/
  ],
  ['gives no list', () => '127.0.0.1:7687', /resolver/i],
  ['gives nothing', () => undefined, /resolver/i],
  ['gives no text', () => [7687], /./],
  ['gives an empty list', () => [], /./]
]) {
  test(`a resolver that ${what} is an error in good time, and hangs nothing`, async t => {
    const driver = connect(t, 'neo4j://127.0.0.1:1', undefined, { resolver, maxTransactionRetryTime: 200 })
    const session = driver.session(read)
    const { error } = await within(settle(session.run('RETURN 1')), 5000, 'run')
    assert.match(error?.message ?? '', pattern)
    await within(settle(driver.session().executeRead(tx => tx.run('RETURN 1'))), 10_000, 'executeRead')
    await within(session.close(), 3000, 'close')
  })
}

for (const [what, form] of [
  ['neo4j://', address => `neo4j://${address}`],
  ['bolt://', address => `bolt://${address}`],
  ['a scheme that says other things of TLS', address => `neo4j+s://${address}/`]
]) {
  test(`a resolver may give URIs: ${what}`, async t => {
    const cluster = await routing(t, { ...modern, cores: 1 })
    const driver = connect(t, 'neo4j://somewhere.invalid', undefined, {
      resolver: () => [form(cluster.members[0].address)]
    })
    assert.deepEqual(column(await ask(driver)), [1])
  })
}

for (const bad of ['no address at all', 'http://somewhere.invalid:1', 'bolt://host/path', 7687, null]) {
  test(`what a resolver gives and is no address is left out with a warning: ${bad}`, async t => {
    const cluster = await routing(t, { ...modern, cores: 1 })
    const good = cluster.members[0].address
    for (const list of [
      [bad, good],
      [good, bad]
    ]) {
      const said = []
      const driver = connect(t, 'neo4j://somewhere.invalid', undefined, {
        resolver: () => list,
        logging: { level: 'warn', logger: (level, message) => said.push(`${level} ${message}`) }
      })
      assert.deepEqual(column(await ask(driver)), [1])
      assert.equal(said.filter(line => /^warn .*resolver/.test(line)).length, 1, said.join('\n'))
    }
  })
}

test('a resolver that fails is no harm while there are routers', async t => {
  const cluster = await routing(t, modern)
  const [seed, one, two] = cluster.members
  cluster.table = { ttl: 300, db: 'neo4j', routers: [one, two], readers: [one], writers: [] }
  let fails = false
  const driver = connect(t, cluster.uri, undefined, {
    resolver: () => {
      if (fails) throw new Error('no such service')
      return [seed.address]
    },
    maxTransactionRetryTime: 0
  })
  await ask(driver, 'RETURN 1', read)
  // A table without writers: the seed is asked first.
  fails = true
  cluster.table.writers = [two]
  assert.deepEqual(column(await ask(driver, 'RETURN 2', { database: 'neo4j' })), [2])
})

test('a resolver that never answers is bounded by connectionAcquisitionTimeout', async t => {
  const driver = connect(t, 'neo4j://127.0.0.1:1', undefined, {
    resolver: () => new Promise(() => {}),
    connectionAcquisitionTimeout: 300,
    maxTransactionRetryTime: 300
  })
  for (const [what, work] of Object.entries({
    'a query': () => ask(driver, 'RETURN 1', read),
    executeRead: () => driver.session(read).executeRead(tx => tx.run('RETURN 1')),
    getNegotiatedProtocolVersion: () => driver.getNegotiatedProtocolVersion(),
    verifyAuthentication: () => driver.verifyAuthentication()
  })) {
    const error = await within(failing(work()), 5000, what)
    assert.match(error.message, /connectionAcquisitionTimeout/)
    assert.match(error.message, /resolver/i)
  }
})

test('a resolver that never answers is ended by close()', async t => {
  const driver = connect(t, 'neo4j://127.0.0.1:1', undefined, { resolver: () => new Promise(() => {}) })
  const work = settle(ask(driver, 'RETURN 1', read))
  await within(driver.close(), 3000, 'close()')
  const { error } = await within(work, 3000, 'the work')
  assert.ok(error)
})

test('a resolver that is no function is refused when the driver is made', () => {
  for (const resolver of ['127.0.0.1', 1, {}, []]) {
    assert.throws(
      () => neo4j.driver('neo4j://127.0.0.1', undefined, { resolver }),
      /resolver should be a function/
    )
  }
})

test('the port of the seed of a context survives a resolver with another', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  const driver = connect(t, 'neo4j://somewhere.invalid:9?policy=eu', undefined, {
    resolver: () => [cluster.members[0].address]
  })
  await ask(driver)
  assert.deepEqual(cluster.routes()[0].context, { policy: 'eu', address: 'somewhere.invalid:9' })
})

// ---- TLS ----

const ca = authority()
const stranger = authority()
after(() => {
  ca.remove()
  stranger.remove()
})
const trusting = {
  encrypted: 'ENCRYPTION_ON',
  trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
  trustedCertificates: [ca.file],
  maxTransactionRetryTime: 0
}

/** Three members with certificates of these names; the first is the seed and leads, the second reads. */
const secured = (t, certificates) =>
  routing(t, { ...modern, cores: certificates.length, each: i => ({ tls: certificates[i] }) })
const local = () => ca.issue(['DNS:localhost', 'IP:127.0.0.1'])

test('every member is talked to by TLS, with the trust of the driver', async t => {
  const cluster = await secured(t, [local(), local(), local()])
  const driver = connect(t, cluster.uri, undefined, trusting)
  assert.ok(driver.isEncrypted())
  for (let n = 0; n < 2; n++) assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
  await ask(driver, 'CREATE (n)')
  assert.ok(cluster.members.every(({ handshakes }) => handshakes.length > 0))
})

for (const [what, certificate] of [
  ['of another name', () => ca.issue(['DNS:elsewhere.test'])],
  ['of the name of the seed, not its own', () => ca.issue(['DNS:localhost'])],
  ['of another authority', () => stranger.issue(['DNS:localhost', 'IP:127.0.0.1'])],
  ['that has expired', () => ca.issueExpired(['DNS:localhost', 'IP:127.0.0.1'])]
]) {
  test(`a member with a certificate ${what} is refused, and gets no word`, async t => {
    const cluster = await secured(t, [local(), certificate()])
    const driver = connect(t, `neo4j://localhost:${cluster.members[0].port}`, undefined, trusting)
    const error = await failing(ask(driver, 'RETURN 1', read))
    assert.ok(error.code)
    assert.equal(cluster.members[1].handshakes.length, 0)
    assert.equal(cluster.members[1].messages.length, 0)
  })
}

test('each member is verified by its own name in the table', async t => {
  const cluster = await secured(t, [local(), ca.issue(['DNS:localhost'])])
  cluster.table.readers = [`localhost:${cluster.members[1].port}`]
  const driver = connect(t, cluster.uri, undefined, trusting)
  assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
})

for (const form of ['127.0.0.1', 'bolt://127.0.0.1', 'neo4j://127.0.0.1', 'bolt+ssc://127.0.0.1']) {
  test(`a table cannot have a member talked to in the clear: ${form}:port`, async t => {
    const cluster = await routing(t, {
      ...modern,
      cores: 2,
      each: i => (i === 0 ? { tls: local() } : {})
    })
    const [, plain] = cluster.members
    cluster.table.readers = [`${form}:${plain.port}`]
    const driver = connect(t, cluster.uri, undefined, trusting)
    await failing(ask(driver, 'RETURN 1', read))
    assert.equal(plain.handshakes.filter(({ agreed }) => agreed !== null).length, 0)
    assert.equal(plain.messages.length, 0)
  })
}

test('a table cannot weaken the trust: bolt+ssc:// in it changes nothing', async t => {
  const cluster = await secured(t, [local(), stranger.issue(['DNS:localhost', 'IP:127.0.0.1'])])
  cluster.table.readers = [`bolt+ssc://127.0.0.1:${cluster.members[1].port}`]
  const driver = connect(t, cluster.uri, undefined, trusting)
  await failing(ask(driver, 'RETURN 1', read))
  assert.equal(cluster.members[1].handshakes.length, 0)
})

test('neo4j+ssc:// trusts any certificate, of every member', async t => {
  const any = () => stranger.issue(['DNS:elsewhere.test'])
  const cluster = await secured(t, [any(), any()])
  const driver = connect(t, cluster.uri.replace('neo4j:', 'neo4j+ssc:'))
  assert.ok(driver.isEncrypted())
  assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
  assert.equal(cluster.members[1].handshakes.length, 1)
})

test('neo4j+s:// refuses a seed that the system does not trust', async t => {
  const cluster = await secured(t, [local()])
  const error = await failing(ask(connect(t, cluster.uri.replace('neo4j:', 'neo4j+s:'))))
  assert.ok(error.code)
  assert.equal(cluster.members[0].handshakes.length, 0)
})

test('neo4j+s:// trusts what the system trusts, for every member and by its own name', async t => {
  const cluster = await secured(t, [local(), local(), ca.issue(['DNS:elsewhere.test'])])
  const { stdout } = await program(
    `import Neo4jHA from 'neo4j-ha-bolt-driver'
    const driver = Neo4jHA.driver.driver(input.uri)
    for (let n = 0; n < 2; n++) {
      const session = driver.session({ defaultAccessMode: 'READ', database: 'neo4j' })
      await session.run('RETURN 1').then(() => console.log('served'), () => console.log('refused'))
      await session.close()
    }
    await driver.close()`,
    { input: { uri: cluster.uri.replace('neo4j:', 'neo4j+s:') }, env: { NODE_EXTRA_CA_CERTS: ca.file } }
  )
  assert.ok(stdout.includes('served'), stdout)
  assert.ok(cluster.members[1].queries().length > 0)
  assert.equal(cluster.members[2].handshakes.length, 0)
})
