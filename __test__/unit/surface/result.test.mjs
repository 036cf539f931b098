// A result: what reaches whoever reads it, and what is asked of the native side meanwhile.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { ProtocolVersion } from 'neo4j-driver-core'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { batch, failure, install, keys, ready, restart, result, rows, summary } from './fake-native.mjs'

const neo4j = Neo4jHA.driver
const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => [from + i])
const syntaxError = { code: 'Neo.ClientError.Statement.SyntaxError', message: 'bad', retryable: false }

/** A query under way, and the native session that does it. */
function running(t, config) {
  const fake = install(t)
  const driver = neo4j.driver('bolt://localhost', undefined, config)
  const session = driver.session()
  const run = (...args) => {
    const result = session.run(...(args.length > 0 ? args : ['RETURN 1 AS n']))
    return { result, op: fake.session.call('run').op }
  }
  return { fake, driver, session, run, ...run() }
}

test('the work starts in the call, without anybody awaiting it', t => {
  const { fake } = running(t)
  assert.equal(fake.session.call('run').query, 'RETURN 1 AS n')
  assert.deepEqual(fake.session.call('run').params, Buffer.from([0xa0]))
})

test('awaiting gives records, summary and servedBy', async t => {
  const { fake, result: promise, op } = running(t)
  fake.say(
    ...result(
      op,
      ['n', 't'],
      [
        [1, 'a'],
        [2, null]
      ],
      { type: 'rw', t_last: 3, db: 'neo4j', stats: { 'nodes-created': 2 } }
    )
  )
  const { records, summary, servedBy } = await promise
  assert.deepEqual(
    records.map(record => [record.get('n').toNumber(), record.get('t')]),
    [
      [1, 'a'],
      [2, null]
    ]
  )
  assert.ok(records[0] instanceof neo4j.Record)
  assert.ok(summary instanceof neo4j.ResultSummary)
  assert.ok(summary.counters instanceof neo4j.QueryStatistics)
  assert.equal(summary.queryType, 'rw')
  assert.equal(summary.counters.updates().nodesCreated, 2)
  assert.equal(summary.resultAvailableAfter.toNumber(), 7)
  assert.equal(summary.resultConsumedAfter.toNumber(), 3)
  assert.equal(summary.database.name, 'neo4j')
  assert.equal(summary.server.address, 'localhost:7687')
  assert.equal(summary.server.agent, 'Neo4j/5.13.0')
  assert.equal(String(summary.server.protocolVersion), '5.4')
  assert.equal(summary.gqlStatusObjects[0].gqlStatus, '00000')
  assert.equal(servedBy.location.bolt, 'bolt://localhost')
  assert.equal(summary.servedBy, servedBy)
  assert.equal(promise.servedBy, servedBy)
})

test('the names of 1.x on the summary', async t => {
  const { fake, result: promise, op } = running(t)
  fake.say(...result(op, ['n'], [[1]], { type: 'w', stats: { 'nodes-created': 2, 'labels-added': 1 } }))
  const { summary } = await promise
  assert.equal(summary.statement.text, 'RETURN 1 AS n')
  assert.equal(summary.statementType, 'w')
  assert.equal(summary.counters.nodesCreated(), 2)
  assert.equal(summary.counters.labelsAdded(), 1)
  assert.equal(summary.counters.relationshipsDeleted(), 0)
  assert.equal(summary.updateStatistics, summary.counters)
})

test('a status is completed as neo4j-driver does, and polyfilled where there is none', async t => {
  const { fake, run, result: first, op } = running(t)
  fake.say(keys(op, []), summary(op, { type: 'w' }, { hasRecords: false, hasKeys: false }))
  assert.equal((await first).summary.gqlStatusObjects[0].gqlStatus, '00001')
  const second = run()
  fake.say(keys(second.op, ['n']), summary(second.op, { type: 'r' }, { hasRecords: false }))
  assert.equal((await second.result).summary.gqlStatusObjects[0].gqlStatus, '02000')
  const third = run()
  const statuses = [
    {
      gql_status: '01N00',
      status_description: 'w',
      neo4j_code: 'Neo.X',
      title: 't',
      diagnostic_record: { _severity: 'WARNING' }
    }
  ]
  fake.say(keys(third.op, ['n']), summary(third.op, { type: 'r', statuses }))
  const { summary: last } = await third.result
  assert.deepEqual(last.gqlStatusObjects[0].diagnosticRecord, {
    OPERATION: '',
    OPERATION_CODE: '0',
    CURRENT_SCHEMA: '/',
    _severity: 'WARNING'
  })
  assert.equal(last.notifications[0].code, 'Neo.X')
})

