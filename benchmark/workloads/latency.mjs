// A workload of small queries that come when they come: how long each takes, not how many can be done.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { percentile } from '../failover/figures.mjs'
import { repeated, settle, shares, timed } from '../measure.mjs'
import { askBy } from './small.mjs'

const RATE = 1_000
const SECONDS = 4
const WARM_UP = { concurrency: 10, seconds: 0.5 }
const arrivals = fileURLToPath(new URL('../arrivals.mjs', import.meta.url))

/** Asks whenever a query arrives, whether or not those before it have been answered; in ms from when each was due. */
async function latencies(ask) {
  const child = spawn(process.execPath, [arrivals, String(RATE), String(SECONDS)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const asked = []
  let start
  const answer = async due => {
    await ask()
    return performance.now() - due
  }
  for await (const chunk of child.stdout) {
    let arrived = chunk.length
    if (start === undefined) {
      const line = chunk.indexOf('\n')
      const ahead = BigInt(chunk.subarray(0, line).toString()) - process.hrtime.bigint()
      start = performance.now() + Number(ahead) / 1e6
      arrived -= line + 1
    }
    for (; arrived > 0; arrived--) asked.push(answer(start + (asked.length * 1e3) / RATE))
  }
  return Promise.all(asked)
}

const atRate = {
  name: 'small-p99',
  query: 'one',
  run: async subject => {
    const driver = subject.open()
    let sum = 0
    const ask = async () => {
      const record = await askBy(driver.session(), subject.queries.one)
      sum += record.get('n').toNumber()
    }
    await repeated(ask, WARM_UP)
    await settle()
    sum = 0
    const { result, ...times } = await timed(() => latencies(ask))
    const at = percent => percentile(result, percent)
    return {
      ...shares(times, result.length),
      latency: { p50: at(50), p99: at(99), p999: at(99.9), max: at(100) },
      checksum: { answers: result.length, sum }
    }
  }
}

export const latencyWorkloads = [
  {
    name: 'small-p99',
    unit: 'ms',
    better: 'lower',
    figure: ({ latency }) => latency.p99,
    floor: 1.5,
    goal: 3,
    measurement: atRate
  }
]
