// drop-in: "Instance" and "The check".
import assert from 'node:assert/strict'
import { join } from 'node:path'
import {
  cluster,
  column,
  failing,
  member,
  Neo4jHA,
  open,
  program,
  project,
  ready,
  settle,
  test,
  warnings
} from '../support/contract.mjs'
import { gate, held, rows, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const { Status, ServerType } = Neo4jHA
const never = 3_600_000

for (const [answer, role, status, type] of [
  ['200 master', 'master', 'up', 'master'],
  ['200 slave', 'slave', 'up', 'slave'],
  ['200 other text', 'other', 'up', 'unknown'],
  ['404', 'unknown', 'unknown', 'unknown'],
  ['401', 'unauthorized', 'error', 'unknown'],
  ['403 with an empty body', 'forbidden', 'error', 'unknown'],
  ['500', 'broken', 'error', 'unknown'],
  ['a redirect', { redirect: 'http://127.0.0.1:1/' }, 'error', 'unknown']
]) {
  test(`the check: ${answer} is ${status} / ${type}`, async t => {
    const driver = await ready(t, [(await member(t, { role })).location])
    const { info } = driver.servers[0]
    assert.equal(info.status, Status[status])
    assert.equal(info.type, ServerType[type])
  })
}

for (const [what, role] of [
  ['a refused connection', 'refuse'],
  ['a connection cut', 'cut'],
  ['nothing in time', 'hang']
]) {
  test(`the check: no answer (${what}) is down / unknown, distance -1, with err`, async t => {
    const driver = await ready(t, [(await member(t, { role })).location], { checkTimeout: 150 })
    const { info } = driver.servers[0]
    assert.equal(info.status, Status.down)
    assert.equal(info.type, ServerType.unknown)
    assert.equal(info.distance, -1)
    assert.ok(info.err, 'err is missing')
  })
}

test('the check: a body with a line end, or in capitals, is read as 1.2.3 read it or better', async t => {
  const answering = body => (_request, response) => response.writeHead(200).end(body)
  const driver = await ready(t, [(await member(t, { role: answering('master\n') })).location])
  assert.equal(driver.servers[0].info.status, Status.up)
})

test('the check: a body without end neither hangs nor fills the memory', async t => {
  const endless = (_request, response) => {
    response.writeHead(200)
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65536)));
      response.once('drain', more)
    }
    more()
  }
  const before = process.memoryUsage().rss
  const driver = await ready(t, [(await member(t, { role: endless })).location], { checkTimeout: 500 })
  assert.notEqual(driver.servers[0].info.type, ServerType.master)
  assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024)
})

test('the check is GET /db/manage/server/ha/available with Accept: text/plain', async t => {
  const one = await member(t, {})
  await ready(t, [one.location])
  const [check] = one.checks
  assert.equal(check.method, 'GET')
  assert.equal(check.url, '/db/manage/server/ha/available')
  assert.equal(check.headers.accept, 'text/plain')
})

test('the check: a URL with a path or a slash at its end is no trouble', async t => {
  const one = await member(t, {})
  await ready(t, [[`${one.url}/`, one.uri]])
  assert.equal(one.checks[0].url, '/db/manage/server/ha/available')
})

test('the check sends credentials with the word Basic', async t => {
  const one = await member(t, { auth: { user: 'neo4j', pass: 'sécret:x' } })
  const driver = await ready(t, [one.location], { auth: { user: 'neo4j', pass: 'sécret:x' } })
  assert.equal(driver.servers[0].info.status, Status.up)
  const expected = `Basic ${Buffer.from('neo4j:sécret:x').toString('base64')}`
  assert.equal(one.checks[0].headers.authorization, expected)
})

test('every server is asked at once: a slow one does not delay the others', async t => {
  const { servers, members } = await cluster(t)
  members[0].delay = 300
  const driver = open(t, servers)
  await until(() => driver.servers[1].info && driver.servers[2].info)
  assert.equal(driver.servers[0].info, null)
  assert.equal(driver.servers[1].info.type, ServerType.slave)
})

test('the check is made every checkInterval', async t => {
  const one = await member(t, {})
  await ready(t, [one.location], { checkInterval: 40 })
  await until(() => one.checks.length >= 12)
  const gaps = one.checks.slice(1).map((check, n) => check.at - one.checks[n].at)
  const middle = gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)]
  assert.ok(middle > 25 && middle < 120, `${middle} ms between checks`)
})

