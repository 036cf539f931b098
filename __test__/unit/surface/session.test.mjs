// Sessions and transactions: what is asked of the native side, and in which order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { inspect } from 'node:util'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { until } from '../../support/until.mjs'
import {
  ask,
  batch,
  committed,
  done,
  failure,
  install,
  keys,
  ready,
  result,
  rows,
  summary
} from './fake-native.mjs'

const neo4j = Neo4jHA.driver
const transient = { code: 'Neo.TransientError.General.X', message: 'later', retryable: true }
const names = native => native.calls.map(call => call.name)

function opened(t, config, sessionConfig) {
  const fake = install(t)
  const driver = neo4j.driver('bolt://localhost', undefined, config)
  const session = driver.session(sessionConfig)
  return { fake, driver, session }
}

/** Answers the BEGIN that is waited for. */
const begun = fake => fake.say(done(fake.session.call('begin').op))

/** The pause that a transaction function makes next. */
const paused = fake => until(() => fake.pauses.shift())

/** Answers whatever is asked, at once. */
function willing(native, fake) {
  native.onbegin = ({ op }) => queueMicrotask(() => fake.say(done(op)))
  native.oncommit = ({ op }) => queueMicrotask(() => fake.say(done(op)))
  const answer = ({ op }) => queueMicrotask(() => fake.say(...result(op, ['n'], [[1]])))
  native.onrun = answer
  native.onexecute = answer
}

/** Answers in every session that is opened from now on. */
function willingAll(fake, prepare = () => {}) {
  const { push } = fake.sessions
  fake.sessions.push = native => {
    willing(native, fake)
    prepare(native, fake.sessions.length)
    return push.call(fake.sessions, native)
  }
}

test('a session is opened on the native side with what differs from the driver', t => {
  const { fake, driver, session } = opened(t)
  session.run('RETURN 1')
  assert.deepEqual(fake.session.opened, { write: true, rwMask: -1, strategy: -1, server: -1, config: null })
  driver
    .session({
      defaultAccessMode: 'READ',
      bookmarks: ['a', ['b', 'a']],
      database: 'db',
      impersonatedUser: 'u',
      fetchSize: 5,
      notificationFilter: { disabledClassifications: ['HINT'] }
    })
    .run('RETURN 1')
  assert.equal(fake.session.opened.write, false)
  assert.deepEqual(fake.session.opened.config, {
    database: 'db',
    impersonatedUser: 'u',
    fetchSize: 5,
    notificationFilter: { disabledCategories: ['HINT'] },
    bookmarks: ['a', 'b']
  })
  driver.session('READ', 'x').run('RETURN 1')
  assert.equal(fake.session.opened.write, false)
  assert.deepEqual(fake.session.opened.config.bookmarks, ['x'])
})

test('wrong session options are refused by name', t => {
  const { driver } = opened(t)
  assert.throws(() => driver.session({ defaultAccessMode: 'x' }), /Illegal session mode x/)
  assert.throws(() => driver.session({ fetchSize: 0 }), /fetch size can only be/)
  assert.throws(() => driver.session({ database: 5 }), /database takes a string/)
  assert.throws(() => driver.session({ bookmarks: [5] }), /Bookmark value should be a string/)
  assert.throws(
    () => driver.session({ auth: { user: 5, pass: 'secret' } }),
    error => {
      assert.match(error.message, /auth\.user takes a string/)
      assert.doesNotMatch(inspect(error), /secret/)
      return true
    }
  )
})

test('queries of one session run side by side, in order', async t => {
  const { fake, session } = opened(t)
  const all = Promise.all([1, 2, 3].map(i => session.run('RETURN $i', { i })))
  const ops = fake.session.calls.map(call => call.op)
  assert.equal(new Set(ops).size, 3)
  await turn()
  fake.say(...ops.flatMap((op, i) => result(op, ['n'], [[i]])))
  assert.deepEqual(
    (await all).map(({ records }) => records[0].get('n').toNumber()),
    [0, 1, 2]
  )
})

