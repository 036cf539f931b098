import * as core from 'neo4j-driver-core'

/** Of `rxjs`, an optional peer; without it, `any`. */
// @ts-ignore: an error where rxjs is not installed
type Observable<T> = import('rxjs').Observable<T>
/** What `rxjs` takes for an observable: promises, arrays and iterables too. */
// @ts-ignore: an error where rxjs is not installed
type ObservableInput<T> = import('rxjs').ObservableInput<T>

/** Core's own has a private constructor, which no class may extend. */
declare const CoreManagedTransaction: abstract new () => core.ManagedTransaction
declare const coreResult: core.Result
/** Core does not export it. */
type CoreMappedResult<O extends object> = ReturnType<typeof coreResult.as<O>>

/**
 * Access to a Neo4j HA cluster: sessions on servers chosen by role, permission and strategy, with failover. It has all methods of
 * {@link neo4j.Driver} too.
 *
 * @example
 * const servers = [
 *   ['http://127.0.0.1:7474', 'bolt://127.0.0.1:7687'],
 *   ['http://127.0.0.1:7475', 'bolt://127.0.0.1:7688']
 * ]
 * const driver = new Neo4jHA(servers, { auth: { user: 'neo4j', pass: 'password' } })
 * await driver.ready
 * const session = driver.session(true)
 * const { records, servedBy } = await session.run('CREATE (n:Person {name: $name}) RETURN n', { name: 'Ada' })
 * await session.close()
 * await driver.close()
 */
declare class Neo4jHA extends neo4j.Driver {
  /**
   * Opens a pool and starts to check its servers.
   *
   * @param servers `[httpUrl, boltUrl]`, `{url, bolt, auth}` or a Bolt URI for each server; or one Bolt URI. Without an HTTP URL a server
   *   is checked over Bolt.
   * @param options none is needed; never written into
   * @param readyCallback called without arguments after the first check of all servers, though every one be down
   * @throws TypeError naming the argument or option and what it takes
   */
  constructor(
    servers: string | readonly Neo4jHA.ServerLocation[],
    options?: Neo4jHA.Options | null,
    readyCallback?: (() => void) | null
  )

  /** The servers, in the order they were given. */
  readonly servers: Neo4jHA.Server[]

  /** Index of the master in {@link Neo4jHA.servers}; -1 when none is known. */
  readonly masterIndex: number

  /** Resolves after the first check of all servers, though every one be down. Rejects when the driver is closed before. */
  readonly ready: Promise<void>

  /** The master; undefined when none is known. */
  getMaster(): Neo4jHA.Server | undefined

  /**
   * Checks all servers now.
   *
   * @param done called without arguments when that is over
   * @returns a promise of the same moment
   */
  checkServers(done?: () => void): Promise<void>

  /**
   * The server that a session would get now: one of the eligible, by strategy; the master when there is none; the first server when
   * there is no master either.
   *
   * @param canWrite whether writes are meant; default false
   * @param rwConfig what each role may be used for; default: the driver's own
   * @param strategy how a server is picked; default: the driver's own
   * @throws TypeError when an argument is wrong; Neo4jError when a strategy function throws or returns no candidate
   */
  getDriverBaseOnStrategyAndQueryWriteState(
    canWrite?: boolean,
    rwConfig?: Neo4jHA.ReadWriteConfig | null,
    strategy?: Neo4jHA.Strategy | null
  ): Neo4jHA.Server

  /**
   * Opens a session. Its server is chosen now, so that round robin follows the order of these calls, and chosen anew before work starts
   * when it no longer qualifies. A session asked for before the first check waits for it.
   *
   * @param writeLock true if at least one query will write; default false
   * @param rwConfig what each role may be used for; default: the driver's own
   * @param strategy how a server is picked; default: the driver's own; 0 counts
   * @throws TypeError when an argument is wrong; Neo4jError when the driver is closed
   */
  session(
    writeLock?: boolean | null,
    rwConfig?: Neo4jHA.ReadWriteConfig | null,
    strategy?: Neo4jHA.Strategy | null
  ): neo4j.Session
  /**
   * Opens a session with the session config of `neo4j-driver`, and `rwConfig` and `strategy` besides.
   *
   * @throws TypeError or Neo4jError naming the option and what it takes
   */
  session(config?: Neo4jHA.SessionConfig | null): neo4j.Session
  /** Opens a session as `neo4j-driver` 1.x did: access mode, then bookmarks. */
  session(mode: neo4j.SessionMode, bookmarks?: string | string[] | null): neo4j.Session

  /**
   * Opens a session whose work is observables, with the session config of `neo4j-driver`, and `rwConfig` and `strategy` besides. Needs the
   * package `rxjs`.
   *
   * @throws Error when `rxjs` is not installed
   */
  rxSession(config?: Neo4jHA.SessionConfig | null): neo4j.RxSession

  /**
   * This pool as a driver of `neo4j-driver`, for libraries that take one: its `session()` may write unless `defaultAccessMode` says `READ`,
   * where {@link Neo4jHA.session} without arguments only reads. It is the same one each time, and closes with the pool, as the pool closes
   * with it.
   *
   * @example
   * const ogm = new Library({ driver: new Neo4jHA(servers).asDriver() })
   */
  asDriver(): neo4j.Driver
}

declare namespace Neo4jHA {
  /** How one of several eligible servers is picked. */
  export const HAStrategies: {
    /** Any of them. The default. */
    readonly random: 0
    /** One after the other, beginning with the first; counted for each driver. */
    readonly roundRobin: 1
    /** The one with the lowest smoothed latency of its checks; see {@link Options.nearestWindow}. */
    readonly nearest: 2
    /** Of two at random the one with fewer connections in flight, for its weight. Not enumerable, as 1.2.3 did not have it. */
    readonly leastConnected: 'leastConnected'
    /**
     * Of two at random the one that takes work up sooner: by the smoothed time from RUN to its answer, by what is in flight there, and
     * by its weight. One that takes at best one and a half times as long as another one at worst gets no work but a trial now and then.
     * Not enumerable, as 1.2.3 did not have it.
     */
    readonly fastest: 'fastest'
  }

  /** What the last check of a server found. */
  export const Status: {
    /** It answered with an error. */
    readonly error: -2
    /** It answers, and does not know its role. */
    readonly unknown: -1
    /** It does not answer. */
    readonly down: 0
    /** It answers and knows its role. */
    readonly up: 1
  }

  /** The role of a server in its cluster. */
  export const ServerType: {
    readonly unknown: 0
    readonly slave: 1
    readonly master: 2
  }

