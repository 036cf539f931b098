// The methods of a driver, as neo4j-driver 6 has them; a Neo4jHA has them all itself.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { boltServer, cluster, column, failing, Neo4jHA, ready, test } from '../support/contract.mjs'
import { failure, rows } from '../support/scripted-server.mjs'
import { within } from '../support/until.mjs'

const { driver: neo4j } = Neo4jHA

const connect = async (t, { versions = ['5.8'], config = {}, token, ...options } = {}) => {
  const server = await boltServer(t, { versions, ...options })
  const driver = neo4j.driver(server.uri, token, config)
  t.after(() => within(driver.close(), 5000, 'driver.close()'))
  return { server, driver }
}

/** The same checks for both kinds of driver, each with the server that does the work. */
const kinds = {
  'a driver': connect,
  'a Neo4jHA': async (t, { config = {} } = {}) => {
    const group = await cluster(t, { versions: ['5.8'] })
    const driver = await ready(t, group.servers, {
      rwConfig: Neo4jHA.HAReadWrite.masterOnly,
      neo4jDriverOptions: config
    })
    return { server: group.members[0].bolt, driver }
  }
}

for (const [kind, start] of Object.entries(kinds)) {
  test(`executeQuery gives keys, records and summary of a query in a transaction of its own: ${kind}`, async t => {
    const { server, driver } = await start(t)
    const result = await driver.executeQuery('RETURN $x AS x', { x: 'one' })
    assert.ok(result instanceof neo4j.EagerResult)
    assert.deepEqual(result.keys, ['x'])
    assert.equal(result.records[0].get('x'), 'one')
    assert.equal(result.summary.query.text, 'RETURN $x AS x')
    assert.equal(server.received('BEGIN').length, 1)
    assert.equal(server.received('COMMIT').length, 1)
  })

  test(`executeQuery tells the server routing, database, user, timeout and metadata: ${kind}`, async t => {
    const { server, driver } = await start(t)
    await driver.executeQuery(
      'RETURN 1',
      {},
      {
        routing: neo4j.routing.READ,
        database: 'books',
        impersonatedUser: 'ada',
        transactionConfig: { timeout: 4321, metadata: { app: 'test' } }
      }
    )
    const [begin] = server.received('BEGIN')
    const { mode, db, imp_user, tx_timeout, tx_metadata } = begin.fields[0]
    assert.deepEqual(
      { mode, db, imp_user, timeout: Number(tx_timeout), tx_metadata },
      { mode: 'r', db: 'books', imp_user: 'ada', timeout: 4321, tx_metadata: { app: 'test' } }
    )
    await driver.executeQuery('RETURN 1')
    assert.notEqual(server.received('BEGIN')[1].fields[0].mode, 'r')
  })

  test(`executeQuery gives what its result transformer makes: ${kind}`, async t => {
    const { driver } = await start(t)
    const { resultTransformers } = neo4j
    const query = 'UNWIND range(1, 4) AS n RETURN n'
    const run = resultTransformer => driver.executeQuery(query, {}, { resultTransformer })
    const mapped = await run(
      resultTransformers.mapped({
        map: record => Number(record.get('n')) * 10,
        collect: (records, summary, keys) => ({ records, type: summary.queryType, keys })
      })
    )
    assert.deepEqual(mapped, { records: [10, 20, 30, 40], type: 'r', keys: ['n'] })
    assert.equal(Number((await run(resultTransformers.first())).get('n')), 1)
    assert.equal((await run(resultTransformers.summary())).queryType, 'r')
    class Row {
      n
    }
    const hydrated = await run(resultTransformers.hydrated(Row))
    assert.ok(hydrated.records[3] instanceof Row)
    assert.equal(Number(hydrated.records[3].n), 4)
    assert.equal(await run(async result => (await result).records.length), 4)
  })

  test(`executeQuery tries again after a transient error: ${kind}`, async t => {
    const { server, driver } = await start(t)
    let attempts = 0
    server.on('RETURN again', () =>
      ++attempts < 2 ? failure('Neo.TransientError.Transaction.DeadlockDetected') : rows([attempts])
    )
    assert.deepEqual(column(await driver.executeQuery('RETURN again')), [2])
  })

  test(`queries of executeQuery are chained, through one manager or none: ${kind}`, async t => {
    const { server, driver } = await start(t)
    const sent = () => server.received('BEGIN').at(-1).fields[0].bookmarks ?? []
    await driver.executeQuery('CREATE (n)')
    assert.deepEqual(sent(), [])
    const first = server.lastBookmark
    await driver.executeQuery('RETURN 1')
    assert.deepEqual(sent(), [first])
    const second = server.lastBookmark
    await driver.executeQuery('RETURN 1', {}, { bookmarkManager: null })
    assert.deepEqual(sent(), [])
    const session = driver.session({ bookmarkManager: driver.executeQueryBookmarkManager })
    await session.executeRead(tx => tx.run('RETURN 1'))
    assert.deepEqual(sent(), [second])
    await session.close()
    const own = neo4j.bookmarkManager({ initialBookmarks: ['FB:own'] })
    await driver.executeQuery('RETURN 1', {}, { bookmarkManager: own })
    assert.deepEqual(sent(), ['FB:own'])
    assert.deepEqual([...(await own.getBookmarks())], [server.lastBookmark])
  })

  test(`executeQuery refuses a routing that there is not, and what is no query: ${kind}`, async t => {
    const { driver } = await start(t)
    const error = await failing(driver.executeQuery('RETURN 1', {}, { routing: 'BOTH' }))
    assert.match(error.message, /Illegal query routing config: "BOTH"/)
    assert.ok((await failing(driver.executeQuery(7))) instanceof TypeError)
  })

  test(`getServerInfo says address, agent and version: ${kind}`, async t => {
    const { server, driver } = await start(t)
    const info = await driver.getServerInfo()
    assert.ok(info instanceof neo4j.ServerInfo)
    assert.equal(info.address, `127.0.0.1:${server.port}`)
    assert.equal(info.agent, server.agent)
    assert.equal(String(info.protocolVersion), '5.8')
    assert.equal(String(await driver.getNegotiatedProtocolVersion()), '5.8')
    assert.equal(await driver.verifyConnectivity(), undefined)
    assert.equal(driver.isEncrypted(), false)
  })

  test(`await using closes ${kind}`, async t => {
    const { driver } = await start(t)
    await driver[Symbol.asyncDispose]()
    assert.match((await failing(driver.verifyConnectivity())).message, /closed/)
    assert.throws(() => driver.session(), /closed/)
    await driver.close()
  })
}