test('closing an idle session asks nothing of the native side', async t => {
  const { fake, session } = opened(t)
  const promise = session.run('RETURN 1')
  fake.say(...result(fake.session.call('run').op, ['n'], [[1]]))
  await promise
  await session.close()
  assert.deepEqual(names(fake.session), ['run'])
})

test('closing waits for what somebody reads, discards what nobody does, and is idempotent', async t => {
  const { fake, session } = opened(t)
  const read = session.run('RETURN 1')
  const reading = read.then(({ records }) => records.length)
  session.run('RETURN 2')
  const [readOp, leftOp] = fake.session.calls.map(call => call.op)
  await turn()
  const closing = session.close()
  assert.equal(session.close(), closing)
  await turn()
  assert.deepEqual(fake.session.call('cancel').op, leftOp)
  assert.equal(fake.session.count('cancel'), 1)
  assert.equal(fake.session.count('close'), 1)
  fake.say(...result(readOp, ['n'], [[1]]), keys(leftOp, ['n']), summary(leftOp))
  assert.equal(await reading, 1)
  await closing
  await new Promise(resolve => session.close(resolve))
})

test('a closed session refuses work', async t => {
  const { session } = opened(t)
  await session.close()
  await assert.rejects(Promise.resolve(session.run('RETURN 1')), /Cannot run query in a closed session/)
  assert.throws(() => session.beginTransaction(), /closed session/)
  await assert.rejects(
    session.executeRead(() => {}),
    /closed session/
  )
})

test('a transaction can be used without awaiting its begin', async t => {
  const { fake, session } = opened(t)
  const tx = session.beginTransaction({ timeout: 10, metadata: { a: 1 } })
  assert.equal(Object.prototype.toString.call(tx), '[object TransactionPromise]')
  tx.run('A')
  const second = tx.run('B')
  const commit = tx.commit()
  assert.deepEqual(fake.session.call('begin').config, { timeout: 10 })
  assert.ok(!tx.isOpen())
  begun(fake)
  assert.deepEqual(names(fake.session), ['begin', 'run', 'run', 'commit'])
  const [, a, b, end] = fake.session.calls.map(call => call.op)
  fake.say(...result(a, ['n'], [[1]]), ...result(b, ['n'], [[2]]), done(end))
  assert.equal((await second).records[0].get('n').toNumber(), 2)
  await commit
})

test('awaiting a transaction gives one that is no promise', async t => {
  const { fake, session } = opened(t)
  willingAll(fake)
  const tx = await session.beginTransaction()
  assert.equal(tx.then, undefined)
  assert.ok(tx instanceof neo4j.Transaction && tx.isOpen())
  assert.equal((await tx.run('A')).records.length, 1)
  await tx.commit()
  assert.ok(!tx.isOpen())
})

test('a session has one transaction at a time, and no queries beside it', async t => {
  const { fake, session } = opened(t)
  const tx = session.beginTransaction()
  assert.throws(() => session.beginTransaction(), /session with an open transaction/)
  await assert.rejects(Promise.resolve(session.run('x')), /session with an open transaction/)
  begun(fake)
  await tx.rollback()
  session.run('x')
  assert.deepEqual(names(fake.session), ['begin', 'rollback', 'run'])
})

test('what a transaction says once it is over', async t => {
  const { fake, session } = opened(t)
  willingAll(fake)
  const committed = session.beginTransaction()
  await committed.commit()
  await assert.rejects(
    committed.commit(),
    /Cannot commit this transaction, because it has already been committed/
  )
  await assert.rejects(
    committed.rollback(),
    /Cannot rollback this transaction, because it has already been committed/
  )
  await assert.rejects(
    Promise.resolve(committed.run('x')),
    /Cannot run query in this transaction, because it has already been committed/
  )
  await committed.close()
  const rolledBack = session.beginTransaction()
  await rolledBack.rollback()
  await assert.rejects(rolledBack.commit(), /because it has already been rolled back/)
})