  /** The usual divisions of work between master and slaves. */
  export const HAReadWrite: {
    /** The master does everything. */
    readonly masterOnly: ReadWriteConfig
    /** The master writes, slaves read. */
    readonly masterWriteOnlySlaveReadOnly: ReadWriteConfig
    /** The master reads and writes, slaves read. The default. */
    readonly masterReadWriteSlaveRead: ReadWriteConfig
    /** Every server does everything: slaves forward writes to the master. */
    readonly all: ReadWriteConfig
  }

  /** What servers of one role may be used for. */
  export interface RoleAccess {
    readonly read: boolean
    readonly write: boolean
  }

  /** What servers of each role may be used for. */
  export interface ReadWriteConfig {
    readonly master: RoleAccess
    readonly slave: RoleAccess
  }

  /**
   * A strategy of your own: returns one of `candidates`, which are the eligible entries of `servers`: those of the driver's zone, if it
   * has one and any of them is eligible, and without those that are left alone because they failed again and again.
   */
  export type StrategyFunction = (candidates: Server[], intent: { write: boolean }) => Server

  /** One of {@link HAStrategies}, or a function. */
  export type Strategy = 0 | 1 | 2 | 'leastConnected' | 'fastest' | StrategyFunction

  /** User and password. */
  export interface Credentials {
    readonly user: string
    readonly pass: string
  }

  /**
   * User and password, a token of `neo4j.auth`, or a token manager; null or nothing for servers without authentication. A manager is
   * asked whenever a connection is taken for work or for a check, and told of security errors with the token that was refused.
   */
  export type Auth = Credentials | neo4j.AuthToken | neo4j.AuthTokenManager | null

  /** Where a server is: its HTTP URL and its Bolt URI, or the Bolt URI alone. */
  export type ServerLocation =
    | readonly [httpUrl: string, boltUrl: string]
    | {
        readonly url?: string | null
        readonly bolt: string
        readonly auth?: Auth
        /**
         * How much of the work it gets beside the others: above 0, default 1. `random`, `roundRobin`, `leastConnected` and `fastest`
         * honour it, and `nearest` among those that are as near.
         */
        readonly weight?: number
        /** Where it is: see {@link Options.zone}. */
        readonly zone?: string
      }
    | string

  /** Where a server is, as it was given. */
  export interface Location {
    /** Base of the HTTP status endpoint; null when the server is checked over Bolt. */
    readonly url: string | null
    readonly bolt: string
    /** Its own, or the driver's. The secret in it is not enumerable: no log and no JSON shows it. */
    readonly auth: Auth | undefined
    /** As it was given. */
    readonly weight?: number
    /** As it was given. */
    readonly zone?: string
  }

  /** What a server is in its cluster's own word. */
  export type RoleName =
    | 'master'
    | 'slave'
    | 'leader'
    | 'follower'
    | 'read replica'
    | 'secondary'
    | 'writer'
    | 'reader'
    | 'single'

  /** What the last check of a server found. */
  export interface ServerInfo {
    /** One of {@link Status}. */
    readonly status: number
    /** One of {@link ServerType}. */
    readonly type: number
    /** Smoothed time of a check in milliseconds; -1 when the server is down. */
    readonly distance: number
    /** What it is in its cluster's own word; null when it says nothing of the kind. */
    readonly role: RoleName | null
    /**
     * The same for each database, where its cluster has it so (Neo4j 4 and later): the home database, and those that work was for in
     * the last two minutes. Empty otherwise.
     */
    readonly databases: { readonly [database: string]: RoleName }
    /** The kind of its cluster; null when that is not known. `routing`: its routing table says what it is. */
    readonly topology: 'ha' | 'cluster' | 'routing' | 'single' | null
    /** By how many transactions it is behind the member that is farthest; null where members do not tell. */
    readonly lag: number | null
    /** What it calls itself, such as `Neo4j/3.5.0`; null until there was a connection to it. */
    readonly product: string | null
    /** The Bolt version spoken with it, such as `5.8`; null until there was a connection to it. */
    readonly bolt: string | null
    /** Since when its status and type are these: milliseconds since 1970. */
    readonly since: number
    /** Why it is not up. */
    readonly err?: Error
  }

  /** A server of the pool. */
  export interface Server {
    readonly location: Location
    /** A driver of this one server. Closing it leaves the pool alone. */
    readonly driver: neo4j.Driver
    /** Null before the first check. */
    readonly info: ServerInfo | null
  }

  /** The server that did the work. */
  export interface ServedBy {
    readonly location: Location
    /** What the last check before the end of the work had found; null before the first check, and where servers are not checked. */
    readonly info: ServerInfo | null
  }

  // ---- results: those of neo4j-driver, and what this driver adds to them ----

  /** All of a result, as awaiting it gives. */
  export interface QueryResult<R extends neo4j.RecordShape = neo4j.RecordShape> extends neo4j.QueryResult<R> {
    summary: ResultSummary
    /** The server that did the work. */
    servedBy: ServedBy
  }

  /** All of a result whose records were made objects: see {@link neo4j.Result.as}. */
  export interface MappedQueryResult<O> extends neo4j.MappedQueryResult<O> {
    summary: ResultSummary
    /** The server that did the work. */
    servedBy: ServedBy
  }

  /** Keys, records and summary: what {@link neo4j.Driver.executeQuery} gives by default. */
  export interface EagerResult<R extends neo4j.RecordShape = neo4j.RecordShape> extends neo4j.EagerResult<R> {
    summary: ResultSummary
  }

  /** What came at the end of a result: the summary of `neo4j-driver`, and the names of 1.x. */
  export interface ResultSummary<T extends core.NumberOrInteger = core.Integer>
    extends neo4j.ResultSummary<T> {
    counters: Counters
    /** The server that did the work. */
    servedBy: ServedBy
    /** @deprecated A name of 1.x for `query`. */
    readonly statement: { text: string; parameters: neo4j.Parameters }
    /** @deprecated A name of 1.x for `queryType`. */
    readonly statementType: string
    /** @deprecated An old name for `counters`. */
    readonly updateStatistics: Counters
  }

  /** What a query changed: `updates()`, and the functions of 1.x. */
  export interface Counters extends neo4j.QueryStatistics {
    nodesCreated(): number
    nodesDeleted(): number
    relationshipsCreated(): number
    relationshipsDeleted(): number
    propertiesSet(): number
    labelsAdded(): number
    labelsRemoved(): number
    indexesAdded(): number
    indexesRemoved(): number
    constraintsAdded(): number
    constraintsRemoved(): number
  }

