// Reads of three readers of which one is ten times slower, in turns with reads of three that are equal.

import { percentile } from '../../failover/figures.mjs'
import { repeated } from '../../measure.mjs'
import { read, ready } from '../load.mjs'

/** How long answers are on their way, in ms. */
const [USUAL, SLOW] = [20, 200]
const STRATEGIES = { random: 0, leastConnected: 'leastConnected', fastest: 'fastest' }
const TURNS = 4
const SECONDS = 2

/** Reads for a while. @returns {Promise<{ times: number[], bySlow: number }>} in ms, and how many the second reader had */
const readAll = async (driver, concurrency, seconds) => {
  const times = []
  const slow = driver.servers[1].location.bolt
  let bySlow = 0
  const once = async () => {
    const began = performance.now()
    const { servedBy } = await read(driver)
    times.push(performance.now() - began)
    if (servedBy.location.bolt === slow) bySlow++
  }
  await repeated(once, { concurrency, seconds })
  return { times, bySlow }
}

export const slowReader = {
  name: 'slow-reader',
  sizes: [1, 4, 16, 64, 128],
  key: size => ({ readers: size }),
  async measure(size, clusterOf) {
    const { delayed } = await clusterOf(3)
    const [equal, unequal] = [await delayed([USUAL, USUAL, USUAL]), await delayed([USUAL, SLOW, USUAL])]
    const figures = {}
    for (const [name, strategy] of Object.entries(STRATEGIES)) {
      const drivers = [await ready(equal, { strategy }), await ready(unequal, { strategy })]
      const all = drivers.map(() => ({ times: [], bySlow: 0 }))
      for (const driver of drivers) await readAll(driver, size, 1)
      for (let turn = 0; turn < TURNS; turn++) {
        for (const [i, driver] of drivers.entries()) {
          const { times, bySlow } = await readAll(driver, size, SECONDS)
          all[i].times.push(...times)
          all[i].bySlow += bySlow
        }
      }
      const [healthyMs, slowMs] = all.map(({ times }) => percentile(times, 99))
      const slowShare = (all[1].bySlow / all[1].times.length) * 100
      figures[name] = { healthyMs, slowMs, ratio: slowMs / healthyMs, slowSharePercent: slowShare }
      await Promise.all(drivers.map(driver => driver.close()))
    }
    return figures
  }
}