/** The summary that core itself makes of what came. */
function ofCore(metadata, [query, parameters], available) {
  const server = { address: 'localhost:7687', version: 'Neo4j/5.13.0' }
  const stream_summary = { have_records_streamed: true, pulled: true, has_keys: true }
  const all = {
    ...metadata,
    server,
    stream_summary,
    result_available_after: available && neo4j.int(available),
    result_consumed_after: metadata.t_last && neo4j.int(metadata.t_last)
  }
  return new neo4j.ResultSummary(query, parameters, all, new ProtocolVersion(5, 4))
}

const ENDS = {
  'of a query that reads': { type: 'r', t_last: 3, db: 'neo4j' },
  'of a query that writes': {
    type: 'rw',
    db: 'neo4j',
    stats: { 'nodes-created': 2, 'contains-updates': true }
  },
  'of an administration command': { type: 's', db: 'system', stats: { 'system-updates': 1 } },
  'with the statuses of Bolt 5.7': {
    type: 'r',
    statuses: [
      {
        gql_status: '00000',
        status_description: 'note: successful completion',
        diagnostic_record: { OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/' }
      }
    ]
  },
  'with a notification': {
    type: 'r',
    notifications: [{ code: 'Neo.X', title: 't', description: 'd', severity: 'WARNING' }]
  },
  'with a plan': { type: 'r', plan: { operatorType: 'X', identifiers: ['n'], args: {}, children: [] } },
  'with a profile': {
    type: 'r',
    profile: { operatorType: 'X', identifiers: ['n'], args: {}, dbHits: 1, rows: 2, children: [] }
  }
}

for (const [what, metadata] of Object.entries(ENDS)) {
  test(`the summary ${what} is as neo4j-driver-core makes it, each time, and nobody else's`, async t => {
    const { fake, run } = running(t)
    const query = ['RETURN $n AS n', { n: 1 }]
    for (let i = 0; i < 3; i++) {
      const { result: promise, op } = run(...query)
      fake.say(...result(op, ['n'], [[1]], metadata))
      const { servedBy, ...made } = (await promise).summary
      const { ...expected } = ofCore(metadata, query, 7)
      assert.deepEqual(Object.keys(made), Object.keys(expected))
      assert.deepEqual(JSON.parse(JSON.stringify(made)), JSON.parse(JSON.stringify(expected)))
      assert.deepEqual(Object.keys(made.counters), Object.keys(expected.counters))
      assert.deepEqual(made.counters.updates(), expected.counters.updates())
      assert.equal(made.counters.containsUpdates(), expected.counters.containsUpdates())
      assert.equal(made.counters.containsSystemUpdates(), expected.counters.containsSystemUpdates())
      const own = [made.query, made.server, made.database, made.counters]
      for (const one of [...own, ...made.notifications, made.plan, made.profile]) if (one) one.mine = true
      for (const status of made.gqlStatusObjects) {
        assert.ok(Object.isFrozen(status) && Object.isFrozen(status.diagnosticRecord))
      }
      for (const list of [made.notifications, made.gqlStatusObjects, made.plan.children]) list?.push('mine')
    }
  })
}

test('integers of records and summary are as the driver was told', async t => {
  for (const [config, type] of [
    [{ disableLosslessIntegers: true }, 'number'],
    [{ useBigInt: true }, 'bigint']
  ]) {
    const { fake, result: promise, op } = running(t, config)
    fake.say(...result(op, ['n'], [[1]]))
    const { records, summary } = await promise
    assert.equal(typeof records[0].get('n'), type)
    assert.equal(typeof summary.resultAvailableAfter, type)
    assert.equal(typeof summary.resultConsumedAfter, type)
  }
})

test('a result that came before anybody looked is there for whoever looks', async t => {
  for (const read of [
    async result => (await result).records,
    async result => {
      const records = []
      for await (const record of result) records.push(record)
      return records
    },
    result => {
      const records = []
      return new Promise((onCompleted, onError) =>
        result.subscribe({
          onNext: record => records.push(record),
          onCompleted: () => onCompleted(records),
          onError
        })
      )
    }
  ]) {
    const { fake, result: promise, op } = running(t)
    fake.say(keys(op, ['n']), rows(op, numbers(0, 3)), rows(op, numbers(3, 200)), summary(op))
    await turn()
    assert.ok(promise.isOpen())
    const records = await read(promise)
    assert.deepEqual(
      records.map(record => record.get('n').toNumber()),
      numbers(0, 200).flat()
    )
    assert.ok(!promise.isOpen())
  }
})

test('large batches stay on the native side until somebody reads, then come one a turn', async t => {
  const { fake, result: promise, op } = running(t)
  const native = fake.session
  native.batches = [batch(numbers(0, 100)), batch(numbers(100, 200))]
  fake.say(keys(op, ['n']), ready(op, native.batches[0].length), ready(op, native.batches[1].length))
  await turn()
  assert.equal(native.count('take'), 0)
  const records = promise.then(({ records }) => records)
  await turn()
  assert.equal(native.count('take'), 1)
  assert.equal(native.call('more').batches, 1)
  await turn()
  assert.equal(native.count('take'), 2)
  fake.say(summary(op))
  assert.deepEqual(
    (await records).map(record => record.get('n').toNumber()),
    numbers(0, 200).flat()
  )
})

test('the end waits for the batches before it, and records keep their order', async t => {
  const { fake, result: promise, op } = running(t)
  const native = fake.session
  native.batches = [batch(numbers(0, 100))]
  const collected = promise.then(({ records }) => records)
  await turn()
  fake.say(keys(op, ['n']), ready(op, native.batches[0].length), rows(op, numbers(100, 103)), summary(op))
  assert.deepEqual(
    (await collected).map(record => record.get('n').toNumber()),
    numbers(0, 103).flat()
  )
})

test('credit is given for what was read, in one call a wake, and not after the end', async t => {
  const { fake, result: promise, op, run } = running(t)
  const reading = promise.then(() => {})
  await turn()
  fake.say(keys(op, ['n']), rows(op, [[1]]), rows(op, [[2]]))
  assert.equal(fake.session.count('more'), 1)
  assert.equal(fake.session.call('more').batches, 2)
  fake.say(summary(op))
  await reading
  const small = run()
  const read = small.result.then(() => {})
  await turn()
  fake.say(...result(small.op, ['n'], [[1]]))
  await read
  assert.equal(fake.session.count('more'), 1)
})

test('an iterator asks for more as its reader takes records', async t => {
  const { fake, result: promise, op } = running(t, { fetchSize: 10 })
  const native = fake.session
  const iterator = promise[Symbol.asyncIterator]()
  const first = iterator.next()
  native.batches = [batch(numbers(0, 10)), batch(numbers(10, 20))]
  fake.say(keys(op, ['n']), ready(op, native.batches[0].length), ready(op, native.batches[1].length))
  assert.equal((await first).value.get('n').toNumber(), 0)
  for (let i = 0; i < 5; i++) await turn()
  assert.equal(native.count('take'), 1)
  assert.equal(native.count('more'), 0)
  for (let i = 1; i < 7; i++) await iterator.next()
  await turn()
  assert.equal(native.count('take'), 2)
  assert.equal(native.call('more').batches, 1)
})

test('an iterator peeks without taking, ends with the summary, and again when asked again', async t => {
  const { fake, result: promise, op } = running(t)
  fake.say(...result(op, ['n'], [[1], [2]]))
  const iterator = promise[Symbol.asyncIterator]()
  const values = []
  values.push(await iterator.peek(), await iterator.next(), await iterator.next())
  assert.deepEqual(
    values.map(({ value }) => value.get('n').toNumber()),
    [1, 1, 2]
  )
  assert.equal((await iterator.peek()).done, true)
  const end = await iterator.next()
  assert.ok(end.done && end.value instanceof neo4j.ResultSummary)
  assert.equal((await iterator.next()).value, end.value)
})

test('several next() at once are answered in order', async t => {
  const { fake, result: promise, op } = running(t)
  const iterator = promise[Symbol.asyncIterator]()
  const nexts = [iterator.next(), iterator.next(), iterator.next()]
  fake.say(...result(op, ['n'], [[1], [2]]))
  const [a, b, c] = await Promise.all(nexts)
  assert.deepEqual([a.value.get('n').toNumber(), b.value.get('n').toNumber(), c.done], [1, 2, true])
})

test('leaving a loop discards the rest', async t => {
  const { fake, result: promise, op } = running(t)
  const native = fake.session
  native.oncancel = () => fake.say(summary(op))
  const reading = (async () => {
    for await (const record of promise) return record.get('n').toNumber()
  })()
  await turn()
  fake.say(keys(op, ['n']), rows(op, numbers(5, 9)))
  assert.equal(await reading, 5)
  assert.equal(native.count('cancel'), 1)
  assert.ok(!promise.isOpen())
})

test('an iterator over what was collected gives it again; over what was streamed it is refused', async t => {
  const { fake, run, result: promise, op } = running(t)
  fake.say(...result(op, ['n'], [[1]]))
  await promise
  const iterator = promise[Symbol.asyncIterator]()
  assert.equal((await iterator.next()).value.get('n').toNumber(), 1)
  assert.equal((await iterator.next()).done, true)
  const second = run()
  second.result.subscribe({ onNext() {} })
  fake.say(...result(second.op, ['n'], [[1]]))
  await assert.rejects(second.result[Symbol.asyncIterator]().next(), /already consumed/)
})

test('subscribe() returns the result, and calls back in order', async t => {
  const { fake, result: promise, op } = running(t)
  const told = []
  const returned = promise.subscribe({
    onKeys: names => told.push(names),
    onNext: record => told.push(record.get('n').toNumber()),
    onCompleted: ({ queryType }) => told.push(queryType)
  })
  assert.equal(returned, promise)
  fake.say(...result(op, ['n'], [[1], [2]]))
  assert.deepEqual(told, [['n'], 1, 2, 'r'])
})

test('what onNext throws ends the result and goes to onError', async t => {
  const { fake, result: promise, op } = running(t)
  const errors = []
  const seen = []
  promise.subscribe({
    onNext(record) {
      seen.push(record.get('n').toNumber())
      throw new Error('mine')
    },
    onCompleted: () => assert.fail('completed'),
    onError: error => errors.push(error.message)
  })
  fake.say(keys(op, ['n']), rows(op, numbers(0, 3)), rows(op, numbers(3, 6)))
  assert.equal(fake.session.count('cancel'), 1)
  fake.say(summary(op))
  assert.deepEqual([seen, errors], [[0], ['mine']])
})

test('what onError throws is an uncaught exception, and costs others nothing', async t => {
  const { fake, result: first, op, run } = running(t)
  const second = run()
  const uncaught = new Promise(resolve => process.setUncaughtExceptionCaptureCallback(resolve))
  t.after(() => process.setUncaughtExceptionCaptureCallback(null))
  first.subscribe({
    onError() {
      throw new Error('from onError')
    }
  })
  fake.say(failure(op, syntaxError), ...result(second.op, ['n'], [[4]]))
  assert.match((await uncaught).message, /from onError/)
  assert.equal((await second.result).records[0].get('n').toNumber(), 4)
})

test('awaiting, subscribing and keys() at once all get theirs', async t => {
  const { fake, result: promise, op } = running(t)
  let next = 0
  let completed = 0
  promise.subscribe({ onNext: () => next++, onCompleted: () => completed++ })
  const all = Promise.all([promise, promise, promise.keys(), promise.summary()])
  await turn()
  fake.say(...result(op, ['n'], numbers(0, 3)))
  const [first, second, names, last] = await all
  assert.equal(first, second)
  assert.equal(first.records.length, 3)
  assert.deepEqual([names, next, completed], [['n'], 3, 1])
  assert.equal(last, first.summary)
  assert.equal(await promise.summary(), last)
  assert.deepEqual(await promise.keys(), ['n'])
})

test('a result that begins anew without records is one without records', async t => {
  const { fake, result: promise, op } = running(t)
  const names = []
  const seen = promise.keys().then(keys => names.push(...keys))
  fake.say(keys(op, ['n']), rows(op, [[1], [2]]), restart(op), keys(op, ['n']))
  fake.say(summary(op, { type: 'r' }, { hasRecords: false }))
  const { records, summary: last } = await promise
  await seen
  assert.deepEqual([records.length, names], [0, ['n']])
  assert.equal(last.gqlStatusObjects[0].gqlStatus, '02000')
})

test('what is left of a result that is dropped is not taken, and its summary still comes', async t => {
  const { fake, result: promise, op, session } = running(t)
  const iterator = promise[Symbol.asyncIterator]()
  const first = iterator.next()
  fake.say(keys(op, ['n']), rows(op, numbers(0, 9)))
  await first
  await session.close()
  await turn()
  assert.equal(fake.session.call('cancel').keeps, true)
  const last = promise.summary()
  fake.say(summary(op, { type: 'r' }, { isPartial: true }))
  await assert.rejects(iterator.next(), /discarded when its session was closed/)
  assert.equal((await last).queryType, 'r')
  assert.equal((await iterator.return()).done, true)
})

test('keys() reads nothing: records are there for whoever comes next', async t => {
  const { fake, result: promise, op } = running(t)
  const names = promise.keys()
  fake.say(keys(op, ['a', 'b']), rows(op, [[1, 2]]))
  assert.deepEqual(await names, ['a', 'b'])
  assert.equal(fake.session.count('more'), 0)
  fake.say(summary(op))
  assert.equal((await promise).records.length, 1)
})

test('keys that are not ASCII', async t => {
  const { fake, result: promise, op } = running(t)
  fake.say(...result(op, ['größe', '名'], [[1, 2]]))
  const { records } = await promise
  assert.deepEqual(records[0].keys, ['größe', '名'])
  assert.equal(records[0].get('名').toNumber(), 2)
})

test('summary() of a result nobody reads discards its records', async t => {
  const { fake, result: promise, op } = running(t)
  const native = fake.session
  fake.say(keys(op, ['n']), rows(op, numbers(0, 9)))
  native.oncancel = () => fake.say(summary(op, { type: 'r' }))
  assert.equal((await promise.summary()).queryType, 'r')
  assert.equal(native.count('cancel'), 1)
})

test('summary() while somebody reads waits for the end', async t => {
  const { fake, result: promise, op } = running(t)
  const both = Promise.all([promise.then(({ records }) => records.length), promise.summary()])
  await turn()
  fake.say(...result(op, ['n'], numbers(0, 9)))
  assert.equal((await both)[0], 9)
  assert.equal(fake.session.count('cancel'), 0)
})

test('a failure reaches every way of reading, as one error', async t => {
  const { fake, result: promise, op } = running(t)
  const told = []
  promise.subscribe({ onError: error => told.push(error) })
  const settled = Promise.allSettled([promise, promise.keys(), promise.summary(), promise.finally(() => {})])
  await turn()
  fake.say(failure(op, syntaxError))
  for (const { reason } of await settled) assert.equal(reason, told[0])
  assert.ok(told[0] instanceof neo4j.Neo4jError)
  assert.equal(told[0].code, syntaxError.code)
  assert.ok(!promise.isOpen())
  await assert.rejects(promise.keys(), told[0])
})

test('records before a failure are delivered', async t => {
  const { fake, result: promise, op } = running(t)
  fake.say(keys(op, ['n']), rows(op, [[1]]), failure(op, { ...syntaxError, message: 'later' }))
  const iterator = promise[Symbol.asyncIterator]()
  assert.equal((await iterator.next()).value.get('n').toNumber(), 1)
  await assert.rejects(iterator.next(), /later/)
})

test('a failed result that nobody looks at never ends the process', async t => {
  const { fake, op, session } = running(t)
  let unhandled = 0
  const count = () => unhandled++
  process.on('unhandledRejection', count)
  t.after(() => process.off('unhandledRejection', count))
  fake.say(failure(op, syntaxError))
  session.run('RETURN $x', { x: () => {} })
  await session.close()
  for (let i = 0; i < 3; i++) await turn()
  assert.equal(unhandled, 0)
})

test('the stack of an error shows who was waiting', async t => {
  const { fake, result: promise, op } = running(t)
  async function theCaller() {
    await promise
  }
  async function theCallersCaller() {
    await theCaller()
  }
  setImmediate(() => fake.say(failure(op, syntaxError)))
  const error = await theCallersCaller().catch(error => error)
  assert.match(error.stack, /^Neo4jError: bad\n.*theCaller .*\n.*theCallersCaller /)
})

test('a parameter that cannot be sent is the error of the result, and names its path', async t => {
  const { session, fake } = running(t)
  const before = fake.session.count('run')
  await assert.rejects(session.run('RETURN $rows', { rows: [1, { when: () => {} }] }), /rows\[1\]\.when/)
  assert.equal(fake.session.count('run'), before)
})

test('what is no query is refused in the call', t => {
  const { session } = running(t)
  assert.throws(() => session.run(''), { name: 'TypeError', message: /non-empty string/ })
  assert.throws(() => session.run('  \n '), /non-empty string/)
  for (const query of [7, null, undefined, {}])
    assert.throws(() => session.run(query), { name: 'TypeError', message: /Cypher query/ })
  assert.throws(() => session.run({ text: 7 }), /expected to be string/)
  assert.throws(() => session.run('RETURN 1', 7), /Query parameters are expected to/)
  assert.throws(() => session.run('RETURN 1', {}, 7), /Transaction config expected to be an object/)
  assert.throws(() => session.run('RETURN 1', {}, { timeout: -1 }), /should not be negative/)
})

test('a query may come as a String, or with its parameters', t => {
  const { session, fake } = running(t)
  session.run(new String('RETURN 2'))
  assert.equal(fake.session.call('run').query, 'RETURN 2')
  session.run({ text: 'RETURN $a', parameters: { a: 'x' } }, undefined, {
    timeout: 50.5,
    metadata: { app: 'y' }
  })
  const call = fake.session.call('run')
  assert.equal(call.query, 'RETURN $a')
  assert.deepEqual(call.params, Buffer.from([0xa1, 0x81, 0x61, 0x81, 0x78]))
  assert.deepEqual(call.config, { timeout: 51 })
  assert.deepEqual(Buffer.from(call.metadata), Buffer.from([0xa1, 0x83, 0x61, 0x70, 0x70, 0x81, 0x79]))
  session.run('RETURN $a', Object.assign(Object.create(null), { a: 'x' }))
  assert.deepEqual(fake.session.call('run').params, Buffer.from([0xa1, 0x81, 0x61, 0x81, 0x78]))
})

test('as() maps records to objects, and what a rule refuses is the error of the result', async t => {
  class Person {
    constructor(name) {
      this.name = name
    }
  }
  const { fake, result: promise, op, run } = running(t)
  const mapped = promise.as(Person)
  fake.say(...result(op, ['name'], [['Ada']]))
  const { records } = await mapped
  assert.ok(records[0] instanceof Person)
  assert.equal(records[0].name, 'Ada')
  assert.throws(() => promise.as(Person), /being consumed/)
  const second = run()
  const strict = second.result.as({ name: neo4j.rule.asNumber() })
  fake.say(...result(second.op, ['name'], [['Ada']]))
  await assert.rejects(Promise.resolve(strict), /name/)
})

test('the result transformers of neo4j-driver work', async t => {
  const { fake, result: first, op, run } = running(t)
  const eager = neo4j.resultTransformers.eager()(first)
  await turn()
  fake.say(...result(op, ['n'], [[1]]))
  assert.ok((await eager) instanceof neo4j.EagerResult)
  const second = run()
  const one = neo4j.resultTransformers.first()(second.result)
  await turn()
  fake.session.oncancel = () => fake.say(summary(second.op))
  fake.say(keys(second.op, ['n']), rows(second.op, [[8], [9]]))
  assert.equal((await one).get('n').toNumber(), 8)
})

test('a message larger than the inbox makes it grow', async t => {
  const { fake, result: promise, op } = running(t)
  const long = 'x'.repeat(100_000)
  fake.say(keys(op, ['n']), rows(op, [[long]]), summary(op))
  assert.equal((await promise).records[0].get('n'), long)
  assert.ok(fake.drains.at(-1) >= 131_072)
})

test('work under way holds the process, an idle driver does not', async t => {
  const { fake, result: promise, op } = running(t)
  assert.equal(fake.refs, 1)
  fake.say(...result(op, ['n'], [[1]]))
  await promise
  while (fake.refs > 0) await turn()
  assert.equal(fake.refs, 0)
})

test('a batch that cannot be read is the error of its result alone', async t => {
  const { fake, result: first, op, run } = running(t)
  const second = run()
  const both = Promise.allSettled([first, second.result])
  await turn()
  fake.session.take = () => {
    throw new Error('torn')
  }
  fake.say(keys(op, ['n']), ready(op, 1024), ...result(second.op, ['n'], [[1]]))
  const [torn, whole] = await both
  assert.match(torn.reason.message, /torn/)
  assert.equal(whole.value.records.length, 1)
})

test('a wake with nothing to say, and words about what is over, do no harm', async t => {
  const { fake, result: promise, op } = running(t)
  fake.say()
  fake.say(...result(op, ['n'], [[1]]))
  fake.say(summary(op))
  assert.equal((await promise).records.length, 1)
})
