// A cluster that costs its client nothing: members on ports of their own, in other processes than the one that is measured.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { servers } from '../servers.mjs'

const HOST = '127.0.0.1'

const start = async (program, argument) => {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [argument], {
    execArgv: []
  })
  const [{ ports }] = await once(child, 'message')
  return { child, ports }
}

/**
 * @param {number} members of an HA cluster, of which the first is the master
 * @returns `locations` of them for `new Neo4jHA`; `become(master)` tells who is the master now, or null; `checks()` is how
 *   often they were asked what they are; `delayed(delays)` are the locations by way of proxies, each with its delay in ms
 */
export async function clusterOf(members) {
  const replay = await servers.replay({ members, say: () => {} })
  const status = await start('status.mjs', String(members))
  const proxies = []
  const told = async message => {
    status.child.send(message)
    const [{ answered }] = await once(status.child, 'message')
    return answered
  }
  const locations = ports =>
    ports.map((port, i) => [`http://${HOST}:${status.ports[i]}`, `bolt://${HOST}:${port}`])
  return {
    locations: locations(replay.ports),
    become: master => told({ master }),
    checks: () => told({}),
    delayed: async delays => {
      const some = await start(
        'delays.mjs',
        JSON.stringify(delays.map((delay, i) => ({ port: replay.ports[i], delay })))
      )
      proxies.push(some.child)
      return locations(some.ports)
    },
    stop: async () => {
      for (const child of [status.child, ...proxies]) child.disconnect()
      await replay.stop()
    }
  }
}
