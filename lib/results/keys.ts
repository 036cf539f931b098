/** Field names of results. Programs run the same queries again and again: what their names need is made once. */

import { BoundedCache } from '../codec/cache'
import { type FieldLookup, lookupOf } from '../codec/decode'
import type { Bytes } from '../codec/tape'
import type { Inbox } from '../crossing/inbox'
import { MessageWords } from '../format'

export interface Schema {
  /** Of this result alone: applications may change it. */
  readonly keys: string[]
  /** Shared with other results, and frozen. */
  readonly lookup: FieldLookup
}

const LIMIT = 1_000
const known = new BoundedCache<string, { readonly names: readonly string[]; readonly lookup: FieldLookup }>(
  LIMIT
)

/** The schema of the KEYS message at byte `at`. */
export function schemaAt(inbox: Inbox, at: number): Schema {
  const start = at + 4 * (MessageWords.HEADER + MessageWords.PREFIX)
  const length = inbox.word(at, 3)
  // Bytes as Latin-1 tell texts apart as well as their UTF-8, and are read faster.
  const text = (inbox.u8 as Bytes).latin1Slice(start, start + length)
  const { names, lookup } =
    known.get(text) ?? known.set(text, make(inbox.u8.toString('utf8', start, start + length)))
  return { keys: names.slice(), lookup }
}

function make(json: string): { names: readonly string[]; lookup: FieldLookup } {
  const names = JSON.parse(json) as string[]
  return { names, lookup: Object.freeze(lookupOf(names)) }
}
