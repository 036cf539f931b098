/** What `run` takes, checked and encoded. */

import type { Integer, Rules } from 'neo4j-driver-core'
import { internal, type types } from 'neo4j-driver-core'
import { checkSignal } from '../abort'
import { encodeOption } from '../codec/encode'

/** Cypher, or an object that brings its parameters along. */
export type Query = types.Query

/** Options of a transaction or an auto-commit query. */
export interface TransactionConfig {
  /** Its abort ends the work at once, on the server too: its promises reject with the signal's reason. */
  signal?: AbortSignal
  /** The server ends the work after so many milliseconds; 0: never. Bolt 3 and later. */
  timeout?: types.Parameters[string]
  /** Shown by the server beside the work, in its log and lists. Bolt 3 and later. */
  metadata?: object
}

/** A query and its parameters. */
export interface Checked {
  text: string
  parameters: object
}

/**
 * @throws TypeError when it is no query, or the parameters are no object: with the words of `neo4j-driver`
 */
export function checkQuery(query: Query, parameters: unknown, rules: Rules | undefined): Checked {
  if (rules === undefined && typeof query === 'string' && hasText(query)) {
    if (parameters === undefined || parameters === null) return { text: query, parameters: {} }
    if (isPlain(parameters)) return { text: query, parameters }
  }
  if (query === null) throw new TypeError('Cypher query expected to be string but was: null')
  const { validatedQuery, params } = internal.util.validateQueryAndParameters(query, parameters, {
    skipAsserts: false,
    parameterRules: rules
  })
  return { text: validatedQuery, parameters: params }
}

/** Whether there is anything but white space. */
function hasText(query: string): boolean {
  // The first character decides nearly always.
  return query.charCodeAt(0) > 32 || query.trim().length > 0
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** What the engine is told of a transaction besides; what is left out is the default. */
export interface TxSettings {
  /** For TELEMETRY: 0 transaction function, 1 explicit transaction (the default), 3 `executeQuery`; null: it was told. */
  api?: 0 | 1 | 3 | null
  /** BEGIN goes out with the first query. */
  pipelined?: boolean
  /** For how many milliseconds its beginning may be tried again. */
  retryTime?: number
}

/** Transaction options, checked. */
export interface TxOptions {
  timeout: number | undefined
  metadata: Uint8Array | null
  signal: AbortSignal | undefined
}

/** Milliseconds as they cross, in JSON; what is longer than a number says is as long as it says. */
function timeoutOf(timeout: Integer): number {
  return Math.min(timeout.toNumber(), Number.MAX_SAFE_INTEGER)
}

const NO_OPTIONS: TxOptions = Object.freeze({ timeout: undefined, metadata: null, signal: undefined })

/** Options as they cross: JSON of what is not the default. */
export function txJson({ timeout }: TxOptions, settings?: TxSettings): string | null {
  return timeout === undefined && settings === undefined ? null : JSON.stringify({ timeout, ...settings })
}

/**
 * @param asNeo4jDriver the option `parameterConversion`
 * @throws TypeError or Neo4jError when the options are no object, the timeout is no number or negative, the metadata is no map, or
 *   the signal is none
 */
export function checkTxConfig(
  config: TransactionConfig | undefined | null,
  asNeo4jDriver: boolean
): TxOptions {
  if (config === undefined || config === null) return NO_OPTIONS
  const { timeout, metadata } = new internal.txConfig.TxConfig(config)
  return {
    timeout: timeout === null || timeout === undefined ? undefined : timeoutOf(timeout),
    metadata:
      metadata === null || metadata === undefined
        ? null
        : encodeOption(metadata, 'metadata', asNeo4jDriver).bytes.slice(),
    signal: checkSignal(config.signal, 'signal')
  }
}
