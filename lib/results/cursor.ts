/**
 * Reads a result one record at a time: async iteration, with `peek`. Records are asked for as the reader takes
 * them: one that pauses stops the server.
 */

import type { Summary } from '../compat/summary'
import { rejectLater } from '../errors'
import type { Reader, ResultStream } from './result-stream'

/** An async iterator of records that can also look at the next one without taking it. Its return value is the summary. */
export interface PeekableAsyncIterator<R> extends AsyncIterator<R, Summary, undefined> {
  next(): Promise<IteratorResult<R, Summary>>
  return(value?: Summary): Promise<IteratorResult<R, Summary>>
  /** The next record, or the end, which the following `next` gives again. */
  peek(): Promise<IteratorResult<R, Summary>>
  [Symbol.asyncIterator](): PeekableAsyncIterator<R>
}

/** Somebody who waits for the next record. */
interface Waiter<R> {
  resolve: (value: IteratorResult<R, Summary> | PromiseLike<never>) => void
  /** Only looks. */
  peeks: boolean
}

export class Cursor<R> implements Reader, Omit<PeekableAsyncIterator<R>, typeof Symbol.asyncIterator> {
  readonly takesAll = false
  readonly hears = true
  readonly #stream: ResultStream
  readonly #low: number
  #records: R[] = []
  #next = 0
  readonly #waiters: Waiter<R>[] = []
  #attached = false
  /** It was left before the end. */
  #left = false
  #summary: Summary | null = null
  #error: (() => Error) | null = null

  /** @param low so many records left ask for the next batch */
  constructor(stream: ResultStream, low: number) {
    this.#stream = stream
    this.#low = low
  }

  get ready(): boolean {
    return this.#rest <= this.#low
  }

  get waits(): boolean {
    return this.#waiters.length > 0
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
    if (this.#summary === null) {
      this.leave()
      const summary = await new Promise<Summary>(resolve => {
        this.#stream.whenEnded(resolve, error => rejectLater(resolve, error))
      })
      // What it returned is how it ended, to a later next(), too.
      this.#summary = value ?? summary
      return { done: true, value: this.#summary }
    }
    this.#forget()
    return { done: true, value: value ?? this.#summary }
  }

  /** Takes no more. Of how the work ends only those are told who wait, or ask again. */
  leave(): void {
    this.#attached = true
    this.#left = true
    this.#forget()
    this.#stream.leave(this)
    this.#stream.whenEnded(
      summary => this.end(summary),
      error => this.fail(error)
    )
  }

  // ---- of the result ----

  records(records: R[]): void {
    if (this.#left) return
    if (this.#rest === 0) this.#records = records
    else this.#records = this.#records.slice(this.#next).concat(records)
    this.#next = 0
    this.#serve()
  }

  end(summary: Summary): void {
    this.#summary = summary
    this.#serve()
  }

  fail(error: () => Error): void {
    this.#error = error
    this.#serve()
  }

  drop(error: () => Error): void {
    this.#forget()
    this.fail(error)
  }

  get #rest(): number {
    return this.#records.length - this.#next
  }

  #forget(): void {
    this.#records = []
    this.#next = 0
  }

  #take(): R {
    const record = this.#records[this.#next++]
    if (this.#rest === this.#low) this.#stream.resume()
    return record
  }

  #wait(peeks: boolean): Promise<IteratorResult<R, Summary>> {
    return new Promise(resolve => {
      this.#waiters.push({ resolve, peeks })
      if (!this.#attached) {
        this.#attached = true
        this.#stream.attach(this)
      }
      this.#serve()
    })
  }

  #serve(): void {
    if (this.#waiters.length === 0) return
    while (this.#waiters.length > 0) {
      const { resolve, peeks } = this.#waiters[0]
      if (this.#rest > 0) {
        this.#waiters.shift()
        resolve({ done: false, value: peeks ? this.#records[this.#next] : this.#take() })
      } else if (this.#summary !== null) {
        this.#waiters.shift()
        resolve({ done: true, value: this.#summary })
      } else if (this.#error !== null) {
        this.#waiters.shift()
        rejectLater(resolve, this.#error)
      } else return
    }
    this.#stream.served()
  }
}
