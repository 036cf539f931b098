// Causal chains: which bookmarks are sent with which work, and who is told of the new ones.
import assert from 'node:assert/strict'
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
  test
} from '../support/contract.mjs'
import { bolt } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver

/** The bookmarks that work was sent with, sorted; undefined when there were none. */
const sentWith = ({ kind, name, fields }) => {
  const [extra] = name === 'RUN' && kind === 'BEGIN' ? [fields[1]] : [fields[kind === 'BEGIN' ? 0 : 2]]
  return extra.bookmarks?.toSorted?.() ?? (extra.bookmarks && [...extra.bookmarks].sort())
}
const begun = server => server.received('BEGIN').map(sentWith)
const ran = server => server.received('RUN').map(sentWith)

/** A server that gives out a, b, c ... one for each transaction. */
const alphabet = async (t, options) => {
  const server = await boltServer(t, options)
  const letters = 'abcdefghijklmnop'
  server.nextBookmark = () => letters[server.bookmarks++]
  return server
}

const modern = ['3.0', '4.4', '5.4', '6.1']

for (const version of modern) {
  test(`Bolt ${version}: the bookmarks of a session are sent with its first work, in RUN or in BEGIN`, async t => {
    const server = await alphabet(t, { versions: [version] })
    const driver = connect(t, server.uri)
    await ask(driver, 'RETURN 1', { bookmarks: 'x' })
    await ask(driver, 'RETURN 1', { bookmarks: ['x', 'y'] })
    await driver.session({ bookmarks: ['y', 'z'] }).executeWrite(tx => tx.run('RETURN 1'))
    await ask(driver, 'RETURN 1', {})
    assert.deepEqual(ran(server), [['x'], ['x', 'y'], undefined, undefined])
    assert.deepEqual(begun(server), [['y', 'z']])
  })

  test(`Bolt ${version}: each piece of work in a session is sent with the bookmark of the one before`, async t => {
    const server = await alphabet(t, { versions: [version] })
    const session = connect(t, server.uri).session({ bookmarks: ['x', 'y'] })
    await session.run('CREATE (n)')
    assert.deepEqual(session.lastBookmarks(), ['a'])
    await session.executeWrite(tx => tx.run('CREATE (n)'))
    await session.executeRead(tx => tx.run('RETURN 1'))
    await session.run('RETURN 1')
    assert.deepEqual(ran(server)[0], ['x', 'y'])
    assert.deepEqual(begun(server), [['a'], ['b']])
    assert.deepEqual(ran(server).at(-1), ['c'])
    assert.deepEqual(session.lastBookmarks(), ['d'])
  })

  test(`Bolt ${version}: one session waits for what several others wrote`, async t => {
    const server = await alphabet(t, { versions: [version] })
    const driver = connect(t, server.uri)
    const writers = [driver.session(), driver.session(), driver.session()]
    for (const session of writers) await session.run('CREATE (n)')
    const bookmarks = writers.flatMap(session => session.lastBookmarks())
    assert.deepEqual([...bookmarks].sort(), ['a', 'b', 'c'])
    await ask(driver, 'RETURN 1', { bookmarks })
    assert.deepEqual(ran(server).at(-1), ['a', 'b', 'c'])
  })

  test(`Bolt ${version}: executeQuery chains its queries, and with bookmarkManager: null it does not`, async t => {
    const server = await alphabet(t, { versions: [version] })
    const driver = connect(t, server.uri)
    await driver.executeQuery('CREATE (n)')
    await driver.executeQuery('RETURN 1', {}, { routing: neo4j.routing.READ })
    await driver.executeQuery('RETURN 2', {}, { bookmarkManager: null })
    await driver.executeQuery('RETURN 3')
    assert.deepEqual(begun(server), [undefined, ['a'], undefined, ['b']])
  })
}

