/** Sessions: queries and transactions in causal order, on servers chosen by intent. */

import {
  Session as CoreSession,
  EagerResult,
  type Record,
  type RecordShape,
  type Rules
} from 'neo4j-driver-core'
import { unlessAborted } from '../abort'
import { baseOf } from '../compat/core-classes'
import {
  type Checked,
  checkQuery,
  checkTxConfig,
  type Query,
  type TransactionConfig,
  type TxOptions,
  type TxSettings,
  txJson
} from '../config/query'
import type { AccessMode, SessionSettings } from '../config/session-config'
import type { DriverCore } from '../crossing/driver-core'
import type { NativeSession } from '../crossing/native-module'
import { clientError, unreadable } from '../errors'
import { keep, leaveAlone } from '../impl'
import { Collector } from '../results/collector'
import { ResultStream, type StreamOwner } from '../results/result-stream'
import { Shutdown } from '../shutdown'
import { SmallSet } from '../small-set'
import { Result } from './result'
import { type Again, type Attempt, retrying } from './retry'
import {
  ManagedTransaction,
  type Transaction,
  type TransactionOwner,
  TransactionPromise,
  TransactionState
} from './transaction'

/** Records left to the reader of an iterator at which the next batch is asked for: 30 % of a PULL, as in `neo4j-driver`. */
const LOW_WATERMARK = 0.3
const ROWS_OF_A_BATCH = 1_000

const CLOSED = Promise.resolve()

/** What does the work of a session. */
export class SessionImpl implements StreamOwner, TransactionOwner {
  static {
    leaveAlone(SessionImpl)
  }

  readonly #core: DriverCore
  readonly #settings: SessionSettings
  readonly #lowWatermark: number
  readonly #streams = new SmallSet<ResultStream>()
  readonly #shutdown = new Shutdown()
  /** For auto-commit queries and `beginTransaction`; null when none was needed yet, or its bookmarks are out of date. */
  #main: NativeSession | null = null
  #mainWrites = false
  /** The main one as it was opened with this session, to choose a server then, until anything is asked of the session. */
  #untouched: NativeSession | null = null
  /** The one that is open. */
  #transaction: TransactionState | null = null
  /** Those of which something is under way: it, and others whose end is not answered yet. */
  readonly #transactions = new SmallSet<TransactionState>()
  /** Bookmarks of the last committed work, or those the session was opened with; those of the main native session may be later. */
  #bookmarks: readonly string[]
  #closing: Promise<void> | null = null
  /** The native session opened last, and the home database of the user, once routing has found it. */
  #newest: NativeSession | null = null
  #home: string | undefined

