// A running load of reads and writes through the driver, which remembers what the database has acknowledged.

import { setTimeout as sleep } from 'node:timers/promises'

const WRITE = 'CREATE (:Load {id: $id})'
const READ = 'MATCH (n:Load) RETURN count(n) AS n'
/** After an error, in ms: an application would not spin either. */
const PAUSE = 50

/** What was served, and how long nothing was. */
class Tally {
  served = 0
  /** Answers by the Bolt URL of the server which gave them. */
  by = new Map()
  /** When the last answer came, and the longest time without one, in ms. */
  last = Date.now()
  longest = 0

  count(bolt) {
    this.served++
    this.by.set(bolt, (this.by.get(bolt) ?? 0) + 1)
    this.longest = Math.max(this.longest, Date.now() - this.last)
    this.last = Date.now()
  }
}

/** Writers and readers that work until `stop`. Every write makes one node with an id of its own. */
export class Load {
  /** Ids of the writes which the database said it has done. @type {number[]} */
  acknowledged = []
  /** Ids of the writes whose outcome nobody knows: the connection went before the answer came. @type {number[]} */
  unknown = []
  /** How many writes failed otherwise: the database has not done them. */
  refused = 0
  /** Errors by server (`host:port`), and all of them by text. */
  errorsAt = new Map()
  errors = new Map()
  writes = new Tally()
  reads = new Tally()
  #driver
  #events
  #running = true
  #workers
  #id = 0

  /**
   * @param {object} driver a ready Neo4jHA
   * @param {{ onWrite?: (bolt: string) => void, onRead?: (bolt: string) => void }} [events]
   */
  constructor(driver, events = {}, { writers = 4, readers = 4 } = {}) {
    this.#driver = driver
    this.#events = events
    const workers = (count, work) => Array.from({ length: count }, () => this.#repeat(work))
    this.#workers = [...workers(writers, () => this.#write()), ...workers(readers, () => this.#read())]
  }

  /** Lets what is under way come to its end. */
  async stop() {
    this.#running = false
    await Promise.all(this.#workers)
  }

  async #repeat(work) {
    while (this.#running) await work()
  }

  async #write() {
    const id = ++this.#id
    try {
      const bolt = await this.#run(true, WRITE, { id })
      this.acknowledged.push(id)
      this.writes.count(bolt)
      this.#events.onWrite?.(bolt)
    } catch (error) {
      if (error.unknownOutcome) this.unknown.push(id)
      else this.refused++
      await this.#failed(error)
    }
  }

  async #read() {
    try {
      const bolt = await this.#run(false, READ)
      this.reads.count(bolt)
      this.#events.onRead?.(bolt)
    } catch (error) {
      await this.#failed(error)
    }
  }

  /** Runs one query in a session of its own; gives the Bolt URL of the server which served it. */
  async #run(writes, query, parameters) {
    const session = this.#driver.session(writes)
    try {
      const { summary } = await session.run(query, parameters)
      return summary.servedBy.location.bolt
    } finally {
      await session.close()
    }
  }

  async #failed(error) {
    const text = `${error.code ?? error.name}: ${String(error.message).split('\n')[0].slice(0, 120)}`
    this.errors.set(text, (this.errors.get(text) ?? 0) + 1)
    const server = error.server ?? ''
    this.errorsAt.set(server, (this.errorsAt.get(server) ?? 0) + 1)
    await sleep(PAUSE)
  }
}
