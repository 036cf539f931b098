// What open sessions cost, and reads by all of them at once.

import { timed } from '../../measure.mjs'
import { idle, NEVER, ready, resident } from '../load.mjs'

const MEMBERS = 3
const SECONDS = 3
/** So many connections the pools have room for. */
const POOLED = 300
const AT_ONCE = 100

export const sessions = {
  name: 'sessions',
  sizes: [10, 100, 1_000, 10_000],
  key: size => ({ sessions: size }),
  async measure(size, clusterOf) {
    const { locations } = await clusterOf(MEMBERS)
    const driver = await ready(locations, { checkInterval: NEVER })
    const sessionsOf = count => Array.from({ length: count }, () => driver.session(false))
    const all = open => Promise.all(open.map(session => session.run('RETURN 1 AS n')))
    const busy = async open => {
      let [bursts, longest] = [0, 0]
      const { seconds, cpuSeconds } = await timed(async () => {
        const end = performance.now() + SECONDS * 1000
        do {
          const began = performance.now()
          await all(open)
          longest = Math.max(longest, performance.now() - began)
          bursts++
        } while (performance.now() < end)
      })
      return { reads: bursts * open.length, seconds, cpuSeconds, longest }
    }
    // What connections and warm code take is not that of the sessions.
    const first = sessionsOf(POOLED)
    await busy(first)
    await Promise.all(first.map(session => session.close()))
    first.length = 0

    const before = await resident()
    const open = sessionsOf(size)
    // A few at a time: nor is what is needed while all of them wait.
    for (let i = 0; i < size; i += AT_ONCE) await all(open.slice(i, i + AT_ONCE))
    const bytes = ((await resident()) - before) / size
    const share = await idle(SECONDS)
    const { reads, seconds, cpuSeconds, longest } = await busy(open)
    await driver.close()
    return {
      bytesEach: bytes,
      idlePercent: share * 100,
      readsPerSecond: reads / seconds,
      usPerRead: (cpuSeconds / reads) * 1e6,
      allAnsweredMs: longest
    }
  }
}
