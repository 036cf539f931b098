/** What `doctor` says, and how people see it. */

import { style, table, widthOf } from './table'

/** `ok`: nothing to do; `note`: good to know; `found`: something is wrong. */
export type Level = 'ok' | 'note' | 'found'

/** A look at one thing. */
export interface Finding {
  readonly level: Level
  /** The server, or the program itself. */
  readonly of: string
  readonly look: string
  /** What there is; and what to do, if something is wrong. */
  readonly says: string
}

/** Tells of a look at a server. */
export type Say = (level: Level, look: string, says: string) => void

const COLOURS = { ok: 'green', note: 'yellow', found: 'red' } as const

/** A line for each finding, as wide as the terminal. */
export function text(findings: readonly Finding[]): string {
  const rows = findings.map(({ level, of, look, says }) => [style(COLOURS[level], level), of, look, says])
  return table(['', 'server', 'look', 'what there is, and what to do'], rows, {
    columns: widthOf(process.stdout)
  })
}
