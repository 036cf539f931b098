// drop-in: "Errors and retries".
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import {
  cluster,
  column,
  failing,
  Neo4jHA,
  program,
  ready,
  settle,
  test,
  warnings
} from '../support/contract.mjs'
import { afterRecords, bolt, failure, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const { HAStrategies, Status } = Neo4jHA
const { isRetryableError } = Neo4jHA.driver
const never = 3_600_000
const transient = 'Neo.TransientError.Transaction.DeadlockDetected'

/** An answer that fails `n` times with that code, each time with a message of its own, then works. */
const failsFirst = (n, code) => {
  let times = 0
  return () => (times++ < n ? failure(code, `attempt ${times} failed`) : { fields: ['n'], records: [[1]] })
}
const failsAlways = code => failsFirst(Number.POSITIVE_INFINITY, code)

const total = (group, kind, query) =>
  group.members.reduce((sum, one) => sum + one.bolt.received(kind, query).length, 0)

for (const code of [
  'Neo.ClientError.Statement.SyntaxError',
  'Neo.ClientError.Schema.ConstraintValidationFailed',
  'Neo.ClientError.Statement.TypeError',
  'Neo.ClientError.Statement.ParameterMissing',
  'Neo.ClientError.Statement.ArithmeticError',
  'Neo.ClientError.Security.Forbidden',
  'Neo.ClientError.Statement.EntityNotFound',
  'Neo.DatabaseError.Statement.ExecutionFailed',
  'Neo.TransientError.Transaction.Terminated',
  'Neo.TransientError.Transaction.LockClientStopped'
]) {
  for (const write of [true, false]) {
    test(`${code} surfaces at once, and is sent once: ${write ? 'write' : 'read'}`, async t => {
      const group = await cluster(t)
      group.on('Q', failsAlways(code))
      const driver = await ready(t, group.servers)
      const start = performance.now()
      const error = await failing(driver.session(write).run('Q'))
      assert.ok(performance.now() - start < 900, 'it took its time')
      assert.equal(error.code, code.replace('TransientError.Transaction', 'ClientError.Transaction'))
      assert.equal(error.message, 'attempt 1 failed')
      assert.equal(total(group, 'RUN'), 1)
      assert.ok(error instanceof Neo4jHA.driver.Neo4jError)
      assert.equal(error.name, 'Neo4jError')
    })
  }
}

test('wrong credentials surface at once', async t => {
  const group = await cluster(t, { auth: { user: 'neo4j', pass: 'right' } })
  for (const one of group.members) one.auth = null
  const driver = await ready(t, group.servers, { auth: { user: 'neo4j', pass: 'wrong' } })
  const error = await failing(driver.session(true).run('RETURN 1'))
  assert.equal(error.code, 'Neo.ClientError.Security.Unauthorized')
  assert.equal(total(group, 'HELLO'), 1)
})

test('a parameter that cannot be sent surfaces at once, names its path, and reaches no server', async t => {
  const group = await cluster(t)
  const driver = await ready(t, group.servers)
  const error = await failing(driver.session(true).run('RETURN $x', { x: { y: [Symbol('no')] } }))
  assert.match(error.message, /x\.y\[0\]/)
  assert.equal(total(group, 'RUN'), 0)
})

for (const [what, code] of [
  ['a transient error', transient],
  ['a transient error of HA', 'Neo.TransientError.Transaction.InstanceStateChanged'],
  ['a database that is unavailable', 'Neo.TransientError.General.DatabaseUnavailable'],
  ['a server that is no leader', 'Neo.ClientError.Cluster.NotALeader'],
  ['a read-only server', 'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase']
]) {
  test(`${what}: the server is marked unknown, another is chosen, and the query is sent again`, async t => {
    const group = await cluster(t, { roles: ['slave', 'slave', 'slave'] })
    group.members[0].bolt.on('Q', failsAlways(code))
    for (const one of group.members.slice(1)) one.bolt.on('Q', { fields: ['n'], records: [[1]] })
    const driver = await ready(t, group.servers, {
      checkInterval: never,
      strategy: candidates => candidates[0]
    })
    const result = await driver.session(false).run('Q')
    assert.deepEqual(column(result), [1])
    assert.notEqual(result.servedBy.location.bolt, group.servers[0][1])
    assert.equal(group.members[0].bolt.queries().length, 1)
  })
}

test('an election: "no master" is waited out, and the write lands once on the new master', async t => {
  warnings(t)
  const group = await cluster(t)
  const [old, next] = group.members
  old.bolt.on(
    /^CREATE/,
    failure('Neo.DatabaseError.General.UnknownError', 'There is no master currently available')
  )
  const driver = await ready(t, group.servers)
  const writing = driver.session(true).run('CREATE (n)')
  await until(() => old.bolt.queries().length >= 1)
  for (const one of group.members) await one.become('unknown')
  await old.become('slave')
  await next.become('master')
  await writing
  assert.equal(next.bolt.queries(/^CREATE/).length, 1)
})

test('the server that failed is of status unknown until it is checked', async t => {
  const group = await cluster(t, { roles: ['slave', 'slave'] })
  const driver = await ready(t, group.servers, {
    checkInterval: never,
    strategy: candidates => candidates[0]
  })
  await group.members[0].become('hang')
  group.members[0].bolt.when('RUN', x => x.reset())
  await driver.session(false).run('RETURN 1')
  assert.equal(driver.servers[0].info.status, Status.unknown)
  assert.equal(driver.servers[1].info.status, Status.up)
})

test('a refused connection: the query goes to another server', async t => {
  const group = await cluster(t)
  const driver = await ready(t, group.servers, { checkInterval: never, strategy: HAStrategies.roundRobin })
  await group.members[1].kill()
  for (let n = 0; n < 6; n++) assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
})

for (const [what, action] of [
  ['closed', x => x.close()],
  ['reset', x => x.reset()]
]) {
  test(`a read lost on the way (connection ${what}) is sent again`, async t => {
    const group = await cluster(t)
    const rules = group.when('RUN', action).map(rule => rule.times(1))
    const driver = await ready(t, group.servers)
    assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
    assert.ok(rules.some(rule => rule.hits === 1))
  })

  test(`a read lost among its records (connection ${what}), none delivered, is sent again, and comes once`, async t => {
    const group = await cluster(t)
    const rules = group.when('PULL', afterRecords(3, action)).map(rule => rule.times(1))
    const driver = await ready(t, group.servers)
    const result = await driver.session(false).run('UNWIND range(1, 8) AS n RETURN n')
    assert.deepEqual(column(result), [1, 2, 3, 4, 5, 6, 7, 8])
    assert.ok(rules.some(rule => rule.hits === 1))
  })
}

test('a read over a pooled connection that died idle is sent again', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const driver = await ready(t, group.servers)
  await driver.session(false).run('RETURN 1')
  for (const reset of [false, true]) {
    await group.members[0].bolt.kick({ reset })
    assert.deepEqual(column(await driver.session(false).run('RETURN 2')), [2])
  }
})