  /** Called back as a result comes. */
  export interface ResultObserver<R> {
    /** The names of the fields, once, before the first record. */
    onKeys?: (keys: string[]) => void
    /** Each record. What it throws ends the result, and goes to `onError`. */
    onNext?: (record: R) => void
    /** The end. */
    onCompleted?: (summary: ResultSummary) => void
    /** The end, by an error. Without it, errors are printed. */
    onError?: (error: Error) => void
  }

  /** An async iterator that can look at the next element without taking it. Its return value is the summary. */
  export interface PeekableAsyncIterator<T> extends AsyncIterator<T, ResultSummary, undefined> {
    next(): Promise<IteratorResult<T, ResultSummary>>
    /** The next element, or the end, which the following `next` gives again. */
    peek(): Promise<IteratorResult<T, ResultSummary>>
    /** Discards the rest. */
    return(value?: ResultSummary): Promise<IteratorResult<T, ResultSummary>>
    [Symbol.asyncIterator](): PeekableAsyncIterator<T>
  }

  /** Options of the driver. */
  export interface Options {
    /** For every server without an `auth` of its own. Default: none. */
    auth?: Auth
    /** How one of several eligible servers is picked. Default: `HAStrategies.random`. */
    strategy?: Strategy
    /**
     * For `nearest`: servers whose latency is at most so many milliseconds above the lowest count as equally near, and take turns.
     * Default: 0.
     */
    nearestWindow?: number
    /** Servers of this zone are chosen before others, which get work when none of it is eligible. Default: none. */
    zone?: string
    /** What each role may be used for. Default: `HAReadWrite.masterReadWriteSlaveRead`. */
    rwConfig?: ReadWriteConfig
    /**
     * What the servers are: members of a highly available cluster (`ha`: Neo4j up to 3.5), of a causal cluster or one of Neo4j 4 and
     * later (`cluster`: its leader counts as master, its followers, read replicas and secondaries as slaves), of any that routes, asked
     * over Bolt alone (`routing`), or a server of its own (`single`); with `auto` whatever each says, over HTTP where it has a URL, else
     * over Bolt. Default: `auto`. A server with a URL that says nothing is taken for single only where there is no other in the pool.
     */
    topology?: 'auto' | 'ha' | 'cluster' | 'routing' | 'single'
    /**
     * Whether members that routing tables name, and `servers` does not, are found and followed; those that leave are let go when their
     * work is done. HA members have no routing tables. Default: false. It is true where a server is given by a URI of the `neo4j`
     * schemes.
     */
    discover?: boolean
    /**
     * By which address a member is reached, for each by which its cluster names it, as `host:port` both: for a cluster behind NAT or in
     * Docker. Default: none.
     */
    resolver?: { readonly [named: string]: string }
    /**
     * Reads keep off members that are more transactions behind than this, unless there are no others. It takes members that tell:
     * `lag` of their `info`. Default: any.
     */
    maxLag?: number
    /**
     * Hedged reads: an auto-commit read, or one by `executeQuery`, that is not taken up `after` so many milliseconds, or (`'p95'`, the
     * default) after the 95th percentile of the last ones, is asked of a second server as well. Whichever answers first is heard, the
     * other is reset. `budget` is the share of all reads that this is done for at most; 0.02 by default. Only on servers that refuse
     * writes in reads, Neo4j 4.0 and later. Default: none.
     */
    hedge?: { after?: 'p95' | number; budget?: number } | null
    /** Milliseconds between two checks of a server. Default: 500. */
    checkInterval?: number
    /**
     * Milliseconds between two checks of a server while no master is known. They grow to a two-hundredth of the time that this lasts,
     * up to `checkInterval`. Default: 10.
     */
    alarmInterval?: number
    /** Milliseconds after which a check without an answer counts as `down`. Default: 1500. */
    checkTimeout?: number
    /**
     * Milliseconds a server may leave its checks unanswered, with no byte over Bolt either, before work under way on it is ended.
     * Default: 4000.
     */
    unresponsiveTimeout?: number
    /** How many times a query is sent again after an error that another attempt may cure. Default: 10. */
    retryOnError?: number
    /** Whether lost and refused connections count against `retryOnError`. Default: false. */
    badConnectionsCountAsErrors?: boolean
    /** Whether a write whose outcome is unknown is sent again, as 1.2.3 did: it may then be done twice. Default: false. */
    retryUnknownOutcome?: boolean
    /** The options of `neo4j-driver` 6, for the connections to each server. */
    neo4jDriverOptions?: neo4j.Config
  }

  /** The session config of `neo4j-driver`, and what a pool adds to it. */
  export interface SessionConfig extends neo4j.SessionConfig {
    /** True if at least one query will write; default: what `defaultAccessMode` says. */
    writeLock?: boolean
    /** Default: the driver's own. */
    rwConfig?: ReadWriteConfig
    /** Default: the driver's own. */
    strategy?: Strategy
  }

  export { Neo4jHA, Neo4jHA as default, neo4j as driver }
}

/** The namespace of `neo4j-driver`, on this package's engine. Values, summaries and errors are the classes of its core. */
declare namespace neo4j {
  // ---- values and classes of core, as they are ----

