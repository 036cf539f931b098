// One connection of the scripted server: messages in, answers out, in order, each answer possibly a fault.
import { once } from 'node:events'
import { reset } from '../../tools/lib/sockets.mjs'
import { Handshake } from './bolt-versions.mjs'
import { chunked, Dechunker, pack, structure, unpack } from './packstream.mjs'
import { failure, routeOf, tableRows } from './scripts.mjs'

const signatures = new Map([
  [0x01, 'HELLO'],
  [0x02, 'GOODBYE'],
  [0x0e, 'ACK_FAILURE'],
  [0x0f, 'RESET'],
  [0x10, 'RUN'],
  [0x11, 'BEGIN'],
  [0x12, 'COMMIT'],
  [0x13, 'ROLLBACK'],
  [0x2f, 'DISCARD'],
  [0x3f, 'PULL'],
  [0x54, 'TELEMETRY'],
  [0x66, 'ROUTE'],
  [0x6a, 'LOGON'],
  [0x6b, 'LOGOFF']
])

/** What a fault has in its hands: one message, and every way to answer it or not. */
class Exchange {
  constructor(connection, message) {
    this.connection = connection
    this.message = message
    this.server = connection.server
    this.version = connection.version
    this.done = false
  }
  /** The text of the query this message belongs to. */
  get query() {
    return this.message.query
  }
  /** What the server would have done without the fault. */
  async reply() {
    this.done = true
    await this.connection.answer(this.message)
  }
  async success(metadata = {}) {
    this.done = true
    await this.connection.send(structure(0x70, metadata))
  }
  async fail(code, message, more) {
    this.done = true
    await this.connection.fail(failure(code, message, more).failure)
  }
  async ignored() {
    this.done = true
    await this.connection.send(structure(0x7e))
  }
  /** The next `n` records of the result being pulled, without the message that closes it. */
  async records(n) {
    await this.connection.records(n)
  }
  /** Bytes as they are: no chunking. */
  async write(bytes) {
    this.done = true
    await this.connection.write(Buffer.from(bytes))
  }
  async noop() {
    await this.connection.write(Buffer.from([0, 0]))
  }
  /** Ends the connection in good order (FIN). */
  close() {
    this.done = true
    this.connection.end()
  }
  /** Ends the connection as a crash does (RST). */
  reset() {
    this.done = true
    this.connection.reset()
  }
}

/** Queries that a server says it writes by. */
const WRITES = /\b(CREATE|MERGE|SET|DELETE|REMOVE)\b/

/** The server's end of one connection: a state of its own, and a queue of messages answered in order. */
export class Connection {
  #socket
  #dechunker = new Dechunker()
  #queue = []
  #working = false
  #segment = 0
  #handshake
  #stalled = false

