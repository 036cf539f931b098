// neo4j:// when things go wrong: leaders that moved, members that are gone, routers that say no, tables that make no sense.
import assert from 'node:assert/strict'
import {
  ask,
  boltServer,
  column,
  connect,
  failing,
  Neo4jHA,
  routing,
  settle,
  test
} from '../support/contract.mjs'
import { bolt, delayed, failure, gate, routingTable, rows } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const { READ, WRITE } = neo4j.session
const { SERVICE_UNAVAILABLE, SESSION_EXPIRED } = neo4j.error
const read = { defaultAccessMode: READ, database: 'neo4j' }
const write = { defaultAccessMode: WRITE, database: 'neo4j' }
const modern = { versions: ['5.4'] }
const old = { versions: ['3.0'] }

/** Moves the leader, and has the old one refuse writes with `code`, at messages of this kind. */
const moveLeader = (cluster, code, kind = 'RUN') => {
  const [before, after] = cluster.members
  cluster.table.writers = [after]
  cluster.table.readers = [before]
  return before.when(kind, x => x.fail(code, 'no longer the leader')).times(1)
}

const notALeader = 'Neo.ClientError.Cluster.NotALeader'
const readOnly = 'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase'
const unavailable = 'Neo.TransientError.General.DatabaseUnavailable'

for (const code of [notALeader, readOnly]) {
  for (const kind of ['BEGIN', 'RUN', 'COMMIT']) {
    test(`${code} at ${kind}: a transaction function runs again at the new leader, by a new table`, async t => {
      const cluster = await routing(t, modern)
      const driver = connect(t, cluster.uri)
      await ask(driver, 'CREATE (n)', write)
      const rule = moveLeader(cluster, code, kind)
      const answer = await driver.session(write).executeWrite(async tx => column(await tx.run('RETURN 1')))
      assert.deepEqual(answer, [1])
      assert.equal(rule.hits, 1)
      assert.equal(cluster.members[1].received('COMMIT').length, 1)
      assert.equal(cluster.routes().length, 2)
    })
  }

  test(`${code} at executeQuery: it runs again at the new leader`, async t => {
    const cluster = await routing(t, modern)
    const driver = connect(t, cluster.uri)
    await driver.executeQuery('CREATE (n)', {}, { database: 'neo4j' })
    moveLeader(cluster, code)
    const { records } = await driver.executeQuery('RETURN 1', {}, { database: 'neo4j' })
    assert.equal(records.length, 1)
    assert.equal(cluster.members[1].received('COMMIT').length, 1)
  })

  test(`${code} at an auto-commit write: the next write goes to the new leader; an error says that the session expired`, async t => {
    const cluster = await routing(t, modern)
    const driver = connect(t, cluster.uri)
    await ask(driver, 'CREATE (n)', write)
    moveLeader(cluster, code)
    const { error } = await settle(ask(driver, 'CREATE (m)', write))
    if (error) {
      assert.equal(error.code, SESSION_EXPIRED)
      assert.ok(error.message.includes(cluster.members[0].address), error.message)
    }
    await ask(driver, 'CREATE (o)', write)
    assert.deepEqual(cluster.served(/CREATE \(o\)/), [1])
  })
}

test('a leader that lost its office still serves reads', async t => {
  const cluster = await routing(t, modern)
  const driver = connect(t, cluster.uri)
  cluster.table.readers = [cluster.members[0]]
  await ask(driver, 'CREATE (n)', write)
  moveLeader(cluster, notALeader)
  await driver.session(write).executeWrite(tx => tx.run('RETURN 1'))
  await ask(driver, 'RETURN 2', read)
  assert.deepEqual(cluster.served(/RETURN 2/), [0])
})

test('DatabaseUnavailable: the member is forgotten, and a transaction function runs at another', async t => {
  const cluster = await routing(t, modern)
  const driver = connect(t, cluster.uri)
  const [, one, two] = cluster.members
  for (const member of [one, two]) member.when('RUN', x => x.fail(unavailable, 'stopping'))
  cluster.table.readers = [one]
  await driver.verifyConnectivity({ database: 'neo4j' })
  cluster.table.readers = [cluster.members[0]]
  const answer = await driver.session(read).executeRead(async tx => column(await tx.run('RETURN 1')))
  assert.deepEqual(answer, [1])
  assert.equal(one.queries().length, 1)
  // Where a router is slow, another one is asked beside it.
  assert.ok(cluster.routes().length >= 2, 'the table was fetched anew')
})

