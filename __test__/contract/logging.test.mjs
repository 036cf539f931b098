// logging: what the driver tells, at which level, and what it never tells.
import assert from 'node:assert/strict'
import { ask, boltServer, connect, Neo4jHA, program, routing, settle, test } from '../support/contract.mjs'

const neo4j = Neo4jHA.driver

const LEVELS = ['error', 'warn', 'info', 'debug']

for (const level of LEVELS) {
  test(`logging.level ${level} lets through that level and what is graver`, async t => {
    const server = await boltServer(t, { versions: ['5.4'] })
    const lines = []
    const logger = (...words) => lines.push(words)
    const driver = connect(t, server.uri, undefined, {
      logging: { level, logger },
      // has a warning in it
      connectionTimeout: 2000,
      connectionAcquisitionTimeout: 1000
    })
    await ask(driver)
    await settle(ask(driver, 'NONSENSE'))
    await server.stop()
    await settle(ask(driver))
    for (const [at, message, ...more] of lines) {
      assert.ok(LEVELS.indexOf(at) <= LEVELS.indexOf(level), `${at} at level ${level}`)
      assert.equal(typeof message, 'string')
      assert.deepEqual(more, [])
    }
    if (level !== 'error') assert.ok(lines.some(([at]) => at === 'warn'))
    if (level === 'debug') assert.ok(lines.some(([at]) => at === 'debug'))
  })
}

test('without logging nothing is written to the console', async t => {
  const lines = []
  for (const method of ['log', 'info', 'warn', 'error', 'debug'])
    t.mock.method(console, method, (...words) => lines.push(words))
  const server = await boltServer(t, { versions: ['5.4'] })
  const driver = connect(t, server.uri, undefined, { maxTransactionRetryTime: 0 })
  await ask(driver)
  await settle(ask(driver, 'NONSENSE'))
  await server.stop()
  await settle(ask(driver))
  assert.deepEqual(lines, [])
})

test('logging.console(level) writes lines with the level', async t => {
  const lines = []
  t.mock.method(console, 'log', line => lines.push(line))
  const server = await boltServer(t, { versions: ['5.4'] })
  await ask(connect(t, server.uri, undefined, { logging: neo4j.logging.console('debug') }))
  assert.ok(lines.length > 0)
  for (const line of lines) assert.match(line, /\b(ERROR|WARN|INFO|DEBUG)\b/)
})

test('parameters and records are in no log', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const lines = []
  const logging = { level: 'debug', logger: (_, message) => lines.push(message) }
  await connect(t, server.uri, undefined, { logging }).executeQuery('RETURN $x AS x', {
    x: 'a private matter'
  })
  assert.ok(lines.length > 0)
  assert.ok(!lines.join('\n').includes('a private matter'))
})

for (const [what, logger] of [
  ['throws', `() => { throw new Error('disk full') }`],
  ['rejects', `async () => { throw new Error('disk full') }`],
  ['throws what is no error', `() => { throw Symbol('disk full') }`]
]) {
  test(`a logger that ${what} changes nothing: work is done, nothing is uncaught, and the process is warned once`, async t => {
    const { members } = await routing(t)
    const { code, stdout, stderr } = await program(
      `import Neo4jHA from 'neo4j-ha-bolt-driver'
      const logger = ${logger}
      const logging = { level: 'debug', logger }
      const done = []
      for (const uri of input.uris) {
        const driver = Neo4jHA.driver.driver(uri, undefined, { logging, noOption: 1 })
        await driver.session().run('RETURN 1')
        await driver.executeQuery('RETURN 1')
        await driver.close()
        done.push('closed')
      }
      const pool = new Neo4jHA(input.uris[0], { neo4jDriverOptions: { logging } })
      await pool.ready
      await pool.session(true).run('RETURN 1')
      await pool.close()
      console.log([...done, 'closed'].join())`,
      { input: { uris: [members[0].uri, members[0].uri.replace('bolt:', 'neo4j:')] } }
    )
    assert.equal(stdout, 'closed,closed,closed\n', stderr)
    assert.equal(code, 0)
    assert.equal(stderr.match(/Neo4jHAWarning: The logger threw.*disk full/g)?.length, 3)
  })
}

test('a level or a logger that is none is refused when the driver is made', () => {
  for (const logging of [
    { level: 'loud', logger() {} },
    { level: 'info', logger: 'console' },
    { level: 'info' }
  ]) {
    assert.throws(() => neo4j.driver('bolt://127.0.0.1', undefined, { logging }), /logg(ing|er)/i)
  }
})
