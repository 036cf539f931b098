// Parameters of a login: whoever gives them, they keep their types, and what cannot be sent is named.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { ask, boltServer, connect, failing, Neo4jHA, open, test } from '../support/contract.mjs'
import { until } from '../support/until.mjs'

const official = createRequire(import.meta.url)('neo4j-driver')
const neo4j = Neo4jHA.driver

const parametersIn = ({ int, types }) => ({
  small: int(3),
  large: int('9007199254740993'),
  big: 2n ** 60n,
  float: 1.5,
  whole: 4,
  text: 'é',
  yes: true,
  none: null,
  left: undefined,
  date: new types.Date(2020, 1, 2),
  time: new types.Time(1, 2, 3, 4, 3600),
  offset: new types.DateTime(2020, 1, 2, 3, 4, 5, 6, 3600),
  zone: new types.DateTime(2020, 7, 2, 3, 4, 5, 6, 7200, 'Europe/Berlin'),
  duration: new types.Duration(1, 2, 3, 4),
  point: new types.Point(7203, 1, 2),
  map: { list: [int(1), 'x', true, null, [int(2)]] }
})
const token = neo4j => neo4j.auth.custom('user', 'word', 'realm', 'mine', parametersIn(neo4j))
const manager = value => ({ getToken: async () => value, handleSecurityException: () => false })
const logins = server =>
  server.messages
    .filter(
      ({ kind, fields }) => ['INIT', 'HELLO', 'LOGON'].includes(kind) && fields.at(-1).scheme === 'mine'
    )
    .map(({ fields }) => fields.at(-1).parameters)

/** Who may give a token: `(driver of a server, its uri, token)` works or verifies. */
const doors = {
  'the driver': (t, neo4j, uri) => ask(connectBy(t, neo4j, uri, token(neo4j))),
  'a manager': (t, neo4j, uri) => ask(connectBy(t, neo4j, uri, manager(token(neo4j)))),
  'a session': (t, neo4j, uri) => ask(connectBy(t, neo4j, uri), 'RETURN 1', { auth: token(neo4j) }),
  executeQuery: (t, neo4j, uri) =>
    connectBy(t, neo4j, uri).executeQuery('RETURN 1', {}, { auth: token(neo4j) }),
  verifyAuthentication: (t, neo4j, uri) =>
    connectBy(t, neo4j, uri).verifyAuthentication({ auth: token(neo4j) })
}

function connectBy(t, neo4j, uri, auth) {
  const driver = neo4j.driver(uri, auth)
  t.after(() => driver.close())
  return driver
}

/** What neo4j-driver sends. It does not speak Bolt 2, whose values are those of 3, and takes no null in the auth of a session. */
async function theirs(t, version) {
  const server = await boltServer(t, { versions: [version === '2.0' ? '3.0' : version] })
  await doors['the driver'](t, official, server.uri)
  return logins(server)[0]
}

for (const [version, names] of [
  ['2.0', ['the driver', 'a manager']],
  ['3.0', ['the driver']],
  ['4.4', ['the driver', 'a manager']],
  ['5.0', ['the driver']],
  ['5.4', Object.keys(doors)],
  ['6.1', Object.keys(doors)]
]) {
  for (const name of names) {
    test(`Bolt ${version}: auth parameters of ${name} are sent as neo4j-driver sends them`, async t => {
      const server = await boltServer(t, { versions: [version] })
      await doors[name](t, neo4j, server.uri)
      const [ours] = logins(server)
      assert.equal(ours.small, 3)
      assert.deepEqual(ours, await theirs(t, version))
    })
  }
}

