// What the processes under load tell the one that started them.

import { setTimeout as sleep } from 'node:timers/promises'

/** How often it is told how far the work is, in ms. */
const TELLS = 50
/** For how long a driver may close, in ms. */
const CLOSES = 5_000

/**
 * Begins to tell. A process whose parent is gone ends.
 *
 * @returns {{ log: import('./figures.mjs').Operation[], isStopped: boolean, acknowledged: (one: object) => void, timer: object }}
 */
export function telling() {
  const latest = { write: 0, read: 0 }
  const told = {
    log: [],
    isStopped: false,
    acknowledged({ kind, begun }) {
      if (begun > latest[kind]) latest[kind] = begun
    }
  }
  process.on('message', () => {
    told.isStopped = true
  })
  process.on('disconnect', () => process.exit(1))
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
  told.timer = setInterval(() => process.send({ latest }), TELLS)
  return told
}

/** Tells the log, closes what is to be closed, and ends the process. */
export async function ending(told, close) {
  clearInterval(told.timer)
  await new Promise(sent => process.send({ log: told.log }, sent))
  await Promise.race([Promise.resolve(close()).catch(() => {}), sleep(CLOSES)])
  process.exit(0)
}
