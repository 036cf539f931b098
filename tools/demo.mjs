#!/usr/bin/env node
// npm run demo: the main job, on a real three-member HA cluster. All the set-up, the quick start, a failover under load,
// and at the end the count of acknowledged writes that the database has: all of them, each once, or the exit code tells.

import { setTimeout as sleep } from 'node:timers/promises'
import { style, table } from '../lib/cli/table.js'
import { Board } from './demo/board.mjs'
import { Load } from './demo/load.mjs'
import { quickStart } from './demo/quick-start.mjs'
import { fail, UserError } from './lib/exec.mjs'
import { downOwnedBy, up } from './servers/index.mjs'
import { setup } from './setup.mjs'

/** How long the load runs before the kill, and after each recovery, in ms. */
const CALM = 5_000
/** The longest the demo may take after the set-up, in ms: whatever hangs, it ends. */
const LIMIT = 10 * 60_000

const heading = text => console.log(`\n${style('bold', `== ${text}`)}`)

async function main() {
  heading('Set-up')
  await setup()
  const limit = setTimeout(
    () => end(new UserError(`stopped: it took longer than ${LIMIT / 60_000} minutes`)),
    LIMIT
  )

  heading('A real HA cluster, three members')
  const cluster = await up(`ha@demo-${process.pid}`, { onProgress: text => console.log(`servers: ${text}`) })
  const rows = cluster.members.map(({ member, role, bolt, http, pid }) => [
    String(member),
    role,
    bolt,
    http,
    String(pid)
  ])
  console.log(`Neo4j ${cluster.version}\n${table(['member', 'role', 'bolt', 'http', 'pid'], rows)}`)

  heading('The quick start: a small graph, read by each strategy')
  await quickStart(cluster)

  heading('Failover under load')
  const load = await failover(cluster)

  heading('What the database has')
  const isWhole = await count(cluster, load)
  await cluster.down()
  clearTimeout(limit)
  process.exitCode = isWhole ? 0 : 1
}

/** Load, SIGKILL of the master, election, recovery, and the old master back as slave. */
async function failover(cluster) {
  const { default: Neo4jHA } = await import('neo4j-ha-bolt-driver')
  const servers = cluster.members.map(({ http, bolt }) => [http, bolt])
  const driver = new Neo4jHA(servers, {
    auth: cluster.auth,
    strategy: Neo4jHA.HAStrategies.roundRobin,
    rwConfig: Neo4jHA.HAReadWrite.masterReadWriteSlaveRead,
    checkInterval: 250
  })
  await driver.ready
  const board = new Board(driver, Neo4jHA)
  // what the driver warns of belongs in the timeline: on stderr it would cut through the live table
  process.removeAllListeners('warning')
  process.on('warning', ({ message }) => board.say(style('yellow', `the driver warns: ${message}`)))
  const served = { write: () => {} }
  const load = new Load(driver, { onWrite: bolt => served.write(bolt) })
  try {
    board.watch(load)
    board.say('load: 4 writers and 4 readers')
    await sleep(CALM)

    const old = await cluster.waitForMaster()
    const again = new Promise(resolve => {
      served.write = bolt => bolt !== old.bolt && resolve(bolt)
    })
    cluster.signal(old.member, 'KILL')
    const killed = Date.now()
    board.say(style('red', `SIGKILL of the master, member ${old.member} (pid ${old.pid})`))
    const elected = await cluster.waitForMaster()
    board.say(`elected: member ${elected.member} says it is master, ${since(killed)} after the kill`)
    await within(60_000, again, 'no write was acknowledged after the election')
    board.failover = Date.now() - killed
    board.say(
      style('green', `first write acknowledged by member ${elected.member}, ${since(killed)} after the kill`)
    )
    await sleep(CALM)
    board.snapshot()

    board.say(`restarting member ${old.member}`)
    const role = await cluster.start(old.member)
    board.say(style('green', `member ${old.member} is back, as ${role}`))
    await cluster.waitReady()
    await sleep(CALM)
    await within(60_000, load.stop(), 'the load did not come to its end')
  } finally {
    board.close()
    await within(30_000, driver.close(), 'the driver did not close')
  }
  if (load.errors.size > 0) console.log('errors which the application saw:')
  for (const [text, times] of load.errors) console.log(`  ${times} x ${text}`)
  return load
}

/** Compares what was acknowledged with what each member holds, read over HTTP: not by the driver. */
async function count(cluster, { acknowledged, unknown }) {
  const { member: master } = await cluster.waitForMaster()
  const ids = await cluster.query(master, 'MATCH (n:Load) RETURN n.id, count(*)')
  const times = new Map(ids)
  const missing = acknowledged.filter(id => !times.has(id))
  const twice = ids.filter(([, n]) => n > 1)
  const late = unknown.filter(id => times.has(id))
  const known = new Set([...acknowledged, ...unknown])
  const strange = ids.filter(([id]) => !known.has(id))
  const once = acknowledged.filter(id => times.get(id) === 1)
  console.log(`acknowledged writes found, each once: ${once.length} of ${acknowledged.length}`)
  if (unknown.length > 0)
    console.log(`writes of unknown outcome that were done: ${late.length} of ${unknown.length}`)
  const nodes = ids.reduce((sum, [, n]) => sum + n, 0)
  const behind = await untilEqual(cluster, nodes)
  const problems = [
    missing.length > 0 && `lost: ${missing.length} acknowledged writes, ids ${sample(missing)}`,
    twice.length > 0 && `done more than once: ids ${sample(twice.map(([id]) => id))}`,
    strange.length > 0 &&
      `done though the driver said they were not: ids ${sample(strange.map(([id]) => id))}`,
    behind.length > 0 && `members that did not catch up: ${behind.join(' ')}`
  ].filter(Boolean)
  for (const text of problems) console.log(style('red', text))
  if (problems.length === 0) console.log(style('green', 'all of them, each once, on every member'))
  return problems.length === 0
}

/** Slaves pull what they have not yet: waits, and gives the members that still hold another number of nodes. */
async function untilEqual(cluster, wanted) {
  const until = Date.now() + 30_000
  for (;;) {
    const behind = []
    for (const { member } of cluster.members) {
      const [[nodes]] = await cluster.query(member, 'MATCH (n:Load) RETURN count(n)')
      if (nodes !== wanted) behind.push(member)
    }
    if (behind.length === 0 || Date.now() > until) return behind
    await sleep(500)
  }
}

const since = start => `${((Date.now() - start) / 1000).toFixed(1)} s`
const sample = ids => ids.slice(0, 10).join(', ') + (ids.length > 10 ? ', ...' : '')

async function within(limit, work, problem) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new UserError(`${problem} within ${limit / 1000} s`)), limit)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Ends at once, with the servers down. */
async function end(error) {
  if (error) fail(error)
  await downOwnedBy(process.pid)
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end())

main().catch(end)
