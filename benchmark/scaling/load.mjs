// What all measures do with a driver.

import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { OURS } from '../peers.mjs'

const Neo4jHA = createRequire(import.meta.url)(OURS)
const QUERY = 'RETURN 1 AS n'
/** No check comes in between. */
export const NEVER = 3_600_000

/** @returns a driver that has checked all servers */
export async function ready(locations, options) {
  const driver = new Neo4jHA(locations, options)
  await driver.ready
  return driver
}

/** One read in a session of its own. */
export async function read(driver) {
  const session = driver.session(false)
  try {
    return await session.run(QUERY)
  } finally {
    await session.close()
  }
}

/** CPU time of this process, all of its threads, in seconds. */
export const cpu = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** What share of a core this process takes while it has nothing to do for so many seconds. */
export async function idle(seconds) {
  const [from, since] = [cpu(), performance.now()]
  await sleep(seconds * 1000)
  return (cpu() - from) / ((performance.now() - since) / 1000)
}

/** Bytes of memory that are in use when there is no garbage. */
export async function resident() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await sleep(50)
  }
  return process.memoryUsage.rss()
}
