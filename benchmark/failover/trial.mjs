// One trial: all clients and the floor under load, one fault, and what the processes and the database say of it.

import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { now } from './clock.mjs'
import { figuresOf } from './figures.mjs'
import { count } from './queries.mjs'

const STARTS = 30_000
/** How long the load runs before the fault, in ms; and up to so much more, so that no clock of a client is met twice. */
const SETTLED = 1_500
const JITTER = 600
/** No fault needs longer than this until the cluster is whole, in ms. */
const STRIKES = 240_000
/** Within this clients are back after it, in ms: else it is told as such. */
const RECOVERS = 60_000
/** How long the load goes on then, in ms. */
const AFTER = 300
/** Within this all that is under way has settled, in ms: a little more than a client waits for one operation. */
const ENDS = 90_000
const TELLS_BY_HTTP = 60_000

/** All processes that run: whoever ends the benchmark ends them. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

export const killAll = () => {
  for (const child of running) child.kill('SIGKILL')
}

/** A process under load. */
class Loaded {
  /** When the work was begun that was acknowledged last. */
  latest = { write: 0, read: 0 }
  #child
  #log

  constructor(name, job) {
    this.name = name
    const program = fileURLToPath(new URL(name === 'floor' ? 'floor.mjs' : 'client.mjs', import.meta.url))
    this.#child = fork(program, [JSON.stringify(job)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
      execArgv: ['--no-warnings'] // of credentials that go over plain HTTP, for one
    })
    running.add(this.#child)
    this.#log = new Promise((resolve, reject) => {
      this.#child.on('message', ({ latest, log }) => {
        if (latest) this.latest = latest
        else resolve(log)
      })
      this.#child.once('error', reject)
      this.#child.once('exit', (code, signal) => {
        running.delete(this.#child)
        const ended = new Error(`${name} ended by itself (${signal ?? code})`)
        // What it told last may be read after its end.
        if (this.#child.connected) this.#child.once('disconnect', () => reject(ended))
        else reject(ended)
      })
    })
    this.#log.catch(() => {})
  }

  isPast(moment) {
    return this.latest.write > moment && this.latest.read > moment
  }

  async stop() {
    this.#child.send('stop', () => {})
    return within(this.#log, ENDS, `${this.name} did not end`)
  }

  kill() {
    this.#child.kill('SIGKILL')
  }
}

async function within(work, deadline, what) {
  const timer = new AbortController()
  const late = sleep(deadline, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${what} within ${deadline / 1000} s`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    timer.abort()
  }
}

async function until(condition, deadline) {
  const end = now() + deadline
  while (!condition()) {
    if (now() > end) return false
    await sleep(20)
  }
  return true
}

/**
 * @param {object} options
 * @param {import('../../tools/servers/index.mjs').Cluster} options.cluster whole
 * @param {import('./clients.mjs').Target} options.target as clients are told it
 * @param {import('./faults.mjs').Fault} options.fault
 * @param {import('./proxy.mjs').Proxy[][]} [options.proxies] of each member
 * @param {string[]} options.names of the clients
 * @param {string} options.label of what they write
 * @param {string} [options.logs] folder where all that was logged is left
 * @param {(text: string) => void} options.say
 * @returns {Promise<Record<string, ReturnType<typeof figuresOf>>>} by client
 */
export async function trial({ cluster, target, fault, proxies = [], names, label, logs, say }) {
  const start = name =>
    new Loaded(name, {
      ...target,
      client: name,
      writer: name,
      label,
      log: logs && name !== 'floor' && join(logs, `${label}-${name}.log`)
    })
  const all = ['floor', ...names].map(start)
  try {
    if (!(await until(() => all.every(one => one.isPast(0)), STARTS)))
      throw new Error(`not under load: ${all.filter(one => !one.isPast(0)).map(({ name }) => name)}`)
    await sleep(SETTLED + Math.random() * JITTER)
    const { member: master } = await cluster.waitForMaster()
    const slaves = cluster.members.map(({ member }) => member).filter(member => member !== master)
    const scene = { cluster, master, slaves, proxies: proxies[master - 1] ?? [] }

    const struck = now()
    await within(fault.strike(scene), STRIKES, 'the cluster was not whole').catch(error => say(error.message))
    const whole = now()
    if (!(await until(() => all.every(one => one.isPast(whole)), RECOVERS))) {
      const away = all.filter(one => !one.isPast(whole)).map(({ name }) => name)
      say(`not back ${RECOVERS / 1000} s after the cluster was whole: ${away.join(', ')}`)
    }
    await sleep(AFTER)
    const end = now()

    const [probes, ...others] = await Promise.all(all.map(one => one.stop()))
    // slaves would pass writes on while the master is cut off, which clients do not ask of them
    const floor = fault.isCut ? probes.filter(one => one.kind === 'read' || one.member === master) : probes
    if (logs) {
      const text = JSON.stringify({ struck, whole, end, names, floor: probes, others })
      writeFileSync(join(logs, `${label}.json`), text)
    }
    await mended(cluster)
    const figures = {}
    for (const [i, name] of names.entries()) {
      const found = await foundOf(cluster, label, name)
      figures[name] = figuresOf({ log: others[i], floor, found, struck, whole, end })
    }
    return figures
  } finally {
    for (const one of all) one.kill()
  }
}

/** All members run, and serve. */
async function mended(cluster) {
  for (const { member } of cluster.members) {
    cluster.signal(member, 'CONT')
    await cluster.start(member, { wait: false })
  }
  await cluster.waitReady()
}

/** How often each id of a writer is in the database. */
async function foundOf(cluster, label, writer) {
  const { member } = await cluster.waitForMaster(TELLS_BY_HTTP)
  return new Map(await cluster.query(member, count(label), { writer }))
}
