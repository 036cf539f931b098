// A real HA cluster of Neo4j 3.5: roles, choice of servers, reads and writes, transactions, bookmarks, large results.
// Who serves is said by the server itself, over the same connection.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { until, within } from '../support/until.mjs'
import { commandSuite } from './suites/command.mjs'
import { loginSuite } from './suites/login.mjs'
import { manualSuite } from './suites/manual.mjs'
import { originalSnippetSuite } from './suites/original-snippet.mjs'
import { reactiveSuite } from './suites/reactive.mjs'
import { noRoutingSuite } from './suites/routing.mjs'
import { runningWorkSuite } from './suites/running-work.mjs'
import { summarySuite } from './suites/summaries.mjs'
import {
  failing,
  farther,
  Neo4jHA,
  NO_LOCKOUT,
  neo4j,
  open,
  pairs,
  query,
  ready,
  rows,
  servers,
  test,
  value,
  WHO
} from './support.mjs'

const { HAReadWrite, HAStrategies, ServerType, Status } = Neo4jHA
const { roundRobin, random, nearest } = HAStrategies

/** Members (1-based, as they say themselves) that serve so many sessions, in their order. */
const served = async (driver, times, ...how) => {
  const seen = []
  for (let n = 0; n < times; n++) {
    const session = driver.session(...how)
    const result = await session.run(WHO)
    const member = value(result)
    // what the driver says of it must be the same
    assert.equal(result.servedBy.location.bolt, driver.servers[member - 1].location.bolt)
    assert.equal(result.summary.servedBy.location.bolt, driver.servers[member - 1].location.bolt)
    await session.close()
    seen.push(member)
  }
  return seen
}

const distinct = list => [...new Set(list)].sort()

