// Work that is given up, as the server sees it: by a signal, by a timeout, or by closing the driver, it is no longer listed.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { until, within } from '../../support/until.mjs'
import { connect, failing, neo4j, rows, test, value } from '../support.mjs'

const WRITE = { defaultAccessMode: neo4j.session.WRITE }

/** Work that takes minutes, and touches the store all the time: a server that was told to end it notices. */
const endless = id =>
  `/* ${id} */ UNWIND range(1, 1000000000) AS x OPTIONAL MATCH (n:Nowhere {x: x}) RETURN count(n) AS found`

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set whose servers list
 *   what they work on: Neo4j 4 and later, and enterprise servers of 3.x
 * @param {object} about
 * @param {[number, number]} about.bolt the version that is agreed on
 * @param {string} [about.scheme] of the URI
 */
export const runningWorkSuite = (set, { bolt, scheme }) =>
  describe(`work that the server lists${scheme ? ` by ${scheme}://` : ''}`, () => {
    const start = (t, config) => connect(t, set.cluster, { scheme, ...config })
    const LIST =
      bolt[0] >= 4
        ? 'SHOW TRANSACTIONS YIELD currentQuery RETURN currentQuery'
        : 'CALL dbms.listQueries() YIELD query RETURN query'

    /** Tells by another way, past the driver, whether a member works on this. */
    const isListed = async id => {
      const { members } = set.cluster
      const lists = await Promise.all(members.map(({ member }) => set.cluster.query(member, LIST)))
      return lists.flat(2).some(text => text.includes(id) && !text.includes('listQueries'))
    }
    const runs = id => until(() => isListed(id), { deadline: 20_000, every: 50, what: 'the query runs' })
    const ended = id =>
      until(async () => !(await isListed(id)), { deadline: 20_000, every: 50, what: 'the query has ended' })

    /** A signal with a reason of its own. */
    const aborting = () => {
      const controller = new AbortController()
      const reason = new Error('enough')
      return { signal: controller.signal, reason, abort: () => controller.abort(reason) }
    }

    // each: how work is given a signal
    for (const [name, work] of [
      ['run', ({ session, text, signal }) => session.run(text, {}, { signal })],
      [
        'a transaction',
        async ({ session, text, signal }) => {
          const tx = await session.beginTransaction({ signal })
          return tx.run(text)
        }
      ],
      ['executeRead', ({ session, text, signal }) => session.executeRead(tx => tx.run(text), { signal })],
      ['executeWrite', ({ session, text, signal }) => session.executeWrite(tx => tx.run(text), { signal })],
      ['executeQuery', ({ driver, text, signal }) => driver.executeQuery(text, {}, { signal })]
    ]) {
      test(`${name}: rejects at once by the reason, the server ends the work, and the next goes on`, async t => {
        const id = randomUUID()
        const driver = start(t, { maxConnectionPoolSize: 1 })
        const session = driver.session(WRITE)
        const { signal, reason, abort } = aborting()
        const rejected = failing(work({ driver, session, text: endless(id), signal }))
        await runs(id)
        abort()
        const error = await within(rejected, 2000, 'the rejection')
        // A write that is its own transaction may be done.
        assert.equal(name === 'run' ? error.cause : error, reason)
        await ended(id)
        await within(session.close(), 10_000, 'session.close()')
        assert.equal(value(await within(driver.executeQuery('RETURN 1'), 20_000, 'the next query')), 1)
      })
    }

    test('a result that is being read ends by the reason, and the session goes on', async t => {
      const session = start(t, { maxConnectionPoolSize: 1 }).session(WRITE)
      const { signal, reason, abort } = aborting()
      let n = 0
      const reading = async () => {
        for await (const _ of session.run('UNWIND range(1, 100000000) AS n RETURN n', {}, { signal })) {
          if (++n === 5000) abort()
        }
      }
      assert.equal((await within(failing(reading()), 20_000, 'the end')).cause, reason)
      assert.equal(value(await within(session.run('RETURN 1'), 20_000, 'the next query')), 1)
      await session.close()
    })

    test('an abort beforehand sends nothing', async t => {
      const label = randomUUID()
      const driver = start(t)
      const { signal, reason, abort } = aborting()
      abort()
      const session = driver.session(WRITE)
      const text = `CREATE (:\`${label}\`)`
      for (const work of [
        () => driver.executeQuery(text, {}, { signal }),
        () => session.run(text, {}, { signal }),
        () => session.executeWrite(tx => tx.run(text), { signal })
      ]) {
        assert.equal(await failing(work()), reason)
      }
      await session.close()
      assert.deepEqual(rows(await driver.executeQuery(`MATCH (n:\`${label}\`) RETURN count(n)`)), [[0]])
    })

    test('close() of the driver ends what is under way, on the server too', async t => {
      const id = randomUUID()
      const driver = start(t)
      const session = driver.session(WRITE)
      const rejected = failing(session.run(endless(id)))
      await runs(id)
      await within(driver.close(), 10_000, 'driver.close()')
      assert.ok((await within(rejected, 2000, 'the rejection')) instanceof neo4j.Neo4jError)
      await ended(id)
    })

    if (bolt[0] < 3) return

    test('a timeout is kept by the server, whose error surfaces', async t => {
      const id = randomUUID()
      const driver = start(t)
      const session = driver.session(WRITE)
      for (const work of [
        () => session.run(endless(id), {}, { timeout: 300 }),
        () => session.executeRead(tx => tx.run(endless(id)), { timeout: neo4j.int(300) }),
        () => driver.executeQuery(endless(id), {}, { transactionConfig: { timeout: 300n } })
      ]) {
        const error = await within(failing(work()), 20_000, 'the timeout')
        assert.match(error.code, /^Neo\.ClientError\.Transaction\.(TransactionTimedOut|Terminated)/)
      }
      await ended(id)
      await session.close()
    })

    test('metadata of a transaction is seen on the server', async t => {
      const id = randomUUID()
      const { signal, abort } = aborting()
      const driver = start(t)
      const rejected = failing(
        driver.executeQuery(endless(id), {}, { signal, transactionConfig: { metadata: { app: id, n: 1n } } })
      )
      await runs(id)
      const text =
        bolt[0] >= 4
          ? 'SHOW TRANSACTIONS YIELD currentQuery, metaData RETURN currentQuery, metaData'
          : 'CALL dbms.listQueries() YIELD query, metaData RETURN query, metaData'
      const lists = await Promise.all(
        set.cluster.members.map(({ member }) => set.cluster.query(member, text))
      )
      const found = lists.flat(1).find(row => row[0].includes(id) && !row[0].includes('listQueries'))
      assert.deepEqual(found?.[1], { app: id, n: 1 })
      abort()
      await rejected
    })
  })
