/**
 * What the application asks for, checked. Every wrong value gets an error that names the option and what it takes, at
 * construction. Options are read, never written into.
 */

import { readFileSync } from 'node:fs'
import { isInt, type types } from 'neo4j-driver-core'
import { type Credentials, isManager, type Token, type TokenManager, tokenOf } from './auth'
import type { IntegerMode } from './codec/decode'
import { encryptedOf, OBSOLETE, poolSizeOf, trustOf } from './compat/config'
import { HAReadWrite, HAStrategies, type ReadWriteConfig, rwMask } from './constants'
import { type Log, type LoggingConfig, logOf } from './logging'
import { BOLT_AGENT, USER_AGENT } from './version'

/** A server of the pool, as the application wrote it. */
export type ServerLocation =
  | string
  | readonly [url: string, bolt: string]
  | { readonly url?: string | null; readonly bolt: string; readonly auth?: Auth }

/** What `auth` takes: name and password, a token of `neo4j.auth`, or a manager of tokens. */
export type Auth = Credentials | Token | TokenManager | null

/** Where a server is, in `servers[i].location`. */
export interface Location {
  /** Base of the HTTP status endpoint; null when the server is checked over Bolt. */
  readonly url: string | null
  readonly bolt: string
  /** What was given for it. Its secret is there to be read, but not enumerable. */
  readonly auth: Auth | undefined
}

/** A server, ready to be opened. */
export interface Server {
  location: Location
  http: string | null
  bolt: string
  /** `host:port` */
  address: string
  auth: Token | TokenManager
}

/** A strategy of the application's own: one of the candidates, all entries of `servers`. */
export type StrategyFunction<S = unknown> = (candidates: S[], intent: { write: boolean }) => S

/** Options of a session, as of a driver: who is told of notifications. */
export type NotificationFilter = {
  minimumSeverityLevel?: string
  disabledCategories?: readonly string[]
  disabledClassifications?: readonly string[]
}

/** The options of `neo4j-driver` 6, and of 1.x where they have another name. */
export interface DriverOptions {
  encrypted?: boolean | string
  trust?: string
  trustedCertificates?: readonly string[]
  fetchSize?: number
  maxConnectionPoolSize?: number
  connectionPoolSize?: number
  maxTransactionRetryTime?: number
  maxConnectionLifetime?: number
  connectionAcquisitionTimeout?: number
  connectionLivenessCheckTimeout?: number
  connectionTimeout?: number
  disableAutoCommitRetries?: boolean
  disableLosslessIntegers?: boolean
  notificationFilter?: NotificationFilter
  useBigInt?: boolean
  logging?: LoggingConfig
  resolver?: (address: string) => string[] | Promise<string[]>
  userAgent?: string
  telemetryDisabled?: boolean
  clientCertificate?: unknown
  encryptionProfiles?: unknown
  knownHosts?: string
  loadBalancingStrategy?: string
}

/** The options of `Neo4jHA`. */
export interface HAOptions {
  auth?: Auth
  strategy?: number | StrategyFunction
  rwConfig?: ReadWriteConfig
  checkInterval?: number
  checkTimeout?: number
  unresponsiveTimeout?: number
  retryOnError?: number
  badConnectionsCountAsErrors?: boolean
  retryUnknownOutcome?: boolean
  neo4jDriverOptions?: DriverOptions
}

/** What sessions need to know of their driver's options. */
export interface DriverSettings {
  integers: IntegerMode
  fetchSize: number
  maxTransactionRetryTime: number
  encrypted: boolean
  trust: string | undefined
  log: Log
  /** All of the native configuration but `servers` and `strategy`. */
  native: { [key: string]: unknown }
}

/** The options of a `Neo4jHA`, checked. */
export interface HASettings extends DriverSettings {
  strategy: number | StrategyFunction
}

/** The official driver's "no limit" where the native side wants a number. */
const NO_LIMIT = 0xffff_ffff
export const FETCH_ALL = -1

const HA_OPTIONS: ReadonlySet<string> = new Set([
  'auth',
  'strategy',
  'rwConfig',
  'checkInterval',
  'checkTimeout',
  'unresponsiveTimeout',
  'retryOnError',
  'badConnectionsCountAsErrors',
  'retryUnknownOutcome',
  'neo4jDriverOptions'
])

