/** What came at the end of a result, as the summary that users of `neo4j-driver` know, with the names of 1.x beside it. */

import { int, internal, ProtocolVersion, ResultSummary } from 'neo4j-driver-core'
import type { IntegerMode } from '../codec/decode'
import { Summary } from '../compat/summary'
import type { ServedBy } from '../config/servers'

/** What a result needs to know of the server that answers it. */
export interface Answering {
  servedBy: ServedBy
  /** `host:port` */
  address: string
}

/** Metadata of the last SUCCESS, decoded. */
export type Metadata = { [key: string]: unknown }

/** What of a result decides its status. */
export interface StreamFacts {
  hasKeys: boolean
  hasRecords: boolean
  /** PULL was sent for it, not only DISCARD. */
  pulled: boolean
}

const { isBrokenObject, getBrokenObjectReason } = internal.objectUtil

/** What GQL status objects hold where the server leaves it out. */
const DIAGNOSTIC_RECORD = Object.freeze({ OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/' })

/**
 * @param version major << 8 | minor
 * @param agent what the server calls itself, as `Neo4j/5.26.0`; empty when it did not say
 * @param firstAfter milliseconds until the first record was available; -1 when the server did not say
 */
export function summaryOf(
  query: string,
  parameters: object,
  metadata: Metadata,
  version: number,
  firstAfter: number,
  facts: StreamFacts,
  answering: Answering,
  agent: string,
  integers: IntegerMode
): Summary {
  metadata.server = { address: answering.address, version: agent === '' ? metadata.server : agent }
  if (metadata.t_last !== undefined) metadata.result_consumed_after = metadata.t_last
  if (metadata.result_available_after === undefined && firstAfter >= 0) {
    metadata.result_available_after = integerOf(firstAfter, integers)
  }
  metadata.stream_summary = {
    have_records_streamed: facts.hasRecords,
    pulled: facts.pulled,
    has_keys: facts.hasKeys
  }
  const build = () => {
    const { statuses } = metadata
    const complete = Array.isArray(statuses)
      ? { ...metadata, statuses: statuses.map(completeStatus) }
      : metadata
    return new Summary(query, parameters, complete, protocolVersion(version), answering.servedBy)
  }
  try {
    return build()
  } catch {
    // The work is done, whatever its summary is like: what cannot be read is left out, or fails when it is read.
    const refused: [string, Error][] = []
    for (const [entry, name] of Object.entries(INTERPRETED)) {
      const value = metadata[entry]
      if (canBeRead(entry, value)) continue
      if (isBrokenObject(value)) refused.push([name, getBrokenObjectReason(value)])
      delete metadata[entry]
    }
    const summary = build()
    for (const [name, reason] of refused) failWhenRead(summary, name, reason)
    return summary
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

export function integerOf(value: number, mode: IntegerMode): unknown {
  return mode === 'number' ? value : mode === 'bigint' ? BigInt(value) : int(value)
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
