// What the options of a driver and of a session come to: on the wire, and in what the application sees.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { rank } from '../support/bolt-versions.mjs'
import { ask, boltServer, column, connect, failing, Neo4jHA, routing, test } from '../support/contract.mjs'
import { Float } from '../support/packstream.mjs'
import { bolt, gate, held } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const ten = 'UNWIND range(1, 10) AS n RETURN n'
const sizes = server => server.received('PULL').map(({ fields }) => fields[0].n)

// ---- fetchSize ----

test('fetchSize of the driver is the size of each PULL: of run, of transactions, of executeQuery', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri, undefined, { fetchSize: 4 })
  const session = driver.session()
  await session.run(ten)
  await session.executeRead(tx => tx.run(ten))
  await driver.executeQuery(ten)
  assert.deepEqual(sizes(server), Array(9).fill(4))
})

test('fetchSize of the session wins over the one of the driver; -1 is all at once', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri, undefined, { fetchSize: 4 })
  await ask(driver, ten, { fetchSize: 5 })
  await ask(driver, ten, { fetchSize: -1 })
  await driver.session({ fetchSize: 10 }).executeRead(tx => tx.run(ten))
  assert.deepEqual(sizes(server), [5, 5, -1, 10])
})

test('fetchSize is 1000 when nobody says otherwise', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  await ask(connect(t, server.uri))
  assert.deepEqual(sizes(server), [1000])
})

// ---- userAgent ----

for (const version of ['2.0', '3.0', '4.4', '5.2', '5.3', '6.1']) {
  test(`Bolt ${version}: userAgent names the application; bolt_agent, from 5.3, the driver`, async t => {
    const server = await boltServer(t, { versions: [version] })
    await ask(connect(t, server.uri, undefined, { userAgent: 'shop/1.2' }))
    await ask(connect(t, server.uri))
    const [mine, standard] = server.messages
      .filter(({ kind }) => kind === 'HELLO' || kind === 'INIT')
      .map(({ fields, name }) => (name === 'INIT' ? { user_agent: fields[0] } : fields[0]))
    assert.equal(mine.user_agent, 'shop/1.2')
    assert.match(standard.user_agent, /^[\w-]+\/\d/)
    if (rank(version) < 0x503) assert.equal(mine.bolt_agent, undefined)
    else {
      const { product, platform, language_details: details } = mine.bolt_agent
      assert.match(product, /^[\w-]+\/\d/)
      assert.ok(platform.length > 0)
      assert.match(details, /node/i)
      assert.deepEqual(standard.bolt_agent, mine.bolt_agent)
    }
  })
}

// ---- hints ----

for (const seconds of [0, -1, new Float(1.5), 'soon', null, [], 2n ** 60n]) {
  test(`a hint connection.recv_timeout_seconds of ${inspect(seconds)} does no harm`, async t => {
    const hints = { 'connection.recv_timeout_seconds': seconds, 'some.other': { deep: [1] } }
    const server = await boltServer(t, { versions: ['5.4'], hints })
    assert.deepEqual(column(await ask(connect(t, server.uri))), [1])
  })
}

// ---- connections ----

test('maxConnectionPoolSize is for each member of a cluster', async t => {
  const cluster = await routing(t, { versions: ['5.4'], cores: 1, replicas: 2 })
  cluster.table.readers = cluster.members.slice(1)
  const driver = connect(t, cluster.uri, undefined, { maxConnectionPoolSize: 2 })
  const open = gate()
  cluster.when('RUN', held(open))
  const read = { defaultAccessMode: neo4j.session.READ, database: 'neo4j' }
  const work = Array.from({ length: 10 }, () => ask(driver, 'RETURN 1', read))
  await until(() => cluster.served(/RETURN/).length === 4)
  open.open()
  await Promise.all(work)
  for (const { connections } of cluster.members) assert.ok(connections.max <= 2, `${connections.max}`)
})

test('connectionAcquisitionTimeout ends the wait for a connection, with an error that says so', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri, undefined, {
    maxConnectionPoolSize: 1,
    connectionAcquisitionTimeout: 200,
    connectionTimeout: 100
  })
  const tx = driver.session().beginTransaction()
  await tx.run('RETURN 1')
  const error = await within(failing(ask(driver)), 3000, 'the error')
  assert.match(error.message, /acquisition timed out|200 ?ms/i)
  await tx.commit()
  assert.deepEqual(column(await ask(driver)), [1])
})

