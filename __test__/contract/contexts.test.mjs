// AsyncLocalStorage: each function of the application sees the store of whoever gave it to us, whoever's work makes us call it.
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { after } from 'node:test'
import { authority } from '../support/certificates.mjs'
import {
  ask,
  boltServer,
  cluster,
  connect,
  member,
  Neo4jHA,
  program,
  ready,
  routing,
  test
} from '../support/contract.mjs'

const neo4j = Neo4jHA.driver
const requests = ['A', 'B', 'C']
const MANY = 'UNWIND range(1, 3000) AS n RETURN n'

/** Stores, and what is seen of them: each store once. */
const stores = () => {
  const storage = new AsyncLocalStorage()
  const seen = new Map()
  return {
    in: (store, work) => storage.run(store, work),
    note(where) {
      if (!seen.has(where)) seen.set(where, new Set())
      seen.get(where).add(storage.getStore())
    },
    get seen() {
      return Object.fromEntries([...seen].map(([where, those]) => [where, [...those].sort()]))
    }
  }
}

/** Does the work in each request at once. */
const together = (all, work) => Promise.all(requests.map(name => all.in(name, () => work(name))))

test('callbacks of subscribe see the store of its caller', async t => {
  const server = await boltServer(t)
  const all = stores()
  const driver = all.in('the maker', () => connect(t, server.uri))
  await all.in('the first', () => ask(driver))
  await together(
    all,
    name =>
      new Promise((resolve, reject) => {
        driver
          .session()
          .run(MANY)
          .subscribe({
            onKeys: () => all.note(`onKeys of ${name}`),
            onNext: () => all.note(`onNext of ${name}`),
            onCompleted() {
              all.note(`onCompleted of ${name}`)
              resolve()
            },
            onError: reject
          })
      })
  )
  await together(
    all,
    name =>
      new Promise(resolve => {
        driver
          .session()
          .run('BAD')
          .subscribe({
            onError() {
              all.note(`onError of ${name}`)
              resolve()
            }
          })
      })
  )
  const callbacks = ['onKeys', 'onNext', 'onCompleted', 'onError']
  assert.deepEqual(
    all.seen,
    Object.fromEntries(
      callbacks.flatMap(callback => requests.map(name => [`${callback} of ${name}`, [name]]))
    )
  )
})

test('a mapping sees the store of whoever asked for it, however the result is read', async t => {
  const server = await boltServer(t)
  const all = stores()
  const driver = all.in('the maker', () => connect(t, server.uri))
  const mapped = (session, name, how) =>
    session.run(MANY).as({
      n: {
        from: 'n',
        convert(value) {
          all.note(`${how} of ${name}`)
          return value
        }
      }
    })
  await together(all, async name => {
    await mapped(driver.session(), name, 'awaiting')
    await new Promise((onCompleted, onError) => {
      mapped(driver.session(), name, 'subscribing').subscribe({ onNext() {}, onCompleted, onError })
    })
    for await (const _ of mapped(driver.session(), name, 'iterating'));
  })
  assert.deepEqual(
    all.seen,
    Object.fromEntries(
      requests.flatMap(name =>
        ['awaiting', 'subscribing', 'iterating'].map(how => [`${how} of ${name}`, [name]])
      )
    )
  )
})

test('subscribers of a reactive result see the store in which they subscribed, whoever lets it go on', async t => {
  const server = await boltServer(t)
  const all = stores()
  const driver = connect(t, server.uri)
  await together(all, async name => {
    const result = driver.rxSession().run(MANY)
    result.pause()
    const ended = new Promise((resolve, error) => {
      result.records().subscribe({
        next: () => all.note(`next of ${name}`),
        complete() {
          all.note(`complete of ${name}`)
          resolve()
        },
        error
      })
    })
    await all.in('another', () => result.resume())
    await ended
  })
  assert.deepEqual(
    all.seen,
    Object.fromEntries(
      requests.flatMap(name => ['next', 'complete'].map(what => [`${what} of ${name}`, [name]]))
    )
  )
})

test('work of transaction functions, and what follows any await, sees its own store', async t => {
  const server = await boltServer(t)
  server.when('COMMIT', x => x.fail('Neo.TransientError.General.X', 'later')).times(1)
  const all = stores()
  const driver = all.in('the maker', () => connect(t, server.uri))
  await together(all, async name => {
    await driver.session().executeWrite(async tx => {
      all.note(name)
      await tx.run('RETURN 1')
      all.note(name)
    })
    all.note(name)
    await driver.executeQuery('RETURN 1', {}, { resultTransformer: async () => all.note(name) })
    for await (const _ of driver.session().run(MANY)) all.note(name)
    await driver.session().close(() => all.note(name))
    all.note(name)
  })
  assert.deepEqual(all.seen, Object.fromEntries(requests.map(name => [name, [name]])))
})

test('logger, token manager and bookmark manager see the store of driver()', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const all = stores()
  const manager = {
    async getToken() {
      all.note('getToken')
      await null
      all.note('getToken, later')
      return neo4j.auth.basic('neo4j', 'password')
    },
    handleSecurityException() {
      all.note('handleSecurityException')
      return false
    }
  }
  const bookmarkManager = {
    async getBookmarks() {
      all.note('getBookmarks')
      return []
    },
    async updateBookmarks() {
      all.note('updateBookmarks')
    }
  }
  const logging = { level: 'debug', logger: () => all.note('the logger') }
  const driver = all.in('the maker', () => connect(t, server.uri, manager, { logging }))
  await together(all, async () => {
    await driver
      .session({ bookmarkManager })
      .run('CREATE ()')
      .catch(() => {})
    await driver.session({ bookmarkManager }).executeWrite(tx => tx.run('RETURN 1'))
    await driver.executeQuery('RETURN 1', {}, { bookmarkManager })
  })
  server.when('RUN', x => x.fail('Neo.ClientError.Security.TokenExpired', 'expired')).times(1)
  await all.in('A', () => assert.rejects(ask(driver)))
  assert.deepEqual(all.seen, {
    getBookmarks: ['the maker'],
    getToken: ['the maker'],
    'getToken, later': ['the maker'],
    handleSecurityException: ['the maker'],
    'the logger': ['the maker'],
    updateBookmarks: ['the maker']
  })
})

