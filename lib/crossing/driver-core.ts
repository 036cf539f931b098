/**
 * The servers of one driver: what is known of them, the native handle to work on them, and the application's functions that choose
 * among them. `Neo4jHA` and `Driver` are its faces.
 */

import { inspect } from 'node:util'
import type { BookmarkManager } from 'neo4j-driver-core'
import type { IntegerMode } from '../codec/decode'
import { isManager, type NativeToken, nativeToken, type TokenManager, Tokens } from '../config/auth'
import { HAStrategies, Status } from '../config/constants'
import type { DriverSettings } from '../config/options'
import { type Location, locationLike, type ServedBy, type Server, type ServerInfo } from '../config/servers'
import type { Intent } from '../config/session-config'
import type { Strategy } from '../config/strategy'
import { Context } from '../context'
import { clientError, type Failure, keepThrown, messageOf } from '../errors'
import { Strategy as StrategyNumber } from '../format'
import { Shutdown } from '../shutdown'
import { BookmarkManagers, type Committed } from './bookmark-managers'
import {
  type Asked,
  type Dispatcher,
  type DriverListener,
  type TopologyView,
  theDispatcher
} from './dispatcher'
import { jsonOf } from './json'
import type { NativeDriver, NativeSession } from './native-module'
import { Numbers } from './numbers'

/** A server of a pool, as the application sees it in `servers`. */
export interface ServerEntry {
  readonly location: Location
  /** Null before the first check. */
  info: ServerInfo | null
}

/** What is to be verified. */
export interface VerifyConfig {
  /** Where no server is named: one of this database, that reads or writes. */
  database?: string
  write?: boolean
  /** Who is to be authenticated, instead of the driver's own user. */
  auth?: NativeToken
  /** A login now is wanted, not one that was done earlier. */
  login?: boolean
}

/** How many handles are kept. */
const SPARE = 1_000

export class DriverCore implements DriverListener {
  readonly dispatcher: Dispatcher
  readonly integers: IntegerMode
  readonly parametersAsNeo4jDriver: boolean
  readonly settings: DriverSettings
  /** Those of the configuration first; then those that were found. */
  readonly servers: ServerEntry[]
  readonly #byNumber: Map<number, ServerEntry>
  /** Where one of the configuration is: others are reached as it is. */
  readonly #listed: Location
  readonly #found: (entry: ServerEntry, number: number) => void
  /** The strategy functions that are the application's. */
  readonly #strategies = new Numbers<Strategy>(StrategyNumber.FIRST_FUNCTION)
  /** Of whoever makes the driver: what was given with its options is called in it. */
  readonly #context = new Context()
  /** Of the servers whose token is not always the same, by their index. */
  readonly #managers: readonly (TokenManager | undefined)[]
  readonly #tokens: Tokens
  readonly bookmarkManagers = new BookmarkManagers()
  /** Handles of sessions that are over. */
  readonly #spare: NativeSession[] = []
  readonly #native: NativeDriver
  /** Begins when the driver is closed. */
  readonly shutdown = new Shutdown()
  #closing: Promise<void> | null = null
  masterIndex = -1

  /**
   * @param entries what the application sees of the servers, in their order; their `info` is kept up to date, and those that are found
   * are added and taken out
   * @param found is told of each of these before the application sees it
   */
  constructor(
    servers: readonly Server[],
    entries: ServerEntry[],
    settings: DriverSettings,
    strategy: number | Strategy,
    found: (entry: ServerEntry, number: number) => void = () => {}
  ) {
    this.dispatcher = theDispatcher()
    this.settings = settings
    this.integers = settings.integers
    this.parametersAsNeo4jDriver = settings.parametersAsNeo4jDriver
    this.#tokens = new Tokens(settings.parametersAsNeo4jDriver)
    this.servers = entries
    this.#byNumber = new Map(entries.entries())
    this.#listed = entries[0].location
    this.#found = found
    this.#managers = servers.map(({ auth }) => (isManager(auth) ? auth : undefined))
    const config = {
      ...settings.native,
      strategy: this.#numberOf(strategy),
      servers: servers.map(({ location: { weight, zone }, http, bolt, auth, authName }) => ({
        http,
        bolt,
        weight,
        zone,
        ...(isManager(auth)
          ? { managed: true }
          : { auth: nativeToken(auth, authName, settings.parametersAsNeo4jDriver) })
      }))
    }
    this.#native = this.dispatcher.open(jsonOf(config), this)
  }

  // ---- choosing ----

