// Who the driver is to its servers: tokens on the wire, managers that rotate them, sessions of somebody else.
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { rank } from '../support/bolt-versions.mjs'
import {
  ask,
  boltServer,
  cluster,
  column,
  connect,
  failing,
  Neo4jHA,
  ready,
  routing,
  settle,
  test,
  warnings
} from '../support/contract.mjs'
import { bolt, gate, held } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const { auth } = neo4j
const unauthorized = 'Neo.ClientError.Security.Unauthorized'
const tokenExpired = 'Neo.ClientError.Security.TokenExpired'
const authorizationExpired = 'Neo.ClientError.Security.AuthorizationExpired'

const KEYS = ['scheme', 'principal', 'credentials', 'realm', 'parameters']
const tokenIn = fields => Object.fromEntries(KEYS.filter(key => key in fields).map(key => [key, fields[key]]))

/** The tokens that came, in order. */
const tokens = server =>
  server.messages
    .filter(({ kind, version }) => kind === 'INIT' || kind === (rank(version) < 0x501 ? 'HELLO' : 'LOGON'))
    .map(({ name, fields }) => tokenIn(fields[name === 'INIT' ? 1 : 0]))

const people = [
  { user: 'neo4j', pass: 'secret' },
  { user: 'ann', pass: 'apple' },
  { user: 'bob', pass: 'banana' }
]
const own = auth.basic('neo4j', 'secret')
const ann = auth.basic('ann', 'apple')

// ---- tokens ----

for (const version of ['1.0', '2.0', '3.0', '4.4', '5.0', '5.1', '5.4', '6.1']) {
  for (const [what, token, wire] of [
    ['basic', auth.basic('ann', 'apple'), { scheme: 'basic', principal: 'ann', credentials: 'apple' }],
    [
      'basic with a realm',
      auth.basic('ann', 'apple', 'native'),
      { scheme: 'basic', principal: 'ann', credentials: 'apple', realm: 'native' }
    ],
    ['bearer', auth.bearer('abc.def'), { scheme: 'bearer', credentials: 'abc.def' }],
    ['kerberos', auth.kerberos('dGlja2V0'), { scheme: 'kerberos', principal: '', credentials: 'dGlja2V0' }],
    ['none', auth.none(), { scheme: 'none' }],
    [
      'custom',
      auth.custom('ann', 'apple', 'native', 'mine', { level: 'é', list: ['a', true], map: { deep: 'x' } }),
      {
        scheme: 'mine',
        principal: 'ann',
        credentials: 'apple',
        realm: 'native',
        parameters: { level: 'é', list: ['a', true], map: { deep: 'x' } }
      }
    ],
    [
      'custom with no more than needed',
      auth.custom('ann', '', '', 'mine'),
      { scheme: 'mine', principal: 'ann' }
    ]
  ]) {
    test(`Bolt ${version}: a ${what} token, on the wire`, async t => {
      const server = await boltServer(t, { versions: [version] })
      await ask(connect(t, server.uri, token))
      assert.deepEqual(tokens(server), [wire])
      if (rank(version) >= 0x501) {
        assert.deepEqual(Object.keys(tokenIn(server.received('HELLO')[0].fields[0])), [])
      }
    })
  }
}

test('a token that is no token is refused when the driver is made', () => {
  for (const wrong of ['neo4j', 1, true, () => own]) {
    assert.throws(() => neo4j.driver('bolt://127.0.0.1', wrong))
  }
})

for (const versions of [['3.0'], ['4.4'], ['5.4']]) {
  test(`Bolt ${versions}: a wrong password is an error that says so, at once, and leaves no connection`, async t => {
    const server = await boltServer(t, { versions, auth: people })
    const driver = connect(t, server.uri, auth.basic('neo4j', 'wrong'))
    for (const work of [
      () => ask(driver),
      () => driver.executeQuery('RETURN 1'),
      () => driver.session().executeRead(tx => tx.run('RETURN 1')),
      () => driver.verifyConnectivity()
    ]) {
      const error = await within(failing(work()), 3000, 'the error')
      assert.equal(error.code, unauthorized)
    }
    await until(() => server.connections.open === 0)
  })
}

// ---- managers ----