  constructor(core: DriverCore, settings: SessionSettings) {
    this.#core = core
    this.#settings = settings
    this.#bookmarks = settings.bookmarks
    const fetchSize = settings.fetchSize ?? core.settings.fetchSize
    this.#lowWatermark = Math.floor(
      LOW_WATERMARK * (fetchSize > 0 ? Math.min(fetchSize, ROWS_OF_A_BATCH) : ROWS_OF_A_BATCH)
    )
    if (settings.chooseNow) this.#untouched = this.#theMain(settings.intent.write)
  }

  /** Whether it was opened for writing. */
  get writes(): boolean {
    return this.#settings.intent.write
  }

  // ---- work ----

  run<T extends RecordShape>(
    writes: boolean,
    query: Query,
    parameters: unknown,
    transactionConfig: TransactionConfig | undefined,
    parameterRules: Rules | undefined
  ): Result<T> {
    const { text, parameters: checked } = checkQuery(query, parameters, parameterRules)
    const options = this.#checkTxConfig(transactionConfig)
    const { signal } = options
    const refusal = this.#refusal()
    if (refusal !== null) return this.#failed<T>(text, checked, () => clientError(refusal))
    if (signal?.aborted === true) return this.#failed<T>(text, checked, () => signal.reason)
    let native: NativeSession
    try {
      native = this.#theMain(writes)
      this.#untouched = null
    } catch (error) {
      return this.#failed<T>(text, checked, () => error as Error)
    }
    const stream = new ResultStream(this.#core, this, native, text, checked)
    this.#start(stream, 'run', txJson(options), options)
    return new Result<T>(stream, this.#lowWatermark)
  }

  /** Starts a query that has a transaction of its own. */
  #start(
    stream: ResultStream,
    how: 'run' | 'execute',
    configJson: string | null,
    { metadata, signal }: TxOptions
  ): void {
    this.#streams.add(stream)
    stream.start(configJson, metadata, how)
    if (signal !== undefined) stream.abortBy(signal, () => stream.native.abort(stream.op))
  }

  begin(writes: boolean, transactionConfig: TransactionConfig | undefined): TransactionPromise {
    const options = this.#checkTxConfig(transactionConfig)
    this.#assertFree()
    const native = this.#theMain(writes)
    this.#untouched = null
    return new TransactionPromise(this.#begin(native, options, undefined))
  }

  /** As a transaction function, for one query, which is sent together with BEGIN: one exchange less. */
  executePipelined<T>(
    mode: AccessMode,
    work: (transaction: ManagedTransaction) => Promise<T>,
    transactionConfig: TransactionConfig | undefined
  ): Promise<T> {
    return this.execute(mode, tx => work(new ManagedTransaction(tx)), transactionConfig, PIPELINED)
  }

  /**
   * One query, whose transaction the engine begins and commits: nobody has a say in it but who aborts it. Tried again as transaction
   * functions are.
   *
   * @returns all of the result, once it is committed
   */
  executeWhole(
    mode: AccessMode,
    { text, parameters }: Checked,
    transactionConfig: TransactionConfig | undefined
  ): Promise<EagerResult> {
    const options = this.#checkTxConfig(transactionConfig)
    return this.#retrying(async (opened, again) => {
      const stream = new ResultStream(this.#core, this, this.#another(mode === 'WRITE'), text, parameters)
      this.#start(stream, 'execute', txJson(options, settingsOf(WHOLE, again)), options)
      const collector = new Collector<Record>()
      stream.attach(collector)
      try {
        const { records, summary } = await collector.promise
        return new EagerResult(stream.keys as string[], records, summary)
      } catch (error) {
        if (stream.keys !== null) opened()
        const isDone = await new Promise(resolve => {
          stream.whenEnded(
            () => resolve(true),
            () => resolve(false)
          )
        })
        throw isDone ? unreadable(error) : error
      }
    }, options.signal)
  }

  /** Those of the last work that was committed, or those it was opened with. */
  lastBookmarks(): string[] {
    return [...this.#latestBookmarks()]
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  // ---- what ended ----

  ended(stream: ResultStream): void {
    this.#streams.delete(stream)
  }

  transactionEnded(): void {
    this.#transaction = null
  }

  transactionOver(state: TransactionState): void {
    this.#transactions.delete(state)
  }

  committed(native: NativeSession): void {
    if (native === this.#main) return
    this.#bookmarks = this.#bookmarksOf(native)
    this.#main = null
  }

  // ---- native sessions ----

  #theMain(writes: boolean): NativeSession {
    if (this.#main === null || this.#mainWrites !== writes) {
      this.#mainWrites = writes
      this.#main = this.#open(writes)
    }
    return this.#main
  }

  /**
   * A native session for a transaction of its own. The first is the one whose server was chosen when this session was opened: a
   * second choice would be another turn.
   */
  #another(write: boolean): NativeSession {
    const chosen = this.#untouched
    this.#untouched = null
    if (chosen === null || chosen !== this.#main || this.#mainWrites !== write) return this.#open(write)
    this.#main = null
    return chosen
  }

  #latestBookmarks(): readonly string[] {
    return this.#main === null ? this.#bookmarks : this.#bookmarksOf(this.#main)
  }

  #bookmarksOf(native: NativeSession): readonly string[] {
    const bookmarks = native.bookmarks()
    return bookmarks.length > 0 ? bookmarks : this.#bookmarks
  }

  /** A native session that goes on from the last bookmarks. */
  #open(write: boolean): NativeSession {
    const core = this.#core
    const intent = { ...this.#settings.intent, write }
    this.#home ??= this.#newest?.home() ?? undefined
    this.#bookmarks = this.#latestBookmarks()
    const { database, bookmarkManager } = this.#settings
    const manager = bookmarkManager === undefined ? -1 : core.bookmarkManagers.numberOf(bookmarkManager)
    this.#newest = core.session(intent, database, manager, this.#config())
    return this.#newest
  }

  /** What else differs from the driver's own settings. */
  #config(): object | null {
    const bookmarks = this.#ownBookmarks()
    const { impersonatedUser, fetchSize, notificationFilter, disableAutoCommitRetries, auth } = this.#settings
    if (
      impersonatedUser === undefined &&
      fetchSize === undefined &&
      notificationFilter === undefined &&
      disableAutoCommitRetries === undefined &&
      this.#home === undefined &&
      auth === undefined &&
      bookmarks.length === 0
    ) {
      return null
    }
    return {
      impersonatedUser,
      fetchSize,
      notificationFilter,
      disableAutoCommitRetries,
      home: this.#home,
      bookmarks,
      auth
    }
  }

  /** The last bookmarks; beside those of a manager only what the session was opened with, until some work has followed on them. */
  #ownBookmarks(): readonly string[] {
    const { bookmarkManager, bookmarks: configured } = this.#settings
    const isOwn = bookmarkManager === undefined || isSame(this.#bookmarks, configured)
    return isOwn ? this.#bookmarks : NO_BOOKMARKS
  }

  // ---- transactions ----

  #begin(native: NativeSession, options: TxOptions, settings: TxSettings | undefined): TransactionState {
    const state = new TransactionState(this.#core, this, native, this.#lowWatermark, options.signal)
    this.#transaction = state
    this.#transactions.add(state)
    state.begin(options, settings)
    return state
  }

  /** A transaction function. */
  execute<T>(
    mode: AccessMode,
    work: (transaction: Transaction) => T | Promise<T>,
    transactionConfig: TransactionConfig | undefined,
    settings: TxSettings = FUNCTION
  ): Promise<T> {
    const options = this.#checkTxConfig(transactionConfig)
    const { signal } = options
    const { shutdown } = this.#core
    const attempt: Attempt<T> = async (opened, again) => {
      this.#assertFree()
      const state = this.#begin(this.#another(mode === 'WRITE'), options, settingsOf(settings, again))
      const begun = new TransactionPromise(state)
      const isPipelined = settings.pipelined === true
      const transaction = isPipelined ? begun : await begun
      if (!isPipelined) opened()
      const unwatch = shutdown.watch(() => state.whenIdle().then(() => state.abandon('driver')))
      let result: T
      try {
        const working = unlessAborted(Promise.resolve(work(transaction)), signal)
        result = await state.unlessAbandoned(working)
        opened()
      } catch (error) {
        if (state.isOpen) await state.rollback().catch(() => {})
        throw error
      } finally {
        unwatch()
      }
      state.throwUnseen()
      if (state.isOpen) await state.commit()
      return result
    }
    return this.#retrying(attempt, signal)
  }

  #retrying<T>(attempt: Attempt<T>, signal: AbortSignal | undefined): Promise<T> {
    const { settings: driver, shutdown, dispatcher } = this.#core
    const ends = { signal, session: this.#shutdown, driver: shutdown }
    const patience = { maxTime: driver.maxTransactionRetryTime, hasOthers: driver.native.mode !== 'direct' }
    return retrying(attempt, patience, ends, dispatcher)
  }

  #checkTxConfig(config: TransactionConfig | undefined): TxOptions {
    return checkTxConfig(config, this.#core.parametersAsNeo4jDriver)
  }

  #assertFree(): void {
    if (this.#closing !== null) throw clientError('Cannot begin a transaction on a closed session.')
    if (this.#transaction !== null) {
      throw clientError(
        'You cannot begin a transaction on a session with an open transaction; either run from within the transaction or use a ' +
          'different session.'
      )
    }
  }

  #refusal(): string | null {
    if (this.#closing !== null) return 'Cannot run query in a closed session.'
    if (this.#transaction !== null) {
      return (
        'Queries cannot be run directly on a session with an open transaction; either run from within the transaction or use a ' +
        'different session.'
      )
    }
    return null
  }

  #failed<T extends RecordShape>(text: string, parameters: object, make: () => Error): Result<T> {
    const stream = new ResultStream(this.#core, NOBODY, NEVER, text, parameters)
    stream.fail(make)
    return new Result<T>(stream, this.#lowWatermark)
  }

  #close(): Promise<void> {
    this.#shutdown.begin()
    return this.#transaction === null ? this.#end() : this.#transaction.whenIdle().then(() => this.#end())
  }

  #end(): Promise<void> {
    if (this.#streams.isEmpty && this.#transactions.isEmpty) {
      this.#letGo()
      return CLOSED
    }
    const busy = new Set<NativeSession>()
    for (const stream of this.#streams.members()) {
      busy.add(stream.native)
      stream.discard('when its session was closed')
    }
    const transactions = this.#transactions.members()
    for (const transaction of transactions) {
      busy.add(transaction.native)
      transaction.abandon('session')
    }
    return this.#endOf(busy, transactions)
  }

  /** The native session can be another's. */
  #letGo(): void {
    if (this.#newest === null) return
    this.#bookmarks = this.#latestBookmarks()
    this.#core.over(this.#newest)
    this.#main = null
    this.#untouched = null
    this.#newest = null
  }

  async #endOf(busy: Iterable<NativeSession>, transactions: readonly TransactionState[]): Promise<void> {
    // Whoever begins to read in this turn is in time: only then is known what is to be discarded.
    await null
    await null
    const dispatcher = this.#core.dispatcher
    await Promise.all(
      Array.from(busy, native => dispatcher.ask<void>(op => native.close(op)).catch(() => {}))
    )
    for (const transaction of transactions) transaction.letGo()
  }
}