test('a failed query ends the transaction: it is rolled back at once, and refuses more', async t => {
  const { fake, session } = opened(t)
  const tx = session.beginTransaction()
  const promise = tx.run('x')
  begun(fake)
  fake.say(failure(fake.session.call('run').op, transient))
  await assert.rejects(Promise.resolve(promise), /later/)
  assert.ok(!tx.isOpen())
  assert.equal(fake.session.count('rollback'), 1)
  await assert.rejects(Promise.resolve(tx.run('y')), /rolled back either because of an error/)
  await assert.rejects(tx.commit(), /rolled back either because of an error/)
  await tx.rollback()
  await tx.close()
  assert.equal(fake.session.count('rollback'), 1)
  session.beginTransaction()
})

test('a begin that fails ends its transaction; what waits behind it is answered by the engine', async t => {
  const { fake, session } = opened(t)
  const tx = session.beginTransaction()
  const all = Promise.allSettled([tx.run('CREATE ()'), tx])
  for (const name of ['begin', 'run']) fake.say(failure(fake.session.call(name).op, transient))
  for (const { reason } of await all) assert.match(reason.message, /later/)
  assert.deepEqual(names(fake.session), ['begin', 'run', 'rollback'])
  await assert.rejects(tx.commit(), /rolled back either because of an error/)
  const second = session.beginTransaction()
  const rollback = second.rollback()
  fake.say(failure(fake.session.call('begin').op, transient))
  await rollback
  session.beginTransaction()
})

test('closing a session rolls its transaction back', async t => {
  const { fake, session } = opened(t)
  const tx = session.beginTransaction()
  tx.run('x')
  begun(fake)
  await session.close()
  assert.ok(!tx.isOpen())
  assert.deepEqual(names(fake.session), ['begin', 'run', 'cancel', 'close'])
})

test('a commit of unknown outcome says so', async t => {
  const { fake, session } = opened(t)
  const tx = session.beginTransaction()
  const commit = tx.commit()
  begun(fake)
  fake.say(
    failure(fake.session.call('commit').op, {
      code: 'ServiceUnavailable',
      message: 'lost',
      retryable: true,
      unknownOutcome: true,
      server: 'a:1'
    })
  )
  const error = await commit.catch(error => error)
  assert.deepEqual([error.unknownOutcome, error.retryable, error.server], [true, true, 'a:1'])
})

test('transaction functions commit, and give what the function gave', async t => {
  const { fake, session } = opened(t)
  willingAll(fake)
  const got = await session.executeRead(async tx => {
    assert.deepEqual(Object.keys(tx), [])
    assert.equal(tx.commit, undefined)
    return (await tx.run('x')).records[0].get('n').toNumber()
  })
  assert.equal(got, 1)
  assert.equal(fake.session.opened.write, false)
  assert.deepEqual(names(fake.session), ['begin', 'run', 'commit'])
  await session.executeWrite(() => {})
  assert.equal(fake.session.opened.write, true)
  await session.writeTransaction(async tx => tx.rollback())
  assert.deepEqual(names(fake.session), ['begin', 'rollback'])
})

test("what the function throws rolls back, and is not repeated when it is the application's", async t => {
  const { fake, session } = opened(t)
  willingAll(fake)
  let runs = 0
  await assert.rejects(
    session.executeWrite(() => {
      runs++
      throw new Error('mine')
    }),
    /mine/
  )
  assert.equal(runs, 1)
  assert.deepEqual(names(fake.session), ['begin', 'rollback'])
})

test('a transient error makes the function run again, after 1 s, then 2 s, each 20 % more or less', async t => {
  const { fake, session } = opened(t)
  willingAll(fake, (native, n) => {
    if (n < 2) native.oncommit = ({ op }) => queueMicrotask(() => fake.say(failure(op, transient)))
  })
  let runs = 0
  const work = session.executeWrite(() => ++runs)
  const first = await paused(fake)
  assert.ok(first.ms >= 800 && first.ms <= 1200, `${first.ms}`)
  assert.equal(runs, 1)
  fake.say(done(first.op))
  const second = await paused(fake)
  assert.ok(second.ms >= 1600 && second.ms <= 2400, `${second.ms}`)
  assert.equal(runs, 2)
  fake.say(done(second.op))
  assert.equal(await work, 3)
})

