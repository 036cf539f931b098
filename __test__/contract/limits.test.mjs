// What a server may send: each limit as an option, the error that names it, and that the same answer passes where it is higher.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import {
  ask,
  boltServer,
  connect,
  failing,
  member,
  Neo4jHA,
  ready,
  settle,
  test
} from '../support/contract.mjs'
import { Packed } from '../support/packstream.mjs'
import { bolt } from '../support/scripted-server.mjs'
import { within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const nested = levels => {
  let value = 'x'
  for (let level = 0; level < levels; level++) value = [value]
  return value
}
const plan = operators => {
  let node = { operatorType: 'Leaf', children: [] }
  for (let n = 1; n < operators; n++) node = { operatorType: `Operator${n}`, children: [node] }
  return node
}
const fail = (driver, query) => failing(ask(driver, query))

const TOO_LARGE = {
  message: {
    answer: { fields: ['x'], records: [['x'.repeat(100_000)]] },
    least: 65_536,
    raised: 200_000,
    passes: result => assert.equal(result.records[0].get('x').length, 100_000)
  },
  depth: {
    answer: { fields: ['x'], records: [[nested(150)]] },
    least: 100,
    raised: 200,
    passes: result => assert.deepEqual(result.records[0].get('x'), nested(150))
  },
  columns: {
    answer: {
      fields: Array.from({ length: 1_001 }, (_, n) => `c${n}`),
      records: [Array.from({ length: 1_001 }, () => true)]
    },
    least: 1_000,
    raised: 1_001,
    passes: result => assert.equal(result.records[0].length, 1_001)
  }
}

for (const [limit, { answer, least, raised, passes }] of Object.entries(TOO_LARGE)) {
  test(`an answer beyond limits.${limit} is an error that names the option; where it is higher, the answer comes`, async t => {
    const server = await boltServer(t)
    server.on('LARGE', answer)
    const error = await fail(connect(t, server.uri, undefined, { limits: { [limit]: least } }), 'LARGE')
    assert.match(error.message, new RegExp(`of ${least} .*option \`limits\\.${limit}\``))
    assert.ok(error.message.includes(server.address), error.message)
    passes(await ask(connect(t, server.uri, undefined, { limits: { [limit]: raised } }), 'LARGE'))
    passes(await ask(connect(t, server.uri), 'LARGE'))
  })

  test(`Neo4jHA takes limits.${limit} among the options of its drivers`, async t => {
    const { bolt: server, location } = await member(t)
    server.on('LARGE', answer)
    const low = await ready(t, [location], { neo4jDriverOptions: { limits: { [limit]: least } } })
    assert.match((await fail(low, 'LARGE')).message, new RegExp(`limits\\.${limit}`))
    const high = await ready(t, [location], { neo4jDriverOptions: { limits: { [limit]: raised } } })
    passes(await ask(high, 'LARGE'))
  })
}

test('values nest 4,096 levels, plans and parameters 1,000 and more, also where the stack is small', async t => {
  // Maps of maps, and the same with lists between them, of so many levels.
  const maps = levels => new Packed([...Array(levels).fill([0xa1, 0x81, 0x61]).flat(), 0xc0])
  const both = levels =>
    new Packed([
      ...Array(levels / 2)
        .fill([0x91, 0xa1, 0x81, 0x61])
        .flat(),
      0xc0
    ])
  const server = await boltServer(t)
  server.on('CREATE', {
    fields: ['maps', 'both', 'parameter'],
    records: [[maps(4_096), both(4_096), nested(1_000)]],
    summary: { plan: plan(1_000), stats: maps(4_000), more: both(4_000), type: 'w' }
  })
  const worker = new Worker(new URL('./fixtures/small-stack.mjs', import.meta.url), {
    workerData: { uri: server.uri, parameter: nested(1_000) },
    resourceLimits: { stackSizeMb: 1 }
  })
  t.after(() => worker.terminate())
  const [answer] = await within(once(worker, 'message'), 10_000, 'the worker')
  assert.deepEqual(answer, {
    maps: 4_096,
    both: 4_096,
    parameter: 1_000,
    plan: 1_000,
    queryType: 'w'
  })
})

test('a plan deeper than limits.depth is an error that names the option', async t => {
  const server = await boltServer(t)
  server.on('LARGE', { fields: [], records: [], summary: { plan: plan(60) } })
  const error = await fail(connect(t, server.uri, undefined, { limits: { depth: 100 } }), 'LARGE')
  assert.match(error.message, /of 100 levels \(option `limits\.depth`\)/)
  const { summary } = await ask(connect(t, server.uri), 'LARGE')
  assert.equal(summary.plan.operatorType, 'Operator59')
})

test('metadata beyond limits.metadata fails when it is read, by an error that names the option, and takes nothing with it', async t => {
  const server = await boltServer(t)
  const large = { operatorType: 'Leaf', args: { Details: 'x'.repeat(100_000) }, children: [] }
  server.on('LARGE', { fields: ['x'], records: [[1]], summary: { plan: large } })
  const low = await ask(connect(t, server.uri, undefined, { limits: { metadata: 65_536 } }), 'LARGE')
  assert.equal(low.records.length, 1)
  assert.equal(low.summary.queryType, 'r')
  assert.throws(() => low.summary.plan, /of 65536 \(option `limits\.metadata`\)/)
  for (const limits of [undefined, { metadata: 200_000 }]) {
    const { summary } = await ask(connect(t, server.uri, undefined, { limits }), 'LARGE')
    assert.equal(summary.plan.arguments.Details.length, 100_000)
  }
})

test('before the login a message has 64 KiB, however high limits.message is', async t => {
  const server = await boltServer(t, { agent: `Neo4j/5.26.0${' '.repeat(70_000)}`, versions: bolt.neo4j5 })
  const driver = connect(t, server.uri, undefined, { limits: { message: 1_000_000 } })
  const { error } = await settle(driver.verifyConnectivity())
  assert.match(error.message, /65536 bytes .*before the login/)
})

test('a limit out of its range is refused when the driver is made, by an error that names it and the range', () => {
  const ranges = {
    message: [65_536, 134_217_727],
    metadata: [65_536, 16_777_216],
    depth: [100, 4_096],
    columns: [1_000, 262_144]
  }
  for (const [limit, [least, most]] of Object.entries(ranges)) {
    for (const wrong of [
      least - 1,
      most + 1,
      0,
      -1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      least + 0.5,
      'many',
      {}
    ]) {
      const told = new RegExp(`limits\\.${limit} takes a number of \\w+ from ${least} to ${most}`)
      const limits = { [limit]: wrong }
      assert.throws(() => neo4j.driver('bolt://a', undefined, { limits }), told, `${limit}: ${wrong}`)
      assert.throws(() => new Neo4jHA(['bolt://a'], { neo4jDriverOptions: { limits } }), told)
    }
  }
  assert.throws(() => neo4j.driver('bolt://a', undefined, { limits: 5 }), /limits takes an object; it was 5/)
})
