// drop-in: "Session".
import assert from 'node:assert/strict'
import { cluster, column, failing, Neo4jHA, ready, settle, test } from '../support/contract.mjs'
import { node, relationship } from '../support/packstream.mjs'
import { bolt, failure, gate, held, rows } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

// An HA cluster speaks Bolt 1 to 3; the later ones show that nothing here hangs on that.
const clusters = ['1.0', '2.0', '3.0', '4.4', '5.8', '6.1'].map(version => [`Bolt ${version}`, [version]])

const where = (servers, servedBy) => servers.findIndex(([, uri]) => uri === servedBy.location.bolt)

for (const [name, versions] of clusters) {
  test(`run(query, params) answers with records and a summary: ${name}`, async t => {
    const group = await cluster(t, { versions })
    group.on(/MATCH \(a\)-/, ({ version }) => ({
      fields: ['a', 'r', 'name', 'x'],
      records: [
        [
          node(1, ['A'], { name: 'a' }, ...(version.major >= 5 ? ['4:x:1'] : [])),
          relationship(3, 1, 2, 'R', {}, version.major >= 5 ? ['5:x:3', '4:x:1', '4:x:2'] : []),
          'b',
          1.5
        ]
      ]
    }))
    const driver = await ready(t, group.servers)
    const session = driver.session(false)
    const { records, summary } = await session.run('MATCH (a)-[r]->(b) RETURN a, r, b.name AS name, 1.5 AS x')
    assert.equal(records.length, 1)
    const [record] = records
    assert.deepEqual(record.keys, ['a', 'r', 'name', 'x'])
    assert.equal(record.get('a').properties.name, 'a')
    assert.deepEqual(record.get('a').labels, ['A'])
    assert.equal(record.get('r').type, 'R')
    assert.equal(record.get('name'), 'b')
    assert.equal(record.get(3), 1.5)
    assert.equal(record._fields[2], 'b')
    assert.equal(summary.query.text, 'MATCH (a)-[r]->(b) RETURN a, r, b.name AS name, 1.5 AS x')
    assert.equal(summary.queryType, 'r')
    await session.close()
  })

  test(`a result of many records comes whole and in order: ${name}`, async t => {
    const { servers } = await cluster(t, { versions })
    const driver = await ready(t, servers, { neo4jDriverOptions: { fetchSize: 70 } })
    const result = await driver.session(false).run('UNWIND range(1, 2500) AS n RETURN n')
    assert.deepEqual(
      column(result),
      Array.from({ length: 2500 }, (_, n) => n + 1)
    )
  })

  test(`a transaction is begun, run in, committed; another rolled back: ${name}`, async t => {
    const { servers, members } = await cluster(t, { versions })
    const [master] = members
    const driver = await ready(t, servers)
    const session = driver.session(true)
    const tx = session.beginTransaction()
    const one = tx.run('RETURN 1')
    const two = tx.run('RETURN 2')
    assert.deepEqual(column(await one), [1])
    assert.deepEqual(column(await two), [2])
    await tx.commit()
    assert.equal(master.bolt.received('COMMIT').length, 1)
    const other = session.beginTransaction()
    await other.run('CREATE (n)')
    await other.rollback()
    assert.equal(master.bolt.received('ROLLBACK').length, 1)
    assert.equal(master.bolt.received('BEGIN').length, 2)
    await session.close()
  })
}

test('run starts at once, without anyone awaiting it', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  driver.session(true).run('CREATE (n:Unawaited)')
  await until(() => members[0].bolt.queries(/Unawaited/).length === 1)
})

test('run answers with a promise: then, catch, finally', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(false)
  const order = []
  await session
    .run('RETURN 1')
    .then(result => order.push(column(result)[0]))
    .finally(() => order.push('finally'))
  await session.run('NONSENSE').catch(error => order.push(error.code))
  await session
    .run('NONSENSE')
    .finally(() => order.push('again'))
    .catch(() => {})
  assert.deepEqual(order, [1, 'finally', 'Neo.ClientError.Statement.SyntaxError', 'again'])
})

