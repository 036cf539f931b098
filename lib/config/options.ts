/**
 * What the application asks for, checked. Every wrong value gets an error that names the option and what it takes, at
 * construction. Options are read, never written into.
 */

import {
  type ClientCertificate,
  type ClientCertificateProvider,
  type EncryptionService,
  notificationFilterMinimumSeverityLevel
} from 'neo4j-driver-core'
import type { IntegerMode } from '../codec/decode'
import { encryptedOf, OBSOLETE, poolSizeOf, trustOf } from '../compat/config'
import { encryptionOf } from '../encryption/service'
import { type ClientCertificates, readClientCertificate } from './client-certificate'
import { HAReadWrite, HAStrategies, type ReadWriteConfig, rwMask, STRATEGY_NUMBERS } from './constants'
import { type Log, type LoggingConfig, logOf } from './logging'
import {
  amount,
  asObject,
  between,
  count,
  flag,
  int32,
  limit,
  NO_LIMIT,
  numberOf,
  readText,
  show
} from './option-values'
import { type Auth, readAddress, readZone, type Server } from './servers'
import { Strategy, type StrategyFunction } from './strategy'
import { readCertificates, readEncrypted, readExtraCertificates, readTrust, TRUSTS } from './tls-options'
import { BOLT_AGENT, USER_AGENT } from './user-agent'

/** Options of a session, as of a driver: who is told of notifications. */
export type NotificationFilter = {
  minimumSeverityLevel?: string
  disabledCategories?: readonly string[]
  disabledClassifications?: readonly string[]
}

/** What a server may send once a user is logged in: an answer beyond it is an error that names the option. */
export interface Limits {
  message?: number
  metadata?: number
  depth?: number
  columns?: number
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
  /**
   * ms after which a server that has vanished without a word counts as lost (15000; 0: as the system does). On Linux also one that
   * lives and takes nothing of what it is sent for so long. Ours alone.
   */
  connectionLossTimeout?: number
  limits?: Limits
  disableAutoCommitRetries?: boolean
  disableLosslessIntegers?: boolean
  notificationFilter?: NotificationFilter
  useBigInt?: boolean
  parameterConversion?: 'neo4j-driver'
  logging?: LoggingConfig
  /**
   * Where a `neo4j://` driver begins to look for a cluster: gets the URI's `host:port`, and gives the addresses that stand behind it,
   * as `host`, `host:port`, `[IPv6]:port`, or a URI such as `neo4j://host:port`, whose scheme does not matter: how to connect is what
   * the driver's own URI says. An entry that is none of these is left out with a warning. Members that a table names are not resolved.
   */
  resolver?: (address: string) => string[] | Promise<string[]>
  userAgent?: string
  telemetryDisabled?: boolean
  clientCertificate?: ClientCertificate | ClientCertificateProvider
  encryptionProfiles?: unknown
  knownHosts?: string
  loadBalancingStrategy?: string
}

/** Which reads are asked of a second server: those that are not taken up in this time, and no more than this share of all. */
export interface HedgeOptions {
  after?: 'p95' | number
  budget?: number
}

/** The options of `Neo4jHA`. */
export interface HAOptions {
  auth?: Auth
  strategy?: number | string | StrategyFunction
  nearestWindow?: number
  zone?: string
  rwConfig?: ReadWriteConfig
  topology?: string
  discover?: boolean
  resolver?: { readonly [named: string]: string }
  maxLag?: number
  hedge?: HedgeOptions | null
  checkInterval?: number
  alarmInterval?: number
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
  parametersAsNeo4jDriver: boolean
  encryption: EncryptionService
  fetchSize: number
  maxTransactionRetryTime: number
  encrypted: boolean
  trust: string | undefined
  resolver: DriverOptions['resolver']
  clientCertificates: ClientCertificates | undefined
  log: Log
  /** All of the native configuration but `servers` and `strategy`. */
  native: { [key: string]: unknown }
}

/** The options of a `Neo4jHA`, checked. */
export interface HASettings extends DriverSettings {
  strategy: number | Strategy
}

const FETCH_ALL = -1