test('a function is not run again after a commit of unknown outcome, nor beyond the time for retries', async t => {
  const { fake, session } = opened(t)
  willingAll(fake, native => {
    native.oncommit = ({ op }) =>
      queueMicrotask(() => fake.say(failure(op, { ...transient, unknownOutcome: true })))
  })
  let runs = 0
  const error = await session.executeWrite(() => ++runs).catch(error => error)
  assert.deepEqual([runs, error.unknownOutcome], [1, true])
  const late = opened(t, { maxTransactionRetryTime: 0 })
  willingAll(late.fake, native => {
    native.oncommit = ({ op }) => queueMicrotask(() => late.fake.say(failure(op, transient)))
  })
  const failing = late.session.executeWrite(() => ++runs).catch(error => error)
  late.fake.say(done((await paused(late.fake)).op))
  const last = await failing
  assert.match(last.message, /later/)
  assert.ok(runs <= 3)
})

test('where no transaction could be opened, the time for retries counts from the start', {
  timeout: 2_000
}, async t => {
  const { fake, session } = opened(t, { maxTransactionRetryTime: 5 })
  const work = session.executeWrite(() => {}).catch(error => error)
  const began = process.uptime()
  await until(() => process.uptime() - began > 0.005)
  fake.say(failure(fake.session.call('begin').op, transient))
  assert.equal((await work).message, 'later')
  assert.equal(fake.session.count('begin'), 1)
})

test('an operation that the native side refuses does not hold the process', { timeout: 2_000 }, async t => {
  const { fake, session } = opened(t)
  const sessions = fake.sessions.push
  fake.sessions.push = native => {
    native.onrun = () => {
      throw new Error('refused')
    }
    return sessions.call(fake.sessions, native)
  }
  await assert.rejects(session.run('RETURN 1'), /refused/)
  while (fake.refs > 0) await turn()
  assert.equal(fake.refs, 0)
})

test('closing a session ends the pauses of its transaction functions', async t => {
  const { fake, session } = opened(t)
  willingAll(fake, native => {
    native.oncommit = ({ op }) => queueMicrotask(() => fake.say(failure(op, transient)))
  })
  const work = session.executeWrite(() => {})
  const settled = assert.rejects(work, /later/)
  for (let i = 0; i < 3; i++) await turn()
  await session.close()
  await settled
})

test('bookmarks: of the session, carried from transaction functions to what follows', async t => {
  const { fake, session } = opened(t, undefined, { bookmarks: 'start' })
  assert.deepEqual(session.lastBookmarks(), ['start'])
  assert.equal(session.lastBookmark(), 'start')
  willingAll(fake, native => {
    const { oncommit } = native
    native.oncommit = call => {
      native.lastBookmarks = ['after']
      oncommit(call)
    }
  })
  await session.executeWrite(() => {})
  assert.deepEqual(fake.session.opened.config.bookmarks, ['start'])
  assert.deepEqual(session.lastBookmarks(), ['after'])
  await session.run('x')
  assert.deepEqual(fake.session.opened.config.bookmarks, ['after'])
})

