// "rxSession": sessions, transactions and results as observables, on the engine of the promise API.
import assert from 'node:assert/strict'
import { firstValueFrom, lastValueFrom, mergeMap, take, tap, toArray } from 'rxjs'
import { cluster, failing, Neo4jHA, program, ready, test } from '../support/contract.mjs'
import { failure, gate, held, rows, ScriptedServer } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const { driver: neo4j } = Neo4jHA

/** A server and a driver of it, and a reactive session. */
const rx = async (t, { versions = ['5.8'], config = {}, session = {} } = {}) => {
  const server = await ScriptedServer.start({ versions })
  t.after(() => server.stop())
  const driver = neo4j.driver(server.uri, undefined, config)
  t.after(() => within(driver.close(), 5000, 'driver.close()'))
  return { server, driver, session: driver.rxSession(session) }
}

const all = observable => firstValueFrom(observable.pipe(toArray()))
const numbers = records => records.map(record => Number(record.get(0)))
const upTo = n => Array.from({ length: n }, (_, i) => i + 1)
const ended = observable => lastValueFrom(observable, { defaultValue: 'completed' })

for (const versions of [['3.0'], ['4.4'], ['5.8'], ['6.1']]) {
  test(`keys, records and summary of a reactive result come as observables: Bolt ${versions}`, async t => {
    const { session } = await rx(t, { versions })
    const result = session.run('UNWIND range(1, 5) AS n RETURN n')
    assert.deepEqual(await all(result.keys()), [['n']])
    assert.deepEqual(numbers(await all(result.records())), [1, 2, 3, 4, 5])
    const [summary] = await all(result.consume())
    assert.equal(summary.query.text, 'UNWIND range(1, 5) AS n RETURN n')
    assert.equal(summary.queryType, 'r')
    assert.deepEqual(await all(session.close()), [])
  })
}

test('a reactive query is sent at the first subscription, and once', async t => {
  const { server, session } = await rx(t)
  const result = session.run('RETURN 1')
  await new Promise(resolve => setTimeout(resolve, 50))
  assert.equal(server.queries().length, 0)
  await all(result.keys())
  await all(result.keys())
  await all(result.records())
  await all(result.consume())
  assert.deepEqual(server.queries(), ['RETURN 1'])
})

test('parameters and the config of a transaction are sent by a reactive query', async t => {
  const { server, session } = await rx(t)
  const [record] = await all(
    session.run('RETURN $x', { x: 'y' }, { timeout: 1234, metadata: { who: 'me' } }).records()
  )
  assert.equal(record.get(0), 'y')
  const [run] = server.received('RUN')
  assert.equal(Number(run.fields[2].tx_timeout), 1234)
  assert.deepEqual(run.fields[2].tx_metadata, { who: 'me' })
})

test('the error of a reactive query goes to records, keys and summary', async t => {
  const { session } = await rx(t)
  const result = session.run('NONSENSE')
  const error = await failing(all(result.records()))
  assert.equal(error.code, 'Neo.ClientError.Statement.SyntaxError')
  assert.equal((await failing(all(result.keys()))).code, error.code)
  assert.equal((await failing(all(result.consume()))).code, error.code)
})

test('an error behind some records of a reactive result comes behind them', async t => {
  const { server, session } = await rx(t)
  server.on('UNWIND', {
    ...rows([[1], [2]]),
    ending: failure('Neo.ClientError.Statement.ArithmeticError', '/ by zero')
  })
  const seen = []
  const error = await failing(
    all(
      session
        .run('UNWIND')
        .records()
        .pipe(tap(record => seen.push(record)))
    )
  )
  assert.equal(error.code, 'Neo.ClientError.Statement.ArithmeticError')
  assert.deepEqual(numbers(seen), [1, 2])
})

test('a query that is no query is the error of its reactive result', async t => {
  const { session } = await rx(t)
  assert.ok((await failing(all(session.run(12).records()))) instanceof TypeError)
})

test('the records of a reactive result can be subscribed to once', async t => {
  const { session } = await rx(t)
  const result = session.run('RETURN 1')
  await all(result.records())
  const error = await failing(all(result.records()))
  assert.match(error.message, /Streaming has already started/)
  const other = session.run('RETURN 1')
  await all(other.consume())
  assert.match((await failing(all(other.records()))).message, /Streaming has already started/)
})