test('a server that ends the connection in place of a handshake is left for another', async t => {
  const group = await cluster(t, { roles: ['slave', 'slave'] })
  group.members[0].bolt.handshake = 'close'
  const driver = await ready(t, group.servers, { strategy: candidates => candidates[0] })
  assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
})

for (const [handshake, complaint] of [
  ['none', /speaks none of the Bolt versions/],
  ['garbage', /is this a Neo4j server\?/],
  ['http', /is the port of its web interface/]
]) {
  test(`a server that is configured and says nothing Bolt is named at once: ${handshake}`, async t => {
    const group = await cluster(t, { roles: ['slave', 'slave'] })
    group.members[0].bolt.handshake = handshake
    const driver = await ready(t, group.servers, { strategy: candidates => candidates[0] })
    const error = await failing(driver.session(false).run('RETURN 1'))
    assert.match(error.message, complaint)
    assert.ok(error.message.includes(`127.0.0.1:${group.members[0].bolt.port}`), error.message)
  })
}

test('a server that accepts and never answers the handshake is given up after connectionTimeout', async t => {
  const group = await cluster(t, { roles: ['slave', 'slave'] })
  group.members[0].bolt.handshake = 'silent'
  const driver = await ready(t, group.servers, {
    strategy: candidates => candidates[0],
    neo4jDriverOptions: { connectionTimeout: 300 }
  })
  assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
})

