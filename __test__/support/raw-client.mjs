// The client side of Bolt by hand, for checking the scripted server itself and for versions no other client speaks.
import { once } from 'node:events'
import net from 'node:net'
import { chunked, Dechunker, pack, structure, unpack } from './packstream.mjs'

export class RawClient {
  #bytes = Buffer.alloc(0)
  #wake = () => {}
  #dechunker = new Dechunker()
  #messages = []

  /** Connects and proposes `slots` (hex of four bytes each); `agreed` holds the answer's hex. */
  static async connect(port, slots) {
    const client = new RawClient()
    client.socket = net.connect(port, '127.0.0.1')
    client.closed = new Promise(resolve => client.socket.once('close', resolve))
    client.socket.on('error', () => {})
    client.socket.on('data', bytes => {
      client.#bytes = Buffer.concat([client.#bytes, bytes])
      client.#wake()
    })
    client.socket.on('close', () => client.#wake())
    await once(client.socket, 'connect')
    const filled = [...slots, ...Array(4 - slots.length).fill('00000000')]
    client.socket.write(Buffer.from(`6060b017${filled.join('')}`, 'hex'))
    client.agreed = (await client.bytes(4)).toString('hex')
    return client
  }

  /** The next `n` bytes; what there is, when the server closes before. */
  async bytes(n) {
    while (this.#bytes.length < n && !this.socket.destroyed && !this.socket.readableEnded) {
      await new Promise(resolve => {
        this.#wake = resolve
      })
    }
    const taken = this.#bytes.subarray(0, n)
    this.#bytes = this.#bytes.subarray(n)
    return taken
  }

  write(bytes) {
    this.socket.write(bytes)
  }

  send(tag, ...fields) {
    this.write(chunked(pack(structure(tag, ...fields))))
  }

  /** The next message as `[tag, ...fields]`, or null when the server has closed. */
  async receive() {
    while (this.#messages.length === 0) {
      const bytes = await this.bytes(Math.max(1, this.#bytes.length))
      if (bytes.length === 0) return null
      this.#messages.push(...this.#dechunker.feed(Buffer.from(bytes)))
    }
    const { tag, fields } = unpack(this.#messages.shift())
    return [tag, ...fields]
  }

  close() {
    this.socket.destroy()
  }
}
