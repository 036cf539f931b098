// What is done to the cluster under load. Each resolves when it has had its effect and nothing more stands in the way of
// reads and writes; how long the clients then take is what is measured.

import { setTimeout as sleep } from 'node:timers/promises'

/** For how long a stopped process is stopped, and a cut lasts, in ms. */
const HANGS = 8_000
/** How long those that were killed together are down, in ms. */
const DOWN = 5_000
/** How long clients are watched after something that takes nothing from the cluster, in ms. */
const WATCHED = 3_000
const POLL = 50

/**
 * @typedef {object} Scene
 * @property {import('../../tools/servers/index.mjs').Cluster} cluster
 * @property {number} master the member that leads
 * @property {number[]} slaves the others, read replicas last
 * @property {import('./proxy.mjs').HoldingProxy[]} proxies those before the master, where there are any
 */

/**
 * @typedef {object} Fault
 * @property {string} about
 * @property {number} trials how often it is tried by default
 * @property {boolean} [isCut] clients reach the members through proxies
 * @property {(scene: Scene) => Promise<void>} strike
 */

const ended = async (cluster, member) => {
  while ((await cluster.status())[member - 1].pid !== null) await sleep(POLL)
}

const cutting = (about, directions) => ({
  about,
  trials: 3,
  isCut: true,
  strike: async ({ proxies, cluster }) => {
    for (const proxy of proxies) proxy.cut(directions)
    await sleep(HANGS)
    for (const proxy of proxies) proxy.mend()
    await cluster.waitForMaster()
  }
})

/** @type {Record<string, Fault>} */
export const faults = {
  none: {
    about: 'nothing: what the machine and the servers do by themselves',
    trials: 3,
    strike: () => sleep(WATCHED)
  },
  kill: {
    about: 'KILL of the master',
    trials: 20,
    strike: async ({ cluster, master }) => {
      cluster.signal(master, 'KILL')
      await cluster.waitForMaster()
    }
  },
  term: {
    about: 'TERM of the master, which ends in order',
    trials: 3,
    strike: async ({ cluster, master }) => {
      cluster.signal(master, 'TERM')
      await ended(cluster, master)
      await cluster.waitForMaster()
    }
  },
  stop: {
    about: `STOP of the master, and CONT after ${HANGS / 1000} s`,
    trials: 3,
    strike: async ({ cluster, master }) => {
      cluster.signal(master, 'STOP')
      await sleep(HANGS)
      cluster.signal(master, 'CONT')
      await cluster.waitForMaster()
    }
  },
  'kill-slave': {
    about: 'KILL of a slave: of a follower, and of the read replica where there is one',
    trials: 3,
    strike: async ({ cluster, slaves }) => {
      cluster.signal(slaves.at(-1), 'KILL')
      await sleep(WATCHED)
    }
  },
  'two-of-three': {
    about: `KILL of the master and a slave at once, and their start after ${DOWN / 1000} s`,
    trials: 3,
    strike: async ({ cluster, master, slaves: [slave] }) => {
      for (const member of [master, slave]) cluster.signal(member, 'KILL')
      await sleep(DOWN)
      for (const member of [master, slave]) await cluster.start(member, { wait: false })
      await cluster.waitReady()
    }
  },
  'all-down-and-up': {
    about: `KILL of all members, and their start after ${DOWN / 1000} s`,
    trials: 3,
    strike: async ({ cluster, master, slaves }) => {
      for (const member of [master, ...slaves]) cluster.signal(member, 'KILL')
      await sleep(DOWN)
      for (const member of [master, ...slaves]) await cluster.start(member, { wait: false })
      await cluster.waitReady()
    }
  },
  'rolling-restart': {
    about:
      'TERM and start of one member after the other, each when the one before serves again; the master last',
    trials: 3,
    strike: async ({ cluster, master, slaves }) => {
      for (const member of [...slaves, master]) {
        cluster.signal(member, 'TERM')
        await ended(cluster, member)
        await cluster.start(member)
      }
      await cluster.waitReady()
    }
  },
  'cut-both': cutting(`a cut of ${HANGS / 1000} s between clients and master`, ['server', 'client']),
  'cut-to-master': cutting('the same, of what clients send alone', ['server']),
  'cut-from-master': cutting('the same, of what the master sends alone', ['client'])
}
