/** The end of a session or a driver: whatever waits meanwhile for something else is told of it. */

import type { Unwatch } from './abort'
import { inMicrotask } from './event-loop'
import { SmallSet } from './small-set'

export class Shutdown {
  readonly #listeners = new SmallSet<() => void>()
  #begun = false

  get begun(): boolean {
    return this.#begun
  }

  /**
   * Calls back when it begins, once, until the watch is ended; soon if it has begun, but never before whoever watches has what
   * ends it.
   */
  watch(onShutdown: () => void): Unwatch {
    this.#listeners.add(onShutdown)
    if (this.#begun) inMicrotask(() => this.#tell())
    return () => this.#listeners.delete(onShutdown)
  }

  begin(): void {
    this.#begun = true
    this.#tell()
  }

  #tell(): void {
    if (this.#listeners.isEmpty) return
    const listeners = this.#listeners.members()
    for (const listener of listeners) this.#listeners.delete(listener)
    for (const listener of listeners) listener()
  }
}
