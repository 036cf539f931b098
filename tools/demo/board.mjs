// The live table of the failover: the members as the driver sees them, and a timeline of what changed when.

import { LiveBlock, style, table } from '../../lib/cli/table.js'

const EVERY = 200

/** Draws until `close`. */
export class Board {
  #block = new LiveBlock()
  #began = Date.now()
  #driver
  #load = null
  #names
  #seen = new Map()
  #timer
  /** Last failover, kill to first write acknowledged by the new master, in ms. */
  failover = null

  /**
   * @param {object} driver
   * @param {{ Status: Record<string, number>, ServerType: Record<string, number> }} names of its class
   */
  constructor(driver, { Status, ServerType }) {
    const invert = values => new Map(Object.entries(values).map(([name, value]) => [value, name]))
    this.#driver = driver
    this.#names = { status: invert(Status), type: invert(ServerType) }
    this.#timer = setInterval(() => this.#tick(), EVERY)
  }

  /** The load whose counts are shown. */
  watch(load) {
    this.#load = load
  }

  /** Adds a line to the timeline. */
  say(text) {
    const seconds = ((Date.now() - this.#began) / 1000).toFixed(1).padStart(6)
    this.#block.log(`${style('dim', `${seconds} s`)}  ${text}`)
  }

  /** Leaves the table as it stands now, and goes on below it. */
  snapshot() {
    this.#tick()
    this.#block.settle()
  }

  close() {
    clearInterval(this.#timer)
    this.snapshot()
  }

  #tick() {
    const rows = this.#driver.servers.map(({ location, info }, i) => {
      const role = this.#names.type.get(info?.type) ?? 'unknown'
      const status = this.#names.status.get(info?.status) ?? 'unknown'
      this.#tellChange(i, `${role}, ${status}`)
      const address = new URL(location.bolt).host
      return [
        String(i + 1),
        role === 'master' ? style('green', role) : role,
        status === 'up' ? status : style('red', status),
        info?.distance >= 0 ? `${info.distance.toFixed(1)} ms` : '-',
        this.#load?.reads.by.get(location.bolt) ?? 0,
        this.#load?.writes.by.get(location.bolt) ?? 0,
        this.#load?.errorsAt.get(address) ?? 0
      ]
    })
    const heading = ['member', 'role', 'status', 'latency', 'reads', 'writes', 'errors']
    this.#block.draw(`\n${table(heading, rows)}\n${this.#summary()}\n`)
  }

  #tellChange(i, now) {
    const before = this.#seen.get(i)
    this.#seen.set(i, now)
    if (before !== undefined && before !== now)
      this.say(`the driver sees member ${i + 1}: ${before} -> ${now}`)
  }

  #summary() {
    if (!this.#load) return ''
    const { acknowledged, unknown, refused, reads, writes } = this.#load
    const seconds = ms => `${(ms / 1000).toFixed(1)} s`
    return [
      `writes: ${acknowledged.length} acknowledged, ${unknown.length} of unknown outcome, ${refused} refused`,
      `longest pause: writes ${seconds(writes.longest)}, reads ${seconds(reads.longest)}`,
      `last failover: ${this.failover === null ? 'none yet' : seconds(this.failover)}`
    ].join('; ')
  }
}
