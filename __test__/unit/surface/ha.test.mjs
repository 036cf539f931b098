// Neo4jHA: what it tells the native side, and what it makes of what it hears.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { ask, done, install, log, result, topology } from './fake-native.mjs'

const { HAReadWrite, HAStrategies, ServerType, Status } = Neo4jHA
const servers = ['a', 'b', 'c'].map(name => [`http://${name}`, `bolt://${name}`])
const up = (type, distance = 1) => ({ status: Status.up, type, distance, err: null })
const unchecked = { status: -1, type: 0, distance: -1, err: null }

function made(t, options, readyCallback) {
  const fake = install(t)
  return { fake, driver: new Neo4jHA(servers, options, readyCallback) }
}

test('a session on the native side: write, permissions, strategy', t => {
  const { fake, driver } = made(t, { strategy: HAStrategies.nearest })
  const opened = (...args) => {
    const session = driver.session(...args)
    const { write, rwMask, strategy, server } = fake.session.opened
    assert.equal(session.writeLock, write)
    return [write, rwMask, strategy, server]
  }
  assert.deepEqual(opened(), [false, -1, 2, -1])
  assert.deepEqual(opened(true), [true, -1, 2, -1])
  assert.deepEqual(opened(true, HAReadWrite.masterOnly, HAStrategies.random), [true, 3, 0, -1])
  assert.deepEqual(
    opened(false, { master: { read: true, write: false }, slave: { read: false, write: true } }),
    [false, 9, 2, -1]
  )
  assert.deepEqual(opened({ defaultAccessMode: 'READ', strategy: 1, rwConfig: HAReadWrite.all }), [
    false,
    15,
    1,
    -1
  ])
  assert.deepEqual(opened({}), [true, -1, 2, -1])
  assert.deepEqual(opened({ writeLock: false }), [false, -1, 2, -1])
  assert.deepEqual(opened('READ', 'mark'), [false, -1, 2, -1])
  assert.deepEqual(fake.session.opened.config.bookmarks, ['mark'])
  assert.throws(() => driver.session(true, { master: 1 }), /rwConfig takes one of HAReadWrite/)
  assert.throws(() => driver.session(true, null, 7), /strategy takes HAStrategies/)
})

test('the driver of one server is bound to it', t => {
  const { fake, driver } = made(t)
  driver.servers[1].driver.session().run('x')
  assert.equal(fake.session.opened.server, 1)
})

test('what a check finds is in servers, masterIndex and getMaster()', t => {
  const { fake, driver } = made(t)
  assert.deepEqual(
    driver.servers.map(server => server.info),
    [null, null, null]
  )
  assert.deepEqual([driver.masterIndex, driver.getMaster()], [-1, undefined])
  fake.say(topology({ servers: [unchecked, up(ServerType.master, 2.5), unchecked], master: 1 }))
  assert.deepEqual(driver.servers[1].info, { status: 1, type: 2, distance: 2.5 })
  assert.equal(driver.servers[0].info, null)
  assert.deepEqual([driver.masterIndex, driver.getMaster()], [1, driver.servers[1]])
  fake.say(topology({ servers: [{ ...unchecked, status: 0, err: 'refused' }, unchecked, up(1)], master: -1 }))
  const { err, ...info } = driver.servers[0].info
  assert.deepEqual(info, { status: Status.down, type: ServerType.unknown, distance: -1 })
  assert.ok(err instanceof Error && err.message === 'refused')
  assert.equal(driver.servers[1].info.status, Status.unknown)
})

test('the ready callback is called without arguments, in the moment of the promise', async t => {
  const calls = []
  const { fake, driver } = made(t, {}, (...args) => calls.push(args))
  await turn()
  assert.equal(calls.length, 0)
  fake.say(done(fake.driver.readyOp))
  await driver.ready
  assert.deepEqual(calls, [[]])
})

test('checkServers() calls back and returns a promise', async t => {
  const { fake, driver } = made(t)
  await turn()
  let called = 0
  const promise = driver.checkServers(() => called++)
  await turn()
  fake.say(done(fake.driver.checkOp))
  await promise
  assert.equal(called, 1)
})

test('servedBy is the entry that did the work, as it was then known', async t => {
  const { fake, driver } = made(t)
  fake.say(topology({ servers: [up(2), up(1), up(1)], master: 0 }))
  const promise = driver.session().run('x')
  fake.say(...result(fake.session.call('run').op, ['n'], [[1]]))
  fake.say(topology({ servers: [up(1), up(2), up(1)], master: 1 }))
  const { servedBy } = await promise
  assert.equal(servedBy.location, driver.servers[0].location)
  assert.equal(servedBy.info.type, ServerType.master)
})

