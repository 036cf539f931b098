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
  /** As they came: one array of all, grown with each, would be copied again and again. */
  #parts: R[][] = []
  #resolve!: (value: Collected<R> | PromiseLike<never>) => void

  constructor() {
    this.promise = new Promise(resolve => {
      this.#resolve = resolve
    })
  }

  records(records: R[]): void {
    this.#parts.push(records)
  }

  kept(): R[] {
    if (this.#parts.length !== 1) this.#parts = [joined(this.#parts)]
    return this.#parts[0]
  }

  restart(): void {
    this.#parts = []
  }

  end(summary: Summary): void {
    this.#resolve({ records: this.kept(), summary, servedBy: summary.servedBy })
  }

  fail(error: () => Error): void {
    rejectLater(this.#resolve, error)
  }

  drop(error: () => Error): void {
    this.fail(error)
  }
}

function joined<R>(parts: readonly R[][]): R[] {
  const all = new Array<R>(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) for (let i = 0; i < part.length; i++) all[at++] = part[i]
  return all
}