test('work that an earlier table sends to members that have left goes on by the next one', async t => {
  const cluster = await routing(t, { ...modern, cores: 1, replicas: 3, ttl: 0 })
  const [, one, two, next] = cluster.members
  cluster.table.readers = [one, two]
  for (const member of [one, two]) member.when('HELLO', () => new Promise(() => {}))
  const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 1_000 })
  const early = ask(driver, 'RETURN 1', read)
  await until(() => [one, two].some(member => member.received('HELLO').length > 0))
  cluster.table.readers = [next]
  await ask(driver, 'RETURN 2', read)
  await within(early, 10_000, 'the work of the earlier table')
  assert.deepEqual(cluster.served(/RETURN/), [3, 3])
})

for (const how of ['close', 'reset']) {
  test(`a reader whose connection ends (${how}) is forgotten, and a transaction function runs at another`, async t => {
    const cluster = await routing(t, { ...modern, cores: 1, replicas: 2 })
    cluster.table.readers = cluster.members.slice(1)
    const driver = connect(t, cluster.uri)
    const rules = cluster.when('RUN', x => x[how]())
    for (const rule of rules) rule.times(0)
    rules[1].times(1)
    for (let n = 0; n < 2; n++) {
      const answer = await driver.session(read).executeRead(async tx => column(await tx.run('RETURN 1')))
      assert.deepEqual(answer, [1])
    }
    assert.equal(rules[1].hits, 1)
    const before = cluster.members[1].queries().length
    await driver.session(read).executeRead(tx => tx.run('RETURN 1'))
    assert.equal(cluster.members[1].queries().length, before, 'a forgotten member got work')
  })
}

test('a reader that is down is passed over', async t => {
  const cluster = await routing(t, modern)
  const driver = connect(t, cluster.uri)
  await cluster.members[1].stop()
  for (let n = 0; n < 3; n++) {
    const answer = await driver.session(read).executeRead(async tx => column(await tx.run('RETURN 1')))
    assert.deepEqual(answer, [1])
  }
  assert.deepEqual(cluster.served(/RETURN/), [2, 2, 2])
})

for (const how of [{ reset: false }, { reset: true }]) {
  test(`connections that members ended while nobody used them do no harm: ${how.reset ? 'reset' : 'closed'}`, async t => {
    const cluster = await routing(t, { ...modern, ttl: 1 })
    const driver = connect(t, cluster.uri)
    const work = async n => {
      assert.deepEqual(column(await ask(driver, `RETURN ${n}`, read)), [n])
      assert.deepEqual(column(await ask(driver, `RETURN ${n}`, write)), [n])
    }
    await work(1)
    for (const n of [2, 3]) {
      await Promise.all(cluster.members.map(member => member.kick(how)))
      await work(n)
      const known = cluster.routes().length
      await until(async () => (await ask(driver, 'RETURN 0', read)) && cluster.routes().length > known, {
        every: 50
      })
    }
  })
}

test('an auto-commit write whose connection is lost is never sent again, and its error says who was lost', async t => {
  const cluster = await routing(t, modern)
  const driver = connect(t, cluster.uri)
  cluster.members[0].when('RUN', x => x.reset())
  const error = await failing(ask(driver, 'CREATE (n)', write))
  assert.ok([SESSION_EXPIRED, SERVICE_UNAVAILABLE].includes(error.code), error.code)
  assert.ok(error.message.includes(cluster.members[0].address), error.message)
  assert.equal(cluster.received('RUN', /CREATE/).length, 1)
})

test('a commit whose answer is lost is never repeated', async t => {
  const cluster = await routing(t, modern)
  const driver = connect(t, cluster.uri)
  cluster.members[0].when('COMMIT', x => x.reset()).times(1)
  let times = 0
  const error = await failing(
    driver.session(write).executeWrite(tx => {
      times++
      return tx.run('CREATE (n)')
    })
  )
  assert.ok(error.code)
  assert.equal(times, 1)
})

// ---- routers ----

for (const [what, database] of [
  ['the only writer', 'neo4j'],
  ['the only router', 'another']
]) {
  test(`all connections to ${what} are in use: the error says who holds them`, async t => {
    const cluster = await routing(t, { ...modern, cores: 1 })
    const driver = connect(t, cluster.uri, undefined, {
      maxConnectionPoolSize: 1,
      connectionAcquisitionTimeout: 400
    })
    const tx = driver.session(write).beginTransaction()
    await tx.run('CREATE (holder)')
    const error = await failing(ask(driver, 'CREATE (n)', { ...write, database }))
    assert.match(error.message, /timed out in 400 ms .*1 of 1 connections are in use.*"CREATE \(holder\)"/)
    await tx.rollback()
  })
}

