// `npm run bench:scaling`: what many members, many sessions and a slow member cost. README.md says how it is measured.

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { fail, UserError } from '../../tools/lib/exec.mjs'
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
/** No row takes so long unless it hangs, in ms. */
const LIMIT = 300_000

const say = message => process.stderr.write(`${message}\n`)

function readOptions() {
  let values
  try {
    values = parseArgs({
      options: {
        json: { type: 'string' },
        only: { type: 'string', default: names.join(',') },
        rounds: { type: 'string', default: '3' },
        page: { type: 'string' },
        help: { type: 'boolean' }
      }
    }).values
  } catch (error) {
    throw new UserError(`${error.message}\n\n${USAGE}`)
  }
  const rounds = Number(values.rounds)
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new UserError('--rounds takes a number from 1 up')
  const only = values.only.split(',')
  const unknown = only.find(name => !names.includes(name))
  if (unknown !== undefined) throw new UserError(`there is no measure '${unknown}'\n\n${USAGE}`)
  return { ...values, rounds, chosen: measures.filter(({ name }) => only.includes(name)) }
}

/** The figures of one row, by a process of its own. */
async function measured({ name }, size) {
  const child = spawn(process.execPath, ['--expose-gc', '--no-warnings', client, name, String(size)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: LIMIT
  })
  const exit = new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', resolve)
  })
  const [out, code] = await Promise.all([text(child.stdout), exit])
  if (code !== 0)
    throw new Error(`${name} of ${size} did not end as it should (${code ?? 'it took too long'})`)
  return JSON.parse(out)
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
  for (const measure of chosen) {
    figures.measures[measure.name] = await rowsOf(measure, rounds)
    // so that what was measured outlives a later failure
    if (json) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`)
    console.log(`\n${measure.name}\n${tableOf(measure.name, figures.measures[measure.name])}`)
  }
}

async function main() {
  const options = readOptions()
  if (options.help) return console.log(USAGE)
  if (options.page) return say(`written: ${writePage('SCALING.md', page, options.page)}`)
  await bench(options)
}

main().catch(fail)