/** A manager that hands out `current`, and remembers what it was told. */
const manager = (current, handles = false) => {
  const state = {
    current,
    asked: 0,
    told: [],
    handles,
    async getToken() {
      state.asked++
      return state.current
    },
    handleSecurityException(token, code) {
      state.told.push([token, code])
      return typeof state.handles === 'function' ? state.handles(token, code) : state.handles
    }
  }
  return state
}

for (const versions of [['4.4'], ['5.4']]) {
  test(`Bolt ${versions}: a manager is asked for its token each time that a connection is taken`, async t => {
    const server = await boltServer(t, { versions, auth: people })
    const tokens = manager(own)
    const driver = connect(t, server.uri, tokens)
    for (let n = 1; n <= 3; n++) {
      await ask(driver)
      assert.ok(tokens.asked >= n, `asked ${tokens.asked} times after ${n} queries`)
    }
    assert.equal(server.connections.total, 1)
    assert.equal(server.received('LOGOFF').length, 0)
  })
}

test('a manager may answer without a promise', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const driver = connect(t, server.uri, { getToken: () => own, handleSecurityException: () => false })
  assert.deepEqual(column(await ask(driver)), [1])
})

test('the same token in another object is the same token', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const driver = connect(t, server.uri, {
    getToken: async () => ({ ...own }),
    handleSecurityException: () => false
  })
  for (let n = 0; n < 3; n++) await ask(driver)
  assert.equal(server.received('LOGON').length, 1)
})

for (const version of ['5.1', '5.4', '5.8', '6.1']) {
  test(`Bolt ${version}: a new token is logged on with on the same connection: LOGOFF, LOGON`, async t => {
    const server = await boltServer(t, { versions: [version], auth: people })
    const rotating = manager(own)
    const driver = connect(t, server.uri, rotating)
    await ask(driver)
    rotating.current = ann
    await ask(driver)
    assert.equal(server.connections.total, 1)
    const kinds = server.messages.map(({ kind }) => kind).filter(kind => kind !== 'RESET')
    assert.deepEqual(kinds, ['HELLO', 'LOGON', 'RUN', 'PULL', 'LOGOFF', 'LOGON', 'RUN', 'PULL'])
    assert.equal(server.received('LOGOFF')[0].raw.toString('hex'), 'b06b')
    assert.deepEqual(
      server.received('RUN').map(({ user }) => user),
      ['neo4j', 'ann']
    )
    assert.deepEqual(server.protocolErrors, [])
  })
}

for (const version of ['2.0', '3.0', '4.4', '5.0']) {
  test(`Bolt ${version}: a new token gets a new connection, and the old one is closed`, async t => {
    const server = await boltServer(t, { versions: [version], auth: people })
    const rotating = manager(own)
    const driver = connect(t, server.uri, rotating)
    await ask(driver)
    rotating.current = ann
    await ask(driver)
    assert.deepEqual(
      server.received('RUN').map(({ user }) => user),
      ['neo4j', 'ann']
    )
    await until(() => server.connections.open === 1)
    assert.equal(server.received('LOGOFF').length, 0)
  })
}

for (const version of ['4.4', '5.4']) {
  test(`Bolt ${version}: tokens that change all the time find room in a pool of one connection`, async t => {
    const server = await boltServer(t, { versions: [version], auth: people })
    const rotating = manager(own)
    const driver = connect(t, server.uri, rotating, {
      maxConnectionPoolSize: 1,
      connectionAcquisitionTimeout: 3000
    })
    for (let n = 0; n < 6; n++) {
      rotating.current = n % 2 ? ann : own
      await ask(driver)
    }
    assert.deepEqual(
      server.received('RUN').map(({ user }) => user),
      ['neo4j', 'ann', 'neo4j', 'ann', 'neo4j', 'ann']
    )
  })
}

test('tokens that change while a hundred queries are under way fail none of them', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  let n = 0
  const driver = connect(
    t,
    server.uri,
    { getToken: async () => (n++ % 3 ? ann : own), handleSecurityException: () => false },
    { maxConnectionPoolSize: 5 }
  )
  await Promise.all(Array.from({ length: 100 }, () => driver.executeQuery('RETURN 1')))
  assert.deepEqual(server.protocolErrors, [])
})

