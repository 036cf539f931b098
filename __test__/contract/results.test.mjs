// The life of a result: who gets its records, what of it is discarded and by what, and what several at once ask of a server.
import assert from 'node:assert/strict'
import { boltServer, column, failing, Neo4jHA, test } from '../support/contract.mjs'
import { bolt, failure } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const LONG = 'UNWIND range(1, 100000) AS n RETURN n'
const SHORT = 'UNWIND range(1, 3) AS n RETURN n'
const SYNTAX = 'Neo.ClientError.Statement.SyntaxError'

async function opened(t, { versions = bolt.neo4j44, qids = true, ...config } = {}) {
  const server = await boltServer(t, { versions, qids })
  const driver = neo4j.driver(server.uri, undefined, config)
  t.after(() => driver.close())
  return { server, driver, session: driver.session({ fetchSize: 100 }) }
}

const discards = server => server.received('DISCARD').map(({ fields }) => Number(fields[0].n))
const status = summary => summary.gqlStatusObjects[0].gqlStatus

// ---- discarded ----

const ends = {
  'commit()': [tx => tx.commit(), /discarded when its transaction was committed; read it before/],
  'rollback()': [tx => tx.rollback(), /discarded when its transaction was rolled back; read it before/],
  'close()': [tx => tx.close(), /discarded when its transaction was rolled back; read it before/],
  'close() of the session': [(_, session) => session.close(), /discarded when its session was closed/]
}

for (const [name, [end, reason]] of Object.entries(ends)) {
  test(`${name} behind a long result that nobody reads discards it, and whoever reads it then is told`, async t => {
    const { server, session } = await opened(t)
    const tx = await session.beginTransaction()
    const unread = tx.run(LONG)
    await end(tx, session)
    assert.deepEqual(discards(server), [-1])
    assert.ok(server.received('PULL').length < 20, `${server.received('PULL').length} PULLs`)
    await assert.rejects(unread[Symbol.asyncIterator]().next(), reason)
    const error = await failing(unread)
    assert.ok(error instanceof neo4j.Neo4jError)
    assert.match(error.message, reason)
    const seen = await new Promise(resolve =>
      unread.subscribe({ onNext: resolve, onError: resolve, onCompleted: resolve })
    )
    assert.match(seen.message, reason)
    assert.equal((await unread.summary()).queryType, 'r')
    assert.equal(status(await unread.summary()), '00000')
  })

  test(`a short result is all there after ${name}, and so is the error of a query that failed`, async t => {
    const { server, driver, session } = await opened(t)
    const tx = await session.beginTransaction()
    const short = tx.run(SHORT)
    await end(tx, session)
    assert.deepEqual(column(await short), [1, 2, 3])
    assert.deepEqual(discards(server), [])
    const other = driver.session()
    const bad = await other.beginTransaction()
    const failed = bad.run('NONSENSE')
    await end(bad, other).catch(() => {})
    assert.equal((await failing(failed)).code, SYNTAX)
  })
}

test('what is read from the very call of commit() on is read whole', async t => {
  const { session } = await opened(t)
  const tx = await session.beginTransaction()
  const result = tx.run(LONG)
  const [, { records }] = await Promise.all([tx.commit(), result])
  assert.equal(records.length, 100_000)
})

test('a commit behind an unread result of Bolt 3, where all comes at once, keeps no part of it', async t => {
  const { session } = await opened(t, { versions: ['3.0'] })
  const tx = await session.beginTransaction()
  const unread = tx.run(LONG)
  await tx.commit()
  assert.match((await failing(unread)).message, /discarded when its transaction was committed/)
})

test('a result returned out of a function that closes its session', async t => {
  const { driver } = await opened(t)
  const read = async query => {
    const session = driver.session({ fetchSize: 100 })
    try {
      return session.run(query)
    } finally {
      await session.close()
    }
  }
  assert.deepEqual(column(await read(SHORT)), [1, 2, 3])
  assert.match((await failing(read(LONG))).message, /discarded when its session was closed/)
  assert.equal((await failing(read('NONSENSE'))).code, SYNTAX)
})

test('summary() and records of one result', async t => {
  const { session } = await opened(t)
  const both = result => Promise.all([result.summary(), result])
  assert.deepEqual(column((await both(session.run(SHORT)))[1]), [1, 2, 3])
  assert.equal((await both(session.run(LONG)))[1].records.length, 100_000)
  const short = session.run(SHORT)
  await short.summary()
  assert.deepEqual(column(await short), [1, 2, 3])
  const long = session.run(LONG)
  assert.equal(status(await long.summary()), '00000')
  assert.match((await failing(long)).message, /discarded by summary\(\); read it before/)
})

