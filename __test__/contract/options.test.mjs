// Values of options as people have them in their configuration, and what a wrong one comes to, beside neo4j-driver.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { networkInterfaces } from 'node:os'
import { lastValueFrom } from 'rxjs'
import { boltServer, column, connect, failing, Neo4jHA, open, test } from '../support/contract.mjs'
import { failure } from '../support/scripted-server.mjs'

const official = createRequire(import.meta.url)('neo4j-driver')
const neo4j = Neo4jHA.driver
const { POSITIVE_INFINITY: forever } = Number

test('maxTransactionRetryTime: Infinity: a transaction function is tried again, and work goes on', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  server.on('ONCE', failure('Neo.TransientError.General.X'))
  const driver = connect(t, server.uri, undefined, {
    maxTransactionRetryTime: forever,
    connectionAcquisitionTimeout: forever,
    maxConnectionLifetime: forever,
    fetchSize: forever
  })
  let attempts = 0
  const work = tx => tx.run(++attempts === 1 ? 'ONCE' : 'UNWIND range(1, 3) AS n RETURN n')
  assert.deepEqual(column(await driver.session().executeRead(work)), [1, 2, 3])
  assert.equal(attempts, 2)
  assert.equal(server.received('PULL')[0].fields[0].n, -1)
})

test('the same of a pool', async t => {
  const server = await boltServer(t)
  const driver = open(t, server.uri, { neo4jDriverOptions: { maxTransactionRetryTime: forever } })
  assert.deepEqual(column(await driver.session().run('RETURN 1')), [1])
})

for (const huge of [2 ** 53, 1e300, Number.MAX_VALUE, forever]) {
  test(`a driver and a pool work whose options all say ${huge}`, async t => {
    const server = await boltServer(t)
    const settings = Object.fromEntries(
      [
        'maxTransactionRetryTime',
        'maxConnectionLifetime',
        'maxConnectionPoolSize',
        'connectionAcquisitionTimeout',
        'connectionLivenessCheckTimeout',
        'connectionTimeout',
        'connectionLossTimeout',
        'fetchSize'
      ].map(option => [option, huge])
    )
    const pool = open(t, [server.uri], {
      checkInterval: huge,
      checkTimeout: huge,
      unresponsiveTimeout: huge,
      retryOnError: huge,
      neo4jDriverOptions: settings
    })
    for (const driver of [connect(t, server.uri, undefined, settings), pool]) {
      const session = driver.session({ fetchSize: huge })
      assert.deepEqual(column(await session.executeWrite(tx => tx.run('RETURN 1'))), [1])
      assert.deepEqual(column(await session.run('RETURN 1')), [1])
      await session.close()
    }
  })
}

test('a timeout of Infinity is none, as in neo4j-driver; the longest Integer is the longest number', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const session = connect(t, server.uri).session()
  await session.run('RETURN 1', {}, { timeout: forever })
  await session.executeRead(tx => tx.run('RETURN 1'), { timeout: neo4j.int('9223372036854775807') })
  assert.equal(server.received('RUN')[0].fields[2].tx_timeout, 0)
  assert.equal(BigInt(server.received('BEGIN')[0].fields[0].tx_timeout), BigInt(Number.MAX_SAFE_INTEGER))
})

test('white space around a URI does no harm', async t => {
  const server = await boltServer(t)
  for (const uri of [`${server.uri}\n`, ` ${server.uri}\t`]) {
    assert.deepEqual(column(await connect(t, uri).session().run('RETURN 1')), [1])
    assert.deepEqual(column(await open(t, [uri]).session().run('RETURN 1')), [1])
    assert.deepEqual(
      column(
        await open(t, [{ bolt: uri }])
          .session()
          .run('RETURN 1')
      ),
      [1]
    )
    assert.equal(await neo4j.hasReachableServer(uri), true)
  }
})