test('a new token that is refused at LOGOFF, LOGON is an error of the work, and the next token works', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const rotating = manager(own)
  const driver = connect(t, server.uri, rotating)
  await ask(driver)
  rotating.current = auth.basic('ann', 'wrong')
  const error = await within(failing(ask(driver)), 3000, 'the error')
  assert.equal(error.code, unauthorized)
  rotating.current = ann
  assert.deepEqual(column(await ask(driver)), [1])
  assert.equal(server.received('RUN').at(-1).user, 'ann')
})

for (const code of [unauthorized, tokenExpired, 'Neo.ClientError.Security.MadeUp']) {
  for (const handles of [true, false]) {
    test(`${code}: the manager is told with the token that was used, and the error is ${handles ? '' : 'not '}retryable`, async t => {
      const server = await boltServer(t, { versions: ['5.4'], auth: people })
      const tokens = manager(own, handles)
      server.when('RUN', x => x.fail(code, 'no more')).times(1)
      const error = await failing(ask(connect(t, server.uri, tokens)))
      assert.equal(error.code, code)
      assert.equal(error.retryable, handles)
      assert.equal(neo4j.isRetryableError(error), handles)
      assert.deepEqual(tokens.told, [[own, code]])
    })

    test(`${code} in a transaction function: it is ${handles ? 'run again with the new token' : 'not run again'}`, async t => {
      const server = await boltServer(t, { versions: ['5.4'], auth: people })
      const tokens = manager(own, () => {
        tokens.current = ann
        return handles
      })
      server.when('RUN', x => x.fail(code, 'no more')).times(1)
      const session = connect(t, server.uri, tokens).session()
      const { value, error } = await settle(
        session.executeWrite(async tx => column(await tx.run('RETURN 1')))
      )
      if (handles) assert.deepEqual(value, [1])
      else assert.equal(error.code, code)
      assert.deepEqual(
        server.received('RUN').map(({ user }) => user),
        handles ? ['neo4j', 'ann'] : ['neo4j']
      )
      assert.equal(tokens.told.length, 1)
    })
  }
}

for (const kind of ['BEGIN', 'PULL', 'COMMIT']) {
  test(`the manager is told of a security error at ${kind} too`, async t => {
    const server = await boltServer(t, { versions: ['5.4'], auth: people })
    const tokens = manager(own, true)
    server.when(kind, x => x.fail(tokenExpired, 'no more')).times(1)
    const { records } = await connect(t, server.uri, tokens).executeQuery('RETURN 1')
    assert.equal(records.length, 1)
    assert.deepEqual(tokens.told, [[own, tokenExpired]])
  })
}

test('a token refused at LOGON: the manager is told, and the work is tried again with another token', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const wrong = auth.basic('ann', 'wrong')
  const tokens = manager(wrong, () => {
    tokens.current = ann
    return true
  })
  const driver = connect(t, server.uri, tokens)
  const { records } = await driver.executeQuery('RETURN 1')
  assert.equal(records.length, 1)
  assert.deepEqual(tokens.told, [[wrong, unauthorized]])
})

test('a connection that met a security error is not used again', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const driver = connect(t, server.uri, manager(own))
  server.when('RUN', x => x.fail(tokenExpired, 'no more')).times(1)
  await failing(ask(driver))
  await ask(driver)
  const [before, after] = server.received('RUN')
  assert.notEqual(before.connection, after.connection)
  await until(() => server.connections.open === 1)
})

test('AuthorizationExpired is retryable of itself: a transaction function runs again', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  server.when('RUN', x => x.fail(authorizationExpired, 'log on again')).times(1)
  const driver = connect(t, server.uri, own)
  assert.equal((await driver.executeQuery('RETURN 1')).records.length, 1)
  server.when('RUN', x => x.fail(authorizationExpired, 'log on again')).times(1)
  assert.ok(neo4j.isRetryableError(await failing(ask(driver))))
})

test('an error of unknown outcome is not retryable, whatever another token would cure', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  server.on(/./, () => ({ fields: [], records: [] }))
  server.when('PULL', x => x.fail(authorizationExpired, 'log on again')).times(1)
  const driver = connect(t, server.uri, manager(own, true))
  const error = await failing(driver.session().run('MATCH (a) CALL { WITH a CREATE (:N) } IN TRANSACTIONS'))
  assert.deepEqual([error.unknownOutcome, error.retriable], [true, false])
})