test('summary() while somebody iterates discards the rest', async t => {
  const { server, session } = await opened(t)
  const result = session.run(LONG)
  const iterator = result[Symbol.asyncIterator]()
  await iterator.next()
  assert.equal(status(await result.summary()), '00000')
  assert.deepEqual(discards(server), [-1])
  assert.match((await failing(iterator.next())).message, /discarded by summary\(\); read it before/)
})

test('the records that one reader was given are not missing for another one: it is refused', async t => {
  const { session } = await opened(t)
  const result = session.run(SHORT)
  for await (const _ of result) break
  assert.match((await failing(result)).message, /already consumed/)
})

test('a status without records says so, also where records were discarded', async t => {
  const { server, session } = await opened(t)
  server.on('NOTHING', { fields: ['n'], records: [] })
  server.on('NO FIELDS', { fields: [], records: [] })
  assert.equal(status((await session.run('NOTHING')).summary), '02000')
  assert.equal(status((await session.run('NO FIELDS')).summary), '00001')
  const iterator = session.run(LONG)[Symbol.asyncIterator]()
  assert.equal(status((await iterator.return()).value), '00000')
})

test('what an iterator was made to return is its end from then on, as in neo4j-driver', async t => {
  const { session } = await opened(t)
  const iterator = session.run(LONG)[Symbol.asyncIterator]()
  await iterator.next()
  const end = { done: true, value: 7 }
  assert.deepEqual(await iterator.return(7), end)
  assert.deepEqual(await iterator.next(), end)
  assert.deepEqual(await iterator.peek(), end)
  assert.deepEqual(await iterator.return(), end)
  assert.deepEqual(await iterator.return(8), { done: true, value: 8 })
  assert.deepEqual(await iterator.next(), end)
})

// ---- a reader that stopped ----

for (const [name, begin] of Object.entries({
  'a session': session => session.run(LONG),
  'a transaction': session => session.beginTransaction().run(LONG)
})) {
  test(`closing the session discards what an iterator that stopped has not read: in ${name}`, async t => {
    const { server, driver, session } = await opened(t, { maxConnectionPoolSize: 1 })
    const iterator = begin(session)[Symbol.asyncIterator]()
    await iterator.next()
    await session.close()
    assert.deepEqual(discards(server), [-1])
    assert.ok(server.received('PULL').length < 20)
    assert.match((await failing(iterator.next())).message, /discarded when its session was closed/)
    assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
  })

  test(`closing the driver ends what an iterator that stopped has not read: in ${name}`, async t => {
    const { driver, session } = await opened(t)
    const iterator = begin(session)[Symbol.asyncIterator]()
    await iterator.next()
    await driver.close()
    const reading = (async () => {
      while (!(await iterator.next()).done);
    })()
    assert.match((await failing(reading)).message, /the driver was closed/i)
  })
}

for (const versions of [['3.0'], bolt.neo4j44, bolt.neo4j526]) {
  for (const [name, [end, reason]] of Object.entries(ends)) {
    test(`${name} discards what an iterator that stopped has not read: Bolt ${versions}`, async t => {
      const { driver, session } = await opened(t, { versions, maxConnectionPoolSize: 1 })
      const tx = await session.beginTransaction()
      const iterator = tx.run(LONG)[Symbol.asyncIterator]()
      await iterator.next()
      await end(tx, session)
      assert.match((await failing(iterator.next())).message, reason)
      assert.match((await failing(iterator.peek())).message, reason)
      assert.equal((await iterator.return()).done, true)
      assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
    })
  }
}

test('a loop that rolls back and leaves ends well', async t => {
  const { server, session } = await opened(t)
  const tx = await session.beginTransaction()
  for await (const _ of tx.run(LONG)) {
    await tx.rollback()
    break
  }
  assert.deepEqual(discards(server), [-1])
})

// ---- several at once ----

test('queries of a transaction are answered while a long result is read slowly, and it goes on after them', async t => {
  const { server, session } = await opened(t)
  const tx = await session.beginTransaction()
  const iterator = tx.run(LONG)[Symbol.asyncIterator]()
  await iterator.next()
  for (let i = 0; i < 3; i++) assert.deepEqual(column(await tx.run(SHORT)), [1, 2, 3])
  assert.ok(server.received('PULL').length < 20, `${server.received('PULL').length} PULLs`)
  let rest = 1
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    assert.equal(Number(next.value.get(0)), ++rest)
  }
  assert.equal(rest, 100_000)
  await tx.commit()
  assert.equal(server.received('COMMIT').length, 1)
  assert.deepEqual(server.protocolErrors, [])
})

