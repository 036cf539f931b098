// Transactions, and queries that are their own: what goes to the server, what is done again, and what never is.
import assert from 'node:assert/strict'
import { boltServer, column, failing, Neo4jHA, settle, test } from '../support/contract.mjs'
import { bolt, failure, gate, held, rows } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const TRANSIENT = 'Neo.TransientError.Transaction.DeadlockDetected'
const SYNTAX = 'Neo.ClientError.Statement.SyntaxError'

const connect = (t, server, config = {}) => {
  const driver = neo4j.driver(server.uri, undefined, config)
  t.after(() => driver.close())
  return driver
}

const kinds = (server, pattern = /BEGIN|RUN|COMMIT|ROLLBACK|TELEMETRY/) =>
  server.messages.filter(({ kind }) => pattern.test(kind)).map(({ kind }) => kind)

/** What TELEMETRY told, in order. */
const told = server => server.received('TELEMETRY').map(({ fields }) => Number(fields[0]))

const telemetry = { versions: bolt.neo4j526, hints: { 'telemetry.enabled': true } }

for (const [name, versions] of [
  ['Bolt 1', ['1.0']],
  ['Bolt 3', ['3.0']],
  ['Bolt 4.4', bolt.neo4j44],
  ['Bolt 6', bolt.neo4j2026]
]) {
  test(`executeQuery sends BEGIN, RUN and PULL together: ${name}`, async t => {
    const server = await boltServer(t, { versions })
    const driver = connect(t, server)
    await driver.verifyConnectivity()
    const { records } = await driver.executeQuery('RETURN 1')
    assert.equal(Number(records[0].get(0)), 1)
    const [begin] = server.received('BEGIN')
    const run = server.received('RUN').find(({ query }) => query === 'RETURN 1')
    const pull = server.received('PULL').find(({ query }) => query === 'RETURN 1')
    assert.deepEqual([run.segment, pull.segment], [begin.segment, begin.segment])
    assert.equal(server.received('COMMIT').length, 1)
  })

  test(`what is asked behind a BEGIN that fails gets its error, and is no query of its own: ${name}`, async t => {
    const server = await boltServer(t, { versions })
    server.when('BEGIN', x => x.fail(TRANSIENT, 'not now')).times(1)
    const driver = connect(t, server)
    const session = driver.session()
    const tx = session.beginTransaction()
    const outcomes = await Promise.all([tx.run('CREATE (n:A)'), tx.run('CREATE (n:B)'), tx].map(settle))
    assert.deepEqual(
      outcomes.map(({ error }) => error?.code),
      [TRANSIENT, TRANSIENT, TRANSIENT]
    )
    assert.match((await failing(tx.run('CREATE (n:C)'))).message, /rolled back/)
    assert.match((await failing(tx.commit())).message, /rolled back/)
    await tx.rollback()
    // The one that was sent with BEGIN was ignored by the server.
    assert.equal(server.queries(/:B|:C/).length, 0)
    assert.deepEqual(column(await session.run('RETURN 1')), [1])
  })
}

test('commit, asked for before BEGIN failed, rejects with its error; the session goes on', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  server.when('BEGIN', x => x.fail(SYNTAX, 'no')).times(1)
  const session = connect(t, server).session()
  const tx = session.beginTransaction()
  const run = settle(tx.run('CREATE (n)'))
  const commit = settle(tx.commit())
  const after = settle(session.run('RETURN 2'))
  assert.equal((await run).error.code, SYNTAX)
  assert.equal((await commit).error.code, SYNTAX)
  assert.deepEqual(column((await after).value), [2])
  assert.equal(server.received('COMMIT').length, 0)
})

test('commit of a transaction whose query failed unawaited rejects with the error of the query', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const tx = connect(t, server).session().beginTransaction()
  tx.run('NONSENSE').catch(() => {})
  assert.equal((await failing(tx.commit())).code, SYNTAX)
})