test('AuthorizationExpired: every other idle connection is logged on anew before it is used', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const driver = connect(t, server.uri, own)
  const open = gate()
  const rule = server.when('RUN', held(open))
  const work = [1, 2, 3].map(() => ask(driver))
  await until(() => rule.hits === 3)
  open.open()
  await Promise.all(work)
  rule.remove()
  const known = new Set(server.received('RUN').map(({ connection }) => connection))
  assert.equal(known.size, 3)
  server.when('RUN', x => x.fail(authorizationExpired, 'log on again')).times(1)
  await failing(ask(driver))
  const from = server.messages.length
  const later = gate()
  const again = server.when('RUN', held(later))
  const more = [1, 2, 3].map(() => ask(driver))
  await until(() => again.hits === 3)
  later.open()
  await Promise.all(more)
  const since = server.messages.slice(from)
  for (const run of since.filter(({ kind }) => kind === 'RUN')) {
    const before = since
      .slice(0, since.indexOf(run))
      .filter(({ connection }) => connection === run.connection)
    assert.ok(
      before.some(({ kind }) => kind === 'LOGON'),
      'a connection was used without a new LOGON'
    )
  }
})

for (const [what, getToken, pattern] of [
  [
    'throws',
    () => {
      throw new Error('the vault is shut')
    },
    /the vault is shut/
  ],
  [
    'rejects',
    async () => {
      throw new Error('the vault is shut')
    },
    /the vault is shut/
  ],
  ['gives nothing', () => undefined, /./],
  ['gives no token', () => 'secret-in-text', /token/i]
]) {
  test(`a manager whose getToken ${what}: the work ends with an error, and nothing hangs`, async t => {
    const server = await boltServer(t, { versions: ['5.4'], auth: people })
    const driver = connect(
      t,
      server.uri,
      { getToken, handleSecurityException: () => false },
      { maxTransactionRetryTime: 300 }
    )
    for (const work of [
      () => ask(driver),
      () => driver.executeQuery('RETURN 1'),
      () => driver.verifyConnectivity()
    ]) {
      const error = await within(failing(work()), 5000, 'the error')
      assert.match(error.message, pattern)
      assert.ok(!error.message.includes('secret-in-text'))
    }
    assert.equal(server.received('RUN').length, 0)
  })
}

test('a manager that never answers is ended by close()', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri, {
    getToken: () => new Promise(() => {}),
    handleSecurityException: () => false
  })
  const work = settle(ask(driver))
  await within(driver.close(), 3000, 'close()')
  assert.ok((await within(work, 3000, 'the work')).error)
})

test('what handleSecurityException throws is the cause of the error of the server', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  server.when('RUN', x => x.fail(tokenExpired, 'no more')).times(1)
  const mine = new Error('oh no')
  const driver = connect(t, server.uri, {
    getToken: () => own,
    handleSecurityException: () => {
      throw mine
    }
  })
  const error = await within(failing(ask(driver)), 3000, 'the error')
  assert.deepEqual([error.code, error.cause], [tokenExpired, mine])
  assert.deepEqual(column(await ask(driver)), [1])
})

test('a handleSecurityException that rejects is a line of the log, and no more', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  server.when('RUN', x => x.fail(tokenExpired, 'no more')).times(1)
  const warned = warnings(t)
  const driver = connect(t, server.uri, {
    getToken: () => own,
    handleSecurityException: async () => {
      throw new Error('oh no')
    }
  })
  assert.equal((await within(failing(ask(driver)), 3000, 'the error')).code, tokenExpired)
  await until(() => warned.some(line => /handleSecurityException .* threw: oh no/.test(line)))
  assert.deepEqual(column(await ask(driver)), [1])
})

test('authTokenManagers.bearer asks its provider again when the token is over, and not before', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  let asked = 0
  let expiration = new Date(Date.now() + 3_600_000)
  const driver = connect(
    t,
    server.uri,
    neo4j.authTokenManagers.bearer({
      tokenProvider: async () => ({ token: auth.bearer(`token-${++asked}`), expiration })
    })
  )
  for (let n = 0; n < 3; n++) await ask(driver)
  assert.equal(asked, 1)
  server.when('RUN', x => x.fail(tokenExpired, 'no more')).times(1)
  expiration = new Date(Date.now() - 1000)
  await driver.executeQuery('RETURN 1')
  assert.ok(asked > 1)
  const before = asked
  await ask(driver)
  assert.ok(asked > before)
  assert.equal(tokens(server).at(-1).credentials, `token-${asked}`)
})

