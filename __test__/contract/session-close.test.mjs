// session.close(), whatever the session is in the middle of: it settles, and so does the work, with what happened to it.
import assert from 'node:assert/strict'
import { boltServer, column, connect, failing, Neo4jHA, settle, test } from '../support/contract.mjs'
import { bolt, gate, held, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const FEW = 'UNWIND range(1, 3) AS n RETURN n'
const LONG = 'UNWIND range(1, 20000) AS n RETURN n'
const ROLLED_BACK =
  /The session was closed before the transaction function had ended: its transaction was rolled back/

async function opened(t, { versions = bolt.neo4j526, ...config } = {}) {
  const server = await boltServer(t, { versions })
  const driver = connect(t, server.uri, undefined, { maxConnectionPoolSize: 1, ...config })
  return { server, driver, session: driver.session({ fetchSize: 100 }) }
}

const closing = session => within(session.close(), 5000, 'session.close()')
const never = () => new Promise(() => {})

/** The connection is there for others. */
const isFree = async driver => assert.deepEqual(column(await driver.executeQuery('RETURN 1')), [1])

for (const versions of [['3.0'], bolt.neo4j44, bolt.neo4j526]) {
  test(`a query under way is finished, and its promise has its records: Bolt ${versions}`, async t => {
    const { server, driver, session } = await opened(t, { versions })
    const later = gate()
    server.when('RUN', held(later)).query(/range/)
    const few = session.run(FEW).then(column)
    const long = session.run(LONG).then(column)
    const bad = failing(session.run('NONSENSE'))
    await until(() => server.received('RUN').length > 0)
    const closed = closing(session)
    later.open()
    await closed
    assert.deepEqual(await few, [1, 2, 3])
    assert.equal((await long).length, 20_000)
    assert.match((await bad).code, /SyntaxError/)
    await isFree(driver)
  })

  test(`a commit under way is waited for: Bolt ${versions}`, async t => {
    const { server, driver, session } = await opened(t, { versions })
    const later = gate()
    server.when('COMMIT', held(later))
    const tx = await session.beginTransaction()
    await tx.run('CREATE (n)')
    const commit = tx.commit()
    await until(() => server.received('COMMIT').length === 1)
    const order = []
    const ends = [commit.then(() => order.push('commit')), closing(session).then(() => order.push('close'))]
    later.open()
    await Promise.all(ends)
    assert.deepEqual(order, ['commit', 'close'])
    await isFree(driver)
  })
}

/** Each way of a transaction function. */
const functions = {
  executeWrite: (session, work) => session.executeWrite(work),
  executeRead: (session, work) => session.executeRead(work),
  writeTransaction: (session, work) => session.writeTransaction(work),
  readTransaction: (session, work) => session.readTransaction(work)
}

for (const [name, execute] of Object.entries(functions)) {
  for (const versions of [['3.0'], bolt.neo4j526]) {
    test(`${name} whose function waits for something else is rolled back, and rejects: Bolt ${versions}`, async t => {
      const { server, driver, session } = await opened(t, { versions })
      const later = gate()
      let isInside = false
      const work = execute(session, async tx => {
        await tx.run('CREATE (n)')
        isInside = true
        await later
        return 'done'
      })
      const outcome = settle(work)
      await until(() => isInside)
      await closing(session)
      assert.match((await within(outcome, 1000, name)).error.message, ROLLED_BACK)
      assert.equal((await outcome).error.retriable, false)
      assert.equal(server.received('COMMIT').length, 0)
      assert.equal(server.received('ROLLBACK').length, 1)
      later.open()
      await isFree(driver)
    })
  }

  test(`${name} whose function waits for its queries is finished: it commits`, async t => {
    const { server, driver, session } = await opened(t)
    const later = gate()
    server.when('RUN', held(later)).query(/RETURN 1/)
    const work = execute(session, async tx => {
      await tx.run('RETURN 1')
      const { records } = await tx.run(FEW)
      let sum = 0
      for await (const record of tx.run(LONG)) sum += Number(record.get(0))
      return [records.length, sum]
    })
    await until(() => server.received('RUN').length === 1)
    const closed = closing(session)
    later.open()
    await closed
    assert.deepEqual(await work, [3, 200_010_000])
    assert.equal(server.received('COMMIT').length, 1)
    await isFree(driver)
  })

  test(`${name} that was only just called is finished`, async t => {
    const { server, driver, session } = await opened(t)
    const work = execute(session, tx => tx.run(FEW))
    await closing(session)
    assert.deepEqual(column(await work), [1, 2, 3])
    assert.equal(server.received('COMMIT').length, 1)
    await isFree(driver)
  })
}

test('a function that returns out of finally { close() } is finished', async t => {
  const { driver, server } = await opened(t)
  const write = async () => {
    const session = driver.session()
    try {
      return session.executeWrite(tx => tx.run(FEW))
    } finally {
      await session.close()
    }
  }
  assert.deepEqual(column(await write()), [1, 2, 3])
  assert.equal(server.received('COMMIT').length, 1)
})

test('a function that never ends rejects when its session, or its driver, is closed', async t => {
  const { driver, session } = await opened(t)
  const ofSession = failing(session.executeWrite(never))
  await until(() => true)
  await closing(session)
  assert.match((await within(ofSession, 1000, 'executeWrite')).message, ROLLED_BACK)
  let isInside = false
  const ofDriver = failing(
    driver.session().executeRead(async tx => {
      await tx.run(FEW)
      isInside = true
      await never()
    })
  )
  await until(() => isInside)
  await driver.close()
  assert.match(
    (await within(ofDriver, 1000, 'executeRead')).message,
    /The driver was closed before the transaction/
  )
})

test('a function that awaits the end of its own session does not wait for ever', async t => {
  const { server, driver, session } = await opened(t)
  const work = session.executeWrite(async tx => {
    await tx.run('CREATE (n)')
    await session.close()
    return 'done'
  })
  assert.match((await within(failing(work), 5000, 'executeWrite')).message, ROLLED_BACK)
  assert.equal(server.received('COMMIT').length, 0)
  await isFree(driver)
})

test('what is asked of a transaction that its session rolled back is refused, and says why', async t => {
  const { driver, session } = await opened(t)
  const tx = await session.beginTransaction()
  await tx.run(FEW)
  await closing(session)
  assert.equal(tx.isOpen(), false)
  const why = /because it was rolled back when its session or driver was closed/
  assert.match((await failing(tx.commit())).message, why)
  assert.match((await failing(tx.rollback())).message, why)
  assert.match((await failing(tx.run(FEW))).message, why)
  await tx.close()
  await isFree(driver)
})

test('an explicit transaction whose query is awaited goes on to its commit', async t => {
  const { server, driver, session } = await opened(t)
  const later = gate()
  server.when('RUN', held(later))
  const work = (async () => {
    const tx = session.beginTransaction()
    await tx.run(FEW)
    await tx.commit()
  })()
  await until(() => server.received('RUN').length === 1)
  const closed = closing(session)
  later.open()
  await closed
  await work
  assert.equal(server.received('COMMIT').length, 1)
  await isFree(driver)
})

test('BEGIN under way is waited for, and rolled back', async t => {
  const { server, driver, session } = await opened(t)
  const later = gate()
  server.when('BEGIN', held(later))
  const tx = session.beginTransaction()
  await until(() => server.received('BEGIN').length === 1)
  const closed = closing(session)
  later.open()
  await closed
  assert.equal(tx.isOpen(), false)
  assert.equal(server.received('COMMIT').length, 0)
  await isFree(driver)
})

test('a wait for a connection ends by its own limit, and with it close()', async t => {
  const { server, driver, session } = await opened(t, {
    connectionAcquisitionTimeout: 300,
    connectionTimeout: 200
  })
  const silent = server.when('RUN', silence).query(/HANGS/)
  const hanging = settle(driver.session().run('HANGS'))
  await until(() => silent.hits === 1)
  const begun = failing(session.beginTransaction())
  const other = driver.session()
  const executed = failing(other.executeWrite(tx => tx.run(FEW)))
  await Promise.all([closing(session), closing(other)])
  for (const error of [await begun, await executed]) assert.match(error.message, /acquisition timed out/)
  await driver.close()
  await within(hanging, 1000, 'the query')
})

test('a query that hangs keeps close() waiting until its driver is closed', async t => {
  const { server, driver, session } = await opened(t)
  const silent = server.when('RUN', silence).query(/HANGS/)
  const hanging = failing(session.executeWrite(tx => tx.run('HANGS')))
  await until(() => silent.hits === 1)
  const closed = session.close()
  await driver.close()
  await within(closed, 2000, 'session.close()')
  assert.match((await within(hanging, 1000, 'executeWrite')).message, /the driver was closed/)
})

test('an abort ends it all while close() waits', async t => {
  const { server, driver, session } = await opened(t)
  const controller = new AbortController()
  const silent = server.when('RUN', silence).query(/HANGS/)
  const hanging = failing(session.executeWrite(tx => tx.run('HANGS'), { signal: controller.signal }))
  await until(() => silent.hits === 1)
  const closed = closing(session)
  const mine = new Error('mine')
  controller.abort(mine)
  assert.equal(await within(hanging, 1000, 'executeWrite'), mine)
  await closed
  await isFree(driver)
})

test('no further attempt is made once close() was called', async t => {
  const { server, session } = await opened(t)
  const later = gate()
  server.when('RUN', async exchange => {
    await later
    await exchange.fail('Neo.TransientError.Transaction.DeadlockDetected', 'again')
  })
  let runs = 0
  const work = failing(
    session.executeWrite(tx => {
      runs++
      return tx.run(FEW)
    })
  )
  await until(() => server.received('RUN').length === 1)
  const closed = closing(session)
  later.open()
  await closed
  assert.match((await work).code, /DeadlockDetected/)
  assert.equal(runs, 1)
})

test('close() twice, and at the same time, is one end; an unused session has nothing to wait for', async t => {
  const { driver, session } = await opened(t)
  const tx = await session.beginTransaction()
  await tx.run(FEW)
  await Promise.all([closing(session), closing(session), session[Symbol.asyncDispose]()])
  await closing(session)
  await closing(driver.session())
  await isFree(driver)
})

// ---- what nobody saw fail ----

test('a transaction function whose query failed unseen rejects with its error', async t => {
  const { server, driver, session } = await opened(t)
  const work = session.executeWrite(async tx => {
    tx.run('NONSENSE')
    await failing(tx.run(FEW))
    return 'done'
  })
  assert.match((await failing(work)).code, /SyntaxError/)
  assert.equal(server.received('COMMIT').length, 0)
  await isFree(driver)
})

test('a transaction function that has seen its query fail says itself what comes of it, as in neo4j-driver', async t => {
  const { driver, session } = await opened(t)
  const work = session.executeWrite(async tx => {
    await failing(tx.run('NONSENSE'))
    return 'seen'
  })
  assert.equal(await work, 'seen')
  await isFree(driver)
})

test('executeQuery whose transformer reads nothing rejects where its query, or BEGIN, failed', async t => {
  const { server, driver } = await opened(t)
  const ended = () => until(() => server.received('RESET').length > 0)
  const resultTransformer = async () => {
    await ended()
    return 'done'
  }
  assert.match(
    (await failing(driver.executeQuery('NONSENSE', {}, { resultTransformer }))).code,
    /SyntaxError/
  )
})

// ---- reactive sessions ----

test('the function of a reactive session that waits for something else is rolled back, and fails', async t => {
  const { server, driver } = await opened(t)
  const { NEVER, concat } = await import('rxjs')
  const session = driver.rxSession()
  const seen = []
  const error = new Promise(resolve =>
    session
      .executeWrite(tx => concat(tx.run(FEW).records(), NEVER))
      .subscribe({ next: record => seen.push(record), error: resolve })
  )
  await until(() => seen.length === 3)
  await within(new Promise(complete => session.close().subscribe({ complete })), 5000, 'close()')
  assert.match((await within(error, 1000, 'executeWrite')).message, ROLLED_BACK)
  assert.equal(server.received('COMMIT').length, 0)
  await isFree(driver)
})

test('the function of a reactive session that waits for its query is finished', async t => {
  const { server, driver } = await opened(t)
  const later = gate()
  server.when('RUN', held(later)).query(/range/)
  const session = driver.rxSession()
  const ended = new Promise((complete, error) =>
    session.executeWrite(tx => tx.run(FEW).records()).subscribe({ complete, error })
  )
  await until(() => server.received('RUN').length === 1)
  const closed = new Promise(complete => session.close().subscribe({ complete }))
  later.open()
  await within(closed, 5000, 'close()')
  await ended
  assert.equal(server.received('COMMIT').length, 1)
  await isFree(driver)
})

test('a session of a Neo4jHA does the same', async t => {
  const { server } = await opened(t)
  const driver = new Neo4jHA([[undefined, server.uri]], { checkInterval: 30 })
  t.after(() => driver.close())
  const session = driver.session(true)
  let isInside = false
  const outcome = failing(
    session.executeWrite(async tx => {
      await tx.run('CREATE (n)')
      isInside = true
      await never()
    })
  )
  await until(() => isInside)
  await closing(session)
  assert.match((await within(outcome, 1000, 'executeWrite')).message, ROLLED_BACK)
  const other = driver.session(true)
  const work = other.executeWrite(tx => tx.run(FEW))
  await closing(other)
  assert.deepEqual(column(await work), [1, 2, 3])
})
