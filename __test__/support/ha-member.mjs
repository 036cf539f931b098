// A member of a cluster as a client sees it: a Bolt server, and the HTTP pages that tell its role.
import { once } from 'node:events'
import http from 'node:http'
import { ScriptedServer } from './scripted-server.mjs'

const manage = '/db/manage/server/'
const plain = { 'content-type': 'text/plain' }

// Members of a causal cluster answer other pages, and 403 to those of HA. Seen on 3.5, as are those of a server of its own.
const foreign = [403, '']
const core = writable => ({
  'ha/available': foreign,
  'core/writable': writable ? [200, 'true'] : [404, 'false'],
  'core/read-only': writable ? [404, 'false'] : [200, 'true'],
  'core/available': [200, 'true'],
  'read-replica/available': foreign
})

// Members of clusters of Neo4j 4 and later answer for each database, as the operations manual has it ("Monitor cluster endpoints for
// status information"): {role: 'leader', 'follower' or 'secondary', applied: the index of the last entry of the log}.
const modern = ({ role, applied = 0 } = {}) => {
  if (role === undefined) return undefined
  const writable = role === 'leader'
  const status = {
    lastAppliedRaftIndex: applied,
    votingMembers: [],
    core: role !== 'secondary',
    isHealthy: true
  }
  return {
    writable: writable ? [200, 'true'] : [404, 'false'],
    'read-only': writable ? [404, 'false'] : [200, 'true'],
    available: [200, 'true'],
    status: [200, JSON.stringify(status)]
  }
}

// Every answer a member can give: to the question of HA, or to more of them. A function has the connection in its hands.
const answers = {
  leader: core(true),
  follower: core(false),
  replica: { 'ha/available': foreign, 'core/writable': foreign, 'read-replica/available': [200, 'true'] },
  single: {},
  master: [200, 'master'],
  slave: [200, 'slave'],
  other: [200, 'something else'],
  unknown: [404, 'UNKNOWN'],
  unauthorized: [401, '{"errors":[{"code":"Neo.ClientError.Security.Unauthorized"}]}'],
  forbidden: [403, ''],
  broken: [500, 'oh no'],
  hang: () => {},
  cut: (_request, response) => response.socket.destroy()
}

export class HaMember {
  #http
  #sockets = new Set()
  #role

  /**
   * `role`: a key of the answers above, 'refuse' (nobody listens), a function of request and response, {redirect: url}, or
   * {databases: {neo4j: {role, applied}}}.
   */
  static async start({ role = 'master', auth = null, ...bolt } = {}) {
    const member = new HaMember()
    member.bolt = await ScriptedServer.start({ auth, ...bolt })
    member.auth = auth
    member.#role = role
    await member.#listen()
    if (role === 'refuse') await member.become('refuse')
    return member
  }

  constructor() {
    this.port = 0
    /** Milliseconds before each answer of the status page. */
    this.delay = 0
    /** Every check: {at, method, url, headers, connection}. */
    this.checks = []
    this.http = { open: 0, total: 0, inFlight: 0, maxInFlight: 0 }
  }

  get role() {
    return this.#role
  }
  get url() {
    return `http://127.0.0.1:${this.port}`
  }
  get uri() {
    return this.bolt.uri
  }
  /** The location as 1.2.3 wants it. */
  get location() {
    return [this.url, this.uri]
  }

  async #listen() {
    let connections = 0
    const ids = new WeakMap()
    this.#http = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      const { http: counts } = this
      counts.inFlight++
      counts.maxInFlight = Math.max(counts.maxInFlight, counts.inFlight)
      response.once('close', () => counts.inFlight--)
      this.checks.push({
        at: performance.now(),
        method: request.method,
        url: request.url,
        headers: request.headers,
        connection: ids.get(request.socket)
      })
      if (this.delay > 0) setTimeout(() => this.#answer(request, response), this.delay)
      else this.#answer(request, response)
    })
    this.#http.on('connection', socket => {
      ids.set(socket, ++connections)
      this.#sockets.add(socket)
      this.http.total++
      this.http.open++
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.http.open--
      })
      socket.on('error', () => {})
    })
    this.#http.listen(this.port, '127.0.0.1')
    await once(this.#http, 'listening')
    this.port = this.#http.address().port
  }

  #answer(request, response) {
    const role = this.#role
    if (role.databases !== undefined) {
      const [, database, page] = /^\/db\/([^/]+)\/cluster\/(.+)$/.exec(request.url) ?? []
      const [status, body] = modern(role.databases[database])?.[page] ?? [404, '']
      response.writeHead(status, plain).end(body)
      return
    }
    if (typeof role === 'object') {
      response.writeHead(role.status ?? 302, { location: role.redirect }).end()
      return
    }
    const page = request.url.startsWith(manage) ? request.url.slice(manage.length) : ''
    let answer = typeof role === 'function' ? role : answers[role]
    const isOfHa = Array.isArray(answer) || typeof answer === 'function'
    if (!isOfHa) answer = answer[page] ?? [404, '']
    else if (page.startsWith('core/') || page.startsWith('read-replica/')) answer = foreign
    else if (page !== 'ha/available') answer = [404, 'no such page']
    if (Array.isArray(answer) && this.auth) {
      const { user, pass } = this.auth
      const expected = `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}`
      if (request.headers.authorization !== expected) answer = answers.unauthorized
    }
    if (typeof answer === 'function') answer(request, response)
    else response.writeHead(answer[0], plain).end(answer[1])
  }

  /** A new role, from the next check on. 'refuse' closes the port, and any other opens it again. */
  async become(role) {
    const listening = this.#http.listening
    this.#role = role
    if (role === 'refuse' && listening) await this.#closeHttp()
    else if (role !== 'refuse' && !listening) await this.#listen()
  }

  async #closeHttp() {
    const closed = once(this.#http, 'close')
    this.#http.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** SIGKILL of the member: both its ports refuse. */
  async kill() {
    await Promise.all([this.bolt.stop(), this.become('refuse')])
  }

  /** Back on its ports, as `role`. */
  async revive(role) {
    await Promise.all([this.bolt.listen(), this.become(role)])
  }

  async stop() {
    await Promise.all([
      this.bolt.stop().catch(() => {}),
      this.#http.listening ? this.#closeHttp() : undefined
    ])
  }
}

/**
 * Members of these roles. `servers` are their locations for `new Neo4jHA`; each option goes to every member.
 */
export const scriptedCluster = async ({ roles = ['master', 'slave', 'slave'], ...options } = {}) => {
  const members = await Promise.all(roles.map(role => HaMember.start({ role, ...options })))
  return {
    members,
    servers: members.map(member => member.location),
    /** The same script on every member. */
    on(query, answer) {
      for (const member of members) member.bolt.on(query, answer)
    },
    when(kind, action) {
      return members.map(member => member.bolt.when(kind, action))
    },
    /** Every query that was to be executed, on any member. */
    queries(pattern) {
      return members.flatMap(member => member.bolt.queries(pattern))
    },
    /** Which members received a query that matches, in order of arrival: their indexes. */
    served(pattern) {
      return members
        .flatMap((member, index) => member.bolt.received('RUN', pattern).map(({ at }) => ({ at, index })))
        .sort((a, b) => a.at - b.at)
        .map(({ index }) => index)
    },
    async stop() {
      await Promise.all(members.map(member => member.stop()))
    }
  }
}
