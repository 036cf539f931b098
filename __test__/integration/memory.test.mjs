// Ten million rows from a real server, read slowly: what the reader has not asked for stays where it is.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { program } from '../support/contract.mjs'
import { until } from '../support/until.mjs'
import { neo4j, portOf, servers, tap, test } from './support.mjs'

const ROWS = 10_000_000
/** What the process may take beyond what it takes idle, in MiB. */
const ALLOWED = 64

/** Reads all rows, with a pause now and then, and says how much memory that took. */
const SLOW_READER = `
  import { setTimeout as pause } from 'node:timers/promises'
  import { driver as neo4j } from 'neo4j-ha-bolt-driver'
  const driver = neo4j.driver(input.uri)
  const session = driver.session({ defaultAccessMode: 'READ' })
  await session.run('RETURN 1 AS n')
  const idle = process.memoryUsage.rss()
  let peak = idle
  const sample = () => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }
  const timer = setInterval(sample, 10)
  let n = 0
  for await (const record of session.run('UNWIND range(1, $rows) AS n RETURN n', { rows: neo4j.int(input.rows) })) {
    if (record.get('n').toNumber() !== ++n) throw new Error('row ' + n + ' is ' + record.get('n'))
    if (n % 10_000 === 0) sample()
    if (n % 500_000 === 0) await pause(200)
  }
  clearInterval(timer)
  sample()
  console.log(JSON.stringify({ n, idle, peak }))
  await driver.close()`

describe('memory', () => {
  const set = servers('5.26@memory', { auth: false })
  const member = () => set.cluster.members[0]

  test(
    `${ROWS} rows read slowly take less than ${ALLOWED} MiB`,
    async t => {
      const input = { uri: member().bolt, rows: ROWS }
      const { code, stdout, stderr } = await program(SLOW_READER, { input, deadline: 220_000 })
      assert.equal(stderr, '')
      assert.equal(code, 0)
      const { n, idle, peak } = JSON.parse(stdout)
      assert.equal(n, ROWS)
      const [before, more] = [idle, peak - idle].map(bytes => bytes / 2 ** 20)
      t.diagnostic(`${before.toFixed(1)} MiB idle, ${more.toFixed(1)} MiB more at the peak`)
      assert.ok(more < ALLOWED, `${more.toFixed(1)} MiB more than idle`)
    },
    { timeout: 240_000 }
  )

  test('a reader that stops stops the server, and goes on where it was', async t => {
    const rows = 1_000_000
    const way = await tap(t, portOf(member()))
    const driver = neo4j.driver(`bolt://127.0.0.1:${way.port}`)
    t.after(() => driver.close())
    const session = driver.session({ defaultAccessMode: 'READ' })
    let n = 0
    const text = 'UNWIND range(1, $rows) AS n RETURN n'
    for await (const record of session.run(text, { rows: neo4j.int(rows) })) {
      if (record.get('n').toNumber() !== ++n) assert.fail(`row ${n}`)
      if (n !== 10) continue
      let [bytes, since] = [way.received(), performance.now()]
      const silent = () => {
        if (way.received() !== bytes) [bytes, since] = [way.received(), performance.now()]
        return performance.now() - since > 500
      }
      await until(silent, { deadline: 10_000, what: 'half a second without a byte' })
      assert.ok(bytes < 100_000, `${bytes} bytes came for 10 rows`)
    }
    assert.equal(n, rows)
    assert.ok(way.received() > 5 * rows)
    await session.close()
  })
})
