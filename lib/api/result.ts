/** What a query gives: a promise of all its records, and other ways to read them. */

import {
  Result as CoreResult,
  type Integer,
  type NumberOrInteger,
  type Record,
  type RecordShape,
  type Rules
} from 'neo4j-driver-core'
import { baseOf } from '../compat/core-classes'
import type { Summary } from '../compat/summary'
import type { ServedBy } from '../config/servers'
import { Context } from '../context'
import { rejectLater } from '../errors'
import { keep, leaveAlone } from '../impl'
import { type Collected, Collector } from '../results/collector'
import { Cursor, type PeekableAsyncIterator } from '../results/cursor'
import { Observer, type ResultObserver } from '../results/observer'
import type { ResultStream } from '../results/result-stream'

/** A class whose instances records become. */
// biome-ignore lint/suspicious/noExplicitAny: as in neo4j-driver-core
export type GenericConstructor<O extends object> = new (...args: any[]) => O

declare const result: CoreResult
/** Core does not export it. */
type CoreMappedResult<O extends object> = ReturnType<typeof result.as<O>>

/** A result whose records were made objects: see {@link Result.as}. */
export interface MappedResult<O extends object> extends CoreMappedResult<O> {
  readonly servedBy: ServedBy | undefined
  then: Promise<Collected<O>>['then']
  catch: Promise<Collected<O>>['catch']
  finally: Promise<Collected<O>>['finally']
  subscribe(observer: ResultObserver<O>): this
  summary<N extends NumberOrInteger = Integer>(): Promise<Summary<N>>
  [Symbol.asyncIterator](): PeekableAsyncIterator<O>
}

const Base = baseOf(CoreResult) as new <T extends RecordShape>() => CoreResult<T>

/** A result as it is read: shared by all that stands for it. */
class ResultImpl {
  static {
    leaveAlone(ResultImpl)
  }

  readonly stream: ResultStream
  readonly #lowWatermark: number
  #collector: Collector<Record> | null = null

  constructor(stream: ResultStream, lowWatermark: number) {
    this.stream = stream
    this.#lowWatermark = lowWatermark
  }

  cursor<T>(): Cursor<T> {
    return new Cursor(this.stream, this.#lowWatermark)
  }

  collect<T extends RecordShape>(): Promise<Collected<Record<T>>> {
    if (this.#collector === null) {
      this.#collector = new Collector()
      this.stream.attach(this.#collector)
    }
    return this.#collector.promise as Promise<Collected<Record<T>>>
  }
}

/** A cursor for the application: its functions need no `this`, as those of `neo4j-driver`. */
function iteratorOf<R>(cursor: Cursor<R>): PeekableAsyncIterator<R> {
  const iterator: PeekableAsyncIterator<R> = {
    next: () => cursor.next(),
    peek: () => cursor.peek(),
    return: value => cursor.return(value),
    [Symbol.asyncIterator]: () => iterator
  }
  return iterator
}

/** What iterates over a result, with what only this package does with it. */
export function cursorOf(result: Result): Cursor<Record> {
  return result._impl.cursor()
}

/**
 * The result of a query. Work started when `run` was called: awaiting, subscribing and iterating only say how it is read.
 *
 * @typeParam T shape of its records
 */
export class Result<T extends RecordShape = RecordShape> extends Base<T> {
  override readonly [Symbol.toStringTag] = 'Result'
  /** @internal */
  declare readonly _impl: ResultImpl

  /** @internal */
  constructor(stream: ResultStream, lowWatermark: number) {
    super()
    keep(this, new ResultImpl(stream, lowWatermark))
  }

  /**
   * The server that did the work: its location and what was known of it; undefined until the result has ended well.
   */
  get servedBy(): ServedBy | undefined {
    // Whoever looks at the prototype is to get an answer too.
    return (this._impl as ResultImpl | undefined)?.stream.summary?.servedBy
  }

  // biome-ignore lint/suspicious/noThenProperty: a result is a promise, as in neo4j-driver
  override then<A = Collected<Record<T>>, B = never>(
    onFulfilled?: ((value: Collected<Record<T>>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    return this._impl.collect<T>().then(onFulfilled, onRejected)
  }

  override catch<B = never>(
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<Collected<Record<T>> | B> {
    return this._impl.collect<T>().catch(onRejected)
  }

  override finally(onFinally?: (() => void) | null): Promise<Collected<Record<T>>> {
    return this._impl.collect<T>().finally(onFinally)
  }

  /**
   * Calls back as the result comes. What a callback throws goes to `onError`, or to whoever awaits this result too, and ends the reading;
   * it does not change what the query did. Without `onNext` nothing is read: the records are discarded, unless somebody else reads them.
   *
   * @returns this very result
   * @throws TypeError when it is no observer, or a callback of it no function
   */
  override subscribe(observer: ResultObserver<Record<T>>): this {
    const reader = new Observer(observer)
    if (reader.takesRecords) this._impl.stream.attach(reader)
    else {
      this._impl.stream.follow(reader)
      this._impl.stream.discard('by subscribe() without onNext')
    }
    return this
  }

  /** Names of the fields, in their order. Rejects with the error of the query. */
  override keys(): Promise<string[]> {
    return new Promise(resolve => {
      this._impl.stream.whenKeys(resolve, error => rejectLater(resolve, error))
    })
  }

  /**
   * The summary. Of a result that nobody reads yet, or that is being iterated over, the rest of the records is discarded: who reads on
   * gets all of it, if it was short, or an error.
   * Rejects with the error of the query.
   */
  override summary<N extends NumberOrInteger = Integer>(): Promise<Summary<N>> {
    return new Promise(resolve => {
      this._impl.stream.whenEnded(resolve as (summary: Summary) => void, error => rejectLater(resolve, error))
      this._impl.stream.discard('by summary()')
    })
  }

  /** True until a summary or an error has reached whoever reads the result. */
  override isOpen(): boolean {
    return this._impl.stream.isOpen
  }

  /**
   * Iterates over the records; the server is asked for more as they are taken. Leaving the loop early discards the rest. A result that
   * was awaited is iterated over once more; one that was read otherwise is gone, and iterating rejects.
   */
  override [Symbol.asyncIterator](): PeekableAsyncIterator<Record<T>> {
    return iteratorOf(this._impl.cursor())
  }

  /** Gives each record as an object of a class, or as rules say: see `neo4j-driver`'s object mapping. */
  override as<O extends object = object>(rules: Rules): MappedResult<O>
  override as<O extends object = object>(type: GenericConstructor<O>, rules?: Rules): MappedResult<O>
  override as<O extends object>(typeOrRules: GenericConstructor<O> | Rules, rules?: Rules): MappedResult<O> {
    const context = new Context()
    this._impl.stream.map(record => context.run(() => record.as(typeOrRules as new () => O, rules)))
    return this as unknown as MappedResult<O>
  }
}
