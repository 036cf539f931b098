/** Explicit transactions. */

import {
  ManagedTransaction as CoreManagedTransaction,
  type Transaction as CoreTransaction,
  TransactionPromise as CoreTransactionPromise,
  type RecordShape,
  type Rules
} from 'neo4j-driver-core'
import { type Unwatch, watch } from '../abort'
import type { IntegerMode } from '../codec/decode'
import { baseOf } from '../compat/core-classes'
import { checkQuery, type Query, type TxOptions, type TxSettings, txJson } from '../config/query'
import type { ServedBy } from '../config/servers'
import type { Dispatcher, Operation } from '../crossing/dispatcher'
import type { Inbox } from '../crossing/inbox'
import type { NativeSession } from '../crossing/native-module'
import { Aborted, abortedBy, clientError, errorOf, type Failure, rejectLater } from '../errors'
import { Message } from '../format'
import { keep, leaveAlone } from '../impl'
import { ResultStream, type StreamHost, type StreamOwner } from '../results/result-stream'
import { Result } from './result'

type Status = 'open' | 'failed' | 'aborted' | 'committed' | 'rolled back' | 'closed'

/** Why a transaction that is not open any more refuses work, in the words of `neo4j-driver`. */
const BECAUSE: { readonly [status in Exclude<Status, 'open'>]: string } = {
  failed: 'it has been rolled back either because of an error or explicit termination',
  aborted: 'it was aborted by its signal',
  committed: 'it has already been committed',
  'rolled back': 'it has already been rolled back',
  closed: 'it was rolled back when its session or driver was closed'
}

/** What a transaction tells its session. */
export interface TransactionOwner {
  /** Nothing more can be asked of it: another one may begin. */
  transactionEnded(): void
  /** It was committed: its bookmarks count. */
  committed(native: NativeSession): void
  /** Nothing more of it is under way. */
  transactionOver(state: TransactionState): void
}

/** The state of a transaction, shared by the objects that stand for it. */
export class TransactionState implements StreamOwner, StreamHost, Operation {
  static {
    leaveAlone(TransactionState)
  }

  readonly #host: StreamHost
  readonly lowWatermark: number
  readonly native: NativeSession
  readonly #owner: TransactionOwner
  readonly #signal: AbortSignal | undefined
  readonly #streams = new Set<ResultStream>()
  /** Number of the operation that begins it. */
  #op = 0
  #status: Status = 'open'
  #begun = false
  /** Why it could not begin. */
  #failure: (() => Error) | null = null
  #error: Error | null = null
  #reported: Failure | null = null
  #waiting: BeginWatcher[] = []
  #promise: Promise<Transaction> | null = null
  /** The rollback that follows a failure: frees the connection. */
  #cleaning: Promise<void> | null = null
  /** The result whose failure ended it. */
  #culprit: ResultStream | null = null
  /** What a transaction function is told whose session or driver was closed. */
  #abandoned: Error | null = null
  /** Ends the wait for a transaction function. */
  #interrupt: ((error: Error) => void) | null = null
  #idle: Promise<void> | null = null
  /** Wakes who waits for {@link whenIdle}. */
  #progress: (() => void) | null = null
  #unwatch: Unwatch | null = null

  constructor(
    host: StreamHost,
    owner: TransactionOwner,
    native: NativeSession,
    lowWatermark: number,
    signal: AbortSignal | undefined
  ) {
    this.#host = host
    this.#owner = owner
    this.native = native
    this.lowWatermark = lowWatermark
    this.#signal = signal
  }

  get dispatcher(): Dispatcher {
    return this.#host.dispatcher
  }

  get parametersAsNeo4jDriver(): boolean {
    return this.#host.parametersAsNeo4jDriver
  }

  get integers(): IntegerMode {
    return this.#host.integers
  }

  servedBy(server: number, address: string): ServedBy {
    return this.#host.servedBy(server, address)
  }

  get isOpen(): boolean {
    return this.#status === 'open'
  }

  // ---- begin ----

