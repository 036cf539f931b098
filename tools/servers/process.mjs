// The processes of members: each has a pid file, and is known by its command line before anything is sent to it, so
// that a pid which the system gave to somebody else is never hit.

import { execFileSync, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../lib/exec.mjs'
import { mainClass } from './catalog.mjs'

export const SIGNALS = ['KILL', 'TERM', 'STOP', 'CONT']

const homeArgument = member => `--home-dir=${member.home}`

/** The pid of a member's own process, or null where it does not run. */
export function pidOf(member) {
  const pid = filedPid(member)
  return pid && commandLine(pid).includes(homeArgument(member)) ? pid : null
}

function filedPid(member) {
  try {
    return Number(readFileSync(join(member.home, 'pid'), 'utf8'))
  } catch {
    return 0
  }
}

function commandLine(pid) {
  try {
    // empty for a process that ended and waits for its parent
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(' ')
  } catch {
    return []
  }
}

/** Starts a member's process, apart from this one: it lives on when this process ends. */
export async function launch(member, { java, args }) {
  const log = openSync(join(member.home, 'out.log'), 'a')
  const jvm = [`@${args}`, '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  const server = [
    mainClass(member.product),
    homeArgument(member),
    `--config-dir=${join(member.home, 'conf')}`
  ]
  const child = spawn(java, [...jvm, ...server], {
    cwd: member.home,
    detached: true,
    stdio: ['ignore', log, log]
  })
  closeSync(log)
  const failed = new Promise((_, reject) => child.once('error', reject))
  failed.catch(() => {})
  if (child.pid === undefined) await failed
  writeFileSync(join(member.home, 'pid'), String(child.pid))
  child.unref()
  // its command line shows a moment after the fork
  while (pidOf(member) === null && child.exitCode === null && child.signalCode === null) await sleep(10)
}

/**
 * Sends a signal to a member's process.
 *
 * @param {import('./configuration.mjs').Member} member
 * @param {'KILL' | 'TERM' | 'STOP' | 'CONT'} name
 * @returns {number | null} the pid, or null where it does not run
 */
export function send(member, name) {
  const short = String(name).toUpperCase().replace(/^SIG/, '')
  if (!SIGNALS.includes(short))
    throw new UserError(`'${name}' is not one of the signals ${SIGNALS.join(', ')}`)
  const pid = pidOf(member)
  if (pid !== null) process.kill(pid, `SIG${short}`)
  return pid
}

/** Kills the processes of these members and returns when they are gone. */
export async function kill(members) {
  for (const member of members) send(member, 'KILL')
  while (members.some(member => pidOf(member) !== null)) await sleep(20)
}

/** Resident memory of a member in MiB, or null. */
export function memory(member) {
  const pid = pidOf(member)
  if (pid === null) return null
  try {
    const kibibytes =
      process.platform === 'linux'
        ? /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })
    return Math.round(Number(kibibytes) / 1024)
  } catch {
    return null
  }
}

/** What a member wrote last: why it did not start, mostly. */
export function lastWords(member) {
  for (const file of ['out.log', 'logs/debug.log']) {
    try {
      const lines = readFileSync(join(member.home, file), 'utf8').trimEnd().split('\n')
      const telling = lines.filter(line => /ERROR|Exception|Error:|Caused by/.test(line))
      if (telling.length > 0) return telling.slice(-8).join('\n')
    } catch {
      // it did not come so far
    }
  }
  return '(its logs name no error)'
}
