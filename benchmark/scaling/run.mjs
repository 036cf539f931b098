// `npm run bench:scaling`: what many members, many sessions and a slow member cost. README.md says how it is measured.

import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { fail } from '../../tools/lib/exec.mjs'
import { answerOf } from '../child.mjs'
import { readMeasureOptions } from '../options.mjs'
import { writePage } from '../page.mjs'
import { assertPresent, OURS } from '../peers.mjs'
import { medians } from '../report.mjs'
import { measures } from './measures/index.mjs'
import { page, tableOf } from './page.mjs'

const names = measures.map(({ name }) => name)
const USAGE = `npm run bench:scaling -- [options]
  --json FILE     write the figures as JSON
  --only A,B      these measures alone, of: ${names.join(', ')}
  --rounds N      how often each row is measured (3)
  --page FILE     measure nothing: write docs/SCALING.md from such a file`

const client = fileURLToPath(new URL('client.mjs', import.meta.url))

const say = message => process.stderr.write(`${message}\n`)

/** The figures of one row, by a process of its own. */
function measured({ name }, size) {
  return answerOf(['--no-warnings', client, name, String(size)], `${name} of ${size}`)
}

/** All rows of a measure. Each round has all of them, so that what slows the machine for a while slows no row alone. */
async function rowsOf(measure, rounds) {
  const all = measure.sizes.map(() => [])
  for (let round = 1; round <= rounds; round++) {
    for (const [i, size] of measure.sizes.entries()) {
      const figures = await measured(measure, size)
      say(`${measure.name} ${size}, round ${round}: ${JSON.stringify(figures)}`)
      all[i].push(figures)
    }
  }
  return measure.sizes.map((size, i) => ({ ...measure.key(size), ...medians(all[i]) }))
}

async function bench({ json, rounds, chosen }) {
  assertPresent(OURS)
  const machine = { cpu: cpus()[0].model, cores: availableParallelism(), node: process.version, rounds }
  const figures = { machine, measures: {} }
  for (const measure of measures.filter(({ name }) => chosen.includes(name))) {
    figures.measures[measure.name] = await rowsOf(measure, rounds)
    // so that what was measured outlives a later failure
    if (json) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`)
    console.log(`\n${measure.name}\n${tableOf(measure.name, figures.measures[measure.name])}`)
  }
}

async function main() {
  const options = readMeasureOptions(names, USAGE)
  if (options.help) return console.log(USAGE)
  if (options.page) return say(`written: ${writePage('SCALING.md', page, options.page)}`)
  await bench(options)
}

main().catch(fail)