test('wrong bytes from the server are an error, and that connection is never used again', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const [{ bolt: server }] = group.members
  server.when('RUN', x => x.write(Buffer.from('0004b17100010000', 'hex'))).times(1)
  const driver = await ready(t, group.servers)
  const { error } = await settle(driver.session(true).run('RETURN 1'))
  assert.ok(error)
  const broken = server.received('RUN')[0].connection
  await driver.session(true).run('RETURN 2')
  assert.notEqual(server.received('RUN', /RETURN 2/)[0].connection, broken)
})

test('transient errors count against retryOnError', async t => {
  for (const retryOnError of [0, 1, 2]) {
    const group = await cluster(t)
    group.on('Q', failsAlways(transient))
    const driver = await ready(t, group.servers, {
      retryOnError,
      neo4jDriverOptions: { maxTransactionRetryTime: 20_000 }
    })
    const error = await failing(driver.session(false).run('Q'))
    assert.equal(error.code, transient)
    assert.equal(total(group, 'RUN'), retryOnError + 1)
  }
})

test(
  'retryOnError is 10 by default: the eleventh failure surfaces',
  async t => {
    const group = await cluster(t)
    group.on('Q', failsAlways(transient))
    const driver = await ready(t, group.servers, { neo4jDriverOptions: { maxTransactionRetryTime: 60_000 } })
    assert.equal((await failing(driver.session(false).run('Q'))).code, transient)
    assert.equal(total(group, 'RUN'), 11)
  },
  { timeout: 60_000 }
)

test('a query that works within retryOnError is answered', async t => {
  const group = await cluster(t, { roles: ['master'] })
  group.on('Q', failsFirst(2, transient))
  const driver = await ready(t, group.servers, { retryOnError: 2 })
  assert.deepEqual(column(await driver.session(true).run('Q')), [1])
})

test('connection errors do not count against retryOnError by default', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const rule = group.members[0].bolt.when('RUN', x => x.reset()).times(2)
  const driver = await ready(t, group.servers, { retryOnError: 0 })
  assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
  assert.equal(rule.hits, 2)
})

test('with badConnectionsCountAsErrors they do', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const rule = group.members[0].bolt.when('RUN', x => x.reset())
  const driver = await ready(t, group.servers, { retryOnError: 1, badConnectionsCountAsErrors: true })
  await failing(driver.session(false).run('RETURN 1'))
  assert.equal(rule.hits, 2)
})

test('there is an end: maxTransactionRetryTime, for transient errors', async t => {
  const group = await cluster(t)
  group.on('Q', failsAlways(transient))
  const driver = await ready(t, group.servers, {
    retryOnError: 1_000_000,
    neo4jDriverOptions: { maxTransactionRetryTime: 2500 }
  })
  const start = performance.now()
  const error = await failing(within(driver.session(false).run('Q'), 8000, 'the end of the retries'))
  assert.equal(error.code, transient)
  assert.ok(performance.now() - start > 700, 'it gave up early')
})

test('there is an end: maxTransactionRetryTime, for connections refused', async t => {
  warnings(t)
  const group = await cluster(t)
  const driver = await ready(t, group.servers, { neo4jDriverOptions: { maxTransactionRetryTime: 800 } })
  for (const one of group.members) await one.kill()
  for (const write of [true, false]) {
    const error = await failing(within(driver.session(write).run('RETURN 1'), 8000, 'the end of the retries'))
    assert.match(error.code, /ServiceUnavailable|SessionExpired/)
    assert.match(error.message, /127\.0\.0\.1:\d+/)
  }
})