  /**
   * A session for this intent. The server is chosen now, if anything is known of the servers.
   *
   * @param bookmarkManager its number, or -1
   * @param config what else differs from the driver's own settings
   */
  session(
    { write, rwMask, strategy, server }: Intent,
    database: string | undefined,
    bookmarkManager: number,
    config: object | null
  ): NativeSession {
    const native = this.#native
    let all = config
    if (typeof strategy === 'object') {
      const preferred = this.#ask(strategy, native.candidates(write, rwMask), write)
      if (typeof preferred === 'number') all = { ...config, preferred }
    }
    const number = this.#numberOf(strategy)
    const json = all === null ? null : jsonOf(all)
    const spare = this.#spare.pop()
    if (spare === undefined) {
      return native.session(write, rwMask, number, server, database, bookmarkManager, json)
    }
    native.reopen(spare, write, rwMask, number, server, database, bookmarkManager, json)
    return spare
  }

  /** A session is over, and nothing of it under way. */
  over(session: NativeSession): void {
    const isFree = session.release()
    if (isFree && this.#spare.length < SPARE && !this.isClosed) this.#spare.push(session)
  }

  /** A bookmark manager of a driver's own, which nobody else has to be asked for. */
  bookmarkManager(): BookmarkManager {
    return this.bookmarkManagers.native(number => this.#native.bookmarkManager(number))
  }

  /** The server that a session of this kind would get now. */
  choose({ write, rwMask, strategy }: Intent): ServerEntry {
    const native = this.#native
    const any = (by: number): ServerEntry =>
      this.#byNumber.get(native.choose(write, rwMask, by)) ?? this.servers[0]
    if (typeof strategy === 'number') return any(strategy)
    const chosen = this.#ask(strategy, native.candidates(write, rwMask), write)
    if (chosen instanceof Error) throw chosen
    // Where nobody is eligible, all strategies are alike.
    const entry = chosen === undefined ? undefined : this.#byNumber.get(chosen)
    return entry ?? any(HAStrategies.random)
  }

  /** Asks a strategy function: the number of a server, an error that says what was wrong, or nothing if none is eligible. */
  #ask(strategy: Strategy, numbers: readonly number[], write: boolean): number | Error | undefined {
    // One that was just found, or has just gone, is not seen yet or not any more.
    const candidates = numbers.filter(number => this.#byNumber.has(number))
    if (candidates.length === 0) return undefined
    let chosen: unknown
    try {
      chosen = strategy.choose(
        candidates.map(number => this.#byNumber.get(number)),
        write
      )
    } catch (error) {
      return clientError(`The strategy function threw: ${messageOf(error)}`, error)
    }
    // A promise is no candidate, and if it rejects, that has been said by then.
    if (chosen instanceof Promise) chosen.catch(() => {})
    const number = candidates.find(number => this.#byNumber.get(number) === chosen)
    if (number !== undefined) return number
    return clientError(
      'The strategy function must return one of its candidates, entries of servers, and did not'
    )
  }

  #numberOf(strategy: number | Strategy): number {
    return typeof strategy === 'number' ? strategy : this.#strategies.of(strategy)
  }

  // ---- work ----

  /** Resolves after the first check of all servers. */
  async ready(): Promise<void> {
    await this.dispatcher.ask(op => this.#native.ready(op))
  }

  /** Checks all servers now. */
  async check(): Promise<void> {
    await this.dispatcher.ask(op => this.#native.check(op))
  }

  /** The protocol version that is spoken with a server (-1: any). */
  negotiate(server: number): Promise<[major: number, minor: number]> {
    return this.dispatcher.ask(op => this.#native.negotiate(op, server))
  }

  /** Makes sure that a server (-1: any that may do such work) can be reached. */
  async verify(
    server: number,
    config: VerifyConfig
  ): Promise<{ address: string; version: [major: number, minor: number]; agent: string | null }> {
    const json = jsonOf(config)
    return await this.dispatcher.ask(
      op => this.#native.verify(op, server, json),
      failure => this.onFailure(failure)
    )
  }

  /** Ends everything. Work under way fails; nothing hangs. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.shutdown.begin()
    this.#spare.length = 0
    await this.dispatcher.ask(op => this.#native.close(op))
    this.dispatcher.forget(this.#native)
  }

  get isClosed(): boolean {
    return this.#closing !== null
  }

  /** What a result needs of the server that answered it: one of `servers`, or one that a routing table named. */
  servedBy(server: number, address: string): ServedBy {
    const entry = this.#byNumber.get(server)
    const [{ location: first }] = this.servers
    // One that routes has one server, which it begins with.
    const isPool = this.settings.native.mode === 'ha'
    const location = entry?.location ?? (isPool ? locationLike(first, address) : first)
    return { location, info: entry?.info ?? null }
  }

  /** A failure came from the native side. If a manager has another token than the one refused, the work may be tried again. */
  onFailure(failure: Failure): void {
    const { code, token } = failure
    if (typeof token !== 'number' || code?.startsWith('Neo.ClientError.Security.') !== true) return
    const threw = (error: unknown): void => {
      const what = 'handleSecurityException of the auth token manager'
      this.settings.log.write('warn', `${what} threw: ${messageOf(error)}`)
    }
    try {
      const answer = this.#context.run(() => this.#tokens.refused(token, code))
      if (answer === true && failure.unknownOutcome !== true) failure.retryable = true
      // An answer that is a promise comes too late: the work's error is told now.
      else if (answer instanceof Promise) answer.catch(threw)
    } catch (error) {
      failure.thrown = keepThrown(error, false)
      threw(error)
    }
  }

  // ---- what the native side says ----

  topology(view: TopologyView): void {
    const numbers = new Set<number>()
    for (const [number, news] of view.servers) {
      numbers.add(number)
      if (news === null) continue
      const { err, address, ...found } = news
      const entry = this.#byNumber.get(number) ?? this.#add(number, address)
      const failed = err !== undefined && err !== null
      // What was never checked comes as unknown, without a latency and without an error.
      if (entry.info === null && found.status === Status.unknown && found.distance < 0 && !failed) continue
      entry.info = failed ? withError(found, err) : found
    }
    for (const number of this.#byNumber.keys()) {
      if (!numbers.has(number)) this.#remove(number)
    }
    const master = this.#byNumber.get(view.master)
    this.masterIndex = master === undefined ? -1 : this.servers.indexOf(master)
  }

  /** A server was found that is not of the configuration. */
  #add(number: number, address: string): ServerEntry {
    const entry = { location: locationLike(this.#listed, address), info: null }
    this.#found(entry, number)
    this.#byNumber.set(number, entry)
    this.servers.push(entry)
    return entry
  }

  #remove(number: number): void {
    const gone = this.#byNumber.get(number)
    this.#byNumber.delete(number)
    // The list is the application's to look at, and to change.
    const place = gone === undefined ? -1 : this.servers.indexOf(gone)
    if (place >= 0) this.servers.splice(place, 1)
  }

  log(level: string, message: string): void {
    this.settings.log.write(level, message)
  }

  asked(question: number, asked: Asked): void {
    this.#context
      .run(() => this.#answer(asked))
      .then(answer => jsonOf(answer) ?? null)
      .then(
        json => this.#native.answer(question, json),
        error => {
          // A bookmark manager's error is the work's own, as in neo4j-driver.
          const thrown = keepThrown(error, asked.what === 'bookmarks')
          this.#native.answer(question, null, messageOf(error), thrown)
        }
      )
  }

  committed(committed: Committed): void {
    this.#context.run(() => this.bookmarkManagers.committed(committed))
  }

  async #answer(asked: Asked): Promise<unknown> {
    switch (asked.what) {
      case 'strategy': {
        const strategy = this.#strategies.get(asked.strategy)
        if (strategy === undefined) throw clientError('Its session is gone')
        const chosen = this.#ask(strategy, asked.candidates, asked.write)
        // What it threw itself is what the work's error is told to be caused by.
        if (chosen instanceof Error) throw chosen.cause ?? chosen
        return chosen
      }
      case 'token': {
        const manager = this.#managers[asked.server]
        return manager && (await this.#tokens.ask(manager))
      }
      case 'certificates':
        return await this.settings.clientCertificates?.get(asked.anew)
      case 'addresses':
        return this.#addresses(await this.settings.resolver?.(asked.address))
      case 'bookmarks':
        return await this.bookmarkManagers.ask(asked.manager)
    }
  }

  /** A resolver's list without what is no text, which could not cross. */
  #addresses(found: unknown): unknown {
    if (!Array.isArray(found)) return found
    return found.filter(entry => {
      if (typeof entry !== 'string')
        this.settings.log.write(
          'warn',
          `What the resolver gave is left out: a ${typeof entry} is no address.`
        )
      return typeof entry === 'string'
    })
  }
}

/** Adds an error that is made when it is looked at: most never are, and a cluster in trouble has many. */
function withError(info: ServerInfo, text: string): ServerInfo {
  let error: Error | undefined
  const err = (): Error => {
    if (error === undefined) {
      error = new Error(text)
      // Where it was looked at says nothing of where it comes from.
      error.stack = `${error}`
    }
    return error
  }
  return Object.defineProperties(info, {
    err: { get: err, enumerable: true },
    [inspect.custom]: { value: () => ({ ...info }) }
  })
}
