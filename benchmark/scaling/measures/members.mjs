// What members cost that nothing is asked of: their checks.

import { setTimeout as sleep } from 'node:timers/promises'
import { idle, ready, resident } from '../load.mjs'

const SECONDS = 10
/** Until the checks are spread over their interval, and the code is warm, in ms. */
const SETTLES = 2_000

export const members = {
  name: 'members',
  sizes: [5, 10, 25, 50, 100, 200],
  key: size => ({ members: size }),
  async measure(size, clusterOf) {
    const { locations, checks } = await clusterOf(size)
    const before = await resident()
    const began = performance.now()
    const driver = await ready(locations, { checkInterval: 500 })
    const readyMs = performance.now() - began
    await sleep(SETTLES)
    const memory = (await resident()) - before
    const asked = await checks()
    const share = await idle(SECONDS)
    const checksPerSecond = ((await checks()) - asked) / SECONDS
    await driver.close()
    return {
      readyMs,
      idlePercent: share * 100,
      checksPerSecond,
      usPerCheck: (share / checksPerSecond) * 1e6,
      mebibytes: memory / (1 << 20)
    }
  }
}
