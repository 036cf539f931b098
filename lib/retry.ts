/** Runs a transaction function again after errors that another attempt may cure. */

import { isRetryableError, type Neo4jError } from 'neo4j-driver-core'
import { earlierAttempts, isOfUnknownOutcome } from './errors'

const FIRST_PAUSE_MS = 1_000
const MULTIPLIER = 2
const JITTER = 0.2

/** Ends the pauses of a session that closes. */
export class Pauses {
  readonly #wakers = new Set<() => void>()
  #ended = false

  get ended(): boolean {
    return this.#ended
  }

  pause(ms: number): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#wakers.add(wake)
    })
  }

  end(): void {
    this.#ended = true
    for (const wake of this.#wakers) wake()
  }
}

/** One attempt: calls `opened` when its transaction is open. Its beginning may take `left` milliseconds. */
export type Attempt<T> = (opened: () => void, left: number | undefined) => Promise<T>

/**
 * Attempts until one succeeds, fails for good, or `maxTime` milliseconds have passed since the first failure; since the start, where
 * no transaction could even be opened. Work whose commit may have been done is never run again.
 */
export async function retrying<T>(attempt: Attempt<T>, maxTime: number, pauses: Pauses): Promise<T> {
  const earlier: string[] = []
  const began = performance.now()
  let isOpen = false
  let deadline: number | undefined
  const opened = (): void => {
    isOpen = true
  }
  for (let pause = FIRST_PAUSE_MS; ; pause *= MULTIPLIER) {
    try {
      return await attempt(opened, deadline === undefined ? undefined : deadline - performance.now())
    } catch (error) {
      const now = performance.now()
      deadline ??= (isOpen ? now : began) + maxTime
      if (!isRetryableError(error) || isOfUnknownOutcome(error) || now > deadline || pauses.ended) {
        throw withCause(error, earlier)
      }
      await pauses.pause(pause * (1 - JITTER + 2 * JITTER * Math.random()))
      if (pauses.ended) throw withCause(error, earlier)
      earlier.push((error as Error).message)
    }
  }
}

function withCause(error: unknown, earlier: readonly string[]): unknown {
  if (earlier.length > 0 && error instanceof Error && error.cause === undefined) {
    ;(error as Neo4jError).cause = earlierAttempts(earlier)
  }
  return error
}
