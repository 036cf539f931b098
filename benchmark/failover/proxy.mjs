// A TCP proxy on loopback that can be cut as a network is: what is on its way is held, in one direction or in both, and arrives
// when the cut is mended. Nobody is told: connections stay open, and new ones are taken. It can be slow as a network is, too.

import { connect, createServer } from 'node:net'

const HOST = '127.0.0.1'

export class HoldingProxy {
  /** Where connections go on to; set before the first of them. */
  target = 0
  /** How long what goes client-ward is on its way, in ms. */
  delay = 0
  #server
  #pairs = new Set()
  /** What does not pass: what goes `server`-ward, what goes `client`-ward. @type {Set<'server' | 'client'>} */
  #held = new Set()

  /** @returns {Promise<number>} the port it listens on */
  async listen() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, client => this.#relay(client))
    await new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(0, HOST, resolve)
    })
    return this.#server.address().port
  }

  /** @param {('server' | 'client')[]} directions towards whom nothing passes any more */
  cut(directions) {
    this.#held = new Set(directions)
    for (const pair of this.#pairs) this.#flow(pair)
  }

  mend() {
    this.cut([])
  }

  async close() {
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
    await new Promise(resolve => this.#server.close(resolve))
  }

  #relay(client) {
    const server = connect({ host: HOST, port: this.target, noDelay: true, allowHalfOpen: true })
    const pair = { client, server }
    this.#pairs.add(pair)
    const later = work => (this.delay > 0 ? setTimeout(work, this.delay).unref() : work())
    for (const [from, to, arrives] of [
      [client, server, work => work()],
      [server, client, later]
    ]) {
      const pass = bytes => {
        if (to.writable && !to.write(bytes)) {
          from.pause()
          to.once('drain', () => this.#flow(pair))
        }
      }
      from.on('data', bytes => arrives(() => pass(bytes)))
      from.on('end', () => arrives(() => to.end()))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        arrives(() => to.destroySoon())
        this.#pairs.delete(pair)
      })
    }
    this.#flow(pair)
  }

  /** Lets bytes pass, or not, as it is now. */
  #flow({ client, server }) {
    client[this.#held.has('server') ? 'pause' : 'resume']()
    server[this.#held.has('client') ? 'pause' : 'resume']()
  }
}
