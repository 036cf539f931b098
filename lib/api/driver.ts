/** A driver of one server, of the members of a cluster that routes, or of one server of a pool. */

import {
  type BookmarkManager,
  Driver as CoreDriver,
  type EagerResult,
  type EncryptionService,
  type ProtocolVersion,
  type Rules,
  resultTransformers,
  ServerInfo
} from 'neo4j-driver-core'
import { baseOf } from '../compat/core-classes'
import { plainTokenOf, type Token } from '../config/auth'
import { DEFAULT } from '../config/constants'
import { asObject } from '../config/option-values'
import { type DriverSettings, readDriverOptions } from '../config/options'
import { checkQuery, type Query, type TransactionConfig } from '../config/query'
import { readBolt, readServers, type Server } from '../config/servers'
import {
  type AccessMode,
  type HASessionConfig,
  readSessionConfig,
  type SessionConfig
} from '../config/session-config'
import type { Strategy } from '../config/strategy'
import { DriverCore, type ServerEntry, type VerifyConfig } from '../crossing/driver-core'
import { clientError } from '../errors'
import { keep, leaveAlone } from '../impl'
import { protocolVersion } from '../results/summary'
import type { Result } from './result'
import { RxSession } from './rx/session'
import { Session, SessionImpl } from './session'

/** How `executeQuery` does its work. */
export interface QueryConfig<T> {
  /** `READ` or `WRITE`, which is the default. */
  routing?: AccessMode
  database?: string
  impersonatedUser?: string
  /** Default: the driver's own, `executeQueryBookmarkManager`. Null: none. */
  bookmarkManager?: BookmarkManager | null
  /** Default: all records, in an `EagerResult`. */
  resultTransformer?: (result: Result) => Promise<T>
  transactionConfig?: TransactionConfig
  auth?: Token
  /** Its abort rejects the promise at once, and ends the work. */
  signal?: AbortSignal
}

/** Where the driver works: what it shares with others of the same servers, and one of its servers or none in particular. */
export interface Target {
  core: DriverCore
  /** Index of the one server, or -1. */
  server: number
  /** How one of its servers is picked. */
  strategy: number | Strategy
  settings: DriverSettings
  /** Closing this driver closes the core. */
  owned: boolean
}

const ANY = -1
const EAGER: unknown = resultTransformers.eager()
const VERSION_OF = {
  transactionConfig: 3 << 8,
  multiDb: 4 << 8,
  impersonation: (4 << 8) | 4,
  sessionAuth: (5 << 8) | 1
}

/** What does the work of a driver. */
class DriverImpl {
  static {
    leaveAlone(DriverImpl)
  }

  readonly target: Target
  #executeQueryBookmarkManager: BookmarkManager | undefined
  #sibling: Driver | undefined
  #closing: Promise<void> | null = null

  constructor(target: Target) {
    this.target = target
  }

  open(config: HASessionConfig, chooseNow: boolean): SessionImpl {
    this.assertOpen()
    const { core, server, settings, strategy } = this.target
    const { parametersAsNeo4jDriver, log } = settings
    return new SessionImpl(
      core,
      readSessionConfig(config, strategy, server, chooseNow, parametersAsNeo4jDriver, log)
    )
  }

  assertOpen(): void {
    if (this.#closing !== null || this.target.core.isClosed) throw clientError('The driver is closed.')
  }

  get executeQueryBookmarkManager(): BookmarkManager {
    this.#executeQueryBookmarkManager ??= this.target.core.bookmarkManager()
    return this.#executeQueryBookmarkManager
  }

  /** Another driver of the same: always the same one. */
  get sibling(): Driver {
    this.#sibling ??= new Driver(this.target)
    return this.#sibling
  }

  close(): Promise<void> {
    this.#closing ??= this.target.owned ? this.target.core.close() : Promise.resolve()
    return this.#closing
  }

  async verify(
    config: VerifyConfig = {}
  ): Promise<{ address: string; version: ProtocolVersion; agent: string | null }> {
    this.assertOpen()
    const { address, version, agent } = await this.target.core.verify(this.target.server, config)
    return { address, version: protocolVersion((version[0] << 8) | version[1]), agent }
  }

  async version(): Promise<ProtocolVersion> {
    this.assertOpen()
    const [major, minor] = await this.target.core.negotiate(this.target.server)
    return protocolVersion((major << 8) | minor)
  }

  async supports(least: number): Promise<boolean> {
    return (await this.version()).isGreaterOrEqualTo(protocolVersion(least))
  }
}

/** A driver: opens sessions, and closes the connections behind them. Programs have one for each database they talk to. */
export class Driver extends baseOf(CoreDriver) {
  /** @internal */
  declare readonly _impl: DriverImpl
  /** Encrypts and decrypts property values on this side, by the profiles of the option `encryptionProfiles`. */
  override readonly encryption: EncryptionService