for (const [version, multiDb, transactionConfig, impersonation, sessionAuth] of [
  ['1.0', false, false, false, false],
  ['2.0', false, false, false, false],
  ['3.0', false, true, false, false],
  ['4.0', true, true, false, false],
  ['4.3', true, true, false, false],
  ['4.4', true, true, true, false],
  ['5.0', true, true, true, false],
  ['5.1', true, true, true, true],
  ['6.1', true, true, true, true]
]) {
  test(`what a server of Bolt ${version} supports`, async t => {
    const { driver } = await connect(t, { versions: [version] })
    assert.deepEqual(
      {
        multiDb: await driver.supportsMultiDb(),
        transactionConfig: await driver.supportsTransactionConfig(),
        impersonation: await driver.supportsUserImpersonation(),
        sessionAuth: await driver.supportsSessionAuth()
      },
      { multiDb, transactionConfig, impersonation, sessionAuth }
    )
    assert.equal(String(await driver.getNegotiatedProtocolVersion()), version)
  })
}

for (const [neo4jVersion, versions, handshakes] of [
  ['3.5', ['1.0', '2.0', '3.0'], ['3.0', '2.0', '3.0']],
  ['4.1', ['1.0', '2.0', '3.0', '4.0', '4.1'], ['3.0', '4.1', '4.1']]
]) {
  test(`the best version of Neo4j ${neo4jVersion} is asked for once, and remembered`, async t => {
    const { driver, server } = await connect(t, { versions })
    for (const _ of [1, 2]) {
      assert.equal(String(await driver.getNegotiatedProtocolVersion()), versions.at(-1))
    }
    assert.deepEqual(
      server.handshakes.map(({ agreed }) => agreed),
      handshakes
    )
  })
}

test('what a server supports is told to whoever asks, without a login', async t => {
  const token = neo4j.auth.basic('neo4j', 'wrong')
  const { server, driver } = await connect(t, { auth: { user: 'neo4j', pass: 'right' }, token })
  assert.equal(await driver.supportsMultiDb(), true)
  assert.equal(await neo4j.hasReachableServer(server.uri), true)
  assert.equal(server.received('HELLO').length, 0)
})

test('verifyConnectivity of a server that is not there rejects, and says which', async t => {
  const free = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => free.once('listening', resolve))
  const { port } = free.address()
  await new Promise(resolve => free.close(resolve))
  const driver = neo4j.driver(`bolt://127.0.0.1:${port}`)
  t.after(() => driver.close())
  const error = await failing(driver.verifyConnectivity())
  assert.equal(error.code, neo4j.error.SERVICE_UNAVAILABLE)
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}`))
  assert.equal((await failing(neo4j.hasReachableServer(`bolt://127.0.0.1:${port}`))).code, error.code)
})

test('verifyAuthentication tells who is let in', async t => {
  const auth = { user: 'neo4j', pass: 'right' }
  const { server, driver } = await connect(t, { auth, token: neo4j.auth.basic('neo4j', 'right') })
  assert.equal(await driver.verifyAuthentication(), true)
  assert.equal(await driver.verifyAuthentication({ auth: neo4j.auth.basic('neo4j', 'right') }), true)
  assert.equal(await driver.verifyAuthentication({ auth: neo4j.auth.basic('neo4j', 'wrong') }), false)
  assert.equal(await neo4j.hasReachableServer(server.uri), true)
})
