// The tools of the project itself: what the test runner counts, how servers are named and given ports, locks, tables.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { table } from '../../lib/cli/table.js'
import { UserError } from '../../tools/lib/exec.mjs'
import { withLock } from '../../tools/lib/lock.mjs'
import { parseName, products } from '../../tools/servers/catalog.mjs'
import { membersOf, PORTS, portsOf } from '../../tools/servers/configuration.mjs'
import { register } from '../../tools/servers/instances.mjs'
import { readCargoOutput, readNodeLines } from '../../tools/test/results.mjs'

const scratch = mkdtempSync(join(tmpdir(), 'neo4j-ha-tools-'))
after(() => rmSync(scratch, { recursive: true, force: true }))

/** What the runner makes of a test file with this text. */
function runTests(text) {
  const file = join(scratch, 'some.test.mjs')
  const lines = join(scratch, 'lines')
  writeFileSync(file, `import { describe, it, test } from 'node:test'\n${text}`)
  const reporter = new URL('../../tools/test/reporter.mjs', import.meta.url).href
  const { NODE_TEST_CONTEXT, ...env } = process.env
  const options = ['--test', `--test-reporter=${reporter}`, `--test-reporter-destination=${lines}`]
  spawnSync(process.execPath, [...options, file], { env })
  return readNodeLines(readFileSync(lines, 'utf8'))
}

describe('what the test runner counts', () => {
  it('tests, not the suites around them', () => {
    const result = runTests(`describe('a suite', () => { it('one', () => {}); it('two', () => {}) })`)
    assert.deepEqual(result, { passed: 2, failed: [], skipped: [] })
  })

  it('a failure once, by its whole name', () => {
    const { passed, failed } = runTests(
      `describe('a suite', () => { it('fails', () => { throw new Error('x') }) })`
    )
    assert.equal(passed, 0)
    assert.equal(failed.length, 1)
    assert.match(failed[0], /a suite > fails$/)
  })

  it('what is skipped or to do, with its reason', () => {
    const { passed, skipped } = runTests(
      `it('later', { skip: 'no server' }, () => {}); it('soon', { todo: true }, () => {})`
    )
    assert.equal(passed, 0)
    assert.deepEqual(
      skipped.map(({ reason }) => reason),
      ['no server', 'to do']
    )
  })

  it('a test which its process left behind as a failure', () => {
    const { failed } = runTests(`
      test('leaves', () => new Promise(() => setTimeout(() => process.exit(0), 100)))
      test('after it', () => {})`)
    assert.equal(failed.filter(name => name.includes('did not finish')).length, 2)
  })

  it('a file without a test as a failure', () => assert.equal(runTests('').failed.length, 1))

  it('a file that does not load as a failure', () =>
    assert.equal(runTests('throw new Error()').failed.length, 1))

  it('the tests of cargo, over all its binaries', () => {
    const output = `test a ... ok
test b ... FAILED
test c ... ignored, needs a server
test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out
test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out`
    const skipped = [{ name: 'c', reason: 'needs a server' }]
    assert.deepEqual(readCargoOutput(output), { passed: 5, failed: ['b'], skipped })
  })
})

describe('names of servers', () => {
  it('an alias is kept under the name it stands for', () => {
    assert.equal(parseName('single').instance, '5.26')
    assert.equal(parseName('single@x').instance, '5.26@x')
  })

  it('an unknown name is refused with the list of those that are', () => {
    assert.throws(
      () => parseName('hb'),
      error => error instanceof UserError && products.every(({ name }) => error.message.includes(name))
    )
  })

  it('a suffix cannot leave its folder', () => assert.throws(() => parseName('ha@../x'), UserError))
})

describe('ports of servers', () => {
  const state = instance => ({ instance, auth: null, settings: {}, owner: null })

  it('the members of a set never share one, and stay in its block', () => {
    for (const product of products) {
      const ports = portsOf(membersOf(product, '', 21_000))
      assert.equal(new Set(ports).size, ports.length, product.name)
      assert.ok(ports.every(port => port > 21_000 && port < 21_000 + PORTS))
    }
  })

  it('sets that are registered at once get blocks that do not meet', async () => {
    const names = ['ha', 'ha@a', 'ha@b', 'cc+replica', '3.5', '2026@a']
    const states = await Promise.all(names.map(name => register(scratch, state(name))))
    const ports = states.map(({ port }) => port).sort()
    for (let i = 1; i < ports.length; i++) assert.ok(ports[i] - ports[i - 1] >= PORTS, ports.join(' '))
  })

  it('a wanted port that somebody listens on is refused by its number', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address()
    await assert.rejects(register(scratch, state('4.4'), port - 1), new RegExp(`port ${port} is taken`))
    server.close()
  })
})

describe('a lock', () => {
  it('lets one in at a time', async () => {
    const path = join(scratch, 'lock')
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await new Promise(setImmediate)
      inside--
    }
    await Promise.all(Array.from({ length: 5 }, () => withLock(path, work)))
    assert.equal(most, 1)
    assert.equal(existsSync(path), false)
  })

  it('is taken over from a process that died', async () => {
    const path = join(scratch, 'stale')
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(path, String(pid))
    assert.equal(await withLock(path, async () => 'in'), 'in')
  })

  it('is given back when the work fails', async () => {
    const path = join(scratch, 'failing')
    await assert.rejects(
      withLock(path, () => Promise.reject(new Error('no'))),
      /no/
    )
    assert.equal(existsSync(path), false)
  })
})

it('a table aligns numbers to the right, and colours do not count', () => {
  const rows = [
    ['\x1b[32mha\x1b[39m', 3],
    ['5.26', 10]
  ]
  const lines = ['name   n', '----  --', '\x1b[32mha\x1b[39m     3', '5.26  10']
  assert.deepEqual(table(['name', 'n'], rows).split('\n'), lines)
})
