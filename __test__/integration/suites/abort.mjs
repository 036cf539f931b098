// Aborting work on a real server: the promise rejects at once, and the server stops.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { until, within } from '../../support/until.mjs'
import { connect, failing, test, value } from '../support.mjs'

/** Takes the lock of a node, and then hours. */
const HOURS =
  'MATCH (n:Locked {id: $id}) SET n.by = 1 WITH n UNWIND range(1, 1000000) AS i UNWIND range(1, 1000000) AS j ' +
  'WITH i, j WHERE i + j < 0 RETURN count(i)'

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set
 */
export const abortSuite = set =>
  describe('aborting work by a signal', () => {
    /** Starts `work` with a query of hours, aborts it when the server executes it, and waits until it does not. */
    const aborted = async (t, work, isReason = (error, reason) => assert.equal(error, reason)) => {
      const driver = connect(t, set.cluster, { maxConnectionPoolSize: 2 })
      const other = driver.session()
      const id = randomUUID()
      await other.run('CREATE (:Locked {id: $id})', { id })
      const isLocked = async () => {
        const signal = AbortSignal.timeout(500)
        const waiting = other.run('MATCH (n:Locked {id: $id}) SET n.by = 2', { id }, { signal })
        return waiting.then(
          () => false,
          error => error.cause === signal.reason
        )
      }
      const controller = new AbortController()
      const reason = new Error('enough')
      const error = failing(work(driver, HOURS, { id }, controller.signal))
      await until(isLocked, { deadline: 20_000 })
      controller.abort(reason)
      isReason(await within(error, 1000, 'the rejection'), reason)
      await until(async () => !(await isLocked()), { deadline: 20_000 })
      // Both connections serve others.
      const [one, two] = [driver.session(), driver.session()]
      assert.deepEqual((await Promise.all([one.run('RETURN 1'), two.run('RETURN 2')])).map(value), [1, 2])
      await Promise.all([one, two, other].map(session => session.close()))
    }

    test('an auto-commit query is ended', t =>
      aborted(
        t,
        (driver, query, parameters, signal) => driver.session().run(query, parameters, { signal }),
        (error, reason) => assert.deepEqual([error.cause, error.unknownOutcome], [reason, true])
      ))

    test('the query of a transaction function is ended, and the function not run again', async t => {
      let calls = 0
      await aborted(t, (driver, query, parameters, signal) =>
        driver.session().executeWrite(
          tx => {
            calls++
            return tx.run(query, parameters)
          },
          { signal }
        )
      )
      assert.equal(calls, 1)
    })

    test('the query of executeQuery is ended', t =>
      aborted(t, (driver, query, parameters, signal) => driver.executeQuery(query, parameters, { signal })))

    test('a transaction leaves nothing behind', async t => {
      const driver = connect(t, set.cluster)
      const session = driver.session()
      const controller = new AbortController()
      const label = randomUUID()
      const tx = await session.beginTransaction({ signal: controller.signal })
      await tx.run(`CREATE (:\`${label}\`)`)
      controller.abort()
      assert.equal((await failing(tx.commit())).cause, controller.signal.reason)
      assert.equal(value(await session.run(`MATCH (n:\`${label}\`) RETURN count(n)`)), 0)
      await session.close()
    })
  })