  export import authTokenManagers = core.authTokenManagers
  export type AuthTokenAndExpiration = core.AuthTokenAndExpiration
  export type AuthTokenManager = core.AuthTokenManager
  export type AuthTokenManagers = core.AuthTokenManagers
  export type BookmarkManager = core.BookmarkManager
  export import bookmarkManager = core.bookmarkManager
  export type BookmarkManagerConfig = core.BookmarkManagerConfig
  export type ClientCertificate = core.ClientCertificate
  export type ClientCertificateProvider = core.ClientCertificateProvider
  export type ClientCertificateProviders = core.ClientCertificateProviders
  export import clientCertificateProviders = core.clientCertificateProviders
  // biome-ignore lint/suspicious/noShadowRestrictedNames: the name it has in neo4j-driver
  export import Date = core.Date
  export import DateTime = core.DateTime
  export import Duration = core.Duration
  export type EncapsulatedKey = core.EncapsulatedKey
  export type EncapsulatedKeyRecord = core.EncapsulatedKeyRecord
  export type EncapsulatedKeyRecordRepository = core.EncapsulatedKeyRecordRepository
  export type EncryptionProfile = core.EncryptionProfile
  export import EagerResult = core.EagerResult
  export import EncryptionService = core.EncryptionService
  export import EnvelopeEncryptionProfile = core.EnvelopeEncryptionProfile
  export import error = core.error
  export import GqlStatusObject = core.GqlStatusObject
  export import int = core.int
  export import Integer = core.Integer
  export import isDate = core.isDate
  export import isDateTime = core.isDateTime
  export import isDuration = core.isDuration
  export import isInt = core.isInt
  export import isLocalDateTime = core.isLocalDateTime
  export import isLocalTime = core.isLocalTime
  export import isNode = core.isNode
  export import isPath = core.isPath
  export import isPathSegment = core.isPathSegment
  export import isPoint = core.isPoint
  export import isRelationship = core.isRelationship
  export import isRetriableError = core.isRetriableError
  export import isRetryableError = core.isRetryableError
  export import isTime = core.isTime
  export import isUnboundRelationship = core.isUnboundRelationship
  export import isUnsupportedType = core.isUnsupportedType
  export import isUUID = core.isUUID
  export import isVector = core.isVector
  export type KeyEncapsulationService = core.KeyEncapsulationService
  export import LocalDateTime = core.LocalDateTime
  export import LocalKeyEncapsulationService = core.LocalKeyEncapsulationService
  export import localKeyEncapsulationService = core.localKeyEncapsulationService
  export import LocalTime = core.LocalTime
  export type MappedQueryResult<O> = core.MappedQueryResult<O>
  export import mappingDecorators = core.mappingDecorators
  export import Node = core.Node
  export import Notification = core.Notification
  export import notificationCategory = core.notificationCategory
  export type NotificationCategory = core.NotificationCategory
  export import notificationClassification = core.notificationClassification
  export type NotificationClassification = core.NotificationClassification
  export type NotificationFilter = core.NotificationFilter
  export type NotificationFilterDisabledCategory = core.NotificationFilterDisabledCategory
  export import notificationFilterDisabledCategory = core.notificationFilterDisabledCategory
  export type NotificationFilterDisabledClassification = core.NotificationFilterDisabledClassification
  export import notificationFilterDisabledClassification = core.notificationFilterDisabledClassification
  export type NotificationFilterMinimumSeverityLevel = core.NotificationFilterMinimumSeverityLevel
  export import notificationFilterMinimumSeverityLevel = core.notificationFilterMinimumSeverityLevel
  export type NotificationPosition = core.NotificationPosition
  export type NotificationSeverityLevel = core.NotificationSeverityLevel
  export import notificationSeverityLevel = core.notificationSeverityLevel
  export import Path = core.Path
  export import PathSegment = core.PathSegment
  export import Plan = core.Plan
  export import Point = core.Point
  export import ProfiledPlan = core.ProfiledPlan
  export import ProtocolVersion = core.ProtocolVersion
  export type QueryResult<R extends RecordShape = RecordShape> = core.QueryResult<R>
  export import QueryStatistics = core.QueryStatistics
  export import Record = core.Record
  export import RecordObjectMapping = core.RecordObjectMapping
  // biome-ignore lint/suspicious/noExplicitAny: as in neo4j-driver-core
  export type RecordShape<Key extends PropertyKey = PropertyKey, Value = any> = core.RecordShape<Key, Value>
  export import Relationship = core.Relationship
  export type ResultObserver<R extends RecordShape = RecordShape> = core.ResultObserver<R>
  export import ResultSummary = core.ResultSummary
  export type RotatingClientCertificateProvider = core.RotatingClientCertificateProvider
  export import routing = core.routing
  export type RoutingControl = core.RoutingControl
  export import rule = core.rule
  export type Rule = core.Rule
  export type Rules = core.Rules
  export type SecretKey = core.SecretKey
  export import ServerInfo = core.ServerInfo
  export import StandardCase = core.StandardCase
  export import Time = core.Time
  export import UnboundRelationship = core.UnboundRelationship
  export import UnsupportedType = core.UnsupportedType
  export import UUID = core.UUID
  export import uuid = core.uuid
  export import Vector = core.Vector
  export import vector = core.vector
  export type VectorType = core.VectorType

  export type AuthToken = core.types.AuthToken
  export type LoggingConfig = core.types.LoggingConfig
  export type LogLevel = core.types.LogLevel
  export type Parameters = core.types.Parameters
  /** Cypher, or an object with it as `text` and with its `parameters`. */
  export type Query = core.types.Query
  export type SessionMode = core.types.SessionMode
  /** 1.x also knows `ENCRYPTION_NON_LOCAL`: encrypt unless the server is on this machine. */
  export type EncryptionLevel = core.types.EncryptionLevel | 'ENCRYPTION_NON_LOCAL'
  /** `TRUST_SIGNED_CERTIFICATES` and `TRUST_ON_FIRST_USE` are of 1.x: the former is `TRUST_CUSTOM_CA_SIGNED_CERTIFICATES`, the latter trusts all. */
  export type TrustStrategy = core.types.TrustStrategy | 'TRUST_SIGNED_CERTIFICATES' | 'TRUST_ON_FIRST_USE'

  // ---- errors ----

  /** An error of the server, or of the driver. */
  export class Neo4jError extends core.Neo4jError {
    /** `host:port` of the server it happened on; not enumerable. */
    readonly server?: string | undefined
    /**
     * True when the work may have been committed though this error came: its answer was lost. Look at the data before sending it again. Not
     * enumerable.
     */
    readonly unknownOutcome?: boolean | undefined
  }

  // ---- who the application is ----

  /** Tokens for servers. */
  export const auth: {
    basic(username: string, password: string, realm?: string): AuthToken
    kerberos(base64EncodedTicket: string): AuthToken
    bearer(base64EncodedToken: string): AuthToken
    /** For servers without authentication, which take no token at all too. */
    none(): AuthToken
    custom(
      principal: string,
      credentials: string,
      realm: string,
      scheme: string,
      parameters?: object
    ): AuthToken
  }

  // ---- drivers ----

  /**
   * A driver of one server (`bolt`), or of a cluster that routes (`neo4j`). It connects when work first asks for it.
   *
   * @param url `bolt://host:port`, also `bolt+s`, `bolt+ssc`, and the `neo4j` schemes; default port 7687
   * @param authToken a token of `neo4j.auth`, or a token manager; nothing for servers without authentication
   * @param config see {@link Config}; never written into
   * @throws TypeError naming the argument or option and what it takes
   */
  export function driver(
    url: string,
    authToken?: AuthToken | AuthTokenManager | null,
    config?: Config | null
  ): Driver

  /**
   * Whether a server answers at this URI, whoever asks.
   *
   * @returns true; rejects with the reason when none does
   */
  export function hasReachableServer(url: string, config?: Config): Promise<true>

  /** A driver: opens sessions, and closes the connections behind them. Programs have one for each database they talk to. */
  export class Driver extends core.Driver {
    protected constructor()

    /** Opens a session: cheap, and to be closed after its piece of work. */
    session(config?: SessionConfig | null): Session
    /** Opens a session as `neo4j-driver` 1.x did. */
    session(mode: SessionMode, bookmarks?: string | string[] | null): Session

