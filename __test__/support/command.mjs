// The command line, run as a user runs it; and what it says, held against what is committed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { within } from './until.mjs'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** What an environment of tests may have, and the command is to get from its test alone. */
const NONE = {
  NODE_OPTIONS: '',
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  NEO4J_URI: undefined,
  NEO4J_USERNAME: undefined,
  NEO4J_PASSWORD: undefined,
  NEO4J_DATABASE: undefined
}

/** Starts the command. `lines` are those of its standard output so far; `end` a promise of `{ code, stdout, stderr }`. */
export const start = (args, env = {}) => {
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...NONE, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const told = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', text => {
      told[name] += text
    })
  }
  const end = new Promise(resolve => child.on('close', code => resolve({ code, ...told })))
  return { child, end, lines: () => told.stdout.split('\n') }
}

/** Runs the command to its end. */
export const command = async (args, env) => {
  const { child, end } = start(args, env)
  try {
    return await within(end, 40_000, `the end of ${args.join(' ')}`)
  } finally {
    child.kill('SIGKILL')
  }
}

/** The environment in which somebody is logged in. */
export const as = auth => (auth ? { NEO4J_USERNAME: auth.user, NEO4J_PASSWORD: auth.pass } : {})

/**
 * What was printed, without what differs from run to run: times, ports (by the names that are given for them), versions of what the
 * tests run on; and with two blanks between columns, whose width depends on these.
 */
const steady = (text, ports) => {
  let steadied = stripVTControlCharacters(text)
  for (const [name, port] of Object.entries(ports)) steadied = steadied.replaceAll(String(port), `<${name}>`)
  return steadied
    .replace(/Node\.js v[^,]*, .*/g, '<platform>')
    .replace(/\d+(\.\d+)? ms/g, '<n> ms')
    .replace(/TLSv1\.\d, \w+/g, '<cipher>')
    .replace(/localhost is .*/g, 'localhost is <addresses>')
    .replace(/os error \d+/g, 'os error <n>')
    .replace(/\b\d\d:\d\d:\d\d\b(?! 2)/g, '<time>')
    .replace(/until \w{3} .*? GMT/g, 'until <day>')
    .replace(/\d+\.\d s (ahead|behind)/g, '<n> s $1')
    .replace(/-{2,}/g, '--')
    .replace(/ {2,}/g, '  ')
    .replace(/ +$/gm, '')
}

/**
 * Holds what the command said against the file of that name in `folder`, which UPDATE_SNAPSHOTS=1 writes.
 *
 * @param {URL} folder
 * @param {string} name
 * @param {{ code: number, stdout: string }} said
 * @param {{ [name: string]: number }} ports
 */
export const matches = (folder, name, { code, stdout }, ports) => {
  const file = fileURLToPath(new URL(`${name}.txt`, folder))
  const text = `${steady(stdout, ports)}exit code ${code}\n`
  if (process.env.UPDATE_SNAPSHOTS) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  assert.ok(existsSync(file), `${file} is not there: UPDATE_SNAPSHOTS=1 writes it`)
  assert.equal(text, readFileSync(file, 'utf8'))
}