  /** @internal */
  constructor(target: Target) {
    super()
    keep(this, new DriverImpl(target))
    this.encryption = target.settings.encryption
    Object.defineProperty(this, 'encryption', { enumerable: false })
  }

  /**
   * Opens a session.
   *
   * @param config as in `neo4j-driver`; or, as in 1.x, the access mode, with bookmarks behind it
   * @throws Neo4jError when the driver is closed, or an option is wrong
   */
  override session(
    config?: SessionConfig | AccessMode | null,
    bookmarks?: string | string[] | null
  ): Session {
    return new Session(this._impl.open(sessionConfig(config, bookmarks), false))
  }

  /**
   * Opens a session whose work is observables. Needs the package `rxjs`.
   *
   * @param config as of {@link Driver.session}
   * @throws Error when `rxjs` is not installed; Neo4jError when the driver is closed, or an option is wrong
   */
  rxSession(config?: HASessionConfig | null): RxSession {
    return new RxSession(this.session(config ?? {}), this._impl.target.settings.parametersAsNeo4jDriver)
  }

  /** What chains the queries of `executeQuery` causally, unless they are told otherwise. */
  override get executeQueryBookmarkManager(): BookmarkManager {
    // Whoever looks at the prototype, as mock generators do, is to get an answer too.
    return (this._impl as DriverImpl | undefined)?.executeQueryBookmarkManager as BookmarkManager
  }

  /**
   * Runs one query in a transaction of its own, with the retries of a transaction function.
   *
   * @returns what `resultTransformer` makes of the result: all of it, by default
   */
  override async executeQuery<T = EagerResult>(
    query: Query,
    parameters?: unknown,
    config: QueryConfig<T> = {},
    parameterRules?: Rules
  ): Promise<T> {
    const { routing = 'WRITE', database, impersonatedUser, auth, signal } = config
    if (routing !== 'READ' && routing !== 'WRITE')
      throw clientError(`Illegal query routing config: "${routing}"`)
    const session = this._impl.open(
      {
        database,
        impersonatedUser,
        auth,
        bookmarkManager:
          config.bookmarkManager === null
            ? undefined
            : (config.bookmarkManager ?? this.executeQueryBookmarkManager),
        defaultAccessMode: routing
      },
      false
    )
    try {
      const transactionConfig =
        signal === undefined
          ? config.transactionConfig
          : { ...asObject(config.transactionConfig, 'transactionConfig'), signal }
      const transform = (config.resultTransformer ?? EAGER) as (result: unknown) => Promise<T>
      if (transform === EAGER) {
        const checked = checkQuery(query, parameters, parameterRules)
        return (await session.executeWhole(routing, checked, transactionConfig)) as T
      }
      return await session.executePipelined(
        routing,
        tx => transform(tx.run(query, parameters, parameterRules)),
        transactionConfig
      )
    } finally {
      const closed = session.close()
      if (signal?.aborted !== true) await closed
    }
  }

  /** Makes sure that a server can be reached and authenticates us. Rejects with the reason if not. */
  override async verifyConnectivity(config?: { database?: string }): Promise<void> {
    await this.getServerInfo(config)
  }

  /** What a server says of itself. */
  override async getServerInfo({ database }: { database?: string } = {}): Promise<ServerInfo> {
    const { address, version, agent } = await this._impl.verify({ database })
    return new ServerInfo({ address, version: agent ?? undefined }, version)
  }

  /**
   * Whether a server authenticates us.
   *
   * @param config `auth`: who is to be authenticated, instead of the driver's own
   */
  override async verifyAuthentication({
    auth,
    database
  }: {
    auth?: Token
    database?: string
  } = {}): Promise<boolean> {
    try {
      const { parametersAsNeo4jDriver } = this._impl.target.settings
      await this._impl.verify({
        auth: plainTokenOf(auth, 'auth', parametersAsNeo4jDriver),
        database,
        login: true
      })
      return true
    } catch (error) {
      if (REFUSED.includes((error as { code?: string }).code ?? '')) return false
      throw error
    }
  }