/** What TELEMETRY hears of transaction functions. */
const FUNCTION: TxSettings = Object.freeze({ api: 0 })
const WHOLE: TxSettings = Object.freeze({ api: 3 })
const PIPELINED: TxSettings = Object.freeze({ ...WHOLE, pipelined: true })

/** Those of another attempt: its beginning has less time, and a server that was told of the interface is not told again. */
function settingsOf(settings: TxSettings, again: Again | undefined): TxSettings {
  if (again === undefined) return settings
  const { left, told } = again
  return { ...settings, api: told ? null : settings.api, retryTime: Math.max(0, Math.round(left)) }
}

const NO_BOOKMARKS: readonly string[] = Object.freeze([])

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((bookmark, i) => bookmark === others[i])
}

/** For results that never started. */
const NOBODY: StreamOwner = { ended() {} }
const NEVER = { cancel() {}, more() {} } as unknown as NativeSession

/** A unit of causally ordered work. Not to be shared between concurrent pieces of work, though several queries at once do work. */
export class Session extends baseOf(CoreSession) {
  /** @internal */
  declare readonly _impl: SessionImpl
  /** Whether this session may write: what it was opened with. */
  writeLock: boolean

  /** @internal */
  constructor(impl: SessionImpl) {
    super()
    keep(this, impl)
    this.writeLock = impl.writes
  }