test('a bookmark manager is asked whenever the native side asks, and told of what was committed', async t => {
  const told = []
  const bookmarkManager = neo4j.bookmarkManager({
    initialBookmarks: ['one'],
    bookmarksConsumer: async bookmarks => told.push([...bookmarks])
  })
  const { fake, session } = opened(t, undefined, { bookmarkManager, bookmarks: ['own'] })
  willingAll(fake)
  await session.run('x')
  const { bookmarkManager: manager, bookmarks } = fake.session.opened.config
  assert.deepEqual(bookmarks, ['own'])
  fake.say(ask(7, { what: 'bookmarks', manager }))
  await turn()
  assert.deepEqual(fake.driver.calls.at(-1), ['answer', 7, '["one"]'])
  fake.say(committed({ manager, previous: ['one', 'own'], bookmark: 'two' }))
  assert.deepEqual(told, [['two']])
  fake.say(ask(8, { what: 'bookmarks', manager }))
  await turn()
  assert.deepEqual(fake.driver.calls.at(-1), ['answer', 8, '["two"]'])
})

test('a session tells the native side its own bookmarks beside a manager until some work has followed on them', async t => {
  const { fake, session } = opened(t, undefined, {
    bookmarkManager: neo4j.bookmarkManager(),
    bookmarks: ['own']
  })
  willingAll(fake)
  await session.executeRead(tx => tx.run('x'))
  assert.deepEqual(fake.session.opened.config.bookmarks, ['own'])
  willingAll(fake, native => {
    native.lastBookmarks = ['two']
  })
  await session.executeRead(tx => tx.run('y'))
  assert.deepEqual(fake.session.opened.config.bookmarks, ['own'])
  assert.deepEqual(session.lastBookmarks(), ['two'])
  await session.executeRead(tx => tx.run('z'))
  assert.equal(fake.session.opened.config.bookmarks, undefined)
})

test('a bookmark manager that fails, or has no bookmarks to give, is an answer; one that fails when told is nothing', async t => {
  const answers = [() => Promise.reject(new Error('no bookmarks')), () => [7], () => undefined]
  const { fake, session } = opened(t, undefined, {
    bookmarkManager: {
      getBookmarks: async () => answers.shift()(),
      updateBookmarks() {
        throw new Error('not today')
      }
    }
  })
  willingAll(fake)
  await session.run('x')
  const { bookmarkManager: manager } = fake.session.opened.config
  const asked = async () => {
    fake.say(ask(1, { what: 'bookmarks', manager }))
    await turn()
    return fake.driver.calls.at(-1)
  }
  assert.deepEqual((await asked()).slice(0, 4), ['answer', 1, null, 'no bookmarks'])
  assert.match((await asked())[3], /bookmark/i)
  assert.deepEqual(await asked(), ['answer', 1, '[]'])
  fake.say(committed({ manager, previous: [], bookmark: 'two' }))
})

test('a session that is closed gives its native session on, and keeps its bookmarks', async t => {
  const { fake, driver, session } = opened(t)
  willingAll(fake, native => {
    native.lastBookmarks = ['mark']
  })
  await session.run('x')
  const native = fake.session
  await session.close()
  const next = driver.session({ database: 'db', defaultAccessMode: 'READ' })
  await next.run('y')
  assert.equal(fake.session, native)
  assert.deepEqual([native.opened.write, native.opened.config], [false, { database: 'db' }])
  assert.deepEqual(session.lastBookmarks(), ['mark'])
  await assert.rejects(session.run('z'), /closed session/)
  const other = driver.session()
  await other.run('x')
  assert.notEqual(fake.session, native)
})

test("a native session whose results wait to be taken is nobody else's", async t => {
  const { fake, driver, session } = opened(t)
  willingAll(fake)
  const unread = session.run('x')
  const native = fake.session
  const { op } = native.call('run')
  native.batches.push(batch([[1]]))
  fake.say(keys(op, ['n']), ready(op, native.batches[0].length), summary(op))
  await session.close()
  await driver.session().run('y')
  assert.notEqual(fake.session, native)
  assert.equal((await unread).records.length, 1)
})

test('a transaction that failed is rolled back before its native session serves another', async t => {
  const { fake, driver, session } = opened(t)
  const transaction = session.beginTransaction()
  const native = fake.session
  native.onrollback = () => native.order.push('rollback')
  native.order = []
  native.release = () => native.order.push('release') > 0
  begun(fake)
  const failing = (await transaction).run('x')
  fake.say(failure(native.call('run').op, transient))
  await Promise.all([assert.rejects(failing), session.close()])
  assert.deepEqual(native.order, ['rollback', 'release'])
  willingAll(fake)
  await driver.session().run('y')
})