test('a transaction function whose query fails by a transient error unawaited is run again', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  server.when('RUN', x => x.fail(TRANSIENT, 'again')).times(1)
  let calls = 0
  await connect(t, server)
    .session()
    .executeWrite(tx => {
      calls++
      tx.run('CREATE (n)').catch(() => {})
    })
  assert.equal(calls, 2)
  assert.equal(server.received('COMMIT').length, 1)
})

test('executeQuery is tried again from BEGIN on when the server says so', async t => {
  const server = await boltServer(t, telemetry)
  server.when('BEGIN', x => x.fail(TRANSIENT, 'again')).times(1)
  const { records } = await connect(t, server).executeQuery('RETURN 1')
  assert.equal(records.length, 1)
  assert.deepEqual(kinds(server), ['TELEMETRY', 'BEGIN', 'RUN', 'BEGIN', 'RUN', 'COMMIT'])
})

test('TELEMETRY: 0 transaction function, 1 transaction, 2 auto-commit, 3 executeQuery', async t => {
  const server = await boltServer(t, telemetry)
  const driver = connect(t, server)
  const session = driver.session()
  await session.executeRead(tx => tx.run('RETURN 1'))
  await session.executeWrite(tx => tx.run('RETURN 1'))
  const tx = session.beginTransaction({ timeout: 1000 })
  await tx.run('RETURN 1')
  await tx.commit()
  await session.run('RETURN 1')
  await driver.executeQuery('RETURN 1')
  assert.deepEqual(told(server), [0, 0, 1, 2, 3])
})

test('TELEMETRY is not repeated with another attempt once it was answered', async t => {
  const server = await boltServer(t, telemetry)
  const failing = server.when('RUN', x => x.fail(TRANSIENT, 'again')).times(1)
  await connect(t, server)
    .session()
    .executeRead(tx => tx.run('RETURN 1'))
  assert.equal(failing.hits, 1)
  assert.deepEqual(told(server), [0])
})

test('TELEMETRY is not sent with telemetryDisabled', async t => {
  const server = await boltServer(t, telemetry)
  await connect(t, server, { telemetryDisabled: true }).executeQuery('RETURN 1')
  assert.deepEqual(told(server), [])
})

// ---- auto-commit queries that the server asks for again ----

const again = { diagnostic_record: { _idempotent: true } }

test('an auto-commit query is sent once more when the server calls its failure idempotent', async t => {
  const server = await boltServer(t, telemetry)
  server.when('RUN', x => x.fail(TRANSIENT, 'once more', again)).times(1)
  const result = await connect(t, server).session().run('RETURN 1')
  assert.deepEqual(column(result), [1])
  assert.equal(server.queries().length, 2)
  assert.deepEqual(told(server), [2])
})

test('an auto-commit query is sent once more at most, and not for other failures', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  server.when('RUN', x => x.fail(TRANSIENT, 'first', again)).times(1)
  server.when('RUN', x => x.fail(TRANSIENT, 'second', again)).times(1)
  const session = connect(t, server).session()
  assert.equal((await failing(session.run('RETURN 1'))).message, 'second')
  server.when('RUN', x => x.fail(TRANSIENT, 'other')).times(1)
  assert.equal((await failing(session.run('RETURN 1'))).message, 'other')
  assert.equal(server.queries().length, 3)
})

test('a failure of the records is not repeated, whatever the server calls it', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  server.when('PULL', x => x.fail(TRANSIENT, 'of the records', again)).times(1)
  assert.equal((await failing(connect(t, server).session().run('RETURN 1'))).message, 'of the records')
  assert.equal(server.queries().length, 1)
})

test('disableAutoCommitRetries: of the driver, and of a session', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const refuse = () => server.when('RUN', x => x.fail(TRANSIENT, 'no more', again)).times(1)
  const strict = connect(t, server, { disableAutoCommitRetries: true })
  refuse()
  assert.equal((await failing(strict.session().run('RETURN 1'))).message, 'no more')
  refuse()
  await strict.session({ disableAutoCommitRetries: false }).run('RETURN 1')
  refuse()
  const mild = connect(t, server).session({ disableAutoCommitRetries: true })
  assert.equal((await failing(mild.run('RETURN 1'))).message, 'no more')
})

// ---- sessions ----