test('connections are kept alive: many checks, one connection', async t => {
  const one = await member(t, {})
  await ready(t, [one.location], { checkInterval: 20 })
  await until(() => one.checks.length >= 15)
  // One more is forgiven: a check may start while the connection of the one before is still on its way back.
  assert.ok(one.http.total <= 2, `${one.http.total} connections for ${one.checks.length} checks`)
})

test('one check is in flight per server, however slow it is and whoever asks', async t => {
  const one = await member(t, {})
  one.delay = 120
  const driver = await ready(t, [one.location], { checkInterval: 20 })
  await Promise.all([driver.checkServers(), driver.checkServers(), driver.checkServers()])
  await until(() => one.checks.length >= 4)
  assert.equal(one.http.maxInFlight, 1)
})

test('redirects are not followed, with credentials least of all', async t => {
  const auth = { user: 'neo4j', pass: 'secret' }
  const lure = await member(t, {})
  const one = await member(t, { auth, role: { redirect: `${lure.url}/db/manage/server/ha/available` } })
  const driver = await ready(t, [one.location], { auth })
  await driver.checkServers()
  assert.equal(lure.checks.length, 0)
  assert.equal(driver.servers[0].info.status, Status.error)
})

test('a change of role is seen at the next check', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  assert.equal(driver.masterIndex, 0)
  await members[0].become('slave')
  await members[1].become('master')
  await until(() => driver.masterIndex === 1 && driver.servers[0].info.type === ServerType.slave)
  await members[0].become('refuse')
  await until(() => driver.servers[0].info.status === Status.down)
  await members[0].become('slave')
  await until(() => driver.servers[0].info.status === Status.up)
})

test('a check is made at once when a query meets a dead server', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers, { checkInterval: never })
  await members[0].kill()
  await members[1].become('master')
  const result = await driver.session(true).run('RETURN 1')
  assert.equal(result.servedBy.location.bolt, servers[1][1])
  await until(() => driver.servers[0].info.status === Status.down)
  assert.equal(driver.masterIndex, 1)
})

test('a check is made at once when a query meets a demoted server', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers, { checkInterval: never })
  await members[0].become('slave')
  await members[2].become('master')
  const rule = members[0].bolt.when('RUN', x => x.fail('Neo.ClientError.Cluster.NotALeader', 'not here'))
  const result = await driver.session(true).run('RETURN 1')
  assert.equal(rule.hits, 1)
  assert.equal(result.servedBy.location.bolt, servers[2][1])
  assert.equal(driver.masterIndex, 2)
})

for (const [what, answer] of [
  ['lost', x => x.reset()],
  ['refused', x => x.fail('Neo.ClientError.Cluster.NotALeader', 'not here')]
]) {
  test(`a check is made at once when a COMMIT is ${what}`, async t => {
    const { servers, members } = await cluster(t)
    const driver = await ready(t, servers, { checkInterval: never })
    members[0].bolt.when('COMMIT', answer)
    const tx = driver.session(true).beginTransaction()
    await tx.run('CREATE (n)')
    const before = members.map(({ checks }) => checks.length)
    await failing(tx.commit())
    await until(() => members.every(({ checks }, i) => checks.length > before[i]))
  })
}

test('driver.ready settles after the first check though every server is down', async t => {
  const { servers } = await cluster(t, { roles: ['refuse', 'refuse'] })
  const driver = await ready(t, servers)
  assert.deepEqual(
    driver.servers.map(({ info }) => info.status),
    [Status.down, Status.down]
  )
})

test('the ready callback fires though every server is down, or says nothing', async t => {
  for (const role of ['refuse', 'hang']) {
    const { servers } = await cluster(t, { roles: [role, role] })
    const called = new Promise(resolve => open(t, servers, { checkTimeout: 150 }, resolve))
    assert.equal(await within(called, 5000, 'the ready callback'), undefined)
  }
})

test('driver.ready and the ready callback are one moment', async t => {
  const { servers } = await cluster(t)
  const order = []
  const driver = open(t, servers, {}, () => order.push('callback'))
  await driver.ready.then(() => order.push('promise'))
  await until(() => order.length === 2)
  assert.ok(driver.servers.every(({ info }) => info !== null))
})

