/** What `doctor` says. */

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