test('no router answers: the error says that discovery failed, where, and why', async t => {
  const cluster = await routing(t, modern)
  await cluster.stop()
  const error = await failing(ask(connect(t, cluster.uri), 'RETURN 1', read))
  assert.equal(error.code, SERVICE_UNAVAILABLE)
  assert.match(error.message, /discover|routing/i)
  assert.ok(error.message.includes(cluster.members[0].address), error.message)
})

test('a router that accepts and says nothing is passed over for the next', async t => {
  const cluster = await routing(t, { ...modern, ttl: 1 })
  const [seed, silent, two] = cluster.members
  cluster.table = { ttl: 1, db: 'neo4j', routers: [silent, two], readers: [seed], writers: [seed] }
  const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 500 })
  await ask(driver, 'RETURN 1', read)
  silent.freeze()
  const served = async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length > 1
  await within(until(served, { every: 50, deadline: 9000 }), 10_000, 'the second table')
  assert.equal(cluster.routes().at(-1).server, 2)
})

test('silent routers at the front are overtaken, and asked last from then on', async t => {
  const cluster = await routing(t, { ...modern, cores: 4 })
  const [seed, one, two, good] = cluster.members
  cluster.table = { ttl: 1, db: 'neo4j', routers: [one, two, good], readers: [seed], writers: [seed] }
  const driver = connect(t, cluster.uri, undefined, {
    connectionTimeout: 2000,
    connectionAcquisitionTimeout: 1500,
    maxTransactionRetryTime: 0
  })
  await ask(driver, 'RETURN 1', read)
  const silent = [one, two]
  for (const router of silent) router.freeze()
  const tables = async count =>
    until(async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length >= count, {
      every: 50
    })
  await tables(2)
  const before = silent.map(({ connections }) => connections.total)
  await tables(4)
  assert.deepEqual(
    cluster.routes().map(({ server }) => server),
    [0, 3, 3, 3]
  )
  assert.deepEqual(
    silent.map(({ connections }) => connections.total),
    before
  )
})

test('whoever waits for the same table has its failure, too: no router is asked once for each', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  const open = gate()
  cluster.when('ROUTE', async x => {
    await open
    return x.fail('Neo.DatabaseError.General.UnknownError', 'no table today')
  })
  const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 10_000 })
  const first = settle(ask(driver, 'RETURN 1', read))
  await until(() => cluster.routes().length === 1)
  // It asks for nothing that is known already, and is sent when those before it wait.
  const others = Array.from({ length: 20 }, () => settle(ask(driver, 'RETURN 1', read)))
  const later = settle(driver.getNegotiatedProtocolVersion())
  await later
  open.open()
  for (const { error } of await Promise.all([first, ...others])) assert.match(error.message, /no table today/)
  assert.equal(cluster.routes().length, 1)
})

test('the answer to one user or bookmark is not that to another who waits for the same table', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  const open = gate()
  cluster
    .when('ROUTE', async x => {
      await open
      return x.fail('Neo.ClientError.Transaction.InvalidBookmark', 'what a bookmark')
    })[0]
    .times(1)
  const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 10_000 })
  const bad = settle(ask(driver, 'RETURN 1', { ...read, bookmarks: ['bad'] }))
  await until(() => cluster.routes().length === 1)
  const good = settle(ask(driver, 'RETURN 1', read))
  await driver.getNegotiatedProtocolVersion()
  open.open()
  assert.match((await bad).error?.message ?? '', /what a bookmark/)
  assert.equal((await good).error, undefined)
})

test('a fetch goes on when whoever began it gives up: the next has its table', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  const open = gate()
  cluster.when('ROUTE', async x => {
    await open
    return x.reply()
  })
  const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 10_000 })
  const stop = new AbortController()
  const first = settle(driver.session(read).run('RETURN 1', {}, { signal: stop.signal }))
  await until(() => cluster.routes().length === 1)
  stop.abort()
  assert.ok((await first).error)
  const second = ask(driver, 'RETURN 2', read)
  await driver.getNegotiatedProtocolVersion()
  open.open()
  assert.deepEqual(column(await second), [2])
  assert.equal(cluster.routes().length, 1)
})

test('no router answers: a transaction function tries for maxTransactionRetryTime', async t => {
  const cluster = await routing(t, modern)
  await cluster.stop()
  const driver = connect(t, cluster.uri, undefined, { maxTransactionRetryTime: 500 })
  const start = performance.now()
  const error = await within(
    failing(driver.session(read).executeRead(tx => tx.run('RETURN 1'))),
    8000,
    'executeRead'
  )
  assert.equal(error.code, SERVICE_UNAVAILABLE)
  assert.ok(performance.now() - start >= 400)
})

