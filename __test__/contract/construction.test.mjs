// drop-in: "new Neo4jHA(servers, options, readyCallback)".
import assert from 'node:assert/strict'
import { boltServer, cluster, column, member, Neo4jHA, open, ready, test } from '../support/contract.mjs'
import { bolt } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const secret = { user: 'neo4j', pass: 'secret' }
const other = { user: 'other', pass: 'word' }

const serves = async (driver, write = true) => column(await driver.session(write).run('RETURN 1'))

test('locations may be arrays of [httpUrl, boltUrl]', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  assert.deepEqual(await serves(driver), [1])
  assert.deepEqual(
    driver.servers.map(({ location }) => [location.url, location.bolt]),
    members.map(({ location }) => location)
  )
})

test('locations may be objects {url, bolt, auth}', async t => {
  const { members } = await cluster(t, { auth: secret })
  const driver = await ready(
    t,
    members.map(({ url, uri }) => ({ url, bolt: uri, auth: secret }))
  )
  assert.deepEqual(await serves(driver), [1])
  assert.equal(driver.servers[0].location.auth.user, 'neo4j')
})

test('a URI string is enough where there is no HTTP URL', async t => {
  for (const versions of [bolt.neo4j34, bolt.neo4j35, bolt.neo4j526]) {
    const server = await boltServer(t, { versions })
    const driver = await ready(t, server.uri)
    assert.equal(driver.servers.length, 1)
    assert.equal(driver.servers[0].location.bolt, server.uri)
    assert.deepEqual(await serves(driver), [1])
    assert.deepEqual(await serves(driver, false), [1])
  }
})

test('an array of URIs is an array of servers', async t => {
  const servers = [await boltServer(t, {}), await boltServer(t, {})]
  const driver = await ready(
    t,
    servers.map(({ uri }) => uri)
  )
  assert.equal(driver.servers.length, 2)
  assert.deepEqual(await serves(driver, false), [1])
})

test('every scheme is taken: bolt and neo4j, with +s and +ssc', t => {
  for (const scheme of ['bolt', 'bolt+s', 'bolt+ssc', 'neo4j', 'neo4j+s', 'neo4j+ssc']) {
    const driver = open(t, `${scheme}://127.0.0.1:1`)
    assert.equal(driver.servers[0].location.bolt, `${scheme}://127.0.0.1:1`)
  }
})

test('options may be left out', async t => {
  const { servers } = await cluster(t)
  const driver = new Neo4jHA(servers)
  t.after(() => driver.close())
  assert.deepEqual(await serves(driver), [1])
})

test('the ready callback is called without arguments after the first check of all servers', async t => {
  const { servers, members } = await cluster(t)
  members[2].delay = 60
  const seen = await new Promise(resolve => {
    const driver = open(t, servers, {}, (...words) => resolve({ words, driver }))
    assert.equal(driver.servers[0].info, null)
  })
  assert.deepEqual(seen.words, [])
  assert.ok(seen.driver.servers.every(({ info }) => info !== null))
})

test('options and servers are never written into', async t => {
  const { servers, members } = await cluster(t, { auth: secret })
  const deepFreeze = value => {
    for (const inner of Object.values(value)) if (typeof inner === 'object' && inner) deepFreeze(inner)
    return Object.freeze(value)
  }
  const options = { auth: { ...secret }, checkInterval: 30, neo4jDriverOptions: { maxConnectionPoolSize: 3 } }
  const locations = [servers[0], servers[1], { url: members[2].url, bolt: members[2].uri }]
  const before = structuredClone({ options, locations })
  const driver = new Neo4jHA(deepFreeze(locations), deepFreeze(options))
  t.after(() => driver.close())
  assert.deepEqual(await serves(driver), [1])
  assert.deepEqual({ options, locations }, before)
})

test('options.auth is taken by array locations, and by object locations without their own', async t => {
  const [array, object] = [
    await member(t, { auth: secret }),
    await member(t, { auth: secret, role: 'slave' })
  ]
  const own = await member(t, { auth: other, role: 'slave' })
  const driver = await ready(
    t,
    [array.location, { url: object.url, bolt: object.uri }, { url: own.url, bolt: own.uri, auth: other }],
    { auth: secret, rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly, strategy: 1 }
  )
  for (const { info } of driver.servers) assert.equal(info.status, Neo4jHA.Status.up)
  assert.deepEqual(await serves(driver, true), [1])
  assert.deepEqual(await serves(driver, false), [1])
  assert.deepEqual(await serves(driver, false), [1])
  assert.deepEqual(
    [array, object, own].map(({ bolt: server }) => server.queries().length),
    [1, 1, 1]
  )
})