test('lastBookmarks() is what the session was given, until it has done something', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  assert.deepEqual(driver.session().lastBookmarks(), [])
  const session = driver.session({ bookmarks: ['x', 'y'] })
  assert.deepEqual([...session.lastBookmarks()].sort(), ['x', 'y'])
  await failing(session.run('NONSENSE'))
  assert.deepEqual([...session.lastBookmarks()].sort(), ['x', 'y'])
  const tx = session.beginTransaction()
  await tx.run('CREATE (n)')
  await tx.rollback()
  assert.deepEqual([...session.lastBookmarks()].sort(), ['x', 'y'])
  await session.executeWrite(work => work.run('CREATE (n)'))
  assert.deepEqual(session.lastBookmarks(), ['a'])
  await session.close()
  assert.deepEqual(session.lastBookmarks(), ['a'])
})

test('bookmarks given as nothing are none: null, an empty list, null in a list', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  for (const bookmarks of [null, undefined, [], [null], '']) await ask(driver, 'RETURN 1', { bookmarks })
  await ask(driver, 'RETURN 1', { bookmarks: ['x', null, 'x', undefined] })
  assert.deepEqual(ran(server).slice(0, 4), [undefined, undefined, undefined, undefined])
  assert.deepEqual([...new Set(ran(server).at(-1))], ['x'])
})

test('bookmarks that are no text are refused', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  for (const bookmarks of [7, [7], {}, [{}]]) {
    const error = await failing((async () => ask(driver, 'RETURN 1', { bookmarks }))())
    assert.match(error.message, /bookmark/i)
  }
  assert.equal(server.received('RUN').length, 0)
})

test('an answer without a bookmark leaves the one before', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const session = connect(t, server.uri).session({ bookmarks: ['x'] })
  server.nextBookmark = () => undefined
  server.when('COMMIT', x => x.success({}))
  await session.executeWrite(tx => tx.run('CREATE (n)'))
  assert.deepEqual(session.lastBookmarks(), ['x'])
})

// ---- managers ----

test('a manager begins with initialBookmarks, and goes on with those of the work', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  for (const initialBookmarks of [['x', 'y'], new Set(['x', 'y'])]) {
    const bookmarkManager = neo4j.bookmarkManager({ initialBookmarks })
    await ask(driver, 'CREATE (n)', { bookmarkManager })
    await driver.session({ bookmarkManager }).executeWrite(tx => tx.run('CREATE (n)'))
    await driver.executeQuery('RETURN 1', {}, { bookmarkManager })
  }
  const runs = ran(server).filter(Boolean)
  assert.deepEqual(runs, [
    ['x', 'y'],
    ['x', 'y']
  ])
  assert.deepEqual(begun(server), [['a'], ['b'], ['d'], ['e']])
})

test('sessions of one manager see what the others wrote; other sessions do not', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  const bookmarkManager = neo4j.bookmarkManager()
  await ask(driver, 'CREATE (n)', { bookmarkManager })
  await ask(driver, 'RETURN 1', { bookmarkManager })
  await ask(driver, 'RETURN 1')
  assert.deepEqual(ran(server), [undefined, ['a'], undefined])
})

test('the bookmarks of the session join those of its manager', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  const bookmarkManager = neo4j.bookmarkManager({ initialBookmarks: ['m'] })
  const session = driver.session({ bookmarkManager, bookmarks: ['x'] })
  await session.run('CREATE (n)')
  await session.executeWrite(tx => tx.run('CREATE (n)'))
  assert.deepEqual(ran(server)[0], ['m', 'x'])
  assert.ok(begun(server)[0].includes('a'))
  assert.ok(!begun(server)[0].includes('m'))
})

test("executeQuery and sessions share the driver's own manager when it is given to them", async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  const bookmarkManager = driver.executeQueryBookmarkManager
  await driver.executeQuery('CREATE (n)')
  await ask(driver, 'CREATE (m)', { bookmarkManager })
  await driver.executeQuery('RETURN 1')
  assert.deepEqual(begun(server), [undefined, ['b']])
  assert.deepEqual(ran(server)[1], ['a'])
  assert.deepEqual([...(await bookmarkManager.getBookmarks())], ['c'])
})

