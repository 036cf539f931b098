// What writes cost that wait while there is no master: whether more of them ask the members more often, and how soon all are
// done when there is one again.

import { setTimeout as sleep } from 'node:timers/promises'
import { idle, ready } from '../load.mjs'

const MEMBERS = 3
const SECONDS = 3
const POLL = 10
/** Until all wait, and their connections are there, in ms. */
const SETTLES = 1_000

export const waiters = {
  name: 'waiters',
  sizes: [1, 1_000, 10_000],
  key: size => ({ waiters: size }),
  async measure(size, clusterOf) {
    const { locations, become, checks } = await clusterOf(MEMBERS)
    const driver = await ready(locations, {})
    const sessions = Array.from({ length: size }, () => driver.session(true))
    const write = session => session.run('CREATE ()')
    await Promise.all(sessions.map(write))

    await become(null)
    while (driver.masterIndex >= 0) await sleep(POLL)
    const written = Promise.all(sessions.map(write))
    await sleep(SETTLES)
    const asked = await checks()
    const share = await idle(SECONDS)
    const checksPerSecond = ((await checks()) - asked) / SECONDS
    const back = performance.now()
    await become(0)
    await written
    const allWrittenMs = performance.now() - back
    await driver.close()
    return { checksPerSecond, alarmPercent: share * 100, allWrittenMs }
  }
}
