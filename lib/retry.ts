/** Runs a transaction function again after errors that another attempt may cure. */

import { isRetryableError, Neo4jError } from 'neo4j-driver-core'
import { watch } from './abort'
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

  /** Also ends when the signal is aborted. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer)
        unwatch?.()
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      const unwatch = signal === undefined ? undefined : watch(signal, wake)
      this.#wakers.add(wake)
    })
  }

  end(): void {
    this.#ended = true
    for (const wake of this.#wakers) wake()
  }
}

/** What another attempt is told. */
export interface Again {
  /** Its beginning may take so many milliseconds. */
  left: number
  /** An attempt before it was answered by a server. */
  told: boolean
}

/** One attempt: calls `opened` when its transaction is open. The first has no `again`. */
export type Attempt<T> = (opened: () => void, again: Again | undefined) => Promise<T>

/**
 * Attempts until one succeeds, fails for good, or `maxTime` milliseconds have passed since the first failure; since the start, where
 * no transaction could even be opened. Work whose commit may have been done is never run again. An abort of the signal ends it all
 * with the signal's reason.
 */
export async function retrying<T>(
  attempt: Attempt<T>,
  maxTime: number,
  pauses: Pauses,
  signal: AbortSignal | undefined
): Promise<T> {
  signal?.throwIfAborted()
  const earlier: string[] = []
  const began = performance.now()
  let isOpen = false
  let told = false
  let deadline: number | undefined
  const opened = (): void => {
    isOpen = true
  }
  for (let pause = FIRST_PAUSE_MS; ; pause *= MULTIPLIER) {
    try {
      const again = deadline === undefined ? undefined : { left: deadline - performance.now(), told }
      return await attempt(opened, again)
    } catch (error) {
      if (isOfUnknownOutcome(error)) throw withCause(error, earlier)
      signal?.throwIfAborted()
      const now = performance.now()
      deadline ??= (isOpen ? now : began) + maxTime
      told ||= isOpen || isAnswer(error)
      if (!isRetryableError(error) || now > deadline || pauses.ended) throw withCause(error, earlier)
      await pauses.pause(pause * (1 - JITTER + 2 * JITTER * Math.random()), signal)
      signal?.throwIfAborted()
      if (pauses.ended) throw withCause(error, earlier)
      earlier.push((error as Error).message)
    }
  }
}

/** Whether a server said so. */
function isAnswer(error: unknown): boolean {
  return error instanceof Neo4jError && error.code.startsWith('Neo.')
}

function withCause(error: unknown, earlier: readonly string[]): unknown {
  if (earlier.length > 0 && error instanceof Error && error.cause === undefined) {
    error.cause = earlierAttempts(earlier)
  }
  return error
}
