// The experiment: a load of writes through proxies that cut connections, each write with an id of its own, and then the
// comparison of what the application was told with what the database has.

import { setTimeout as pause } from 'node:timers/promises'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { judge, tally } from './judge.mjs'
import { CuttingProxy, cutOf } from './proxy.mjs'
import { decisions } from './random.mjs'

/** Operations at a time. */
const WORKERS = 8
/** Within this an operation must have settled, in ms: the time for retries (30 s), and then work that was sent before. */
const SETTLES = 60_000
const CLOSES = 15_000
/** For how long the servers may still work on what was cut off, and slaves lag behind, in ms. */
const CALMS = 60_000
/** Most operations of one experiment, so that the database stays small. */
const LIMIT = 40_000

/** Options of the driver: a wait for a connection ends before an operation is late. */
const CONFIG = { connectionAcquisitionTimeout: 15_000, logging: { level: 'error', logger: () => {} } }

const { HAReadWrite, ServerType } = Neo4jHA

const ROLES = Object.fromEntries(Object.entries(ServerType).map(([name, value]) => [value, name]))

/** How the driver is opened, by kind of server and name of the workload. */
const WORKLOADS = {
  single: {
    direct: ({ bolts: [bolt], auth, config }) =>
      Neo4jHA.driver.driver(bolt, Neo4jHA.driver.auth.basic(auth.user, auth.pass), config)
  },
  ha: {
    master: options => openHA(options, HAReadWrite.masterReadWriteSlaveRead),
    'passed on': options => openHA(options, HAReadWrite.all)
  }
}

const openHA = ({ bolts, https, auth, config }, rwConfig) =>
  new Neo4jHA(
    bolts.map((bolt, i) => [https[i], bolt]),
    { auth, rwConfig, strategy: Neo4jHA.HAStrategies.roundRobin, neo4jDriverOptions: config }
  )

/** The queries of a write: one node, or two that are there together or not at all. */
const queriesOf = ({ id, label, isPair }) =>
  [label, ...(isPair ? [`${label}Pair`] : [])].map(name => [
    `CREATE (:${name} {id: $id})`,
    { id: BigInt(id) }
  ])

/** What can be done, by its name. Each gives the last result. */
const KINDS = {
  'auto-commit': (session, op) => session.run(...queriesOf(op)[0]),

  executeWrite: (session, op) => session.executeWrite(tx => runAll(tx, op)),

  async transaction(session, op) {
    const tx = await session.beginTransaction()
    try {
      const result = await runAll(tx, op)
      op.isCommitAsked = true
      await tx.commit()
      return result
    } catch (error) {
      await tx.close().catch(() => {}) // as an application does; the error that counts is the first
      throw error
    }
  },

  executeQuery: (_session, op, driver) => driver.executeQuery(...queriesOf(op)[0])
}

/** Those whose work is one transaction of as many queries as they like. */
const HOLDS_TWO = new Set(['executeWrite', 'transaction'])

async function runAll(tx, op) {
  let result
  for (const query of queriesOf(op)) result = await tx.run(...query)
  return result
}

/** A driver, its way through proxies, and its load. */
class Workload {
  /** @type {import('./judge.mjs').Operation[]} */
  operations = []
  /** What went wrong beside the operations. */
  problems = []
  /** @type {CuttingProxy[]} */
  proxies = []
  #seed
  #isOver
  #driver

  constructor(name, { seed, label, isOver }) {
    this.name = name
    this.label = label
    this.#seed = seed
    this.#isOver = isOver
  }

