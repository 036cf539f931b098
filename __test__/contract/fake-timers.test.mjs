// Tests of applications put fakes in the place of timers, microtasks and clocks, before the module is loaded or after.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { mock } from 'node:test'
import { boltServer, program, project, test } from '../support/contract.mjs'
import { failure } from '../support/scripted-server.mjs'

const require = createRequire(import.meta.url)
const MANY = 'UNWIND range(1, 3000) AS n RETURN n'

/** Another copy of the module, as a test runner makes one for each of its files. */
const load = () => {
  for (const key of Object.keys(require.cache)) {
    if (key.startsWith(project) && !key.endsWith('.node')) delete require.cache[key]
  }
  return require('neo4j-ha-bolt-driver').driver
}

const idle = () => ({ ref: idle, unref: idle, hasRef: () => false })

/** What puts fakes in place, and what takes them away. */
const FAKES = {
  'functions that never call back': t => {
    for (const name of ['setTimeout', 'setImmediate', 'queueMicrotask']) {
      t.mock.method(globalThis, name, idle)
    }
    t.mock.method(performance, 'now', () => 0)
    t.mock.method(Date, 'now', () => 0)
    return () => t.mock.restoreAll()
  },
  'the timers of node:test': () => {
    mock.timers.enable()
    return () => mock.timers.reset()
  }
}

for (const [what, fake] of Object.entries(FAKES)) {
  for (const when of ['before', 'after']) {
    test(`timers faked ${when} loading do not stop the driver: ${what}`, async t => {
      const server = await boltServer(t)
      server.on('BAD', failure('Neo.ClientError.Statement.SyntaxError', 'bad'))
      server.when('COMMIT', x => x.fail('Neo.TransientError.General.X', 'later')).times(1)
      let restore = () => {}
      t.after(() => restore())
      if (when === 'before') restore = fake(t)
      const neo4j = load()
      const driver = neo4j.driver(server.uri)
      const waited = driver.session().run(MANY)
      await driver.session().run('RETURN 1')
      if (when === 'after') restore = fake(t)
      assert.equal((await driver.session().run(MANY)).records.length, 3000)
      await assert.rejects(driver.session().run('BAD'), /bad/)
      await assert.rejects(driver.executeQuery('BAD'), /bad/)
      assert.equal((await waited).records.length, 3000)
      let seen = 0
      for await (const _ of driver.session().run(MANY)) seen++
      assert.equal(seen, 3000)
      let runs = 0
      await driver.session().executeWrite(tx => {
        runs++
        return tx.run('RETURN 1')
      })
      assert.equal(runs, 2)
      await driver.close()
    })
  }
}

test('fake timers do not keep the process alive', async t => {
  const server = await boltServer(t)
  const { code, stdout, stderr } = await program(
    `const idle = () => ({ ref: idle, unref: idle, hasRef: () => true })
    for (const name of ['setTimeout', 'setImmediate', 'queueMicrotask']) globalThis[name] = idle
    const { default: { driver: neo4j } } = await import('neo4j-ha-bolt-driver')
    const driver = neo4j.driver(input.uri)
    await driver.executeQuery('RETURN 1')
    process.stdout.write('done')`,
    { input: { uri: server.uri } }
  )
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'done', stderr: '' })
})
