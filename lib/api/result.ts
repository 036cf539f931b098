/** What a query gives: a promise of all its records, and other ways to read them. */

import type { Record, RecordShape, Rules } from 'neo4j-driver-core'
import type { Summary } from '../compat/summary'
import { rejectLater } from '../errors'
import { type Collected, Collector } from '../results/collector'
import { Cursor, type PeekableAsyncIterator } from '../results/cursor'
import { Observer, type ResultObserver } from '../results/observer'
import type { ResultStream } from '../results/result-stream'
import type { ServedBy } from '../results/summary'

/** A class whose instances records become. */
export type GenericConstructor<O extends object> = new (...args: never[]) => O

/**
 * The result of a query. Work started when `run` was called: awaiting, subscribing and iterating only say how it is read.
 *
 * @typeParam T shape of its records
 * @typeParam R what `as` made of them
 */
export class Result<T extends RecordShape = RecordShape, R = Record<T>> implements Promise<Collected<R>> {
  readonly [Symbol.toStringTag] = 'Result'
  readonly #stream: ResultStream
  readonly #lowWatermark: number
  #collector: Collector<R> | null = null

  /** @internal */
  constructor(stream: ResultStream, lowWatermark: number) {
    this.#stream = stream
    this.#lowWatermark = lowWatermark
  }

  /**
   * The server that did the work: its location and what was known of it; undefined until the result has ended well.
   */
  get servedBy(): ServedBy | undefined {
    return this.#stream.summary?.servedBy
  }

  // biome-ignore lint/suspicious/noThenProperty: a result is a promise, as in neo4j-driver
  then<A = Collected<R>, B = never>(
    onFulfilled?: ((value: Collected<R>) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    return this.#collect().then(onFulfilled, onRejected)
  }

  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<Collected<R> | B> {
    return this.#collect().catch(onRejected)
  }

  finally(onFinally?: (() => void) | null): Promise<Collected<R>> {
    return this.#collect().finally(onFinally)
  }

  /**
   * Calls back as the result comes. What a callback throws goes to `onError`, or to whoever awaits this result too, and ends the reading;
   * it does not change what the query did. Without `onNext` nothing is read: the records are discarded, unless somebody else reads them.
   *
   * @returns this very result
   * @throws TypeError when it is no observer, or a callback of it no function
   */
  subscribe(observer: ResultObserver<R>): this {
    const reader = new Observer(observer)
    if (reader.takesRecords) this.#stream.attach(reader)
    else {
      this.#stream.follow(reader)
      this.#stream.discard('by subscribe() without onNext')
    }
    return this
  }

  /** Names of the fields, in their order. Rejects with the error of the query. */
  keys(): Promise<string[]> {
    return new Promise(resolve => {
      this.#stream.whenKeys(resolve, error => rejectLater(resolve, error))
    })
  }

  /**
   * The summary. Of a result that nobody reads yet, or that is being iterated over, the rest of the records is discarded: who reads on
   * gets all of it, if it was short, or an error.
   * Rejects with the error of the query.
   */
  summary(): Promise<Summary> {
    return new Promise(resolve => {
      this.#stream.whenEnded(resolve, error => rejectLater(resolve, error))
      this.#stream.discard('by summary()')
    })
  }

  /** True until a summary or an error has reached whoever reads the result. */
  isOpen(): boolean {
    return this.#stream.isOpen
  }

  /**
   * Iterates over the records; the server is asked for more as they are taken. Leaving the loop early discards the rest. A result that
   * was awaited is iterated over once more; one that was read otherwise is gone, and iterating rejects.
   */
  [Symbol.asyncIterator](): PeekableAsyncIterator<R> {
    return new Cursor(this.#stream, this.#lowWatermark)
  }

  /** Gives each record as an object of a class, or as rules say: see `neo4j-driver`'s object mapping. */
  as<O extends object>(rules: Rules): Result<RecordShape, O>
  as<O extends object>(type: GenericConstructor<O>, rules?: Rules): Result<RecordShape, O>
  as<O extends object>(typeOrRules: GenericConstructor<O> | Rules, rules?: Rules): Result<RecordShape, O> {
    this.#stream.map(record => record.as(typeOrRules as new () => O, rules))
    return this as unknown as Result<RecordShape, O>
  }

  #collect(): Promise<Collected<R>> {
    if (this.#collector === null) {
      this.#collector = new Collector()
      this.#stream.attach(this.#collector)
    }
    return this.#collector.promise
  }
}