    /**
     * Opens a session whose work is observables. Needs the package `rxjs`.
     *
     * @throws Error when `rxjs` is not installed
     */
    rxSession(config?: SessionConfig | null): RxSession

    /**
     * Runs one query in a transaction of its own, with the retries of a transaction function.
     *
     * @returns what `config.resultTransformer` makes of the result; by default all of it, as an {@link EagerResult}
     */
    executeQuery<T = Neo4jHA.EagerResult>(
      query: Query,
      parameters?: unknown,
      config?: QueryConfig<T>,
      parameterRules?: Rules
    ): Promise<T>

    /** What chains the queries of {@link Driver.executeQuery} causally, unless they are told otherwise. */
    get executeQueryBookmarkManager(): BookmarkManager

    /** Makes sure that a server can be reached and lets us in. Rejects with the reason if not. */
    verifyConnectivity(config?: { database?: string }): Promise<void>
    /** Whether a server lets us in, or lets in who is given as `auth`. */
    verifyAuthentication(config?: { database?: string; auth?: AuthToken }): Promise<boolean>
    /** Address, agent and Bolt version of a server. */
    getServerInfo(config?: { database?: string }): Promise<ServerInfo>
    /** Whether the server has several databases: Bolt 4.0 and later. */
    supportsMultiDb(): Promise<boolean>
    /** Whether the server takes timeout and metadata of transactions: Bolt 3 and later. */
    supportsTransactionConfig(): Promise<boolean>
    /** Whether the server lets one user act as another: Bolt 4.4 and later. */
    supportsUserImpersonation(): Promise<boolean>
    /** Whether the server lets a session have an auth of its own: Bolt 5.1 and later. */
    supportsSessionAuth(): Promise<boolean>
    /** The Bolt version that is spoken with the server. */
    getNegotiatedProtocolVersion(): Promise<ProtocolVersion>
    /** Whether connections are encrypted. */
    isEncrypted(): boolean

    /** Encrypts and decrypts property values on this side, by the profiles of {@link Config.encryptionProfiles}. */
    readonly encryption: EncryptionService

    /** Ends all sessions and closes all connections. Work under way fails; nothing hangs. Calling it twice is fine. */
    close(): Promise<void>
    [Symbol.asyncDispose](): Promise<void>
  }

  /** What a server may send in answer to a user who is logged in. An answer beyond it is an error that names the option. */
  export interface Limits {
    /** Bytes of one message, such as a record: 65536 to 134217727. Default: 134217727. */
    message?: number
    /** Bytes of a result's metadata that can be read: 65536 to 16777216. An entry beyond fails when it is read. Default: 2097152. */
    metadata?: number
    /** How deep values and plans may nest, an operator of a plan taking two levels: 100 to 4096. Default: 4096. */
    depth?: number
    /** Columns of a result: 1000 to 262144. Default: 262144. */
    columns?: number
  }

  /** Options of a driver: those of `neo4j-driver` 6, and of 1.x where they have another name. Times are in milliseconds. */
  export interface Config {
    /** Whether connections are encrypted. Default: what the URI says, else false. Not beside a URI that says it. */
    encrypted?: boolean | EncryptionLevel
    /** Which certificates are trusted. Default: `TRUST_SYSTEM_CA_SIGNED_CERTIFICATES`. Not beside a URI that says it. */
    trust?: TrustStrategy
    /** Paths of PEM files, or PEM texts, of the authorities to trust with `TRUST_CUSTOM_CA_SIGNED_CERTIFICATES`. */
    trustedCertificates?: string[]
    /** Records a PULL asks for; -1 for all. Default: 1000. */
    fetchSize?: number
    /** Connections to one server at most; 0 or less for no limit. Default: 100. */
    maxConnectionPoolSize?: number
    /** @deprecated A name of 1.x for {@link Config.maxConnectionPoolSize}. */
    connectionPoolSize?: number
    /** How long a transaction function may be tried again. Default: 30000. */
    maxTransactionRetryTime?: number
    /** Age at which an idle connection is closed instead of used again; 0 or less for none. Default: 3600000. */
    maxConnectionLifetime?: number
    /** How long to wait for a connection. Default: 60000. */
    connectionAcquisitionTimeout?: number
    /** Idle time after which a connection is tested before use; 0: always. Default: never. */
    connectionLivenessCheckTimeout?: number
    /** How long making a connection may take; 0 or less for no limit. Default: 30000. */
    connectionTimeout?: number
    /**
     * How long a server that has vanished without a word may go unnoticed, in milliseconds; 0: as long as the system takes. On Linux also
     * how long one that lives may take nothing of what it is sent. Default: 15000.
     */
    connectionLossTimeout?: number
    /** What a server may send. Before a user is logged in, no message may be longer than 65536 bytes. */
    limits?: Limits
    /**
     * Not to send an auto-commit query once more when its server says of the failure that nothing was done (`_idempotent`).
     * Default: false.
     */
    disableAutoCommitRetries?: boolean
    /** Integers as numbers, or an infinity beyond the safe ones. Default: false. */
    disableLosslessIntegers?: boolean
    /** Integers as bigints. Default: false. */
    useBigInt?: boolean
    /**
     * Parameters, and metadata of transactions, as `neo4j-driver` sends them: a `Date` or `ArrayBuffer` as an empty map, a `Map` as the
     * list of its entries, all typed arrays but `Int8Array` as lists of floats. Default: by what they are.
     */
    parameterConversion?: 'neo4j-driver'
    /** Which notifications servers send (Bolt 5.2 and later). Default: what the server likes. */
    notificationFilter?: Partial<NotificationFilter>
    /** Where the driver's messages go. Default: warnings to `process.emitWarning`, once for each kind. */
    logging?: LoggingConfig
    /** For `neo4j` URIs: the addresses, or URIs, that stand behind the one of the URI (`host:port`). Of no use to a driver of one server. */
    resolver?: (address: string) => string[] | Promise<string[]>
    /** Sent to servers. Default: name and version of this package. */
    userAgent?: string
    /** Never send telemetry, even where a server asks for it. Default: false. */
    telemetryDisabled?: boolean
    /** The certificate that is shown to servers which ask for one (mTLS), or who provides it. Default: none. */
    clientCertificate?: ClientCertificate | ClientCertificateProvider
    /** Who encrypts property values, and with which keys: see {@link Driver.encryption}. Default: none. A preview of `neo4j-driver` 6.3. */
    encryptionProfiles?: EncryptionProfile[]
    /** @deprecated Of 1.x, without effect. */
    knownHosts?: string
    /** @deprecated Of 1.x, without effect. */
    loadBalancingStrategy?: string
  }

