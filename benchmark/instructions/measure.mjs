// How many instructions each scenario takes, by Valgrind, and what such figures depend on besides the code.

import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, which } from '../../tools/lib/exec.mjs'
import { ROOT } from '../../tools/lib/project.mjs'

const PACKAGE = 'instructions'
/** Where the last profile of each scenario is, for callgrind_annotate. */
export const PROFILES = join(ROOT, 'target', 'callgrind')
/** Where these are entered and left Valgrind begins and ends to count: see src/count.rs. */
const TOGGLES = ['counted', 'uncounted'].map(name => `${PACKAGE}::count::${name}`)
/** No scenario takes so long unless it hangs. */
const SCENARIO_LIMIT_MS = 120_000

const valgrind = process.platform === 'linux' ? which('valgrind') : null

/** Why nothing can be counted here, or null. */
export const whyNot = () =>
  valgrind
    ? null
    : "instructions are counted by Valgrind, on Linux, and it is not here: 'apt-get install valgrind'"

/** What the figures depend on besides the code: compiler, standard library of C, and what Valgrind makes of the CPU. */
export async function environment() {
  const rustc = await run('rustc', ['--version', '--verbose'])
  const field = name => new RegExp(`^${name}: (.+)$`, 'm').exec(rustc)?.[1] ?? 'unknown'
  const libc = process.report.getReport().header.glibcVersionRuntime
  return {
    rustc: `${field('release')} (${field('commit-hash').slice(0, 9)})`,
    target: field('host'),
    libc: libc ? `glibc ${libc}` : 'not glibc',
    valgrind: (await run(valgrind, ['--version'])).replace('valgrind-', ''),
    cpu: readFileSync('/proc/cpuinfo', 'utf8').includes(' avx2 ') ? 'with AVX2' : 'without AVX2'
  }
}

/** Builds the scenarios as the addon is built, and gives the path of the program. */
async function build(target) {
  const lines = []
  const options = ['--release', '--locked', '--package', PACKAGE, '--target', target]
  await run('cargo', ['build', ...options, '--message-format', 'json-render-diagnostics'], {
    cwd: ROOT,
    onLine: line => lines.push(line)
  })
  const artifacts = lines.filter(line => line.startsWith('{')).map(line => JSON.parse(line))
  return artifacts.find(({ executable, target }) => executable && target.name === PACKAGE).executable
}

/**
 * @param {object} options
 * @param {string} options.target that rustc compiles for
 * @param {(text: string) => void} options.say takes a line of progress
 * @returns {Promise<Record<string, {instructions: number, unit: string}>>} of one operation of each scenario
 */
export async function measure({ target, say }) {
  say('building the scenarios (cargo, release)')
  const program = await build(target)
  const names = (await run(program, [])).split('\n').filter(Boolean)
  mkdirSync(PROFILES, { recursive: true })
  const measured = {}
  for (const name of names) {
    say(`counting ${name}`)
    measured[name] = await count(program, name)
  }
  return measured
}

async function count(program, name) {
  const profile = join(PROFILES, name)
  const options = [
    '--tool=callgrind',
    '--quiet',
    `--callgrind-out-file=${profile}`,
    '--collect-atstart=no',
    ...TOGGLES.map(toggle => `--toggle-collect=${toggle}`)
  ]
  // Without an environment: it is on the stack, and moves what is above it.
  const said = await run(valgrind, [...options, program, name], { env: {}, timeout: SCENARIO_LIMIT_MS })
  const [, operations, unit] = /^(\d+) (\w+)$/m.exec(said)
  const [, total] = /^totals: (\d+)$/m.exec(readFileSync(profile, 'utf8'))
  if (Number(total) === 0)
    throw new Error(`${name}: nothing was counted: Valgrind knows no ${TOGGLES.join(', ')}`)
  return { instructions: Math.round((Number(total) / Number(operations)) * 100) / 100, unit }
}
