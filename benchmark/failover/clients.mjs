// The clients that are compared, by their names. Each is opened once in a process of its own, and gives one write and one read,
// in a session of their own each.

import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { load, OURS, THEIRS } from '../peers.mjs'

const require = createRequire(import.meta.url)

/** How often the clients that are told the master by HTTP ask who it is, in ms. */
const POLL = 500

/**
 * Where the cluster is, as a client is told.
 *
 * @typedef {object} Target
 * @property {'ha' | 'cc'} kind
 * @property {{ bolt: string, http: string }[]} members
 * @property {{ user: string, pass: string }} auth
 * @property {(level: string, message: string) => void} [logger] takes what this driver logs; npm's logs every message
 */

/**
 * @typedef {object} Client
 * @property {(query: [string, object]) => Promise<unknown>} write
 * @property {(query: [string, object]) => Promise<unknown>} read
 * @property {() => Promise<void>} close
 * @property {(error: Error) => boolean} isUnknown whether after this error nobody knows if the work was done
 */

/**
 * Each with the kinds of clusters that it knows, where it does not know all.
 *
 * @type {Record<string, { about: string, kinds?: ('ha' | 'cc')[], open: (target: Target) => Promise<Client> | Client }>}
 */
export const clients = {
  auto: {
    about: 'this driver, auto-commit',
    open: target => ours(target, (session, query) => session.run(...query))
  },
  write: {
    about: 'this driver, `executeWrite` and `executeRead`',
    open: target =>
      ours(target, (session, query, isWrite) =>
        isWrite ? session.executeWrite(tx => tx.run(...query)) : session.executeRead(tx => tx.run(...query))
      )
  },
  routing: {
    about: 'this driver by `neo4j://`, in the place of `neo4j-driver`: `executeWrite` and `executeRead`',
    kinds: ['cc'],
    open: target => routed(target, require(OURS).driver, error => Boolean(error.unknownOutcome))
  },
  'neo4j-driver': {
    about:
      "npm's `neo4j-driver` 6, `executeWrite` and `executeRead`; on HA by `bolt://` to the master as polled by HTTP",
    open: target =>
      target.kind === 'ha' ? polled(target, inFunction) : routed(target, load(THEIRS), isNotOfServer)
  },
  '1.2.3-policy': {
    about:
      'the policy of 1.2.3 on the same: the master as polled by HTTP, one auto-commit attempt, no waiting',
    open: target => polled(target, (session, query) => session.run(...query))
  }
}

/** Of a `neo4j-driver` nothing but an error of the server itself says that work was not done. */
const isNotOfServer = error => !String(error.code).startsWith('Neo.')

const addressOf = ({ bolt }) => bolt.replace('bolt://', '')

/** One session for each operation, as applications do it. */
async function inSession(session, work) {
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

const logged = logger => (logger ? { logging: { level: 'debug', logger } } : {})

async function ours({ members, auth, logger }, run) {
  const Neo4jHA = require(OURS)
  const driver = new Neo4jHA(
    members.map(({ http, bolt }) => [http, bolt]),
    { auth, neo4jDriverOptions: logged(logger) }
  )
  await driver.ready
  return {
    write: query => inSession(driver.session(true), one => run(one, query, true)),
    read: query => inSession(driver.session(false), one => run(one, query, false)),
    close: () => driver.close(),
    isUnknown: error => Boolean(error.unknownOutcome)
  }
}

const routing = (neo4j, { members, auth, logger }) =>
  neo4j.driver(members[0].bolt.replace('bolt:', 'neo4j:'), neo4j.auth.basic(auth.user, auth.pass), {
    resolver: () => members.map(addressOf),
    ...logged(logger)
  })

const inFunction = (session, query, isWrite) =>
  isWrite ? session.executeWrite(tx => tx.run(...query)) : session.executeRead(tx => tx.run(...query))

function routed(target, neo4j, isUnknown) {
  const driver = routing(neo4j, target)
  return {
    write: query => inSession(driver.session(), session => inFunction(session, query, true)),
    read: query =>
      inSession(driver.session({ defaultAccessMode: neo4j.session.READ }), session =>
        inFunction(session, query, false)
      ),
    close: () => driver.close(),
    isUnknown
  }
}

/**
 * npm's driver for each member, and who is master asked by HTTP all the time. Each operation goes to whom the last answers name.
 * Its transaction functions try once: on a server that is gone they would stay for half a minute, where the next poll may
 * name another one.
 */
async function polled({ kind, members, auth }, run) {
  const neo4j = load(THEIRS)
  const token = neo4j.auth.basic(auth.user, auth.pass)
  const options = { maxTransactionRetryTime: 0 }
  const drivers = members.map(({ bolt }) => neo4j.driver(bolt, token, options))
  const roles = members.map(() => null)
  let isClosed = false
  const ask = async i => {
    while (!isClosed) {
      roles[i] = await roleOf(kind, members[i], auth)
      await sleep(POLL)
    }
  }
  const polls = members.map((_, i) => ask(i))
  let turn = 0
  const driverFor = isWrite => {
    const fit = roles.flatMap((role, i) => (role === 'master' || (!isWrite && role === 'slave') ? [i] : []))
    return drivers[fit[turn++ % fit.length] ?? 0] // 1.2.3 took the first server where none fits
  }
  const operate = (isWrite, query) =>
    inSession(driverFor(isWrite).session(), session => run(session, query, isWrite))
  return {
    write: query => operate(true, query),
    read: query => operate(false, query),
    close: async () => {
      isClosed = true
      await Promise.all(drivers.map(driver => driver.close()))
      await Promise.all(polls)
    },
    isUnknown: isNotOfServer
  }
}

const PATHS = {
  ha: [['ha/available', null]],
  cc: [
    ['core/writable', 'master'],
    ['core/available', 'slave'],
    ['read-replica/available', 'slave']
  ]
}

/** What a member says of itself: `master`, `slave`, or null. */
async function roleOf(kind, { http }, { user, pass }) {
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}` }
  for (const [path, role] of PATHS[kind]) {
    try {
      const signal = AbortSignal.timeout(2_000)
      const answer = await fetch(`${http}/db/manage/server/${path}`, { headers, signal })
      const body = await answer.text()
      if (answer.status === 200) return role ?? body
    } catch {
      return null
    }
  }
  return null
}