test('an IPv6 address may have a zone, written either way', async t => {
  for (const uri of ['bolt://[fe80::1%25lo]:7687', 'neo4j+s://[fe80::1%eth0.5]']) {
    connect(t, uri)
    const ha = open(t, uri)
    assert.equal(ha.servers[0].location.bolt, uri)
  }
  for (const uri of ['bolt://[fe80::1%]:7687', 'bolt://[fe80::zz%lo]:7687']) {
    assert.throws(() => neo4j.driver(uri), { name: 'TypeError', message: /Bolt URL takes a Bolt URI/ })
  }
})

const linkLocal = Object.entries(networkInterfaces())
  .flatMap(([name, addresses]) => addresses.map(address => ({ name, ...address })))
  .find(({ address }) => address.startsWith('fe80:'))

test('a server is reached by the address of a zone', { skip: linkLocal === undefined }, async t => {
  const { name, address } = linkLocal
  const server = await boltServer(t, { host: `${address}%${name}` })
  for (const zone of [name, `25${name}`]) {
    const driver = connect(t, `bolt://[${address}%${zone}]:${server.port}`)
    const { records, summary } = await driver.session().run('RETURN 1')
    assert.deepEqual(column({ records }), [1])
    assert.equal(summary.server.address, `[${address}%${name}]:${server.port}`)
  }
})

// ---- what is wrong ----

const doors = {
  'session.run': (driver, config) => driver.session().run('RETURN 1', {}, config),
  'session.beginTransaction': (driver, config) => driver.session().beginTransaction(config),
  'session.executeRead': (driver, config) => driver.session().executeRead(tx => tx.run('RETURN 1'), config),
  'session.executeWrite': (driver, config) => driver.session().executeWrite(tx => tx.run('RETURN 1'), config),
  executeQuery: (driver, config) => driver.executeQuery('RETURN 1', {}, { transactionConfig: config }),
  'rxSession.run': (driver, config) =>
    lastValueFrom(driver.rxSession().run('RETURN 1', {}, config).records(), { defaultValue: null }),
  'rxSession.beginTransaction': (driver, config) =>
    lastValueFrom(driver.rxSession().beginTransaction(config)),
  'rxSession.executeRead': (driver, config) =>
    lastValueFrom(driver.rxSession().executeRead(tx => tx.run('RETURN 1').records(), config))
}

/** How a call with a wrong argument ends: it throws, or its promise rejects, with what error. */
const ends = async call => {
  let promise
  try {
    promise = call()
  } catch ({ name, message }) {
    return { throws: `${name}: ${message}` }
  }
  const { name, message } = await failing(promise)
  return { rejects: `${name}: ${message}` }
}

for (const [door, call] of Object.entries(doors)) {
  test(`a wrong transaction config ends as in neo4j-driver, and nothing is sent: ${door}`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    for (const config of [
      'x',
      5,
      [1],
      { timeout: '5' },
      { timeout: -1 },
      { timeout: {} },
      { metadata: 'x' },
      { metadata: [1] },
      { metadata: 5 }
    ]) {
      const theirs = official.driver(server.uri)
      t.after(() => theirs.close())
      const seen = await ends(() => call(connect(t, server.uri), config))
      assert.deepEqual(seen, await ends(() => call(theirs, config)), JSON.stringify(config))
    }
    assert.equal(server.received('RUN').length + server.received('BEGIN').length, 0)
  })
}

test('metadata that cannot be sent is named', async t => {
  const { uri } = await boltServer(t)
  const session = connect(t, uri).session()
  assert.throws(() => session.run('RETURN 1', {}, { metadata: { app: { f() {} } } }), {
    name: 'Neo4jError',
    message: 'metadata.app.f cannot be sent: it is a function'
  })
})

