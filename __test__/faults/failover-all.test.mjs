// All members of a real HA cluster are killed, and hang, under a load of reads and writes.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { servers, test } from '../integration/support.mjs'
import { until } from '../support/until.mjs'
import { accounts, follows, goesOn, Status, settled, underLoad } from './support.mjs'

describe('all members', () => {
  const set = servers('ha@all')
  const signal = name => {
    for (const { member } of set.cluster.members) set.cluster.signal(member, name)
  }
  const areDown = driver => driver.servers.every(({ info }) => info.status === Status.down)

  test(
    'are killed and started again: everything ends, nothing is lost, work goes on',
    async t => {
      const { cluster } = set
      const { driver, load } = await underLoad(t, cluster)
      const killed = performance.now()
      signal('KILL')
      await until(() => areDown(driver), { deadline: 5_000 })
      assert.equal(driver.masterIndex, -1)
      for (const { info } of driver.servers) assert.ok(info.err instanceof Error)

      await Promise.all(cluster.members.map(({ member }) => cluster.start(member, { wait: false })))
      await cluster.waitReady()
      const started = performance.now()
      t.diagnostic(`the cluster was back after ${Math.round(started - killed)} ms`)
      await follows(driver, cluster)
      await goesOn(load, started)
      await accounts(t, cluster, { driver, load })
    },
    { timeout: 240_000 }
  )

  test(
    'are gone for good: work ends with an error that says so, in good time',
    async t => {
      const { cluster } = set
      const { driver, load } = await underLoad(t, cluster, {
        neo4jDriverOptions: { maxTransactionRetryTime: 3_000 }
      })
      signal('KILL')
      await until(() => areDown(driver), { deadline: 5_000 })
      const gone = performance.now()
      await until(() => load.done.filter(({ error, begun }) => error && begun > gone).length >= load.size, {
        deadline: 20_000,
        every: 20
      })
      await load.stop(15_000)
      for (const { error, begun, ended, kind } of load.done.filter(one => one.begun > gone)) {
        assert.ok(error, `a ${kind} went well without a server`)
        assert.equal(error.code, 'ServiceUnavailable', error.message)
        assert.ok(ended - begun < 10_000, `it took ${ended - begun} ms`)
        assert.equal(error.unknownOutcome, false, 'it cannot have been sent')
      }
      await Promise.all(cluster.members.map(({ member }) => cluster.start(member, { wait: false })))
      await cluster.waitReady()
      await accounts(t, cluster, { driver, load })
    },
    { timeout: 240_000 }
  )

  test(
    'hang: all that waits for them ends, and work goes on when they do',
    async t => {
      const { cluster } = set
      const { driver, load } = await underLoad(t, cluster)
      const stopped = performance.now()
      signal('STOP')
      await until(() => areDown(driver), { deadline: 10_000 })
      assert.equal(driver.masterIndex, -1)
      await settled(load, performance.now())
      t.diagnostic(`what was under way had ended after ${Math.round(performance.now() - stopped)} ms`)

      signal('CONT')
      await cluster.waitReady(90_000)
      const resumed = performance.now()
      await follows(driver, cluster)
      await goesOn(load, resumed)
      await accounts(t, cluster, { driver, load })
    },
    { timeout: 300_000 }
  )
})