/** Tokens that no function of `neo4j.auth` makes, by what is special about them. */
const plain = {
  'more properties': ({ int }) => ({ principal: 'u', credentials: 'w', tenant: 'blue', level: int(3) }),
  numbers: () => ({ principal: 12, credentials: 34.5 }),
  integers: ({ int }) => ({ principal: int(12), credentials: 34n }),
  nulls: () => ({ principal: null, credentials: null, realm: null, parameters: null }),
  'other types': () => ({ principal: true, credentials: { key: ['w'] }, realm: [] }),
  'parameters that are no map': () => ({ principal: 'u', credentials: 'w', parameters: 'text' }),
  undefined: () => ({ principal: undefined, credentials: 'w', tenant: undefined })
}
const tokens = server =>
  server.messages
    .map(({ fields }) => fields?.at(-1))
    .filter(map => map?.scheme === 'mine')
    .map(({ user_agent, routing, patch_bolt, ...token }) => token)
const tokenDoors = {
  'the driver': (t, driver, uri, auth, config) => ask(own(t, driver(uri, auth, config))),
  'a manager': (t, driver, uri, auth, config) => ask(own(t, driver(uri, manager(auth), config))),
  'a session': (t, driver, uri, auth, config) =>
    ask(own(t, driver(uri, undefined, config)), 'RETURN 1', { auth }),
  executeQuery: (t, driver, uri, auth, config) =>
    own(t, driver(uri, undefined, config)).executeQuery('RETURN 1', {}, { auth }),
  verifyAuthentication: (t, driver, uri, auth, config) =>
    own(t, driver(uri, undefined, config)).verifyAuthentication({ auth })
}

function own(t, driver) {
  t.after(() => driver.close())
  return driver
}

async function sent(t, door, { driver }, version, auth, config) {
  const server = await boltServer(t, { versions: [version] })
  await tokenDoors[door](t, driver, server.uri, { scheme: 'mine', ...auth }, config)
  return tokens(server)[0]
}

for (const [version, doors] of [
  ['4.4', ['the driver']],
  ['5.4', Object.keys(tokenDoors)]
]) {
  for (const door of doors) {
    for (const [what, make] of Object.entries(plain)) {
      test(`Bolt ${version}: a token of ${door} with ${what} is sent as neo4j-driver sends it`, async t => {
        const ours = await sent(t, door, neo4j, version, make(neo4j))
        assert.deepEqual(ours, await sent(t, 'the driver', official, version, make(official)))
        assert.equal(ours.scheme, 'mine')
      })
    }
  }
}

test('a pool sends every property of a token, and of the token of a member', async t => {
  const servers = [await boltServer(t), await boltServer(t)]
  const auth = { scheme: 'mine', principal: true, tenant: 'blue' }
  const driver = open(t, [servers[0].uri, { bolt: servers[1].uri, auth: { ...auth, tenant: 'green' } }], {
    auth
  })
  await driver.ready
  for (const { driver: own } of driver.servers) await ask(own)
  assert.deepEqual(tokens(servers[0])[0], auth)
  assert.deepEqual(tokens(servers[1])[0], { ...auth, tenant: 'green' })
})

for (const door of Object.keys(tokenDoors)) {
  test(`the parameters of a token of ${door} go by parameterConversion`, async t => {
    const make = () => ({
      parameters: { map: new Map([['a', 1]]), date: new Date(0), bytes: new Uint8Array([1, 2]) }
    })
    const config = { parameterConversion: 'neo4j-driver' }
    const ours = await sent(t, door, neo4j, '5.4', make(), config)
    assert.deepEqual(ours, await sent(t, 'the driver', official, '5.4', make()))
    assert.notDeepEqual(await sent(t, door, neo4j, '5.4', make()), ours)
  })
}

test('a property of a token that cannot be sent is named, and no secret is', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const bad = { scheme: 'mine', credentials: ['hidden', () => 'hidden'], tenant: 'hidden' }
  const driver = connect(t, server.uri)
  for (const work of [
    async () => neo4j.driver(server.uri, bad),
    async () => new Neo4jHA([server.uri], { auth: bad }),
    async () => driver.session({ auth: bad }),
    () => driver.executeQuery('RETURN 1', {}, { auth: bad }),
    () => ask(connect(t, server.uri, manager(bad)))
  ]) {
    const { message } = await failing(work())
    assert.match(message, /auth\.credentials\[1\] cannot be sent: it is a function/)
    assert.doesNotMatch(message, /hidden/)
  }
})

