// A workload of programs that do little: from the loading of the module to the first record.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from '../report.mjs'

const program = fileURLToPath(new URL('../starter.mjs', import.meta.url))
const exec = promisify(execFile)
/** So many fresh processes are a measurement. */
const STARTS = 7

const start = {
  name: 'start',
  query: 'one',
  run: async ({ job }) => {
    const starts = []
    for (let i = 0; i < STARTS; i++) {
      const { stdout } = await exec(process.execPath, [program, JSON.stringify(job)])
      starts.push(JSON.parse(stdout))
    }
    const each = key => median(starts.map(one => one[key]))
    const [{ delay, checksum }] = starts
    return { rate: each('rate'), cpu: each('cpu'), main: each('main'), peak: each('peak'), delay, checksum }
  }
}

export const startWorkloads = [
  {
    name: 'start',
    unit: 'ms',
    better: 'lower',
    figure: ({ rate }) => 1e3 / rate,
    floor: 2,
    goal: 3,
    measurement: start
  }
]