test('a cluster that comes back is found by the transaction function that waits for it', async t => {
  const cluster = await routing(t, modern)
  await cluster.stop()
  const driver = connect(t, cluster.uri)
  const work = driver.session(read).executeRead(async tx => column(await tx.run('RETURN 1')))
  await Promise.all(cluster.members.map(member => member.listen()))
  assert.deepEqual(await work, [1])
})

for (const code of [
  'Neo.ClientError.Database.DatabaseNotFound',
  'Neo.ClientError.Transaction.InvalidBookmark',
  'Neo.ClientError.Transaction.InvalidBookmarkMixture',
  'Neo.ClientError.Statement.ArgumentError',
  'Neo.ClientError.Request.Invalid',
  'Neo.ClientError.Statement.TypeError',
  'Neo.ClientError.Security.Forbidden',
  'Neo.ClientError.Security.Unauthorized',
  'Neo.ClientError.Security.MadeUp'
]) {
  for (const [form, options] of [
    ['ROUTE', modern],
    ['the procedure of 4.2', { versions: ['4.2'] }]
  ]) {
    test(`${code} from ${form} surfaces at once: no other router is asked, nothing is tried again`, async t => {
      const cluster = await routing(t, options)
      cluster.when('ROUTE', x => x.fail(code, 'the words of the server'))
      const driver = connect(t, cluster.uri)
      for (const work of [
        () => ask(driver, 'RETURN 1', { database: 'nowhere' }),
        () => driver.session({ database: 'nowhere' }).executeRead(tx => tx.run('RETURN 1'))
      ]) {
        const error = await within(failing(work()), 3000, 'the error')
        assert.equal(error.code, code)
        assert.match(error.message, /the words of the server/)
      }
      const asked = cluster.routes().map(({ server }) => server)
      assert.ok(asked.length <= 2, `${asked.length} requests`)
      assert.deepEqual([...new Set(asked)], [0])
    })
  }
}

for (const code of [
  'Neo.TransientError.General.MemoryPoolOutOfMemoryError',
  'Neo.DatabaseError.General.UnknownError',
  'Neo.ClientError.Security.AuthorizationExpired',
  'Neo.ClientError.General.Something'
]) {
  test(`${code} from a router: the next one is asked`, async t => {
    const cluster = await routing(t, { ...modern, ttl: 1 })
    const [seed, one, two] = cluster.members
    cluster.table = { ttl: 1, db: 'neo4j', routers: [one, two], readers: [seed], writers: [seed] }
    const driver = connect(t, cluster.uri)
    await ask(driver, 'RETURN 1', read)
    one.when('ROUTE', x => x.fail(code, 'not now'))
    await until(async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length > 2, {
      every: 50
    })
    assert.deepEqual(
      cluster
        .routes()
        .slice(0, 3)
        .map(({ server }) => server),
      [0, 1, 2]
    )
  })
}

for (const version of ['1.0', '3.0', '4.0', '4.2']) {
  test(`Bolt ${version}: a server that cannot route says so, and is told apart from one that is down`, async t => {
    const server = await boltServer(t, { versions: [version] })
    server.when('ROUTE', x =>
      x.fail('Neo.ClientError.Procedure.ProcedureNotFound', 'There is no procedure with that name')
    )
    const driver = connect(t, server.uri.replace('bolt:', 'neo4j:'))
    const error = await failing(ask(driver))
    assert.equal(error.code, SERVICE_UNAVAILABLE)
    assert.match(error.message, /routing/i)
    assert.ok(error.message.includes(server.address), error.message)
    // It will not learn it: transaction functions do not try again.
    const asked = server.received('ROUTE').length
    const refused = await failing(driver.executeQuery('RETURN 1'))
    assert.equal(refused.retryable, false)
    assert.equal(server.received('ROUTE').length, asked + 1)
  })
}

// ---- tables ----

test('a table without writers serves reads; writes wait in a transaction function until there is one', async t => {
  const cluster = await routing(t, { ...modern, ttl: 300 })
  const writers = cluster.table.writers
  cluster.table.writers = []
  const driver = connect(t, cluster.uri)
  assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
  const error = await failing(ask(driver, 'CREATE (n)', write))
  assert.equal(error.code, SESSION_EXPIRED)
  assert.match(error.message, /writ/i)
  const work = driver.session(write).executeWrite(async tx => column(await tx.run('RETURN 2')))
  const asked = cluster.routes().length
  await until(() => cluster.routes().length > asked)
  cluster.table.writers = writers
  assert.deepEqual(await work, [2])
})