const DRIVER_OPTIONS: ReadonlySet<string> = new Set([
  'encrypted',
  'trust',
  'trustedCertificates',
  'fetchSize',
  'maxConnectionPoolSize',
  'connectionPoolSize',
  'maxTransactionRetryTime',
  'maxConnectionLifetime',
  'connectionAcquisitionTimeout',
  'connectionLivenessCheckTimeout',
  'connectionTimeout',
  'disableAutoCommitRetries',
  'disableLosslessIntegers',
  'notificationFilter',
  'useBigInt',
  'logging',
  'resolver',
  'userAgent',
  'telemetryDisabled',
  'clientCertificate',
  'encryptionProfiles',
  'boltAgent',
  ...OBSOLETE
])

const TRUSTS: readonly string[] = [
  'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES',
  'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
  'TRUST_ALL_CERTIFICATES'
]

// ---- servers ----

/**
 * The servers of a pool.
 *
 * @throws TypeError naming the entry and what it takes
 */
export function readServers(servers: unknown, auth: unknown): Server[] {
  const list = typeof servers === 'string' ? [servers] : servers
  if (!Array.isArray(list) || list.length === 0) {
    throw new TypeError(
      `servers takes a Bolt URI, or an array with at least one of [httpUrl, boltUrl], {url, bolt, auth} or a Bolt URI; it was ${show(servers)}`
    )
  }
  // [httpUrl, boltUrl] itself, where a list of such pairs was meant
  if (list.length === 2 && isHttp(list[0]) && typeof list[1] === 'string') {
    throw new TypeError(
      'servers takes an array of [httpUrl, boltUrl] pairs; it was one pair: put it in an array'
    )
  }
  return list.map((entry, i) => readServer(entry, auth, `servers[${i}]`))
}

function readServer(entry: unknown, auth: unknown, name: string): Server {
  if (typeof entry === 'string') {
    if (isHttp(entry)) {
      throw new TypeError(
        `${name} is an HTTP URL alone; it takes [httpUrl, boltUrl], such as [${show(entry)}, 'bolt://host:7687']`
      )
    }
    return makeServer(null, entry, auth, name)
  }
  if (Array.isArray(entry)) {
    if (entry.length !== 2) throw new TypeError(`${name} takes [httpUrl, boltUrl]; it was ${show(entry)}`)
    return makeServer(entry[0], entry[1], auth, name, ['[0]', '[1]'])
  }
  if (typeof entry === 'object' && entry !== null) {
    const location = entry as { url?: unknown; bolt?: unknown; auth?: unknown }
    return makeServer(location.url, location.bolt, location.auth ?? auth, name, ['.url', '.bolt'])
  }
  throw new TypeError(
    `${name} takes [httpUrl, boltUrl], {url, bolt, auth} or a Bolt URI; it was ${show(entry)}`
  )
}

function makeServer(url: unknown, bolt: unknown, auth: unknown, name: string, parts = ['', '']): Server {
  const http = url === undefined || url === null ? null : readHttp(url, name + parts[0])
  const { address } = readBolt(bolt, name + parts[1])
  const token = tokenOf(auth, 'auth')
  return {
    location: {
      url: http === null ? null : (url as string),
      bolt: bolt as string,
      auth: guarded(auth as Auth)
    },
    http,
    bolt: bolt as string,
    address,
    auth: token
  }
}

/** A copy whose secret is not enumerable, so that no log and no JSON of a location shows it. */
function guarded(auth: Auth | undefined): Auth | undefined {
  if (auth === null || typeof auth !== 'object' || isManager(auth)) return auth
  const copy = { ...auth }
  for (const name of ['pass', 'credentials'] as const) {
    if (name in copy) Object.defineProperty(copy, name, { enumerable: false })
  }
  return copy
}

function isHttp(value: unknown): value is string {
  return typeof value === 'string' && /^https?:\/\//i.test(value)
}

function readHttp(value: unknown, name: string): string {
  if (!isHttp(value) || !URL.canParse(value)) {
    throw new TypeError(`${name} takes an HTTP URL, such as 'http://host:7474'; it was ${show(value)}`)
  }
  return value.replace(/\/+$/, '')
}

/** A Bolt URI, read. */
export interface BoltUri {
  scheme: string
  /** With brackets where it is an IPv6 address. */
  host: string
  /** `host:port` */
  address: string
  /** Of the `neo4j` schemes. */
  routing: boolean
  /** The scheme says TLS: `+s` or `+ssc`. */
  secure: boolean
  selfSigned: boolean
  /** The query string of a routing URI. */
  query: { [key: string]: string }
}

const SCHEMES: readonly string[] = [
  'bolt',
  'bolt+s',
  'bolt+ssc',
  'neo4j',
  'neo4j+s',
  'neo4j+ssc',
  'bolt+routing'
]
const DEFAULT_PORT = 7687

