/** What the native side reports as a failure, as the errors that users of `neo4j-driver` know. */

import './compat/errors-without-proto'
import { inspect } from 'node:util'
import { type GQLError, Neo4jError, newError, newGQLError } from 'neo4j-driver-core'
import { type IntegerMode, type Mode, makeSafe, modeOf } from './codec/integers'
import { inMicrotask } from './event-loop'

/** An environment may have taken it away: errors then say where they were made, and no more. */
const captureStackTrace = Error.captureStackTrace ?? (() => {})

/** A failure as it crosses: JSON made by the binding. */
export interface Failure {
  code?: string
  message: string
  gqlStatus?: string
  gqlStatusDescription?: string
  diagnosticRecord?: Record<string, unknown>
  cause?: Failure
  retryable?: boolean
  /** `host:port` of the server it happened on. */
  server?: string
  serverIndex?: number
  /** Serial number of the token that the connection was logged in with, if a manager gave it. */
  token?: number | null
  /** The work may have been committed. */
  unknownOutcome?: boolean
  /** It is the server that failed, not the work. */
  ofServer?: boolean
  /** It was ended because this side asked for that. */
  aborted?: boolean
  /** What earlier attempts of the same work died of, oldest first. */
  earlier?: string[]
  /** The error of the application's own that it stands for, by its number in {@link keepThrown}. */
  thrown?: number | null
}

/** How many errors of the application's own are remembered: work that has not failed by one yet may still do so. */
const REMEMBERED = 100

/** What a function of the application threw. */
interface Thrown {
  error: unknown
  /** It is the work's error, as it is. Others are the cause of one that says what was being done. */
  isWhole: boolean
}

const thrownErrors = new Map<number, Thrown>()
let lastThrown = 0

/** Keeps what a function of the application threw, for the work that fails by it: its number. */
export function keepThrown(error: unknown, isWhole: boolean): number {
  lastThrown = (lastThrown + 1) % 2 ** 31
  thrownErrors.set(lastThrown, { error, isWhole })
  thrownErrors.delete(lastThrown - REMEMBERED)
  return lastThrown
}

/** What the native side says of work that it ended because it was told to; applications get the signal's reason. */
export class Aborted extends Error {
  /** It may have been committed. */
  readonly unknownOutcome: boolean

  constructor(unknownOutcome: boolean) {
    super('The work was aborted.')
    this.unknownOutcome = unknownOutcome
  }
}

type DiagnosticRecord = Parameters<typeof newError>[5]

/** Errors of ours whose stack says where they were made, which says nothing: it is to say who waits for the work. */
const withoutStack = new WeakSet<Error>()

/** Errors of servers that failed, not of the work: another server may do it at once, or this one when it is fit again. */
const ofServers = new WeakSet<object>()

/** What our errors carry beyond those of `neo4j-driver`. Neither shows in `inspect` or JSON. */
interface Extras {
  server?: string
  unknownOutcome: boolean
}

/**
 * The error of a failure. It has no stack of its own: see {@link rejectLater}.
 *
 * @param integers what integers of a diagnostic record become
 */
export function errorOf(failure: Failure, integers: IntegerMode = 'Integer'): Error {
  if (failure.aborted === true) return new Aborted(failure.unknownOutcome === true)
  const thrown = thrownErrors.get(failure.thrown ?? -1)
  if (thrown?.isWhole === true && thrown.error instanceof Error) return thrown.error
  const mode = modeOf(integers)
  const earlier = failure.earlier ?? []
  const cause =
    thrown !== undefined
      ? (thrown.error as Error)
      : failure.cause !== undefined
        ? gqlCause(failure.cause, mode)
        : earlier.length > 0
          ? earlierAttempts(earlier)
          : undefined
  const error = newError(
    failure.message,
    failure.code,
    cause,
    failure.gqlStatus,
    failure.gqlStatusDescription,
    record(failure.diagnosticRecord, mode)
  )
  if (failure.retryable !== undefined && failure.retryable !== error.retryable) {
    error.retriable = failure.retryable
    error.retryable = failure.retryable
  }
  if (failure.ofServer === true) ofServers.add(error)
  return mark(error, { server: failure.server, unknownOutcome: failure.unknownOutcome === true })
}

/** Whether it is the server that failed, not the work. */
export function isOfServer(error: unknown): boolean {
  return ofServers.has(error as object)
}

/** An error made on this side: wrong use, or what a callback of the user's threw. */
export function clientError(message: string, cause?: unknown): Neo4jError {
  return mark(newError(message, 'N/A', cause as Error | undefined), { unknownOutcome: false })
}