test('connectionTimeout ends the attempt to connect to what accepts and says nothing', async t => {
  const server = await boltServer(t, { versions: ['5.4'], handshake: 'silent' })
  const driver = connect(t, server.uri, undefined, { connectionTimeout: 300, maxTransactionRetryTime: 0 })
  const error = await within(failing(ask(driver)), 4000, 'the error')
  assert.equal(error.code, neo4j.error.SERVICE_UNAVAILABLE)
  assert.ok(error.message.includes(server.address), error.message)
})

test('maxConnectionLifetime 0 makes a connection for each piece of work; by default they are used again', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const lasting = connect(t, server.uri)
  for (let n = 0; n < 3; n++) await ask(lasting)
  assert.equal(server.connections.total, 1)
  const fleeting = connect(t, server.uri, undefined, { maxConnectionLifetime: 1 })
  for (let n = 0; n < 3; n++) {
    await ask(fleeting)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  assert.equal(server.connections.total, 4)
})

test('connectionLivenessCheckTimeout 0 checks each connection before its use; by default none is', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const trusting = connect(t, server.uri)
  for (let n = 0; n < 3; n++) await ask(trusting)
  const before = server.received('RESET').length
  const careful = connect(t, server.uri, undefined, { connectionLivenessCheckTimeout: 0 })
  for (let n = 0; n < 3; n++) {
    await ask(careful)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  assert.ok(server.received('RESET').length - before >= 2)
})

// ---- integers ----

for (const [what, config, one, big] of [
  ['nothing', {}, neo4j.int(1), neo4j.int('9007199254740993')],
  ['disableLosslessIntegers', { disableLosslessIntegers: true }, 1, Number.POSITIVE_INFINITY],
  ['useBigInt', { useBigInt: true }, 1n, 9007199254740993n],
  ['both', { useBigInt: true, disableLosslessIntegers: true }, 1n, 9007199254740993n]
]) {
  test(`integers with ${what}: in records, in what nests, through executeQuery and run`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    server.on('INTEGERS', { fields: ['x'], records: [[{ one: 1, list: [1, 2n ** 53n + 1n] }]] })
    const driver = connect(t, server.uri, undefined, config)
    for (const { records } of [await ask(driver, 'INTEGERS'), await driver.executeQuery('INTEGERS')]) {
      assert.deepEqual(records[0].get('x'), { one, list: [one, big] })
    }
    const { summary } = await driver.executeQuery('CREATE (n)')
    assert.equal(Number(summary.counters.updates().nodesCreated), 1)
  })
}

// ---- sessions ----

for (const [option, ...values] of [
  ['defaultAccessMode', 'read', 'ILLEGAL', 1],
  ['fetchSize', 0, -2],
  ['bookmarks', 7, [7]]
]) {
  for (const value of values) {
    test(`session({${option}: ${inspect(value)}}) is refused`, async t => {
      const server = await boltServer(t, { versions: ['5.4'] })
      const driver = connect(t, server.uri)
      const error = await failing((async () => ask(driver, 'RETURN 1', { [option]: value }))())
      assert.match(error.message, new RegExp(`${option.slice(0, 7)}|mode|fetch size`, 'i'))
      assert.equal(server.received('RUN').length, 0)
    })
  }
}