test('consuming a reactive result without reading its records discards them', async t => {
  const { server, session } = await rx(t, { session: { fetchSize: 10 } })
  const [summary] = await all(session.run('UNWIND range(1, 1000) AS n RETURN n').consume())
  assert.equal(summary.queryType, 'r')
  assert.equal(server.received('DISCARD').length, 1)
})

test('unsubscribing from the records of a reactive result sends DISCARD, and its summary still comes', async t => {
  const { server, session } = await rx(t, { session: { fetchSize: 10 } })
  const result = session.run('UNWIND range(1, 100000) AS n RETURN n')
  const records = await all(result.records().pipe(take(3)))
  assert.deepEqual(numbers(records), [1, 2, 3])
  await until(() => server.received('DISCARD').length === 1)
  assert.equal((await firstValueFrom(result.consume())).queryType, 'r')
  assert.deepEqual(numbers(await all(session.run('RETURN 7').records())), [7])
})

test('a paused reactive result stops the server, and resume goes on with it', async t => {
  const { server, session } = await rx(t, { session: { fetchSize: 10 } })
  const result = session.run('UNWIND range(1, 500) AS n RETURN n')
  const seen = []
  const done = new Promise((complete, error) => {
    result.records().subscribe({
      next: record => {
        seen.push(record)
        if (seen.length === 5) result.pause()
      },
      complete,
      error
    })
  })
  await until(() => seen.length === 5)
  await until(() => server.received('PULL').length > 0)
  await new Promise(resolve => setTimeout(resolve, 100))
  const pulls = server.received('PULL').length
  assert.equal(seen.length, 5)
  assert.ok(pulls < 6, `${pulls} PULLs of 10 records were sent for 5 records`)
  await result.push()
  assert.equal(seen.length, 6)
  const resumed = result.resume()
  await done
  await resumed
  assert.deepEqual(numbers(seen), upTo(500))
})

// ---- back-pressure ----

for (const [how, next] of Object.entries({
  'and does not wait for it': (result, seen) => record => {
    seen.push(record)
    result.push()
  },
  'and waits for it': (result, seen) => async record => {
    seen.push(record)
    await result.push()
  },
  later: (result, seen) => record => {
    seen.push(record)
    setImmediate(() => result.push())
  }
})) {
  test(`a subscriber that asks for each record by push() gets them all: from within next, ${how}`, async t => {
    const { session } = await rx(t, { session: { fetchSize: 10 } })
    const result = session.run('UNWIND range(1, 50) AS n RETURN n')
    const seen = []
    result.pause()
    await within(
      new Promise((complete, error) =>
        result.records().subscribe({ next: next(result, seen), complete, error })
      ),
      5000,
      'the end'
    )
    assert.deepEqual(numbers(seen), upTo(50))
    assert.deepEqual((await Promise.all([result.push(), result.push()])).length, 2)
  })
}

test('several pushes give as many records, one after the other; the first comes with the subscription', async t => {
  const { session } = await rx(t, { session: { fetchSize: 10 } })
  const result = session.run('UNWIND range(1, 50) AS n RETURN n')
  result.pause()
  await result.push()
  const seen = []
  result.records().subscribe(record => seen.push(record))
  await until(() => seen.length === 1)
  await Promise.all([result.push(), result.push(), result.push()])
  assert.deepEqual(numbers(seen), upTo(4))
  await result.push()
  assert.deepEqual(numbers(seen), upTo(5))
})

test('push() where nothing is paused pauses; resume() from within next goes on', async t => {
  const { session } = await rx(t, { session: { fetchSize: 10 } })
  const result = session.run('UNWIND range(1, 50) AS n RETURN n')
  const seen = []
  const done = new Promise((complete, error) =>
    result.records().subscribe({
      next: record => {
        seen.push(record)
        if (seen.length === 3) result.push()
        if (seen.length === 4) setImmediate(() => result.resume())
        if (seen.length === 10) result.pause()
        if (seen.length === 10) result.resume()
      },
      complete,
      error
    })
  )
  await within(done, 5000, 'the end')
  assert.deepEqual(numbers(seen), upTo(50))
})