/** @throws TypeError naming `name` and what it takes */
export function readBolt(value: unknown, name: string): BoltUri {
  const takes = `${name} takes a Bolt URI, such as 'bolt://host:7687'`
  if (typeof value !== 'string') throw new TypeError(`${takes}; it was ${show(value)}`)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1].toLowerCase()
  if (scheme === undefined || !SCHEMES.includes(scheme)) {
    const hint =
      scheme === 'http' || scheme === 'https'
        ? ` (${scheme === 'http' ? 'port 7474' : 'port 7473'} speaks HTTP; Bolt is 7687 by default)`
        : ''
    throw new TypeError(
      `Unknown scheme: ${scheme ?? 'none'}. ${takes} with one of ${SCHEMES.join(', ')}; it was ${show(value)}${hint}`
    )
  }
  let url: URL
  try {
    url = new URL(value)
  } catch {
    throw new TypeError(`${takes}; it was ${show(value)}`)
  }
  if (url.hostname === '') throw new TypeError(`${takes}; it has no host: ${show(value)}`)
  const routing = scheme.startsWith('neo4j') || scheme === 'bolt+routing'
  if (!routing && url.search !== '') {
    throw new TypeError(`Parameters are not supported with none routed scheme. Given URL: ${show(value)}`)
  }
  return {
    scheme,
    host: url.hostname,
    address: `${url.hostname}:${url.port === '' ? DEFAULT_PORT : url.port}`,
    routing,
    secure: scheme.endsWith('+s') || scheme.endsWith('+ssc'),
    selfSigned: scheme.endsWith('+ssc'),
    query: Object.fromEntries(url.searchParams)
  }
}

// ---- options ----

/**
 * The options of a `Neo4jHA`.
 *
 * @throws TypeError naming the option and what it takes
 */
export function readHAOptions(options: unknown, servers: readonly Server[]): HASettings {
  const given = asObject(options, 'options') as HAOptions
  const driver = readDriverOptions(given.neo4jDriverOptions, servers, 'neo4jDriverOptions')
  warnOfUnknown(given, HA_OPTIONS, 'options', driver.log)
  return {
    ...driver,
    strategy: readStrategy(given.strategy, 'strategy') ?? HAStrategies.random,
    native: {
      ...driver.native,
      mode: 'ha',
      rwMask: rwMask(readRwConfig(given.rwConfig, 'rwConfig') ?? HAReadWrite.masterReadWriteSlaveRead),
      // 0 meant the default in 1.2.3
      checkInterval: count(given.checkInterval || undefined, 'checkInterval', 500, 'milliseconds'),
      checkTimeout: count(given.checkTimeout || undefined, 'checkTimeout', 2_000, 'milliseconds'),
      unresponsiveTimeout: count(
        given.unresponsiveTimeout || undefined,
        'unresponsiveTimeout',
        10_000,
        'milliseconds'
      ),
      retryOnError: count(given.retryOnError, 'retryOnError', 10, 'attempts'),
      badConnectionsCountAsErrors: flag(given.badConnectionsCountAsErrors, 'badConnectionsCountAsErrors'),
      retryUnknownOutcome: flag(given.retryUnknownOutcome, 'retryUnknownOutcome')
    }
  }
}

/** @throws TypeError naming `name` and what it takes */
export function readStrategy(strategy: unknown, name: string): number | StrategyFunction | undefined {
  if (strategy === undefined || strategy === null) return undefined
  if (typeof strategy === 'function') return strategy as StrategyFunction
  if (Object.values(HAStrategies).includes(strategy as 0 | 1 | 2)) return strategy as number
  throw new TypeError(
    `${name} takes HAStrategies.random (0), .roundRobin (1) or .nearest (2), or a function (candidates, {write}) => candidate; it was ${show(strategy)}`
  )
}

/** @throws TypeError naming `name` and what it takes */
export function readRwConfig(config: unknown, name: string): ReadWriteConfig | undefined {
  if (config === undefined || config === null) return undefined
  const { master, slave } = config as Partial<ReadWriteConfig>
  for (const role of [master, slave]) {
    if (typeof role !== 'object' || role === null) {
      throw new TypeError(
        `${name} takes one of HAReadWrite, or {master: {read, write}, slave: {read, write}}; it was ${show(config)}`
      )
    }
  }
  return config as ReadWriteConfig
}

/**
 * The options of `neo4j-driver`.
 *
 * @param name how the object is called in errors
 * @throws TypeError naming the option and what it takes
 */