test('without writers the seed is asked too: it may know of another part of the cluster', async t => {
  const cluster = await routing(t, modern)
  const [seed, one, two] = cluster.members
  const driver = connect(t, cluster.uri)
  const part = { ttl: 300, db: 'neo4j', routers: [one, two], readers: [one], writers: [] }
  cluster.table = part
  await failing(ask(driver, 'CREATE (n)', write))
  const { table } = one
  seed.table = request => {
    cluster.table = { ...part, writers: [two] }
    const answer = table(request)
    cluster.table = part
    return answer
  }
  await ask(driver, 'CREATE (n)', write)
  assert.deepEqual(cluster.served(/CREATE/), [2])
})

for (const role of ['routers', 'readers']) {
  test(`a table without ${role} is refused, and the next router asked`, async t => {
    const cluster = await routing(t, { ...modern, ttl: 1 })
    const [seed, one, two] = cluster.members
    cluster.table = { ttl: 1, db: 'neo4j', routers: [one, two], readers: [seed], writers: [seed] }
    const driver = connect(t, cluster.uri)
    await ask(driver, 'RETURN 1', read)
    const { answer } = cluster
    one.table = request => {
      const table = answer.call(cluster, request)
      table.servers.find(entry => entry.role === (role === 'routers' ? 'ROUTE' : 'READ')).addresses = []
      return table
    }
    await until(async () => (await ask(driver, 'RETURN 1', read)) && cluster.routes().length > 2, {
      every: 50
    })
    assert.deepEqual(
      cluster
        .routes()
        .slice(0, 3)
        .map(({ server }) => server),
      [0, 1, 2]
    )
  })

  test(`no router with ${role} is an error that says so`, async t => {
    const cluster = await routing(t, modern)
    cluster.table[role] = []
    const error = await failing(ask(connect(t, cluster.uri), 'RETURN 1', read))
    assert.equal(error.code, SERVICE_UNAVAILABLE)
    assert.match(error.message, /rout|read/i)
  })
}

const entry = (role, addresses) => ({ role, addresses })
const self = server => ['ROUTE', 'READ', 'WRITE'].map(role => entry(role, [server.address]))

for (const [what, table] of [
  ['is empty', () => ({})],
  ['has no servers', () => ({ ttl: 300 })],
  ['has null for servers', () => ({ ttl: 300, servers: null })],
  ['has text for servers', () => ({ ttl: 300, servers: 'all of them' })],
  ['has a map for servers', () => ({ ttl: 300, servers: { ROUTE: [] } })],
  ['has numbers for entries', () => ({ ttl: 300, servers: [1, 2, 3] })],
  ['has lists for entries', () => ({ ttl: 300, servers: [[], []] })],
  [
    'has text for addresses',
    s => ({ ttl: 300, servers: [entry('ROUTE', s.address), entry('READ', s.address)] })
  ],
  ['has numbers for addresses', () => ({ ttl: 300, servers: ['ROUTE', 'READ'].map(r => entry(r, [7687])) })],
  ['has null for an address', () => ({ ttl: 300, servers: ['ROUTE', 'READ'].map(r => entry(r, [null])) })],
  ['has no ttl', s => ({ servers: self(s) })],
  ['has text for a ttl', s => ({ ttl: 'soon', servers: self(s) })],
  ['has a list for a ttl', s => ({ ttl: [], servers: self(s) })],
  [
    'has a port beyond 65535',
    () => ({ ttl: 300, servers: ['ROUTE', 'READ'].map(r => entry(r, ['h:99999'])) })
  ],
  ['has an empty address', () => ({ ttl: 300, servers: ['ROUTE', 'READ'].map(r => entry(r, [''])) })],
  [
    'has an address with a NUL',
    () => ({ ttl: 300, servers: ['ROUTE', 'READ'].map(r => entry(r, ['a\0b:1'])) })
  ]
]) {
  test(`a table that ${what} is an error in good time, and a good one is taken afterwards`, async t => {
    const cluster = await routing(t, { ...modern, cores: 1 })
    const [server] = cluster.members
    let broken = true
    server.table = request => (broken ? table(server) : cluster.answer(request))
    const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 500 })
    const { error } = await within(settle(ask(driver, 'RETURN 1', read)), 5000, 'the error')
    assert.ok(error, 'an error was expected')
    assert.ok(error.code, `${error}`)
    broken = false
    await until(async () => (await settle(ask(driver, 'RETURN 1', read))).error === undefined)
  })
}

for (const [what, ttl] of [
  ['the largest integer', 2n ** 63n - 1n],
  ['more milliseconds than an integer holds', 2n ** 62n],
  ['a thousand years', 31_536_000_000n]
]) {
  test(`a time to live of ${what} overflows nothing: the table is used`, async t => {
    const cluster = await routing(t, { ...modern, cores: 1, ttl })
    const driver = connect(t, cluster.uri)
    for (let n = 0; n < 3; n++) assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
    assert.equal(cluster.routes().length, 1)
  })
}

