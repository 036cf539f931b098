/**
 * Consumes a result one record at a time: async iteration, with `peek`. Records are asked for as the reader takes
 * them: one that pauses stops the server.
 */

import type { Record } from 'neo4j-driver-core'
import type { Summary } from '../compat/summary'
import { clientError, rejectLater } from '../errors'
import type { Consumer, ResultStream } from './result-stream'

/** An async iterator of records that can also look at the next one without taking it. Its return value is the summary. */
export interface PeekableAsyncIterator<R> extends AsyncIterator<R, Summary, undefined> {
  next(): Promise<IteratorResult<R, Summary>>
  return(value?: Summary): Promise<IteratorResult<R, Summary>>
  /** The next record, or the end, which the following `next` gives again. */
  peek(): Promise<IteratorResult<R, Summary>>
  [Symbol.asyncIterator](): PeekableAsyncIterator<R>
}

interface Reader<R> {
  resolve: (value: IteratorResult<R, Summary> | PromiseLike<never>) => void
  /** Only looks. */
  peeks: boolean
}

export class Cursor<R> implements Consumer, PeekableAsyncIterator<R> {
  readonly keeps = false
  readonly #stream: ResultStream
  readonly #mapper: ((record: Record) => R) | null
  readonly #low: number
  #records: R[] = []
  #next = 0
  #readers: Reader<R>[] = []
  #attached = false
  #summary: Summary | null = null
  #error: (() => Error) | null = null

  /** @param low so many records left ask for the next batch */
  constructor(stream: ResultStream, low: number, mapper: ((record: Record) => R) | null) {
    this.#stream = stream
    this.#low = low
    this.#mapper = mapper
  }

  get ready(): boolean {
    return this.#left <= this.#low
  }

  // ---- of the reader ----

  next(): Promise<IteratorResult<R, Summary>> {
    if (this.#next < this.#records.length) return Promise.resolve({ done: false, value: this.#take() })
    return this.#wait(false)
  }

  peek(): Promise<IteratorResult<R, Summary>> {
    if (this.#next < this.#records.length) {
      return Promise.resolve({ done: false, value: this.#records[this.#next] })
    }
    return this.#wait(true)
  }

  async return(value?: Summary): Promise<IteratorResult<R, Summary>> {
    this.#attached = true
    this.#records = []
    this.#next = 0
    this.#stream.cancel()
    this.#summary = await new Promise<Summary>(resolve => {
      this.#stream.whenEnded(resolve, error => rejectLater(resolve, error))
    })
    this.#serve()
    return { done: true, value: value ?? this.#summary }
  }

  [Symbol.asyncIterator](): PeekableAsyncIterator<R> {
    return this
  }

  // ---- of the result ----

  keys(): void {}

  records(records: Record[]): void {
    const batch = this.#mapper === null ? (records as unknown as R[]) : records.map(this.#mapper)
    if (this.#left === 0) this.#records = batch
    else this.#records = this.#records.slice(this.#next).concat(batch)
    this.#next = 0
    this.#serve()
  }

  drop(error: () => Error): void {
    this.#records = []
    this.#next = 0
    this.fail(error)
  }

  end(summary: Summary): void {
    this.#summary = summary
    this.#serve()
  }

  fail(error: () => Error): void {
    this.#error = error
    this.#serve()
  }

  get #left(): number {
    return this.#records.length - this.#next
  }

  #take(): R {
    const record = this.#records[this.#next++]
    if (this.#left === this.#low) this.#stream.resume()
    return record
  }

  #wait(peeks: boolean): Promise<IteratorResult<R, Summary>> {
    return new Promise(resolve => {
      this.#readers.push({ resolve, peeks })
      if (!this.#attached) {
        this.#attached = true
        this.#stream.attach(this)
      }
      this.#serve()
    })
  }

  #serve(): void {
    while (this.#readers.length > 0) {
      const { resolve, peeks } = this.#readers[0]
      if (this.#left > 0) {
        this.#readers.shift()
        resolve({ done: false, value: peeks ? this.#records[this.#next] : this.#take() })
      } else if (this.#summary !== null) {
        this.#readers.shift()
        resolve({ done: true, value: this.#summary })
      } else if (this.#error !== null) {
        this.#readers.shift()
        rejectLater(resolve, this.#error)
      } else return
    }
  }
}

/** What iterating over a result that somebody else has consumed gives. */
export function consumed<R>(): PeekableAsyncIterator<R> {
  const refuse = (): Promise<never> => Promise.reject(clientError('Result is already consumed'))
  return {
    next: refuse,
    peek: refuse,
    return: refuse,
    [Symbol.asyncIterator]() {
      return this
    }
  }
}