for (const version of ['4.0', '4.4', '5.4', '5.8', '6.1']) {
  test(`Bolt ${version}: bolt:// and database: it is named in RUN and in BEGIN, and the summary has it`, async t => {
    const server = await boltServer(t, { versions: [version] })
    const driver = connect(t, server.uri)
    const session = driver.session({ database: 'sales' })
    const { summary } = await session.run('RETURN 1')
    await session.executeRead(tx => tx.run('RETURN 2'))
    await driver.executeQuery('RETURN 3', {}, { database: 'stock' })
    assert.equal(summary.database.name, 'sales')
    assert.deepEqual(
      server.received('RUN').map(({ fields }) => fields[2].db),
      ['sales', undefined, undefined]
    )
    assert.deepEqual(
      server.received('BEGIN').map(({ fields }) => fields[0].db),
      ['sales', 'stock']
    )
  })

  test(`Bolt ${version}: bolt:// without a database names none, whatever the server tells`, async t => {
    const server = await boltServer(t, { versions: [version], home: () => 'home' })
    const session = connect(t, server.uri).session()
    const { summary } = await session.run('RETURN 1')
    assert.equal(summary.database.name, 'home')
    await session.executeRead(tx => tx.run('RETURN 2'))
    await session.run('RETURN 3')
    assert.ok(server.received('RUN').every(({ fields }) => fields[2].db === undefined))
    assert.equal(server.received('BEGIN')[0].fields[0].db, undefined)
  })
}

for (const version of ['1.0', '3.0']) {
  test(`Bolt ${version} has no databases: naming one is an error that says so`, async t => {
    const server = await boltServer(t, { versions: [version] })
    const driver = connect(t, server.uri)
    for (const work of [
      () => ask(driver, 'RETURN 1', { database: 'sales' }),
      () => driver.executeQuery('RETURN 1', {}, { database: 'sales' })
    ]) {
      assert.match((await failing(work())).message, /database/i)
    }
    assert.equal(server.received('RUN').length, 0)
  })
}

for (const versions of [bolt.neo4j35, bolt.neo4j526]) {
  test(`transaction config is in RUN and in BEGIN: Bolt ${versions.at(-1)}`, async t => {
    const server = await boltServer(t, { versions })
    const driver = connect(t, server.uri)
    const config = { timeout: 1500, metadata: { app: 'shop', n: neo4j.int(1) } }
    const session = driver.session()
    await session.run('RETURN 1', {}, config)
    await session.executeRead(tx => tx.run('RETURN 1'), config)
    const tx = session.beginTransaction(config)
    await tx.run('RETURN 1')
    await tx.commit()
    await driver.executeQuery('RETURN 1', {}, { transactionConfig: config })
    const extras = [
      server.received('RUN')[0].fields[2],
      ...server.received('BEGIN').map(({ fields }) => fields[0])
    ]
    assert.equal(extras.length, 4)
    for (const { tx_timeout: timeout, tx_metadata: metadata } of extras) {
      assert.equal(Number(timeout), 1500)
      assert.deepEqual(metadata, { app: 'shop', n: 1 })
    }
  })
}

test('a timeout is rounded up to whole milliseconds; 0 is sent; nothing is not', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const session = connect(t, server.uri).session()
  for (const config of [{ timeout: 1.2 }, { timeout: 0 }, { timeout: neo4j.int(7) }, {}, undefined]) {
    await session.run('RETURN 1', {}, config)
  }
  assert.deepEqual(
    server.received('RUN').map(({ fields }) => fields[2].tx_timeout),
    [2, 0, 7, undefined, undefined]
  )
})

for (const config of [
  { timeout: -1 },
  { timeout: 'soon' },
  { metadata: 'text' },
  { metadata: 7 },
  'config'
]) {
  test(`a transaction config of ${inspect(config)} is refused`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    const session = connect(t, server.uri).session()
    for (const work of [
      async () => session.run('RETURN 1', {}, config),
      async () => session.executeRead(tx => tx.run('RETURN 1'), config),
      async () => session.beginTransaction(config)
    ]) {
      assert.match((await failing(work())).message, /timeout|metadata|config/i)
    }
    assert.equal(server.received('RUN').length + server.received('BEGIN').length, 0)
  })
}

for (const version of ['1.0', '2.0']) {
  test(`Bolt ${version} has no transaction config: giving one is an error that says so`, async t => {
    const server = await boltServer(t, { versions: [version] })
    const driver = connect(t, server.uri)
    for (const work of [
      () => driver.session().run('RETURN 1', {}, { timeout: 10 }),
      () => driver.session().executeRead(tx => tx.run('RETURN 1'), { metadata: { a: 1 } })
    ]) {
      assert.match((await failing(work())).message, /transaction (config|timeout|metadata)/i)
    }
    assert.equal(server.received('RUN').length, 0)
  })
}