test('a session has one transaction at a time, and says so', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session()
  const tx = await session.beginTransaction()
  assert.throws(() => session.beginTransaction(), /cannot begin a transaction on a session with/i)
  await assert.rejects(
    session.executeRead(() => 1),
    /cannot begin a transaction on a session with/i
  )
  assert.match((await failing(session.run('RETURN 1'))).message, /transaction/)
  await tx.commit()
  await tx.close()
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
  await session.close()
  assert.throws(() => session.beginTransaction(), /closed session/)
})

test('what is asked straight after commit and rollback waits for them', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session()
  const first = session.beginTransaction()
  const all = [first.run('CREATE (n:A)'), first.commit()]
  const second = session.beginTransaction()
  all.push(second.run('CREATE (n:B)'), second.rollback(), session.run('RETURN 1'))
  await Promise.all(all)
  assert.deepEqual(kinds(server), ['BEGIN', 'RUN', 'COMMIT', 'BEGIN', 'RUN', 'ROLLBACK', 'RUN'])
  assert.equal(server.received('BEGIN')[1].fields[0].bookmarks.length, 1, 'the second follows on the first')
})

test('Symbol.asyncDispose closes sessions and rolls transactions back', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session()
  const tx = await session.beginTransaction()
  await tx[Symbol.asyncDispose]()
  assert.equal(tx.isOpen(), false)
  await session[Symbol.asyncDispose]()
  assert.deepEqual(kinds(server), ['BEGIN', 'ROLLBACK'])
  assert.match((await failing(session.run('RETURN 1'))).message, /closed/)
})

test('readTransaction and writeTransaction give a transaction that the function may end itself', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session()
  const found = await session.readTransaction(async tx => {
    const result = await tx.run('RETURN 1')
    await tx.rollback()
    return column(result)
  })
  assert.deepEqual(found, [1])
  await session.writeTransaction(tx => tx.run('RETURN 1'))
  assert.deepEqual(kinds(server, /COMMIT|ROLLBACK/), ['ROLLBACK', 'COMMIT'])
})

test('a commit whose answer was lost is not done again, and says that its outcome is unknown', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  server.when('COMMIT', x => x.reset()).times(1)
  let calls = 0
  const error = await failing(
    connect(t, server)
      .session()
      .executeWrite(tx => {
        calls++
        return tx.run('CREATE (n)')
      })
  )
  assert.equal(error.unknownOutcome, true)
  assert.equal(calls, 1)
})

test('executeQuery: a COMMIT whose answer was lost is not done again, and its outcome is unknown', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  server.when('COMMIT', x => x.reset()).times(1)
  const error = await failing(connect(t, server).executeQuery('CREATE (n)'))
  assert.equal(error.unknownOutcome, true)
  assert.deepEqual(kinds(server), ['BEGIN', 'RUN', 'COMMIT'])
})

for (const [what, kind, fault] of [
  ['the connection is lost in the middle of its result', 'PULL', x => x.reset()],
  ['its query is refused for now', 'RUN', x => x.fail(TRANSIENT, 'again')],
  ['its COMMIT is refused for now', 'COMMIT', x => x.fail(TRANSIENT, 'again')]
]) {
  test(`executeQuery is done again, and gives each record once, where ${what}`, async t => {
    const server = await boltServer(t, { versions: bolt.neo4j526 })
    const faulty = server.when(kind, fault).times(1)
    assert.deepEqual(column(await connect(t, server).executeQuery('RETURN 1')), [1])
    assert.equal(faulty.hits, 1)
    assert.equal(server.received('BEGIN').length, 2)
  })
}

test('executeQuery commits when all of its result has come, and ends when that is answered', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const committing = gate()
  server.when('COMMIT', held(committing))
  let ended = false
  const done = connect(t, server, { fetchSize: 2 })
    .executeQuery('UNWIND range(1, 5) AS n RETURN n')
    .finally(() => {
      ended = true
    })
  await until(() => server.received('COMMIT').length === 1)
  assert.equal(server.received('PULL').length, 3)
  assert.equal(ended, false)
  committing.open()
  assert.deepEqual(column(await done), [1, 2, 3, 4, 5])
})