  constructor(server, socket, id) {
    this.server = server
    this.id = id
    this.#socket = socket
    this.#handshake = new Handshake(server.versions, server.manifest)
    this.version = null
    this.failed = false
    this.tx = false
    this.streams = new Map()
    this.nextQid = 0
    this.lastQid = -1
    this.lastQuery = undefined
    this.authenticated = server.auth === null
    /** The token that the client logged on with last. */
    this.token = null
    /** The database of the work under way, or of the last. */
    this.database = undefined
    this.closed = new Promise(resolve => socket.once('close', () => resolve()))
    this.ended = false
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.ended = true
    })
    socket.on('end', () => {
      this.peerEnded = true
    })
    socket.on('data', bytes => this.#feed(bytes))
  }

  /** Who is logged on; undefined for nobody in particular. */
  get user() {
    return this.token?.principal
  }

  get alive() {
    return !this.ended && !this.#socket.destroyed
  }

  /** Takes nothing more of what the client sends, as a process that hangs. */
  stopReading() {
    this.#socket.pause()
  }

  #feed(bytes) {
    this.#segment++
    if (this.version) this.#messages(bytes)
    else this.#negotiate(bytes)
  }

  async #negotiate(bytes) {
    const { server } = this
    if (server.frozen) await server.frozen
    const kind = server.handshake
    if (kind === 'silent') return
    if (kind === 'close') return this.end()
    if (kind === 'http') return this.#last('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
    if (kind === 'none') return this.#last(Buffer.alloc(4))
    if (kind === 'garbage') return this.#socket.write(Buffer.from('deadbeefcafebabe'.repeat(4), 'hex'))
    if (Buffer.isBuffer(kind)) return this.#socket.write(kind)
    const handshake = this.#handshake
    const reply = handshake.feed(bytes)
    if (handshake.entry && !server.handshakes.includes(handshake.entry)) {
      server.handshakes.push(handshake.entry)
      handshake.entry.connection = this.id
    }
    if (reply === null) return
    if (handshake.refused) return this.#last(reply)
    // Writing may bring the next bytes in before it returns.
    this.version = handshake.version
    if (reply.length > 0) this.#socket.write(reply)
    if (this.version && handshake.rest.length > 0) this.#messages(handshake.rest)
  }

  #last(bytes) {
    this.#socket.write(bytes)
    this.end()
  }

  #messages(bytes) {
    let messages
    try {
      messages = this.#dechunker.feed(bytes).map(raw => this.#read(raw))
    } catch (error) {
      this.server.protocolErrors.push(error)
      this.reset()
      return
    }
    for (const message of messages) {
      this.server.messages.push(message)
      this.#queue.push(message)
      this.server.events.emit('message', message)
    }
    this.#work()
  }

  #read(raw) {
    const { tag, fields } = unpack(raw)
    const old = this.version.major
    let name = signatures.get(tag)
    if (name === undefined) throw new Error(`no such message: 0x${tag.toString(16)}`)
    let kind = name
    if (name === 'HELLO' && old < 3) name = 'INIT'
    if (name === 'PULL' && old < 4) name = 'PULL_ALL'
    if (name === 'DISCARD' && old < 4) name = 'DISCARD_ALL'
    if (name === 'RUN' && old < 3 && /^(BEGIN|COMMIT|ROLLBACK)$/.test(fields[0])) kind = fields[0]
    if (name === 'RUN' && /^CALL dbms\.(cluster\.)?routing\./.test(fields[0])) kind = 'ROUTE'
    if (name === 'RUN') this.lastQuery = fields[0]
    return {
      name,
      kind,
      fields,
      query: /^(RUN|PULL|DISCARD)/.test(name) ? this.lastQuery : undefined,
      at: performance.now(),
      connection: this.id,
      server: this.server,
      version: this.version.text,
      segment: this.#segment,
      raw
    }
  }

  async #work() {
    if (this.#working || this.#stalled) return
    this.#working = true
    while (this.#queue.length > 0 && this.alive) {
      if (this.server.frozen) await this.server.frozen
      const message = this.#queue.shift()
      try {
        await this.#perform(message)
      } catch (error) {
        if (this.alive) this.server.protocolErrors.push(error)
        this.reset()
      }
      if (this.#stalled) break
    }
    this.#working = false
  }

  async #perform(message) {
    message.user = this.user
    const rule = this.server.rules.find(r => r.left > 0 && r.matches(message))
    if (!rule) return this.answer(message)
    rule.left--
    rule.hits++
    const exchange = new Exchange(this, message)
    await rule.action(exchange)
    if (!exchange.done) this.#stalled = true
  }

  /** What a healthy server does with `message`. */
  async answer(message) {
    const { kind, fields } = message
    for (let n = 0; n < this.server.noops; n++) await this.write(Buffer.from([0, 0]))
    if (kind === 'GOODBYE') return this.end()
    if (kind === 'RESET' || kind === 'ACK_FAILURE') {
      this.failed = false
      this.streams.clear()
      if (kind === 'RESET') this.tx = false
      return this.success({})
    }
    if (this.failed) return this.send(structure(0x7e))
    switch (kind) {
      case 'HELLO':
        return this.#hello(message.name === 'INIT' ? fields[1] : fields[0])
      case 'LOGON':
        return this.#logon(fields[0])
      case 'LOGOFF':
        this.authenticated = this.server.auth === null
        this.token = null
        return this.success({})
      case 'RUN':
        return this.#run(fields)
      case 'PULL':
      case 'DISCARD':
        return this.#pull(kind === 'PULL', fields[0])
      case 'BEGIN':
        this.tx = true
        if (message.name === 'RUN') this.#open({ fields: [], records: [], summary: {} }, true)
        return this.success(message.name === 'RUN' ? { fields: [] } : this.#use(fields[0]))
      case 'COMMIT':
      case 'ROLLBACK': {
        this.tx = false
        const outcome = kind === 'COMMIT' ? { bookmark: this.server.nextBookmark() } : {}
        if (message.name !== 'RUN') return this.success(outcome)
        this.#open({ fields: [], records: [], summary: outcome }, true)
        return this.success({ fields: [] })
      }
      case 'TELEMETRY':
        return this.success({})
      case 'ROUTE':
        return this.#route(message)
      default:
        throw new Error(`no answer for ${kind}`)
    }
  }

  #hello(metadata) {
    const { server, version } = this
    const reply = { server: server.agent }
    if (version.major >= 3) reply.connection_id = `bolt-${this.id}`
    if (version.rank >= 0x403) {
      reply.hints = server.hints
      if (version.major === 4 && server.utc && metadata.patch_bolt?.includes('utc')) {
        reply.patch_bolt = ['utc']
      }
    }
    if (version.rank < 0x501) return this.#logon(metadata, reply)
    return this.success(reply)
  }

  async #logon(token, reply = {}) {
    const { auth } = this.server
    const known =
      auth === null ||
      [auth]
        .flat()
        .some(
          ({ scheme = 'basic', user = '', pass }) =>
            token.scheme === scheme && (token.principal ?? '') === user && token.credentials === pass
        )
    if (known) {
      this.authenticated = true
      this.token = token
      return this.success(reply)
    }
    await this.fail({
      code: 'Neo.ClientError.Security.Unauthorized',
      message: 'The client is unauthorized due to authentication failure.'
    })
    this.end()
  }

  async #run([query, parameters, metadata]) {
    if (!this.authenticated)
      return this.fail({ code: 'Neo.ClientError.Security.Unauthorized', message: 'no' })
    const request = {
      query,
      parameters,
      metadata: metadata ?? {},
      tx: this.tx,
      version: this.version,
      connection: this
    }
    const answer = await this.server.resolve(request)
    if (answer.failure) return this.fail(answer.failure)
    const qid = this.#open(answer, false, WRITES.test(query) ? 'rw' : 'r')
    const reply = { fields: answer.fields ?? [] }
    reply[this.version.major < 3 ? 'result_available_after' : 't_first'] = 1
    if (this.version.major >= 4 && this.tx && this.server.qids) reply.qid = qid
    if (!this.tx) Object.assign(reply, this.#use(metadata))
    return this.success(reply)
  }

  // Work starts in a database; from 5.8 the client is told in which.
  #use(metadata) {
    const { db, imp_user: impersonatedUser } = metadata ?? {}
    this.database = db ?? this.server.home({ user: this.user, impersonatedUser })
    return this.version.rank < 0x508 ? {} : { db: this.database }
  }

  async #route(message) {
    if (!this.authenticated)
      return this.fail({ code: 'Neo.ClientError.Security.Unauthorized', message: 'no' })
    const table = await this.server.table({ ...routeOf(message), user: this.user, version: this.version })
    if (table.failure) return this.fail(table.failure)
    if (message.name === 'ROUTE') return this.success({ rt: table })
    this.#open(tableRows(table), false)
    return this.success({ fields: ['ttl', 'servers'] })
  }

  #open(answer, control, type = 'r') {
    if (!this.tx) this.streams.clear()
    const qid = this.nextQid++
    this.lastQid = qid
    const records = answer.records ?? []
    this.streams.set(qid, {
      answer,
      control,
      type,
      iterator: records[Symbol.asyncIterator]?.() ?? records[Symbol.iterator](),
      next: null
    })
    return qid
  }

  #stream(options) {
    const asked = options?.qid
    const qid = asked === undefined || asked === -1 ? this.lastQid : asked
    return [qid, this.streams.get(qid)]
  }

  // One record of lookahead, so that `has_more` is never a lie.
  async #peek(stream) {
    stream.next ??= await stream.iterator.next()
    return stream.next
  }

  async #take(stream, limit, out) {
    let n = 0
    let batch = []
    let size = 0
    while (n < limit && !(await this.#peek(stream)).done) {
      if (out) {
        const bytes = chunked(pack(structure(0x71, [...stream.next.value])), this.server.chunk)
        batch.push(bytes)
        size += bytes.length
        if (size > 65536) {
          await this.write(Buffer.concat(batch))
          if (!this.alive) return
          batch = []
          size = 0
        }
      }
      stream.next = null
      n++
    }
    if (batch.length > 0) await this.write(Buffer.concat(batch))
  }

  async records(n) {
    const [, stream] = this.#stream()
    if (stream) await this.#take(stream, n, true)
  }

  async #pull(wanted, options) {
    const [qid, stream] = this.#stream(options)
    if (!stream) return this.fail({ code: 'Neo.ClientError.Request.Invalid', message: 'no result to pull' })
    const n = options?.n ?? -1
    await this.#take(stream, n < 0 ? Number.POSITIVE_INFINITY : n, wanted)
    if (!this.alive) return
    if (!(await this.#peek(stream)).done) return this.success({ has_more: true })
    this.streams.delete(qid)
    const { answer, control, type } = stream
    if (answer.ending?.failure) return this.fail(answer.ending.failure)
    if (control) return this.success(answer.summary)
    const summary = { type }
    if (this.version.major < 3) summary.result_consumed_after = 1
    else {
      summary.t_last = 1
      if (!this.tx && !stream.answer.routing) summary.bookmark = this.server.nextBookmark()
    }
    if (this.version.major >= 4) summary.db = this.database
    if (this.version.rank >= 0x505) {
      summary.statuses = [{ gql_status: '00000', status_description: 'note: successful completion' }]
    }
    return this.success({ ...summary, ...answer.summary })
  }

  success(metadata) {
    return this.send(structure(0x70, metadata))
  }

  fail({ code, message, ...more }) {
    this.failed = true
    this.streams.clear()
    const modern = this.version.rank >= 0x507
    const metadata = modern
      ? {
          neo4j_code: code,
          message,
          gql_status: '50N42',
          description: `error: general processing exception - unexpected error. ${message}`,
          diagnostic_record: { OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/' },
          ...more
        }
      : { code, message, ...more }
    return this.send(structure(0x7f, metadata))
  }

  send(message) {
    return this.write(chunked(pack(message), this.server.chunk))
  }

  async write(bytes) {
    if (!this.alive) return
    if (this.server.trickle) {
      for (let at = 0; at < bytes.length && this.alive; at++) {
        this.#socket.write(bytes.subarray(at, at + 1))
        await new Promise(resolve => setImmediate(resolve))
      }
      return
    }
    if (!this.#socket.write(bytes)) {
      await Promise.race([once(this.#socket, 'drain').catch(() => {}), this.closed])
    }
  }

  end() {
    this.#stalled = true
    this.ended = true
    this.#socket.end()
    // A peer that keeps its half open would otherwise count as connected for ever.
    setTimeout(() => this.#socket.destroy(), 100).unref()
  }

  reset() {
    this.#stalled = true
    this.ended = true
    reset(this.#socket)
  }
}