test('at the end the last error surfaces, with the earlier ones as its cause', async t => {
  const group = await cluster(t, { roles: ['master'] })
  group.on('Q', failsAlways(transient))
  const driver = await ready(t, group.servers, { retryOnError: 2 })
  const error = await failing(driver.session(true).run('Q'))
  assert.equal(error.message, 'attempt 3 failed')
  assert.ok(error.cause instanceof Error, 'no cause')
  const told = inspect(error.cause, { depth: 10 })
  assert.match(told, /attempt 1 failed/)
  assert.match(told, /attempt 2 failed/)
})

test('an error at the first attempt has no made-up cause', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const error = await failing(driver.session(true).run('NONSENSE'))
  assert.ok(error.cause === undefined || error.cause === null)
})

test('between attempts it backs off: no busy loop', async t => {
  const group = await cluster(t)
  group.on('Q', failsAlways(transient))
  for (const one of group.members) one.bolt.when('RUN', x => x.reset()).query(/lost/)
  const driver = await ready(t, group.servers, {
    retryOnError: 1_000_000,
    neo4jDriverOptions: { maxTransactionRetryTime: 1500 }
  })
  await Promise.all([
    failing(driver.session(false).run('Q')),
    failing(driver.session(false).run('RETURN lost'))
  ])
  for (const query of [/^Q$/, /lost/]) {
    const attempts = total(group, 'RUN', query)
    assert.ok(attempts >= 2 && attempts <= 30, `${attempts} attempts in 1.5 s`)
  }
})

test(
  'backoff grows: the later gaps are longer than the first',
  async t => {
    const group = await cluster(t, { roles: ['master'] })
    group.on('Q', failsFirst(4, transient))
    const driver = await ready(t, group.servers, { neo4jDriverOptions: { maxTransactionRetryTime: 20_000 } })
    await driver.session(true).run('Q')
    const at = group.members[0].bolt.received('RUN').map(message => message.at)
    assert.equal(at.length, 5)
    assert.ok(
      at[4] - at[3] > 1.5 * (at[1] - at[0]),
      `gaps ${at.slice(1).map((x, n) => Math.round(x - at[n]))}`
    )
  },
  { timeout: 40_000 }
)

for (const [what, listen] of [
  [
    'onNext',
    (result, seen) =>
      new Promise((resolve, reject) => {
        result.subscribe({ onNext: r => seen.push(Number(r.get(0))), onCompleted: resolve, onError: reject })
      })
  ],
  [
    'an iterator',
    async (result, seen) => {
      for await (const record of result) seen.push(Number(record.get(0)))
    }
  ]
]) {
  test(`nothing is delivered twice: once a record has reached ${what}, the error surfaces`, async t => {
    const group = await cluster(t)
    const seen = []
    group.when(
      'PULL',
      afterRecords(3, async x => {
        await until(() => seen.length > 0)
        x.reset()
      })
    )
    const driver = await ready(t, group.servers)
    const running = driver.session(false).run('UNWIND range(1, 8) AS n RETURN n')
    const error = await failing(listen(running, seen))
    assert.match(error.code, /ServiceUnavailable|SessionExpired/)
    assert.deepEqual(seen, [1, 2, 3])
    assert.equal(total(group, 'RUN'), 1)
  })

  test(`nothing is delivered twice: a transient failure after records that reached ${what} surfaces`, async t => {
    const group = await cluster(t)
    const seen = []
    group.when(
      'PULL',
      afterRecords(2, async x => {
        await until(() => seen.length > 0)
        await x.fail(transient, 'late')
      })
    )
    const driver = await ready(t, group.servers)
    const running = driver.session(false).run('UNWIND range(1, 8) AS n RETURN n')
    const error = await failing(listen(running, seen))
    assert.equal(error.code, transient)
    assert.deepEqual(seen, [1, 2])
    assert.equal(total(group, 'RUN'), 1)
  })
}

const unknownOutcome = error => {
  assert.match(error.code, /ServiceUnavailable|SessionExpired/)
  assert.equal(error.unknownOutcome, true)
  assert.equal(error.retryable, false)
  assert.equal(isRetryableError(error), false)
  assert.match(error.message, /127\.0\.0\.1:\d+/)
}

