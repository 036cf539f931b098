// neo4j:// and databases: a table for each, the home of each user, and acting as another.
import assert from 'node:assert/strict'
import { ask, column, connect, failing, Neo4jHA, routing, settle, test } from '../support/contract.mjs'
import { delayed } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const { READ, WRITE } = neo4j.session
const modern = { versions: ['5.4'] }

/** The extra field of the message that starts work, whichever it is. */
const extra = message => message.fields[message.kind === 'BEGIN' ? 0 : 2]

const databasesOf = cluster => cluster.routes().map(({ database }) => database)

for (const version of ['4.0', '4.3', '4.4', '5.4', '6.1']) {
  test(`Bolt ${version}: each database has a table of its own`, async t => {
    const cluster = await routing(t, { versions: [version], cores: 3 })
    const [, one, two] = cluster.members
    cluster.tables.one = { readers: [one] }
    cluster.tables.two = { readers: [two] }
    const driver = connect(t, cluster.uri)
    for (const database of ['one', 'two', 'one', 'two'])
      assert.deepEqual(column(await ask(driver, 'RETURN 1', { defaultAccessMode: READ, database })), [1])
    assert.deepEqual(databasesOf(cluster), ['one', 'two'])
    assert.deepEqual(cluster.served(/RETURN/), [1, 2, 1, 2])
    assert.deepEqual(
      cluster.received('RUN', /RETURN/).map(message => extra(message).db),
      ['one', 'two', 'one', 'two']
    )
  })
}

test('the database is named in BEGIN, and in no RUN of the transaction', async t => {
  const cluster = await routing(t, modern)
  const session = connect(t, cluster.uri).session({ database: 'sales' })
  const tx = session.beginTransaction()
  await tx.run('RETURN 1')
  await tx.commit()
  assert.equal(cluster.received('BEGIN')[0].fields[0].db, 'sales')
  assert.equal(cluster.received('RUN')[0].fields[2].db, undefined)
})

test('what happens to the leader of one database is no matter of another', async t => {
  const cluster = await routing(t, modern)
  const [leader, follower] = cluster.members
  const driver = connect(t, cluster.uri)
  for (const database of ['one', 'two']) await ask(driver, 'CREATE (n)', { database })
  cluster.tables.one = { writers: [follower] }
  leader.when('RUN', x => x.fail('Neo.ClientError.Cluster.NotALeader', 'moved')).times(1)
  await driver.session({ database: 'one' }).executeWrite(tx => tx.run('RETURN 1'))
  await ask(driver, 'CREATE (m)', { database: 'two' })
  assert.deepEqual(cluster.served(/CREATE \(m\)/), [0])
  assert.deepEqual(databasesOf(cluster), ['one', 'two', 'one'])
})

test('Bolt 3 has no databases: naming one is an error that says so', async t => {
  const cluster = await routing(t, { versions: ['3.0'] })
  const error = await failing(ask(connect(t, cluster.uri), 'RETURN 1', { database: 'sales' }))
  assert.match(error.message, /database/i)
  assert.equal(cluster.received('RUN').length, 0)
})

// ---- home ----

for (const version of ['4.0', '4.3']) {
  test(`Bolt ${version}: without a database none is named, and the table is shared`, async t => {
    const cluster = await routing(t, { versions: [version] })
    cluster.table.db = undefined
    for (const member of cluster.members) {
      member.table = request => {
        const { ttl, servers } = cluster.answer(request)
        return { ttl, servers }
      }
    }
    const driver = connect(t, cluster.uri)
    for (let n = 0; n < 3; n++) await ask(driver)
    const [{ message }] = cluster.routes()
    if (version === '4.0') assert.equal(message.fields[1].database, null)
    else assert.equal(message.fields[2], null)
    assert.equal(cluster.routes().length, 1)
    assert.ok(cluster.received('RUN', /RETURN/).every(run => extra(run).db === undefined))
  })
}

for (const version of ['4.4', '5.4', '6.1']) {
  test(`Bolt ${version}: without a database the home is looked up, and named from then on`, async t => {
    const cluster = await routing(t, { versions: [version] })
    cluster.table.db = 'home'
    const session = connect(t, cluster.uri).session()
    await session.run('RETURN 1')
    const tx = session.beginTransaction()
    await tx.run('RETURN 2')
    await tx.commit()
    await session.executeWrite(work => work.run('RETURN 3'))
    assert.deepEqual(cluster.routes()[0].message.fields[2], {})
    assert.equal(extra(cluster.received('RUN', /RETURN 1/)[0]).db, 'home')
    assert.deepEqual(
      cluster.received('BEGIN').map(message => extra(message).db),
      ['home', 'home']
    )
    assert.equal(cluster.routes().length, 1)
  })

  test(`Bolt ${version}: a session keeps the home it found; the next session sees a new one`, async t => {
    const cluster = await routing(t, { versions: [version], hints: {} })
    cluster.table.db = 'before'
    const driver = connect(t, cluster.uri)
    const session = driver.session()
    await session.run('RETURN 1')
    cluster.table.db = 'after'
    await ask(driver, 'RETURN 2')
    await session.run('RETURN 3')
    assert.deepEqual(
      cluster.received('RUN').map(message => extra(message).db),
      ['before', 'after', 'before']
    )
  })
}