const HA_OPTIONS: ReadonlySet<string> = new Set([
  'auth',
  'strategy',
  'nearestWindow',
  'zone',
  'rwConfig',
  'topology',
  'discover',
  'resolver',
  'maxLag',
  'hedge',
  'checkInterval',
  'alarmInterval',
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
  'connectionLossTimeout',
  'limits',
  'disableAutoCommitRetries',
  'disableLosslessIntegers',
  'notificationFilter',
  'useBigInt',
  'parameterConversion',
  'logging',
  'resolver',
  'userAgent',
  'telemetryDisabled',
  'clientCertificate',
  'encryptionProfiles',
  'boltAgent',
  ...OBSOLETE
])

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
      nearestWindow: amount(given.nearestWindow, 'nearestWindow', 0, 'milliseconds'),
      zone: readZone(given.zone, 'zone') ?? null,
      rwMask: rwMask(readRwConfig(given.rwConfig, 'rwConfig') ?? HAReadWrite.masterReadWriteSlaveRead),
      topology: oneOf(given.topology, 'topology', TOPOLOGIES),
      discover: flag(
        given.discover,
        'discover',
        servers.some(({ uri }) => uri.routing)
      ),
      addresses: readAddresses(given.resolver, 'resolver'),
      maxLag: countOrNone(given.maxLag, 'maxLag', 'transactions'),
      hedge: readHedge(given.hedge, 'hedge', driver.log),
      // 0 meant the default in 1.2.3
      checkInterval: count(given.checkInterval || undefined, 'checkInterval', 500, 'milliseconds'),
      alarmInterval: count(given.alarmInterval || undefined, 'alarmInterval', 10, 'milliseconds'),
      checkTimeout: count(given.checkTimeout || undefined, 'checkTimeout', 1_500, 'milliseconds'),
      unresponsiveTimeout: count(
        given.unresponsiveTimeout || undefined,
        'unresponsiveTimeout',
        4_000,
        'milliseconds'
      ),
      retryOnError: count(given.retryOnError, 'retryOnError', 10, 'attempts', NO_LIMIT),
      badConnectionsCountAsErrors: flag(given.badConnectionsCountAsErrors, 'badConnectionsCountAsErrors'),
      retryUnknownOutcome: flag(given.retryUnknownOutcome, 'retryUnknownOutcome')
    }
  }
}

