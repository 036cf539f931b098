// A lock between processes, as a file. Node has no flock(2): a holder that died is found out by its pid and by the
// time of its last sign of life, so a lock never outlives its process.

import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const SIGN_OF_LIFE = 2_000
const STALE_AFTER = 60_000

/**
 * Runs `work` while no other process (nor another part of this one) holds the lock at `path`.
 *
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {(holder: number) => void} [onWait] is told once, when somebody else holds it
 * @returns {Promise<T>}
 * @template T
 */
export async function withLock(path, work, onWait) {
  mkdirSync(dirname(path), { recursive: true })
  let told = false
  while (!take(path)) {
    if (isStale(path)) {
      evict(path)
      continue
    }
    if (!told) onWait?.(holder(path))
    told = true
    await sleep(100)
  }
  const pulse = setInterval(() => {
    const now = new Date()
    try {
      utimesSync(path, now, now)
    } catch {
      // the folder is gone: nobody can be kept out any more
    }
  }, SIGN_OF_LIFE)
  pulse.unref()
  try {
    return await work()
  } finally {
    clearInterval(pulse)
    rmSync(path, { force: true })
  }
}

function take(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function holder(path) {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return 0
  }
}

function isStale(path) {
  try {
    const age = Date.now() - statSync(path).mtimeMs
    const pid = holder(path)
    if (pid === 0) return age > SIGN_OF_LIFE // made, and its maker died before it wrote its pid
    return !isAlive(pid) || age > STALE_AFTER
  } catch {
    return false // released just now
  }
}

/** Removes a stale lock. A second lock makes sure that no one removes the lock which another took meanwhile. */
function evict(path) {
  const guard = `${path}.evict`
  if (!take(guard)) {
    try {
      if (Date.now() - statSync(guard).mtimeMs > SIGN_OF_LIFE) rmSync(guard, { force: true })
    } catch {
      // gone already
    }
    return
  }
  try {
    if (isStale(path)) rmSync(path, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
}

/** Whether a process with this pid exists, whoever it belongs to. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
