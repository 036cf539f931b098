/** What came at the end of a result, as the summary that users of `neo4j-driver` know, with the names of 1.x beside it. */

import { type Integer, internal, ProtocolVersion, ResultSummary } from 'neo4j-driver-core'
import { BoundedCache } from '../codec/cache'
import { Decoder, type IntegerMode } from '../codec/decode'
import { make32, modeOf } from '../codec/integers'
import type { Bytes } from '../codec/tape'
import { Summary } from '../compat/summary'
import type { ServedBy } from '../config/servers'
import type { Inbox } from '../crossing/inbox'
import { Fact, MessageWords } from '../format'

/** What a summary needs of the driver that it is from. */
export interface SummaryHost {
  readonly integers: IntegerMode
  /** @param address `host:port` */
  servedBy(server: number, address: string): ServedBy
}

/** Metadata of the last SUCCESS, decoded. */
type Metadata = { [key: string]: unknown }

/** How a result ended. */
interface Ending {
  readonly made: ResultSummary
  /** What of it cannot be read, and why. */
  readonly refused: readonly [name: string, reason: Error][]
}

const { isBrokenObject, getBrokenObjectReason } = internal.objectUtil

/** What GQL status objects hold where the server leaves it out. */
const DIAGNOSTIC_RECORD = Object.freeze({ OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/' })

// A mebibyte at most.
const LIMIT = 1_000
const LONGEST = 1_024

/** Programs run the same queries again and again, which end alike: core's part of their summaries, by the bytes it is made from. */
const known = new BoundedCache<string, Ending>(LIMIT)

/**
 * The summary in the SUMMARY message at byte `at`.
 *
 * @param firstAfter milliseconds until the first record was available; -1 when the server did not say
 */
export function summaryAt(
  inbox: Inbox,
  at: number,
  query: string,
  parameters: object,
  firstAfter: number,
  host: SummaryHost
): Summary {
  const { made, refused } = endingAt(inbox, at, host.integers)
  const summary = new Summary(
    made,
    query,
    parameters as Metadata,
    timeOf(inbox.word(at, 1), host.integers),
    made.resultAvailableAfter ?? timeOf(firstAfter, host.integers),
    host.servedBy(inbox.word(at, 0), made.server.address as string)
  )
  for (const [name, reason] of refused) failWhenRead(summary, name, reason)
  return summary
}

function endingAt(inbox: Inbox, at: number, integers: IntegerMode): Ending {
  const from = at + 4 * (MessageWords.HEADER + 2)
  const end = at + 4 * (MessageWords.HEADER + MessageWords.PREFIX) + inbox.arg(at) + inbox.word(at, 3)
  if (end - from > LONGEST) return read(inbox, at, integers)
  const bytes = (inbox.u8 as Bytes).latin1Slice(from, end)
  const earlier = known.get(bytes)
  if (earlier !== undefined) return earlier
  const ending = read(inbox, at, integers)
  return isForAll(ending) ? known.set(bytes, ending) : ending
}

/** Whether summaries of several results can have it in common: there is nothing in it that a program could change. */
function isForAll({ made, refused }: Ending): boolean {
  const { plan, profile, queryProfile, notifications, gqlStatusObjects, resultAvailableAfter, database } =
    made
  return (
    refused.length === 0 &&
    plan === false &&
    profile === false &&
    queryProfile === false &&
    notifications.length === 0 &&
    resultAvailableAfter === undefined &&
    [made.queryType, database.name, made.server.agent, ...gqlStatusObjects.flatMap(statusTexts)].every(isText)
  )
}

function statusTexts({ gqlStatus, statusDescription, diagnosticRecord }: GqlStatus): unknown[] {
  return [gqlStatus, statusDescription, ...Object.values(diagnosticRecord)]
}

type GqlStatus = ResultSummary['gqlStatusObjects'][number]

const isText = (value: unknown): boolean => typeof value === 'string' || value === undefined || value === null

function read(inbox: Inbox, at: number, integers: IntegerMode): Ending {
  const facts = inbox.word(at, 2)
  const batch = at + 4 * (MessageWords.HEADER + MessageWords.PREFIX)
  const text = batch + inbox.arg(at)
  const [agent, address] = (inbox.u8 as Bytes).latin1Slice(text, text + inbox.word(at, 3)).split('\n')
  // Its strings are numbered from 0, so that it can be read whether or not the batches before it were.
  const metadata = new Decoder(integers).value(inbox.i32, inbox.f64, inbox.u8, batch) as Metadata
  metadata.server = { address, version: agent === '' ? metadata.server : agent }
  metadata.stream_summary = {
    have_records_streamed: (facts & Fact.HAS_RECORDS) !== 0,
    pulled: true,
    has_keys: (facts & Fact.HAS_KEYS) !== 0
  }
  const make = (): ResultSummary => {
    const { statuses } = metadata
    const complete = Array.isArray(statuses)
      ? { ...metadata, statuses: statuses.map(completeStatus) }
      : metadata
    const made = new ResultSummary('', {}, complete, protocolVersion(facts & 0xffff))
    // As core's own are, of servers that send no statuses.
    for (const { diagnosticRecord } of made.gqlStatusObjects) Object.freeze(diagnosticRecord)
    return made
  }
  try {
    return { made: make(), refused: [] }
  } catch {
    // The work is done, whatever its summary is like: what cannot be read is left out, or fails when it is read.
    const refused: [string, Error][] = []
    for (const [entry, name] of Object.entries(INTERPRETED)) {
      const value = metadata[entry]
      if (canBeRead(entry, value)) continue
      if (isBrokenObject(value)) refused.push([name, getBrokenObjectReason(value)])
      delete metadata[entry]
    }
    return { made: make(), refused }
  }
}

/** The entries of which the summary makes objects, and how these are called. */
const INTERPRETED = {
  stats: 'counters',
  plan: 'plan',
  profile: 'profile',
  notifications: 'notifications',
  statuses: 'gqlStatusObjects'
}

function failWhenRead(summary: Summary, name: string, reason: Error): void {
  Object.defineProperty(summary, name, {
    enumerable: true,
    get: () => {
      throw reason
    }
  })
}

function canBeRead(entry: string, value: unknown): boolean {
  try {
    new ResultSummary(
      '',
      {},
      { [entry]: entry === 'statuses' ? (value as Metadata[])?.map(completeStatus) : value }
    )
    return true
  } catch {
    return false
  }
}

function completeStatus(status: Metadata): Metadata {
  return {
    ...status,
    diagnostic_record:
      status.diagnostic_record === null
        ? null
        : { ...DIAGNOSTIC_RECORD, ...(status.diagnostic_record as object | undefined) }
  }
}

/** Milliseconds as the driver's integers; `undefined` for -1, as core has them where the server did not say. */
function timeOf(milliseconds: number, integers: IntegerMode): Integer {
  return (milliseconds < 0 ? undefined : make32(modeOf(integers), milliseconds)) as Integer
}

const versions = new Map<number, ProtocolVersion>()

/** @param version major << 8 | minor */
export function protocolVersion(version: number): ProtocolVersion {
  let known = versions.get(version)
  if (known === undefined) {
    known = new ProtocolVersion(version >> 8, version & 255)
    versions.set(version, known)
  }
  return known
}
