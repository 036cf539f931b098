// A Bolt server that does what a test tells it to: every version from 1 to 6.1, and every fault in between.
//
//   const server = await ScriptedServer.start({ versions: bolt.neo4j34 })
//   server.on('MATCH (n) RETURN n', { fields: ['n'], records: [[1], [2]] })
//   server.on(/^CREATE/, failure('Neo.TransientError.Transaction.DeadlockDetected', 'try again'))
//   server.when('COMMIT', x => x.reset()).times(1)    // received, never answered, connection gone
//   server.received('RUN')                            // what arrived, with its exact bytes
//
// It answers in order, one message at a time for each connection, so that a fault held on one message holds
// all that come behind it. It knows no Cypher: an unknown query is a syntax error.
import { EventEmitter, once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { reset } from '../../tools/lib/sockets.mjs'
import { bolt, parseVersion } from './bolt-versions.mjs'
import { Connection } from './scripted-connection.mjs'
import { explained, fallback, routeOf, routingTable } from './scripts.mjs'

export class ScriptedServer {
  #net
  #sockets = new Set()
  #answers = []
  #ids = 0
  #thaw = null

  /** Starts a server on a free port of 127.0.0.1. Every option is a public field afterwards, and may be changed. */
  static async start(options = {}) {
    const server = new ScriptedServer(options)
    await server.listen()
    return server
  }

  constructor({
    versions = bolt.neo4j35,
    manifest,
    handshake = 'bolt',
    auth = null,
    agent,
    hints = {},
    utc = true,
    chunk = 0xffff,
    trickle = false,
    noops = 0,
    qids = true,
    tls: certificate = null,
    host = '127.0.0.1',
    port = 0,
    table = () => this.routingTable(),
    home = () => 'neo4j'
  } = {}) {
    this.versions = versions.map(parseVersion)
    const best = this.versions.reduce((a, b) => (a.rank > b.rank ? a : b))
    /** Whether the manifest form of the handshake is understood. */
    this.manifest = manifest ?? best.rank >= 0x507
    /** 'bolt', or how to be no Bolt server: 'http', 'none', 'garbage', 'silent', 'close', or bytes. */
    this.handshake = handshake
    /** Credentials to require: `{user, pass}`, or `{scheme, user, pass}`; or several of these. */
    this.auth = auth
    this.agent =
      agent ??
      `Neo4j/${best.major < 3 ? '3.4.0' : best.major < 4 ? '3.5.0' : `${Math.min(best.major, 5)}.26.0`}`
    /** Connection hints of Bolt 4.3+. */
    this.hints = hints
    /** Whether the utc patch of Bolt 4.3 and 4.4 is agreed to. */
    this.utc = utc
    /** The largest chunk sent. */
    this.chunk = chunk
    /** One byte a packet. */
    this.trickle = trickle
    /** How many NOOPs go before each reply. */
    this.noops = noops
    /** Whether results of a transaction get a `qid`, as Bolt 4 has it. */
    this.qids = qids
    this.certificate = certificate
    this.host = host
    this.port = port
    /** What a request for a routing table is answered with: a function of `{context, bookmarks, database, impersonatedUser, user}`. */
    this.table = table
    /** The home database: a function of `{user, impersonatedUser}`. Bolt 5.8 tells it. */
    this.home = home
    this.messages = []
    this.handshakes = []
    /** The certificates of clients that showed one, in order of their connections. */
    this.clients = []
    /** What a client said that no client may say. */
    this.protocolErrors = []
    this.connections = { open: 0, total: 0, max: 0, live: new Set() }
    this.rules = []
    this.events = new EventEmitter()
    this.bookmarks = 0
    this.frozen = null
  }

  get uri() {
    return `bolt://${this.address}`
  }

  get address() {
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`
  }

  async listen() {
    const accept = socket => {
      const client = socket.getPeerCertificate?.()
      if (client?.raw) this.clients.push(client)
      const connection = new Connection(this, socket, ++this.#ids)
      this.connections.live.add(connection)
      socket.once('close', () => this.connections.live.delete(connection))
    }
    this.#net = this.certificate ? tls.createServer(this.certificate) : net.createServer()
    this.#net.on('tlsClientError', () => {})
    this.#net.on('connection', socket => {
      const counts = this.connections
      this.#sockets.add(socket)
      counts.total++
      counts.open++
      counts.max = Math.max(counts.max, counts.open)
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#sockets.delete(socket)
        counts.open--
      })
    })
    this.#net.on(this.certificate ? 'secureConnection' : 'connection', accept)
    this.#net.listen(this.port, this.host)
    await once(this.#net, 'listening')
    this.port = this.#net.address().port
  }

  /** The answer to a query: text or pattern, and `{fields, records, summary, ending}`, `failure(...)`, or a function of the request. */
  on(query, answer) {
    this.#answers.unshift({ query, answer })
    return this
  }

  async resolve(request) {
    if (/^EXPLAIN /i.test(request.query)) return explained(request.query)
    const entry = this.#answers.find(({ query }) =>
      typeof query === 'string' ? query === request.query : query.test(request.query)
    )
    if (!entry) return fallback(request)
    const { answer } = entry
    return (typeof answer === 'function' ? await answer(request) : answer) ?? fallback(request)
  }

  /**
   * A fault: `action` instead of the reply to each message of that kind ('RUN', 'PULL', 'COMMIT' ... whatever its
   * form in the version), or to each that a function accepts. The first rule that fits is used.
   */
  when(kind, action) {
    const matches = typeof kind === 'function' ? kind : message => message.kind === kind
    const rule = { matches, action, left: Number.POSITIVE_INFINITY, hits: 0 }
    this.rules.push(rule)
    const handle = {
      /** Only the next `n` times. */
      times(n) {
        rule.left = n
        return handle
      },
      /** Only for queries that match. */
      query(pattern) {
        const inner = rule.matches
        rule.matches = message => inner(message) && pattern.test(message.query ?? '')
        return handle
      },
      get hits() {
        return rule.hits
      },
      remove: () => {
        this.rules = this.rules.filter(other => other !== rule)
      }
    }
    return handle
  }

  /** Requests for a routing table, whatever their form: `{form, context, bookmarks, database, impersonatedUser, message}`. */
  routes() {
    return this.received('ROUTE').map(message => ({ ...routeOf(message), message }))
  }

  /** Messages of one kind that arrived, in order; with `query`, those of a query that matches it. */
  received(kind, query) {
    return this.messages.filter(
      message => message.kind === kind && (query === undefined || query.test(message.query ?? ''))
    )
  }

  /** The queries that were to be executed, in order; those that match `pattern`. EXPLAIN executes nothing. */
  queries(pattern) {
    return this.received('RUN', pattern)
      .map(message => message.query)
      .filter(query => !/^EXPLAIN /i.test(query))
  }

  /** The last bookmark that was given out. */
  get lastBookmark() {
    return `FB:scripted:${this.bookmarks}`
  }

  nextBookmark() {
    this.bookmarks++
    return this.lastBookmark
  }

  /** The table of a cluster of this server alone. */
  routingTable() {
    const self = [this.address]
    return routingTable({ routers: self, readers: self, writers: self })
  }

  /** Ends every open connection, as an idle load balancer does: in good order, or with `reset` as a crash does. */
  async kick({ reset = false } = {}) {
    const gone = [...this.connections.live].map(connection => {
      if (reset) connection.reset()
      else connection.end()
      return connection.closed
    })
    await Promise.all(gone)
  }

  /** SIGSTOP: connections are accepted by the kernel, and nothing is answered until `thaw`. */
  freeze() {
    if (this.frozen) return
    this.frozen = new Promise(resolve => {
      this.#thaw = resolve
    })
  }

  thaw() {
    this.frozen = null
    this.#thaw?.()
  }

  /** SIGKILL: connections are reset and new ones refused. `listen()` brings it back on the same port. */
  async stop() {
    this.thaw()
    const closed = once(this.#net, 'close')
    this.#net.close()
    const carriesTls = this.#net instanceof tls.Server
    for (const socket of this.#sockets) reset(socket, { carriesTls })
    await closed
  }
}

export { bolt } from './bolt-versions.mjs'
export { afterRecords, delayed, failure, gate, held, routingTable, rows, silence } from './scripts.mjs'
