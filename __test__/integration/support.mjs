// What every test on real servers starts from: servers for a file, and drivers that close after their test.

import { createServer } from 'node:http'
import { createServer as createTcpServer, connect as dial } from 'node:net'
import { after, before, test as nodeTest } from 'node:test'
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls'
import neo4jDriver from 'neo4j-driver'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { up } from '../../tools/servers/index.mjs'
import { within } from '../support/until.mjs'

export { Neo4jHA }

/** npm's driver, the other client. */
export const npm = neo4jDriver

/** Ours, under the names that npm's has. */
export const neo4j = Neo4jHA.driver

const BOOT = 240_000

/** For servers that are to refuse wrong logins all the time: else they lock a user out for a while after three. */
export const NO_LOCKOUT = { 'dbms.security.auth_max_failed_attempts': '0' }

/** A test that fails, rather than hangs, when the library does. */
export const test = (name, run, { timeout = 60_000 } = {}) => nodeTest(name, { timeout }, run)

/**
 * Real servers for the tests of a file, or of a `describe`: up before them, down after them, however they end.
 *
 * @returns {{ cluster: import('../../tools/servers/index.mjs').Cluster }} filled when the tests begin
 */
export const servers = (name, options) => {
  const set = { cluster: null }
  const onProgress = text => console.log(`${name}: ${text}`)
  before(
    async () => {
      set.cluster = await up(name, { onProgress, ...options })
    },
    { timeout: BOOT }
  )
  after(() => set.cluster?.down(), { timeout: BOOT })
  return set
}

/** The `[httpUrl, boltUrl]` of each member. */
export const pairs = cluster => cluster.members.map(({ http, bolt }) => [http, bolt])

/** A driver of ours that closes with the test, and in good time. Not waited for. */
export const open = (t, locations, options) => {
  const driver = new Neo4jHA(locations, options)
  t.after(() => within(Promise.resolve(driver.close()), 10_000, 'driver.close()'))
  return driver
}

/** The same for all members of a cluster, after the first check. */
export const ready = async (t, cluster, options = {}) => {
  const driver = open(t, pairs(cluster), { auth: cluster.auth, ...options })
  await within(Promise.resolve(driver.ready), 10_000, 'driver.ready')
  return driver
}

/** A driver of ours for one server, by its Bolt URI alone. */
export const single = (t, member, auth, options = {}) => open(t, member.bolt, { auth, ...options })

/**
 * A driver for all that a set is, by the methods of `neo4j-driver`: of an HA cluster one that writes on the master and reads on
 * slaves alone, else one by a URI of this scheme to the first member. Closes with the test.
 */
export const connect = (
  t,
  { kind, members, auth },
  { scheme = 'bolt', token = tokenOf(auth), ...config } = {}
) => {
  if (kind === 'ha') {
    const { masterWriteOnlySlaveReadOnly: rwConfig } = Neo4jHA.HAReadWrite
    return open(t, pairs({ members }), { auth: token, rwConfig, neo4jDriverOptions: config })
  }
  const driver = neo4j.driver(members[0].bolt.replace('bolt:', `${scheme}:`), token, config)
  t.after(() => within(driver.close(), 10_000, 'driver.close()'))
  return driver
}

/** The token for `auth` of a set. */
export const tokenOf = auth => auth && neo4j.auth.basic(auth.user, auth.pass)

/** npm's driver for one server; closes with the test. */
export const npmDriver = (t, member, auth, config) => {
  const driver = npm.driver(member.bolt, npm.auth.basic(auth.user, auth.pass), config)
  t.after(() => driver.close())
  return driver
}

/** Runs one query in a session of its own, which may write. Gives the result, whole. */
export const query = async (driver, text, parameters) => {
  const session = driver instanceof Neo4jHA ? driver.session(true) : driver.session()
  try {
    return await session.run(text, parameters)
  } finally {
    await session.close()
  }
}

/** Rows of a result as plain arrays, their integers as numbers. */
export const rows = ({ records }) =>
  records.map(record =>
    record.keys.map(key => {
      const value = record.get(key)
      return neo4j.isInt(value) ? value.toNumber() : value
    })
  )

/** The only value of a result, an integer as a number. */
export const value = result => rows(result)[0][0]

/** The number of the HA member that runs this query, as it says itself. */
export const WHO = "CALL dbms.listConfig('ha.server_id') YIELD value RETURN toInteger(value) AS member"

/** The error that a promise ends with; fails when it does not. */
export const failing = async promise => {
  let seen
  try {
    seen = await promise
  } catch (error) {
    return error
  }
  throw new Error(`an error was expected, and came: ${JSON.stringify(seen)}`)
}

/** Sockets of a server of ours, in pairs piped into each other; all end with the test. */
const listening = async (t, server, onSocket) => {
  const sockets = new Set()
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', socket => {
    const target = onSocket(socket)
    for (const one of [socket, target]) {
      sockets.add(one)
      one.on('error', () => {}).on('close', () => sockets.delete(one))
    }
    // the end of one is the end of the other, also where it is no orderly one
    socket.on('close', () => target.destroy())
    target.on('close', () => socket.destroy())
    socket.pipe(target).pipe(socket)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise(resolve => server.close(resolve))
  })
  return server.address().port
}

/**
 * A way to a Bolt port of 127.0.0.1 that remembers how each connection began, with TLS or in plain, and counts the bytes that
 * came from the server.
 */
export const tap = async (t, port) => {
  const seen = []
  const targets = []
  const to = await listening(t, createTcpServer({ noDelay: true }), socket => {
    socket.once('data', bytes => seen.push(bytes[0] === 0x16 ? 'tls' : 'plain'))
    const target = dial({ port, host: '127.0.0.1', noDelay: true })
    targets.push(target)
    return target
  })
  const received = () => targets.reduce((sum, target) => sum + target.bytesRead, 0)
  return { port: to, seen, received }
}

/**
 * A way to a Bolt port of 127.0.0.1 that ends TLS, with a certificate (and whatever else `node:tls` takes) of its own.
 * `clients` are the names on the client certificates that were shown, in the order of the connections.
 */
export const tlsFront = async (t, port, options) => {
  const clients = []
  const server = createTlsServer({ noDelay: true, ...options }).on('tlsClientError', () => {})
  const to = await listening(t, server, socket => {
    clients.push(socket.getPeerCertificate().subject?.CN)
    return dial({ port, host: '127.0.0.1', noDelay: true })
  })
  return { port: to, clients }
}

/** The port of a member's Bolt URI. */
export const portOf = ({ bolt }) => Number(new URL(bolt).port)

/** A way to an HTTP port of 127.0.0.1 that holds every answer back for `delay` ms. Gives its URL. */
export const farther = async (t, url, delay) => {
  const server = createServer(async (request, response) => {
    const { authorization } = request.headers
    const answer = await fetch(new URL(request.url, url), {
      headers: { accept: 'text/plain', ...(authorization ? { authorization } : {}) }
    }).catch(() => null)
    const body = await answer?.text()
    setTimeout(() => {
      response.writeHead(answer?.status ?? 502, { 'content-type': 'text/plain' })
      response.end(body)
    }, delay)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return `http://127.0.0.1:${server.address().port}`
}