export function readDriverOptions(
  options: unknown,
  servers: readonly Server[],
  name: string
): DriverSettings {
  const given = asObject(options, name) as DriverOptions
  const at = (option: string): string => `${name}.${option}`
  const log = logOf(given.logging)
  const warn = (message: string): void => log.write('warn', message)
  warnOfUnknown(given, DRIVER_OPTIONS, name, log)

  const uris = servers.map(server => readBolt(server.bolt, 'servers'))
  const secure = uris.some(uri => uri.secure)
  if (secure && (given.encrypted !== undefined || given.trust !== undefined)) {
    throw new TypeError('Encryption/trust can only be configured either through URL or config, not both')
  }
  const encrypted = readEncrypted(
    encryptedOf(
      given.encrypted,
      uris.map(uri => uri.host)
    ),
    at('encrypted')
  )
  const trust = readTrust(trustOf(given.trust, warn), at('trust'))
  const certificates = readCertificates(given.trustedCertificates, at('trustedCertificates'))
  if (trust === 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES' && certificates.length === 0) {
    throw new TypeError(
      `${at('trustedCertificates')} takes at least one path of a PEM file when trust is ${trust}`
    )
  }
  for (const option of ['clientCertificate', 'encryptionProfiles'] as const) {
    if (given[option] !== undefined && given[option] !== null) {
      throw new TypeError(`${at(option)} is not supported`)
    }
  }
  if (given.resolver !== undefined && given.resolver !== null && typeof given.resolver !== 'function') {
    throw new TypeError(`Configured resolver should be a function. Got: ${typeof given.resolver}`)
  }
  const useBigInt = flag(given.useBigInt, at('useBigInt'))
  const lossy = flag(given.disableLosslessIntegers, at('disableLosslessIntegers'))
  flag(given.disableAutoCommitRetries, at('disableAutoCommitRetries'))

  const fetchSize = readFetchSize(given.fetchSize, at('fetchSize')) ?? 1_000
  const maxTransactionRetryTime = count(
    given.maxTransactionRetryTime,
    at('maxTransactionRetryTime'),
    30_000,
    'milliseconds'
  )
  const connectionTimeout = Math.max(0, int32(given.connectionTimeout, at('connectionTimeout'), 30_000))
  const acquisitionTimeout = limit(
    given.connectionAcquisitionTimeout,
    at('connectionAcquisitionTimeout'),
    60_000
  )
  if (acquisitionTimeout < connectionTimeout) {
    warn(
      `${at('connectionAcquisitionTimeout')} (${acquisitionTimeout} ms) is shorter than connectionTimeout (${connectionTimeout} ms), ` +
        'and takes precedence where a connection has to be made'
    )
  }

  return {
    // as in neo4j-driver, useBigInt wins
    integers: useBigInt ? 'bigint' : lossy ? 'number' : 'Integer',
    fetchSize,
    maxTransactionRetryTime,
    encrypted: encrypted || secure,
    trust: secure ? (uris.some(uri => uri.selfSigned) ? TRUSTS[2] : TRUSTS[0]) : trust,
    log,
    native: {
      userAgent: readText(given.userAgent, at('userAgent')) ?? USER_AGENT,
      boltAgent: BOLT_AGENT,
      maxConnectionPoolSize: limit(poolSizeOf(given), at('maxConnectionPoolSize'), 100) || NO_LIMIT,
      maxConnectionLifetime: int32(given.maxConnectionLifetime, at('maxConnectionLifetime'), 3_600_000),
      connectionAcquisitionTimeout: acquisitionTimeout,
      connectionLivenessCheckTimeout: readLiveness(
        given.connectionLivenessCheckTimeout,
        at('connectionLivenessCheckTimeout')
      ),
      connectionTimeout,
      maxTransactionRetryTime,
      fetchSize,
      encrypted,
      trust: trust ?? 'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES',
      trustedCertificates: certificates,
      extraCertificates: readExtraCertificates(warn),
      notificationFilter: readNotificationFilter(given.notificationFilter, at('notificationFilter')) ?? null,
      telemetryDisabled: flag(given.telemetryDisabled, at('telemetryDisabled')),
      logLevel: log.level
    }
  }
}

/** @throws TypeError when it is neither positive nor -1 */
export function readFetchSize(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const n = numberOf(value)
  if (Number.isInteger(n) && (n > 0 || n === FETCH_ALL)) return n
  throw new TypeError(
    `The fetch size can only be a positive value or ${FETCH_ALL} for ALL. However ${name} = ${show(value)}`
  )
}

/** @throws TypeError naming `name` and what it takes */
export function readNotificationFilter(value: unknown, name: string): NotificationFilter | undefined {
  if (value === undefined || value === null) return undefined
  const filter = asObject(value, name) as NotificationFilter
  if (filter.disabledCategories !== undefined && filter.disabledClassifications !== undefined) {
    throw new TypeError(
      `The ${name} can't have both "disabledCategories" and "disabledClassifications" configured at the same time.`
    )
  }
  return {
    minimumSeverityLevel: filter.minimumSeverityLevel,
    disabledCategories: filter.disabledCategories ?? filter.disabledClassifications
  }
}

