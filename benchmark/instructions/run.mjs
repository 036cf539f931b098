// `npm run instructions`: what the Rust core takes now, beside the committed figures. README.md says how to read it.

import { parseArgs } from 'node:util'
import { fail, UserError } from '../../tools/lib/exec.mjs'
import { committed, compare, incomparable, report, write } from './figures.mjs'
import { environment, measure, PROFILES, whyNot } from './measure.mjs'

const USAGE = `npm run instructions [-- --write]
  --write   commit to what is counted now: writes benchmark/instructions/figures.json`

async function main() {
  const { write: writes } = readOptions()
  const reason = whyNot()
  if (reason) throw new UserError(reason)
  const here = await environment()
  const now = await measure({ target: here.target, say: text => console.error(text) })
  const figures = committed()
  const rows = compare(figures.scenarios, now)
  console.log(`\n${report(rows)}\n\nprofiles, for callgrind_annotate: ${PROFILES}`)
  if (writes) return write({ environment: here, scenarios: now })
  const foreign = incomparable(figures.environment, here)
  if (foreign) return console.log(`\n${foreign}`)
  const problems = rows.map(row => row.problem).filter(Boolean)
  if (problems.length > 0) throw new UserError(problems.join('\n'))
}

function readOptions() {
  try {
    return parseArgs({ options: { write: { type: 'boolean', default: false } } }).values
  } catch (error) {
    throw new UserError(`${error.message}\n\n${USAGE}`)
  }
}

main().catch(fail)