describe('a real HA cluster', () => {
  const set = servers('ha@integration', { settings: NO_LOCKOUT })

  /** Members by role, as the servers' own endpoint has it. */
  const roles = async () => {
    const members = await set.cluster.status()
    const of = role => members.filter(member => member.role === role).map(({ member }) => member)
    return { master: of('master'), slaves: of('slave'), all: [1, 2, 3] }
  }
  const start = (t, options) => ready(t, set.cluster, options)

  // ---- what is known of the servers ----

  test('every server has its status, role and distance; masterIndex and getMaster name the master', async t => {
    const driver = open(t, pairs(set.cluster), { auth: set.cluster.auth })
    assert.deepEqual(
      driver.servers.map(({ info }) => info),
      [null, null, null]
    )
    await within(driver.ready, 10_000, 'driver.ready')
    const { master, slaves } = await roles()
    for (const [i, { info }] of driver.servers.entries()) {
      assert.equal(info.status, Status.up)
      assert.equal(info.type, slaves.includes(i + 1) ? ServerType.slave : ServerType.master)
      assert.ok(info.distance > 0 && info.distance < 10_000, `distance ${info.distance}`)
      assert.equal(info.err, undefined)
    }
    assert.deepEqual([driver.masterIndex + 1], master)
    assert.equal(driver.getMaster(), driver.servers[driver.masterIndex])
  })

  test('checkServers asks again, and tells by callback and promise', async t => {
    const driver = await start(t, { checkInterval: 3_600_000 })
    const before = driver.servers.map(({ info }) => info)
    let called = 0
    await within(
      driver.checkServers(() => called++),
      10_000,
      'checkServers()'
    )
    await until(() => called === 1)
    const after = driver.servers.map(({ info }) => info)
    for (const [i, info] of after.entries()) {
      assert.equal(info.type, before[i].type)
      assert.notEqual(info.distance, before[i].distance, 'it was not measured again')
    }
  })

  test('wrong credentials: the check says error, a query says Unauthorized', async t => {
    const driver = await start(t, { auth: { user: 'nobody', pass: 'wrong' } })
    for (const { info } of driver.servers) assert.equal(info.status, Status.error)
    assert.equal(driver.masterIndex, -1)
    const error = await failing(driver.session(true).run('RETURN 1'))
    assert.equal(error.code, 'Neo.ClientError.Security.Unauthorized')
    assert.ok(error instanceof neo4j.Neo4jError)
  })

  // ---- who serves ----

  const custom = { master: { read: false, write: true }, slave: { read: true, write: true } }
  for (const [name, rwConfig, readers, writers] of [
    ['masterOnly', HAReadWrite.masterOnly, 'master', 'master'],
    ['masterWriteOnlySlaveReadOnly', HAReadWrite.masterWriteOnlySlaveReadOnly, 'slaves', 'master'],
    ['masterReadWriteSlaveRead', HAReadWrite.masterReadWriteSlaveRead, 'all', 'master'],
    ['all', HAReadWrite.all, 'all', 'all'],
    ['a config of the own', custom, 'slaves', 'all']
  ]) {
    test(`rwConfig ${name}: ${readers} read, ${writers} write`, async t => {
      const driver = await start(t, { rwConfig, strategy: roundRobin })
      const known = await roles()
      assert.deepEqual(distinct(await served(driver, 6, false)), known[readers])
      assert.deepEqual(distinct(await served(driver, 6, true)), known[writers])
    })
  }

  test('rwConfig given to session() wins', async t => {
    const driver = await start(t, { rwConfig: HAReadWrite.masterOnly })
    const { slaves, master } = await roles()
    assert.deepEqual(
      distinct(await served(driver, 6, false, HAReadWrite.masterWriteOnlySlaveReadOnly, roundRobin)),
      slaves
    )
    assert.deepEqual(distinct(await served(driver, 3, false)), master)
  })

  test('round robin goes through all servers in turn, the first one first', async t => {
    const driver = await start(t, { strategy: roundRobin })
    assert.deepEqual(await served(driver, 7, false), [1, 2, 3, 1, 2, 3, 1])
  })

  test('random reaches all servers', async t => {
    const driver = await start(t, { strategy: random })
    const seen = await served(driver, 60, false)
    assert.deepEqual(distinct(seen), [1, 2, 3])
    assert.notDeepEqual(seen.slice(3), seen.slice(0, -3), 'it takes turns')
  })

  test('nearest reaches the server whose checks answer first', async t => {
    const { auth, members } = set.cluster
    for (const near of [2, 3]) {
      const locations = await Promise.all(
        members.map(async ({ member, http, bolt }) => [
          member === near ? http : await farther(t, http, 150),
          bolt
        ])
      )
      const driver = open(t, locations, { auth, strategy: nearest })
      await within(driver.ready, 10_000, 'driver.ready')
      assert.deepEqual(distinct(await served(driver, 5, false)), [near])
    }
  })

  test('a function as strategy gets the eligible entries of servers, and picks', async t => {
    const asked = []
    const driver = await start(t, {
      strategy(candidates, intent) {
        asked.push({ candidates, intent })
        return candidates.at(-1)
      }
    })
    const { master } = await roles()
    assert.deepEqual(await served(driver, 2, false), [3, 3])
    assert.deepEqual(await served(driver, 1, true), master)
    for (const { candidates } of asked) {
      for (const candidate of candidates) assert.ok(driver.servers.includes(candidate))
    }
    assert.deepEqual(
      distinct(asked.map(({ intent, candidates }) => `${intent.write} ${candidates.length}`)),
      ['false 3', 'true 1']
    )
  })

  test('getDriverBaseOnStrategyAndQueryWriteState gives the entry that a session would get', async t => {
    const driver = await start(t, { strategy: roundRobin })
    const { master } = await roles()
    assert.equal(driver.getDriverBaseOnStrategyAndQueryWriteState(true), driver.servers[master[0] - 1])
    const one = driver.getDriverBaseOnStrategyAndQueryWriteState(false)
    assert.equal(value(await query(one.driver, WHO)), driver.servers.indexOf(one) + 1)
  })

  test('servers[i].driver is a driver of that one server', async t => {
    const driver = await start(t)
    for (const [i, one] of driver.servers.entries()) assert.equal(value(await query(one.driver, WHO)), i + 1)
  })

  test('the server sees our user agent', async t => {
    const driver = await start(t)
    const text = 'CALL dbms.listConnections() YIELD userAgent RETURN DISTINCT userAgent'
    const agents = rows(await query(driver, text)).flat()
    assert.ok(
      agents.some(agent => agent.startsWith('neo4j-ha-bolt-driver/')),
      agents.join(' ')
    )
  })

  // ---- reads and writes ----

  test('what session(true) writes, slaves have soon', async t => {
    const driver = await start(t, {
      rwConfig: HAReadWrite.masterWriteOnlySlaveReadOnly,
      strategy: roundRobin
    })
    const { slaves } = await roles()
    const { summary } = await query(driver, 'CREATE (:Soon {name: {name}})', { name: 'Ada' })
    assert.equal(summary.counters.updates().nodesCreated, 1)
    assert.equal(summary.servedBy.info.type, ServerType.master)
    const text = 'MATCH (n:Soon) RETURN count(n)'
    for (const slave of slaves) {
      const { driver: direct } = driver.servers[slave - 1]
      await until(async () => value(await query(direct, text)) === 1, { deadline: 10_000, every: 50 })
    }
  })

  test('a write that a slave is given is forwarded to the master', async t => {
    const driver = await start(t)
    const { slaves, master } = await roles()
    for (const slave of slaves) {
      await query(driver.servers[slave - 1].driver, 'CREATE (:Forwarded {by: $slave})', {
        slave: neo4j.int(slave)
      })
    }
    const count = value(
      await query(driver.servers[master[0] - 1].driver, 'MATCH (n:Forwarded) RETURN count(n)')
    )
    assert.equal(count, slaves.length)
  })

  test('reads with the bookmark of a write see it, on every slave at once', async t => {
    const driver = await start(t)
    const { slaves } = await roles()
    for (let n = 1; n <= 10; n++) {
      const writer = driver.session(true)
      await writer.run('CREATE (:Marked)')
      const bookmark = writer.lastBookmark()
      assert.equal(typeof bookmark, 'string')
      await writer.close()
      const seen = await Promise.all(
        slaves.map(async slave => {
          const reader = driver.servers[slave - 1].driver.session({
            defaultAccessMode: 'READ',
            bookmarks: [bookmark]
          })
          try {
            return value(await reader.run('MATCH (n:Marked) RETURN count(n)'))
          } finally {
            await reader.close()
          }
        })
      )
      assert.deepEqual(
        seen,
        slaves.map(() => n)
      )
    }
  })

  test('a session reads its own writes, in auto-commit and in transactions', async t => {
    const driver = await start(t, { rwConfig: HAReadWrite.all, strategy: roundRobin })
    const session = driver.session(true)
    for (let n = 1; n <= 5; n++) {
      await session.run('CREATE (:Own)')
      assert.equal(value(await session.run('MATCH (n:Own) RETURN count(n)')), 2 * n - 1)
      const tx = session.beginTransaction()
      await tx.run('CREATE (:Own)')
      await tx.commit()
      assert.equal(value(await session.run('MATCH (n:Own) RETURN count(n)')), 2 * n)
    }
    await session.close()
  })

  test('{a} parameters of 3.x, and $a', async t => {
    const driver = await start(t)
    const result = await query(driver, 'RETURN {a} AS a, $a + {b} AS sum', {
      a: neo4j.int(1),
      b: neo4j.int(2)
    })
    assert.deepEqual(rows(result), [[1, 3]])
  })

  test('several runs on one session without awaiting (Promise.all)', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const results = await Promise.all([
      ...Array.from({ length: 20 }, (_, n) =>
        session.run('CREATE (n:Together {n: $n}) RETURN n.n', { n: neo4j.int(n) })
      ),
      session.run('MATCH (n:Together) RETURN count(n)')
    ])
    assert.deepEqual(results.map(value), [...Array.from({ length: 20 }, (_, n) => n), 20])
    await session.close()
  })

  test('subscribe streams records, and tells the summary', async t => {
    const driver = await start(t)
    const session = driver.session(false)
    const seen = []
    const summary = await new Promise((resolve, reject) => {
      session.run('UNWIND range(1, 5000) AS n RETURN n').subscribe({
        onNext: record => seen.push(record.get('n').toNumber()),
        onCompleted: resolve,
        onError: reject
      })
    })
    assert.deepEqual(
      seen,
      Array.from({ length: 5000 }, (_, n) => n + 1)
    )
    assert.equal(summary.queryType, 'r')
    assert.ok(driver.servers.some(({ location }) => location.bolt === summary.servedBy.location.bolt))
    await session.close()
  })

  test('errors of the server have their code and message, and are not tried again', async t => {
    const driver = await start(t)
    for (const [text, code] of [
      ['RETURN', 'Neo.ClientError.Statement.SyntaxError'],
      ['RETURN 1 / 0', 'Neo.ClientError.Statement.ArithmeticError'],
      ['RETURN $missing', 'Neo.ClientError.Statement.ParameterMissing'],
      ["RETURN date('nonsense')", 'Neo.ClientError.Statement.SyntaxError']
    ]) {
      const begun = performance.now()
      const error = await failing(query(driver, text))
      assert.equal(error.code, code, error.message)
      assert.ok(error.message.length > 0)
      assert.equal(error.retryable, false)
      assert.ok(performance.now() - begun < 5_000, 'it was tried again')
    }
    assert.equal(value(await query(driver, 'RETURN 1')), 1)
  })

  test('a constraint holds, and its error surfaces', async t => {
    const driver = await start(t)
    await query(driver, 'CREATE CONSTRAINT ON (n:Unique) ASSERT n.id IS UNIQUE')
    await query(driver, 'CREATE (:Unique {id: 1})')
    const error = await failing(query(driver, 'CREATE (:Unique {id: 1})'))
    assert.equal(error.code, 'Neo.ClientError.Schema.ConstraintValidationFailed')
    assert.equal(value(await query(driver, 'MATCH (n:Unique) RETURN count(n)')), 1)
  })

  // ---- transactions ----

  const count = (driver, label) => query(driver, `MATCH (n:${label}) RETURN count(n)`).then(value)

  test('a transaction is seen when it is committed, and not before', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const tx = session.beginTransaction()
    await tx.run('CREATE (:Committed)')
    await tx.run('CREATE (:Committed)')
    assert.equal(value(await tx.run('MATCH (n:Committed) RETURN count(n)')), 2)
    assert.equal(await count(driver, 'Committed'), 0)
    await tx.commit()
    assert.equal(await count(driver, 'Committed'), 2)
    await session.close()
  })

  test('of a transaction that is rolled back nothing stays', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const tx = session.beginTransaction()
    await tx.run('CREATE (:RolledBack)')
    await tx.rollback()
    assert.equal(await count(driver, 'RolledBack'), 0)
    await session.close()
  })

  test('a transaction in which a query failed cannot be committed; the session goes on', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const tx = session.beginTransaction()
    await tx.run('CREATE (:Failed)')
    assert.match((await failing(tx.run('NONSENSE'))).code, /SyntaxError/)
    await failing(tx.commit())
    await tx.rollback()
    assert.equal(await count(driver, 'Failed'), 0)
    assert.equal(value(await session.run('RETURN 1')), 1)
    await session.close()
  })

  test('closing a session rolls its open transaction back', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    await session.beginTransaction().run('CREATE (:Abandoned)')
    await session.close()
    assert.equal(await count(driver, 'Abandoned'), 0)
  })

  test('queries and commit of a transaction need not be awaited one by one', async t => {
    const driver = await start(t)
    const session = driver.session(true)
    const tx = session.beginTransaction()
    const results = [1, 2, 3].map(n => tx.run('CREATE (n:Pipelined {n: $n}) RETURN n.n', { n: neo4j.int(n) }))
    await tx.commit()
    assert.deepEqual((await Promise.all(results)).map(value), [1, 2, 3])
    assert.equal(await count(driver, 'Pipelined'), 3)
    await session.close()
  })

  test('two writers of one node: the later waits for the earlier', async t => {
    const driver = await start(t)
    await query(driver, 'CREATE (:Counter {n: 0})')
    await Promise.all(Array.from({ length: 20 }, () => query(driver, 'MATCH (c:Counter) SET c.n = c.n + 1')))
    assert.equal(value(await query(driver, 'MATCH (c:Counter) RETURN c.n')), 20)
  })

  test('executeWrite and executeRead run their work on the right members', async t => {
    const driver = await start(t, { rwConfig: HAReadWrite.masterWriteOnlySlaveReadOnly })
    const { master, slaves } = await roles()
    const session = driver.session(true)
    const writer = await session.executeWrite(async tx => {
      await tx.run('CREATE (:Managed)')
      return value(await tx.run(WHO))
    })
    const [reader, seen] = await session.executeRead(async tx => [
      value(await tx.run(WHO)),
      value(await tx.run('MATCH (n:Managed) RETURN count(n)'))
    ])
    await session.close()
    assert.deepEqual([writer], master)
    assert.ok(slaves.includes(reader), `member ${reader} read`)
    assert.equal(seen, 1, 'the bookmark was not taken along')
  })

  test('a query is given up at its timeout', async t => {
    const driver = await start(t)
    await query(driver, 'CREATE (:Locked)')
    const [holder, waiter] = [driver.session(true), driver.session(true)]
    const tx = holder.beginTransaction()
    await tx.run('MATCH (n:Locked) SET n.by = 1')
    const begun = performance.now()
    const error = await failing(waiter.run('MATCH (n:Locked) SET n.by = 2', {}, { timeout: 500 }))
    assert.equal(error.code, 'Neo.ClientError.Transaction.LockClientStopped')
    assert.ok(performance.now() - begun < 10_000, 'it was tried again')
    await tx.commit()
    assert.equal(value(await waiter.run('MATCH (n:Locked) RETURN n.by')), 1)
    await Promise.all([holder.close(), waiter.close()])
  })

  // ---- much at once ----

  const ROWS = 100_000
  const LARGE = `UNWIND range(1, ${ROWS}) AS n RETURN n, 'row ' + n AS text, n / 4.0 AS part, n % 3 = 0 AS third`

  const check = (record, n) => {
    if (
      record.get('n').toNumber() !== n ||
      record.get('text') !== `row ${n}` ||
      record.get('part') !== n / 4 ||
      record.get('third') !== (n % 3 === 0)
    ) {
      assert.fail(`row ${n} is ${JSON.stringify(record.toObject())}`)
    }
  }

  test('a result of 100,000 rows is whole, in order, and right', async t => {
    const driver = await start(t)
    const { records } = await query(driver, LARGE)
    assert.equal(records.length, ROWS)
    for (const [i, record] of records.entries()) check(record, i + 1)
  })

  test('the same, streamed to subscribe, and iterated', async t => {
    const driver = await start(t)
    const session = driver.session(false)
    let n = 0
    await new Promise((resolve, reject) => {
      session
        .run(LARGE)
        .subscribe({ onNext: record => check(record, ++n), onCompleted: resolve, onError: reject })
    })
    assert.equal(n, ROWS)
    n = 0
    for await (const record of session.run(LARGE)) check(record, ++n)
    assert.equal(n, ROWS)
    await session.close()
  })

  test('a large result that is left half-way frees its connection', async t => {
    const driver = await start(t, {
      neo4jDriverOptions: { maxConnectionPoolSize: 1, connectionAcquisitionTimeout: 20_000 }
    })
    const session = driver.session(true)
    let n = 0
    for await (const record of session.run(LARGE)) {
      check(record, ++n)
      if (n === 5) break
    }
    await within(session.close(), 20_000, 'session.close()')
    assert.equal(value(await query(driver, 'RETURN 1')), 1)
  })

  test('10,000 rows as one parameter are written, each once', async t => {
    const driver = await start(t)
    const list = Array.from({ length: 10_000 }, (_, n) => ({ id: neo4j.int(n), name: `n${n}`, x: n / 2 }))
    const text = 'UNWIND $list AS row CREATE (n:Bulk) SET n = row'
    const { summary } = await query(driver, text, { list })
    assert.equal(summary.counters.updates().nodesCreated, 10_000)
    const found = await query(driver, 'MATCH (n:Bulk) RETURN count(DISTINCT n.id), sum(n.id), sum(n.x)')
    assert.deepEqual(rows(found), [[10_000, 49_995_000, 24_997_500]])
  })

  test('200 sessions at once over a pool of 10 connections are all served', async t => {
    const driver = await start(t, { neo4jDriverOptions: { maxConnectionPoolSize: 10 }, strategy: roundRobin })
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, n) => query(driver, 'RETURN $n', { n: neo4j.int(n) }).then(value))
    )
    assert.deepEqual(
      all,
      Array.from({ length: 200 }, (_, n) => n)
    )
  })

  test('closed, the driver leaves no connection behind', async t => {
    const name = 'leaves-nothing/1'
    const driver = await start(t, { strategy: roundRobin, neo4jDriverOptions: { userAgent: name } })
    await served(driver, 3, false)
    const watcher = await start(t)
    const text = `CALL dbms.listConnections() YIELD connector, userAgent WHERE userAgent = $name
      RETURN count(CASE connector WHEN 'bolt' THEN 1 END), count(*)`
    const connections = async () => {
      const counts = await Promise.all(
        watcher.servers.map(one => query(one.driver, text, { name }).then(rows))
      )
      const sum = column => counts.reduce((total, [row]) => total + row[column], 0)
      return { bolt: sum(0), all: sum(1) }
    }
    assert.equal((await connections()).bolt, 3)
    await driver.close()
    await until(async () => (await connections()).bolt === 0, {
      deadline: 10_000,
      every: 50,
      what: 'no Bolt connection'
    })
    // those of the checks too
    await until(async () => (await connections()).all === 0, {
      deadline: 10_000,
      every: 50,
      what: 'no connection'
    })
  })

  noRoutingSuite(set)
  originalSnippetSuite(set)
  loginSuite(set, { bolt: [3, 0] })
  runningWorkSuite(set, { bolt: [3, 0] })
  summarySuite(set, { bolt: [3, 0] })
  manualSuite(set)
  reactiveSuite(set)
  commandSuite(set, { checksOverHttp: true, bolt: [3, 0] })
})
