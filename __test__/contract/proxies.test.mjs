// Frameworks, tracers and containers put proxies around a driver and what it gives, or objects that inherit from it.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { lastValueFrom, toArray } from 'rxjs'
import { boltServer, column, Neo4jHA, open, test } from '../support/contract.mjs'
import { bolt } from '../support/scripted-server.mjs'

const official = createRequire(import.meta.url)('neo4j-driver')
const QUERY = 'UNWIND range(1, 3) AS n RETURN n'

const isPlain = value => ['[object Object]', '[object Array]'].includes(Object.prototype.toString.call(value))
/** Wraps also what is read from what it wraps, as Vue does with objects that have no name of their own. */
const deep = target =>
  new Proxy(target, {
    get: (from, key, receiver) => {
      const value = Reflect.get(from, key, receiver)
      return isPlain(value) ? deep(value) : value
    }
  })

/** Symbols that everybody knows. */
const LANGUAGE = new Set(Object.values(Object.getOwnPropertyDescriptors(Symbol)).map(({ value }) => value))
const log = []

const shallow = {
  'a proxy without traps': target => new Proxy(target, {}),
  'a proxy that passes on': target =>
    new Proxy(target, { get: (from, key, receiver) => Reflect.get(from, key, receiver) }),
  'a proxy that logs the names it passes on': target =>
    new Proxy(target, {
      get: (from, key, receiver) => {
        if (!LANGUAGE.has(key)) log.push(`get ${key}`)
        return Reflect.get(from, key, receiver)
      }
    }),
  'an object that inherits': target => Object.create(target)
}

/** Each takes a wrapper, and a driver in it, and returns what it saw. */
const programs = {
  'the driver': async (_, driver) => [
    column(await driver.executeQuery(QUERY)),
    column(await driver.executeQuery(QUERY, {}, { routing: 'READ', bookmarkManager: null })),
    (await driver.getServerInfo()).agent,
    await driver.verifyConnectivity().then(() => 'connected'),
    await driver.verifyAuthentication(),
    await driver.supportsMultiDb(),
    (await driver.getNegotiatedProtocolVersion()).toString(),
    driver.isEncrypted()
  ],

  'bookmarks of executeQuery': async (wrap, driver) => {
    await driver.executeQuery(QUERY)
    const manager = wrap(driver.executeQueryBookmarkManager)
    const before = [...(await manager.getBookmarks())].length
    await manager.updateBookmarks(await manager.getBookmarks(), [])
    await driver.executeQuery(QUERY, {}, { bookmarkManager: manager })
    return [before, [...(await manager.getBookmarks())].length]
  },

  'a session': async (wrap, driver) => {
    const session = wrap(driver.session())
    const seen = [
      column(await session.run(QUERY)),
      await session.executeRead(async tx => column(await wrap(tx).run(QUERY))),
      await session.executeWrite(async tx => column(await wrap(tx).run(QUERY))),
      session.lastBookmarks().length
    ]
    await session.close()
    return seen
  },

  'a transaction': async (wrap, driver) => {
    const session = driver.session()
    const begun = wrap(session.beginTransaction())
    const early = column(await begun.run(QUERY))
    const tx = wrap(await begun)
    const seen = [early, column(await tx.run(QUERY)), begun.isOpen(), tx.isOpen()]
    await tx.commit()
    seen.push(begun.isOpen(), tx.isOpen())
    const second = wrap(await session.beginTransaction())
    await second.rollback()
    await second.close()
    await session.close()
    return seen
  },

  'a result': async (wrap, driver) => {
    const result = () => wrap(driver.session().run(QUERY))
    const observed = await new Promise((resolve, reject) => {
      const numbers = []
      result().subscribe({
        onNext: record => numbers.push(Number(record.get('n'))),
        onCompleted: () => resolve(numbers),
        onError: reject
      })
    })
    const iterated = []
    for await (const record of result()) iterated.push(Number(record.get('n')))
    const iterator = wrap(result()[Symbol.asyncIterator]())
    const first = [(await iterator.peek()).value.get('n'), (await iterator.next()).value.get('n')].map(Number)
    const { next } = iterator
    const second = Number((await next()).value.get('n'))
    const { done } = await iterator.return()
    return [
      column(await result()),
      column(await result().finally(() => {})),
      column(await result().catch(() => {})),
      await result().keys(),
      (await result().summary()).query.text,
      observed,
      iterated,
      first,
      second,
      done
    ]
  },

  'reactive work': async (wrap, driver) => {
    const all = records => lastValueFrom(records.pipe(toArray())).then(records => column({ records }))
    const session = wrap(driver.rxSession())
    const result = wrap(session.run(QUERY))
    const seen = [await all(result.records()), (await lastValueFrom(result.consume())).query.text]
    seen.push(await lastValueFrom(wrap(session.run(QUERY)).keys()))
    seen.push(await all(session.executeWrite(tx => wrap(wrap(tx).run(QUERY)).records())))
    const tx = wrap(await lastValueFrom(session.beginTransaction()))
    seen.push(await all(wrap(tx.run(QUERY)).records()), tx.isOpen())
    await lastValueFrom(tx.commit(), { defaultValue: null })
    seen.push(tx.isOpen(), session.lastBookmarks().length)
    await lastValueFrom(session.close(), { defaultValue: null })
    return seen
  }
}

