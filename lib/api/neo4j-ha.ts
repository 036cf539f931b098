/** The pool of HA servers: `neo4j-ha-bolt-driver`'s own class, with the names and the behaviour of 1.2.3. */

import {
  DEFAULT,
  HAReadWrite,
  HAStrategies,
  type ReadWriteConfig,
  rwMask,
  ServerType,
  Status
} from '../config/constants'
import { type HAOptions, readHAOptions, readRwConfig, readStrategy } from '../config/options'
import { type Location, readServers, type ServerInfo, type ServerLocation } from '../config/servers'
import type { AccessMode, HASessionConfig } from '../config/session-config'
import type { StrategyFunction } from '../config/strategy'
import { DriverCore, type ServerEntry } from '../crossing/driver-core'
import { throwLater } from '../event-loop'
import { Driver, sessionConfig } from './driver'
import { neo4j } from './namespace'
import { Session } from './session'

/** A server of the pool. */
export interface HAServer {
  /** Where it is, as configured. */
  readonly location: Location
  /** A driver of this one server. Closing it ends it alone. */
  readonly driver: Driver
  /** What the last check found; null before the first. */
  info: ServerInfo | null
}

type Strategy = number | string | StrategyFunction<HAServer>

/** Access to a Neo4j HA cluster: sessions on servers chosen by role, permission and strategy, with failover. */
export class Neo4jHA extends Driver {
  static readonly HAStrategies: typeof HAStrategies = HAStrategies
  static readonly HAReadWrite: typeof HAReadWrite = HAReadWrite
  static readonly Status: typeof Status = Status
  static readonly ServerType: typeof ServerType = ServerType
  static readonly driver: typeof neo4j = neo4j

  /** The servers, in the order they were given; then those that were found (`discover`), for as long as they are members. */
  readonly servers: HAServer[]
  /** Resolves after the first check of all servers, though every one be down. */
  readonly ready: Promise<void>

  /**
   * Starts to check the servers at once.
   *
   * @param servers `[httpUrl, boltUrl]`, `{url, bolt, auth}` or a Bolt URI for each; a Bolt URI alone for one
   * @param options see HAOptions; none is needed
   * @param readyCallback called without arguments after the first check of all servers
   * @throws TypeError naming the argument or option and what it takes
   */
  constructor(
    servers: string | readonly ServerLocation[],
    options?: HAOptions | null,
    readyCallback?: (() => void) | null
  ) {
    const list = readServers(servers, options?.auth)
    const settings = readHAOptions(options, list)
    if (readyCallback !== undefined && readyCallback !== null && typeof readyCallback !== 'function') {
      throw new TypeError(`readyCallback takes a function; it was of type ${typeof readyCallback}`)
    }
    const entries = list.map(server => ({ location: server.location, info: null as ServerInfo | null }))
    const core = new DriverCore(list, entries, settings, settings.strategy, withDriver)
    super({ core, server: DEFAULT, strategy: settings.strategy, settings, owned: true })
    entries.forEach(withDriver)
    this.servers = core.servers as HAServer[]
    function withDriver(entry: ServerEntry, server: number): void {
      const driver = new Driver({ core, server, strategy: DEFAULT, settings, owned: false })
      Object.assign(entry, { driver })
    }
    this.ready = core.ready()
    // Who does not look at it is not to be bothered: a driver closed before its first check never becomes ready.
    this.ready.then(
      () => {
        if (core.isClosed) return
        try {
          readyCallback?.()
        } catch (error) {
          throwLater(error)
        }
      },
      () => {}
    )
  }

  /** Index of the master in `servers`; -1 when none is known. */
  get masterIndex(): number {
    // Whoever looks at the prototype, as mock generators do, is to get an answer too.
    return (this._impl as typeof this._impl | undefined)?.target.core.masterIndex ?? -1
  }

  /** The master; undefined when none is known. */
  getMaster(): HAServer | undefined {
    return this.servers[this.masterIndex]
  }

  /**
   * Checks all servers now.
   *
   * @param done called without arguments when that is over
   */
  checkServers(done?: () => void): Promise<void> {
    const checked = this._impl.target.core.check()
    if (typeof done === 'function') checked.then(() => done(), throwLater)
    return checked
  }

  /**
   * The server that a session would get now: one of the eligible, by strategy; the master when there is none; the first server when
   * there is no master.
   */
  getDriverBaseOnStrategyAndQueryWriteState(
    canWrite?: boolean,
    rwConfig?: ReadWriteConfig | null,
    strategy?: Strategy | null
  ): HAServer {
    const access = readRwConfig(rwConfig, 'rwConfig')
    const { target } = this._impl
    const chosen = target.core.choose({
      write: Boolean(canWrite),
      rwMask: access === undefined ? DEFAULT : rwMask(access),
      strategy: readStrategy(strategy, 'strategy') ?? target.strategy,
      server: DEFAULT
    })
    return chosen as HAServer
  }

  /**
   * Opens a session. Its server is chosen now, and again before work starts when it no longer qualifies.
   *
   * @param writeLock true if at least one query will write; or a session config of `neo4j-driver`, with `rwConfig` and `strategy` besides
   * @param rwConfig what each role may be used for, instead of the driver's own
   * @param strategy how a server is picked, instead of the driver's own; 0 counts
   * @throws TypeError or Neo4jError naming what is wrong, or when the driver is closed
   */
  override session(
    writeLock?: boolean | HASessionConfig | AccessMode | null,
    rwConfig?: ReadWriteConfig | string | string[] | null,
    strategy?: Strategy | null
  ): Session {
    if (typeof writeLock === 'object' || typeof writeLock === 'string') {
      if (writeLock !== null) return new Session(this._impl.open(sessionConfig(writeLock, rwConfig), true))
    }
    const config = {
      writeLock: Boolean(writeLock),
      rwConfig: (rwConfig as ReadWriteConfig | null) ?? undefined,
      strategy: (strategy as StrategyFunction | null) ?? undefined
    }
    return new Session(this._impl.open(config, true))
  }

  /**
   * This pool as a driver of `neo4j-driver`, for libraries: its `session()` may write unless it is told otherwise. It is the same one
   * each time, and closes with the pool, as the pool closes with it.
   */
  asDriver(): Driver {
    return this._impl.sibling
  }
}
