// issue of the binding: worker threads, several at once, and one that is terminated in mid-query.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { cluster, column, program, ready, test } from '../support/contract.mjs'
import { gate, held, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const start = async (t, servers) => {
  const worker = new Worker(new URL('./fixtures/worker.mjs', import.meta.url), { workerData: { servers } })
  t.after(() => worker.terminate())
  const failed = once(worker, 'error').then(([error]) => {
    throw error
  })
  failed.catch(() => {})
  const message = async () => (await Promise.race([once(worker, 'message'), failed]))[0]
  assert.deepEqual(await within(message(), 10_000, 'the worker'), { ready: true })
  return {
    worker,
    ask(query, times) {
      const answer = message()
      worker.postMessage({ query, times })
      return within(answer, 10_000, query)
    }
  }
}

test('several workers and the main thread query at once', async t => {
  const { servers } = await cluster(t)
  const workers = await Promise.all([1, 2, 3, 4].map(() => start(t, servers)))
  const driver = await ready(t, servers)
  const own = Promise.all(Array.from({ length: 50 }, () => driver.session(false).run('RETURN 9')))
  const answers = await Promise.all(workers.map(({ ask }, n) => ask(`RETURN ${n}`, 50)))
  assert.deepEqual(
    answers.map(({ values }) => values),
    [0, 1, 2, 3].map(n => Array(50).fill(n))
  )
  assert.equal((await own).length, 50)
})

test('a worker that closed its driver ends by itself', async t => {
  const { servers, members } = await cluster(t)
  const { worker, ask } = await start(t, servers)
  await ask('RETURN 1')
  const exited = once(worker, 'exit')
  worker.postMessage({ close: true })
  const [code] = await within(exited, 8000, 'the end of the worker')
  assert.equal(code, 0)
  await until(() => members.every(one => one.bolt.connections.open === 0))
})

for (const [moment, fault] of [
  ['before its answer', ['RUN', silence]],
  [
    'among its records',
    [
      'PULL',
      async x => {
        await x.records(1500)
      }
    ]
  ]
]) {
  test(`a worker terminated in mid-query, ${moment}: the main thread goes on`, async t => {
    const group = await cluster(t)
    const { servers, members } = group
    const driver = await ready(t, servers)
    const { worker } = await start(t, servers)
    group.when(fault[0], fault[1]).map(rule => rule.query(/range/))
    worker.postMessage({ query: 'UNWIND range(1, 5000) AS n RETURN n', times: 8 })
    await until(
      () => members.reduce((sum, one) => sum + one.bolt.received(fault[0], /range/).length, 0) === 8
    )
    await within(worker.terminate(), 5000, 'terminate()')
    for (let n = 0; n < 20; n++) {
      assert.deepEqual(column(await driver.session(n % 2 === 0).run(`RETURN ${n}`)), [n])
    }
    await until(() =>
      members.every(one =>
        one.bolt
          .received('RUN', /range/)
          .every(({ connection }) => [...one.bolt.connections.live].every(({ id }) => id !== connection))
      )
    )
  })
}

test('workers started and terminated over and over leave nothing behind', async t => {
  const { servers, members } = await cluster(t)
  const open = gate()
  members[0].bolt.when('RUN', held(open)).query(/RETURN 5/)
  for (let n = 0; n < 8; n++) {
    const { worker } = await start(t, servers)
    worker.postMessage({ query: 'RETURN 5', times: 3 })
    await worker.terminate()
  }
  await until(() => members.every(one => one.bolt.connections.open === 0 && one.http.open === 0))
  open.open()
})

test('the main thread ends cleanly with workers in mid-query', async t => {
  const { servers, members } = await cluster(t)
  for (const one of members) one.bolt.when('RUN', silence)
  const worker = new URL('./fixtures/worker.mjs', import.meta.url).href
  const { code, signal, stderr } = await program(
    `import { Worker } from 'node:worker_threads'
    const started = [1, 2, 3].map(() => new Promise(resolve => {
      const worker = new Worker(new URL(input.worker), { workerData: { servers: input.servers }, execArgv: [] })
      worker.once('message', () => {
        worker.postMessage({ query: 'RETURN 1', times: 5 })
        resolve()
      })
    }))
    await Promise.all(started)
    process.exit(0)`,
    { input: { servers, worker } }
  )
  assert.equal(signal, null)
  assert.equal(stderr, '')
  assert.equal(code, 0)
})