test('auth may be any token of neo4j.auth', async t => {
  const { auth } = Neo4jHA.driver
  const basic = await member(t, { auth: secret })
  assert.deepEqual(
    await serves(await ready(t, [basic.location], { auth: auth.basic('neo4j', 'secret') })),
    [1]
  )
  const bearer = await boltServer(t, {
    versions: bolt.neo4j526,
    auth: { scheme: 'bearer', user: '', pass: 'token' }
  })
  assert.deepEqual(await serves(await ready(t, bearer.uri, { auth: auth.bearer('token') })), [1])
})

test('auth may be an auth token manager', async t => {
  const { auth, authTokenManagers } = Neo4jHA.driver
  const { servers } = await cluster(t, { auth: secret })
  let asked = 0
  const manager = authTokenManagers.basic({
    tokenProvider: async () => {
      asked++
      return auth.basic('neo4j', 'secret')
    }
  })
  const driver = await ready(t, servers, { auth: manager })
  assert.deepEqual(await serves(driver), [1])
  assert.ok(asked > 0)
})

test('without auth no credentials are sent', async t => {
  const { servers, members } = await cluster(t)
  await serves(await ready(t, servers))
  assert.equal(members[0].checks[0].headers.authorization, undefined)
  const [hello] = members[0].bolt.received('HELLO')
  assert.equal(hello.fields.at(-1).scheme, 'none')
})

test('strategy may be a number or a function; rwConfig a preset or an object of that shape', async t => {
  const { servers } = await cluster(t)
  const rwConfig = { master: { read: true, write: true }, slave: { read: false, write: false } }
  for (const strategy of [0, 1, 2, candidates => candidates[0]]) {
    const driver = await ready(t, servers, { strategy, rwConfig })
    const result = await driver.session(false).run('RETURN 1')
    assert.equal(result.servedBy.location.url, servers[0][0])
  }
})

test('rwConfig is masterReadWriteSlaveRead, strategy random by default', async t => {
  const { servers, members, served } = await cluster(t)
  const driver = await ready(t, servers)
  for (let n = 0; n < 40; n++) await driver.session(false).run('RETURN 1')
  assert.deepEqual([...new Set(served(/RETURN 1/))].sort(), [0, 1, 2])
  const readsInTurn = served(/RETURN 1/).every((index, n, all) => n === 0 || index === (all[n - 1] + 1) % 3)
  assert.equal(readsInTurn, false)
  for (let n = 0; n < 10; n++) await driver.session(true).run('RETURN 2')
  assert.equal(members[0].bolt.queries(/RETURN 2/).length, 10)
})

test('checkInterval is 500 ms by default', async t => {
  const { servers, members } = await cluster(t, { roles: ['master'] })
  const driver = new Neo4jHA(servers)
  t.after(() => driver.close())
  await until(() => members[0].checks.length >= 4)
  const [, second, , fourth] = members[0].checks
  const gap = (fourth.at - second.at) / 2
  assert.ok(gap > 350 && gap < 800, `${gap} ms between two checks`)
})

test('what 1.2.3 took for "not given" still is: undefined, and null', async t => {
  const { servers } = await cluster(t)
  for (const nothing of [undefined, null]) {
    const driver = new Neo4jHA(servers, {
      auth: nothing,
      strategy: nothing,
      rwConfig: nothing,
      checkInterval: nothing,
      badConnectionsCountAsErrors: nothing,
      neo4jDriverOptions: nothing,
      retryOnError: undefined
    })
    t.after(() => driver.close())
    assert.deepEqual(await serves(driver), [1])
  }
})