for (const [moment, kind] of [
  ['after RUN was sent', 'RUN'],
  ['after RUN was answered', 'PULL']
]) {
  for (const versions of [['2.0'], ['3.0'], ['5.8']]) {
    test(`no write is done twice: connection lost ${moment}, Bolt ${versions[0]}`, async t => {
      const group = await cluster(t, { versions })
      group.when(kind, x => x.reset())
      const driver = await ready(t, group.servers)
      unknownOutcome(await failing(driver.session(true).run('CREATE (n)')))
      assert.equal(total(group, 'RUN'), 1)
    })
  }
}

test('no write is done twice: a server that hangs and then is cut', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const [{ bolt: server }] = group.members
  server.when('RUN', silence)
  const driver = await ready(t, group.servers)
  const writing = failing(driver.session(true).run('CREATE (n)'))
  await until(() => server.received('RUN').length === 1)
  await server.kick({ reset: true })
  unknownOutcome(await writing)
  assert.equal(server.received('RUN').length, 1)
})

test('no write is done twice, though it was called a read: HA members do not refuse it', async t => {
  for (const versions of [bolt.neo4j34, bolt.neo4j35]) {
    const group = await cluster(t, { versions })
    group.when('RUN', x => x.reset()).map(rule => rule.query(/^CREATE/))
    const driver = await ready(t, group.servers)
    unknownOutcome(await failing(driver.session(false).run('CREATE (n)')))
    assert.deepEqual(group.queries(), ['CREATE (n)'])
  }
})

test('a server of 4.x and later refuses writes in a read: a lost one is sent again without more ado', async t => {
  const group = await cluster(t, { versions: ['4.4'] })
  const rules = group.when('RUN', x => x.reset()).map(rule => rule.times(1))
  const driver = await ready(t, group.servers)
  assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
  assert.ok(rules.some(rule => rule.hits === 1))
  assert.equal(total(group, 'RUN', /EXPLAIN/), 0)
})

test('a write refused before it was sent is no unknown outcome: it is retried', async t => {
  const group = await cluster(t)
  const rule = group.members[0].bolt.when('HELLO', x => x.reset()).times(1)
  const driver = await ready(t, group.servers)
  await driver.session(true).run('CREATE (n)')
  assert.equal(rule.hits, 1)
  assert.equal(total(group, 'RUN'), 1)
})

test('a write that failed transiently was not done: it is retried', async t => {
  const group = await cluster(t, { roles: ['master'] })
  group.on(/^CREATE/, failsFirst(1, transient))
  const driver = await ready(t, group.servers)
  await driver.session(true).run('CREATE (n)')
  assert.equal(total(group, 'RUN'), 2)
})

for (const versions of [['2.0'], ['3.0'], ['5.8']]) {
  test(`the same for a commit: lost before its answer, the outcome is unknown, Bolt ${versions[0]}`, async t => {
    const group = await cluster(t, { versions })
    group.when('COMMIT', x => x.reset())
    const driver = await ready(t, group.servers)
    const tx = driver.session(true).beginTransaction()
    await tx.run('CREATE (n)')
    unknownOutcome(await failing(tx.commit()))
    assert.equal(total(group, 'COMMIT'), 1)
    assert.equal(total(group, 'RUN', /CREATE/), 1)
  })
}

test('a transaction is not retried by itself: its error surfaces', async t => {
  const group = await cluster(t)
  group.on('Q', failsAlways(transient))
  const driver = await ready(t, group.servers)
  const tx = driver.session(true).beginTransaction()
  const error = await failing(tx.run('Q'))
  assert.equal(error.code, transient)
  assert.equal(error.unknownOutcome ?? false, false)
  assert.equal(isRetryableError(error), true)
  await settle(tx.rollback())
  assert.equal(total(group, 'RUN', /^Q$/), 1)
})

test('retryUnknownOutcome: true sends the write again, as 1.2.3 did', async t => {
  const group = await cluster(t)
  const rule = group.members[0].bolt.when('RUN', x => x.reset()).times(1)
  const driver = await ready(t, group.servers, { retryUnknownOutcome: true })
  await driver.session(true).run('CREATE (n)')
  assert.equal(rule.hits, 1)
  assert.equal(total(group, 'RUN', /CREATE/), 2)
})