  async run(open, { members, auth }) {
    const bolts = []
    for (const { member, bolt } of members) {
      const proxy = new CuttingProxy(Number(new URL(bolt).port), number =>
        cutOf(this.#seed, `${this.name} ${member}`, number)
      )
      this.proxies.push(proxy)
      bolts.push(`bolt://127.0.0.1:${await proxy.listen()}`)
    }
    try {
      this.#driver = open({ bolts, https: members.map(({ http }) => http), auth, config: CONFIG })
      await this.#driver.ready
      await Promise.all(Array.from({ length: WORKERS }, (_, worker) => this.#work(worker)))
      await this.#settled('the driver did not close', this.#driver.close(), CLOSES)
      const isLeft = () => this.proxies.some(({ open }) => open > 0)
      if (!(await eventually(() => !isLeft(), 5_000)))
        this.problems.push('connections are open though the driver is closed')
    } finally {
      for (const proxy of this.proxies) await proxy.close()
    }
  }

  async #work(worker) {
    let session = null
    for (let n = 0; n < LIMIT / WORKERS && !this.#isOver(); n++) {
      const { chance, pick } = decisions(this.#seed, this.name, 'operation', worker, n)
      const kind = pick(Object.keys(KINDS))
      // a session of its own, or one that has seen cuts before
      if (session && chance(35)) {
        await this.#settled('a session did not close', session.close(), CLOSES)
        session = null
      }
      session ??= this.#driver instanceof Neo4jHA ? this.#driver.session(true) : this.#driver.session()
      const isPair = HOLDS_TWO.has(kind) && chance(30)
      if (!(await this.#operate(kind, session, isPair))) return
    }
    if (session) await this.#settled('a session did not close', session.close(), CLOSES)
  }

  /** @returns {Promise<boolean>} whether it settled */
  async #operate(kind, session, isPair) {
    const op = { id: this.operations.length, kind, label: this.label, isPair, isCommitAsked: false }
    Object.assign(op, { begun: performance.now(), outcome: 'unsettled' })
    this.operations.push(op)
    const work = KINDS[kind](session, op, this.#driver).then(
      result => {
        op.outcome = 'acknowledged'
        op.role = ROLES[result.summary?.servedBy?.info?.type] ?? 'single'
      },
      error => {
        op.outcome = error.unknownOutcome ? 'unknown' : 'not done'
        op.error = error
      }
    )
    const isSettled = await inTime(work, SETTLES)
    op.ended = performance.now()
    return isSettled
  }

  async #settled(problem, work, deadline) {
    const isSettled = await inTime(
      Promise.resolve(work).catch(error => this.problems.push(`${problem}: ${error}`)),
      deadline
    )
    if (!isSettled) this.problems.push(`${problem} within ${deadline} ms`)
  }
}

/**
 * Runs all workloads of a kind of server at once, and judges.
 *
 * @param {object} options
 * @param {import('../servers/index.mjs').Cluster} options.cluster
 * @param {number} options.seed
 * @param {number} options.duration of the load, in ms
 */
export async function experiment({ cluster, seed, duration }) {
  const end = performance.now() + duration
  const run = `${process.pid}_${Math.round(end)}`
  const workloads = Object.entries(WORKLOADS[cluster.kind]).map(([name, open], i) => {
    const label = `Op${run}_${i}`
    return { open, load: new Workload(name, { seed, label, isOver: () => performance.now() > end }) }
  })
  await Promise.all(workloads.map(({ open, load }) => load.run(open, cluster)))
  await calm(cluster)
  const results = []
  for (const { load } of workloads) results.push(await judged(cluster, load))
  return results
}

/** Waits until no member works on anything: what was cut off may still be on its way into the store. */
async function calm(cluster) {
  const list = cluster.version.startsWith('3.')
    ? 'CALL dbms.listTransactions() YIELD transactionId RETURN count(*)'
    : 'SHOW TRANSACTIONS YIELD transactionId RETURN count(*)'
  const isCalm = async () => {
    const counts = await Promise.all(cluster.members.map(({ member }) => cluster.query(member, list)))
    return counts.every(([[count]]) => count <= 1) // the one that asks
  }
  if (!(await eventually(isCalm, CALMS))) throw new Error('the servers still work on what was cut off')
}

async function judged(cluster, { name, label, operations, problems, proxies }) {
  const { member } = await cluster.waitForMaster()
  const read = async from =>
    new Map(await cluster.query(member, `MATCH (n:${from}) RETURN toInteger(n.id), count(*)`))
  const found = await read(label)
  const cuts = proxies.flatMap((proxy, i) => proxy.cuts.map(cut => ({ ...cut, proxy: i + 1 })))
  const { violations, counts } = judge(operations, found, await read(`${label}Pair`), cuts)
  for (const other of cluster.members.filter(one => one.member !== member)) {
    const follows = async () => {
      const [[count]] = await cluster.query(other.member, `MATCH (n:${label}) RETURN count(n)`)
      return count === [...found.values()].reduce((sum, times) => sum + times, 0)
    }
    if (!(await eventually(follows, CALMS))) problems.push(`member ${other.member} has other nodes`)
  }
  const opened = proxies.reduce((sum, proxy) => sum + proxy.opened, 0)
  return {
    name,
    counts: { ...counts, opened, cut: cuts.length, cuts: tally(cuts, ({ cut }) => cut.at) },
    errors: tally(
      operations.filter(({ error }) => error),
      ({ kind, outcome, error }) =>
        `${kind}, ${outcome}: ${error.code}: ${error.message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`
    ),
    violations: [...violations, ...problems]
  }
}

/** Whether `work`, which does not reject, settles within `deadline` ms. */
async function inTime(work, deadline) {
  const timer = new AbortController()
  const late = pause(deadline, false, { signal: timer.signal }).catch(() => false)
  const isSettled = await Promise.race([work.then(() => true), late])
  timer.abort()
  return isSettled
}

/** Whether `condition` comes true within `deadline` ms. */
async function eventually(condition, deadline) {
  const end = performance.now() + deadline
  for (;;) {
    if (await condition()) return true
    if (performance.now() > end) return false
    await pause(100)
  }
}
