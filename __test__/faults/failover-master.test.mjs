// The master of a real HA cluster is killed, and hangs, under a load of reads and writes.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { servers, test } from '../integration/support.mjs'
import { until } from '../support/until.mjs'
import { accounts, follows, goesOn, ServerType, Status, serves, settled, underLoad } from './support.mjs'

describe('the master', () => {
  const set = servers('ha@master')

  test(
    'is killed: another is elected, work goes on, the old one comes back as a slave',
    async t => {
      const { cluster } = set
      const { driver, load } = await underLoad(t, cluster)
      const old = await cluster.waitForMaster()
      const killed = performance.now()
      cluster.signal(old.member, 'KILL')

      await until(() => driver.servers[old.member - 1].info.status === Status.down, { deadline: 5_000 })
      assert.notEqual(driver.masterIndex, old.member - 1)
      await goesOn(load, killed, { deadline: 20_000, kinds: ['read'] })
      const elected = await cluster.waitForMaster()
      assert.notEqual(elected.member, old.member)
      const election = performance.now()
      await until(() => driver.masterIndex === elected.member - 1, { deadline: 5_000 })
      await goesOn(load, killed, { deadline: 20_000 })
      const first = kind => Math.round(load.succeeded(kind, killed)[0].ended - killed)
      t.diagnostic(
        `after the kill: a read at ${first('read')} ms, a new master at ${Math.round(election - killed)} ms, a write at ${first('write')} ms`
      )

      assert.equal(await cluster.start(old.member), 'slave')
      await follows(driver, cluster)
      assert.equal(driver.servers[old.member - 1].info.type, ServerType.slave)
      await serves(load, old, performance.now())
      await accounts(t, cluster, { driver, load })
    },
    { timeout: 180_000 }
  )

  test(
    'is killed while slaves pass writes on to it: still none is lost, and none done twice',
    async t => {
      const { cluster } = set
      const rwConfig = { master: { read: true, write: false }, slave: { read: true, write: true } }
      const { driver, load } = await underLoad(t, cluster, { rwConfig })
      const old = await cluster.waitForMaster()
      const killed = performance.now()
      cluster.signal(old.member, 'KILL')
      const elected = await cluster.waitForMaster()
      assert.notEqual(elected.member, old.member)
      await goesOn(load, killed)
      assert.equal(await cluster.start(old.member), 'slave')
      await follows(driver, cluster)
      await accounts(t, cluster, { driver, load })
    },
    { timeout: 180_000 }
  )

  test(
    'hangs: all that waits for it ends, and work goes on when it does',
    async t => {
      const { cluster } = set
      const { driver, load } = await underLoad(t, cluster)
      const master = await cluster.waitForMaster()
      const stopped = performance.now()
      cluster.signal(master.member, 'STOP')

      await until(() => driver.servers[master.member - 1].info.status === Status.down, { deadline: 10_000 })
      await until(() => driver.masterIndex !== master.member - 1, { deadline: 10_000 })
      await settled(load, performance.now())
      t.diagnostic(`what was under way had ended after ${Math.round(performance.now() - stopped)} ms`)

      const resumed = performance.now()
      cluster.signal(master.member, 'CONT')
      await cluster.waitForMaster()
      await goesOn(load, resumed)
      await follows(driver, cluster)
      await serves(load, master, resumed)
      await accounts(t, cluster, { driver, load })
    },
    { timeout: 240_000 }
  )
})
