// `npm run bench:growth`: what a driver costs as results, and as sessions at the same time, become more. README.md of the benchmarks
// says how it is measured.
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { fail } from '../../tools/lib/exec.mjs'
import { answerOf } from '../child.mjs'
import { readMeasureOptions } from '../options.mjs'
import { writePage, writeSections } from '../page.mjs'
import { assertPresent, OURS, THEIRS } from '../peers.mjs'
import { medians } from '../report.mjs'
import { servers } from '../servers.mjs'
import { measures } from './measures.mjs'
import { picture, sections, tableOf } from './page.mjs'

const USAGE = `npm run bench:growth -- [options]
  --json FILE     write the figures as JSON
  --only A,B      these measures alone, of: ${Object.keys(measures).join(', ')}
  --rounds N      how often each row is measured (3)
  --page FILE     measure nothing: write them into docs/PERFORMANCE.md, and docs/growth.svg, from such a file`

const client = fileURLToPath(new URL('client.mjs', import.meta.url))

const say = message => process.stderr.write(`${message}\n`)

/** The figures of one size by one peer, by a process of its own. */
function measured(peer, measure, size, { uri, user, password, queries }) {
  const job = JSON.stringify({ peer, measure, size, uri, user, password, queries })
  return answerOf(['--max-old-space-size=8192', client, job], `${measure} of ${size} by ${peer}`)
}

async function bench({ json, rounds, chosen }) {
  for (const peer of [OURS, THEIRS]) assertPresent(peer)
  const machine = { cpu: cpus()[0].model, cores: availableParallelism(), node: process.version, rounds }
  const figures = { machine, measures: {} }
  const server = await servers.replay({ say })
  try {
    for (const name of chosen) {
      const { sizes } = measures[name]
      const all = sizes.map(() => [])
      // Each round has all rows, so that what slows the machine for a while slows no row alone.
      for (let round = 1; round <= rounds; round++) {
        for (const [i, size] of sizes.entries()) {
          const ours = await measured(OURS, name, size, server)
          const theirs = await measured(THEIRS, name, size, server)
          say(`${name} ${size}, round ${round}: ${JSON.stringify({ ours, theirs })}`)
          all[i].push({ ours, theirs })
        }
      }
      figures.measures[name] = sizes.map((size, i) => ({ size, ...medians(all[i]) }))
      // so that what was measured outlives a later failure
      if (json) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`)
      console.log(`\n${name}\n${tableOf(name, figures.measures[name])}`)
    }
  } finally {
    await server.stop()
  }
}

async function main() {
  const options = readMeasureOptions(Object.keys(measures), USAGE)
  if (options.help) return console.log(USAGE)
  if (!options.page) return bench(options)
  say(`written: ${writeSections('PERFORMANCE.md', sections, options.page)}`)
  say(`written: ${writePage('growth.svg', picture, options.page)}`)
}

main().catch(fail)