test('executeQuery with a manager of its own leaves the one of the driver alone', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  const bookmarkManager = neo4j.bookmarkManager()
  await driver.executeQuery('CREATE (n)', {}, { bookmarkManager })
  await driver.executeQuery('CREATE (n)')
  assert.deepEqual(begun(server), [undefined, undefined])
  assert.deepEqual([...(await bookmarkManager.getBookmarks())], ['a'])
  assert.deepEqual([...(await driver.executeQueryBookmarkManager.getBookmarks())], ['b'])
})

for (const [how, supply] of [
  ['at once', () => ['s']],
  ['with a promise', async () => new Set(['s'])]
]) {
  test(`bookmarksSupplier adds its bookmarks to each piece of work: ${how}`, async t => {
    const server = await alphabet(t, { versions: ['5.4'] })
    const driver = connect(t, server.uri)
    let asked = 0
    const bookmarkManager = neo4j.bookmarkManager({
      initialBookmarks: ['x'],
      bookmarksSupplier: () => {
        asked++
        return supply()
      }
    })
    await ask(driver, 'RETURN 1', { bookmarkManager })
    assert.ok(asked > 0)
    await driver.executeQuery('RETURN 1', {}, { bookmarkManager })
    assert.deepEqual(ran(server)[0], ['s', 'x'])
    assert.deepEqual(begun(server), [['a', 's']])
  })
}

test('bookmarksConsumer is told the whole set after each piece of work that changed it', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  const told = []
  const bookmarkManager = neo4j.bookmarkManager({
    initialBookmarks: ['x'],
    bookmarksConsumer: async bookmarks => {
      told.push([...bookmarks].sort())
    }
  })
  await ask(driver, 'CREATE (n)', { bookmarkManager })
  await driver.executeQuery('CREATE (n)', {}, { bookmarkManager })
  const session = driver.session({ bookmarkManager })
  const tx = session.beginTransaction()
  await tx.run('CREATE (n)')
  assert.equal(told.length, 2)
  await tx.commit()
  await failing(session.run('NONSENSE'))
  assert.deepEqual(told, [['a'], ['b'], ['c']])
})

test('two pieces of work at the same time leave both their bookmarks', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  const bookmarkManager = neo4j.bookmarkManager({ initialBookmarks: ['x'] })
  const [one, two] = [driver.session({ bookmarkManager }), driver.session({ bookmarkManager })]
  const [first, second] = [one.beginTransaction(), two.beginTransaction()]
  await first.run('CREATE (n)')
  await second.run('CREATE (n)')
  await first.commit()
  await second.commit()
  assert.deepEqual([...(await bookmarkManager.getBookmarks())].sort(), ['a', 'b'])
  await driver.executeQuery('RETURN 1', {}, { bookmarkManager })
  assert.deepEqual(begun(server).at(-1), ['a', 'b'])
})

test('any object with getBookmarks and updateBookmarks is a manager', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const updates = []
  const bookmarkManager = {
    async getBookmarks() {
      return ['mine']
    },
    async updateBookmarks(before, after) {
      updates.push([[...before], [...after]])
    }
  }
  const driver = connect(t, server.uri)
  await driver.executeQuery('RETURN 1', {}, { bookmarkManager })
  assert.deepEqual(begun(server), [['mine']])
  assert.deepEqual(updates, [[['mine'], ['a']]])
})

test('a supplier that fails is the error of the work; nothing runs, and the session goes on', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  let broken = true
  const reason = new RangeError('no bookmarks today')
  const bookmarkManager = neo4j.bookmarkManager({
    bookmarksSupplier: async () => {
      if (broken) throw reason
      return []
    }
  })
  const driver = connect(t, server.uri, undefined, { maxTransactionRetryTime: 200 })
  const session = driver.session({ bookmarkManager })
  for (const work of [
    () => session.run('RETURN 1'),
    () => session.executeWrite(tx => tx.run('RETURN 1')),
    () => driver.executeQuery('RETURN 1', {}, { bookmarkManager })
  ]) {
    const error = await within(failing(work()), 5000, 'the error')
    assert.equal(error, reason)
  }
  assert.equal(server.received('RUN').length, 0)
  broken = false
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
})