test('subscribe({onNext, onCompleted, onError}) returns that same object', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const result = driver.session(false).run('UNWIND range(1, 5) AS n RETURN n')
  const seen = []
  const summary = await new Promise((resolve, reject) => {
    const same = result.subscribe({
      onNext: record => seen.push(record.get('n').toNumber()),
      onCompleted: resolve,
      onError: reject
    })
    assert.equal(same, result)
  })
  assert.deepEqual(seen, [1, 2, 3, 4, 5])
  assert.equal(summary.queryType, 'r')
})

test('subscribe gets the error in onError, and nothing else', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const calls = []
  await new Promise(resolve => {
    driver
      .session(false)
      .run('NONSENSE')
      .subscribe({
        onNext: () => calls.push('next'),
        onCompleted: () => calls.push('completed'),
        onError: error => {
          calls.push(error.code)
          resolve()
        }
      })
  })
  assert.deepEqual(calls, ['Neo.ClientError.Statement.SyntaxError'])
})

test('subscribe takes any part of an observer', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(false)
  const seen = []
  session.run('RETURN 1').subscribe({})
  session.run('RETURN 2').subscribe({ onNext: record => seen.push(Number(record.get(0))) })
  await new Promise(resolve => session.run('RETURN 3').subscribe({ onCompleted: resolve }))
  assert.deepEqual(seen, [2])
})

test('records stream to subscribe before the result is complete', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const more = gate()
  group.when('PULL', async x => {
    await x.records(3)
    await more
    await x.reply()
  })
  const driver = await ready(t, group.servers)
  const seen = []
  const done = new Promise((resolve, reject) => {
    driver
      .session(false)
      .run('UNWIND range(1, 9) AS n RETURN n')
      .subscribe({ onNext: record => seen.push(record), onCompleted: resolve, onError: reject })
  })
  await until(() => seen.length === 3)
  more.open()
  await done
  assert.equal(seen.length, 9)
})

test('the query may use {a} parameters: it reaches the server unread', async t => {
  const { servers, members } = await cluster(t, { versions: bolt.neo4j34 })
  const driver = await ready(t, servers)
  const query = 'RETURN {a} AS a'
  const result = await driver.session(true).run(query, { a: 'value' })
  assert.equal(result.records[0].get('a'), 'value')
  assert.deepEqual(members[0].bolt.received('RUN')[0].fields.slice(0, 2), [query, { a: 'value' }])
  const odd = '  // {a} $b \n RETURN 1'
  members[0].bolt.on(odd, rows([1]))
  await driver.session(true).run(odd)
  assert.ok(members[0].bolt.queries().includes(odd))
})

test('params may be left out, and a query object {text, parameters} may be given', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(true)
  await session.run('RETURN 1')
  assert.deepEqual(members[0].bolt.received('RUN')[0].fields[1], {})
  const result = await session.run({ text: 'RETURN $x AS x', parameters: { x: 'y' } })
  assert.equal(result.records[0].get('x'), 'y')
})

test('the driver does not read Cypher: a write in a read session goes where reads go', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave'] })
  const driver = await ready(t, servers, { rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
  await driver.session(false).run('CREATE (n)')
  await driver
    .session(true)
    .run('MATCH (n) RETURN n')
    .catch(() => {})
  assert.deepEqual(members[1].bolt.queries(), ['CREATE (n)'])
  assert.deepEqual(members[0].bolt.queries(), ['MATCH (n) RETURN n'])
})

test('the result and the summary have servedBy = {location, info}', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const result = await driver.session(true).run('RETURN 1')
  for (const servedBy of [result.servedBy, result.summary.servedBy]) {
    assert.equal(servedBy.location.url, servers[0][0])
    assert.equal(servedBy.location.bolt, servers[0][1])
    assert.equal(servedBy.info.status, Neo4jHA.Status.up)
    assert.equal(servedBy.info.type, Neo4jHA.ServerType.master)
    assert.equal(typeof servedBy.info.distance, 'number')
  }
})

