// The instances of a root folder: what was started, under which name, on which ports, for whom.
//
//   <root>/jars/...             downloads, kept
//   <root>/java/...             Java runtimes that had to be downloaded, kept
//   <root>/run/<instance>/      one set of servers: state.json, and a home folder for each member; removed by `down`

import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { UserError } from '../lib/exec.mjs'
import { isAlive, withLock } from '../lib/lock.mjs'
import { parseName } from './catalog.mjs'
import { membersOf, PORTS, portsOf } from './configuration.mjs'
import { kill } from './process.mjs'

/** Sets take blocks of ports below those which systems hand out to clients. */
const FIRST_PORT = 21_000
const BLOCKS = 180

/**
 * @typedef {object} State what is written about an instance
 * @property {string} instance
 * @property {number} port the first of its block
 * @property {{ user: string, pass: string } | null} auth
 * @property {Record<string, string>} settings
 * @property {string[]} advertised the Bolt address that each member says it has; those left out say their own
 * @property {string | null} tls fingerprint of the certificates that were given; null where none was
 * @property {number | null} owner pid of the process it belongs to and ends with; null: until `down`
 * @property {string} [java]
 * @property {string} [args]
 */

/** The folder for downloads and run data: `dir`, or $NEO4J_SERVERS_DIR, or one in the user's cache folder. */
export function rootFolder(dir = process.env.NEO4J_SERVERS_DIR) {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return resolve(dir || join(cache, 'neo4j-ha-bolt-driver', 'servers'))
}

const folderOf = (root, instance) => join(root, 'run', instance)
const stateFile = (root, instance) => join(folderOf(root, instance), 'state.json')

/** The names of all instances that were started and not taken down. */
export function instances(root) {
  try {
    return readdirSync(join(root, 'run')).filter(name => readState(root, name))
  } catch {
    return []
  }
}

/** @returns {State | null} */
export function readState(root, instance) {
  try {
    return JSON.parse(readFileSync(stateFile(root, instance), 'utf8'))
  } catch {
    return null
  }
}

/** Writes what is known of an instance, for its owner's eyes: there is a password in it. */
export function writeState(root, state) {
  mkdirSync(folderOf(root, state.instance), { recursive: true })
  const file = stateFile(root, state.instance)
  writeFileSync(`${file}.new`, JSON.stringify(state, null, 1), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** The members of an instance as its state has them. */
export const membersIn = (root, state) =>
  membersOf(parseName(state.instance).product, folderOf(root, state.instance), state.port)

/** Kills what runs of an instance and removes its run data; true where there was something. */
export async function remove(root, instance) {
  const state = readState(root, instance)
  if (state) await kill(membersIn(root, state))
  rmSync(folderOf(root, instance), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  return state !== null
}

/** Takes down what belongs to processes that are gone. */
export async function sweep(root) {
  for (const name of instances(root)) {
    const owner = readState(root, name)?.owner
    if (owner && !isAlive(owner)) await remove(root, name)
  }
}

/**
 * Registers an instance with a block of free ports that no other instance has.
 *
 * @param {string} root
 * @param {Omit<State, 'port'>} state
 * @param {number} [wanted] the first port; else a free block is looked for
 * @returns {Promise<State>}
 */
export async function register(root, state, wanted) {
  const { product } = parseName(state.instance)
  return withLock(join(root, 'run.lock'), async () => {
    const others = instances(root).filter(name => name !== state.instance)
    const taken = others.map(name => ({ name, port: readState(root, name)?.port ?? 0 }))
    for (const port of wanted ? [wanted] : blocks(root, state.instance)) {
      const other = taken.find(t => Math.abs(t.port - port) < PORTS)
      const busy = other ? null : await firstBusy(portsOf(membersOf(product, '', port)))
      if (other || busy) {
        if (!wanted) continue
        throw new UserError(
          other
            ? `ports ${port}-${port + PORTS - 1} would meet those of '${other.name}', which starts at ${other.port}`
            : `port ${busy} is taken by another program; choose another --port`
        )
      }
      const whole = { ...state, port }
      writeState(root, whole)
      return whole
    }
    throw new UserError('no block of free ports was found; take some servers down first')
  })
}

/**
 * The first ports to try. Each root folder and name starts at a place of its own: the same set mostly finds its old
 * ports again, and users of several roots rarely meet.
 */
function blocks(root, instance) {
  const start = createHash('sha256').update(`${root}\n${instance}`).digest().readUInt32LE(0)
  return Array.from({ length: BLOCKS }, (_, i) => FIRST_PORT + PORTS * ((start + i) % BLOCKS))
}

async function firstBusy(ports) {
  for (const port of ports) {
    if (!(await isFree(port))) return port
  }
  return null
}

const isFree = port =>
  new Promise(done => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => done(true)))
  })