test('a consumer that fails does not undo what was committed', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const bookmarkManager = neo4j.bookmarkManager({
    bookmarksConsumer: async () => {
      throw new Error('nobody listens')
    }
  })
  const driver = connect(t, server.uri)
  const { value, error } = await settle(driver.executeQuery('CREATE (n)', {}, { bookmarkManager }))
  assert.equal(error, undefined)
  assert.ok(value)
  await ask(driver, 'CREATE (n)', { bookmarkManager })
  assert.equal(server.received('COMMIT').length, 1)
})

test('a retried transaction is sent with the bookmarks that its manager has then', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  let n = 0
  const bookmarkManager = neo4j.bookmarkManager({ bookmarksSupplier: () => [`s${++n}`] })
  server.when('RUN', x => x.fail('Neo.TransientError.Transaction.DeadlockDetected', 'again')).times(1)
  await driver.executeQuery('RETURN 1', {}, { bookmarkManager })
  const [first, second] = begun(server)
  assert.equal(first.length, 1)
  assert.equal(second.length, 1)
  assert.notDeepEqual(first, second)
})

/** A manager of a set that others write to, and how often it was asked. */
const shared = () => {
  const manager = { bookmarks: new Set(), asked: 0 }
  manager.getBookmarks = async () => {
    manager.asked++
    return manager.bookmarks
  }
  manager.updateBookmarks = async (before, after) => {
    for (const bookmark of before) manager.bookmarks.delete(bookmark)
    for (const bookmark of after) manager.bookmarks.add(bookmark)
  }
  return manager
}

for (const [what, work, sent] of [
  ['run', session => session.run('RETURN 2'), ran],
  ['beginTransaction', session => session.beginTransaction().then(tx => tx.rollback()), begun],
  ['executeWrite', session => session.executeWrite(tx => tx.run('RETURN 2')), begun]
]) {
  test(`${what}: what was committed while it waited for a connection is in what it sends`, async t => {
    const server = await alphabet(t, { versions: ['5.4'] })
    const driver = connect(t, server.uri, undefined, { maxConnectionPoolSize: 1 })
    const bookmarkManager = shared()
    const tx = driver.session({ bookmarkManager }).beginTransaction()
    await tx.run('CREATE (n)')
    const waiting = work(driver.session({ bookmarkManager }))
    // The pool's only connection serves them in the order in which they came: nothing but the commit lets it go on.
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(bookmarkManager.asked, 1)
    await tx.commit()
    await within(Promise.resolve(waiting), 5000, what)
    assert.deepEqual(sent(server).at(-1), ['a'])
    assert.equal(bookmarkManager.asked, 2)
  })
}

test('executeQuery asks its manager once a transaction, and BEGIN goes out with its query', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri)
  const bookmarkManager = shared()
  for (let i = 0; i < 3; i++) await driver.executeQuery('CREATE (n)', {}, { bookmarkManager })
  assert.equal(bookmarkManager.asked, 3)
  assert.deepEqual(begun(server), [undefined, ['a'], ['b']])
  // Were BEGIN to wait for its answer, its server would be asked for it alone.
  server.when('BEGIN', async x => {
    await until(() => server.received('RUN').length === 4)
    await x.success({})
  })
  await within(driver.executeQuery('CREATE (n)', {}, { bookmarkManager }), 5000, 'the query')
})

test('queries of one session that wait for each other follow on each other, by its manager', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  const bookmarkManager = shared()
  const session = connect(t, server.uri).session({ bookmarkManager, bookmarks: ['x'] })
  await Promise.all(['1', '2', '3'].map(n => session.run(`RETURN ${n}`)))
  assert.deepEqual(ran(server), [['x'], ['a'], ['b']])
  assert.deepEqual(session.lastBookmarks(), ['c'])
  assert.deepEqual([...bookmarkManager.bookmarks], ['c'])
})

test('bookmarks that a manager has already, and that come back unchanged, are told all the same', async t => {
  const server = await alphabet(t, { versions: ['5.4'] })
  server.nextBookmark = () => 'x'
  const bookmarkManager = shared()
  await ask(connect(t, server.uri), 'RETURN 1', { bookmarkManager, bookmarks: ['x'] })
  assert.deepEqual([...bookmarkManager.bookmarks], ['x'])
})

