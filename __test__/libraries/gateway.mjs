// A way to a Bolt server that hears which driver logs in.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export class Gateway {
  #server
  #sockets = new Set()
  #agents = new Set()

  static async open(port) {
    const gateway = new Gateway()
    gateway.#server = createServer({ noDelay: true }, socket => gateway.#pass(socket, port))
    gateway.#server.listen(0, '127.0.0.1')
    await once(gateway.#server, 'listening')
    return gateway
  }

  get uri() {
    return `bolt://127.0.0.1:${this.#server.address().port}`
  }

  /** Names of the drivers that logged in since it was asked last. */
  heard() {
    const agents = [...this.#agents]
    this.#agents.clear()
    return agents
  }

  close() {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #pass(socket, port) {
    const target = connect({ port, host: '127.0.0.1', noDelay: true })
    let start = ''
    socket.on('data', bytes => {
      if (start.length < 4096) start += bytes.toString('latin1')
      const [agent] = /neo4j-[a-z-]+(?=\/\d)/.exec(start) ?? []
      if (agent) this.#agents.add(agent)
    })
    for (const one of [socket, target]) {
      this.#sockets.add(one)
      one.on('error', () => {}).on('close', () => this.#sockets.delete(one))
    }
    socket.on('close', () => target.destroy()).pipe(target)
    target.on('close', () => socket.destroy()).pipe(socket)
  }
}