test('a resolver sees the store of driver()', async t => {
  const { members } = await routing(t)
  const all = stores()
  const resolver = async () => {
    all.note('the resolver')
    await null
    all.note('the resolver, later')
    return members.map(({ port }) => `127.0.0.1:${port}`)
  }
  const driver = all.in('the maker', () => connect(t, 'neo4j://somewhere.invalid', undefined, { resolver }))
  await together(all, () => ask(driver))
  assert.deepEqual(all.seen, { 'the resolver': ['the maker'], 'the resolver, later': ['the maker'] })
})

const ca = authority()
after(() => ca.remove())

test('a provider of client certificates sees the store of driver()', async t => {
  const server = await boltServer(t, {
    tls: { ...ca.issue(['IP:127.0.0.1']), requestCert: true, rejectUnauthorized: true, ca: ca.pem }
  })
  const all = stores()
  const { certFile: certfile, keyFile: keyfile } = ca.issueClient()
  const clientCertificate = {
    async hasUpdate() {
      all.note('hasUpdate')
      return false
    },
    async getClientCertificate() {
      all.note('getClientCertificate')
      return { certfile, keyfile }
    }
  }
  const uri = server.uri.replace('bolt:', 'bolt+ssc:')
  const driver = all.in('the maker', () => connect(t, uri, undefined, { clientCertificate }))
  await together(all, () => ask(driver))
  assert.deepEqual(all.seen, { getClientCertificate: ['the maker'], hasUpdate: ['the maker'] })
})

test('what a Neo4jHA was made with sees the store of new Neo4jHA()', async t => {
  const { servers } = await cluster(t)
  const all = stores()
  const strategy = candidates => {
    all.note('the strategy')
    return candidates[0]
  }
  const logging = { level: 'debug', logger: () => all.note('the logger') }
  const driver = all.in(
    'the maker',
    () => new Neo4jHA(servers, { strategy, neo4jDriverOptions: { logging } }, () => all.note('readyCallback'))
  )
  t.after(() => driver.close())
  await all.in('the first', () => driver.ready)
  await together(all, async () => {
    await driver.session(false).run('RETURN 1')
    await driver.executeQuery('RETURN 1')
    driver.getDriverBaseOnStrategyAndQueryWriteState(true)
  })
  await all.in('A', () => driver.checkServers(() => all.note('checkServers of A')))
  assert.deepEqual(all.seen, {
    readyCallback: ['the maker'],
    'the logger': ['the maker'],
    'the strategy': ['the maker'],
    'checkServers of A': ['A']
  })
})

test('a strategy that a session was given sees the store of session(), also when its server is chosen anew', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const all = stores()
  let asked = 0
  const strategy = candidates => {
    asked++
    all.note('the strategy')
    return candidates[asked % candidates.length]
  }
  const session = all.in('A', () => driver.session(false, null, strategy))
  for (const { bolt } of members) bolt.when('RUN', x => x.reset()).times(1)
  await all.in('B', () => session.run('RETURN 1'))
  assert.ok(asked > 1)
  assert.deepEqual(all.seen, { 'the strategy': ['A'] })
})

test('the store of whoever made the first driver is not held when that driver is gone', async t => {
  const server = await boltServer(t)
  const { code, stdout, stderr } = await program(
    `import { AsyncLocalStorage } from 'node:async_hooks'
    import Neo4jHA from 'neo4j-ha-bolt-driver'
    import { held } from './__test__/support/gc.mjs'
    const { driver: neo4j } = Neo4jHA
    const storage = new AsyncLocalStorage()
    let store = { request: 1 }
    const ref = new WeakRef(store)
    let first = storage.run(store, () => neo4j.driver(input.uri))
    const second = neo4j.driver(input.uri)
    await storage.run(store, () => first.session().run('RETURN 1'))
    await second.executeQuery('RETURN 1')
    await first.close()
    first = store = undefined
    const kept = await held([ref])
    await second.close()
    process.stdout.write(String(kept))`,
    { input: { uri: server.uri } }
  )
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: '0', stderr: '' })
})

test('strategies of sessions that are gone are freed', async t => {
  const one = await member(t)
  const { code, stdout, stderr } = await program(
    `import Neo4jHA from 'neo4j-ha-bolt-driver'
    import { held } from './__test__/support/gc.mjs'
    const driver = new Neo4jHA(input.servers)
    await driver.ready
    const refs = []
    const request = async n => {
      const strategy = candidates => candidates[0]
      refs.push(new WeakRef(strategy))
      const session = driver.session(true, null, strategy)
      if (n % 10 === 0) await session.run('RETURN 1')
      await session.close()
    }
    for (let n = 0; n < 200; n++) await request(n)
    const kept = await held(refs, 5)
    await driver.close()
    process.stdout.write(String(kept <= 5))`,
    { input: { servers: [one.location] } }
  )
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'true', stderr: '' })
})