test('neo4j://: a bookmark manager is asked when ROUTE is written, and again when BEGIN is', async t => {
  const all = await routing(t, { versions: ['5.4'] })
  const letters = ['r', 'b']
  const bookmarkManager = { getBookmarks: async () => [letters.shift()], async updateBookmarks() {} }
  await connect(t, all.uri).executeQuery('CREATE (n)', {}, { bookmarkManager, database: 'one' })
  assert.deepEqual(
    all.routes().map(({ bookmarks }) => bookmarks),
    [['r']]
  )
  assert.deepEqual(begun(all.members[0]), [['b']])
})

test('neo4j://: what a manager does is the error of its own work, not of others that wait for the same table', async t => {
  const all = await routing(t, { versions: ['5.4'] })
  const driver = connect(t, all.uri)
  let refuse
  const stubborn = {
    getBookmarks: () =>
      new Promise((_, reject) => {
        refuse = reject
      }),
    async updateBookmarks() {}
  }
  const first = failing(ask(driver, 'RETURN 1', { database: 'one', bookmarkManager: stubborn }))
  await until(() => refuse !== undefined)
  const second = ask(driver, 'RETURN 1', { database: 'one' })
  await new Promise(resolve => setImmediate(resolve))
  refuse(new Error('no bookmarks today'))
  assert.match((await within(first, 5000, 'the first')).message, /no bookmarks today/)
  await within(second, 5000, 'the second')
})

test('neo4j://: a manager that never answers is named by the error when the acquisition time is up', async t => {
  const all = await routing(t, { versions: ['5.4'] })
  const driver = connect(t, all.uri, undefined, { connectionAcquisitionTimeout: 300, connectionTimeout: 200 })
  const bookmarkManager = { getBookmarks: () => new Promise(() => {}), async updateBookmarks() {} }
  const error = await within(failing(ask(driver, 'RETURN 1', { bookmarkManager })), 5000, 'the error')
  assert.match(error.message, /300 ms.*getBookmarks/)
})

test('neo4j://: routers are asked with the bookmarks of the session and of its manager', async t => {
  const all = await routing(t, { versions: ['5.4'] })
  const driver = connect(t, all.uri)
  const bookmarkManager = neo4j.bookmarkManager({ initialBookmarks: ['m'] })
  await ask(driver, 'RETURN 1', { database: 'one', bookmarks: ['x'] })
  await ask(driver, 'RETURN 1', { database: 'two', bookmarkManager })
  await driver.executeQuery('CREATE (n)', {}, { database: 'three' })
  await driver.executeQuery('CREATE (n)', {}, { database: 'four' })
  assert.deepEqual(
    all.routes().map(({ bookmarks }) => bookmarks),
    [['x'], ['m'], [], [all.members[0].received('BEGIN')[1].fields[0].bookmarks].flat()]
  )
})

// ---- what came before Bolt 3 ----

const causal = n => `neo4j:bookmark:v1:tx${n}`

