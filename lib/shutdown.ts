/** The end of a session or a driver: whatever waits meanwhile for something else is told of it. */

import type { Unwatch } from './abort'

export class Shutdown {
  readonly #listeners = new Set<() => void>()
  #begun = false

  get begun(): boolean {
    return this.#begun
  }

  /** Calls back when it begins, once, until the watch is ended; now if it has begun. */
  watch(onShutdown: () => void): Unwatch {
    if (this.#begun) {
      onShutdown()
      return () => {}
    }
    this.#listeners.add(onShutdown)
    return () => this.#listeners.delete(onShutdown)
  }

  begin(): void {
    this.#begun = true
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}
