/** Reads a result by calling the application back: `subscribe`. */

import type { Summary } from '../compat/summary'
import { Context } from '../context'
import { throwLater } from '../event-loop'
import type { Reader } from './result-stream'

/** What `subscribe` takes. Each function is optional. */
export interface ResultObserver<R> {
  onKeys?: (keys: string[]) => void
  onNext?: (record: R) => void
  onCompleted?: (summary: Summary) => void
  onError?: (error: Error) => void
}

const CALLBACKS = ['onKeys', 'onNext', 'onCompleted', 'onError'] as const

export class Observer<R> implements Reader {
  readonly takesAll = true
  readonly ready = true
  readonly waits = true
  readonly hears: boolean
  /** Whether it is for records at all, and not only for the names and the end. */
  readonly takesRecords: boolean
  readonly #observer: ResultObserver<R>
  /** Of whoever subscribes. */
  readonly #context = new Context()
  /** It was told of the end. */
  #isOver = false

  /** @throws TypeError when it is no observer, or a callback of it no function */
  constructor(observer: ResultObserver<R>) {
    if (typeof observer !== 'object' || observer === null) {
      const what = observer === null ? 'null' : typeof observer
      throw new TypeError(`subscribe() takes an observer, an object of functions; it was ${what}`)
    }
    for (const name of CALLBACKS) {
      const callback: unknown = observer[name]
      if (callback !== undefined && callback !== null && typeof callback !== 'function') {
        throw new TypeError(`${name} of an observer is a function; it was of type ${typeof callback}`)
      }
    }
    this.#observer = observer
    this.takesRecords = isThere(observer.onNext)
    this.hears = isThere(observer.onError)
  }

  keys(keys: string[]): void {
    this.#context.run(() => this.#observer.onKeys?.(keys))
  }

  records(records: R[]): void {
    this.#context.run(() => {
      // In the middle of them it may have ended itself.
      for (let i = 0; i < records.length && !this.#isOver; i++) this.#observer.onNext?.(records[i])
    })
  }

  end(summary: Summary): void {
    if (this.#isOver) return
    try {
      this.#context.run(() => this.#observer.onCompleted?.(summary))
    } catch (error) {
      if (this.hears) this.fail(() => error as Error)
      else throwLater(error)
    }
    this.#isOver = true
  }

  fail(error: () => Error): void {
    if (this.#isOver) return
    this.#isOver = true
    try {
      this.#context.run(() => {
        if (this.hears) this.#observer.onError?.(error())
        // As neo4j-driver does, so that no error goes unseen.
        else console.log(`Uncaught error when processing result: ${error()}`)
      })
    } catch (thrown) {
      throwLater(thrown)
    }
  }

  drop(error: () => Error): void {
    this.fail(error)
  }
}

function isThere(callback: unknown): boolean {
  return callback !== undefined && callback !== null
}