for (const [how, wrap] of Object.entries(shallow)) {
  for (const [name, program] of Object.entries(programs)) {
    test(`as with neo4j-driver through ${how}: ${name}`, async t => {
      const server = await boltServer(t, { versions: bolt.neo4j526 })
      const seen = []
      for (const neo4j of [official, Neo4jHA.driver]) {
        const driver = wrap(neo4j.driver(server.uri))
        t.after(() => driver.close())
        seen.push(await program(wrap, driver))
      }
      assert.deepEqual(seen[1], seen[0])
    })
  }
}

for (const [name, program] of Object.entries(programs)) {
  test(`a proxy that wraps what is read through it changes nothing: ${name}`, async t => {
    const server = await boltServer(t, { versions: bolt.neo4j526 })
    const driver = Neo4jHA.driver.driver(server.uri)
    t.after(() => driver.close())
    assert.deepEqual(await program(deep, deep(driver)), await program(value => value, driver))
  })
}

for (const [how, wrap] of Object.entries({ ...shallow, 'a proxy that wraps what is read': deep })) {
  test(`a Neo4jHA through ${how}`, async t => {
    const server = await boltServer(t, { versions: bolt.neo4j526 })
    const driver = wrap(open(t, [server.uri]))
    await driver.ready
    await driver.checkServers()
    const session = wrap(driver.session(true))
    assert.deepEqual(column(await session.run(QUERY)), [1, 2, 3])
    await session.close()
    assert.equal(driver.getMaster().location.bolt, driver.servers[driver.masterIndex].location.bolt)
    assert.equal(
      driver.getDriverBaseOnStrategyAndQueryWriteState(true).location.bolt,
      driver.servers[0].location.bolt
    )
    assert.equal(driver.asDriver(), driver.asDriver())
    assert.deepEqual(column(await wrap(driver.asDriver()).executeQuery(QUERY)), [1, 2, 3])
    assert.deepEqual(column(await wrap(driver.servers[0].driver).executeQuery(QUERY)), [1, 2, 3])
    await driver.close()
  })
}

test('who replaces the run of sessions and transactions sees what is run through them, as with neo4j-driver', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const seen = []
  for (const neo4j of [official, Neo4jHA.driver]) {
    const ran = [neo4j.Session, neo4j.Transaction].map(({ prototype }) => t.mock.method(prototype, 'run'))
    const driver = neo4j.driver(server.uri)
    t.after(() => driver.close())
    const session = driver.session()
    await session.run('RETURN 1')
    await session.executeRead(tx => tx.run('RETURN 2'))
    const tx = await session.beginTransaction()
    await tx.run('RETURN 3')
    await tx.commit()
    const reactive = driver.rxSession()
    await lastValueFrom(reactive.run('RETURN 4').records())
    await lastValueFrom(reactive.executeRead(tx => tx.run('RETURN 5').records()))
    seen.push(ran.map(({ mock }) => mock.calls.map(({ arguments: [query] }) => query)))
  }
  assert.deepEqual(seen[1], seen[0])
})

/** Prototypes of the classes of a namespace, with those they inherit from. */
const prototypesOf = exported => {
  const found = new Set()
  for (const value of exported) {
    let from = typeof value === 'function' ? value.prototype : undefined
    for (; from && from !== Object.prototype; from = Object.getPrototypeOf(from)) found.add(from)
  }
  return [...found]
}

test('every getter of every class can be read on its prototype, as mock generators do', () => {
  const { driver } = Neo4jHA
  const getters = prototypesOf([Neo4jHA, ...Object.values(driver), ...Object.values(driver.types)]).flatMap(
    prototype =>
      Object.entries(Object.getOwnPropertyDescriptors(prototype))
        .filter(([, { get }]) => get !== undefined)
        .map(([name]) => ({ prototype, name }))
  )
  assert.ok(getters.some(({ name }) => name === 'executeQueryBookmarkManager'))
  assert.ok(getters.some(({ name }) => name === 'masterIndex'))
  assert.ok(getters.some(({ name }) => name === 'servedBy'))
  for (const { prototype, name } of getters) assert.doesNotThrow(() => prototype[name], name)
})

test('what does the work shows nowhere', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const driver = Neo4jHA.driver.driver(server.uri)
  t.after(() => driver.close())
  const session = driver.session()
  const begun = session.beginTransaction()
  const transaction = await begun
  const result = transaction.run(QUERY)
  await result
  await transaction.commit()
  const reactive = driver.rxSession()
  const tagged = [Symbol.toStringTag]
  for (const [face, keys] of [
    [driver, []],
    [driver.executeQueryBookmarkManager, []],
    [session, ['writeLock']],
    [begun, tagged],
    [transaction, []],
    [result, tagged],
    [reactive, []],
    [reactive.run(QUERY), []],
    [await lastValueFrom(reactive.beginTransaction()), []]
  ]) {
    assert.deepEqual(Reflect.ownKeys({ ...face }), keys)
    const names = []
    for (const name in face) names.push(name)
    assert.deepEqual(
      names.filter(name => name.startsWith('_')),
      []
    )
    assert.ok(!inspect(face, { depth: 20 }).includes('Impl'))
    assert.ok(!JSON.stringify(face).includes('_impl'))
  }
  assert.deepEqual(structuredClone(session), { writeLock: true })
})
