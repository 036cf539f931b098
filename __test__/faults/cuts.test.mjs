// Connections to real servers are cut at random bytes under a load of writes: what the driver said of each is true.
// A longer run, or this one's seed again: npm run stress.

import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe } from 'node:test'
import { experiment } from '../../tools/stress/experiment.mjs'
import { report } from '../../tools/stress/judge.mjs'
import { servers, test } from '../integration/support.mjs'

/** How long the load runs, in ms. */
const LOAD = 10_000

for (const name of ['5.26', 'ha']) {
  describe(`cut connections to ${name}`, () => {
    const set = servers(`${name}@cuts`)

    test(
      'lose no write that was acknowledged, do none twice, and none that was not done',
      async t => {
        const seed = randomInt(2 ** 31)
        t.diagnostic(`npm run stress -- --server ${name} --seed ${seed} --minutes 0.5`)
        const results = await experiment({ cluster: set.cluster, seed, duration: LOAD })
        for (const result of results) {
          for (const line of report(result).split('\n')) t.diagnostic(line)
        }
        for (const result of results) {
          assert.deepEqual(result.violations, [], `${result.name}, seed ${seed}`)
          // there was a load of all kinds, and it met cuts
          const { acknowledged, unknown, cut, kinds, roles } = result.counts
          assert.equal(Object.keys(kinds).length, 4)
          assert.ok(acknowledged >= 50, `${acknowledged} acknowledged`)
          assert.ok(unknown.found > 0, 'no write was done whose answer was lost')
          assert.ok(cut >= 5, `${cut} connections cut`)
          if (result.name === 'passed on') assert.ok(roles.slave > 0, 'no slave passed a write on')
        }
      },
      { timeout: 240_000 }
    )
  })
}