test('executeQuery: what its transformer throws rolls back, and is the error', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const refused = new Error('not what was wanted')
  const resultTransformer = async result => {
    await result
    throw refused
  }
  const error = await failing(connect(t, server).executeQuery('CREATE (n)', {}, { resultTransformer }))
  assert.equal(error, refused)
  assert.deepEqual(kinds(server, /COMMIT|ROLLBACK/), ['ROLLBACK'])
})

// ---- results ----

test('a result that is not wanted any more between two PULLs is discarded', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session({ fetchSize: 10 })
  const iterator = session.run('UNWIND range(1, 100000) AS n RETURN n')[Symbol.asyncIterator]()
  assert.equal(Number((await iterator.next()).value.get(0)), 1)
  const { done, value } = await iterator.return()
  assert.equal(done, true)
  assert.equal(value.queryType, 'r')
  assert.deepEqual(
    server.received('DISCARD').map(({ fields }) => Number(fields[0].n)),
    [-1]
  )
  assert.ok(server.received('PULL').length < 20)
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
})

test('summary() of a result that nobody reads discards the records', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session({ fetchSize: 10 })
  const result = session.run('UNWIND range(1, 100000) AS n RETURN n')
  assert.deepEqual(await result.keys(), ['n'])
  assert.equal(result.isOpen(), true)
  assert.equal((await result.summary()).queryType, 'r')
  assert.equal(result.isOpen(), false)
  assert.equal((await result.summary()).queryType, 'r')
  assert.deepEqual(await result.keys(), ['n'])
  assert.equal(server.received('DISCARD').length, 1)
  for (const method of ['next', 'peek']) {
    assert.match(
      (await failing(result[Symbol.asyncIterator]()[method]())).message,
      /discarded by summary\(\)/
    )
  }
})

test('a reader that pauses stops the server', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session({ fetchSize: 100 })
  const iterator = session.run('UNWIND range(1, 1000000) AS n RETURN n')[Symbol.asyncIterator]()
  await iterator.next()
  let before = -1
  await until(
    () => {
      const now = server.received('PULL').length
      const settled = now === before
      before = now
      return settled
    },
    { every: 50 }
  )
  assert.ok(before <= 10, `${before} PULLs for one record`)
  await iterator.return()
})

test('peek gives what next gives then, and the end too', async t => {
  const server = await boltServer(t)
  const iterator = connect(t, server).session().run('RETURN 1')[Symbol.asyncIterator]()
  assert.equal(Number((await iterator.peek()).value.get(0)), 1)
  assert.equal(Number((await iterator.next()).value.get(0)), 1)
  const end = await iterator.peek()
  assert.equal(end.done, true)
  assert.equal((await iterator.next()).value, end.value)
  assert.equal((await iterator.next()).done, true)
})

test('as() after the result is being read is refused, in the words of neo4j-driver', async t => {
  const server = await boltServer(t)
  const result = connect(t, server).session().run('RETURN 1')
  await result
  assert.throws(() => result.as({}), /Cannot call \.as\(\) on a Result that is being consumed/)
})

test('two awaits of a result give the same records; its error is one object', async t => {
  const server = await boltServer(t)
  const session = connect(t, server).session()
  const result = session.run('RETURN 1')
  assert.equal((await result).records, (await result).records)
  const failed = session.run('NONSENSE')
  assert.equal(await failing(failed), await failing(failed))
  assert.equal(await failing(failed.summary()), await failing(failed.keys()))
})

// ---- bookmarks ----

test('bookmarks of one work are those the next begins with', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const session = connect(t, server).session({ bookmarks: ['a', 'b'] })
  assert.deepEqual(session.lastBookmarks(), ['a', 'b'])
  await session.run('RETURN 1')
  assert.deepEqual(session.lastBookmarks(), [server.lastBookmark])
  assert.equal(session.lastBookmark(), server.lastBookmark)
  const marks = [server.lastBookmark]
  await session.executeWrite(tx => tx.run('RETURN 1'))
  assert.deepEqual(server.received('BEGIN')[0].fields[0].bookmarks, marks)
  assert.deepEqual(server.received('RUN')[0].fields[2].bookmarks, ['a', 'b'])
})