/** @throws TypeError naming `name` and what it takes */
export function readStrategy(strategy: unknown, name: string): number | Strategy | undefined {
  if (strategy === undefined || strategy === null) return undefined
  if (typeof strategy === 'function') return new Strategy(strategy as StrategyFunction)
  const number = STRATEGY_NUMBERS.get(strategy)
  if (number !== undefined) return number
  throw new TypeError(
    `${name} takes HAStrategies.random (0), .roundRobin (1), .nearest (2), .leastConnected ('leastConnected') or .fastest ('fastest'), or a function (candidates, {write}) => candidate; it was ${show(strategy)}`
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

  const uris = servers.map(server => server.uri)
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
  const clientCertificates = readClientCertificate(given.clientCertificate, at('clientCertificate'))
  if (clientCertificates !== undefined && !encrypted && !secure) {
    warn(`${at('clientCertificate')} is never shown: connections are not encrypted`)
  }
  if (given.resolver !== undefined && given.resolver !== null && typeof given.resolver !== 'function') {
    throw new TypeError(`Configured resolver should be a function. Got: ${typeof given.resolver}`)
  }
  const useBigInt = flag(given.useBigInt, at('useBigInt'))
  const lossy = flag(given.disableLosslessIntegers, at('disableLosslessIntegers'))

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

  // as in neo4j-driver, useBigInt wins
  const integers = useBigInt ? 'bigint' : lossy ? 'number' : 'Integer'

  return {
    integers,
    parametersAsNeo4jDriver: readConversion(given.parameterConversion, at('parameterConversion')),
    encryption: encryptionOf(given.encryptionProfiles, at('encryptionProfiles'), integers),
    fetchSize,
    maxTransactionRetryTime,
    encrypted: encrypted || secure,
    trust: secure ? (uris.some(uri => uri.selfSigned) ? TRUSTS[2] : TRUSTS[0]) : trust,
    resolver: given.resolver ?? undefined,
    clientCertificates,
    log,
    native: {
      userAgent: readText(given.userAgent, at('userAgent')) ?? USER_AGENT,
      boltAgent: BOLT_AGENT,
      maxConnectionPoolSize: limit(poolSizeOf(given), at('maxConnectionPoolSize'), 100) || NO_LIMIT,
      maxConnectionLifetime: int32(given.maxConnectionLifetime, at('maxConnectionLifetime'), 3_600_000),
      connectionAcquisitionTimeout: acquisitionTimeout,
      connectionLivenessCheckTimeout: countOrNone(
        given.connectionLivenessCheckTimeout,
        at('connectionLivenessCheckTimeout'),
        'milliseconds'
      ),
      connectionTimeout,
      connectionLossTimeout: Math.max(
        0,
        int32(given.connectionLossTimeout, at('connectionLossTimeout'), 15_000)
      ),
      limits: readLimits(given.limits, at('limits'), log),
      maxTransactionRetryTime,
      fetchSize,
      encrypted,
      trust: trust ?? 'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES',
      trustedCertificates: certificates,
      clientCertificate: clientCertificates !== undefined,
      extraCertificates: readExtraCertificates(warn),
      notificationFilter:
        readNotificationFilter(given.notificationFilter, at('notificationFilter'), log) ?? null,
      disableAutoCommitRetries: flag(given.disableAutoCommitRetries, at('disableAutoCommitRetries')),
      telemetryDisabled: flag(given.telemetryDisabled, at('telemetryDisabled')),
      logLevel: log.level
    }
  }
}

/**
 * Each limit: by default, at least and at most. The least lets logins and ordinary queries through; the most is what
 * the native side reads without harm, whatever bytes come.
 */
const LIMITS = {
  message: { standard: 134_217_727, least: 65_536, most: 134_217_727, unit: 'bytes' },
  metadata: { standard: 2_097_152, least: 65_536, most: 16_777_216, unit: 'bytes' },
  depth: { standard: 4_096, least: 100, most: 4_096, unit: 'levels' },
  columns: { standard: 262_144, least: 1_000, most: 262_144, unit: 'columns' }
} as const

function readLimits(value: unknown, name: string, log: Log): Limits {
  const given = asObject(value, name) as Limits
  warnOfUnknown(given, new Set(Object.keys(LIMITS)), name, log)
  const limits: Limits = {}
  for (const key of Object.keys(LIMITS) as (keyof typeof LIMITS)[]) {
    const { standard, least, most, unit } = LIMITS[key]
    limits[key] = between(given[key], `${name}.${key}`, standard, least, most, unit)
  }
  return limits
}

/** @throws TypeError when it is neither positive nor -1 */
export function readFetchSize(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const n = numberOf(value)
  if (n > Number.MAX_SAFE_INTEGER) return FETCH_ALL
  if (Number.isInteger(n) && (n > 0 || n === FETCH_ALL)) return n
  throw new TypeError(
    `The fetch size can only be a positive value or ${FETCH_ALL} for ALL. However ${name} = ${show(value)}`
  )
}

/** @throws TypeError naming `name` and what it takes */
export function readNotificationFilter(
  value: unknown,
  name: string,
  log: Log
): NotificationFilter | undefined {
  if (value === undefined || value === null) return undefined
  const filter = asObject(value, name) as NotificationFilter
  warnOfUnknown(filter, FILTER_OPTIONS, name, log)
  if (filter.disabledCategories !== undefined && filter.disabledClassifications !== undefined) {
    throw new TypeError(
      `The ${name} can't have both "disabledCategories" and "disabledClassifications" configured at the same time.`
    )
  }
  return {
    minimumSeverityLevel: oneOf(filter.minimumSeverityLevel, `${name}.minimumSeverityLevel`, SEVERITIES),
    disabledCategories:
      readTexts(filter.disabledCategories, `${name}.disabledCategories`) ??
      readTexts(filter.disabledClassifications, `${name}.disabledClassifications`)
  }
}

const FILTER_OPTIONS: ReadonlySet<string> = new Set([
  'minimumSeverityLevel',
  'disabledCategories',
  'disabledClassifications'
])
const SEVERITIES: readonly unknown[] = Object.values(notificationFilterMinimumSeverityLevel)

/** What the servers of a `Neo4jHA` may be; the first is the default. */
const TOPOLOGIES: readonly unknown[] = ['auto', 'ha', 'cluster', 'routing', 'single']

function oneOf(value: unknown, name: string, texts: readonly unknown[]): string | undefined {
  if (value === undefined || value === null) return undefined
  if (texts.includes(value)) return value as string
  throw new TypeError(`${name} takes one of ${texts.join(', ')}; it was ${show(value)}`)
}

/** Servers know which texts there are; new ones come with new versions of theirs. */
function readTexts(value: unknown, name: string): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  const wrong = Array.isArray(value) ? value.findIndex(text => typeof text !== 'string') : -2
  if (wrong === -1) return value as string[]
  const what = wrong === -2 ? show(value) : `${show((value as unknown[])[wrong])} at [${wrong}]`
  throw new TypeError(`${name} takes an array of strings; it was ${what}`)
}

