// Callbacks of the application that throw, or that are none: the error reaches whoever called, the connection goes back to its pool,
// and the work's outcome is told as it is.
import assert from 'node:assert/strict'
import { boltServer, column, connect, failing, Neo4jHA, test } from '../support/contract.mjs'
import { bolt } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const MANY = 'UNWIND range(1, 20000) AS n RETURN n'
const FEW = 'UNWIND range(1, 3) AS n RETURN n'

async function opened(t, versions = bolt.neo4j526) {
  const server = await boltServer(t, { versions })
  const driver = connect(t, server.uri, undefined, { maxConnectionPoolSize: 1 })
  return { server, driver, session: driver.session({ fetchSize: 100 }) }
}

/** What is uncaught while the test runs. */
function uncaught(t) {
  const seen = []
  const listeners = ['uncaughtException', 'unhandledRejection'].map(name => {
    const before = process.listeners(name)
    const listener = error => seen.push(error)
    process.removeAllListeners(name).on(name, listener)
    return { name, before, listener }
  })
  t.after(() => {
    for (const { name, before, listener } of listeners) {
      process.off(name, listener)
      for (const old of before) process.on(name, old)
    }
  })
  return seen
}

const throws = error => () => {
  throw error
}

/** Each way of a query, and how its connection comes back. */
const doors = {
  'a session': session => ({ result: query => session.run(query), end: () => session.close() }),
  'a transaction': session => {
    const tx = session.beginTransaction()
    return { result: query => tx.run(query), end: () => tx.commit() }
  }
}

for (const [door, begin] of Object.entries(doors)) {
  for (const query of [FEW, MANY]) {
    for (const name of ['onKeys', 'onNext', 'onCompleted']) {
      test(`${name} throws in ${door} (${query}): onError gets that very object, and the work goes on`, async t => {
        const { driver, session } = await opened(t)
        const seen = uncaught(t)
        const mine = new Error('mine')
        const { result, end } = begin(session)
        const told = []
        const error = await within(
          new Promise(resolve =>
            result(query).subscribe({
              onNext() {},
              [name]: throws(mine),
              onError: error => resolve(told.push(error) && error)
            })
          ),
          5000,
          'onError'
        )
        assert.equal(error, mine)
        await within(end(), 5000, 'the end')
        assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
        assert.deepEqual(told, [mine])
        assert.deepEqual(seen, [])
      })

      test(`${name} throws in ${door} (${query}), and there is no onError: it is uncaught, once`, async t => {
        const { driver, session } = await opened(t)
        const seen = uncaught(t)
        const printed = t.mock.method(console, 'log', () => {})
        const mine = new Error('mine')
        const { result, end } = begin(session)
        result(query).subscribe({ onNext() {}, [name]: throws(mine) })
        await until(() => seen.length > 0)
        await within(end(), 5000, 'the end')
        assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
        assert.deepEqual(seen, [mine])
        assert.equal(printed.mock.callCount(), 0)
      })
    }
  }
}

test('what onNext throws reaches whoever awaits the same result', async t => {
  const { session } = await opened(t)
  const seen = uncaught(t)
  const mine = new Error('mine')
  assert.equal(await failing(session.run(FEW).subscribe({ onNext: throws(mine) })), mine)
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
  assert.deepEqual(seen, [])
})

test('what onKeys or onCompleted throws, beside somebody who awaits, changes nothing for him where no records are taken', async t => {
  const { session } = await opened(t)
  const told = []
  const mine = new Error('mine')
  const result = session.run(FEW)
  result.subscribe({ onCompleted: throws(mine), onError: error => told.push(error) })
  assert.deepEqual(column(await result), [1, 2, 3])
  await until(() => told.length > 0)
  assert.deepEqual(told, [mine])
})

test('what was done is done, whatever a callback throws: summary() says so', async t => {
  const { session } = await opened(t)
  const mine = new Error('mine')
  const told = []
  const result = session.run(MANY).subscribe({ onNext: throws(mine), onError: error => told.push(error) })
  assert.equal((await result.summary()).queryType, 'r')
  assert.deepEqual(told, [mine])
  assert.equal(await failing(result), mine)
})