test('a bookmark manager is asked before each work, and told what it followed on and came to', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const calls = []
  const bookmarkManager = {
    async getBookmarks() {
      calls.push('get')
      return ['m']
    },
    async updateBookmarks(...args) {
      calls.push(args.map(list => [...list]))
    }
  }
  const session = connect(t, server).session({ bookmarkManager, bookmarks: ['own'] })
  await session.run('RETURN 1')
  const first = server.lastBookmark
  await session.executeRead(tx => tx.run('RETURN 1'))
  await until(() => calls.length >= 4)
  assert.deepEqual(server.received('RUN')[0].fields[2].bookmarks.toSorted(), ['m', 'own'])
  assert.deepEqual(server.received('BEGIN')[0].fields[0].bookmarks, ['m'], 'its own were followed on already')
  assert.deepEqual(calls[0], 'get')
  assert.deepEqual(
    calls[1].map(list => list.toSorted()),
    [['m', 'own'], [first]]
  )
  assert.deepEqual(calls.slice(2), ['get', [['m'], [server.lastBookmark]]])
})

test('an error of a bookmark supplier rejects the work', async t => {
  const server = await boltServer(t)
  const bookmarkManager = neo4j.bookmarkManager({
    bookmarksSupplier: async () => {
      throw new Error('no bookmarks today')
    }
  })
  const session = connect(t, server).session({ bookmarkManager })
  assert.match((await failing(session.run('RETURN 1'))).message, /no bookmarks today/)
  const tx = session.beginTransaction()
  const outcomes = await Promise.all([tx.run('RETURN 1'), tx].map(settle))
  for (const { error } of outcomes) assert.match(error.message, /no bookmarks today/)
  await tx.rollback()
  assert.equal(server.queries().length, 0)
})

test('records stream out of a transaction while another result of it waits', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  const more = gate()
  server.when('PULL', held(more)).query(/RETURN 2/)
  const tx = connect(t, server).session().beginTransaction()
  server.on('FIRST', rows([1, 2, 3]))
  const first = tx.run('FIRST')
  const second = tx.run('RETURN 2')
  assert.equal((await first).records.length, 3)
  more.open()
  assert.deepEqual(column(await second), [2])
  server.on('BAD', failure(SYNTAX, 'bad'))
  await failing(tx.run('BAD'))
  assert.equal(tx.isOpen(), false)
})

const glances = {
  'took one record of it': async result => (await result[Symbol.asyncIterator]().next()).value.get(0),
  'looked at one record of it': async result => (await result[Symbol.asyncIterator]().peek()).value.get(0)
}

for (const version of ['3.0', '4.4', '5.4']) {
  for (const [name, glance] of Object.entries(glances)) {
    test(`Bolt ${version}: a transaction function whose query fails when it has ${name} rejects`, async t => {
      const server = await boltServer(t, { versions: [version] })
      const fails = gate()
      server.on('MANY', rows([1, 2, 3]))
      server.when('PULL', async exchange => {
        await exchange.records(2)
        await fails
        await exchange.fail('Neo.ClientError.Statement.ArithmeticError', '/ by zero')
      })
      const session = connect(t, server).session()
      const work = session.executeWrite(async tx => {
        await glance(tx.run('MANY'))
        fails.open()
        await until(() => server.received('ROLLBACK').length + server.received('RESET').length > 0)
        return 'done'
      })
      assert.equal((await failing(work)).code, 'Neo.ClientError.Statement.ArithmeticError')
      assert.equal(server.received('COMMIT').length, 0)
    })
  }
}

test('a failure that a transaction function was told of by keys() is no news', async t => {
  const server = await boltServer(t)
  server.on('BAD', failure('Neo.ClientError.Statement.SyntaxError', 'no'))
  const work = connect(t, server)
    .session()
    .executeWrite(async tx => {
      await tx
        .run('BAD')
        .keys()
        .catch(() => {})
      return 'handled'
    })
  assert.equal(await work, 'handled')
})