for (const ttl of [-1, -(2n ** 63n)]) {
  test(`a time to live of ${ttl} neither hangs nor floods the router`, async t => {
    const cluster = await routing(t, { ...modern, cores: 1, ttl })
    const driver = connect(t, cluster.uri)
    await within(settle(ask(driver, 'RETURN 1', read)), 5000, 'the answer')
    assert.ok(cluster.routes().length < 10, `${cluster.routes().length} requests`)
  })
}

test('a table of fifty thousand members is bounded: an error or a part of it, in good time', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  const [server] = cluster.members
  const crowd = Array.from({ length: 50_000 }, (_, n) => `member-${n}.invalid:7687`)
  server.table = () => ({
    ttl: 300,
    db: 'neo4j',
    servers: [
      entry('ROUTE', [server.address, ...crowd]),
      entry('READ', [server.address, ...crowd]),
      entry('WRITE', [server.address])
    ]
  })
  const driver = connect(t, cluster.uri)
  await within(settle(ask(driver, 'RETURN 1', read)), 5000, 'the answer')
  await within(settle(ask(driver, 'CREATE (n)', write)), 5000, 'the answer')
})

test('a member named twice, or in many roles, is one member', async t => {
  const cluster = await routing(t, { ...modern, cores: 1, replicas: 1 })
  const [leader, replica] = cluster.members
  cluster.table.readers = [replica, replica, leader, replica]
  const driver = connect(t, cluster.uri)
  for (let n = 0; n < 8; n++) await ask(driver, 'RETURN 1', read)
  assert.equal(replica.connections.total, 1)
  assert.ok(leader.connections.total <= 1)
})

test('roles that nobody knows are passed over', async t => {
  const cluster = await routing(t, { ...modern, cores: 1 })
  const [server] = cluster.members
  server.table = request => {
    const table = cluster.answer(request)
    table.servers.push(entry('JUGGLE', ['nowhere.invalid:1']))
    return { ...table, more: 'of what comes later' }
  }
  assert.deepEqual(column(await ask(connect(t, cluster.uri), 'RETURN 1', read)), [1])
})

for (const options of [modern, old]) {
  test(`Bolt ${options.versions}: a router that answers slowly is waited for`, async t => {
    const cluster = await routing(t, { ...options, cores: 1 })
    cluster.when('ROUTE', delayed(1200))
    assert.deepEqual(column(await ask(connect(t, cluster.uri), 'RETURN 1')), [1])
    assert.equal(cluster.routes().length, 1)
  })
}

test('a database that is gone between two tables surfaces, and others are not touched', async t => {
  const cluster = await routing(t, { versions: bolt.neo4j526 })
  cluster.tables.gone = failure('Neo.ClientError.Database.DatabaseNotFound', 'Database gone not found')
  const driver = connect(t, cluster.uri)
  const error = await failing(ask(driver, 'RETURN 1', { database: 'gone' }))
  assert.equal(error.code, 'Neo.ClientError.Database.DatabaseNotFound')
  assert.deepEqual(column(await ask(driver, 'RETURN 1', read)), [1])
})

// ---- a leader is lost: the next one is waited for ----

/** A cluster whose first member led, and is gone; the others know of no leader. So many `routers` of them route. */
const leaderless = async (t, { routers = 2, ...config } = {}) => {
  const cluster = await routing(t, { versions: bolt.neo4j526 })
  const [leader, ...others] = cluster.members
  const driver = connect(t, cluster.uri, undefined, config)
  await ask(driver, 'CREATE (:Before)', write)
  await leader.stop()
  Object.assign(cluster.table, { writers: [], routers: others.slice(0, routers), readers: others })
  return { cluster, driver, others }
}

for (const [title, doWrite] of [
  ['an auto-commit write', driver => ask(driver, 'CREATE (:After)', write)],
  ['a transaction function', driver => driver.session(write).executeWrite(tx => tx.run('CREATE (:After)'))]
]) {
  test(`the leader dies: ${title} waits for the next one, for which all routers are asked`, async t => {
    const { cluster, driver, others } = await leaderless(t)
    const [next, other] = others
    const work = doWrite(driver)
    const asked = member => member.routes().length
    const before = [asked(next), asked(other)]
    await until(() => asked(next) > before[0] + 5 && asked(other) > before[1] + 5)
    Object.assign(cluster.table, { writers: [next], readers: [other] })
    await work
    assert.deepEqual(cluster.served(/:After/), [1])
  })
}

