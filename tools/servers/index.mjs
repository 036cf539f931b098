// Real Neo4j servers on loopback, for tests and the demo:
//
//   import { up } from '../../tools/servers/index.mjs'
//   const cluster = await up('ha@failover')
//   await cluster.signal(1, 'KILL'); const master = await cluster.waitForMaster(); await cluster.start(1)
//   await cluster.down()
//
// A set begins with empty data. It belongs to the process that asked for it: what a dead process left is taken down by
// the next `up`. Names are those of `npm run servers -- list`; a suffix after @ lets several of one kind run at once.

import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { need, run, UserError } from '../lib/exec.mjs'
import { isAlive, withLock } from '../lib/lock.mjs'
import { fetchProduct } from './artifacts.mjs'
import { era, parseName, setPassword } from './catalog.mjs'
import { settings as configuration } from './configuration.mjs'
import { instances, membersIn, readState, register, remove, rootFolder, sweep } from './instances.mjs'
import { boltAnswers, query, readyRole, role } from './probe.mjs'
import { kill, lastWords, launch, memory, pidOf, send } from './process.mjs'

export { products } from './catalog.mjs'

/** How often members are asked while something is waited for, in ms. */
const POLL = 200
const BOOT_TIMEOUT = 240_000
const DEFAULT_PASSWORD = 'neo4j-password'

/**
 * Environment of a session of several processes, as `npm test` is one: its id is put behind the names of all instances
 * (so that they meet no others), and they belong to the process NEO4J_SERVERS_OWNER, which ends them.
 */
const session = () => process.env.NEO4J_SERVERS_SESSION || null
const sessionOwner = () => Number(process.env.NEO4J_SERVERS_OWNER) || process.pid

/**
 * @typedef {object} MemberStatus
 * @property {number} member 1-based
 * @property {string | null} role master, slave, leader, follower, replica, single; null while it has none
 * @property {string} bolt
 * @property {string} http
 * @property {string} https
 * @property {string} certificate path of its certificate, as PEM
 * @property {string} home
 * @property {number | null} pid null where it does not run
 * @property {number | null} rss MiB
 */

/** A running set of servers. */
export class Cluster {
  #root
  #state
  #members

  constructor(root, state) {
    this.#root = root
    this.#state = state
    this.#members = membersIn(root, state)
    const { product } = parseName(state.instance)
    /** The name it is kept under. */
    this.instance = state.instance
    /** The name of its kind. */
    this.name = product.name
    this.version = product.version
    this.kind = product.kind
    /** @type {{ user: string, pass: string } | null} null where authentication is off */
    this.auth = state.auth
    /** As of the last `status()`. @type {MemberStatus[]} */
    this.members = this.#members.map(member => describe(member, null))
  }

  /** Asks every member what it is. @returns {Promise<MemberStatus[]>} */
  async status() {
    this.members = await Promise.all(
      this.#members.map(async member => describe(member, await role(member, this.auth)))
    )
    return this.members
  }