test('a session under whose close() something goes on keeps its native session', async t => {
  const { fake, driver, session } = opened(t)
  const running = session.run('x')
  const native = fake.session
  const { op } = native.call('run')
  const closing = session.close()
  willingAll(fake)
  await driver.session().run('y')
  assert.notEqual(fake.session, native)
  fake.say(...result(op, ['n'], [[1]]))
  assert.equal((await running).records.length, 1)
  await closing
})

test("executeQuery: one transaction, chained by the driver's bookmarks", async t => {
  const { fake, driver } = opened(t)
  willingAll(fake, native => {
    native.lastBookmarks = ['mark']
  })
  const { records, keys: fields } = await driver.executeQuery(
    'x',
    { a: 1 },
    { routing: 'READ', database: 'db' }
  )
  assert.equal(records.length, 1)
  assert.deepEqual(fields, ['n'])
  assert.deepEqual(names(fake.session), ['execute'])
  assert.deepEqual([fake.session.opened.write, fake.session.opened.config.database], [false, 'db'])
  const { bookmarkManager } = fake.session.opened.config
  await driver.executeQuery('y')
  assert.deepEqual(fake.session.opened.config, { bookmarkManager })
  await driver.executeQuery('z', {}, { bookmarkManager: null })
  assert.equal(fake.session.opened.config, null)
  assert.deepEqual(fake.session.call('execute').config, { api: 3 })
  await assert.rejects(driver.executeQuery('z', {}, { routing: 'X' }), /Illegal query routing config/)
})

test('executeQuery: a transformer has a say in the commit, which waits for it', async t => {
  const { fake, driver } = opened(t)
  willingAll(fake)
  const refused = new Error('no such row')
  const refuse = async result => {
    await result
    throw refused
  }
  await assert.rejects(driver.executeQuery('x', {}, { resultTransformer: refuse }), refused)
  assert.deepEqual(names(fake.session), ['begin', 'run', 'rollback'])
  assert.deepEqual(fake.session.call('begin').config, { api: 3, pipelined: true })
  const first = neo4j.resultTransformers.first()
  assert.equal((await driver.executeQuery('x', {}, { resultTransformer: first })).get('n').toNumber(), 1)
  assert.deepEqual([names(fake.session)[0], names(fake.session).at(-1)], ['begin', 'commit'])
})

test('executeQuery: records that cannot be read here are no reason to do it again', async t => {
  const { fake, driver } = opened(t)
  for (const [isDone, end, complaint] of [
    [true, op => summary(op), /done and committed, but its records cannot be read/],
    [false, op => failure(op, { code: 'N/A', message: 'rolled back' }), /^(?!.*committed)/]
  ]) {
    const promise = driver.executeQuery('x', {}, { bookmarkManager: null })
    await turn()
    const { op } = fake.session.call('execute')
    const broken = rows(op, [[1]])
    broken.fill(0xff, 16, 20) // so many rows
    fake.say(keys(op, ['n']), broken)
    fake.say(end(op))
    const error = await promise.then(
      () => assert.fail('it resolved'),
      error => error
    )
    assert.match(error.message, complaint)
    assert.equal(error.unknownOutcome === true, isDone)
    assert.notEqual(error.retryable, true)
  }
})

test('executeQuery: an abort ends the work, and rejects by its reason', async t => {
  const { fake, driver } = opened(t)
  const controller = new AbortController()
  const promise = driver.executeQuery('x', {}, { signal: controller.signal, bookmarkManager: null })
  await turn()
  controller.abort(new Error('enough'))
  const { op } = fake.session.call('execute')
  assert.equal(fake.session.call('abort').op, op)
  fake.say(failure(op, { code: '', message: 'aborted', aborted: true }))
  await assert.rejects(promise, /enough/)
  await assert.rejects(driver.executeQuery('x', {}, { signal: controller.signal }), /enough/)
})