test('the summary given to onCompleted has servedBy', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const summary = await new Promise((resolve, reject) => {
    driver.session(true).run('RETURN 1').subscribe({ onCompleted: resolve, onError: reject })
  })
  assert.equal(where(servers, summary.servedBy), 0)
  assert.equal(summary.servedBy.info.type, Neo4jHA.ServerType.master)
})

test('servedBy tells who served in the end, after a retry', async t => {
  const group = await cluster(t, { roles: ['slave', 'slave'] })
  group.members[0].bolt.when('RUN', x => x.reset())
  const driver = await ready(t, group.servers, { strategy: candidates => candidates[0] })
  const result = await driver.session(false).run('RETURN 1')
  assert.equal(where(group.servers, result.servedBy), 1)
})

for (const [name, versions] of clusters) {
  test(`several runs on one session without awaiting (Promise.all): ${name}`, async t => {
    const { servers } = await cluster(t, { versions })
    const driver = await ready(t, servers)
    const session = driver.session(false)
    const queries = ['RETURN 1', 'UNWIND range(1, 2000) AS n RETURN n', 'RETURN 3', 'RETURN 4']
    const results = await Promise.all(queries.map(query => session.run(query)))
    assert.deepEqual(
      results.map(result => result.records.length),
      [1, 2000, 1, 1]
    )
    assert.equal(column(results[3])[0], 4)
    assert.ok(results.every(({ servedBy }) => servedBy.location.bolt))
    await session.close()
  })
}

test('of several runs on one session one may fail: the others are served', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(false)
  const outcomes = await Promise.all(
    ['RETURN 1', 'NONSENSE', 'RETURN 3'].map(query => settle(session.run(query)))
  )
  assert.deepEqual(column(outcomes[0].value), [1])
  assert.equal(outcomes[1].error.code, 'Neo.ClientError.Statement.SyntaxError')
  assert.deepEqual(column(outcomes[2].value), [3])
})

test('runs of one session are sent in the order they were called', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(true)
  await Promise.all([1, 2, 3, 4, 5].map(n => session.run(`RETURN ${n}`)))
  assert.deepEqual(
    members[0].bolt.queries(),
    [1, 2, 3, 4, 5].map(n => `RETURN ${n}`)
  )
})

test('writeLock is a public property', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  assert.equal(driver.session(true).writeLock, true)
  assert.equal(driver.session(false).writeLock, false)
  assert.ok(!driver.session().writeLock)
})

test('session() reads: without writeLock a query goes where reads go', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave'] })
  const driver = await ready(t, servers, { rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
  await driver.session().run('RETURN 1')
  assert.equal(members[1].bolt.queries().length, 1)
})

test('beginTransaction() returns, without awaiting, a transaction with run, commit and rollback', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const tx = driver.session(true).beginTransaction()
  for (const method of ['run', 'commit', 'rollback']) assert.equal(typeof tx[method], 'function', method)
  tx.run('CREATE (n:A)')
  tx.run('CREATE (n:B)')
  await tx.commit()
  assert.deepEqual(
    members[0].bolt.messages.filter(({ kind }) => /BEGIN|RUN|COMMIT/.test(kind)).map(({ kind }) => kind),
    ['BEGIN', 'RUN', 'RUN', 'COMMIT']
  )
})

test('beginTransaction() may be awaited too', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const tx = await driver.session(true).beginTransaction()
  assert.deepEqual(column(await tx.run('RETURN 1')), [1])
  await tx.commit()
})

test('the records of tx.run come to subscribe', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const tx = driver.session(true).beginTransaction()
  const seen = []
  await new Promise((resolve, reject) => {
    tx.run('UNWIND range(1, 3) AS n RETURN n').subscribe({
      onNext: record => seen.push(Number(record.get('n'))),
      onCompleted: resolve,
      onError: reject
    })
  })
  assert.deepEqual(seen, [1, 2, 3])
  await tx.commit()
})

test('a transaction that failed refuses to commit, and the session goes on', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(true)
  const tx = session.beginTransaction()
  assert.equal((await failing(tx.run('NONSENSE'))).code, 'Neo.ClientError.Statement.SyntaxError')
  await failing(tx.commit())
  assert.equal(members[0].bolt.received('COMMIT').length, 0)
  await settle(tx.rollback())
  assert.deepEqual(column(await session.run('RETURN 1')), [1])
})