test('retriable is set on every error, as retryable is', async t => {
  const server = await boltServer(t, { versions: ['5.8'] })
  server.on('BAD', failure('Neo.ClientError.Statement.SyntaxError'))
  server.on('AGAIN', failure('Neo.TransientError.General.X'))
  server.when('RUN', exchange => exchange.reset()).query(/LOST/)
  const driver = connect(t, server.uri, undefined, { maxTransactionRetryTime: 0 })
  const closed = driver.session()
  await closed.close()
  const busy = driver.session()
  const tx = await busy.beginTransaction()
  const refused = connect(t, 'bolt://127.0.0.1:1')
  const errors = {
    server: () => driver.session().run('BAD'),
    transient: () => driver.session().run('AGAIN'),
    lost: () => driver.session().run('LOST'),
    managed: () => driver.session().executeWrite(tx => tx.run('AGAIN')),
    parameter: () => driver.session().run('RETURN 1', { f() {} }),
    parameters: () => driver.session().run('RETURN 1', new Date()),
    closed: () => closed.run('RETURN 1'),
    busy: () => busy.run('RETURN 1'),
    refused: () => refused.session().run('RETURN 1'),
    connectivity: () => refused.verifyConnectivity(),
    mode: async () => driver.session({ defaultAccessMode: 'x' }),
    field: async () => (await driver.session().run('RETURN 1 AS n')).records[0].get('m')
  }
  const retriable = {}
  for (const [name, work] of Object.entries(errors)) {
    const error = await failing(work())
    assert.ok(error instanceof neo4j.Neo4jError, `${name}: ${error}`)
    assert.equal(typeof error.retriable, 'boolean', name)
    assert.equal(error.retriable, error.retryable, name)
    retriable[name] = error.retriable
  }
  assert.deepEqual(
    Object.keys(retriable).filter(name => retriable[name]),
    ['transient', 'managed', 'refused', 'connectivity']
  )
  await tx.rollback()
})

// ---- parameterConversion ----

const entries = new Map([['a', 'b']])
const doorsOfParameters = {
  run: driver => driver.session().run('RETURN $x', { x: entries }),
  'a Query': driver => driver.session().run({ text: 'RETURN $x', parameters: { x: entries } }),
  transaction: async driver => {
    const tx = await driver.session().beginTransaction()
    await tx.run('RETURN $x', { x: entries })
    await tx.commit()
  },
  executeWrite: driver => driver.session().executeWrite(tx => tx.run('RETURN $x', { x: entries })),
  executeQuery: driver => driver.executeQuery('RETURN $x', { x: entries }),
  rx: driver => lastValueFrom(driver.rxSession().run('RETURN $x', { x: entries }).records())
}

test('parameterConversion is of a driver and of a pool, wherever parameters are given', async t => {
  const config = { parameterConversion: 'neo4j-driver' }
  for (const [door, send] of Object.entries(doorsOfParameters)) {
    const server = await boltServer(t, { versions: ['5.4'] })
    await send(connect(t, server.uri, undefined, config))
    await send(open(t, server.uri, { neo4jDriverOptions: config }))
    await send(connect(t, server.uri))
    assert.deepEqual(
      server.received('RUN').map(({ fields }) => fields[1].x),
      [[['a', 'b']], [['a', 'b']], { a: 'b' }],
      door
    )
  }
})

test('parameterConversion is of the metadata of transactions, too', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const metadata = { when: new Date() }
  const driver = connect(t, server.uri, undefined, { parameterConversion: 'neo4j-driver' })
  await driver.session().run('RETURN 1', {}, { metadata })
  await driver.session().executeRead(tx => tx.run('RETURN 1'), { metadata })
  assert.deepEqual(server.received('RUN')[0].fields[2].tx_metadata, { when: {} })
  await driver.executeQuery('RETURN 1', {}, { transactionConfig: { metadata } })
  const begun = server.received('BEGIN').map(({ fields }) => fields[0].tx_metadata)
  assert.deepEqual(begun, [{ when: {} }, { when: {} }])
})

test('parameterConversion takes neo4j-driver, or nothing', () => {
  assert.throws(() => neo4j.driver('bolt://a', undefined, { parameterConversion: 'theirs' }), {
    name: 'TypeError',
    message: "config.parameterConversion takes 'neo4j-driver', or nothing; it was 'theirs'"
  })
})
