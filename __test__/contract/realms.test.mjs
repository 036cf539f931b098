// Test runners load the module anew for each of their files, and let it go: without an open driver nothing of it stays.
import assert from 'node:assert/strict'
import { createHook } from 'node:async_hooks'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { ask, boltServer, connect, program, test } from '../support/contract.mjs'
import { until, within } from '../support/until.mjs'

test('copies of the module whose drivers are closed are freed', async t => {
  const server = await boltServer(t)
  const { code, stdout, stderr } = await program(
    `import { createRequire } from 'node:module'
    import { held } from './__test__/support/gc.mjs'
    const copies = []
    const once = async () => {
      // It holds what it has loaded.
      const require = createRequire(process.cwd() + '/a-file.js')
      const empty = () => {
        for (const key of Object.keys(require.cache)) delete require.cache[key]
      }
      empty()
      const Neo4jHA = require(process.cwd())
      copies.push(new WeakRef(Neo4jHA))
      const driver = Neo4jHA.driver.driver(input.uri)
      await driver.executeQuery('RETURN 1')
      await new Promise(onCompleted => driver.session().run('RETURN 1').subscribe({ onCompleted }))
      const pool = new Neo4jHA([['http://127.0.0.1:1', input.uri]])
      await pool.ready
      await Promise.all([driver.close(), pool.close()])
      empty()
    }
    for (let n = 0; n < 10; n++) await once()
    const kept = await held(copies, 2)
    process.stdout.write(String(kept <= 2))`,
    { input: { uri: server.uri } }
  )
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'true', stderr: '' })
})

/** What of ours would be taken for an open handle, by those who look for them. */
const handles = t => {
  const open = new Map()
  const hook = createHook({
    init(id, type, _, resource) {
      if (/^(napi|neo4j)/i.test(type)) open.set(id, resource)
    },
    destroy: id => open.delete(id)
  })
  hook.enable()
  t.after(() => hook.disable())
  return () => [...open.values()].filter(resource => resource.hasRef?.() !== false).length
}

test('with the last driver closed, no handle is open', async t => {
  const server = await boltServer(t)
  const open = handles(t)
  const drivers = [connect(t, server.uri), connect(t, server.uri)]
  for (const driver of drivers) await ask(driver)
  assert.equal(open(), 1)
  for (const driver of drivers) await driver.close()
  await until(() => open() === 0)
})

test('a driver works that is opened after the last one was closed, at once or later', async t => {
  const server = await boltServer(t)
  const open = handles(t)
  for (let n = 0; n < 10; n++) {
    const driver = connect(t, server.uri)
    await ask(driver)
    await driver.close()
  }
  for (let n = 0; n < 10; n++) {
    const driver = connect(t, server.uri)
    await ask(driver)
    await driver.close()
    await until(() => open() === 0)
  }
})

test('what is left of a closed driver says so, and settles', async t => {
  const server = await boltServer(t)
  const open = handles(t)
  const driver = connect(t, server.uri)
  const session = driver.session()
  const transaction = await session.beginTransaction()
  const other = driver.session()
  await other.run('RETURN 1')
  await driver.close()
  await until(() => open() === 0)
  await assert.rejects(other.run('RETURN 1'), /closed/)
  await assert.rejects(transaction.commit(), /closed/)
  await session.close()
  await other.close()
  await until(() => open() === 0)
})

test('workers that end while their last driver is being closed do no harm', async t => {
  const server = await boltServer(t)
  for (let n = 0; n < 10; n++) {
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads')
      const { driver: neo4j } = require('neo4j-ha-bolt-driver')
      const driver = neo4j.driver(workerData)
      driver.executeQuery('RETURN 1').then(() => {
        driver.close().then(() => neo4j.driver(workerData).executeQuery('RETURN 1'))
        parentPort.postMessage('closing')
      })`,
      { eval: true, workerData: server.uri }
    )
    await within(once(worker, 'message'), 10_000, 'the worker')
    await worker.terminate()
  }
  await until(() => server.connections.open === 0)
})