test('neo4jDriverOptions takes every option of neo4j-driver 6', t => {
  const neo4jDriverOptions = {
    encrypted: 'ENCRYPTION_OFF',
    trust: 'TRUST_ALL_CERTIFICATES',
    fetchSize: 500,
    maxConnectionPoolSize: 10,
    maxTransactionRetryTime: 1000,
    maxConnectionLifetime: 60_000,
    connectionAcquisitionTimeout: 5000,
    connectionLivenessCheckTimeout: 1000,
    connectionTimeout: 2000,
    disableLosslessIntegers: true,
    disableAutoCommitRetries: false,
    logging: Neo4jHA.driver.logging.console('error'),
    resolver: address => [address],
    userAgent: 'my-app/1',
    telemetryDisabled: true,
    notificationFilter: { minimumSeverityLevel: 'WARNING' }
  }
  open(t, [['http://127.0.0.1:1', 'bolt://127.0.0.1:1']], { neo4jDriverOptions })
  open(t, [['http://127.0.0.1:1', 'bolt://127.0.0.1:1']], { neo4jDriverOptions: { useBigInt: true } })
})

const location = ['http://127.0.0.1:1', 'bolt://127.0.0.1:1']

for (const [what, servers] of [
  ['nothing', undefined],
  ['null', null],
  ['a number', 7],
  ['an empty array', []],
  ['an array without a bolt URL', [['http://127.0.0.1:1']]],
  ['an empty object', [{}]],
  ['an object without a bolt URL', [{ url: 'http://127.0.0.1:1' }]],
  ['URLs of the wrong scheme', [['http://127.0.0.1:1', 'http://127.0.0.1:1']]],
  ['URLs in the wrong order', [['bolt://127.0.0.1:1', 'http://127.0.0.1:1']]],
  ['no URL at all', ['what is this']],
  ['a null among the locations', [location, null]],
  ['a port out of range', [['http://127.0.0.1:1', 'bolt://127.0.0.1:99999']]]
]) {
  test(`bad input: servers given ${what} is an error that names servers`, () => {
    assert.throws(() => new Neo4jHA(servers, {}).close(), { name: /Error/, message: /servers?\b/i })
  })
}

for (const [option, ...values] of [
  ['auth', 7, 'neo4j', { user: 'neo4j' }, { user: 1, pass: 'x' }],
  ['strategy', 3, -1, 0.5, '1', {}, Number.NaN],
  ['rwConfig', 'all', 5, {}, { master: { read: true, write: true } }],
  ['checkInterval', -1, 'soon', Number.NEGATIVE_INFINITY, {}],
  ['retryOnError', -1, 'ten', Number.NaN, {}],
  ['badConnectionsCountAsErrors', 'yes', {}],
  ['retryUnknownOutcome', 'yes', {}],
  ['neo4jDriverOptions', 7, 'x']
]) {
  for (const value of values) {
    const shown = typeof value === 'number' ? String(value) : JSON.stringify(value)
    test(`bad input: ${option} given ${shown} is an error that names ${option}`, () => {
      assert.throws(() => new Neo4jHA([location], { [option]: value }).close(), {
        name: /Error/,
        message: new RegExp(`\\b${option}\\b`)
      })
    })
  }
}

for (const [option, value] of [
  ['maxConnectionPoolSize', 'many'],
  ['fetchSize', 0],
  ['connectionTimeout', 'soon'],
  ['maxTransactionRetryTime', -1],
  ['trust', 'TRUST_NOBODY'],
  ['trustedCertificates', 7],
  ['encrypted', 'ENCRYPTION_MAYBE']
]) {
  test(`bad input: neo4jDriverOptions.${option} given ${JSON.stringify(value)} is an error that names it`, () => {
    assert.throws(() => new Neo4jHA([location], { neo4jDriverOptions: { [option]: value } }).close(), {
      message: new RegExp(`\\b${option}\\b`)
    })
  })
}

test('bad input: a ready callback that is no function, options that are no object', () => {
  assert.throws(() => new Neo4jHA([location], {}, 'ready').close(), /callback/i)
  assert.throws(() => new Neo4jHA([location], 'options').close(), /options/)
})

test('an error at construction leaves nothing behind: no check is ever sent', async t => {
  const refused = await cluster(t)
  assert.throws(() => new Neo4jHA(refused.servers, { checkInterval: 20, retryOnError: -1 }))
  const clock = await cluster(t, { roles: ['master'] })
  await ready(t, clock.servers, { checkInterval: 20 })
  await until(() => clock.members[0].checks.length >= 5)
  assert.ok(refused.members.every(one => one.http.total === 0 && one.checks.length === 0))
})
