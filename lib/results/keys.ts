/** Field names of results. Programs run the same queries again and again: what their names need is made once. */

import { BoundedCache } from '../codec/cache'
import { type FieldLookup, lookupOf } from '../codec/decode'
import type { Bytes } from '../codec/tape'
import { MessageWords } from '../crossing/format'
import type { Inbox } from '../crossing/inbox'

export interface Schema {
  readonly keys: string[]
  readonly lookup: FieldLookup
}

const LIMIT = 1_000
const known = new BoundedCache<string, Schema>(LIMIT)

/** The schema of the KEYS message at byte `at`. */
export function schemaAt(inbox: Inbox, at: number): Schema {
  const start = at + 4 * (MessageWords.HEADER + MessageWords.PREFIX)
  const length = inbox.word(at, 3)
  // Bytes as Latin-1 tell texts apart as well as their UTF-8, and are read faster.
  const text = (inbox.u8 as Bytes).latin1Slice(start, start + length)
  return known.get(text) ?? known.set(text, make(inbox.u8.toString('utf8', start, start + length)))
}

function make(json: string): Schema {
  const keys = JSON.parse(json) as string[]
  return { keys, lookup: lookupOf(keys) }
}