  /**
   * Runs a query as a transaction of its own. It starts before this returns, without anybody awaiting it; several can be under way
   * at once, and are done in the order of the calls.
   *
   * @param query Cypher, or `{text, parameters}`
   * @param parameters its parameters, by name
   * @param transactionConfig timeout and metadata of this query, and a signal that aborts it
   * @param parameterRules how to check and convert the parameters
   * @throws TypeError when it is no query, or the parameters are no object
   */
  override run<T extends RecordShape = RecordShape>(
    query: Query,
    parameters?: unknown,
    transactionConfig?: TransactionConfig,
    parameterRules?: Rules
  ): Result<T> {
    return this._impl.run<T>(this.writeLock, query, parameters, transactionConfig, parameterRules)
  }

  /**
   * Begins a transaction, which can be used without awaiting this. A session has one transaction at a time.
   *
   * @throws Neo4jError when the session is closed or has an open transaction
   */
  override beginTransaction(transactionConfig?: TransactionConfig): TransactionPromise {
    return this._impl.begin(this.writeLock, transactionConfig)
  }

  /**
   * Runs a transaction function on a server that may read; commits when its promise resolves, rolls back when it rejects. Errors
   * that another attempt may cure make it run again, from the start and on a server chosen anew: after 1 s, then twice as long each
   * time, by 20 % more or less, for `maxTransactionRetryTime` (30 s). Never after a commit whose outcome is unknown.
   *
   * @returns what the function's promise resolves to
   */
  override executeRead<T>(
    work: (transaction: ManagedTransaction) => T | Promise<T>,
    transactionConfig?: TransactionConfig
  ): Promise<T> {
    return this._impl.execute('READ', tx => work(new ManagedTransaction(tx)), transactionConfig)
  }

  /** As {@link Session.executeRead}, on a server that may write. */
  override executeWrite<T>(
    work: (transaction: ManagedTransaction) => T | Promise<T>,
    transactionConfig?: TransactionConfig
  ): Promise<T> {
    return this._impl.execute('WRITE', tx => work(new ManagedTransaction(tx)), transactionConfig)
  }

  /** @deprecated Use {@link Session.executeRead}. The function gets a transaction that it may commit or roll back itself. */
  readTransaction<T>(
    work: (transaction: Transaction) => T | Promise<T>,
    transactionConfig?: TransactionConfig
  ): Promise<T> {
    return this._impl.execute('READ', work, transactionConfig)
  }

  /** @deprecated Use {@link Session.executeWrite}. The function gets a transaction that it may commit or roll back itself. */
  writeTransaction<T>(
    work: (transaction: Transaction) => T | Promise<T>,
    transactionConfig?: TransactionConfig
  ): Promise<T> {
    return this._impl.execute('WRITE', work, transactionConfig)
  }

  /** Bookmarks of the last work that was committed, or those the session was opened with. */
  override lastBookmarks(): string[] {
    return this._impl.lastBookmarks()
  }

  /** The last bookmark; null when there is none. A name of 1.x: see {@link Session.lastBookmarks}. */
  lastBookmark(): string | null {
    return this.lastBookmarks().at(-1) ?? null
  }

  /**
   * Ends the session. What is under way is finished, and settles with what happened: results that are awaited or subscribed to are read
   * to their end, a commit is waited for, and a transaction goes on for as long as somebody waits for its queries. One that is open
   * behind that is rolled back, and its transaction function rejects. Of other results the rest is discarded, and whoever reads on gets
   * an error. Calling it twice is fine.
   *
   * @param callback called when it is done, as in 1.x; what it throws rejects the promise of this call
   */
  override close(callback?: () => void): Promise<void> {
    const closed = this._impl.close()
    return typeof callback === 'function' ? closed.then(() => callback()) : closed
  }

  override [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