test('authTokenManagers.basic asks its provider again when the password is refused', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: { user: 'neo4j', pass: 'old' } })
  let pass = 'old'
  let asked = 0
  const driver = connect(
    t,
    server.uri,
    neo4j.authTokenManagers.basic({
      tokenProvider: async () => {
        asked++
        return auth.basic('neo4j', pass)
      }
    })
  )
  for (let n = 0; n < 3; n++) await ask(driver)
  assert.equal(asked, 1)
  server.auth = { user: 'neo4j', pass: 'new' }
  pass = 'new'
  await server.kick()
  assert.equal((await driver.executeQuery('RETURN 1')).records.length, 1)
  assert.equal(asked, 2)
})

test('neo4j://: one manager serves every member, and is told of the security errors of each', async t => {
  const cluster = await routing(t, { versions: ['5.4'], auth: people })
  const tokens = manager(own, true)
  const driver = connect(t, cluster.uri, tokens)
  await ask(driver, 'RETURN 1', { defaultAccessMode: 'READ' })
  assert.ok(cluster.received('LOGON').every(({ fields }) => fields[0].principal === 'neo4j'))
  for (const rule of cluster.when('RUN', x => x.fail(tokenExpired, 'no more'))) rule.times(1)
  const { records } = await driver.executeQuery('RETURN 1')
  assert.equal(records.length, 1)
  assert.deepEqual(tokens.told, [[own, tokenExpired]])
})

test('neo4j://: a token refused by a router: the manager is told, and its next token is used', async t => {
  const cluster = await routing(t, { versions: ['5.4'], auth: people })
  const tokens = manager(own, () => {
    tokens.current = ann
    return true
  })
  cluster.members[0].when('ROUTE', x => x.fail(tokenExpired, 'no more')).times(1)
  const { records } = await connect(t, cluster.uri, tokens).executeQuery('RETURN 1')
  assert.equal(records.length, 1)
  assert.deepEqual(tokens.told, [[own, tokenExpired]])
  assert.equal(cluster.received('RUN')[0].user, 'ann')
})

// ---- sessions of somebody else ----

for (const version of ['5.1', '5.4', '5.8', '6.1']) {
  test(`Bolt ${version}: session({auth}) logs on as that user, and the next session as the driver's own`, async t => {
    const server = await boltServer(t, { versions: [version], auth: people })
    const driver = connect(t, server.uri, own, { maxConnectionPoolSize: 1 })
    await ask(driver, 'RETURN 1')
    await ask(driver, 'RETURN 2', { auth: ann })
    await driver.executeQuery('RETURN 3', {}, { auth: auth.basic('bob', 'banana') })
    await ask(driver, 'RETURN 4')
    assert.deepEqual(
      server.received('RUN').map(({ user }) => user),
      ['neo4j', 'ann', 'bob', 'neo4j']
    )
    assert.deepEqual(server.protocolErrors, [])
  })
}

test('sessions of several users at the same time never mix', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const driver = connect(t, server.uri, own, { maxConnectionPoolSize: 2 })
  const users = Array.from({ length: 30 }, (_, n) => people[n % 3])
  await Promise.all(
    users.map(({ user, pass }) =>
      ask(driver, 'RETURN $user AS user', { auth: auth.basic(user, pass) }).catch(error => error)
    )
  )
  await Promise.all(
    users.map(async ({ user, pass }) => {
      const session = driver.session({ auth: auth.basic(user, pass) })
      await session.run('RETURN $user AS user', { user })
      await session.executeRead(tx => tx.run('RETURN $user AS user', { user }))
      await session.close()
    })
  )
  const runs = server.received('RUN').filter(({ fields }) => fields[1].user !== undefined)
  assert.equal(runs.length, 60)
  for (const { user, fields } of runs) assert.equal(user, fields[1].user)
})

test('a session whose password is wrong fails alone, and the manager of the driver is not told', async t => {
  const server = await boltServer(t, { versions: ['5.4'], auth: people })
  const tokens = manager(own, true)
  const driver = connect(t, server.uri, tokens)
  const error = await within(failing(ask(driver, 'RETURN 1', { auth: auth.basic('ann', 'wrong') })), 3000)
  assert.equal(error.code, unauthorized)
  assert.deepEqual(tokens.told, [])
  assert.deepEqual(column(await ask(driver)), [1])
})