test('what onError throws is uncaught, once', async t => {
  const { driver, session } = await opened(t)
  const seen = uncaught(t)
  const mine = new Error('mine')
  session.run('NONSENSE').subscribe({ onError: throws(mine) })
  session.run(FEW).subscribe({ onNext: throws(new Error('first')), onError: throws(mine) })
  await until(() => seen.length === 2)
  assert.deepEqual(seen, [mine, mine])
  await session.close()
  assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
})

for (const name of ['onKeys', 'onNext', 'onCompleted']) {
  test(`executeWrite whose ${name} throws resolves after its COMMIT`, async t => {
    const { server, driver } = await opened(t)
    const mine = new Error('mine')
    const told = []
    const value = await driver.session().executeWrite(async tx => {
      const observer = { onNext() {}, [name]: throws(mine), onError: error => told.push(error) }
      await tx.run(FEW).subscribe(observer).summary()
      return 'done'
    })
    assert.equal(value, 'done')
    assert.equal(server.received('COMMIT').length, 1)
    assert.deepEqual(told, [mine])
    assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
  })
}

test('a callback ends everything in the middle of its records', async t => {
  const { driver, session } = await opened(t)
  const seen = []
  const tx = await session.beginTransaction()
  const ended = new Promise(resolve => {
    tx.run(MANY).subscribe({
      onNext: record => {
        seen.push(Number(record.get(0)))
        if (seen.length === 1) resolve(tx.rollback())
      },
      onError: error => seen.push(error)
    })
  })
  await within(ended, 5000, 'the rollback')
  assert.deepEqual(seen.slice(0, 3), [1, 2, 3])
  assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
})

test('an abort from within onNext ends it there', async t => {
  const { driver } = await opened(t)
  const session = driver.session({ defaultAccessMode: 'READ', fetchSize: 100 })
  const controller = new AbortController()
  const mine = new Error('enough')
  const seen = []
  const error = await new Promise(resolve =>
    session.run(MANY, {}, { signal: controller.signal }).subscribe({
      onNext: record => {
        seen.push(Number(record.get(0)))
        controller.abort(mine)
      },
      onError: resolve
    })
  )
  assert.equal(error, mine)
  assert.ok(seen.length < 20_000)
})

// ---- what is no callback ----

for (const [what, observer, reason] of [
  ['null', null, /subscribe\(\) takes an observer, an object of functions; it was null/],
  ['undefined', undefined, /subscribe\(\) takes an observer.*it was undefined/],
  ['a number', 5, /subscribe\(\) takes an observer.*it was number/],
  ['a function', () => {}, /subscribe\(\) takes an observer.*it was function/],
  ['onKeys: 5', { onKeys: 5 }, /onKeys of an observer is a function; it was of type number/],
  ["onNext: 'x'", { onNext: 'x' }, /onNext of an observer is a function; it was of type string/],
  ['onCompleted: {}', { onCompleted: {} }, /onCompleted of an observer is a function/],
  ['onError: 5', { onError: 5 }, /onError of an observer is a function/]
]) {
  test(`subscribe() with ${what} throws a TypeError that says so, and the result is still there`, async t => {
    const { driver, session } = await opened(t)
    const result = session.run(FEW)
    assert.throws(() => result.subscribe(observer), { name: 'TypeError', message: reason })
    assert.deepEqual(column(await result), [1, 2, 3])
    await session.close()
    assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
  })
}

test('an observer keeps its own this, and may lack what it does not want', async t => {
  const { session } = await opened(t)
  class Reader {
    seen = []
    onKeys(keys) {
      this.seen.push(...keys)
    }
    onNext(record) {
      this.seen.push(Number(record.get(0)))
    }
    onCompleted() {
      this.seen.push('end')
      this.done()
    }
  }
  const reader = new Reader()
  await new Promise(done => {
    reader.done = done
    session.run(FEW).subscribe(reader)
  })
  assert.deepEqual(reader.seen, ['n', 1, 2, 3, 'end'])
})

// ---- mappings ----

class Thing {
  constructor() {
    throw new RangeError('no thing')
  }
}

const read = {
  await: result => result.then(() => 'all'),
  'for await': async result => {
    for await (const _ of result);
  },
  subscribe: result =>
    new Promise((resolve, reject) => result.subscribe({ onNext() {}, onCompleted: resolve, onError: reject }))
}