test('retryUnknownOutcome: a read needs no such thing, and rwConfig changes nothing of it', async t => {
  const group = await cluster(t)
  const rules = group.when('RUN', x => x.reset()).map(rule => rule.times(1))
  const driver = await ready(t, group.servers, { rwConfig: Neo4jHA.HAReadWrite.masterOnly })
  assert.deepEqual(column(await driver.session(false).run('RETURN 1')), [1])
  assert.equal(rules[0].hits, 1)
})

test('other errors are not of unknown outcome', async t => {
  const { servers } = await cluster(t)
  const driver = await ready(t, servers)
  const error = await failing(driver.session(true).run('NONSENSE'))
  assert.equal(error.unknownOutcome ?? false, false)
  assert.equal(isRetryableError(error), false)
})

test('connection errors say which server', async t => {
  const group = await cluster(t, { roles: ['master'] })
  const { port } = group.members[0].bolt
  const driver = await ready(t, group.servers, { neo4jDriverOptions: { maxTransactionRetryTime: 0 } })
  await group.members[0].bolt.stop()
  assert.match(
    (await failing(driver.session(false).run('RETURN 1'))).message,
    new RegExp(`127.0.0.1:${port}`)
  )
  await group.members[0].bolt.listen()
})

const unhandled = `
  import Neo4jHA from 'neo4j-ha-bolt-driver'
  const events = []
  process.on('unhandledRejection', error => events.push('unhandled: ' + error.message))
  const driver = new Neo4jHA(input.servers, {
    retryOnError: 1,
    neo4jDriverOptions: { maxTransactionRetryTime: 300 }
  })
  await driver.ready
  const settled = () => new Promise(resolve => setImmediate(resolve))
`

test('no unhandled rejection: a failure that nobody looks at', async t => {
  const { servers } = await cluster(t)
  const { code, stdout, stderr } = await program(
    `${unhandled}
    const session = driver.session(true)
    session.run('NONSENSE')
    session.run('NONSENSE').subscribe({})
    session.run('NONSENSE').subscribe({ onError: error => events.push(error.code) })
    driver.session(true).beginTransaction().run('NONSENSE')
    driver.session(true).run('RETURN 1').then(() => {})
    await session.run('RETURN 2')
    const late = driver.session(true)
    await driver.close()
    late.run('RETURN 3')
    await settled()
    console.log(JSON.stringify(events))`,
    { input: { servers } }
  )
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1)), ['Neo.ClientError.Statement.SyntaxError'])
})

test('no unhandled rejection: then and catch on one promise, as applications of 1.2.3 write it', async t => {
  const { servers } = await cluster(t)
  const { code, stdout, stderr } = await program(
    `${unhandled}
    const seen = await new Promise(resolve => {
      const running = driver.session(true).run('NONSENSE')
      running.catch(error => resolve(error.code))
    })
    await driver.close()
    await settled()
    console.log(JSON.stringify([seen, ...events]))`,
    { input: { servers } }
  )
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(stdout.trim().split('\n').at(-1)), ['Neo.ClientError.Statement.SyntaxError'])
})

test('no unhandled rejection: every server down, the driver closed under running work', async t => {
  const group = await cluster(t)
  const { servers } = group
  for (const one of group.members) await one.kill()
  const { code, stdout } = await program(
    `${unhandled}
    for (let n = 0; n < 5; n++) driver.session(n % 2 === 0).run('RETURN 1')
    const error = await driver.session(true).run('RETURN 2').catch(error => error)
    driver.session(true).run('RETURN 3')
    driver.session(true).beginTransaction().run('RETURN 4')
    await driver.close()
    await settled()
    console.log(JSON.stringify([error.code, ...events]))`,
    { input: { servers } }
  )
  assert.equal(code, 0)
  assert.match(stdout, /^\["(ServiceUnavailable|SessionExpired)"\]\s*$/)
})