test('a member that does not route is no reason to give up where others may', async t => {
  const { cluster, driver, others } = await leaderless(t)
  const [next, replica] = others
  replica.when('ROUTE', x => x.fail('Neo.ClientError.Procedure.ProcedureNotFound', 'no such procedure'))
  await next.stop()
  const work = ask(driver, 'CREATE (:After)', write)
  await until(() => replica.routes().length > 5)
  Object.assign(cluster.table, { writers: [next], readers: [replica] })
  await next.listen()
  await work
  assert.deepEqual(cluster.served(/:After/), [1])
})

for (const [title, doRead] of [
  ['an auto-commit read', driver => ask(driver, 'RETURN 2', read)],
  ['a transaction function', driver => driver.session(read).executeRead(tx => tx.run('RETURN 2'))]
]) {
  test(`all members are away: ${title} waits for the first that is back`, async t => {
    const cluster = await routing(t, modern)
    const driver = connect(t, cluster.uri)
    await ask(driver, 'RETURN 1', read)
    for (const member of cluster.members) await member.stop()
    const refused = failing(driver.verifyConnectivity({ database: 'neo4j' }))
    assert.equal((await within(refused, 5_000, 'what who only asks is told')).code, SERVICE_UNAVAILABLE)
    const work = doRead(driver)
    const [, , back] = cluster.members
    Object.assign(cluster.table, { readers: [back], writers: [] })
    await back.listen()
    await work
    assert.deepEqual(cluster.served(/RETURN 2/), [2])
  })

  test(`where no reader can be reached, ${title} is done by the writer`, async t => {
    const cluster = await routing(t, modern)
    const driver = connect(t, cluster.uri)
    await ask(driver, 'RETURN 1', read)
    for (const reader of cluster.table.readers) await reader.stop()
    await doRead(driver)
    assert.deepEqual(cluster.served(/RETURN 2/), [0])
  })
}

test('while a leader is waited for, a slow router is not connected to anew each time', async t => {
  const { cluster, driver, others } = await leaderless(t)
  const [next, slow] = others
  slow.when('ROUTE', delayed(60))
  const work = settle(ask(driver, 'CREATE (:After)', write))
  await until(() => slow.routes().length > 60)
  assert.ok(slow.connections.total < 30, `${slow.connections.total} connections`)
  cluster.table.writers = [next]
  await work
})

test('a thousand that wait for a leader ask no more routers than one', async t => {
  const { cluster, driver, others } = await leaderless(t, { routers: 1 })
  const [next, other] = others
  let most = 0
  let waiting = 0
  const { table } = next
  next.table = async request => {
    most = Math.max(most, ++waiting)
    await new Promise(resolve => setImmediate(resolve))
    waiting--
    return table(request)
  }
  const work = Array.from({ length: 1_000 }, () => ask(driver, 'CREATE (:After)', write))
  await until(() => next.routes().length > 20)
  Object.assign(cluster.table, { writers: [next], readers: [other] })
  await Promise.all(work)
  assert.equal(most, 1)
  assert.equal(cluster.served(/:After/).length, 1_000)
})

test('a leader that never comes is waited for as long as maxTransactionRetryTime says', async t => {
  const { cluster, driver } = await leaderless(t, { maxTransactionRetryTime: 300 })
  await assert.rejects(ask(driver, 'CREATE (:After)', write), {
    code: 'SessionExpired',
    message: /write server/
  })
  // Reads go on.
  cluster.on(/MATCH/, rows([1]))
  await ask(driver, 'MATCH (n) RETURN n', read)
})

test('readers that hang are stood in for by the writer, too, however long it takes to find out', async t => {
  const cluster = await routing(t, { ...modern, cores: 2 })
  const [, reader] = cluster.members
  const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 1_100 })
  await ask(driver, 'RETURN 1', read)
  await reader.stop()
  reader.when('HELLO', () => new Promise(() => {}))
  await reader.listen()
  await within(ask(driver, 'RETURN 2', read), 10_000, 'the read')
  assert.deepEqual(cluster.served(/RETURN 2/), [0])
})

test('a reader that was lost, takes connections again and does not answer keeps no read from the writer', async t => {
  const cluster = await routing(t, { ...modern, cores: 2 })
  const [, reader] = cluster.members
  const driver = connect(t, cluster.uri, undefined, { connectionTimeout: 20_000 })
  await ask(driver, 'RETURN 1', read)
  await reader.stop()
  await ask(driver, 'RETURN 2', read)
  const silence = reader.when('HELLO', () => new Promise(() => {}))
  await reader.listen()
  const work = Array.from({ length: 20 }, () => ask(driver, 'RETURN 3', read))
  await within(Promise.all(work), 10_000, 'the reads')
  assert.deepEqual([...new Set(cluster.served(/RETURN [23]/))], [0])
  silence.times(0)
  await until(async () => (await ask(driver, 'RETURN 4', read)) && cluster.served(/RETURN 4/).includes(1))
})