for (const [name, go] of Object.entries(read)) {
  test(`a mapping that throws is the error of ${name}, as the object it was; the outcome is told as it is`, async t => {
    const { server, driver, session } = await opened(t)
    const error = await failing(go(session.run(MANY).as(Thing)))
    assert.ok(error instanceof RangeError)
    assert.equal(error.message, 'no thing')
    const swallowed = await session.executeWrite(async tx => {
      await failing(go(tx.run(FEW).as(Thing)))
      return 'done'
    })
    assert.equal(swallowed, 'done')
    assert.equal(server.received('COMMIT').length, 1)
    const rejected = await failing(session.executeWrite(tx => go(tx.run(FEW).as(Thing))))
    assert.ok(rejected instanceof RangeError)
    assert.equal(server.received('ROLLBACK').length, 1)
    await session.close()
    assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
  })
}

test('as() is of a result that nobody reads yet', async t => {
  const { session } = await opened(t)
  const iterated = session.run(FEW)
  await iterated[Symbol.asyncIterator]().next()
  const awaited = session.run(FEW)
  await awaited
  for (const result of [iterated, awaited]) {
    assert.throws(() => result.as(Thing), /Cannot call .as\(\) on a Result that is being consumed/)
  }
})

// ---- errors of the application's own functions ----

for (const thrown of [
  new Error('mine'),
  new neo4j.Neo4jError('mine', 'Neo.ClientError.Mine', '', '', {}),
  'text',
  7
]) {
  test(`what a function of the application throws arrives as the object it was: ${thrown}`, async t => {
    const { server, driver, session } = await opened(t)
    const works = {
      executeWrite: () => session.executeWrite(throws(thrown)),
      'executeWrite, later': () => session.executeWrite(() => Promise.reject(thrown)),
      'executeRead behind a query': () =>
        session.executeRead(async tx => {
          await tx.run(FEW)
          throw thrown
        }),
      writeTransaction: () => session.writeTransaction(throws(thrown)),
      resultTransformer: () => driver.executeQuery(FEW, {}, { resultTransformer: throws(thrown) }),
      'resultTransformer, later': () =>
        driver.executeQuery(FEW, {}, { resultTransformer: () => Promise.reject(thrown) }),
      'resultTransformers.mapped': () =>
        driver.executeQuery(
          FEW,
          {},
          { resultTransformer: neo4j.resultTransformers.mapped({ map: throws(thrown) }) }
        )
    }
    for (const [name, work] of Object.entries(works)) {
      const { reason } = (await Promise.allSettled([work()]))[0]
      assert.equal(reason, thrown, name)
    }
    assert.equal(server.received('COMMIT').length, 0)
    await session.close()
    assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
  })
}

test('a transaction function that is none is a TypeError, and nothing stays open', async t => {
  const { driver, session } = await opened(t)
  assert.ok((await failing(session.executeWrite(5))) instanceof TypeError)
  assert.ok((await failing(session.executeRead())) instanceof TypeError)
  assert.ok((await failing(driver.executeQuery(FEW, {}, { resultTransformer: 5 }))) instanceof TypeError)
  assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
})

test('what the callback of session.close() throws rejects its promise, and the session is closed', async t => {
  const { driver, session } = await opened(t)
  const seen = uncaught(t)
  const mine = new Error('mine')
  const tx = await session.beginTransaction()
  await tx.run(FEW)
  assert.equal(await failing(session.close(throws(mine))), mine)
  await session.close()
  let called = 0
  await session.close(() => called++)
  assert.equal(called, 1)
  assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])
  assert.deepEqual(seen, [])
})

test('a bookmark manager that throws, or gives no promise, changes nothing of what was committed', async t => {
  const { server, driver } = await opened(t)
  const seen = uncaught(t)
  const updates = [throws(new Error('mine')), () => {}, () => Promise.reject(new Error('mine')), () => 5]
  for (const updateBookmarks of updates) {
    const bookmarkManager = { getBookmarks: async () => [], updateBookmarks }
    const session = driver.session({ bookmarkManager })
    assert.deepEqual(column(await session.run(FEW)), [1, 2, 3])
    assert.deepEqual(column(await session.executeWrite(tx => tx.run(FEW))), [1, 2, 3])
    const tx = await session.beginTransaction()
    await tx.run(FEW)
    await tx.commit()
    assert.deepEqual(column(await driver.executeQuery(FEW, {}, { bookmarkManager })), [1, 2, 3])
    await session.close()
  }
  assert.equal(server.received('COMMIT').length, 3 * updates.length)
  assert.deepEqual(seen, [])
})
