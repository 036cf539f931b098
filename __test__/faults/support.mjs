// What the tests of failures share: one cluster for a file, a driver under load for each test, and what must hold after.

import assert from 'node:assert/strict'
import { Neo4jHA, query, ready, value } from '../integration/support.mjs'
import { until, within } from '../support/until.mjs'
import { Load, unhandled } from './load.mjs'

export const { Status, ServerType, HAStrategies } = Neo4jHA

/**
 * How long a single operation may take at most, in ms. Work that was sent ends when its server has been silent for
 * `unresponsiveTimeout` (4 s), as the check that ends then finds (2.5 s); a transaction function is tried again for
 * `maxTransactionRetryTime` (30 s) after that. Then a write that members pass on to a master that hangs may wait for as long as they do,
 * 20 s each (`ha.lock_read_timeout`, `ha.read_timeout`): for its locks, for the ids of what it creates, and, when it is rolled back, for
 * the end of its lock session.
 */
export const SETTLES = { read: 45_000, write: 110_000 }

/** A transaction that the server ended: all drivers count it among the errors of the client, which are not retryable. */
const STOPPED = ['Terminated', 'LockClientStopped'].map(name => `Neo.ClientError.Transaction.${name}`)

/** Connections for each server: little more than the load needs, so that a leak is felt. */
const POOL = 8

/** Starts and resumes whatever an earlier test has left dead or stopped. */
const whole = async cluster => {
  for (const { member } of cluster.members) {
    cluster.signal(member, 'CONT')
    await cluster.start(member, { wait: false })
  }
  await cluster.waitReady()
}

/**
 * A driver with its defaults, but for a small pool, under load: after 50 reads and 50 writes.
 *
 * @returns {Promise<{ driver, load: Load }>}
 */
export const underLoad = async (t, cluster, options = {}) => {
  await whole(cluster)
  let load
  // in this order: what hangs goes on, the load ends, the driver closes
  t.after(() => {
    for (const { member } of cluster.members) cluster.signal(member, 'CONT')
  })
  t.after(() => load?.stop(SETTLES.write))
  const driver = await ready(t, cluster, {
    strategy: HAStrategies.roundRobin,
    ...options,
    neo4jDriverOptions: {
      maxConnectionPoolSize: POOL,
      logging: { level: 'error', logger: () => {} },
      ...options.neo4jDriverOptions
    }
  })
  load = new Load(driver)
  await goesOn(load, 0, { deadline: 20_000 })
  return { driver, load }
}

/** Waits until 50 reads and 50 writes, begun after `since`, went well. */
export const goesOn = async (load, since, { deadline = SETTLES.read, kinds = ['read', 'write'] } = {}) => {
  const is = () => kinds.every(kind => load.succeeded(kind, since).length >= 50)
  try {
    await until(is, { deadline, every: 20 })
  } catch {
    const state = kinds.map(kind => `${load.succeeded(kind, since).length} ${kind}s`).join(', ')
    assert.fail(
      `not within ${deadline} ms: ${kinds.join(' and ')} go on (${state}); ${load.report()}\n${load.errors().join('\n')}`
    )
  }
}

/** Waits until the driver sees the cluster as it is: the role of each member, by its own word, and the master. */
export const follows = async (driver, cluster, deadline = 15_000) => {
  let seen
  const is = async () => {
    const members = await cluster.status()
    seen = members.map(({ role }, i) => ({ role, ...driver.servers[i].info }))
    return (
      driver.masterIndex === members.findIndex(({ role }) => role === 'master') &&
      members.every(({ role }, i) => {
        const { status, type } = driver.servers[i].info
        return role ? status === Status.up && type === ServerType[role] : status !== Status.up
      })
    )
  }
  await until(is, { deadline, every: 50 }).catch(() => {
    assert.fail(`the driver does not follow: ${JSON.stringify(seen)}, masterIndex ${driver.masterIndex}`)
  })
}

/** Waits until a member serves reads of the load begun after `since`. */
export const serves = (load, { bolt }, since, deadline = 20_000) =>
  until(() => load.succeeded('read', since).some(one => one.servedBy === bolt), {
    deadline,
    every: 20,
    what: `${bolt} serves reads again`
  })

/** Waits until all that was under way at a moment has ended; of one kind, if one is given. */
export const settled = async (load, moment, kind) => {
  const deadline = SETTLES[kind ?? 'write']
  const waiting = () => [...load.running].filter(one => one.begun <= moment && (!kind || one.kind === kind))
  await until(() => waiting().length === 0, { deadline, every: 20 }).catch(() => {
    const now = performance.now()
    const state = waiting().map(({ how, begun }) => `${how} for ${Math.round(now - begun)} ms`)
    assert.fail(`not within ${deadline} ms: an end of ${state.join(', ')}; ${load.report()}`)
  })
}

/** What holds after every failure: the book is right, on all members; nothing hung, nothing leaked. */
export const accounts = async (t, cluster, { driver, load }) => {
  await load.stop(SETTLES.write)
  t.diagnostic(load.report())
  for (const line of load.errors()) t.diagnostic(line)
  const master = await cluster.waitForMaster()
  const { all, unknownButDone } = await load.check(cluster, master.member)
  t.diagnostic(`${all} are in the database, ${unknownButDone} of them of unknown outcome`)
  for (const { member } of cluster.members) {
    await until(async () => (await load.count(cluster, member).catch(() => -1)) === all, {
      deadline: 20_000,
      every: 100,
      what: `member ${member} has all ${all} nodes`
    })
    await load.check(cluster, member)
  }

  // that a server is gone is nothing that another attempt could not cure, unless it may do work twice
  assert.deepEqual(
    load.errors(({ error }) => error.retryable === error.unknownOutcome && !STOPPED.includes(error.code)),
    [],
    'errors that an application would take for final, or repeat although the work may have been done'
  )
  for (const kind of ['read', 'write']) {
    assert.ok(load.slowest(kind) < SETTLES[kind], `a ${kind} took ${load.slowest(kind)} ms`)
  }

  // as many at once as the pools have connections: none of them is lost
  await follows(driver, cluster)
  for (const one of [driver, ...driver.servers.map(server => server.driver)]) {
    const all = Array.from({ length: POOL }, async () => {
      const session = one === driver ? driver.session(true) : one.session()
      const tx = session.beginTransaction()
      await tx.run('RETURN 1')
      return { session, tx }
    })
    for (const { session, tx } of await within(Promise.all(all), 20_000, 'connections, all at once')) {
      await tx.rollback()
      await session.close()
    }
  }
  const open =
    'CALL dbms.listConnections() YIELD connector, userAgent WHERE connector = "bolt" RETURN count(*)'
  for (const { driver: direct } of driver.servers) {
    const connections = value(await query(direct, open))
    assert.ok(connections <= POOL, `${connections} connections are open where ${POOL} may be`)
  }
  assert.deepEqual(unhandled, [])
}