test('the table that told the home serves the database by its name as well', async t => {
  const cluster = await routing(t, modern)
  cluster.table.db = 'home'
  const driver = connect(t, cluster.uri)
  await ask(driver)
  await ask(driver, 'RETURN 1', { database: 'home' })
  assert.equal(cluster.routes().length, 1)
})

test('executeQuery and its retries stay in the home that was found', async t => {
  const cluster = await routing(t, modern)
  cluster.table.db = 'home'
  cluster.members[0]
    .when('RUN', x => x.fail('Neo.TransientError.Transaction.DeadlockDetected', 'again'))
    .times(1)
  const { summary } = await connect(t, cluster.uri).executeQuery('RETURN 1')
  assert.deepEqual(
    cluster.received('BEGIN').map(message => extra(message).db),
    ['home', 'home']
  )
  assert.equal(summary.database.name, 'home')
  assert.equal(cluster.routes().length, 1)
})

// ---- the cache of homes: Bolt 5.8, where servers route themselves ----

const ssr = { versions: ['5.8'], hints: { 'ssr.enabled': true } }
const home = (cluster, name) => {
  cluster.table.db = name
  for (const member of cluster.members) member.home = () => name
}

test('Bolt 5.8 with ssr.enabled: the next session guesses its home, names no database, and asks no router', async t => {
  const cluster = await routing(t, ssr)
  home(cluster, 'home')
  const driver = connect(t, cluster.uri)
  await ask(driver, 'RETURN 1')
  await ask(driver, 'RETURN 2')
  await driver.executeQuery('RETURN 3')
  assert.equal(cluster.routes().length, 1)
  assert.equal(extra(cluster.received('RUN', /RETURN 1/)[0]).db, 'home')
  assert.equal(extra(cluster.received('RUN', /RETURN 2/)[0]).db, undefined)
  assert.equal(extra(cluster.received('BEGIN')[0]).db, undefined)
})

for (const [first, run] of [
  ['run', session => session.run('RETURN 2')],
  ['a transaction', session => session.executeWrite(tx => tx.run('RETURN 2'))]
]) {
  test(`Bolt 5.8 with ssr.enabled: a guess that was wrong is put right by the answer to ${first}`, async t => {
    const cluster = await routing(t, ssr)
    home(cluster, 'before')
    const driver = connect(t, cluster.uri)
    await ask(driver, 'RETURN 1')
    home(cluster, 'after')
    cluster.tables.after = { writers: [cluster.members[2]] }
    const session = driver.session()
    await run(session)
    await session.run('RETURN 3')
    assert.deepEqual(databasesOf(cluster), [undefined, 'after'])
    assert.equal(extra(cluster.received('RUN', /RETURN 3/)[0]).db, 'after')
    assert.deepEqual(cluster.served(/RETURN 3/), [2])
  })
}

for (const [why, options] of [
  ['the hint is missing', { versions: ['5.8'], hints: {} }],
  ['the hint is false', { versions: ['5.8'], hints: { 'ssr.enabled': false } }]
]) {
  test(`Bolt 5.8: no home is guessed when ${why}`, async t => {
    const cluster = await routing(t, options)
    home(cluster, 'home')
    const driver = connect(t, cluster.uri)
    for (const defaultAccessMode of [READ, WRITE, READ, WRITE]) {
      await ask(driver, 'RETURN 1', { defaultAccessMode })
    }
    assert.ok(cluster.received('RUN').every(run => extra(run).db === 'home'))
    assert.equal(cluster.routes().length, 4)
  })
}

test('Bolt 5.8: a member that does not route itself is never sent work without a database', async t => {
  const cluster = await routing(t, { ...ssr, each: i => (i === 0 ? { hints: {} } : {}) })
  home(cluster, 'home')
  const driver = connect(t, cluster.uri)
  for (const defaultAccessMode of [READ, WRITE, READ, WRITE]) {
    await ask(driver, 'RETURN 1', { defaultAccessMode })
  }
  const runs = cluster.members[0].received('RUN')
  assert.equal(runs.length, 2)
  assert.ok(runs.every(run => extra(run).db === 'home'))
})

