/**
 * The native module as the surface sees it: handles and plain data. Nothing else in `lib` knows where it comes from, and
 * a test may put another one in its place.
 */

import { VERSION } from '../config/user-agent'
import { FORMAT } from '../format'
import { loadNativeModule } from './native-loader'

/** One per JavaScript environment: the queue through which everything comes back. */
export interface NativeEnvironment {
  /** `wake` is called when there is something to drain, and held with all that it reaches until {@link NativeEnvironment.rest}. */
  listen(wake: () => void): void
  /** Nobody is called any more: what comes waits. */
  rest(): void
  /** Calls `step` in no context of `AsyncLocalStorage`. */
  outside(step: () => void): void
  /** Copies whole messages into `inbox`: bytes written; 0 for none; -n when the next message alone needs n bytes. */
  drain(inbox: Uint8Array): number
  /** The environment stays alive until {@link NativeEnvironment.unref}. */
  ref(): void
  unref(): void
  /** Says DONE of `op` after so many milliseconds. */
  pause(op: number, ms: number): void
  /** Opens a driver; the JSON is made by `options.ts`. Throws where the native side refuses it. */
  open(configJson: string): NativeDriver
}

/** What a session is opened with; -1 where the driver's setting, any server, or no bookmark manager is meant. */
export type OpenedSession = [
  write: boolean,
  rwMask: number,
  strategy: number,
  server: number,
  database: string | undefined,
  bookmarkManager: number,
  configJson: string | null
]

/** The connections of one driver, and what is known of its servers. */
export interface NativeDriver {
  readonly id: number
  session(...opened: OpenedSession): NativeSession
  /** Opens one by the handle of a session that was released. */
  reopen(session: NativeSession, ...opened: OpenedSession): void
  /** A bookmark manager that is never asked: sessions are told its number, and the engine keeps what it has. */
  bookmarkManager(number: number): NativeBookmarks
  /** Index of the server that a session of this kind would get now. */
  choose(write: boolean, rwMask: number, strategy: number): number
  candidates(write: boolean, rwMask: number): number[]
  /** Answers an ASK message: as JSON, or null, why there is no answer, and the number of the error that it is. */
  answer(question: number, json: string | null, reason?: string, thrown?: number): void
  ready(op: number): void
  check(op: number): void
  close(op: number): void
  /** Shakes hands with a server (-1: any), and answers with the protocol version. Nobody is logged in. */
  negotiate(op: number, server: number): void
  /** Connects to a server (-1: any that may do what `configJson` says), and answers with its address, protocol version and agent. */
  verify(op: number, server: number, configJson: string): void
}

/** The bookmarks that a manager has. */
export interface NativeBookmarks {
  get(): string[]
  update(previous: string[], next: string[]): void
}

/** Work on one connection at a time, in the order of the calls. */
export interface NativeSession {
  run(
    op: number,
    query: string,
    params: Uint8Array,
    needs: number,
    configJson: string | null,
    txMetadata: Uint8Array | null
  ): void
  /** As `run`, in a transaction that is begun for it, and committed when all of the result was handed over; SUMMARY comes behind. */
  execute: NativeSession['run']
  begin(op: number, configJson: string | null, txMetadata: Uint8Array | null): void
  /**
   * Ends at once the query of this operation that has a transaction of its own, or the transaction that this operation began, with
   * all that was asked of it: their operations fail as aborted.
   */
  abort(op: number): void
  commit(op: number): void
  rollback(op: number): void
  close(op: number): void
  /** Room for so many more batches of the result. If `gathers`, nobody looks at a record before the end: they come when a PULL is over. */
  more(op: number, batches: number, gathers: boolean): void
  /** Copies the oldest large batch of the result into `into`. False when there is none any more: a RESTART is on its way. */
  take(op: number, into: Uint8Array): boolean
  /**
   * Says that records of a result, as it is after so many RESTARTs, are about to reach the application. False when it has begun
   * anew since: they must not.
   */
  deliver(op: number, restarts: number): boolean
  /**
   * The rest of the result is not wanted; its end still comes. If `keeps`, so does what the server was asked for already: the SUMMARY
   * says whether it was all.
   */
  cancel(op: number, keeps: boolean): void
  bookmarks(): string[]
  /** It is over, and what it was told is let go. False where batches of its results wait to be taken: the handle is not for another. */
  release(): boolean
  /** The home database of the user, if the work was routed to it; null otherwise. */
  home(): string | null
}

export interface NativeModule {
  Environment: new () => NativeEnvironment
  /** What crosses, as this module knows it; {@link FORMAT} is what this side knows. */
  FORMAT: number
  VERSION: string
}

let loaded: NativeModule | undefined

/**
 * The native module of this platform, loaded at first use.
 *
 * @throws Error that says why it cannot be loaded, or that it is of another version than this JavaScript
 */
export function nativeModule(): NativeModule {
  loaded ??= matching(loadNativeModule() as Partial<NativeModule>)
  return loaded
}

function matching(module: Partial<NativeModule>): NativeModule {
  if (module.FORMAT === FORMAT) return module as NativeModule
  const theirs = module.VERSION === undefined ? 'an unknown version' : `version ${module.VERSION}`
  throw new Error(
    `The JavaScript of neo4j-ha-bolt-driver is version ${VERSION} (format ${FORMAT}), and its native module ${theirs} ` +
      `(format ${module.FORMAT ?? 'unknown'}): they do not belong together. Install the package anew, in one version.`
  )
}

/** Puts another module in place of the native one: for tests. */
export function useNativeModule(module: NativeModule | undefined): void {
  loaded = module
}
