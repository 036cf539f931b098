// The command line on a real HA cluster that loses a slave, and then its master while somebody watches.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { portOf, servers, test } from '../integration/support.mjs'
import { as, command, matches, start } from '../support/command.mjs'
import { until, within } from '../support/until.mjs'

const snapshots = new URL('./snapshots/', import.meta.url)

describe('the command line', () => {
  const set = servers('ha@command')
  const uris = members => [...members.map(({ http }) => http), ...members.map(({ bolt }) => bolt)]

  test(
    'with a slave killed: what status, ping and doctor say',
    async () => {
      const { cluster } = set
      const master = await cluster.waitForMaster()
      const [slave, dead] = cluster.members.filter(({ member }) => member !== master.member)
      cluster.signal(dead.member, 'KILL')
      const members = [master, slave, dead]
      const ports = Object.fromEntries(
        members.flatMap((one, i) => [
          [`bolt ${i + 1}`, portOf(one)],
          [`http ${i + 1}`, Number(new URL(one.http).port)]
        ])
      )
      for (const name of ['status', 'ping', 'doctor']) {
        const said = await command([name, ...uris(members)], as(cluster.auth))
        matches(snapshots, `${name}-ha-one-killed`, said, ports)
      }
      assert.equal(await cluster.start(dead.member), 'slave')
    },
    { timeout: 180_000 }
  )

  test(
    'status --watch tells of the end of a master, and of the next one',
    async t => {
      const { cluster } = set
      const old = await cluster.waitForMaster()
      const { child, end, lines } = start(['status', '--watch', ...uris(cluster.members)], as(cluster.auth))
      t.after(() => child.kill('SIGKILL'))
      const told = (text, deadline = 10_000) =>
        until(() => lines().find(line => line.includes(text)), { what: text, deadline })
      const address = ({ bolt }) => bolt.replace('bolt://', '')
      await told(`${address(old)}  master`)
      cluster.signal(old.member, 'KILL')
      await told(`master: ${address(old)} -> none`)
      await told(`${address(old)}: master -> down`)
      const next = await cluster.waitForMaster()
      assert.notEqual(next.member, old.member)
      await told(`master: none -> ${address(next)}`)
      child.kill('SIGINT')
      assert.equal((await within(end, 10_000, 'the end')).code, 1)
    },
    { timeout: 180_000 }
  )
})