test('Bolt 5.8 with ssr.enabled: homes are guessed for each user apart', async t => {
  const cluster = await routing(t, ssr)
  const [leader, one, two] = cluster.members
  const homeOf = ({ impersonatedUser }) => `home-of-${impersonatedUser ?? 'all'}`
  cluster.tables['home-of-ann'] = { writers: [one] }
  cluster.tables['home-of-bob'] = { writers: [two] }
  for (const member of cluster.members) {
    member.home = homeOf
    member.table = request => cluster.answer({ ...request, database: request.database ?? homeOf(request) })
  }
  const driver = connect(t, cluster.uri)
  for (let n = 0; n < 2; n++) {
    for (const impersonatedUser of ['ann', 'bob', undefined])
      await ask(driver, `RETURN ${n}`, { impersonatedUser })
  }
  assert.equal(leader.queries().length, 2)
  assert.equal(one.queries().length, 2)
  assert.equal(two.queries().length, 2)
  assert.equal(cluster.routes().length, 3)
  assert.deepEqual(
    cluster.received('RUN', /RETURN 1/).map(message => extra(message).imp_user),
    ['ann', 'bob', undefined]
  )
})

test('Bolt 5.8 with ssr.enabled: a guess whose table is over is looked up again', async t => {
  const cluster = await routing(t, { ...ssr, ttl: 1 })
  home(cluster, 'home')
  const driver = connect(t, cluster.uri)
  await ask(driver)
  await until(async () => (await ask(driver)) && cluster.routes().length > 1, { every: 50 })
})

test('Bolt 5.8: what a member tells of the database is in the summary', async t => {
  const cluster = await routing(t, ssr)
  home(cluster, 'home')
  const { summary } = await ask(connect(t, cluster.uri))
  assert.equal(summary.database.name, 'home')
})

// ---- acting as another ----

for (const version of ['4.4', '5.0', '5.4', '5.8', '6.1']) {
  test(`Bolt ${version}: impersonatedUser is in ROUTE, in RUN and in BEGIN, with the home of that user`, async t => {
    const cluster = await routing(t, { versions: [version] })
    for (const member of cluster.members) {
      member.table = request => ({ ...cluster.answer(request), db: `home-of-${request.impersonatedUser}` })
      member.home = ({ impersonatedUser }) => `home-of-${impersonatedUser}`
    }
    const session = connect(t, cluster.uri).session({ impersonatedUser: 'ann' })
    await session.run('RETURN 1')
    await session.executeWrite(tx => tx.run('RETURN 2'))
    assert.deepEqual(cluster.routes()[0].message.fields[2], { imp_user: 'ann' })
    const run = extra(cluster.received('RUN', /RETURN 1/)[0])
    const begin = extra(cluster.received('BEGIN')[0])
    assert.deepEqual([run.imp_user, run.db], ['ann', 'home-of-ann'])
    assert.deepEqual([begin.imp_user, begin.db], ['ann', 'home-of-ann'])
    assert.equal(extra(cluster.received('RUN', /RETURN 2/)[0]).imp_user, undefined)
  })
}

test('executeQuery({impersonatedUser, database}) names both', async t => {
  const cluster = await routing(t, modern)
  await connect(t, cluster.uri).executeQuery('RETURN 1', {}, { impersonatedUser: 'ann', database: 'sales' })
  assert.deepEqual(cluster.routes()[0].message.fields[2], { db: 'sales', imp_user: 'ann' })
  const begin = extra(cluster.received('BEGIN')[0])
  assert.deepEqual([begin.imp_user, begin.db], ['ann', 'sales'])
})

test('homes of two impersonated users are not mixed up when they are looked up at the same time', async t => {
  const cluster = await routing(t, modern)
  for (const member of cluster.members) {
    member.table = request => ({ ...cluster.answer(request), db: `home-of-${request.impersonatedUser}` })
  }
  cluster.when('ROUTE', delayed(100))
  const driver = connect(t, cluster.uri)
  const users = ['ann', 'bob', 'cleo']
  await Promise.all(users.map(impersonatedUser => ask(driver, 'RETURN 1', { impersonatedUser })))
  for (const message of cluster.received('RUN')) {
    const { imp_user: user, db } = extra(message)
    assert.equal(db, `home-of-${user}`)
  }
  assert.equal(cluster.received('RUN').length, users.length)
})

for (const version of ['1.0', '3.0', '4.0', '4.3']) {
  test(`Bolt ${version}: impersonation is an error that says so, and nothing runs`, async t => {
    const cluster = await routing(t, { versions: [version] })
    const driver = connect(t, cluster.uri)
    for (const work of [
      () => ask(driver, 'RETURN 1', { impersonatedUser: 'ann' }),
      () => driver.session({ impersonatedUser: 'ann' }).executeRead(tx => tx.run('RETURN 1'))
    ]) {
      const { error } = await settle(work())
      assert.match(error?.message ?? 'no error', /impersonat/i)
    }
    assert.equal(cluster.received('RUN', /RETURN/).length, 0)
  })
}
