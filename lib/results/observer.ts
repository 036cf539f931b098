/** Consumes a result by calling the application back: `subscribe`. */

import type { Record } from 'neo4j-driver-core'
import type { Summary } from '../compat/summary'
import { Context } from '../context'
import { throwLater } from '../event-loop'
import type { Consumer } from './result-stream'

/** What `subscribe` takes. Each function is optional. */
export interface ResultObserver<R> {
  onKeys?: (keys: string[]) => void
  onNext?: (record: R) => void
  onCompleted?: (summary: Summary) => void
  onError?: (error: Error) => void
}

export class Observer<R> implements Consumer {
  readonly keeps = false
  readonly ready = true
  readonly takesNone: boolean
  readonly #observer: ResultObserver<R>
  readonly #mapper: ((record: Record) => R) | null
  /** Of whoever subscribes. */
  readonly #context = new Context()

  constructor(observer: ResultObserver<R>, mapper: ((record: Record) => R) | null) {
    this.#observer = observer
    this.takesNone = observer.onNext === undefined || observer.onNext === null
    this.#mapper = mapper
  }

  keys(keys: string[]): void {
    this.#context.run(() => this.#observer.onKeys?.(keys))
  }

  records(records: Record[]): void {
    const observer = this.#observer
    const mapper = this.#mapper
    this.#context.run(() => {
      for (let i = 0; i < records.length; i++) {
        observer.onNext?.(mapper === null ? (records[i] as unknown as R) : mapper(records[i]))
      }
    })
  }

  end(summary: Summary): void {
    try {
      this.#context.run(() => this.#observer.onCompleted?.(summary))
    } catch (error) {
      this.fail(() => error as Error)
    }
  }

  fail(error: () => Error): void {
    try {
      this.#context.run(() => {
        if (this.#observer.onError === undefined || this.#observer.onError === null) {
          // as neo4j-driver does, so that no error goes unseen
          console.log(`Uncaught error when processing result: ${error()}`)
        } else {
          this.#observer.onError(error())
        }
      })
    } catch (thrown) {
      throwLater(thrown)
    }
  }
}
