/** Runs a transaction function again after errors that another attempt may cure. */

import { isRetryableError, Neo4jError } from 'neo4j-driver-core'
import { type Unwatch, watch } from '../abort'
import type { Dispatcher } from '../crossing/dispatcher'
import { earlierAttempts, isOfServer, isOfUnknownOutcome, nameCaller } from '../errors'
import { now } from '../event-loop'
import type { Shutdown } from '../shutdown'

const FIRST_PAUSE_MS = 1_000
const MULTIPLIER = 2
/** Where the engine waits for a server that is fit, a pause is only there so that one which is not does not get all the time. */
const FIRST_WITH_OTHERS_MS = 10
const LONGEST_WITH_OTHERS_MS = 80
/** How many such pauses there are: who refuses again and again is no master on its way. */
const PAUSES_WITH_OTHERS = 20
/** How many different texts of earlier attempts are told at most. */
const EARLIER_TOLD = 100
const JITTER = 0.2

/** What another attempt is told. */
export interface Again {
  /** Its beginning may take so many milliseconds. */
  left: number
  /** An attempt before it was answered by a server. */
  told: boolean
}

/** One attempt: calls `opened` when its transaction is open. The first has no `again`. */
export type Attempt<T> = (opened: () => void, again: Again | undefined) => Promise<T>

/** What ends the attempts early. */
export interface Ends {
  signal: AbortSignal | undefined
  session: Shutdown
  driver: Shutdown
}

/** How long the attempts go on. */
export interface Patience {
  /** Milliseconds. */
  maxTime: number
  /** The engine finds out which server is fit, and waits for one. */
  hasOthers: boolean
}

/**
 * Attempts until one succeeds, fails for good, or `maxTime` milliseconds have passed since the first failure; since the start, where
 * no transaction could even be opened. What another attempt cannot cure, or might do twice, the engine has marked: its error is not
 * retryable. An abort of the signal ends it all with the signal's reason, but not what is known of a commit.
 */
export async function retrying<T>(
  attempt: Attempt<T>,
  { maxTime, hasOthers }: Patience,
  ends: Ends,
  dispatcher: Dispatcher
): Promise<T> {
  const { signal } = ends
  signal?.throwIfAborted()
  const earlier: string[] = []
  const began = now()
  let isOpen = false
  let told = false
  let deadline: number | undefined
  const opened = (): void => {
    isOpen = true
  }
  let pause = FIRST_PAUSE_MS
  let pauseWithOthers = FIRST_WITH_OTHERS_MS
  let pausesWithOthers = 0
  for (;;) {
    try {
      const again = deadline === undefined ? undefined : { left: deadline - now(), told }
      return await attempt(opened, again)
    } catch (error) {
      nameCaller(error)
      if (isOfUnknownOutcome(error)) throw withCause(error, earlier)
      signal?.throwIfAborted()
      const failed = now()
      deadline ??= (isOpen ? failed : began) + maxTime
      told ||= isOpen || isAnswer(error)
      if (!isRetryableError(error) || failed > deadline || isOver(ends)) throw withCause(error, earlier)
      const jitter = 1 - JITTER + 2 * JITTER * Math.random()
      const isServers = hasOthers && isOfServer(error) && pausesWithOthers++ < PAUSES_WITH_OTHERS
      await pauseFor(
        Math.min((isServers ? pauseWithOthers : pause) * jitter, deadline - failed),
        ends,
        dispatcher
      )
      if (isServers) pauseWithOthers = Math.min(pauseWithOthers * MULTIPLIER, LONGEST_WITH_OTHERS_MS)
      else pause *= MULTIPLIER
      signal?.throwIfAborted()
      if (isOver(ends)) throw withCause(error, earlier)
      const { message } = error as Error
      if (earlier.length < EARLIER_TOLD && !earlier.includes(message)) earlier.push(message)
    }
  }
}

function isOver({ session, driver }: Ends): boolean {
  return session.begun || driver.begun
}

/** A pause, which anything that ends the attempts ends. */
function pauseFor(ms: number, { signal, session, driver }: Ends, dispatcher: Dispatcher): Promise<void> {
  return new Promise(resolve => {
    const watches: Unwatch[] = []
    const wake = (): void => {
      for (const unwatch of watches) unwatch()
      resolve()
    }
    watches.push(dispatcher.after(ms, wake), session.watch(wake), driver.watch(wake))
    if (signal !== undefined) watches.push(watch(signal, wake))
  })
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