test('a strategy function chooses when session() is called, among the eligible', t => {
  const asked = []
  const strategy = (candidates, intent) => {
    asked.push([candidates, intent])
    return candidates[1]
  }
  const { fake, driver } = made(t, { strategy })
  assert.equal(fake.driver.config.strategy, 5)
  fake.driver.candidateServers = [0, 2]
  driver.session(true)
  assert.deepEqual(asked, [[[driver.servers[0], driver.servers[2]], { write: true }]])
  assert.deepEqual([fake.session.opened.strategy, fake.session.opened.config], [5, { preferred: 2 }])
  driver.session(false, null, candidates => candidates[0])
  assert.deepEqual([fake.session.opened.strategy, fake.session.opened.config], [6, { preferred: 0 }])
  assert.equal(driver.getDriverBaseOnStrategyAndQueryWriteState(true), driver.servers[2])
})

test('a strategy function is asked again by the native side; what it does wrong is said', async t => {
  let behave = candidates => candidates[0]
  const { fake, driver } = made(t, { strategy: candidates => behave(candidates) })
  const asked = async question => {
    fake.say(ask(question, { what: 'strategy', strategy: 5, candidates: [1, 2], write: false }))
    await turn()
    return fake.driver.calls.at(-1)
  }
  assert.deepEqual(await asked(7), ['answer', 7, '1'])
  behave = () => {
    throw new Error('mine')
  }
  assert.deepEqual((await asked(8)).slice(0, 4), ['answer', 8, null, 'mine'])
  for (const wrong of [
    () => undefined,
    () => driver.servers[0],
    async candidates => candidates[0],
    async () => {
      throw new Error('late')
    }
  ]) {
    behave = wrong
    const [, , json, reason] = await asked(9)
    assert.equal(json, null)
    assert.match(reason, /must return one of its candidates/)
  }
  fake.driver.candidateServers = [1]
  driver.session()
  assert.equal(fake.session.opened.config, null)
  assert.throws(() => driver.getDriverBaseOnStrategyAndQueryWriteState(), /must return one of its candidates/)
})

test('getDriverBaseOnStrategyAndQueryWriteState gives an entry of servers', t => {
  const { fake, driver } = made(t, { strategy: HAStrategies.roundRobin })
  fake.driver.chosenServer = 2
  assert.equal(driver.getDriverBaseOnStrategyAndQueryWriteState(true, HAReadWrite.all, 0), driver.servers[2])
  assert.deepEqual(fake.driver.calls.at(-1), ['choose', true, 15, 0])
  driver.getDriverBaseOnStrategyAndQueryWriteState()
  assert.deepEqual(fake.driver.calls.at(-1), ['choose', false, -1, 1])
})

test('messages go to the logger that is configured, by level', t => {
  const lines = []
  const { fake } = made(t, {
    neo4jDriverOptions: { logging: { level: 'warn', logger: (...line) => lines.push(line) } }
  })
  assert.equal(fake.driver.config.logLevel, 'warn')
  fake.say(log('info', 'a'), log('warn', 'b'), log('error', 'c'))
  assert.deepEqual(lines, [
    ['warn', 'b'],
    ['error', 'c']
  ])
})

test('a logger that throws gets the next line nevertheless, and the process is warned once', t => {
  const lines = []
  const warning = t.mock.method(process, 'emitWarning', () => {})
  const logger = (_, message) => {
    lines.push(message)
    throw new Error('disk full')
  }
  const { fake } = made(t, { neo4jDriverOptions: { logging: { level: 'info', logger } } })
  fake.say(log('info', 'a', 'b'), log('info', 'c'))
  assert.deepEqual(lines, ['a', 'b', 'c'])
  assert.equal(warning.mock.callCount(), 1)
  assert.match(warning.mock.calls[0].arguments[0], /logger.*disk full/)
})

test('without a logger the process is warned, once for each kind', t => {
  const warning = t.mock.method(process, 'emitWarning', () => {})
  const { fake } = made(t)
  fake.say(
    log('warn', 'no server on port 1'),
    log('warn', 'no server on port 2'),
    log('warn', 'else'),
    log('info', 'x')
  )
  assert.deepEqual(
    warning.mock.calls.map(call => call.arguments),
    [
      ['no server on port 1', 'Neo4jHAWarning'],
      ['else', 'Neo4jHAWarning']
    ]
  )
})

test('a password can be read where it always could, and is shown nowhere', t => {
  const { driver } = made(t, { auth: { user: 'neo4j', pass: 'hunter2' } })
  const { location } = driver.servers[0]
  assert.deepEqual([location.auth.user, location.auth.pass], ['neo4j', 'hunter2'])
  for (const text of [
    inspect(driver, { depth: 9, showHidden: true }),
    JSON.stringify(driver.servers.map(s => s.location))
  ]) {
    // The names of users are nobody's business either.
    assert.doesNotMatch(text, /hunter2|neo4j'|"neo4j"/)
  }
})

test('closing the driver of one server leaves the pool alone', async t => {
  const { fake, driver } = made(t)
  await driver.servers[0].driver.close()
  assert.throws(() => driver.servers[0].driver.session(), /closed/)
  driver.session()
  assert.equal(fake.driver.calls.length, 0)
  await driver.close()
  assert.throws(() => driver.session(), /closed/)
  assert.throws(() => driver.servers[1].driver.session(), /closed/)
})