  /**
   * Sends a signal to one member: KILL, TERM, STOP (it hangs) or CONT.
   *
   * @returns {number | null} its pid; null where it was not running
   */
  signal(member, name) {
    return send(this.#member(member), name)
  }

  /**
   * Starts a stopped member again on its data.
   *
   * @param {number} member
   * @param {object} [options]
   * @param {boolean} [options.wait] until it is ready; default true
   * @param {number} [options.timeout] ms
   * @returns {Promise<string | null>} its role; null when not waited for
   */
  async start(member, { wait = true, timeout = BOOT_TIMEOUT } = {}) {
    const one = this.#member(member)
    if (pidOf(one) === null) await launch(one, this.#state)
    if (!wait) return null
    const [said] = await ready([one], this.auth, { timeout })
    return said
  }

  /**
   * Waits until all members serve and exactly one leads.
   *
   * @param {number} [timeout] ms
   * @param {(text: string) => void} [onProgress]
   * @returns {Promise<MemberStatus[]>}
   */
  async waitReady(timeout = BOOT_TIMEOUT, onProgress) {
    await ready(this.#members, this.auth, { timeout, onProgress, whole: true })
    return this.status()
  }

  /**
   * Waits until exactly one of the members leads and takes queries; the others may be down.
   *
   * @param {number} [timeout] ms
   * @returns {Promise<MemberStatus>} the master (of a causal cluster the leader)
   */
  async waitForMaster(timeout = 60_000) {
    const end = Date.now() + timeout
    for (;;) {
      const roles = await Promise.all(this.#members.map(member => role(member, this.auth)))
      const leaders = this.#members.filter((_, i) => leads(roles[i]))
      if (leaders.length === 1 && (await boltAnswers(leaders[0]))) {
        return describe(leaders[0], roles[this.#members.indexOf(leaders[0])])
      }
      if (Date.now() > end)
        throw new UserError(`${this.instance}: no master within ${timeout / 1000} s: ${show(roles)}`)
      await sleep(POLL)
    }
  }

  /**
   * Runs a query on one member over its HTTP API, past any Bolt driver.
   *
   * @param {number} member
   * @param {string} text
   * @param {object} [parameters]
   * @returns {Promise<unknown[][]>} rows, as JSON has them
   */
  query(member, text, parameters) {
    return query(this.#member(member), this.auth, text, parameters)
  }

  /** Kills all members and removes their data. */
  async down() {
    await remove(this.#root, this.instance)
  }

  /** Done with it: takes it down, unless it is shared by a session, whose end does it, or is somebody else's. */
  async release() {
    if (session() || this.#state.owner !== process.pid) return
    await this.down()
  }

  #member(number) {
    const member = this.#members[Number(number) - 1]
    if (!member)
      throw new UserError(`${this.instance} has members 1 to ${this.#members.length}, no '${number}'`)
    return member
  }
}

/**
 * Starts a set of servers from empty data and waits until it is truly ready: every member says its role, answers on
 * Bolt and reads its store, and exactly one leads.
 *
 * @param {string} name as `ha`, `single`, `5.26`, or `ha@failover`
 * @param {object} [options]
 * @param {boolean} [options.reuse] take a running one of this name with the same settings as it is, with its data
 * @param {string} [options.password]
 * @param {boolean} [options.auth] false: no authentication
 * @param {number} [options.port] the first of 60; default: a free block
 * @param {Record<string, string>} [options.settings] lines for neo4j.conf
 * @param {string[]} [options.advertised] the Bolt address that each member says it has, where that is not its own: a proxy's
 * @param {{ key: string | Buffer, cert: string | Buffer }} [options.certificate] PEM, served on Bolt and HTTPS; default:
 *   a self-signed one for localhost and 127.0.0.1, made anew
 * @param {string | Buffer} [options.clientAuthority] PEM; over TLS, Bolt then wants a client certificate that it vouches for.
 *   Neo4j 4 and later
 * @param {number} [options.timeout] ms for the boot; default 240,000
 * @param {string} [options.dir] root folder of downloads and data
 * @param {number | null} [options.owner] pid of the process it ends with; default: this one; null: until `down`
 * @param {(text: string) => void} [options.onProgress]
 * @returns {Promise<Cluster>}
 */
export async function up(name, options = {}) {
  const { reuse = false, password = DEFAULT_PASSWORD, auth: wantAuth = true, port, settings = {} } = options
  const { certificate, clientAuthority, advertised = [] } = options
  const { timeout = BOOT_TIMEOUT, owner = sessionOwner(), onProgress = () => {} } = options
  const root = rootFolder(options.dir)
  const { product, instance } = parseName(inSession(name))
  const auth = wantAuth ? { user: 'neo4j', pass: password } : null
  const tls = fingerprint(certificate?.key, certificate?.cert, clientAuthority)
  if (clientAuthority && era(product) === 3)
    throw new UserError(`${product.name}: client certificates are asked for by Neo4j 4 and later`)
  mkdirSync(root, { recursive: true })
  await sweep(root)
  const lock = join(root, `run.${instance}.lock`)
  const begin = async () => {
    const before = readState(root, instance)
    if (before && reuse && isSame(before, { auth, settings, advertised, tls }) && isWhole(root, before)) {
      const cluster = new Cluster(root, before)
      await cluster.waitReady(timeout, onProgress)
      return cluster
    }
    refuseForeign(root, before, owner)
    const openssl = certificate ? null : needOpenssl()
    const jvm = await fetchProduct(root, product, onProgress)
    await remove(root, instance)
    const state = await register(root, { instance, auth, settings, advertised, tls, owner, ...jvm }, port)
    const members = membersIn(root, state)
    try {
      await prepare(members, state, { openssl, certificate, clientAuthority })
      onProgress(
        `booting ${product.members === 1 ? 'it' : `${product.members} members`}, first port ${state.port}`
      )
      // a read replica that finds no core member yet would wait long before its next try
      for (const batch of [members.slice(0, 3), members.slice(3)]) {
        await Promise.all(batch.map(member => launch(member, state)))
        if (batch.length > 0) await ready(batch, auth, { timeout, onProgress, whole: true })
      }
    } catch (error) {
      await kill(members) // its logs stay until the next `up` or `down`
      throw error
    }
    const cluster = new Cluster(root, state)
    await cluster.status()
    return cluster
  }
  return withLock(lock, begin, pid => onProgress(`waiting for process ${pid}, which is starting it`))
}

/** The set of this name that was started before, by whomever. @throws {UserError} where there is none */
export async function attach(name, { dir } = {}) {
  const root = rootFolder(dir)
  const { instance } = parseName(inSession(name))
  const state = readState(root, instance)
  if (!state)
    throw new UserError(`'${instance}' is not up in ${root}; running: ${instances(root).join(' ') || 'none'}`)
  const cluster = new Cluster(root, state)
  await cluster.status()
  return cluster
}

/** Downloads what a set needs, and starts nothing. */
export async function fetch(name, { dir, onProgress = () => {} } = {}) {
  const root = rootFolder(dir)
  mkdirSync(root, { recursive: true })
  needOpenssl()
  return fetchProduct(root, parseName(name).product, onProgress)
}

/** Takes the set of this name down; without a name all of the root folder. @returns {Promise<string[]>} those that were up */
export async function down(name, { dir } = {}) {
  const root = rootFolder(dir)
  const names = name ? [parseName(inSession(name)).instance] : instances(root)
  const removed = []
  for (const one of names) {
    if (await remove(root, one)) removed.push(one)
  }
  return removed
}

/** Takes down all that belongs to a process. @returns {Promise<string[]>} */
export async function downOwnedBy(pid, { dir } = {}) {
  const root = rootFolder(dir)
  const removed = []
  for (const one of instances(root)) {
    if (readState(root, one)?.owner === pid && (await remove(root, one))) removed.push(one)
  }
  return removed
}

function inSession(name) {
  const id = session()
  if (!id || String(name).endsWith(id)) return name
  return String(name).includes('@') ? `${name}-${id}` : `${name}@${id}`
}

const needOpenssl = () => need('openssl', 'to make the certificate of the servers', 'Install OpenSSL.')

/** Tells what was given for TLS from what else might be, without keeping it; null where nothing was. */
function fingerprint(...parts) {
  if (parts.every(part => part === undefined)) return null
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part}\n`)
  return hash.digest('hex')
}

function isSame(state, wanted) {
  const shape = value => JSON.stringify(value && Object.entries(value).sort())
  const isAlike = name => shape(state[name]) === shape(wanted[name])
  return ['auth', 'settings', 'advertised'].every(isAlike) && state.tls === wanted.tls
}

const isWhole = (root, state) => membersIn(root, state).every(member => pidOf(member) !== null)

/** Somebody else's running servers are not thrown away to make room. */
function refuseForeign(root, state, owner) {
  if (!state || state.owner === owner) return
  if (state.owner && !isAlive(state.owner)) return
  if (membersIn(root, state).every(member => pidOf(member) === null)) return
  const who = state.owner ? `process ${state.owner}` : "'npm run servers'"
  throw new UserError(
    `'${state.instance}' is up already, started by ${who}: choose a name of your own (as in 'ha@mine'), or take it ` +
      `down by 'npm run servers -- down ${state.instance}'`
  )
}

/** Empty homes with configuration, certificate and password. */
async function prepare(members, state, { openssl, certificate, clientAuthority }) {
  for (const member of members) {
    rmSync(member.home, { recursive: true, force: true })
    for (const folder of ['conf', 'data', 'logs', 'plugins', 'import', 'run', 'lib', 'certificates']) {
      mkdirSync(join(member.home, folder), { recursive: true })
    }
    const conf = {
      ...configuration(member, state.port, {
        auth: state.auth !== null,
        mutual: Boolean(clientAuthority),
        advertised: state.advertised[member.member - 1]
      }),
      ...state.settings
    }
    const lines = Object.entries(conf).map(([key, value]) => `${key}=${value}\n`)
    writeFileSync(join(member.home, 'conf', 'neo4j.conf'), lines.join(''))
  }
  const [first, ...others] = members
  const key = join(first.home, 'certificates', 'neo4j.key')
  if (certificate) {
    writeFileSync(key, certificate.key, { mode: 0o600 })
    writeFileSync(first.certificate, certificate.cert)
  } else {
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
    const rsa = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', ...subject]
    await run(openssl, [...rsa, '-keyout', key, '-out', first.certificate])
  }
  if (clientAuthority) {
    const trusted = join(first.home, 'certificates', 'trusted')
    mkdirSync(trusted)
    writeFileSync(join(trusted, 'clients.pem'), clientAuthority)
  }
  if (state.auth) {
    const jvm = [`@${state.args}`, '-Xmx128m', '-XX:TieredStopAtLevel=1']
    const env = { ...process.env, NEO4J_HOME: first.home, NEO4J_CONF: join(first.home, 'conf') }
    await run(state.java, [...jvm, ...setPassword(first.product), state.auth.pass], { env })
  }
  // one certificate and one file of users serve all: HA does not replicate the password
  for (const { home } of others) {
    for (const folder of ['certificates', 'data']) {
      cpSync(join(first.home, folder), join(home, folder), { recursive: true })
    }
  }
}

const leads = said => said === 'master' || said === 'leader' || said === 'single'
const show = roles => roles.map((said, i) => `${i + 1} ${said ?? '-'}`).join(', ')

/** Waits until these members serve; with `whole`, also until exactly one of them leads. */
async function ready(members, auth, { timeout, onProgress, whole = false }) {
  const end = Date.now() + timeout
  let told = ''
  for (;;) {
    const roles = await Promise.all(members.map(member => readyRole(member, auth)))
    const now = members.map((member, i) => `${member.member} ${roles[i] ?? 'starting'}`).join(', ')
    if (now !== told && roles.some(Boolean)) onProgress?.(`members: ${now}`)
    told = now
    const replicas = members.every(member => member.replica)
    if (roles.every(Boolean) && (!whole || replicas || roles.filter(leads).length === 1)) return roles
    const dead = members.find(member => pidOf(member) === null)
    if (dead || Date.now() > end) {
      const one = dead ?? members[roles.indexOf(null)] ?? members[0]
      const what = dead ? `member ${dead.member} ended` : `not ready within ${timeout / 1000} s (${now})`
      throw new UserError(`${what}; its logs are in ${one.home}:\n${lastWords(one)}`)
    }
    await sleep(POLL)
  }
}

/** @returns {MemberStatus} */
function describe(member, said) {
  const { bolt, http, https } = member.ports
  return {
    member: member.member,
    role: said,
    bolt: `bolt://127.0.0.1:${bolt}`,
    http: `http://127.0.0.1:${http}`,
    https: `https://127.0.0.1:${https}`,
    certificate: member.certificate,
    home: member.home,
    pid: pidOf(member),
    rss: memory(member)
  }
}