test('two long results of a transaction are read in turns', async t => {
  const { server, session } = await opened(t)
  const tx = await session.beginTransaction()
  const [one, other] = [tx.run(LONG), tx.run(LONG)].map(result => result[Symbol.asyncIterator]())
  for (let i = 1; i <= 5_000; i++) {
    assert.equal(Number((await one.next()).value.get(0)), i)
    assert.equal(Number((await other.next()).value.get(0)), i)
  }
  assert.ok(server.received('PULL').length < 200)
  await tx.rollback()
  assert.equal(discards(server).length, 2)
  assert.deepEqual(server.protocolErrors, [])
})

test('results that the server gives no qid are read one after the other, and none gets records of another', async t => {
  const { server, session } = await opened(t, { qids: false })
  const tx = await session.beginTransaction()
  const text = 'UNWIND range(1, 5000) AS n RETURN n'
  const [one, other] = [tx.run(text), tx.run(text)].map(result => result[Symbol.asyncIterator]())
  for (let i = 1; i <= 5_000; i++) {
    assert.equal(Number((await one.next()).value.get(0)), i)
    assert.equal(Number((await other.next()).value.get(0)), i)
  }
  await tx.commit()
  assert.deepEqual(server.protocolErrors, [])
})

test('a commit discards open results that are not read to their end, and says so', async t => {
  const { server, session } = await opened(t)
  const tx = await session.beginTransaction()
  const stopped = tx.run(LONG)[Symbol.asyncIterator]()
  await stopped.next()
  const unread = tx.run(LONG)
  const whole = tx.run(SHORT)[Symbol.asyncIterator]()
  await whole.next()
  await tx.commit()
  assert.equal(discards(server).length, 2)
  assert.match((await failing(unread)).message, /discarded when its transaction was committed/)
  assert.match((await failing(stopped.next())).message, /discarded when its transaction was committed/)
  assert.equal(Number((await whole.next()).value.get(0)), 2)
  assert.equal(Number((await whole.next()).value.get(0)), 3)
  assert.equal((await whole.next()).done, true)
})

test('a query that fails fails the open results of its transaction', async t => {
  const { session } = await opened(t)
  const tx = await session.beginTransaction()
  const iterator = tx.run(LONG)[Symbol.asyncIterator]()
  await iterator.next()
  const error = await failing(tx.run('NONSENSE'))
  assert.equal(error.code, SYNTAX)
  const reading = (async () => {
    while (!(await iterator.next()).done);
  })()
  assert.equal((await failing(reading)).code, SYNTAX)
})

// ---- keys ----

test('the keys of a query that fails at once are told before its error', async t => {
  const { server, session } = await opened(t)
  server.on('RETURN 1/0 AS a', {
    fields: ['a'],
    records: [],
    ending: failure('Neo.ClientError.Statement.ArithmeticError')
  })
  const result = session.run('RETURN 1/0 AS a')
  assert.deepEqual(await result.keys(), ['a'])
  assert.match((await failing(result)).code, /ArithmeticError/)
  const seen = []
  await new Promise(resolve => {
    session.run('RETURN 1/0 AS a').subscribe({
      onKeys: names => seen.push(...names),
      onError: error => resolve(seen.push(error.code))
    })
  })
  assert.deepEqual(seen, ['a', 'Neo.ClientError.Statement.ArithmeticError'])
})

// ---- at the speed of its reader ----

test('a reader that pauses stops the server also where all was asked for at once', async t => {
  const { server, driver } = await opened(t)
  const [all, text] = [200_000, 'x'.repeat(1_000)]
  let sent = 0
  const records = {
    *[Symbol.iterator]() {
      for (; sent < all; sent++) yield [text]
    }
  }
  server.on('ALL', { fields: ['text'], records })
  const iterator = driver.session({ fetchSize: -1 }).run('ALL')[Symbol.asyncIterator]()
  await iterator.next()
  let before = -1
  await until(
    () => {
      const hasStopped = sent === before
      before = sent
      return hasStopped
    },
    { every: 200 }
  )
  assert.ok(sent < all / 2, `${sent} of ${all} records were sent to a reader that took one`)
  await iterator.return()
})