test('a ready callback that throws is the error of the application, and the driver goes on', async t => {
  const { servers } = await cluster(t)
  const errors = []
  const listener = error => errors.push(error.message)
  const previous = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', listener)
  t.after(() => {
    process.off('uncaughtException', listener)
    for (const old of previous) process.on('uncaughtException', old)
  })
  const driver = open(t, servers, {}, () => {
    throw new Error('mine')
  })
  await until(() => errors.length > 0)
  assert.deepEqual(errors, ['mine'])
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
})

test('servers[] holds {location:{url,bolt,auth}, driver, info}; info is null before the first check', async t => {
  const { servers, members } = await cluster(t)
  for (const one of members) one.delay = 50
  const driver = open(t, servers, { auth: { user: 'neo4j', pass: 'secret' } })
  assert.equal(driver.servers.length, 3)
  for (const [n, entry] of driver.servers.entries()) {
    assert.equal(entry.location.url, members[n].url)
    assert.equal(entry.location.bolt, members[n].uri)
    assert.equal(entry.location.auth.user, 'neo4j')
    assert.equal(entry.info, null)
    assert.equal(typeof entry.driver.session, 'function')
  }
  assert.equal(driver.masterIndex, -1)
  assert.equal(driver.getMaster(), undefined)
})

test('info is {status, type, distance, role, topology, databases, lag, product, bolt, since, err?}; distance in ms', async t => {
  const one = await member(t, {})
  one.delay = 60
  const driver = await ready(t, [one.location])
  const { info } = driver.servers[0]
  assert.equal(info.err ?? undefined, undefined)
  assert.deepEqual(
    Object.keys(info)
      .filter(key => key !== 'err')
      .sort(),
    ['bolt', 'databases', 'distance', 'lag', 'product', 'role', 'since', 'status', 'topology', 'type']
  )
  assert.ok(info.distance >= 55 && info.distance < 1000, `distance is ${info.distance}`)
})

test('servers[i].driver is a driver of that one server', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  const session = driver.servers[2].driver.session()
  assert.deepEqual(column(await session.run('RETURN 7')), [7])
  await session.close()
  assert.equal(members[2].bolt.queries(/RETURN 7/).length, 1)
})

test('masterIndex is -1 for none, and getMaster() is the entry of the master', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers)
  assert.equal(driver.masterIndex, 0)
  assert.equal(driver.getMaster(), driver.servers[0])
  await members[0].become('unknown')
  await until(() => driver.masterIndex === -1)
  assert.equal(driver.getMaster(), undefined)
})

test('of two servers that say master, the one that began last gets all writes, with a warning', async t => {
  const { servers, members } = await cluster(t, { roles: ['slave', 'master'] })
  const lines = []
  const logging = { level: 'warn', logger: (_, message) => lines.push(message) }
  const driver = await ready(t, servers, { strategy: 1, neo4jDriverOptions: { logging } })
  assert.equal(driver.masterIndex, 1)
  await members[0].become('master')
  await until(() => driver.masterIndex === 0)
  for (let i = 0; i < 6; i++) await driver.session(true).run('CREATE (n)')
  assert.deepEqual(
    members.map(one => one.bolt.queries(/CREATE/).length),
    [6, 0]
  )
  const told = lines.filter(line => line.includes('say that they are the master'))
  assert.equal(told.length, 1, lines.join('\n'))
  assert.ok(told[0].includes(members[0].uri.replace('bolt://', '')))
})

for (const [how, end] of [
  ['never ends', () => {}],
  ['is cut short', response => response.socket.destroy()]
]) {
  test(`the check: an answer that ${how} is no answer`, async t => {
    const half = (_request, response) => {
      response.writeHead(200, { 'content-length': 600 })
      response.write('master', () => end(response))
    }
    const driver = await ready(t, [(await member(t, { role: half })).location], { checkTimeout: 150 })
    const { info } = driver.servers[0]
    assert.equal(info.status, Status.down)
    assert.equal(info.type, ServerType.unknown)
    assert.ok(info.err)
  })
}

test('a full pool says nothing of a server that is checked over Bolt', async t => {
  const one = await member(t, {})
  const driver = await ready(t, one.uri, {
    checkInterval: 20,
    checkTimeout: 150,
    unresponsiveTimeout: 100,
    neo4jDriverOptions: { maxConnectionPoolSize: 1 }
  })
  const tx = driver.session(true).beginTransaction()
  await tx.run('CREATE (n)')
  const before = one.bolt.received('HELLO').length
  await until(() => one.bolt.received('HELLO').length >= before + 5)
  assert.equal(driver.servers[0].info.status, Status.up)
  await tx.run('CREATE (n)')
  await tx.commit()
})

