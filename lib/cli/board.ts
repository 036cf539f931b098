/** The members of a cluster, to be read by people. */

import type { Member, Snapshot } from './members'
import { style, table, widthOf } from './table'

const HEADING = ['member', 'role', 'topology', 'server', 'bolt', 'latency', 'lag', 'since', 'error']

/** The members as a table, as wide as the terminal, without columns that have nothing in them. */
export function text({ members }: Snapshot): string {
  const rows = members.map(member => [
    member.member,
    roleOf(member),
    member.topology ?? '',
    member.product ?? '',
    member.protocol ?? '',
    member.latency === null ? '' : `${member.latency.toFixed(1)} ms`,
    member.lag === null ? '' : `${member.lag}`,
    member.since === null ? '' : timeOf(member.since),
    member.error === null ? '' : style('red', member.error)
  ])
  const used = HEADING.map((_, i) => rows.some(row => row[i] !== ''))
  const isUsed = (_: string, i: number): boolean => used[i]
  return table(
    HEADING.filter(isUsed),
    rows.map(row => row.filter(isUsed)),
    { columns: widthOf(process.stdout) }
  )
}

/** What a member is: its role where it is up, else its state. */
function roleOf({ state, role, isMaster }: Member): string {
  if (state !== 'up') return style(state === 'unknown' ? 'yellow' : 'red', state)
  return isMaster ? style('green', role ?? state) : (role ?? state)
}

/** The time of day where this program runs. */
export function timeOf(moment: string): string {
  return new Date(moment).toTimeString().slice(0, 8)
}
