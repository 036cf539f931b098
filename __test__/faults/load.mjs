// A load of reads and writes that keeps book: what became of each write, who served, and how long everything took.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { within } from '../support/until.mjs'

/** Rejections that nobody handled, of the whole file. */
export const unhandled = []
process.on('unhandledRejection', error => unhandled.push(error))

let loads = 0

/** How an operation failed, in a line. */
const text = ({ how, error }) => {
  const mark = error.unknownOutcome ? ' [unknown outcome]' : ''
  return `${how}${mark}: ${error.code}: ${error.message}`
}

export class Load {
  /** Fate of each write by its id: `acknowledged`, `failed` (for certain not done) or `unknown`. */
  writes = new Map()
  /** Every operation that has ended: `{kind, how, id?, begun, ended, error?, servedBy?}`, times of `performance.now()`. */
  done = []
  /** Those under way. */
  running = new Set()
  #driver
  #label = `Load${++loads}`
  #workers = []
  #stopping = false
  #last = 0

  /**
   * @param {object} driver
   * @param {object} [workers] how many of each do one operation after the other
   * @param {number} [workers.writers] an auto-commit write in a session(true) of its own
   * @param {number} [workers.transactions] the same in an explicit transaction
   * @param {number} [workers.functions] the same in a transaction function, which the driver may run several times
   * @param {number} [workers.readers] a read in a session(false) of its own
   */
  constructor(driver, { writers = 2, transactions = 1, functions = 1, readers = 3 } = {}) {
    this.#driver = driver
    this.size = writers + transactions + functions + readers
    const start = (times, work) => {
      for (let n = 0; n < times; n++) this.#workers.push(this.#repeat(work))
    }
    start(writers, () => this.#autoCommit())
    start(transactions, () => this.#transaction())
    start(functions, () => this.#function())
    start(readers, () => this.#read())
  }

  /** Operations of a kind, `read` or `write`, begun after `since`, that went well. */
  succeeded(kind, since = 0) {
    return this.done.filter(one => one.kind === kind && one.begun >= since && !one.error)
  }

  /** Operations of a kind that ended with an error. */
  failed(kind) {
    return this.done.filter(one => one.kind === kind && one.error)
  }

  /** Ids of the writes that ended so. */
  ids(fate) {
    return [...this.writes].filter(([, its]) => its === fate).map(([id]) => id)
  }

  /** The longest that any operation of a kind took, or has taken so far, in ms. */
  slowest(kind) {
    const now = performance.now()
    const times = [...this.done, ...this.running]
      .filter(one => one.kind === kind)
      .map(({ begun, ended = now }) => ended - begun)
    return Math.round(Math.max(0, ...times))
  }

  /** Begins nothing more, and waits for all that is under way. */
  async stop(deadline) {
    this.#stopping = true
    await within(
      Promise.all(this.#workers),
      deadline,
      `an end of ${[...this.running].map(one => one.kind).join(', ')}`
    )
  }

  /**
   * Holds the book against the database, as one of its members has it, read past any driver: every acknowledged write is there
   * once, those of unknown outcome at most once, failed ones not at all.
   *
   * @returns {Promise<{ all: number, unknownButDone: number }>} how many there are
   */
  async check(cluster, member) {
    const found = new Map(await cluster.query(member, `MATCH (n:${this.#label}) RETURN n.id, count(*)`))
    const lost = this.ids('acknowledged').filter(id => !found.has(id))
    assert.deepEqual(lost, [], 'acknowledged writes were lost')
    const twice = [...found].filter(([, times]) => times > 1)
    assert.deepEqual(twice, [], 'writes were done twice')
    const ghosts = this.done.filter(
      ({ id, error }) => found.has(id) && this.writes.get(id) === 'failed' && error
    )
    assert.deepEqual(ghosts.map(text), [], 'writes that failed, for certain as their errors say, were done')
    const foreign = [...found.keys()].filter(id => !this.writes.has(id))
    assert.deepEqual(foreign, [], 'writes that nobody asked for')
    return { all: found.size, unknownButDone: this.ids('unknown').filter(id => found.has(id)).length }
  }

  /** How many of its nodes a member has. */
  async count(cluster, member) {
    const [[n]] = await cluster.query(member, `MATCH (n:${this.#label}) RETURN count(n)`)
    return n
  }

  /** In a line, for the log of the test. */
  report() {
    const fates = ['acknowledged', 'unknown', 'failed'].map(fate => `${this.ids(fate).length} ${fate}`)
    const reads = `${this.succeeded('read').length} reads, ${this.failed('read').length} failed`
    const slowest = `slowest write ${this.slowest('write')} ms, read ${this.slowest('read')} ms`
    return `writes: ${fates.join(', ')}; ${reads}; ${slowest}`
  }

  /** The different errors, with how often each came. */
  errors(which = () => true) {
    const seen = new Map()
    for (const one of this.done) {
      if (one.error && which(one)) seen.set(text(one), (seen.get(text(one)) ?? 0) + 1)
    }
    return [...seen].map(([what, times]) => `${times} x ${what}`)
  }

  async #repeat(work) {
    while (!this.#stopping) {
      await work()
      await pause(5) // the database is to stay small
    }
  }

  async #operation(kind, how, work, id) {
    const one = { kind, how, id, begun: performance.now() }
    this.running.add(one)
    try {
      one.servedBy = (await work())?.servedBy.location.bolt
    } catch (error) {
      one.error = error
    }
    one.ended = performance.now()
    this.running.delete(one)
    this.done.push(one)
    return one
  }

  /** One write, in a session of its own. `create` runs the query that it is given as text and parameters. */
  async #write(how, create, mayBeDone = error => error.unknownOutcome) {
    const id = ++this.#last
    const session = this.#driver.session(true)
    this.writes.set(id, 'unknown') // until its promise settles
    const query = [`CREATE (:${this.#label} {id: $id})`, { id: BigInt(id) }]
    const { error } = await this.#operation('write', how, () => create(session, query), id)
    this.writes.set(id, !error ? 'acknowledged' : mayBeDone(error) ? 'unknown' : 'failed')
    await session.close()
  }

  #autoCommit() {
    return this.#write('write', (session, query) => session.run(...query))
  }

  #transaction() {
    let committing = false
    const create = async (session, query) => {
      const tx = session.beginTransaction()
      const result = await tx.run(...query)
      committing = true
      await tx.commit()
      return result
    }
    // without a COMMIT on its way nothing can have been done
    return this.#write('transaction', create, error => committing && error.unknownOutcome)
  }

  #function() {
    return this.#write('transaction function', (session, query) =>
      session.executeWrite(tx => tx.run(...query))
    )
  }

  async #read() {
    const session = this.#driver.session(false)
    await this.#operation('read', 'read', () => session.run(`MATCH (n:${this.#label}) RETURN count(n)`))
    await session.close()
  }
}
