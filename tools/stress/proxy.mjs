// A TCP proxy on loopback before one Bolt port, which cuts each connection at a byte, or at a COMMIT, that a plan says.

import { connect, createServer } from 'node:net'
import { reset } from '../lib/sockets.mjs'
import { decisions } from './random.mjs'

const HOST = '127.0.0.1'

/** A chunk with the message COMMIT (a structure without fields, tag 0x12), and its end. */
const COMMIT = Buffer.from([0x00, 0x02, 0xb0, 0x12, 0x00, 0x00])

/** How long what is in flight the other way may take after a cut, in ms. */
const DRAIN = 1_000

/**
 * How a connection is cut.
 *
 * @typedef {object} Cut
 * @property {'byte' | 'before COMMIT' | 'answer to COMMIT'} at
 *   `before COMMIT`: the server never gets it. `answer to COMMIT`: the server has it, and its answer is lost.
 * @property {'server' | 'client'} toward the direction whose bytes are counted; of a COMMIT always the server
 * @property {number} after so many bytes of it pass; of a COMMIT: as the how many-th of its connection
 * @property {boolean} reset by RST, else by FIN
 * @property {boolean} drop whether what is in flight the other way is lost too
 */

/**
 * The cut of the `number`-th connection through a proxy: every connection has one, soon, late, or while it logs in.
 *
 * @param {number} seed
 * @param {string} proxy its name
 * @param {number} number
 * @returns {Cut}
 */
export function cutOf(seed, proxy, number) {
  const { int, chance, pick } = decisions(seed, 'connection', proxy, number)
  const reset = chance(50)
  const drop = chance(50)
  if (chance(35)) {
    const at = chance(75) ? 'answer to COMMIT' : 'before COMMIT'
    return { at, toward: 'server', after: int(1, 6), reset, drop: true }
  }
  const [from, to] = pick([
    [0, 400],
    [400, 2_000],
    [400, 2_000],
    [2_000, 8_000],
    [8_000, 30_000]
  ])
  return { at: 'byte', toward: pick(['server', 'client']), after: int(from, to), reset, drop }
}

export class CuttingProxy {
  /** Connections so far. */
  opened = 0
  /** Those that were cut: `{number, cut, when}`, with the time of `performance.now()`. */
  cuts = []
  #port
  #planOf
  #server
  #clients = new Set()
  #sockets = new Set()

  /**
   * @param {number} port of 127.0.0.1, where connections go on to
   * @param {(number: number) => Cut | null} planOf what happens to the n-th connection, from 0
   */
  constructor(port, planOf) {
    this.#port = port
    this.#planOf = planOf
  }

  /** @returns {Promise<number>} the port it listens on */
  async listen() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, client => this.#relay(client))
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(0, HOST, resolve)
    })
    return this.#server.address().port
  }

  /** Connections that the client has open. */
  get open() {
    return this.#clients.size
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #relay(client) {
    const number = this.opened++
    const server = connect({ host: HOST, port: this.#port, noDelay: true, allowHalfOpen: true })
    const connection = { number, client, server, trigger: triggerOf(this.#planOf(number)), isCut: false }
    this.#clients.add(client)
    client.on('close', () => this.#clients.delete(client))
    this.#direct(connection, 'server')
    this.#direct(connection, 'client')
  }

  /** One direction of a connection, to the server or to the client. */
  #direct(connection, toward) {
    const to = connection[toward]
    const from = toward === 'server' ? connection.client : connection.server
    this.#sockets.add(from)
    from.on('data', bytes => {
      if (!to.writable) return
      const { trigger } = connection
      const passing = connection.isCut ? null : (trigger?.(toward, bytes) ?? null)
      const isOut = to.write(passing === null ? bytes : bytes.subarray(0, passing))
      if (passing !== null) this.#cut(connection, toward)
      else if (!isOut) {
        from.pause()
        to.once('drain', () => from.resume())
      }
    })
    from.on('end', () => to.end())
    // a reset goes on as one
    from.on('error', () => reset(to))
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroySoon()
    })
  }

  #cut(connection, toward) {
    const { number, trigger } = connection
    const { cut } = trigger
    const to = connection[toward]
    const from = toward === 'server' ? connection.client : connection.server
    connection.isCut = true
    this.cuts.push({ number, cut, when: performance.now() })
    if (cut.drop) {
      // `destroySoon` lets go out what passed before
      for (const socket of [to, from]) cut.reset ? reset(socket) : socket.destroySoon()
      return
    }
    // half of it: the one side has its end, and its own bytes still arrive at the other
    from.removeAllListeners('data').on('data', () => {})
    if (cut.reset) reset(to)
    else to.end()
    const drained = setTimeout(() => {
      to.destroy()
      from.destroy()
    }, DRAIN)
    from.once('close', () => clearTimeout(drained))
  }
}

/**
 * What looks at all bytes that pass, and says how many of these still do before the cut; null while all do.
 *
 * @param {Cut | null} cut
 */
function triggerOf(cut) {
  if (!cut) return null
  const trigger = cut.at === 'byte' ? byteTrigger(cut) : commitTrigger(cut)
  return Object.assign(trigger, { cut })
}

function byteTrigger({ toward, after }) {
  let left = after
  return (direction, bytes) => {
    if (direction !== toward) return null
    if (bytes.length >= left) return left
    left -= bytes.length
    return null
  }
}

function commitTrigger({ at, after }) {
  let left = after
  let isSent = false
  let tail = Buffer.alloc(0) // a COMMIT may come in two pieces
  return (direction, bytes) => {
    if (direction === 'client') return isSent ? 0 : null
    const text = Buffer.concat([tail, bytes])
    for (let from = text.indexOf(COMMIT); from !== -1; from = text.indexOf(COMMIT, from + COMMIT.length)) {
      left--
      if (left > 0) continue
      if (at === 'before COMMIT') return Math.max(0, from - tail.length)
      isSent = true
      return null
    }
    tail = text.subarray(Math.max(0, text.length - COMMIT.length + 1))
    return null
  }
}
