#!/usr/bin/env node
// npm run stress -- --minutes N [--seed N] [--server 5.26|ha]
//
// Writes through a proxy that cuts connections, on real servers, in rounds. Each round has a seed of its own and ends with
// the comparison of what the driver said with what the database has; a difference ends it with an exit code of 1.

import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { fail, UserError } from './lib/exec.mjs'
import { downOwnedBy, up } from './servers/index.mjs'
import { setup } from './setup.mjs'
import { report } from './stress/judge.mjs'

const MINUTE = 60_000
/** How long one round loads, in ms. */
const ROUND = 30_000
const SERVERS = ['5.26', 'ha']

async function main() {
  const { values } = parseArgs({
    options: { minutes: { type: 'string' }, seed: { type: 'string' }, server: { type: 'string' } }
  })
  const minutes = number(values.minutes ?? '1', 'minutes')
  const first = values.seed === undefined ? randomInt(2 ** 31) : number(values.seed, 'seed')
  if (values.server && !SERVERS.includes(values.server))
    throw new UserError(`--server takes ${SERVERS.join(' or ')}, not '${values.server}'`)
  const names = values.server ? [values.server] : SERVERS

  await setup()
  const { experiment } = await import('./stress/experiment.mjs')
  for (const name of names) {
    const cluster = await up(`${name}@stress-${process.pid}`, {
      onProgress: text => console.log(`servers: ${name}: ${text}`)
    })
    const end = Date.now() + (minutes * MINUTE) / names.length
    for (let seed = first; Date.now() < end; seed++) {
      const duration = Math.min(ROUND, Math.max(1_000, end - Date.now()))
      console.log(`\n${name}, seed ${seed}, ${Math.round(duration / 1000)} s`)
      const results = await experiment({ cluster, seed, duration })
      for (const result of results) console.log(report(result))
      if (results.some(({ violations }) => violations.length > 0)) {
        throw new UserError(
          `violations; to decide the same again: npm run stress -- --server ${name} --seed ${seed} --minutes ${ROUND / MINUTE}`
        )
      }
    }
    await cluster.down()
  }
}

function number(text, name) {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UserError(`--${name} takes a number, not '${text}'`)
  return Number(text)
}

/** Ends at once, with the servers down. */
async function end(error) {
  if (error) fail(error)
  await downOwnedBy(process.pid)
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end())
process.once('unhandledRejection', end)

main().catch(end)
