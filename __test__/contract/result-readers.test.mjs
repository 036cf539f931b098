// A result that is read twice, in every order: the second reader gets all of it, or an error that names the reason, never a part.
import assert from 'node:assert/strict'
import { boltServer, column, connect, failing, Neo4jHA, test } from '../support/contract.mjs'
import { bolt, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver

const LONG = 'UNWIND range(1, 20000) AS n RETURN n'
const SHORT = 'UNWIND range(1, 3) AS n RETURN n'
const SYNTAX = 'Neo.ClientError.Statement.SyntaxError'

async function iterated(result) {
  const numbers = []
  for await (const record of result) numbers.push(Number(record.get(0)))
  return numbers
}

const subscribed = result =>
  new Promise((resolve, reject) => {
    const numbers = []
    result.subscribe({
      onNext: record => numbers.push(Number(record.get(0))),
      onCompleted: () => resolve(numbers),
      onError: reject
    })
  })

/** Each reads all there is. */
const whole = {
  await: async result => column(await result),
  'for await': iterated,
  subscribe: subscribed,
  'peek and next': async result => {
    const iterator = result[Symbol.asyncIterator]()
    const numbers = []
    while (!(await iterator.peek()).done) numbers.push(Number((await iterator.next()).value.get(0)))
    return numbers
  }
}

/** Each reads a part, or nothing. */
const partly = {
  'summary()': async result => result.summary(),
  'subscribe() without onNext': result =>
    new Promise((onCompleted, onError) => result.subscribe({ onCompleted, onError })),
  'a loop that is left': async result => {
    for await (const _ of result) break
  },
  'return() alone': async result => result[Symbol.asyncIterator]().return(),
  'next() alone': async result => result[Symbol.asyncIterator]().next(),
  'keys()': async result => result.keys()
}

const numbers = count => Array.from({ length: count }, (_, i) => i + 1)
const GONE = /already consumed/
const BY_SUMMARY = /discarded by summary\(\); read it before/
const BY_SUBSCRIBE = /discarded by subscribe\(\) without onNext; read it before/

async function opened(t, config) {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  return { server, session: connect(t, server.uri, undefined, config).session({ fetchSize: 100 }) }
}

for (const [first, begin] of Object.entries(whole)) {
  for (const [second, go] of Object.entries(whole)) {
    test(`${first} and ${second} at once: both get all`, async t => {
      const { session } = await opened(t)
      for (const [query, count] of [
        [SHORT, 3],
        [LONG, 20_000]
      ]) {
        const result = session.run(query)
        const [one, other] = await Promise.all([begin(result), go(result)])
        assert.deepEqual(one, numbers(count))
        assert.deepEqual(other, numbers(count))
      }
    })
  }

  test(`after await, ${first} gets all of it again`, async t => {
    const { session } = await opened(t)
    const result = session.run(LONG)
    await result
    assert.deepEqual(await begin(result), numbers(20_000))
    assert.deepEqual(await begin(result), numbers(20_000))
  })

  test(`while a result is being awaited, ${first} gets all of it`, async t => {
    const { session } = await opened(t)
    const result = session.run(LONG)
    const all = whole.await(result)
    await result.keys()
    assert.deepEqual(await begin(result), numbers(20_000))
    assert.deepEqual(await all, numbers(20_000))
  })

  test(`after ${first}, summary() and keys() are those of the result, and a follower hears of both`, async t => {
    const { session } = await opened(t)
    const result = session.run(SHORT)
    await begin(result)
    assert.equal((await result.summary()).queryType, 'r')
    assert.deepEqual(await result.keys(), ['n'])
    const seen = []
    await new Promise((resolve, onError) =>
      result.subscribe({
        onKeys: names => seen.push(...names),
        onCompleted: ({ queryType }) => resolve(seen.push(queryType)),
        onError
      })
    )
    assert.deepEqual(seen, ['n', 'r'])
    assert.equal(result.isOpen(), false)
  })

  test(`${first} together with summary() gets all of it, whichever is first`, async t => {
    const { session } = await opened(t)
    const after = session.run(SHORT)
    assert.deepEqual((await Promise.all([begin(after), after.summary()]))[0], numbers(3))
    const before = session.run(SHORT)
    assert.deepEqual((await Promise.all([before.summary(), begin(before)]))[1], numbers(3))
  })

  test(`after the error of a query, ${first} gets that very error`, async t => {
    const { session } = await opened(t)
    const result = session.run('NONSENSE')
    const error = await failing(result)
    assert.equal(error.code, SYNTAX)
    assert.equal(await failing(begin(result)), error)
    assert.equal(await failing(result.summary()), error)
    assert.equal(await failing(result.keys()), error)
  })

  for (const [streamed, read] of Object.entries({ 'for await': iterated, subscribe: subscribed })) {
    test(`after ${streamed}, ${first} is told that the records are gone`, async t => {
      const { session } = await opened(t)
      const result = session.run(SHORT)
      assert.deepEqual(await read(result), numbers(3))
      assert.match((await failing(begin(result))).message, GONE)
    })

    test(`after ${streamed} of no records, ${first} gets none, and no error`, async t => {
      const { server, session } = await opened(t)
      server.on('NOTHING', { fields: ['n'], records: [] })
      const result = session.run('NOTHING')
      assert.deepEqual(await read(result), [])
      assert.deepEqual(await begin(result), [])
    })
  }
}

const outcomes = {
  'summary()': { short: null, long: BY_SUMMARY },
  'subscribe() without onNext': { short: null, long: BY_SUBSCRIBE },
  'a loop that is left': { short: GONE, long: GONE },
  'return() alone': { short: GONE, long: GONE },
  'next() alone': { short: GONE, long: GONE },
  'keys()': { short: null, long: null }
}

for (const [name, read] of Object.entries(partly)) {
  for (const [second, go] of Object.entries(whole)) {
    for (const [size, query, count] of [
      ['short', SHORT, 3],
      ['long', LONG, 20_000]
    ]) {
      const reason = outcomes[name][size]
      const expected = reason === null ? 'gets all' : `is told: ${reason.source}`
      test(`after ${name} of a ${size} result, ${second} ${expected}`, async t => {
        const { session } = await opened(t)
        const result = session.run(query)
        await read(result)
        const outcome = await go(result).then(
          all => all,
          ({ message }) => reason.test(message)
        )
        assert.deepEqual(outcome, reason === null ? numbers(count) : true)
      })
    }
  }
}

test('one of two iterators that stops stops neither the other nor close()', async t => {
  const { session } = await opened(t)
  const result = session.run(LONG)
  const [stopped, other] = [result[Symbol.asyncIterator](), result[Symbol.asyncIterator]()]
  const firsts = await Promise.all([stopped.next(), other.next()])
  assert.deepEqual(
    firsts.map(({ value }) => Number(value.get(0))),
    [1, 1]
  )
  let count = 1
  while (!(await other.next()).done) count++
  assert.equal(count, 20_000)
  await session.close()
  assert.equal(Number((await stopped.next()).value.get(0)), 2)
})

test('a loop that is left takes nothing from whoever awaits the same result', async t => {
  const { session } = await opened(t)
  const result = session.run(LONG)
  const all = whole.await(result)
  for await (const _ of result) break
  assert.deepEqual(await all, numbers(20_000))
})

test('the end is told again and again, and so is an error in its place', async t => {
  const { session } = await opened(t)
  const iterator = session.run(SHORT)[Symbol.asyncIterator]()
  for (let i = 1; i <= 3; i++) assert.equal(Number((await iterator.next()).value.get(0)), i)
  for (const method of ['next', 'peek', 'return', 'next']) {
    const { done, value } = await iterator[method]()
    assert.deepEqual([done, value.queryType], [true, 'r'])
  }
  const bad = session.run('NONSENSE')[Symbol.asyncIterator]()
  for (const method of ['next', 'peek', 'return', 'next']) {
    assert.equal((await failing(bad[method]())).code, SYNTAX)
  }
})

test('records that were asked for before return() come before the end, and none after it', async t => {
  const { session } = await opened(t)
  const iterator = session.run(LONG)[Symbol.asyncIterator]()
  const [first, last, after] = [iterator.next(), iterator.return(), iterator.next()]
  assert.deepEqual(
    (await Promise.all([last, after])).map(({ done }) => done),
    [true, true]
  )
  assert.equal((await first).done, true)
  assert.equal((await iterator.next()).done, true)
})

test('a result that was awaited by several is one, and what a reader does to its records is seen by no iterator', async t => {
  const { session } = await opened(t)
  const result = session.run(SHORT)
  const [one, two] = await Promise.all([result, result])
  assert.equal(one.records, two.records)
  const iterator = result[Symbol.asyncIterator]()
  await iterator.next()
  one.records.length = 0
  assert.equal(Number((await iterator.next()).value.get(0)), 2)
})

test('whoever waits for a record of an iterator that is left gets the error of its query too', async t => {
  const server = await boltServer(t)
  server.when('PULL', silence)
  const iterator = connect(t, server.uri).session().run('RETURN 1')[Symbol.asyncIterator]()
  const ends = [iterator.next(), iterator.peek(), iterator.return(), iterator.next()].map(failing)
  await until(() => server.received('PULL').length === 1)
  await server.kick()
  for (const error of await within(Promise.all(ends), 5000)) assert.equal(error.code, 'ServiceUnavailable')
  assert.equal((await failing(iterator.next())).code, 'ServiceUnavailable')
})

const changes = {
  'of a record': async run => (await run()).records[0].keys.sort(),
  'of keys()': async run => (await run().keys()).push('more'),
  'of onKeys': run =>
    new Promise(done => run().subscribe({ onKeys: keys => keys.unshift('more'), onCompleted: done })),
  'of executeQuery': async (_, driver, query) => (await driver.executeQuery(query)).keys.shift()
}

for (const [name, change] of Object.entries(changes)) {
  test(`an application may change the keys ${name}: no other result sees it`, async t => {
    const server = await boltServer(t)
    const driver = connect(t, server.uri)
    const query = 'UNWIND range(1, 3) AS n RETURN n AS b, n * 2 AS a'
    server.on(query, {
      fields: ['b', 'a'],
      records: [
        [1, 2],
        [2, 4]
      ]
    })
    const run = () => driver.session({ fetchSize: 1 }).run(query)
    await change(run, driver, query)
    const { records } = await run()
    const seen = records.map(record => record.toObject())
    assert.deepEqual(seen, [
      { b: neo4j.int(1), a: neo4j.int(2) },
      { b: neo4j.int(2), a: neo4j.int(4) }
    ])
  })
}