test('a full pool says nothing of a server: it stays what it is, and no check is hurried', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location], {
    checkInterval: never,
    retryOnError: 0,
    neo4jDriverOptions: {
      maxConnectionPoolSize: 1,
      connectionAcquisitionTimeout: 100,
      maxTransactionRetryTime: 0
    }
  })
  const tx = driver.session(true).beginTransaction()
  await tx.run('CREATE (n)')
  const checks = one.checks.length
  const { error } = await settle(driver.session(true).run('CREATE (m)'))
  assert.match(error.message, /1 of 1 connections are in use/)
  assert.equal(driver.masterIndex, 0)
  // The second is this one.
  await driver.checkServers()
  assert.equal(one.checks.length, checks + 1)
  await tx.commit()
})

test('a token manager that never answers ends its check, and no more', async t => {
  const one = await member(t, {})
  const auth = { getToken: () => new Promise(() => {}), handleSecurityException: () => false }
  const driver = await ready(t, [one.location], { auth, checkTimeout: 100 })
  const { status, err } = driver.servers[0].info
  assert.equal(status, Status.error)
  assert.match(err.message, /gave no token within 100 ms/)
  assert.equal(one.checks.length, 0)
})

test('bytes that arrive on Bolt are a sign of life, whatever the checks say', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location], {
    checkInterval: 20,
    checkTimeout: 50,
    unresponsiveTimeout: 200,
    retryOnError: 0,
    neo4jDriverOptions: { maxTransactionRetryTime: 0 }
  })
  const values = Array.from({ length: 400 }, (_, n) => n)
  one.bolt.on(/SLOW/, rows(values))
  one.bolt.when('PULL', async x => {
    // Silent checks for three times the time after which a server is given up, and records all the while.
    const checks = one.checks.length
    while (x.connection.alive && one.checks.length < checks + 12) {
      await x.records(1)
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    await x.reply()
  })
  await one.become('hang')
  assert.deepEqual(column(await driver.session(true).run('CREATE (n) RETURN n // SLOW')), values)
})

const watched = {
  checkInterval: 20,
  checkTimeout: 200,
  unresponsiveTimeout: 200,
  retryOnError: 0,
  neo4jDriverOptions: { maxTransactionRetryTime: 0 }
}

for (const role of ['refuse', 'cut', 'hang']) {
  test(`work ends on a member that is silent by Bolt and whose status endpoint does this: ${role}`, async t => {
    const one = await member(t, {})
    const driver = await ready(t, [one.location], watched)
    one.bolt.when('PULL', () => {
      one.bolt.freeze()
      return one.become(role)
    })
    const error = await within(failing(driver.session(true).run('CREATE (n)')), 10_000, 'the write')
    assert.match(error.message, /unresponsiveTimeout/)
    assert.equal(error.unknownOutcome, true)
  })
}

test('what came before a member fell silent lengthens nothing: work ends within the first check that is not answered', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location], { ...watched, checkTimeout: 60_000 })
  let unanswered
  one.bolt.when('PULL', () => {
    one.bolt.freeze()
    unanswered = one.checks.length
    return one.become('hang')
  })
  const error = await within(failing(driver.session(true).run('CREATE (n)')), 10_000, 'the write')
  assert.match(error.message, /unresponsiveTimeout/)
  assert.equal(one.checks.length, unanswered + 1)
})

test('work goes on where the status endpoint refuses and the member answers by Bolt', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location], watched)
  const open = gate()
  one.bolt.on(/SLOW/, rows([7]))
  one.bolt.when('PULL', held(open))
  const work = settle(driver.session(true).run('CREATE (n) RETURN n // SLOW'))
  await until(() => one.bolt.received('PULL').length === 1)
  await one.become('refuse')
  const probes = () => one.bolt.received('HELLO').length + one.bolt.received('RESET').length
  const before = probes()
  await until(() => probes() >= before + 3, { what: 'three probes by Bolt' })
  open.open()
  const { value, error } = await work
  assert.equal(error, undefined)
  assert.deepEqual(column(value), [7])
})