test('pushes that wait when the subscriber leaves, or its result fails, settle', async t => {
  const { server, session } = await rx(t, { session: { fetchSize: 10 } })
  const left = session.run('UNWIND range(1, 50) AS n RETURN n')
  left.pause()
  const subscription = left.records().subscribe()
  const waiting = [left.push(), left.push(), left.resume()]
  subscription.unsubscribe()
  await within(Promise.all(waiting), 5000, 'the pushes')
  server.on('PARTLY', {
    fields: ['n'],
    records: [[1]],
    ending: failure('Neo.ClientError.Statement.ArithmeticError')
  })
  const failing = session.run('PARTLY')
  failing.pause()
  const told = new Promise(error => failing.records().subscribe({ error }))
  await within(Promise.all([failing.push(), failing.push(), failing.push()]), 5000, 'the pushes')
  assert.match((await told).code, /ArithmeticError/)
})

test('a reactive transaction is committed, another rolled back, and a third closed', async t => {
  const { server, session } = await rx(t)
  const tx = await firstValueFrom(session.beginTransaction())
  assert.equal(tx.isOpen(), true)
  assert.deepEqual(numbers(await all(tx.run('RETURN 1').records())), [1])
  assert.deepEqual(numbers(await all(tx.run('RETURN 2').records())), [2])
  assert.deepEqual(await all(tx.commit()), [])
  assert.equal(tx.isOpen(), false)
  assert.equal(server.received('COMMIT').length, 1)
  const other = await firstValueFrom(session.beginTransaction({ timeout: 99 }))
  await ended(other.run('CREATE (n)').consume())
  await ended(other.rollback())
  await ended((await firstValueFrom(session.beginTransaction())).close())
  assert.equal(server.received('ROLLBACK').length, 2)
  assert.equal(Number(server.received('BEGIN')[1].fields[0].tx_timeout), 99)
  assert.match((await failing(all(other.commit()))).message, /Cannot commit this transaction/)
})

test('a reactive session chains its transactions by bookmarks', async t => {
  const { server, session } = await rx(t)
  assert.deepEqual(session.lastBookmarks(), [])
  const tx = await firstValueFrom(session.beginTransaction())
  await ended(tx.run('CREATE (n)').consume())
  await ended(tx.commit())
  assert.deepEqual(session.lastBookmarks(), [server.lastBookmark])
  assert.deepEqual(session.lastBookmark(), [server.lastBookmark])
  const { lastBookmark } = server
  await ended(session.run('RETURN 1').consume())
  assert.deepEqual(server.received('RUN').at(-1).fields[2].bookmarks, [lastBookmark])
})

test('executeRead and executeWrite pass on the values of their function, and commit', async t => {
  const { server, session } = await rx(t)
  const values = await all(
    session.executeWrite(
      tx =>
        tx
          .run('UNWIND range(1, 3) AS n RETURN n')
          .records()
          .pipe(mergeMap(record => [Number(record.get(0)), 'next'])),
      { metadata: { what: 'write' } }
    )
  )
  assert.deepEqual(values, [1, 'next', 2, 'next', 3, 'next'])
  assert.equal(server.received('COMMIT').length, 1)
  assert.deepEqual(numbers(await all(session.executeRead(tx => tx.run('RETURN 4').records()))), [4])
  const [write, read] = server.received('BEGIN')
  assert.deepEqual(write.fields[0].tx_metadata, { what: 'write' })
  assert.equal(read.fields[0].mode, 'r')
  assert.deepEqual(numbers(await all(session.readTransaction(tx => tx.run('RETURN 5').records()))), [5])
  assert.deepEqual(await all(session.writeTransaction(tx => tx.run('CREATE (n)').records())), [])
})

test('a reactive transaction function that fails, or throws, is rolled back', async t => {
  const { server, session } = await rx(t)
  const error = await failing(
    all(
      session.executeWrite(tx =>
        tx
          .run('CREATE (n)')
          .consume()
          .pipe(
            tap(() => {
              throw new Error('of the application')
            })
          )
      )
    )
  )
  assert.equal(error.message, 'of the application')
  const thrown = await failing(
    all(
      session.executeWrite(() => {
        throw new Error('at once')
      })
    )
  )
  assert.equal(thrown.message, 'at once')
  assert.equal(server.received('ROLLBACK').length, 2)
  assert.equal(server.received('COMMIT').length, 0)
})