test('all members are away: a session that had found its home waits as any other', async t => {
  const cluster = await routing(t, modern)
  const driver = connect(t, cluster.uri)
  const session = driver.session({ defaultAccessMode: READ })
  await session.run('RETURN 1')
  for (const member of cluster.members) await member.stop()
  const work = session.run('RETURN 2')
  for (const member of cluster.members) await member.listen()
  await work
})

test('a hundred that wait for readers try those that are named as one does', async t => {
  const cluster = await routing(t, modern)
  const [router, ...readers] = cluster.members
  Object.assign(cluster.table, { routers: [router], writers: [] })
  const driver = connect(t, cluster.uri)
  await ask(driver, 'RETURN 1', read)
  for (const reader of readers) {
    await reader.stop()
    reader.handshake = 'close'
    await reader.listen()
  }
  const fetched = () => router.routes().length
  const made = () => readers.reduce((sum, { connections: { total } }) => sum + total, 0)
  const before = { fetched: fetched(), made: made() }
  const work = Array.from({ length: 100 }, () => ask(driver, 'RETURN 2', read))
  await until(() => fetched() >= before.fetched + 10)
  // All of them by the table that they began with; then one for all.
  const tables = fetched() - before.fetched
  const most = readers.length * (100 + tables)
  assert.ok(made() - before.made <= most, `${made() - before.made} connections by ${tables} tables`)
  readers[0].handshake = 'bolt'
  await Promise.all(work)
})

for (const [what, code] of [
  ['say that the query is wrong', 'Neo.ClientError.Statement.SyntaxError'],
  ['do not route any more', 'Neo.ClientError.Procedure.ProcedureNotFound']
]) {
  test(`routers that all answer, and ${what}, are not waited for`, async t => {
    const cluster = await routing(t, { ...modern, ttl: 0 })
    const driver = connect(t, cluster.uri)
    await ask(driver, 'RETURN 1', read)
    cluster.when('ROUTE', x => x.fail(code, 'no'))
    const error = await within(failing(ask(driver, 'RETURN 2', read)), 5_000, 'the error')
    assert.equal(error.code, SERVICE_UNAVAILABLE)
  })
}

test('a cluster that never comes back is waited for by reads as long as maxTransactionRetryTime says', async t => {
  const cluster = await routing(t, modern)
  const driver = connect(t, cluster.uri, undefined, { maxTransactionRetryTime: 300 })
  await ask(driver, 'RETURN 1', read)
  for (const member of cluster.members) await member.stop()
  const error = await within(failing(ask(driver, 'RETURN 2', read)), 5_000, 'the error')
  assert.equal(error.code, SERVICE_UNAVAILABLE)
  assert.match(error.message, /No routing servers available/)
})

test('a leader that only routers far away know is found where the one nearby is cut off', async t => {
  const cluster = await routing(t, { versions: bolt.neo4j526 })
  const [near, far, other] = cluster.members
  const driver = connect(t, cluster.uri, undefined, { maxTransactionRetryTime: 15_000 })
  await driver.executeQuery('CREATE (:Before)')
  for (const member of [far, other]) {
    for (const kind of ['HELLO', 'LOGON', 'ROUTE']) member.when(kind, delayed(30))
  }
  const table = writers => () => {
    const routers = cluster.members.map(({ address }) => address)
    return routingTable({ db: 'neo4j', routers, readers: [near.address], writers })
  }
  near.table = table([])
  near.when('RUN', x => x.fail(notALeader, 'it knows of none'))
  for (const member of [far, other]) member.table = table([far.address])
  await driver.executeQuery('CREATE (:After)')
  assert.equal(far.received('COMMIT').length, 1)
})

test('a leader that lost its office is forgotten by whatever case a table writes its name in', async t => {
  const cluster = await routing(t, modern)
  const [before, after] = cluster.members
  const upper = before.address.replace('127.0.0.1', 'LOCALHOST')
  const lower = upper.toLowerCase()
  Object.assign(cluster.table, { routers: [after], readers: [upper], writers: [lower] })
  const driver = connect(t, cluster.uri)
  // Under the one name it is known before it is asked under the other.
  await ask(driver, 'RETURN 1', read)
  before.when('RUN', x => {
    Object.assign(cluster.table, { writers: [after] })
    return x.fail(notALeader, 'no longer the leader')
  })
  await driver.executeQuery('CREATE (n)', {}, { database: 'neo4j' })
  assert.equal(before.received('RUN', /CREATE/).length, 1)
  assert.equal(after.received('COMMIT').length, 1)
})