for (const version of ['3.0', '4.4', '5.0']) {
  test(`Bolt ${version}: session({auth}) acts as that user on a connection of its own`, async t => {
    const server = await boltServer(t, { versions: [version], auth: people })
    const driver = connect(t, server.uri, own)
    await ask(driver, 'RETURN 1')
    await ask(driver, 'RETURN 2', { auth: ann })
    assert.equal(server.received('RUN', /RETURN 2/)[0].user, 'ann')
    await ask(driver, 'RETURN 3')
    assert.equal(server.received('RUN', /RETURN 3/)[0].user, 'neo4j')
  })
}

for (const wrong of ['ann', 7, () => {}]) {
  test(`session({auth: ${typeof wrong}}) is refused, and the message shows no secret`, async t => {
    const server = await boltServer(t, { versions: ['5.4'], auth: people })
    const driver = connect(t, server.uri, own)
    const error = await failing((async () => ask(driver, 'RETURN 1', { auth: wrong }))())
    assert.match(error.message, /auth/i)
    assert.equal(server.received('RUN').length, 0)
  })
}

test('neo4j://: a session of somebody else asks its router as that user, for the home of that user', async t => {
  const cluster = await routing(t, { versions: ['5.4'], auth: people })
  for (const member of cluster.members) {
    member.table = request => ({ ...cluster.answer(request), db: `home-of-${request.user}` })
  }
  const driver = connect(t, cluster.uri, own)
  await ask(driver, 'RETURN 1', { auth: ann })
  await ask(driver, 'RETURN 2')
  const [one, two] = cluster.received('RUN')
  assert.deepEqual([one.user, one.fields[2].db], ['ann', 'home-of-ann'])
  assert.deepEqual([two.user, two.fields[2].db], ['neo4j', 'home-of-neo4j'])
})

test('a pool of HA servers takes sessions of somebody else, too', async t => {
  const { servers, members } = await cluster(t, {
    roles: ['master', 'slave'],
    versions: ['5.4'],
    auth: people[0]
  })
  for (const one of members) one.bolt.auth = people
  const driver = await ready(t, servers, { auth: people[0] })
  await driver.executeQuery('RETURN 1', {}, { auth: ann })
  await driver.session({ auth: ann }).run('RETURN 2')
  await driver.session(true).run('RETURN 3')
  const runs = members.flatMap(one => one.bolt.received('RUN'))
  assert.deepEqual(
    [1, 2, 3].map(n => runs.find(({ query }) => query === `RETURN ${n}`).user),
    ['ann', 'ann', 'neo4j']
  )
})

// ---- verifyAuthentication ----

for (const scheme of ['bolt', 'neo4j']) {
  test(`${scheme}://: verifyAuthentication tells true from false, for anybody`, async t => {
    const cluster = await routing(t, { versions: ['5.4'], auth: people, cores: 1 })
    const driver = connect(t, cluster.uri.replace('neo4j', scheme), own)
    assert.equal(await driver.verifyAuthentication({ auth: ann }), true)
    assert.equal(await driver.verifyAuthentication({ auth: auth.basic('ann', 'wrong') }), false)
    assert.equal(await driver.verifyAuthentication({ auth: own }), true)
    assert.equal(await driver.verifyAuthentication(), true)
    await ask(driver)
    assert.equal(cluster.received('RUN')[0].user, 'neo4j')
    await until(() => cluster.members[0].connections.open <= 2)
  })

  test(`${scheme}://: verifyAuthentication rejects when nobody can be asked`, async t => {
    const cluster = await routing(t, { versions: ['5.4'], auth: people, cores: 1 })
    await cluster.stop()
    const driver = connect(t, cluster.uri.replace('neo4j', scheme), own)
    const error = await within(failing(driver.verifyAuthentication({ auth: ann })), 5000)
    assert.equal(error.code, neo4j.error.SERVICE_UNAVAILABLE)
  })
}