function readEncrypted(value: unknown, name: string): boolean {
  if (value === undefined || value === null || value === false || value === 'ENCRYPTION_OFF') return false
  if (value === true || value === 'ENCRYPTION_ON') return true
  throw new TypeError(
    `${name} takes true, false, 'ENCRYPTION_ON', 'ENCRYPTION_OFF' or 'ENCRYPTION_NON_LOCAL'; it was ${show(value)}`
  )
}

function readTrust(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (TRUSTS.includes(value as string)) return value as string
  throw new TypeError(`${name} takes one of ${TRUSTS.join(', ')}; it was ${show(value)}`)
}

/** PEM texts of the files; an entry that is a PEM text itself is taken as such. */
function readCertificates(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value))
    throw new TypeError(`${name} takes an array of paths of PEM files; it was ${show(value)}`)
  return value.map((path, i) => {
    if (typeof path !== 'string')
      throw new TypeError(`${name}[${i}] takes the path of a PEM file; it was ${show(path)}`)
    if (path.includes('-----BEGIN ')) return path
    try {
      return readFileSync(path, 'utf8')
    } catch (cause) {
      throw new TypeError(
        `${name}[${i}] takes the path of a PEM file; '${path}' cannot be read: ${(cause as Error).message}`,
        { cause }
      )
    }
  })
}

/** What Node trusts beside the system's authorities, so that a program need not say it twice. */
function readExtraCertificates(warn: (message: string) => void): string[] {
  const path = process.env.NODE_EXTRA_CA_CERTS
  if (path === undefined || path === '') return []
  try {
    return [readFileSync(path, 'utf8')]
  } catch (error) {
    warn(`NODE_EXTRA_CA_CERTS: ${(error as Error).message}`)
    return []
  }
}

function readLiveness(value: unknown, name: string): number | null {
  return value === undefined || value === null ? null : count(value, name, 0, 'milliseconds')
}

/** @throws TypeError when it is there and no string */
export function readText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new TypeError(`${name} takes a string; it was ${show(value)}`)
  return value
}

function flag(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw new TypeError(`${name} takes true or false; it was ${show(value)}`)
  return value
}

/** A number that is not negative. */
function count(value: unknown, name: string, standard: number, unit: string): number {
  if (value === undefined || value === null) return standard
  const n = numberOf(value)
  if (!Number.isFinite(n) || n < 0 || n > Number.MAX_SAFE_INTEGER) {
    throw new TypeError(`${name} takes a number of ${unit}, 0 or more; it was ${show(value)}`)
  }
  return Math.ceil(n)
}

/** A number of which a negative one means: no limit. */
function limit(value: unknown, name: string, standard: number): number {
  const n = int32(value, name, standard)
  return n < 0 ? NO_LIMIT : n
}

function int32(value: unknown, name: string, standard: number): number {
  if (value === undefined || value === null) return standard
  const n = numberOf(value)
  if (Number.isNaN(n)) throw new TypeError(`${name} takes a number; it was ${show(value)}`)
  return Math.max(-1, Math.min(NO_LIMIT, Math.ceil(n)))
}

/** Numbers, `Integer`s, bigints, and text of digits, all of which `neo4j-driver` takes; NaN for anything else. */
function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint' || isInt(value as types.Parameters)) return Number(String(value))
  return typeof value === 'string' && /^\s*-?\d+\s*$/.test(value) ? Number(value) : Number.NaN
}

function asObject(value: unknown, name: string): object {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(`${name} takes an object; it was ${show(value)}`)
  }
  return value
}

/** An option that is misspelt should not go unnoticed; one that nobody reads any more should not stop an old program. */
function warnOfUnknown(given: object, known: ReadonlySet<string>, name: string, log: Log): void {
  for (const option of Object.keys(given)) {
    if (!known.has(option))
      log.write('warn', `${name}.${option} is not an option of neo4j-ha-bolt-driver and has no effect`)
  }
}

/** A value in an error: short, and without what an object, or a URL, may hold of secrets. */
function show(value: unknown): string {
  if (typeof value === 'string') {
    const text = value.replace(/\/\/[^/]*@/, '//')
    return `'${text.length > 80 ? `${text.slice(0, 80)}...` : text}'`
  }
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null)
    return `an object with ${Object.keys(value).join(', ') || 'nothing in it'}`
  return String(value)
}