  /** What is asked from now on waits behind BEGIN; if that fails, it gets the same error. */
  begin(options: TxOptions, settings: TxSettings | undefined): void {
    if (this.#signal?.aborted === true) {
      this.#refuse(this.#signal.reason)
      return
    }
    this.#op = this.dispatcher.begin(this)
    if (this.#signal !== undefined) this.#unwatch = watch(this.#signal, reason => this.#abort(reason))
    try {
      this.native.begin(this.#op, txJson(options, settings), options.metadata)
    } catch (error) {
      this.dispatcher.fail(this.#op, () => error as Error)
    }
  }

  receive(kind: number, inbox: Inbox, at: number): void {
    if (this.#failure !== null) return
    if (kind === Message.Failure) {
      const failure = inbox.json(at, 0, inbox.arg(at)) as Failure
      this.onFailure(failure)
      this.fail(() => errorOf(failure))
      return
    }
    this.#begun = true
    this.served()
    for (const { begun } of this.#waiting) begun()
    this.#waiting = []
  }

  fail(make: () => Error): void {
    if (this.#failure !== null) return
    this.#failure = make
    this.#fail()
    for (const { failed } of this.#waiting) failed(() => this.#beginError())
    this.#waiting = []
  }

  whenBegun(begun: () => void, failed: (error: () => Error) => void): void {
    if (this.#begun) begun()
    else if (this.#failure !== null) failed(() => this.#beginError())
    else this.#waiting.push({ begun, failed })
  }

  /** The transaction, when it has begun. */
  promise(): Promise<Transaction> {
    this.#promise ??= new Promise(resolve => {
      this.whenBegun(
        () => resolve(new Transaction(this)),
        error => rejectLater(resolve, error)
      )
    })
    return this.#promise
  }

  #beginError(): Error {
    this.#error ??= (this.#failure as () => Error)()
    return this.#error
  }

  /** All that was asked of a transaction that failed gets the same error: it is news once. */
  onFailure(failure: Failure): void {
    if (this.#reported?.code === failure.code) {
      failure.retryable = this.#reported?.retryable
      return
    }
    this.#reported = failure
    this.#host.onFailure(failure)
  }

  // ---- work ----

  run(text: string, parameters: object): ResultStream {
    const stream = new ResultStream(this, this, this.native, text, parameters)
    if (this.#status === 'open') {
      this.#streams.add(stream)
      stream.start(null, null)
      if (this.#signal !== undefined) stream.abortBy(this.#signal)
    } else {
      const refusal = this.#refusal('run query in')
      stream.fail(() => refusal)
    }
    return stream
  }

  ended(stream: ResultStream): void {
    this.#streams.delete(stream)
    this.served()
  }

  failed(stream: ResultStream): void {
    this.#culprit ??= stream
    this.#fail()
  }

  served(): void {
    this.#progress?.()
  }

  /** The server has rolled back, or will: nothing more can be done in this transaction. */
  #fail(): void {
    if (!this.isOpen) return
    this.#finish('rollback', 'failed')
    this.#cleanUp()
  }

  /** The rollback that follows: nobody waits for it. */
  #cleanUp(): void {
    this.#cleaning = this.dispatcher
      .ask<void>(op => this.native.rollback(op))
      .catch(() => {})
      .finally(() => this.letGo())
    this.#owner.transactionOver(this)
  }

  // ---- abort ----

  /** A commit under way is told of it by the native side, which knows how far it got. */
  #abort(reason: unknown): void {
    const isEnded = this.isOpen
    if (isEnded) this.#finish('rollback', 'aborted')
    if (!this.#begun) this.fail(() => reason as Error)
    for (const stream of [...this.#streams]) stream.abort(reason)
    this.native.abort(this.#op)
    if (!isEnded) return
    this.#cleanUp()
  }

  /** It was aborted before anything was sent. */
  #refuse(reason: unknown): void {
    this.#finish('rollback', 'aborted')
    this.#failure = () => reason as Error
    this.letGo()
  }

  /** It is over: the signal has nothing more to end. */
  letGo(): void {
    this.#unwatch?.()
    this.#unwatch = null
    this.#owner.transactionOver(this)
  }

  // ---- ends ----

  async commit(): Promise<void> {
    this.#finish('commit', 'committed')
    this.#discard('when its transaction was committed')
    try {
      await this.dispatcher.ask(
        op => this.native.commit(op),
        failure => this.onFailure(failure)
      )
      this.#owner.committed(this.native)
    } catch (error) {
      if (!(error instanceof Aborted)) throw error
      throw abortedBy((this.#signal as AbortSignal).reason, error)
    } finally {
      this.letGo()
    }
  }

  async rollback(): Promise<void> {
    if (this.#status === 'failed' || this.#status === 'aborted') {
      await this.#cleaning
      return
    }
    this.#finish('rollback', 'rolled back')
    this.#discard('when its transaction was rolled back')
    try {
      await this.dispatcher.ask(
        op => this.native.rollback(op),
        failure => this.onFailure(failure)
      )
    } catch (error) {
      // What has not begun needs no rollback.
      if (this.#failure === null) throw error
    } finally {
      this.letGo()
    }
  }

  async close(): Promise<void> {
    if (this.isOpen) await this.rollback()
  }

  /** Resolves when it has ended, or nobody waits for anything of it: whoever uses it waits for something else, if at all. */
  whenIdle(): Promise<void> {
    this.#idle ??= this.#untilIdle()
    return this.#idle
  }

  async #untilIdle(): Promise<void> {
    for (;;) {
      // Whoever was given something goes on in this turn, and may ask for more.
      await new Promise<void>(resolve => this.dispatcher.later(resolve))
      if (!this.isOpen || (this.#begun && ![...this.#streams].some(({ isAwaited }) => isAwaited))) return
      await new Promise<void>(resolve => {
        this.#progress = resolve
      })
    }
  }

  /**
   * It ends with its session, whose closing rolls it back, or its driver.
   *
   * @param whose which of them
   */
  abandon(whose: 'session' | 'driver'): void {
    if (!this.isOpen) return
    this.#finish('rollback', 'closed')
    this.#discard(`when its ${whose} was closed`)
    if (whose === 'driver') this.letGo()
    this.#abandoned = clientError(
      `The ${whose} was closed before the transaction function had ended: its transaction was rolled back, and nothing that it did ` +
        `is there. Close the ${whose} when the function has ended.`
    )
    this.#interrupt?.(this.#abandoned)
  }

  /** What a transaction function comes to; rejects as soon as its transaction is abandoned. */
  unlessAbandoned<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject
      work.then(resolve, reject)
    })
  }

  /** For a transaction function that ended well: throws what its transaction ended by, where the function could not know. */
  throwUnseen(): void {
    switch (this.#status) {
      case 'failed':
        if (this.#culprit === null) throw this.#beginError()
        if (!this.#culprit.hasShownError) throw this.#culprit.error
        break
      case 'aborted':
        throw (this.#signal as AbortSignal).reason
      case 'closed':
        throw this.#abandoned
    }
  }

  #finish(what: string, status: Status): void {
    if (this.#status !== 'open') throw this.#refusal(what)
    this.#status = status
    this.#owner.transactionEnded()
    this.served()
  }

  /** Results that nobody reads, or not to their end, are not worth waiting for. */
  #discard(when: string): void {
    for (const stream of this.#streams) stream.discard(when)
  }

  #refusal(what: string): Error {
    const status = this.#status as Exclude<Status, 'open'>
    const message = `Cannot ${what} this transaction, because ${BECAUSE[status]}.`
    return clientError(message, status === 'aborted' ? this.#signal?.reason : undefined)
  }
}

interface BeginWatcher {
  begun: () => void
  failed: (error: () => Error) => void
}

/** Of core's two classes for one it is an instance of both: no chain of prototypes holds them, and ours, in another order. */
const TransactionBase = baseOf<CoreTransaction>(CoreTransactionPromise)

/** A transaction: several queries that take effect together, or not at all. */
export class Transaction extends TransactionBase {
  /** @internal */
  declare readonly _impl: TransactionState

  /** @internal */
  constructor(state: TransactionState) {
    super()
    keep(this, state)
  }

  /**
   * Runs a query in this transaction. Queries run in the order of the calls; none has to be awaited before the next.
   *
   * @param query Cypher, or `{text, parameters}`
   * @param parameters its parameters, by name
   * @param parameterRules how to check and convert the parameters
   * @throws TypeError when it is no query, or the parameters are no object
   */
  override run<T extends RecordShape = RecordShape>(
    query: Query,
    parameters?: unknown,
    parameterRules?: Rules
  ): Result<T> {
    const { text, parameters: checked } = checkQuery(query, parameters, parameterRules)
    return new Result<T>(this._impl.run(text, checked), this._impl.lowWatermark)
  }

  /**
   * Makes all that was done permanent. Rejects when the server refuses, and then all was rolled back; except where the error has
   * `unknownOutcome`: the connection was lost before the answer came, and only a look at the data can tell.
   */
  override commit(): Promise<void> {
    return this._impl.commit()
  }

  /** Undoes all that was done. Of a transaction that has failed nothing is left to undo. */
  override rollback(): Promise<void> {
    return this._impl.rollback()
  }

  /** True until it was committed or rolled back, or has failed. */
  override isOpen(): boolean {
    return this._impl.isOpen
  }

  /** Rolls back, if it is still open. */
  override close(): Promise<void> {
    return this._impl.close()
  }

  override [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const PromiseBase = Transaction as unknown as new (
  state: TransactionState
) => Transaction & CoreTransactionPromise

/**
 * What `beginTransaction` gives: a transaction that can be used at once, and a promise of it, for those who want to know that
 * it has begun.
 */
export class TransactionPromise extends PromiseBase implements Promise<Transaction> {
  override readonly [Symbol.toStringTag] = 'TransactionPromise'

  // biome-ignore lint/suspicious/noThenProperty: it is a promise, as in neo4j-driver
  override then<A = Transaction, B = never>(
    onFulfilled?: ((value: Transaction) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    return this._impl.promise().then(onFulfilled, onRejected)
  }

  override catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<Transaction | B> {
    return this._impl.promise().catch(onRejected)
  }

  override finally(onFinally?: (() => void) | null): Promise<Transaction> {
    return this._impl.promise().finally(onFinally)
  }
}

/** The transaction of a transaction function: whoever runs the function begins and ends it. */
export class ManagedTransaction extends baseOf(CoreManagedTransaction) {
  /** @internal */
  declare readonly _impl: Transaction

  /** @internal */
  constructor(transaction: Transaction) {
    super()
    keep(this, transaction)
  }

  /** Runs a query in this transaction: see {@link Transaction.run}. */
  override run<T extends RecordShape = RecordShape>(
    query: Query,
    parameters?: unknown,
    parameterRules?: Rules
  ): Result<T> {
    return this._impl.run<T>(query, parameters, parameterRules)
  }
}
