// AbortSignal: the promise rejects at once with the reason, the server stops, and the connection is clean or gone.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import {
  boltServer,
  cluster,
  column,
  failing,
  Neo4jHA,
  ready,
  routing,
  settle,
  test
} from '../support/contract.mjs'
import { bolt, gate, held, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const TRANSIENT = 'Neo.TransientError.Transaction.DeadlockDetected'

const connect = (t, server, config = {}) => {
  const driver = neo4j.driver(server.uri, undefined, config)
  t.after(() => driver.close())
  return driver
}

/** A signal, its abort with a reason of its own, and a promise's rejection by it in good time. */
const aborting = () => {
  const controller = new AbortController()
  const reason = new Error('enough')
  return {
    signal: controller.signal,
    reason,
    abort: () => controller.abort(reason),
    listeners: () => getEventListeners(controller.signal, 'abort').length
  }
}

const rejectsBy = async (promise, reason) =>
  assert.equal(await within(failing(promise), 2000, 'the rejection'), reason)

/** The same of a write that was sent: what became of it is not known, and the reason is told as the cause. */
const isInDoubt = async (promise, reason) => {
  const error = await within(failing(promise), 2000, 'the rejection')
  assert.equal(error.cause, reason)
  assert.equal(error.unknownOutcome, true)
  assert.equal(error.retriable, false)
  assert.match(error.message, /aborted \(enough\).*outcome is unknown/)
}

/** For `when`: works until RESET comes, as a server that executes. */
const works = server => async x => {
  const before = server.received('RESET').length
  await until(() => server.received('RESET').length > before, { deadline: 15_000 })
  x.connection.failed = true
  await x.ignored()
}

const versions = bolt.neo4j526

for (const [name, spoken] of [
  ['Bolt 1', ['1.0']],
  ['Bolt 5.8', versions]
]) {
  test(`run: an abort rejects at once, resets the connection, and leaves it to others: ${name}`, async t => {
    const server = await boltServer(t, { versions: spoken })
    server.when('RUN', works(server)).query(/LONG/)
    const session = connect(t, server, { maxConnectionPoolSize: 1 }).session()
    const { signal, reason, abort, listeners } = aborting()
    const result = session.run('LONG', {}, { signal })
    const rejected = isInDoubt(result, reason)
    await until(() => server.queries(/LONG/).length === 1)
    assert.equal(listeners(), 1)
    abort()
    await rejected
    assert.equal(listeners(), 0)
    assert.equal(result.isOpen(), false)
    assert.deepEqual(column(await session.run('RETURN 1')), [1])
    assert.equal(server.received('RESET').length, 1)
    assert.equal(server.received('HELLO').length, 1)
  })
}

test('a server that leaves RESET unanswered loses the connection; the pool has its place back', async t => {
  const server = await boltServer(t, { versions })
  server.when('RUN', silence).query(/LONG/)
  const driver = connect(t, server, { maxConnectionPoolSize: 1, connectionTimeout: 500 })
  const { signal, reason, abort } = aborting()
  const reader = driver.session({ defaultAccessMode: 'READ' })
  const rejected = rejectsBy(reader.run('LONG', {}, { signal }), reason)
  await until(() => server.queries(/LONG/).length === 1)
  abort()
  await rejected
  assert.deepEqual(column(await driver.session().run('RETURN 1')), [1])
  assert.equal(server.connections.total, 2)
})

test('a signal that was aborted before: nothing is sent at all', async t => {
  const server = await boltServer(t, { versions })
  const driver = connect(t, server)
  const session = driver.session()
  const { signal, reason, abort, listeners } = aborting()
  abort()
  let calls = 0
  await rejectsBy(session.run('RETURN 1', {}, { signal }), reason)
  await rejectsBy(
    session.executeRead(() => calls++, { signal }),
    reason
  )
  await rejectsBy(
    session.executeWrite(() => calls++, { signal }),
    reason
  )
  await rejectsBy(driver.executeQuery('RETURN 1', {}, { signal }), reason)
  const tx = session.beginTransaction({ signal })
  await rejectsBy(tx, reason)
  assert.equal((await failing(tx.run('RETURN 1'))).cause, reason)
  assert.equal((await failing(tx.commit())).cause, reason)
  await tx.rollback()
  assert.equal(calls, 0)
  assert.equal(listeners(), 0)
  assert.equal(server.connections.total, 0)
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
})

test('an abort of a write that was sent says that it may be done; of a read, that it was aborted', async t => {
  const server = await boltServer(t, { versions })
  server.when('RUN', works(server)).query(/LONG/)
  const driver = connect(t, server)
  for (const [mode, rejects] of [
    ['WRITE', isInDoubt],
    ['READ', rejectsBy]
  ]) {
    const { signal, reason, abort } = aborting()
    const before = server.queries(/LONG/).length
    const rejected = rejects(driver.session({ defaultAccessMode: mode }).run('LONG', {}, { signal }), reason)
    await until(() => server.queries(/LONG/).length > before)
    abort()
    await rejected
  }
})

test('an abort ends the wait for ROLLBACK, and the session closes', async t => {
  const server = await boltServer(t, { versions })
  server.when('ROLLBACK', silence)
  const session = connect(t, server).session()
  const { signal, reason, abort } = aborting()
  const rejected = rejectsBy(
    session.executeWrite(
      async tx => {
        await tx.run('CREATE (n)')
        throw new Error('a rule of the application')
      },
      { signal }
    ),
    reason
  )
  await until(() => server.received('ROLLBACK').length === 1)
  abort()
  await rejected
  await within(session.close(), 2000, 'the end of the session')
})

for (const [what, end] of [
  ['rollback()', (transaction, _) => transaction.rollback()],
  ['close() of the session', (_, session) => session.close()]
]) {
  test(`an abort ends the wait for ROLLBACK by ${what}, and the signal keeps nothing of it`, async t => {
    const server = await boltServer(t, { versions })
    const session = connect(t, server).session()
    const { signal, abort, listeners } = aborting()
    const transaction = await session.beginTransaction({ signal })
    await transaction.run('CREATE (n)')
    const silent = server.when('ROLLBACK', silence)
    const ended = end(transaction, session)
    await until(() => silent.hits === 1)
    abort()
    await within(ended, 2000, what)
    assert.equal(listeners(), 0)
  })

  test(`${what} answered: the signal keeps nothing of the transaction`, async t => {
    const session = connect(t, await boltServer(t, { versions })).session()
    const { signal, listeners } = aborting()
    const transaction = await session.beginTransaction({ signal })
    await transaction.run('CREATE (n)')
    await end(transaction, session)
    assert.equal(listeners(), 0)
  })
}

test('a query that waits behind another is dropped; the other goes on', async t => {
  const server = await boltServer(t, { versions })
  const more = gate()
  server.when('RUN', held(more)).query(/RETURN 1/)
  const session = connect(t, server).session()
  const { signal, reason, abort } = aborting()
  const first = session.run('RETURN 1')
  const second = rejectsBy(session.run('RETURN 2', {}, { signal }), reason)
  const third = session.run('RETURN 3')
  await until(() => server.queries().length === 1)
  abort()
  await second
  more.open()
  assert.deepEqual(column(await first), [1])
  assert.deepEqual(column(await third), [3])
  assert.deepEqual(server.queries(), ['RETURN 1', 'RETURN 3'])
})

test('the wait for a connection, and for a server, ends at once', async t => {
  const server = await boltServer(t, { versions })
  const driver = connect(t, server, { maxConnectionPoolSize: 1 })
  const holder = await driver.session().beginTransaction()
  const { signal, reason, abort, listeners } = aborting()
  const rejected = rejectsBy(driver.session().run('RETURN 2', {}, { signal }), reason)
  const begun = rejectsBy(driver.session().beginTransaction({ signal }), reason)
  await new Promise(resolve => setImmediate(resolve))
  abort()
  await Promise.all([rejected, begun])
  assert.equal(listeners(), 0)
  await holder.rollback()
  assert.deepEqual(column(await driver.session().run('RETURN 1')), [1])

  const group = await cluster(t, { roles: ['slave'], versions: ['4.4'] })
  const ha = await ready(t, group.servers, { neo4jDriverOptions: { maxTransactionRetryTime: 30_000 } })
  group.when('RUN', x => x.reset())
  const again = aborting()
  const write = rejectsBy(ha.session(false).run('RETURN 1', {}, { signal: again.signal }), again.reason)
  await until(() => group.members[0].bolt.received('RUN').length > 1)
  again.abort()
  await write
})

test('the wait for a routing table ends at once, and others that wait for it get it', async t => {
  const group = await routing(t, { versions: ['5.8'] })
  const answered = gate()
  group.when('ROUTE', held(answered))
  const driver = connect(t, group)
  const { signal, reason, abort } = aborting()
  const config = { database: 'neo4j' }
  const rejected = rejectsBy(driver.session(config).run('RETURN 1', {}, { signal }), reason)
  const other = driver.session(config).run('RETURN 2')
  await until(() => group.routes().length === 1)
  abort()
  await rejected
  answered.open()
  assert.deepEqual(column(await within(other, 5000, 'the other')), [2])
})

test('the wait for a bookmark manager ends at once, and the connection stays', async t => {
  const server = await boltServer(t, { versions })
  let asked = 0
  const never = { getBookmarks: () => new Promise(() => asked++), updateBookmarks: async () => {} }
  const driver = connect(t, server)
  for (const work of [
    (session, signal) => [session.run('RETURN 1', {}, { signal })],
    (session, signal) => {
      const tx = session.beginTransaction({ signal })
      return [tx, tx.run('RETURN 1'), tx.commit()]
    }
  ]) {
    const { signal, reason, abort, listeners } = aborting()
    const before = asked
    const all = work(driver.session({ bookmarkManager: never }), signal).map(it => rejectsBy(it, reason))
    await until(() => asked > before)
    abort()
    await Promise.all(all)
    assert.equal(listeners(), 0)
  }
  assert.equal(server.received('BEGIN').length + server.received('RUN').length, 0)
  await driver.session().run('RETURN 1')
  assert.equal(server.connections.total, 1)
})

test('iterating over an aborted result ends with the reason', async t => {
  const server = await boltServer(t, { versions })
  const session = connect(t, server).session({ fetchSize: 10, defaultAccessMode: 'READ' })
  const { signal, reason, abort, listeners } = aborting()
  let seen = 0
  const error = await failing(
    (async () => {
      for await (const _ of session.run('UNWIND range(1, 100000) AS n RETURN n', {}, { signal })) {
        if (++seen === 25) abort()
      }
    })()
  )
  assert.equal(error, reason)
  assert.equal(seen < 200, true, `${seen} records`)
  assert.equal(listeners(), 0)
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
})

test('subscribe gets the reason in onError', async t => {
  const server = await boltServer(t, { versions })
  const { signal, reason, abort, listeners } = aborting()
  const error = await new Promise(resolve => {
    connect(t, server)
      .session({ fetchSize: 100, defaultAccessMode: 'READ' })
      .run('UNWIND range(1, 1000000) AS n RETURN n', {}, { signal })
      .subscribe({
        onNext: record => Number(record.get(0)) === 150 && abort(),
        onCompleted: () => resolve('completed'),
        onError: resolve
      })
  })
  assert.equal(error, reason)
  assert.equal(listeners(), 0)
})

test('a transaction: an abort ends its query, refuses what follows, and the session goes on', async t => {
  const server = await boltServer(t, { versions })
  server.when('RUN', works(server)).query(/LONG/)
  const session = connect(t, server, { maxConnectionPoolSize: 1 }).session()
  const { signal, reason, abort, listeners } = aborting()
  const tx = await session.beginTransaction({ signal })
  await tx.run('RETURN 1')
  const running = rejectsBy(tx.run('LONG'), reason)
  const waiting = rejectsBy(tx.run('CREATE (n:Late)'), reason)
  await until(() => server.queries(/LONG/).length === 1)
  abort()
  await Promise.all([running, waiting])
  assert.equal(tx.isOpen(), false)
  for (const refused of [tx.run('CREATE (n:Later)'), tx.commit()]) {
    const error = await failing(refused)
    assert.equal(error.cause, reason)
    assert.match(error.message, /aborted/)
  }
  await tx.rollback()
  await tx.close()
  assert.equal(listeners(), 0)
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
  assert.equal(server.queries(/Late/).length, 0)
  assert.equal(server.received('COMMIT').length, 0)
  assert.equal(server.connections.total, 1)
})

test('an open transaction that nothing is asked of is ended on the server by an abort', async t => {
  const server = await boltServer(t, { versions })
  const session = connect(t, server).session()
  const { signal, abort } = aborting()
  const tx = await session.beginTransaction({ signal })
  abort()
  await until(() => server.messages.some(({ kind }) => kind === 'RESET' || kind === 'ROLLBACK'))
  assert.equal(tx.isOpen(), false)
  const next = await session.beginTransaction()
  await next.commit()
})

test('a commit under way: rejects at once, says that the outcome is unknown, and why', async t => {
  const server = await boltServer(t, { versions })
  server.when('COMMIT', works(server)).times(1)
  const session = connect(t, server).session()
  const { signal, reason, abort, listeners } = aborting()
  const tx = await session.beginTransaction({ signal })
  const commit = settle(tx.commit())
  await until(() => server.received('COMMIT').length === 1)
  abort()
  const { error } = await within(commit, 2000, 'the commit')
  assert.ok(error instanceof neo4j.Neo4jError)
  assert.equal(error.unknownOutcome, true)
  assert.equal(error.cause, reason)
  assert.match(error.message, /outcome is unknown/)
  assert.equal(listeners(), 0)
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
})

test('a commit that waits behind a query is not sent: nothing is unknown', async t => {
  const server = await boltServer(t, { versions })
  server.when('RUN', works(server)).query(/LONG/)
  const { signal, reason, abort } = aborting()
  const tx = await connect(t, server).session().beginTransaction({ signal })
  const all = [tx.run('LONG'), tx.commit()].map(promise => rejectsBy(promise, reason))
  await until(() => server.queries(/LONG/).length === 1)
  abort()
  await Promise.all(all)
  assert.equal(server.received('COMMIT').length, 0)
})

test('a transaction function: rejects at once although it never ends, and is not run again', async t => {
  const server = await boltServer(t, { versions })
  const session = connect(t, server).session()
  for (const method of ['executeRead', 'executeWrite', 'readTransaction', 'writeTransaction']) {
    const { signal, reason, abort, listeners } = aborting()
    let calls = 0
    const begun = gate()
    const rejected = rejectsBy(
      session[method](
        () => {
          calls++
          begun.open()
          return new Promise(() => {})
        },
        { signal }
      ),
      reason
    )
    await begun
    abort()
    await rejected
    assert.equal(calls, 1)
    assert.equal(listeners(), 0, method)
  }
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
  assert.equal(server.received('COMMIT').length, 0)
})

test('a transaction function: the pause before another attempt ends at once', async t => {
  const server = await boltServer(t, { versions })
  server.when('RUN', x => x.fail(TRANSIENT, 'again'))
  const { signal, reason, abort, listeners } = aborting()
  let calls = 0
  const rejected = rejectsBy(
    connect(t, server)
      .session()
      .executeWrite(
        tx => {
          calls++
          return tx.run('CREATE (n)')
        },
        { signal }
      ),
    reason
  )
  await until(() => server.received('RESET').length === 1)
  await new Promise(resolve => setTimeout(resolve, 20))
  abort()
  await rejected
  assert.deepEqual([calls, listeners()], [1, 0])
})

test('a transaction function whose COMMIT is under way: the outcome is unknown, and it is not run again', async t => {
  const server = await boltServer(t, { versions })
  server.when('COMMIT', works(server)).times(1)
  const { signal, reason, abort } = aborting()
  const done = settle(
    connect(t, server)
      .session()
      .executeWrite(tx => tx.run('CREATE (n)'), { signal })
  )
  await until(() => server.received('COMMIT').length === 1)
  abort()
  const { error } = await within(done, 2000, 'the function')
  assert.deepEqual([error.unknownOutcome, error.cause], [true, reason])
  assert.equal(server.queries().length, 1)
})

test('executeQuery: an abort rejects at once, and resets the connection', async t => {
  const server = await boltServer(t, { versions })
  server.when('RUN', works(server)).query(/LONG/)
  const driver = connect(t, server, { maxConnectionPoolSize: 1 })
  const { signal, reason, abort, listeners } = aborting()
  const rejected = rejectsBy(driver.executeQuery('LONG', {}, { signal }), reason)
  await until(() => server.queries(/LONG/).length === 1)
  abort()
  await rejected
  assert.equal((await driver.executeQuery('RETURN 1')).records.length, 1)
  assert.equal(server.received('RESET').length, 1)
  assert.equal(listeners(), 0)
})

test('executeQuery whose COMMIT is under way: the outcome is unknown, and it is not done again', async t => {
  const server = await boltServer(t, { versions })
  server.when('COMMIT', works(server)).times(1)
  const { signal, reason, abort, listeners } = aborting()
  const done = settle(connect(t, server).executeQuery('CREATE (n)', {}, { signal }))
  await until(() => server.received('COMMIT').length === 1)
  abort()
  const { error } = await within(done, 2000, 'the query')
  assert.deepEqual([error.unknownOutcome, error.cause], [true, reason])
  assert.equal(server.queries(/CREATE/).length, 1)
  assert.equal(listeners(), 0)
})

test('reasons of any kind are what the promise rejects with', async t => {
  const server = await boltServer(t, { versions })
  server.when('RUN', works(server)).query(/LONG/)
  const session = connect(t, server).session({ defaultAccessMode: 'READ' })
  for (const reason of ['text', undefined, 7]) {
    const controller = new AbortController()
    const rejected = session.run('LONG', {}, { signal: controller.signal }).then(assert.fail, error => error)
    const sent = server.queries(/LONG/).length
    await until(() => server.queries(/LONG/).length > sent - 1)
    controller.abort(reason)
    assert.equal(await rejected, controller.signal.reason)
  }
  const timeout = await session
    .run('LONG', {}, { signal: AbortSignal.timeout(20) })
    .then(assert.fail, error => error)
  assert.equal(timeout.name, 'TimeoutError')
})

test('a long-lived signal keeps nothing of what is over', async t => {
  const server = await boltServer(t, { versions })
  const driver = connect(t, server)
  const session = driver.session()
  const { signal, listeners } = aborting()
  for (let n = 0; n < 5; n++) {
    await session.run('RETURN 1', {}, { signal })
    session.run('RETURN 2', {}, { signal })
    for await (const _ of session.run('UNWIND range(1, 9) AS n RETURN n', {}, { signal })) break
    await failing(session.run('NONSENSE', {}, { signal }))
    await session.executeRead(tx => tx.run('RETURN 1'), { signal })
    const tx = await session.beginTransaction({ signal })
    await failing(tx.run('NONSENSE'))
    await tx.rollback()
    const other = session.beginTransaction({ signal })
    await other.run('RETURN 1')
    await (n % 2 === 0 ? other.commit() : other.rollback())
    await driver.executeQuery('RETURN 1', {}, { signal })
  }
  await session.close()
  await until(() => listeners() === 0, { deadline: 1000 })
})

test('a signal that is none is refused', async t => {
  const server = await boltServer(t, { versions })
  const session = connect(t, server).session()
  assert.throws(() => session.run('RETURN 1', {}, { signal: 'soon' }), /AbortSignal/)
  assert.throws(() => session.beginTransaction({ signal: {} }), /AbortSignal/)
})
