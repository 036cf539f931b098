/** Reads a result into one promise of all its records. */

import type { Summary } from '../compat/summary'
import type { ServedBy } from '../config/servers'
import { rejectLater } from '../errors'
import type { Reader } from './result-stream'

/** All of a result. */
export interface Collected<R> {
  records: R[]
  summary: Summary
  /** The server that did the work. */
  servedBy: ServedBy
}

export class Collector<R> implements Reader {
  readonly takesAll = true
  readonly ready = true
  readonly waits = true
  readonly hears = true
  readonly promise: Promise<Collected<R>>
  kept: R[] = []
  #resolve!: (value: Collected<R> | PromiseLike<never>) => void

  constructor() {
    this.promise = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  records(records: R[]): void {
    if (this.kept.length === 0) {
      this.kept = records
      return
    }
    const all = this.kept
    for (let i = 0; i < records.length; i++) all.push(records[i])
  }

  restart(): void {
    this.kept = []
  }

  end(summary: Summary): void {
    this.#resolve({ records: this.kept, summary, servedBy: summary.servedBy })
  }

  fail(error: () => Error): void {
    rejectLater(this.#resolve, error)
  }

  drop(error: () => Error): void {
    this.fail(error)
  }
}
