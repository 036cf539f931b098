/** What `run` takes, checked and encoded. */

import type { Rules } from 'neo4j-driver-core'
import { internal, type types } from 'neo4j-driver-core'
import { encodeParameters } from './codec/encode'

/** Cypher, or an object that brings its parameters along. */
export type Query = types.Query

/** Options of a transaction or an auto-commit query. */
export interface TransactionConfig {
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

/** Transaction options as they cross. */
export interface TxOptions {
  /** JSON of what is not the default. */
  json: string | null
  metadata: Uint8Array | null
}

const NO_OPTIONS: TxOptions = Object.freeze({ json: null, metadata: null })
const MANAGED: TxOptions = Object.freeze({ json: '{"managed":true}', metadata: null })

/** The same options, for a transaction whose beginning may be tried again for so many milliseconds. */
export function within(options: TxOptions, ms: number): TxOptions {
  const retryTime = Math.max(0, Math.round(ms))
  return { ...options, json: JSON.stringify({ ...JSON.parse(options.json ?? '{}'), retryTime }) }
}

/**
 * @param managed the transaction belongs to a transaction function
 * @throws TypeError or Neo4jError when the options are no object, the timeout is no number or negative, or the metadata is no map
 */
export function checkTxConfig(config: TransactionConfig | undefined | null, managed = false): TxOptions {
  if (config === undefined || config === null) return managed ? MANAGED : NO_OPTIONS
  const { timeout, metadata } = new internal.txConfig.TxConfig(config)
  return {
    json:
      timeout === null && !managed
        ? null
        : JSON.stringify({ timeout: timeout?.toNumber(), managed: managed || undefined }),
    metadata: metadata === null || metadata === undefined ? null : encodeParameters(metadata).bytes.slice()
  }
}