  /** Options of a session. */
  export interface SessionConfig {
    /** `WRITE`, which is the default, or `READ`. */
    defaultAccessMode?: SessionMode
    /** Work waits until the server has seen these. */
    bookmarks?: string | string[] | null
    /** Default: the server's own, or the user's. Bolt 4.0 and later. */
    database?: string
    /** Whose rights the work runs with. Bolt 4.4 and later. */
    impersonatedUser?: string
    /** Records a PULL asks for; -1 for all. Default: the driver's. */
    fetchSize?: number
    /** Chains this session's work to that of others. */
    bookmarkManager?: BookmarkManager
    /** Default: the driver's. */
    notificationFilter?: Partial<NotificationFilter>
    /**
     * Who does the work, instead of the driver's own user. From Bolt 5.1 on (Neo4j 5.5) connections change their user; before, such
     * a session gets a connection of its own for each piece of work.
     */
    auth?: AuthToken
    /** See {@link Config.disableAutoCommitRetries}. */
    disableAutoCommitRetries?: boolean
  }

  /** How {@link Driver.executeQuery} does its work. */
  export interface QueryConfig<T = Neo4jHA.EagerResult> {
    /** `WRITE`, which is the default, or `READ`. */
    routing?: RoutingControl
    database?: string
    impersonatedUser?: string
    /** Default: the driver's own, {@link Driver.executeQueryBookmarkManager}. Null: none. */
    bookmarkManager?: BookmarkManager | null
    /** What is made of the result. Default: {@link resultTransformers}`.eager()`. */
    resultTransformer?: ResultTransformer<T>
    transactionConfig?: TransactionConfig
    /** Who does the work, instead of the driver's own user: see {@link SessionConfig.auth}. */
    auth?: AuthToken
    /** Its abort rejects the promise at once with its reason, and ends the work. */
    signal?: AbortSignal
  }

  /** Options of a transaction or an auto-commit query. Bolt 3 and later. */
  export interface TransactionConfig {
    /** The server ends the work after so many milliseconds; 0: never. Default: what the server is configured for. */
    timeout?: core.NumberOrInteger
    /** Shown by the server beside the work, in its log and lists. */
    metadata?: object
    /**
     * Its abort ends the work at once, on the server too: promises and results reject with the signal's reason, waits and pauses end,
     * and a transaction refuses further work with an error whose `cause` is that reason. A COMMIT that was under way rejects with a
     * `Neo4jError` with `unknownOutcome`, and the reason as its `cause`. A transaction function is not run again. Of a signal that was
     * aborted before, nothing is sent. Any Bolt version; beyond `neo4j-driver`.
     */
    signal?: AbortSignal
  }

  // ---- sessions and transactions ----

  /** What a transaction function does. */
  export type ManagedTransactionWork<T> = (transaction: ManagedTransaction) => T | Promise<T>

  /** A unit of causally ordered work: what it reads, it reads after what it wrote. */
  export class Session extends core.Session {
    protected constructor()

    /** Whether this session may write: what it was opened with. */
    writeLock: boolean

    /**
     * Runs a query as a transaction of its own. It starts before this returns, without anybody awaiting it; several can be under way at
     * once, and are done in the order of the calls.
     *
     * @param query Cypher, or `{text, parameters}`
     * @param parameters its parameters, by name
     * @param transactionConfig timeout and metadata of this query, and a signal that aborts it
     * @param parameterRules how to check and convert the parameters
     * @returns a promise of all records, which can also be subscribed to or iterated over
     * @throws TypeError when it is no query, or the parameters are no object
     */
    run<R extends RecordShape = RecordShape>(
      query: Query,
      parameters?: unknown,
      transactionConfig?: TransactionConfig,
      parameterRules?: Rules
    ): Result<R>

    /**
     * Begins a transaction, which can be used without awaiting this. A session has one transaction at a time.
     *
     * @throws Neo4jError when the session is closed or has an open transaction
     */
    beginTransaction(transactionConfig?: TransactionConfig): TransactionPromise

    /**
     * Runs a transaction function on a server that may read; commits when its promise resolves, rolls back when it rejects. After an
     * error that another attempt may cure it runs again, from the start and on a server chosen anew: after 1 s, then twice as long each
     * time, by 20 % more or less, for `maxTransactionRetryTime`; of a `Neo4jHA` sooner where the server failed, not the work. Never after a
     * commit whose outcome is unknown.
     *
     * @returns what the function's promise resolves to
     */
    executeRead<T>(work: ManagedTransactionWork<T>, transactionConfig?: TransactionConfig): Promise<T>
    /** As {@link Session.executeRead}, on a server that may write. */
    executeWrite<T>(work: ManagedTransactionWork<T>, transactionConfig?: TransactionConfig): Promise<T>
    /** @deprecated Use {@link Session.executeRead}. */
    readTransaction<T>(
      work: (transaction: Transaction) => T | Promise<T>,
      transactionConfig?: TransactionConfig
    ): Promise<T>
    /** @deprecated Use {@link Session.executeWrite}. */
    writeTransaction<T>(
      work: (transaction: Transaction) => T | Promise<T>,
      transactionConfig?: TransactionConfig
    ): Promise<T>

    /** Bookmarks of the last work that was committed, or those the session was opened with. */
    lastBookmarks(): string[]
    /** @deprecated A name of 1.x: the last bookmark, or null. Use {@link Session.lastBookmarks}. */
    lastBookmark(): string | null

    /**
     * Ends the session. What is under way is finished, and settles with what happened: results that are awaited or subscribed to are read
     * to their end, a commit is waited for, and a transaction goes on for as long as somebody waits for its queries. One that is open
     * behind that is rolled back, and its transaction function rejects. Of other results the rest is discarded, and whoever reads on gets
     * an error. Calling it twice is fine.
     *
     * @param callback called when it is done, as in 1.x; what it throws rejects the promise of this call
     */
    close(callback?: () => void): Promise<void>
    [Symbol.asyncDispose](): Promise<void>
  }

  /** Several queries that take effect together, or not at all. */
  export class Transaction extends core.Transaction {
    protected constructor()

    /**
     * Runs a query in this transaction. Queries run in the order of the calls; none has to be awaited before the next. After one has
     * failed, the transaction refuses further work.
     *
     * @throws TypeError when it is no query, or the parameters are no object
     */
    run<R extends RecordShape = RecordShape>(
      query: Query,
      parameters?: unknown,
      parameterRules?: Rules
    ): Result<R>