test('a token manager is asked whenever the native side asks; a refused token may be cured', async t => {
  const fake = install(t)
  let token = neo4j.auth.bearer('first')
  const refused = []
  const manager = {
    getToken: async () => token,
    handleSecurityException: (which, code) => refused.push([which.credentials, code]) > 0
  }
  const driver = neo4j.driver('bolt://localhost', manager)
  assert.deepEqual(fake.driver.config.servers, [{ http: null, bolt: 'bolt://localhost', managed: true }])
  const asked = async question => {
    fake.say(ask(question, { what: 'token', server: 0 }))
    await turn()
    const [, number, json] = fake.driver.calls.at(-1)
    assert.equal(number, question)
    return JSON.parse(json)
  }
  const { serial, ...first } = await asked(1)
  assert.deepEqual(first, { scheme: 'bearer', credentials: 'first' })
  assert.equal((await asked(2)).serial, serial, 'the same token, the same number')
  token = neo4j.auth.bearer('second')
  assert.notEqual((await asked(3)).serial, serial)
  const promise = driver.session().run('x')
  fake.say(
    failure(fake.session.call('run').op, {
      code: 'Neo.ClientError.Security.TokenExpired',
      message: 'old',
      retryable: false,
      token: serial
    })
  )
  const error = await promise.catch(error => error)
  assert.deepEqual(refused, [['first', 'Neo.ClientError.Security.TokenExpired']])
  assert.equal(error.retryable, true)
})

test('why a token manager gives no token is answered', async t => {
  const fake = install(t)
  let give = () => Promise.reject(new Error('no token'))
  neo4j.driver('bolt://localhost', { getToken: () => give(), handleSecurityException: () => false })
  const asked = async question => {
    fake.say(ask(question, { what: 'token', server: 0 }))
    await turn()
    return fake.driver.calls.at(-1)
  }
  assert.deepEqual((await asked(1)).slice(0, 4), ['answer', 1, null, 'no token'])
  give = () => {
    throw new Error('thrown')
  }
  assert.deepEqual((await asked(2)).slice(0, 4), ['answer', 2, null, 'thrown'])
  give = () => 'hunter2'
  const [, , json, reason] = await asked(3)
  assert.equal(json, null)
  assert.match(reason, /token of neo4j\.auth; it gave string/)
})

test('the auth of a session goes with it', async t => {
  const { driver, fake } = opened(t)
  driver.session({ auth: neo4j.auth.basic('ann', 'x') }).run('y')
  const auth = { scheme: 'basic', principal: 'ann', credentials: 'x' }
  assert.deepEqual(fake.session.opened.config.auth, auth)
  const manager = neo4j.authTokenManagers.basic({ tokenProvider: async () => neo4j.auth.basic('a', 'b') })
  assert.throws(
    () => driver.session({ auth: manager }),
    /auth takes a token of neo4j\.auth; it was an auth token manager/
  )
})

test('a driver: server info, features, close', async t => {
  const { driver, fake } = opened(t)
  const info = await driver.getServerInfo()
  assert.deepEqual([info.address, info.agent, String(info.protocolVersion)], ['a:1', 'Neo4j/5.13.0', '5.4'])
  assert.equal(await driver.supportsMultiDb(), true)
  assert.equal(await driver.supportsSessionAuth(), true)
  assert.equal(String(await driver.getNegotiatedProtocolVersion()), '5.4')
  assert.equal(await driver.verifyAuthentication(), true)
  assert.equal(driver.isEncrypted(), false)
  const closing = driver.close()
  assert.equal(driver.close(), closing)
  await closing
  assert.throws(() => driver.session(), /The driver is closed/)
  await assert.rejects(driver.verifyConnectivity(), /The driver is closed/)
  assert.deepEqual(fake.driver.calls.at(-1), ['close'])
})