  /** Whether the server has several databases: Bolt 4.0 and later. */
  override supportsMultiDb(): Promise<boolean> {
    return this._impl.supports(VERSION_OF.multiDb)
  }

  /** Whether the server takes timeout and metadata of transactions: Bolt 3 and later. */
  override supportsTransactionConfig(): Promise<boolean> {
    return this._impl.supports(VERSION_OF.transactionConfig)
  }

  /** Whether the server lets one user act as another: Bolt 4.4 and later. */
  override supportsUserImpersonation(): Promise<boolean> {
    return this._impl.supports(VERSION_OF.impersonation)
  }

  /** Whether the server lets a session have an auth of its own: Bolt 5.1 and later. */
  override supportsSessionAuth(): Promise<boolean> {
    return this._impl.supports(VERSION_OF.sessionAuth)
  }

  /** The Bolt version that is spoken with the server. It takes no authentication. */
  override getNegotiatedProtocolVersion(): Promise<ProtocolVersion> {
    return this._impl.version()
  }

  /** Whether connections are encrypted. */
  override isEncrypted(): boolean {
    return this._impl.target.settings.encrypted
  }

  /** Ends all sessions and closes all connections. Work under way fails; nothing hangs. Calling it twice is fine. */
  override close(): Promise<void> {
    return this._impl.close()
  }

  override [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const REFUSED: readonly string[] = [
  'Neo.ClientError.Security.Unauthorized',
  'Neo.ClientError.Security.CredentialsExpired',
  'Neo.ClientError.Security.Forbidden',
  'Neo.ClientError.Security.TokenExpired'
]

/** `session(mode, bookmarks)` of 1.x, and `session(config)`, as a config. */
export function sessionConfig(
  config: SessionConfig | AccessMode | null | undefined,
  bookmarks: unknown
): SessionConfig {
  if (config === undefined || config === null)
    return bookmarks === undefined ? {} : { bookmarks: bookmarks as string[] }
  if (typeof config === 'string')
    return { defaultAccessMode: config, bookmarks: bookmarks as string[] | undefined }
  if (typeof config !== 'object')
    throw clientError(`session() takes a session config; it was ${typeof config}`)
  return config
}

/**
 * A driver of one server (the `bolt` schemes), or of a cluster that routes (the `neo4j` schemes).
 *
 * @param uri `bolt://host:port`, `neo4j://host:port?key=value` with a routing context, or either with `+s` or `+ssc` for TLS;
 * the port is 7687 by default
 * @param auth a token of `neo4j.auth`, or a token manager; nothing for servers without authentication
 * @throws TypeError naming the argument or option and what it takes
 */
export function driver(uri: string, auth?: unknown, config?: unknown): Driver {
  if (typeof uri !== 'string')
    throw new TypeError(`"Bolt URL" expected to be string but was: ${JSON.stringify(uri)}`)
  // To be called by its own name in errors: below, it is the first of a list.
  readBolt(uri.trim(), 'Bolt URL')
  const servers = readServers([uri], auth)
  return driverOf(servers[0], readDriverOptions(config, servers, 'config'))
}

/** A driver of the one server, or of the cluster that it is a member of: as the scheme of its URI says. */
function driverOf(server: Server, settings: DriverSettings): Driver {
  const entries: ServerEntry[] = [{ location: server.location, info: null }]
  const { routing, query } = server.uri
  const mode = routing
    ? { mode: 'routing', routingContext: Object.entries(query), resolver: settings.resolver !== undefined }
    : { mode: 'direct' }
  const core = new DriverCore([server], entries, { ...settings, native: { ...settings.native, ...mode } }, 0)
  return new Driver({ core, server: ANY, strategy: DEFAULT, settings, owned: true })
}

/**
 * Whether a server answers at this URI, whoever asks.
 *
 * @returns true; rejects with the reason when it does not
 */
export async function hasReachableServer(uri: string, config?: unknown): Promise<true> {
  const open = driver(uri, { scheme: 'none', principal: '', credentials: '' }, config)
  try {
    await open.getNegotiatedProtocolVersion()
    return true
  } finally {
    await open.close()
  }
}
