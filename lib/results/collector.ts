/** Consumes a result into one promise of all its records. */

import type { Record } from 'neo4j-driver-core'
import type { Summary } from '../compat/summary'
import type { ServedBy } from '../config/servers'
import { rejectLater } from '../errors'
import type { Consumer } from './result-stream'

/** All of a result. */
export interface Collected<R> {
  records: R[]
  summary: Summary
  /** The server that did the work. */
  servedBy: ServedBy
}

export class Collector<R> implements Consumer {
  readonly keeps = true
  readonly ready = true
  readonly promise: Promise<Collected<R>>
  readonly #mapper: ((record: Record) => R) | null
  #records: R[] = []
  #resolve!: (value: Collected<R> | PromiseLike<never>) => void

  constructor(mapper: ((record: Record) => R) | null) {
    this.#mapper = mapper
    this.promise = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  keys(): void {}

  records(records: Record[]): void {
    const batch = this.#mapper === null ? (records as unknown as R[]) : records.map(this.#mapper)
    if (this.#records.length === 0) {
      this.#records = batch
      return
    }
    const all = this.#records
    for (let i = 0; i < batch.length; i++) all.push(batch[i])
  }

  restart(): void {
    this.#records = []
  }

  end(summary: Summary): void {
    this.#resolve({ records: this.#records, summary, servedBy: summary.servedBy })
  }

  fail(error: () => Error): void {
    rejectLater(this.#resolve, error)
  }
}