test('a reactive transaction function is run again after a transient error', async t => {
  const { server, session } = await rx(t)
  let attempts = 0
  server.on('CREATE (n:Again)', () => {
    attempts++
    return attempts < 2 ? failure('Neo.TransientError.Transaction.DeadlockDetected') : rows([attempts])
  })
  const began = performance.now()
  const records = await all(session.executeWrite(tx => tx.run('CREATE (n:Again)').records()))
  const took = performance.now() - began
  assert.deepEqual(numbers(records), [2])
  assert.ok(took > 700 && took < 5000, `the pause of a second, by 20 % more or less, took ${took} ms`)
  assert.equal(server.received('COMMIT').length, 1)
})

test('unsubscribing from a reactive transaction function rolls back', async t => {
  const { server, session } = await rx(t)
  const blocked = gate()
  t.after(() => blocked.open())
  const subscription = session
    .executeWrite(tx =>
      tx
        .run('UNWIND range(1, 3) AS n RETURN n')
        .records()
        .pipe(mergeMap(() => blocked))
    )
    .subscribe({ error: () => {} })
  await until(() => server.queries().length === 1)
  subscription.unsubscribe()
  await until(() => server.received('ROLLBACK').length === 1)
  assert.equal(server.received('COMMIT').length, 0)
})

test('a signal ends reactive work at once, with its reason', async t => {
  const { server, session, driver } = await rx(t)
  const reader = driver.rxSession({ defaultAccessMode: 'READ' })
  const blocked = gate()
  t.after(() => blocked.open())
  server.when('PULL', held(blocked))
  const reason = new Error('enough')
  for (const work of [
    signal => reader.run('RETURN 1', {}, { signal }).records(),
    signal => session.executeRead(tx => tx.run('RETURN 1').records(), { signal })
  ]) {
    const controller = new AbortController()
    const result = failing(all(work(controller.signal)))
    const before = server.received('PULL').length
    await until(() => server.received('PULL').length > before)
    controller.abort(reason)
    assert.equal(await within(result, 1000, 'the error'), reason)
  }
})

test('a reactive session has one transaction at a time', async t => {
  const { session } = await rx(t)
  const tx = await firstValueFrom(session.beginTransaction())
  const error = await failing(firstValueFrom(session.beginTransaction()))
  assert.match(error.message, /cannot begin a transaction on a session with an open transaction/)
  await ended(tx.rollback())
})

test('the config of a transaction is checked when a reactive session is asked for it', async t => {
  const { session } = await rx(t)
  assert.throws(() => session.beginTransaction({ timeout: 'soon' }))
  assert.throws(() => session.executeRead(() => [], { metadata: 12 }))
})

test('a reactive session of a Neo4jHA reads from a slave and writes to the master', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.rxSession({ rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
  await ended(session.executeWrite(tx => tx.run('CREATE (n:Rx)').consume()))
  await ended(session.executeRead(tx => tx.run('RETURN 1').consume()))
  await ended(session.close())
  assert.equal(members[0].bolt.queries(/Rx/).length, 1)
  assert.equal(members[0].bolt.queries(/RETURN 1/).length, 0)
})

test('rxSession on a closed driver throws', async t => {
  const { driver } = await rx(t)
  await driver.close()
  assert.throws(() => driver.rxSession(), /The driver is closed/)
})

test('without rxjs all works but rxSession, which says what to install', async () => {
  const { code, stdout, stderr } = await program(`
    import Module from 'node:module'
    const resolve = Module._resolveFilename
    Module._resolveFilename = function (request, ...rest) {
      if (request === 'rxjs' || request.startsWith('rxjs/')) {
        throw Object.assign(new Error("Cannot find module 'rxjs'"), { code: 'MODULE_NOT_FOUND' })
      }
      return resolve.call(this, request, ...rest)
    }
    const { default: Neo4jHA } = await import('neo4j-ha-bolt-driver')
    const { RxSession, RxResult, driver } = Neo4jHA.driver
    const open = driver('bolt://127.0.0.1:1')
    try {
      open.rxSession()
    } catch (error) {
      console.log(JSON.stringify([typeof RxSession, typeof RxResult, error.message, error.cause.code]))
    }
    await open.close()
  `)
  assert.equal(code, 0, stderr)
  const [session, result, message, cause] = JSON.parse(stdout)
  assert.deepEqual([session, result], ['function', 'function'])
  assert.match(message, /rxSession\(\) needs the package rxjs.*npm install rxjs/)
  assert.equal(cause, 'MODULE_NOT_FOUND')
})
