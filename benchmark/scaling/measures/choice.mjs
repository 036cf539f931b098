// What a read costs that is sent to one of many: in turns with one that is sent to one of five.

import { repeated } from '../../measure.mjs'
import { median } from '../../report.mjs'
import { NEVER, read, ready } from '../load.mjs'

const FEW = 5
const STRATEGIES = { random: 0, leastConnected: 'leastConnected', fastest: 'fastest' }
const CONCURRENCY = 8
const TURNS = 6
const SECONDS = 0.5
/** So many reads of each member come first: connections are there then. */
const WARM = 20

const usPerRead = async driver => {
  const { cpuSeconds, done } = await repeated(() => read(driver), {
    concurrency: CONCURRENCY,
    seconds: SECONDS
  })
  return (cpuSeconds / done) * 1e6
}

export const choice = {
  name: 'choice',
  sizes: [10, 25, 50, 100, 200],
  key: size => ({ members: size }),
  async measure(size, clusterOf) {
    const { locations } = await clusterOf(size)
    const figures = {}
    for (const [name, strategy] of Object.entries(STRATEGIES)) {
      const open = some => ready(some, { strategy, checkInterval: NEVER })
      const [few, many] = [await open(locations.slice(0, FEW)), await open(locations)]
      for (const driver of [few, many]) {
        for (let i = 0; i < WARM; i++) await Promise.all(locations.map(() => read(driver)))
      }
      const ratios = []
      for (let turn = 0; turn < TURNS; turn++) {
        const ofFew = await usPerRead(few)
        ratios.push((await usPerRead(many)) / ofFew)
      }
      figures[name] = median(ratios)
      await Promise.all([few.close(), many.close()])
    }
    return figures
  }
}