for (const scheme of [7, null]) {
  test(`a scheme of a manager that is ${scheme} is an error that names it`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    const { message } = await failing(ask(connect(t, server.uri, manager({ scheme, credentials: 'hidden' }))))
    assert.match(message, /auth\.scheme takes a string/)
    assert.doesNotMatch(message, /hidden/)
  })
}

test('what is no text of a token is in no log and no inspection', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const lines = []
  const logging = { level: 'debug', logger: (_, line) => lines.push(line) }
  const auth = { scheme: 'mine', principal: 'u', credentials: 918273645, tenant: 'hidden' }
  const driver = own(t, neo4j.driver(server.uri, auth, { logging }))
  await ask(driver)
  assert.doesNotMatch(lines.join('\n') + inspect(driver, { depth: 10, showHidden: true }), /918273645|hidden/)
})

test('each member of a pool gets the parameters of its own token', async t => {
  const servers = [await boltServer(t), await boltServer(t)]
  const auths = [1, 2].map(n => neo4j.auth.custom('u', 'w', 'r', 'mine', { n: neo4j.int(n) }))
  const driver = open(
    t,
    servers.map(({ uri }, i) => ({ bolt: uri, auth: [auths[0], manager(auths[1])][i] }))
  )
  await driver.ready
  for (const { driver: own } of driver.servers) await ask(own)
  for (const [i, server] of servers.entries()) {
    await until(() => logins(server).length > 0)
    assert.deepEqual(logins(server)[0], { n: i + 1 })
  }
})

test('a token of the same parameters is the same: nobody logs in anew', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const give = { getToken: async () => token(neo4j), handleSecurityException: () => false }
  const driver = connect(t, server.uri, give)
  await ask(driver)
  await ask(driver)
  assert.equal(logins(server).length, 1)
})

const circle = {}
circle.self = circle
for (const [what, value, why] of [
  ['a function', { deep: { f() {} } }, /parameters\.deep\.f cannot be sent: it is a function/],
  ['a symbol', { list: [1, Symbol('s')] }, /parameters\.list\[1\] cannot be sent: it is a symbol/],
  ['a circle', { circle }, /parameters\.circle\.self cannot be sent: it contains itself/],
  ['a bigint beyond 64 bits', { b: 2n ** 64n }, /parameters\.b cannot be sent/]
]) {
  test(`auth parameters with ${what} are an error that names them, wherever they are given`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    const bad = { scheme: 'mine', principal: 'u', credentials: 'w', parameters: value }
    const named = { name: 'Neo4jError', message: new RegExp(`auth\\.${why.source}`) }
    assert.throws(() => neo4j.driver(server.uri, bad), named)
    assert.throws(() => new Neo4jHA([server.uri], { auth: bad }), named)
    assert.throws(() => new Neo4jHA([{ bolt: server.uri, auth: bad }]), {
      message: new RegExp(`servers\\[0\\]\\.auth\\.${why.source}`)
    })
    const driver = connect(t, server.uri)
    assert.throws(() => driver.session({ auth: bad }), named)
    for (const work of [
      driver.executeQuery('RETURN 1', {}, { auth: bad }),
      driver.verifyAuthentication({ auth: bad }),
      ask(connect(t, server.uri, manager(bad)))
    ]) {
      assert.match((await failing(work)).message, named.message)
    }
    assert.equal(logins(server).length, 0)
  })
}

test('a type that the version lacks is an error that names the token', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const uuid = new neo4j.UUID(new Uint8Array(16))
  const auth = neo4j.auth.custom('u', 'w', 'r', 'mine', { uuid })
  for (const work of [ask(connect(t, server.uri, auth)), ask(connect(t, server.uri), 'RETURN 1', { auth })]) {
    assert.match((await failing(work)).message, /auth: a UUID cannot be sent over Bolt 5\.4/)
  }
})