for (const version of ['3.0', '4.2', '4.4', '5.4']) {
  test(`Bolt ${version}: the driver's own user asks for the table, of system, and only the reader is logged in to`, async t => {
    const cluster = await routing(t, { versions: [version], auth: people, cores: 2 })
    const driver = connect(t, cluster.uri, own)
    assert.equal(await driver.verifyAuthentication({ auth: ann }), true)
    assert.equal(await driver.verifyAuthentication({ auth: auth.basic('ann', 'wrong') }), false)
    const routes = cluster.routes()
    assert.deepEqual(
      routes.map(({ server, message, database }) => ({ server, user: message.user, database })),
      [{ server: 0, user: 'neo4j', database: version === '3.0' ? undefined : 'system' }]
    )
    const logins = cluster.members.map(member =>
      ['HELLO', 'LOGON']
        .flatMap(kind => member.received(kind))
        .flatMap(({ fields }) => fields[0].principal ?? [])
    )
    assert.deepEqual(logins, [['neo4j'], ['ann', 'ann']])
  })
}

for (const code of [
  'Neo.ClientError.Security.CredentialsExpired',
  'Neo.ClientError.Security.Forbidden',
  tokenExpired,
  unauthorized
]) {
  test(`verifyAuthentication: ${code} is false`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    server.when('LOGON', x => x.fail(code, 'no'))
    assert.equal(await connect(t, server.uri, own).verifyAuthentication({ auth: ann }), false)
  })
}

for (const code of [
  'Neo.ClientError.Security.AuthenticationRateLimit',
  'Neo.TransientError.General.OutOfMemoryError',
  'Neo.ClientError.Request.Invalid'
]) {
  test(`verifyAuthentication: ${code} is no answer, and rejects`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    server.when('LOGON', x => x.fail(code, 'no'))
    const error = await failing(connect(t, server.uri, own).verifyAuthentication({ auth: ann }))
    assert.equal(error.code, code)
  })
}

// ---- acting as another, on one server ----

for (const version of ['4.4', '5.4', '6.1']) {
  test(`Bolt ${version}: bolt:// and impersonatedUser: imp_user in RUN and in BEGIN`, async t => {
    const server = await boltServer(t, { versions: [version], auth: people })
    const driver = connect(t, server.uri, own)
    await ask(driver, 'RETURN 1', { impersonatedUser: 'ann' })
    await driver.executeQuery('RETURN 2', {}, { impersonatedUser: 'bob' })
    await ask(driver, 'RETURN 3')
    assert.equal(server.received('RUN', /1/)[0].fields[2].imp_user, 'ann')
    assert.equal(server.received('BEGIN')[0].fields[0].imp_user, 'bob')
    assert.equal(server.received('RUN', /3/)[0].fields[2].imp_user, undefined)
  })
}

// ---- secrets ----

const secret = 'sEcReT-äß-42'
const hidden = (text, where) =>
  assert.ok(!String(text).includes(secret), `the secret is in ${where}: ${text}`)
const told = error =>
  [error.message, error.stack, inspect(error, { depth: 20 }), JSON.stringify(error)].join('\n')

for (const [what, token] of [
  ['bearer', auth.bearer(secret)],
  ['kerberos', auth.kerberos(secret)],
  ['custom', auth.custom('ann', secret, 'realm', 'mine', { pin: secret })],
  ['basic', auth.basic('ann', secret)]
]) {
  test(`the secret of a ${what} token is in no error, log or inspect: of a driver, a manager, a session`, async t => {
    const lines = []
    const logging = { level: 'debug', logger: (level, message) => lines.push(`${level} ${inspect(message)}`) }
    const server = await boltServer(t, { versions: bolt.neo4j526, auth: people })
    const managed = { getToken: () => token, handleSecurityException: () => false }
    for (const [given, config] of [
      [token, {}],
      [managed, {}],
      [own, { auth: token }]
    ]) {
      const driver = connect(t, server.uri, given, { logging, maxTransactionRetryTime: 0 })
      const session = driver.session(config)
      hidden(inspect(session, { depth: 20 }), 'inspect of a session')
      hidden(told(await failing(session.run('RETURN 1'))), 'the error of run')
      hidden(told(await failing(driver.session(config).executeRead(tx => tx.run('RETURN 1')))), 'an error')
      if (given !== managed) hidden(inspect(driver, { depth: 20 }), 'inspect of the driver')
    }
    const driver = connect(t, server.uri, own, { logging })
    assert.equal(await driver.verifyAuthentication({ auth: token }), false)
    assert.ok(lines.length > 0)
    hidden(lines.join('\n'), 'the log')
  })
}