test('a transaction is over after commit: run is refused', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const tx = driver.session(true).beginTransaction()
  await tx.run('RETURN 1')
  await tx.commit()
  await failing(tx.run('RETURN 2'))
})

test('a session that closes rolls back what is open', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(true)
  const tx = session.beginTransaction()
  await tx.run('CREATE (n)')
  await session.close()
  const ended = ({ kind }) => kind === 'ROLLBACK' || kind === 'RESET' || kind === 'GOODBYE'
  await until(() => members[0].bolt.messages.some(ended))
  assert.equal(members[0].bolt.received('COMMIT').length, 0)
})

test('close() returns a promise, gives the connection back, and may be called twice', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers, { neo4jDriverOptions: { maxConnectionPoolSize: 1 } })
  for (let n = 0; n < 5; n++) {
    const session = driver.session(true)
    await session.run('RETURN 1')
    await session.close()
    await session.close()
  }
  assert.equal(members[0].bolt.connections.total, 1)
})

test('a closed session runs nothing more', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.session(true)
  await session.close()
  assert.match((await failing(session.run('RETURN 1'))).message, /closed/)
  assert.equal(members[0].bolt.queries().length, 0)
})

test('close() straight after run lets the query be sent, and hangs nothing', async t => {
  const group = await cluster(t)
  const driver = await ready(t, group.servers)
  const session = driver.session(true)
  const running = settle(session.run('CREATE (n:Last)'))
  await within(Promise.resolve(session.close()), 5000, 'session.close()')
  assert.deepEqual(column((await within(running, 5000, 'the run')).value), [])
  assert.equal(group.members[0].bolt.queries(/Last/).length, 1)
})

test('a session never closed keeps no connection: others are served', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers, { neo4jDriverOptions: { maxConnectionPoolSize: 1 } })
  for (let n = 0; n < 5; n++) await driver.session(true).run('RETURN 1')
})

test('a result may be iterated', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const seen = []
  for await (const record of driver.session(false).run('UNWIND range(1, 3) AS n RETURN n')) {
    seen.push(Number(record.get('n')))
  }
  assert.deepEqual(seen, [1, 2, 3])
})

test('a run that waits for its answer does not hold up another session', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const later = gate()
  group.members[0].bolt.when('RUN', held(later)).query(/RETURN 1/)
  const driver = await ready(t, group.servers)
  const slow = driver.session(true).run('RETURN 1')
  assert.deepEqual(column(await driver.session(true).run('RETURN 2')), [2])
  later.open()
  assert.deepEqual(column(await slow), [1])
})

test('a record delivered to onNext that throws does not break the driver', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const errors = []
  const previous = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  const listener = error => errors.push(error.message)
  process.on('uncaughtException', listener)
  t.after(() => {
    process.off('uncaughtException', listener)
    for (const old of previous) process.on('uncaughtException', old)
  })
  driver
    .session(false)
    .run('UNWIND range(1, 3) AS n RETURN n')
    .subscribe({
      onNext: () => {
        throw new Error('mine')
      },
      onError: error => errors.push(error.message)
    })
  await until(() => errors.length > 0)
  assert.match(errors[0], /mine/)
  assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
})

test('a failure on the way of the records surfaces after the records', async t => {
  const group = await cluster(t)
  group.on('PARTLY', {
    fields: ['n'],
    records: [[1], [2]],
    ending: failure('Neo.ClientError.Statement.ArithmeticError', '/ by zero')
  })
  const driver = await ready(t, group.servers)
  const seen = []
  const error = await new Promise(resolve => {
    driver
      .session(false)
      .run('PARTLY')
      .subscribe({ onNext: record => seen.push(Number(record.get('n'))), onError: resolve })
  })
  assert.deepEqual(seen, [1, 2])
  assert.equal(error.code, 'Neo.ClientError.Statement.ArithmeticError')
})