    /**
     * Makes all that was done permanent. Rejects when the server refuses, and then all was rolled back; except where the error has
     * `unknownOutcome`: the connection was lost before the answer came, and only a look at the data can tell.
     */
    commit(): Promise<void>
    /** Undoes all that was done. */
    rollback(): Promise<void>
    /** True until it was committed or rolled back, or has failed. */
    isOpen(): boolean
    /** Rolls back, if it is still open. */
    close(): Promise<void>
    [Symbol.asyncDispose](): Promise<void>
  }

  /** A transaction that can be used at once, and a promise of it, for those who want to know that it has begun. */
  export interface TransactionPromise extends core.TransactionPromise {
    /** See {@link Transaction.run}. */
    run: Transaction['run']
    then: Promise<Transaction>['then']
    catch: Promise<Transaction>['catch']
    finally: Promise<Transaction>['finally']
  }

  /** The transaction of a transaction function: whoever runs the function begins and ends it. */
  export class ManagedTransaction extends CoreManagedTransaction {
    protected constructor()
    /** See {@link Transaction.run}. */
    run<R extends RecordShape = RecordShape>(
      query: Query,
      parameters?: unknown,
      parameterRules?: Rules
    ): Result<R>
  }

  // ---- work as observables ----

  /** A transaction function of an {@link RxSession}. */
  export type RxTransactionWork<T, Tx = RxManagedTransaction> = (transaction: Tx) => ObservableInput<T>

  /** A session whose work is observables. It is cold: what is asked of it happens when somebody subscribes. */
  export class RxSession {
    protected constructor()

    /** A query as a transaction of its own, sent at the first subscription to its result, once. */
    run(query: Query, parameters?: unknown, transactionConfig?: TransactionConfig): RxResult
    /** Begins a transaction for each subscriber, who gets it when it has begun. */
    beginTransaction(transactionConfig?: TransactionConfig): Observable<RxTransaction>
    /**
     * Runs a transaction function for each subscriber, with the retries of {@link Session.executeRead}: commits when its observable
     * completes, rolls back when it fails or its subscriber leaves. Values are passed on as they come, also those of an attempt that
     * fails later.
     */
    executeRead<T>(work: RxTransactionWork<T>, transactionConfig?: TransactionConfig): Observable<T>
    /** For a function that says, as the types of `neo4j-driver` do, that it gets an {@link RxTransaction}: it can `run`, and no more. */
    executeRead<T>(
      work: RxTransactionWork<T, RxTransaction>,
      transactionConfig?: TransactionConfig
    ): Observable<T>
    /** As {@link RxSession.executeRead}, on a server that may write. */
    executeWrite<T>(work: RxTransactionWork<T>, transactionConfig?: TransactionConfig): Observable<T>
    /** For a function that says, as the types of `neo4j-driver` do, that it gets an {@link RxTransaction}: it can `run`, and no more. */
    executeWrite<T>(
      work: RxTransactionWork<T, RxTransaction>,
      transactionConfig?: TransactionConfig
    ): Observable<T>
    /** @deprecated Use {@link RxSession.executeRead}. */
    readTransaction<T>(
      work: RxTransactionWork<T, RxTransaction>,
      transactionConfig?: TransactionConfig
    ): Observable<T>
    /** @deprecated Use {@link RxSession.executeWrite}. */
    writeTransaction<T>(
      work: RxTransactionWork<T, RxTransaction>,
      transactionConfig?: TransactionConfig
    ): Observable<T>
    /** Bookmarks of the last work that was committed, or those the session was opened with. */
    lastBookmarks(): string[]
    /** @deprecated Use {@link RxSession.lastBookmarks}, which gives the same. */
    lastBookmark(): string[]
    /** Completes when the session is closed: see {@link Session.close}. */
    close(): Observable<never>
    [Symbol.asyncDispose](): Promise<void>
  }

  /** A transaction whose work is observables: see {@link Transaction}. */
  export class RxTransaction {
    protected constructor()
    run(query: Query, parameters?: unknown): RxResult
    /** Completes when all that was done is permanent. */
    commit(): Observable<never>
    /** Completes when all that was done is undone. */
    rollback(): Observable<never>
    isOpen(): boolean
    /** Rolls back, if it is still open. */
    close(): Observable<never>
  }

  /** The transaction of a transaction function: whoever runs the function begins and ends it. */
  export class RxManagedTransaction {
    protected constructor()
    run(query: Query, parameters?: unknown): RxResult
  }

  /** A result as observables. The query is sent when somebody first subscribes to one of them. */
  export class RxResult {
    protected constructor()
    /** The names of the fields, as one value. */
    keys(): Observable<string[]>
    /** The records, for one subscriber. Unsubscribing discards the rest. */
    records(): Observable<Record>
    /** The summary, as one value. If nobody has subscribed to the records by then, they are discarded. */
    consume(): Observable<Neo4jHA.ResultSummary>
    /** Takes no further records until {@link RxResult.resume} or {@link RxResult.push}: the server is not asked for more. */
    pause(): void
    /** Takes records again. Resolves when somebody pauses, or at the end. */
    resume(): Promise<void>
    /** Takes one record more, and pauses. Resolves when the subscriber has it, or at once if there is none. */
    push(): Promise<void>
  }

  // ---- results ----

  /**
   * The result of a query. Work started when `run` was called: awaiting, subscribing and iterating only say how it is read.
   *
   * The stack of its error shows the `await`s it went through; no stack is taken when a query starts, for that would be a third of the
   * cost of a small one.
   */
  export class Result<R extends RecordShape = RecordShape> extends core.Result<R> {
    protected constructor()
    /** The server that did the work; undefined until the result has ended well. */
    readonly servedBy: Neo4jHA.ServedBy | undefined
    // biome-ignore lint/suspicious/noThenProperty: a result is a promise, as in neo4j-driver
    then<A = Neo4jHA.QueryResult<R>, B = never>(
      onFulfilled?: ((value: Neo4jHA.QueryResult<R>) => A | PromiseLike<A>) | null,
      // biome-ignore lint/suspicious/noExplicitAny: as in every promise
      onRejected?: ((reason: any) => B | PromiseLike<B>) | null
    ): Promise<A | B>
    catch<B = never>(
      // biome-ignore lint/suspicious/noExplicitAny: as in every promise
      onRejected?: ((reason: any) => B | PromiseLike<B>) | null
    ): Promise<Neo4jHA.QueryResult<R> | B>
    finally(onFinally?: (() => void) | null): Promise<Neo4jHA.QueryResult<R>>
    /**
     * Calls back as the result comes. What a callback throws goes to `onError`, or to whoever awaits this result too, and ends the reading;
     * it does not change what the query did. Without `onNext` nothing is read: the records are discarded, unless somebody else reads them.
     *
     * @returns this very result
     * @throws TypeError when it is no observer, or a callback of it no function
     */
    subscribe(observer: Neo4jHA.ResultObserver<Record<R>>): this
    /** Names of the fields, in their order. Rejects with the error of the query. */
    keys(): Promise<string[]>
    /**
     * The summary. Of a result that nobody reads yet, or that is being iterated over, the rest of the records is discarded: who reads on
     * gets all of it, if it was short, or an error. Rejects with the error of the query.
     */
    summary<T extends core.NumberOrInteger = core.Integer>(): Promise<Neo4jHA.ResultSummary<T>>
    /** True until a summary or an error has reached whoever reads the result. */
    isOpen(): boolean
    /**
     * Iterates over the records; the server is asked for more as they are taken. Leaving the loop early discards the rest. A result that
     * was awaited is iterated over once more; one that was read otherwise is gone, and iterating rejects.
     */
    [Symbol.asyncIterator](): Neo4jHA.PeekableAsyncIterator<Record<R>>
    /**
     * Gives each record as an object, made by rules.
     *
     * @throws Neo4jError when the result is being consumed already
     */
    as<O extends object = object>(rules: Rules): MappedResult<O>
    /** Gives each record as an object of a class. */
    as<O extends object = object>(
      genericConstructor: new (...args: never[]) => O,
      rules?: Rules
    ): MappedResult<O>
  }