const HEDGE_OPTIONS: ReadonlySet<string> = new Set(['after', 'budget'])

/** @throws TypeError naming the option and what it takes */
function readHedge(value: unknown, name: string, log: Log): object | null {
  if (value === undefined || value === null) return null
  const { after, budget } = asObject(value, name) as HedgeOptions
  warnOfUnknown(value as object, HEDGE_OPTIONS, name, log)
  const share = numberOf(budget ?? 0.02)
  if (!(share >= 0 && share <= 1))
    throw new TypeError(`${name}.budget takes a share of all reads, from 0 to 1; it was ${show(budget)}`)
  if (after === undefined || after === null || after === 'p95') return { after: 'p95', budget: share }
  if (typeof after !== 'number')
    throw new TypeError(`${name}.after takes 'p95', or a number of milliseconds; it was ${show(after)}`)
  return { after: { milliseconds: amount(after, `${name}.after`, 0, 'milliseconds') }, budget: share }
}

/**
 * Pairs of an address by which a cluster names a member, and one by which that is reached.
 *
 * @throws TypeError naming the entry and what it takes
 */
function readAddresses(value: unknown, name: string): [named: string, reached: string][] {
  if (value instanceof Map)
    throw new TypeError(
      `${name} takes a plain object, such as {'core1:7687': 'localhost:17687'}; it was a Map`
    )
  const map = asObject(value, name) as { [named: string]: unknown }
  return Object.entries(map).map(([named, reached]) => [
    readAddress(named, `a key of ${name}`),
    readAddress(reached, `${name}['${named}']`)
  ])
}

function readConversion(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false
  if (value === 'neo4j-driver') return true
  throw new TypeError(`${name} takes 'neo4j-driver', or nothing; it was ${show(value)}`)
}

/** A count for which nothing is a value of its own. */
function countOrNone(value: unknown, name: string, unit: string): number | null {
  return value === undefined || value === null ? null : count(value, name, 0, unit)
}

/** An option that is misspelt should not go unnoticed; one that nobody reads any more should not stop an old program. */
function warnOfUnknown(given: object, known: ReadonlySet<string>, name: string, log: Log): void {
  for (const option of Object.keys(given)) {
    if (known.has(option)) continue
    const home = homeOf(option)
    log.write(
      'warn',
      `${name}.${option} is not an option of ${home === undefined ? 'neo4j-ha-bolt-driver' : name} and has no effect` +
        (home === undefined ? '' : `: it belongs in ${home}`)
    )
  }
}

/** Where an option that stands in the wrong place is read. */
function homeOf(option: string): string | undefined {
  if (option === 'auth') return 'options.auth of Neo4jHA, or the second argument of driver()'
  if (HA_OPTIONS.has(option)) return `the options of Neo4jHA (options.${option})`
  if (DRIVER_OPTIONS.has(option)) return `neo4jDriverOptions.${option} of Neo4jHA, or the config of driver()`
  if (FILTER_OPTIONS.has(option)) return `notificationFilter.${option}`
  if (SESSION_OPTIONS.has(option)) return `the config of session() (${option})`
  return undefined
}

const SESSION_OPTIONS: ReadonlySet<string> = new Set([
  'defaultAccessMode',
  'bookmarks',
  'database',
  'impersonatedUser',
  'bookmarkManager',
  'writeLock'
])
