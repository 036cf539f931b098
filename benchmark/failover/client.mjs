// One client under load, in a process of its own: `client.mjs JOB`, started by `fork`, where JOB is the JSON text of a
// `Target` and `{client, writer, label}`, and perhaps `log`, a file for what the driver logs. It says every 50 ms which work it began
// last that was acknowledged; on the message 'stop' it begins nothing more, tells its log when all has settled, and ends.

import { createWriteStream } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { clients } from './clients.mjs'
import { now } from './clock.mjs'
import { queries } from './queries.mjs'
import { ending, telling } from './told.mjs'

const WRITERS = 4
const READERS = 2
/** Between two operations of the same worker, in ms, so that the servers are not what is measured. */
const PACE = 10
/** An operation that takes so long, in ms, is left: it counts as unsettled. */
const SETTLES = 75_000

const { client: name, writer, label, log: file, ...target } = JSON.parse(process.argv[2])
const lines = file && createWriteStream(file)
const logger = lines && ((level, message) => lines.write(`${now().toFixed(1)} ${level} ${message}\n`))
const client = await clients[name].open({ ...target, logger })
const told = telling()
let last = 0

/** @returns {Promise<void>} when it has settled, or is left */
async function operate(kind, id, work) {
  const one = { kind, id, begun: now(), ended: 0, outcome: 'unsettled' }
  told.log.push(one)
  const late = new AbortController()
  const settled = work().then(
    () => 'acknowledged',
    error => {
      one.error = `${error.code}: ${error.message}`
      return client.isUnknown(error) ? 'unknown' : 'refused'
    }
  )
  const left = sleep(SETTLES, 'unsettled', { signal: late.signal }).catch(() => {})
  one.outcome = await Promise.race([settled, left])
  one.ended = now()
  late.abort()
  if (one.outcome === 'acknowledged') told.acknowledged(one)
}

const write = () => {
  const id = ++last
  return operate('write', id, () => client.write([queries(label).write, { writer, id }]))
}
const read = () => operate('read', undefined, () => client.read([queries(label).read, {}]))

const worker = async work => {
  while (!told.isStopped) {
    await work()
    await sleep(PACE)
  }
}

await Promise.all([
  ...Array.from({ length: WRITERS }, () => worker(write)),
  ...Array.from({ length: READERS }, () => worker(read))
])
await ending(told, () => client.close())
