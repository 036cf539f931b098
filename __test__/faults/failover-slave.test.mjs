// A slave of a real HA cluster is killed, and hangs, under a load of reads and writes: neither may fail.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { servers, test } from '../integration/support.mjs'
import { until } from '../support/until.mjs'
import { accounts, follows, goesOn, Status, serves, settled, underLoad } from './support.mjs'

const slaveOf = async cluster => (await cluster.status()).find(({ role }) => role === 'slave')

/** Its reads are sent to another server, and writes have nothing to do with it. */
const nothingFailed = load => assert.deepEqual(load.errors(), [])

describe('a slave', () => {
  const set = servers('ha@slave')

  test(
    'is killed: no read and no write fails, and it serves again when it is back',
    async t => {
      const { cluster } = set
      const { driver, load } = await underLoad(t, cluster)
      const { member, bolt } = await slaveOf(cluster)
      const killed = performance.now()
      cluster.signal(member, 'KILL')
      await until(() => driver.servers[member - 1].info.status === Status.down, { deadline: 5_000 })
      await goesOn(load, killed, { deadline: 20_000 })

      assert.equal(await cluster.start(member), 'slave')
      await follows(driver, cluster)
      await serves(load, { bolt }, performance.now())
      await accounts(t, cluster, { driver, load })
      nothingFailed(load)
    },
    { timeout: 180_000 }
  )
})

describe('a slave, in a cluster that waits for it', () => {
  // A member that slept longer than the timeout suspects all others when it wakes, and there is an election. Where that deposes a
  // master whose last writes had reached nobody else, the cluster loses what it acknowledged, whoever asked for it.
  const set = servers('ha@sleeper', { settings: { 'ha.heartbeat_timeout': '40s' } })

  test(
    'hangs: its reads are sent elsewhere, and it serves again when it goes on',
    async t => {
      const { cluster } = set
      const { driver, load } = await underLoad(t, cluster)
      const { member, bolt } = await slaveOf(cluster)
      const stopped = performance.now()
      cluster.signal(member, 'STOP')
      await until(() => driver.servers[member - 1].info.status === Status.down, { deadline: 10_000 })
      // a write may wait for 40 s, on the master, which passes it on to the slave that hangs
      await settled(load, performance.now(), 'read')
      t.diagnostic(`reads under way had ended after ${Math.round(performance.now() - stopped)} ms`)
      await goesOn(load, performance.now(), { kinds: ['read'] })

      const resumed = performance.now()
      cluster.signal(member, 'CONT')
      await cluster.waitReady(60_000)
      await follows(driver, cluster)
      await serves(load, { bolt }, resumed)
      await accounts(t, cluster, { driver, load })
      nothingFailed(load)
    },
    { timeout: 240_000 }
  )
})