for (const version of ['1.0', '2.0']) {
  test(`Bolt ${version}: of several bookmarks BEGIN carries the highest, and all of them in a list`, async t => {
    const server = await boltServer(t, { versions: [version] })
    server.nextBookmark = () => causal(++server.bookmarks + 100)
    const session = connect(t, server.uri).session({ bookmarks: [causal(9), causal(10), causal(7)] })
    await session.executeWrite(tx => tx.run('CREATE (n)'))
    await session.executeRead(tx => tx.run('RETURN 1'))
    const [first, second] = server.received('BEGIN')
    assert.equal(first.fields[0], 'BEGIN')
    assert.equal(first.fields[1].bookmark, causal(10))
    assert.deepEqual([...first.fields[1].bookmarks].sort(), [causal(10), causal(7), causal(9)].sort())
    assert.deepEqual(second.fields[1], { bookmark: causal(101), bookmarks: [causal(101)] })
    assert.equal(session.lastBookmark(), causal(102))
    assert.deepEqual(session.lastBookmarks(), [causal(102)])
  })

  test(`Bolt ${version}: bookmarks of unlike kinds are compared without a crash`, async t => {
    const server = await boltServer(t, { versions: [version] })
    const driver = connect(t, server.uri)
    for (const bookmarks of [
      ['something else', causal(3)],
      ['one', 'two'],
      [causal('99999999999999999999'), causal(1)]
    ]) {
      await driver.session({ bookmarks }).executeWrite(tx => tx.run('RETURN 1'))
      const { bookmark, bookmarks: all } = server.received('BEGIN').at(-1).fields[1]
      assert.deepEqual([...all].sort(), [...bookmarks].sort())
      assert.ok(bookmarks.includes(bookmark))
    }
    assert.equal(server.received('BEGIN').at(-1).fields[1].bookmark, causal('99999999999999999999'))
  })

  test(`Bolt ${version}: a manager chains transactions as everywhere`, async t => {
    const server = await boltServer(t, { versions: [version] })
    server.nextBookmark = () => causal(++server.bookmarks)
    const driver = connect(t, server.uri)
    await driver.executeQuery('CREATE (n)')
    await driver.executeQuery('RETURN 1')
    assert.deepEqual(server.received('BEGIN')[0].fields[1], {})
    assert.deepEqual(server.received('BEGIN')[1].fields[1], { bookmark: causal(1), bookmarks: [causal(1)] })
  })
}

for (const [name, versions] of [
  ['HA 3.4', bolt.neo4j34],
  ['HA 3.5', bolt.neo4j35]
]) {
  test(`${name}: what one session wrote on the master is waited for by another on a slave`, async t => {
    const { servers, members } = await cluster(t, { roles: ['master', 'slave'], versions })
    const [master, slave] = members.map(({ bolt: server }) => server)
    master.nextBookmark = () => causal(++master.bookmarks)
    const driver = await ready(t, servers, { rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
    const writer = driver.session(true)
    await writer.executeWrite(tx => tx.run('CREATE (n)'))
    assert.deepEqual(writer.lastBookmarks(), [causal(1)])
    const reader = driver.session({ defaultAccessMode: 'READ', bookmarks: writer.lastBookmarks() })
    await reader.executeRead(tx => tx.run('RETURN 1'))
    assert.deepEqual(sentWith(slave.received('BEGIN')[0]), [causal(1)])
    const bookmarkManager = neo4j.bookmarkManager()
    await driver.session({ bookmarkManager }).executeWrite(tx => tx.run('CREATE (n)'))
    await driver.session({ defaultAccessMode: 'READ', bookmarkManager }).executeRead(tx => tx.run('RETURN 1'))
    assert.deepEqual(sentWith(slave.received('BEGIN')[1]), [causal(2)])
  })

  test(`${name}: executeQuery of a pool chains its queries`, async t => {
    const { servers, members } = await cluster(t, { roles: ['master', 'slave'], versions })
    const [master, slave] = members.map(({ bolt: server }) => server)
    master.nextBookmark = () => causal(++master.bookmarks)
    const driver = await ready(t, servers, { rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
    await driver.executeQuery('CREATE (n)')
    await driver.executeQuery('RETURN 1', {}, { routing: neo4j.routing.READ })
    assert.deepEqual(sentWith(slave.received('BEGIN')[0]), [causal(1)])
  })
}

for (const version of ['2.0', '3.0']) {
  test(`Bolt ${version}: a causal cluster: the reader is sent what the leader gave`, async t => {
    const all = await routing(t, { versions: [version], cores: 2 })
    const [leader, follower] = all.members
    leader.nextBookmark = () => causal(++leader.bookmarks)
    const driver = connect(t, all.uri)
    const session = driver.session()
    await session.executeWrite(tx => tx.run('CREATE (n)'))
    await session.executeRead(tx => tx.run('RETURN 1'))
    assert.deepEqual(sentWith(follower.received('BEGIN')[0]), [causal(1)])
    if (rank(version) < 0x300) assert.equal(follower.received('BEGIN')[0].fields[1].bookmark, causal(1))
  })
}