/** What work comes to that its signal aborted: the signal's reason, unless it may be done. */
export function abortedBy(reason: unknown, { unknownOutcome }: Aborted): unknown {
  if (!unknownOutcome) return reason
  const why = reason instanceof Error ? reason.message : String(reason)
  const message =
    `The work was aborted (${why}) after it was sent. The outcome is unknown: it may or may not have been committed. Look before ` +
    'doing it again.'
  return mark(newError(message, 'N/A', reason as Error), { unknownOutcome: true })
}

/** What something that was thrown says: applications throw whatever they like. */
export function messageOf(thrown: unknown): string {
  const told: unknown = thrown instanceof Error ? thrown.message : thrown
  return typeof told === 'string' ? told : inspect(told)
}

/** The error of work that was done, while its records could not be read. */
export function unreadable(cause: unknown): Neo4jError {
  const message =
    `The query was done and committed, but its records cannot be read (${messageOf(cause)}). Do not send it again; read what it wrote ` +
    'by another query, of less at once.'
  return mark(newError(message, 'N/A', cause as Error), { unknownOutcome: true })
}

/** Whether the work that failed may have been committed all the same. */
export function isOfUnknownOutcome(error: unknown): boolean {
  return error instanceof Neo4jError && (error as Neo4jError & Partial<Extras>).unknownOutcome === true
}

/** The cause of an error that came after others. */
export function earlierAttempts(earlier: readonly string[]): Error {
  const error = new Error(
    `Earlier attempts failed:\n${earlier.map((text, i) => `  ${i + 1}. ${text}`).join('\n')}`
  )
  // Where it was made says nothing of where they failed.
  error.stack = `${error}`
  return error
}

function mark(error: Neo4jError, extras: Extras): Neo4jError {
  withoutStack.add(error)
  return Object.defineProperties(error, {
    server: { value: extras.server, configurable: true, writable: true },
    unknownOutcome: { value: extras.unknownOutcome, configurable: true, writable: true }
  })
}

function gqlCause(failure: Failure, mode: Mode): GQLError {
  return newGQLError(
    failure.message,
    failure.cause === undefined ? undefined : gqlCause(failure.cause, mode),
    failure.gqlStatus,
    failure.gqlStatusDescription,
    record(failure.diagnosticRecord, mode)
  )
}

/** Servers leave out what equals the default: OPERATION, OPERATION_CODE and CURRENT_SCHEMA. */
function record(raw: Record<string, unknown> | undefined, mode: Mode): DiagnosticRecord {
  if (raw === undefined || raw === null) return undefined
  const given = withIntegers(raw, mode) as Record<string, unknown>
  return { OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/', ...given } as DiagnosticRecord
}

/** Numbers came as JSON; users get what they get in records. */
function withIntegers(value: unknown, mode: Mode): unknown {
  if (Number.isSafeInteger(value)) return makeSafe(mode, value as number)
  if (Array.isArray(value)) return value.map(item => withIntegers(item, mode))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withIntegers(item, mode)]))
}

/**
 * Settles a promise with an error whose stack says who was waiting.
 *
 * Taking a stack for each query would cost a third of all small queries, so none is taken. Instead the error is made inside
 * a reaction of a promise that already leads to the caller's `await`: V8 then writes those async frames into its stack.
 *
 * @param resolve of the promise that is to be rejected
 */
export function rejectLater(resolve: (value: PromiseLike<never>) => void, make: () => Error): void {
  let go!: () => void
  const gate = new Promise<void>(done => {
    go = done
  })
  const fail = (): never => {
    const error = make()
    // Errors of the application, such as the reason of an abort, keep theirs.
    if (withoutStack.delete(error)) captureStackTrace(error, fail)
    throw error
  }
  resolve(gate.then(fail))
  // The promise takes up the one above in a microtask of its own; only after that is the way to the caller complete.
  inMicrotask(() => inMicrotask(go))
}

/**
 * Adds to the stack of our error who waits for the work now, where that is not in it: promises that an application made by hand, or
 * that were compiled for an older JavaScript, lead V8 nowhere. For the catch block of an async function.
 */
export function nameCaller(error: unknown): void {
  if (!(error instanceof Neo4jError) || typeof error.stack !== 'string') return
  const here = { stack: '' }
  captureStackTrace(here, nameCaller)
  const { stack } = error
  const missing = here.stack
    .split('\n')
    .slice(1)
    .filter(frame => !stack.includes(frame))
  if (missing.length > 0) error.stack = [stack, ...missing].join('\n')
}