test('an idle connection that was cut on the way says nothing of a server that is checked over Bolt', async t => {
  const one = await member(t, {})
  const driver = await ready(t, one.uri, { checkInterval: never, checkTimeout: 800 })
  assert.equal(one.bolt.received('HELLO').length, 1)
  const rule = one.bolt.when('RESET', silence)
  await driver.checkServers()
  assert.equal(rule.hits, 1, 'the idle connection was asked')
  assert.equal(driver.servers[0].info.status, Status.up)
})

test('a pool of one is waited for though no time is given for retries', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location], {
    neo4jDriverOptions: { maxTransactionRetryTime: 0, maxConnectionPoolSize: 1 }
  })
  const open = gate()
  one.bolt.when('COMMIT', held(open))
  const tx = driver.session(true).beginTransaction()
  await tx.run('CREATE (n)')
  const commit = tx.commit()
  const work = settle(driver.session(true).run('RETURN 7'))
  await until(() => one.bolt.received('COMMIT').length === 1)
  // As long as ten answers of its status page take.
  one.delay = 20
  for (let n = 0; n < 10; n++) await driver.checkServers()
  open.open()
  await commit
  const { value, error } = await work
  assert.equal(error, undefined)
  assert.deepEqual(column(value), [7])
})

test('checks that refused writes hurry keep a distance from each other', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location], { checkInterval: never, retryOnError: 0 })
  one.bolt.when('RUN', x => x.fail('Neo.ClientError.Cluster.NotALeader', 'not here'))
  let refused = 0
  const writer = async () => {
    while (one.checks.length < 5) {
      const { error } = await settle(driver.session(true).run('CREATE (n)'))
      if (error) refused++
    }
  }
  await Promise.all(Array.from({ length: 10 }, writer))
  assert.ok(refused > one.checks.length, `${refused} refused writes, ${one.checks.length} checks`)
  const gaps = one.checks.slice(2).map(({ at }, n) => at - one.checks[n + 1].at)
  // From the end of one to the beginning of the next; clocks tick by milliseconds.
  assert.ok(Math.min(...gaps) >= 9, `checks at a distance of ${gaps.map(Math.round)} ms`)
})

test('servers that use no TLS need no certificates of the system', async t => {
  const one = await member(t, {})
  const { stdout, stderr } = await program(
    `import Neo4jHA from 'neo4j-ha-bolt-driver'
    const driver = new Neo4jHA([input.location])
    await driver.ready
    const result = await driver.session(true).run('RETURN 1')
    console.log(result.records.length)
    await driver.close()`,
    {
      input: { location: one.location },
      env: {
        SSL_CERT_FILE: join(project, 'no-such.pem'),
        SSL_CERT_DIR: join(project, 'no-such-folder'),
        NODE_EXTRA_CA_CERTS: ''
      }
    }
  )
  assert.equal(stderr, '')
  assert.equal(stdout.trim(), '1')
})

test('a transient error does not make a member unknown to others', async t => {
  const { servers, members } = await cluster(t, { roles: ['master'] })
  const driver = await ready(t, servers, { checkInterval: never })
  const checks = members[0].checks.length
  members[0].bolt
    .when('RUN', x => x.fail('Neo.TransientError.Transaction.DeadlockDetected', 'locked'))
    .times(1)
  await driver.session(true).run('RETURN 1')
  assert.equal(driver.masterIndex, 0)
  assert.equal(members[0].checks.length, checks, 'a deadlock is no reason for a check')
})

test('checkServers(done) asks every server and calls back; it returns a promise too', async t => {
  const { servers, members } = await cluster(t)
  const driver = await ready(t, servers, { checkInterval: never })
  await members[1].become('master')
  await members[0].become('slave')
  const words = await new Promise(resolve => driver.checkServers((...all) => resolve(all)))
  assert.deepEqual(words, [])
  assert.equal(driver.masterIndex, 1)
  await members[2].become('refuse')
  await driver.checkServers()
  assert.equal(driver.servers[2].info.status, Status.down)
})

test('a server without an answer for long, then back, is used again', async t => {
  warnings(t)
  const { servers, members } = await cluster(t, { roles: ['master'] })
  const driver = await ready(t, servers, { checkTimeout: 100 })
  await members[0].become('hang')
  await until(() => driver.servers[0].info.status === Status.down)
  await members[0].become('master')
  await until(() => driver.servers[0].info.status === Status.up)
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
})
