/** `status --watch`: what changes, as it happens, below it the members as they are now. */

import type { Neo4jHA as Pool } from '../api/neo4j-ha'
import type { Asked } from './arguments'
import { text, timeOf } from './board'
import { type Connections, exitCodeOf, type Member, type Snapshot, snapshot } from './members'
import { LiveBlock, style } from './table'

/** How often is looked at what the driver knows, and how often what it measures is drawn anew: milliseconds. */
const LOOK = 50
const DRAW = 1_000

/** Until the process is told to end. @returns the exit code of what was seen last */
export function watch(pool: Pool, connections: Connections, { database, json }: Asked): Promise<number> {
  const block = new LiveBlock()
  let last = snapshot(pool, connections, database)
  const show = (changes: readonly string[]): void => {
    if (json) {
      console.log(JSON.stringify({ ...last, changes }))
      return
    }
    for (const change of changes) block.log(`${style('dim', timeOf(last.at))}  ${change}`)
    block.draw(text(last))
  }
  const look = (): void => {
    const now = snapshot(pool, connections, database)
    const changes = changesOf(last, now)
    last = now
    if (changes.length > 0) show(changes)
  }
  let isConnecting = false
  const measure = async (): Promise<void> => {
    if (!json) block.draw(text(last))
    if (isConnecting) return
    isConnecting = true
    await connections.make(pool)
    isConnecting = false
  }
  if (!json && !process.stdout.isTTY) console.log(text(last))
  else show([])
  const timers = [setInterval(look, LOOK), setInterval(measure, DRAW)]
  return new Promise(resolve => {
    const end = (): void => {
      for (const timer of timers) clearInterval(timer)
      for (const signal of SIGNALS) process.off(signal, end)
      if (process.stdout.isTTY) block.settle()
      resolve(exitCodeOf(last))
    }
    for (const signal of SIGNALS) process.on(signal, end)
  })
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** What is otherwise than before, a line each: of the master first. */
function changesOf(before: Snapshot, now: Snapshot): string[] {
  const changes: string[] = []
  if (before.master !== now.master) {
    changes.push(`${style('bold', 'master')}: ${before.master ?? 'none'} -> ${now.master ?? 'none'}`)
  }
  const known = new Map(before.members.map(member => [member.member, member]))
  for (const member of now.members) {
    const was = known.get(member.member)
    known.delete(member.member)
    if (was !== undefined && word(was) === word(member)) continue
    const why = member.error === null ? '' : ` (${member.error})`
    changes.push(`${member.member}: ${was === undefined ? 'new' : word(was)} -> ${word(member)}${why}`)
  }
  for (const { member } of known.values()) changes.push(`${member}: gone`)
  return changes
}

const word = ({ state, role }: Member): string => (state === 'up' ? (role ?? state) : state)
