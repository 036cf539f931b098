// The drivers of other languages, that are measured for orientation: each where its tools are installed.
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { which } from '../tools/lib/exec.mjs'
import { ROOT } from '../tools/lib/project.mjs'
import { cargoBuild } from './servers.mjs'

const exec = promisify(execFile)
const peers = join(ROOT, 'benchmark', 'peers')
const onWindows = process.platform === 'win32'

/** What they measure: elsewhere they have not what is measured, or it is not what it is in JavaScript. */
export const ORIENTED = new Set([
  'scan-collect',
  'scan-iterate',
  'small-1',
  'small-10',
  'small-100',
  'execute-10',
  'unwind'
])

function cacheFolder(name) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(cache, 'neo4j-ha-bolt-driver', 'bench', name)
  mkdirSync(folder, { recursive: true })
  return folder
}

function tool(...names) {
  const found = names.map(name => which(name)).find(Boolean)
  if (!found) throw new Error(`${names[0]} is not installed`)
  return found
}

/** Python's neo4j with neo4j-rust-ext, in an environment of their own. */
async function python() {
  const interpreter = tool('python3', 'python')
  const folder = cacheFolder('python')
  const own = join(folder, onWindows ? 'Scripts' : 'bin', 'python')
  const requirements = join(peers, 'python', 'requirements.txt')
  await exec(interpreter, ['-m', 'venv', folder])
  await exec(own, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements])
  const version = /^neo4j==(.*)$/m.exec(readFileSync(requirements, 'utf8'))[1]
  return { command: [own, join(peers, 'python', 'client.py')], version }
}

async function go() {
  const compiler = tool('go')
  const cwd = join(peers, 'go')
  const program = join(cacheFolder('go'), onWindows ? 'bench.exe' : 'bench')
  await exec(compiler, ['build', '-o', program, '.'], { cwd })
  return {
    command: [program],
    version: /neo4j-go-driver\S* v(\S+)/.exec(readFileSync(join(cwd, 'go.mod')))[1]
  }
}

async function neo4rs() {
  tool('cargo')
  const program = cargoBuild('neo4rs-peer')
  const locked = readFileSync(join(ROOT, 'Cargo.lock'), 'utf8')
  return { command: [program], version: /name = "neo4rs"\nversion = "(.*)"/.exec(locked)[1] }
}

/**
 * By name: `prepare()` installs or builds what is needed, and gives `{command, version}`; it rejects where it cannot. `bolt` is the
 * newest version of those that do not speak all.
 */
export const orientation = {
  python: { prepare: python },
  go: { prepare: go },
  neo4rs: { prepare: neo4rs, bolt: '4.1' }
}