  /** A result whose records are made objects: that very {@link Result}, as {@link Result.as} gives it. */
  export interface MappedResult<O extends object> extends CoreMappedResult<O> {
    /** See {@link Result.servedBy}. */
    readonly servedBy: Neo4jHA.ServedBy | undefined
    then: Promise<Neo4jHA.MappedQueryResult<O>>['then']
    catch: Promise<Neo4jHA.MappedQueryResult<O>>['catch']
    finally: Promise<Neo4jHA.MappedQueryResult<O>>['finally']
    subscribe(observer: Neo4jHA.ResultObserver<O>): this
    summary<T extends core.NumberOrInteger = core.Integer>(): Promise<Neo4jHA.ResultSummary<T>>
    [Symbol.asyncIterator](): Neo4jHA.PeekableAsyncIterator<O>
  }

  /** Makes something of a result. */
  export type ResultTransformer<T> = (result: Result) => Promise<T>

  /** Ready-made transformers for {@link Driver.executeQuery}. */
  export const resultTransformers: {
    /** All of the result. */
    eager<R extends RecordShape = RecordShape>(): ResultTransformer<Neo4jHA.EagerResult<R>>
    /** All of the result. */
    eagerResultTransformer<R extends RecordShape = RecordShape>(): ResultTransformer<Neo4jHA.EagerResult<R>>
    /** Maps each record, and collects what came of them. */
    mapped<R = Record, T = { records: R[]; keys: string[]; summary: Neo4jHA.ResultSummary }>(config: {
      map?: (record: Record) => R | undefined
      collect?: (records: R[], summary: Neo4jHA.ResultSummary, keys: string[]) => T
    }): ResultTransformer<T>
    /** Maps each record, and collects what came of them. */
    mappedResultTransformer<
      R = Record,
      T = { records: R[]; keys: string[]; summary: Neo4jHA.ResultSummary }
    >(config: {
      map?: (record: Record) => R | undefined
      collect?: (records: R[], summary: Neo4jHA.ResultSummary, keys: string[]) => T
    }): ResultTransformer<T>
    /** The first record, or undefined; the rest is discarded. */
    first<R extends RecordShape = RecordShape>(): ResultTransformer<Record<R> | undefined>
    /** The summary; records are discarded. */
    summary<T extends core.NumberOrInteger = core.Integer>(): ResultTransformer<Neo4jHA.ResultSummary<T>>
    /** Each record as an object. */
    hydrated<O extends object = object>(rules: Rules): ResultTransformer<Neo4jHA.MappedQueryResult<O>>
    /** Each record as an object of a class. */
    hydrated<O extends object = object>(
      genericConstructor: new (...args: never[]) => O,
      rules?: Rules
    ): ResultTransformer<Neo4jHA.MappedQueryResult<O>>
  }

  // ---- groups of functions ----

  /** Ready-made values of the option `logging`. */
  export const logging: {
    /**
     * To `console.log`, with time, level and message. Default level: `info`. Parameters and records are in no message, whatever
     * `unredactDebugLogs` says.
     */
    console(level?: LogLevel, unredactDebugLogs?: boolean): Required<LoggingConfig>
  }

  /** Access modes of a session. */
  export const session: { readonly READ: 'READ'; readonly WRITE: 'WRITE' }

  /** Functions for {@link Integer}s. */
  export const integer: {
    toNumber: typeof core.toNumber
    toString: typeof core.toString
    inSafeRange: typeof core.inSafeRange
  }

  export const graph: {
    isNode: typeof core.isNode
    isPath: typeof core.isPath
    isPathSegment: typeof core.isPathSegment
    isRelationship: typeof core.isRelationship
    isUnboundRelationship: typeof core.isUnboundRelationship
  }

  export const spatial: { isPoint: typeof core.isPoint }

  export const temporal: {
    isDuration: typeof core.isDuration
    isLocalTime: typeof core.isLocalTime
    isTime: typeof core.isTime
    isDate: typeof core.isDate
    isLocalDateTime: typeof core.isLocalDateTime
    isDateTime: typeof core.isDateTime
  }

  /** Classes of all values. */
  export const types: {
    Node: typeof core.Node
    Relationship: typeof core.Relationship
    UnboundRelationship: typeof core.UnboundRelationship
    PathSegment: typeof core.PathSegment
    Path: typeof core.Path
    Result: typeof Result
    EagerResult: typeof EagerResult
    ResultSummary: typeof core.ResultSummary
    Record: typeof core.Record
    Point: typeof core.Point
    Date: typeof core.Date
    DateTime: typeof core.DateTime
    Duration: typeof core.Duration
    LocalDateTime: typeof core.LocalDateTime
    LocalTime: typeof core.LocalTime
    Time: typeof core.Time
    Integer: typeof core.Integer
    Vector: typeof core.Vector
    UUID: typeof core.UUID
    EncryptionService: typeof core.EncryptionService
    EnvelopeEncryptionProfile: typeof core.EnvelopeEncryptionProfile
    ProtocolVersion: typeof core.ProtocolVersion
    RxSession: typeof RxSession
    RxTransaction: typeof RxTransaction
    RxManagedTransaction: typeof RxManagedTransaction
    RxResult: typeof RxResult
  }

  /** This namespace itself, for programs written as `require('neo4j-driver').v1`. */
  export { neo4j as default, neo4j as v1 }
}

export = Neo4jHA
