/** The end of a session or a driver: whatever waits meanwhile for something else is told of it. */

import type { Unwatch } from './abort'
import { inMicrotask } from './event-loop'

export class Shutdown {
  readonly #listeners = new Set<() => void>()
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
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}
