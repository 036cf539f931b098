/**
 * Core's errors in a process without `__proto__` (`node --disable-proto`, Deno). Core's constructors assign it: there, what they make
 * is no instance of its class, or they throw. So they get others in their place, of the same prototypes, which all of core uses too.
 */

import type { GQLError, Neo4jError, newError, newGQLError } from 'neo4j-driver-core'

type DiagnosticRecord = GQLError['diagnosticRecord']

/** The module of core that its errors come from, and through which all of core finds them. */
interface ErrorModule {
  GQLError: typeof GQLError
  Neo4jError: typeof Neo4jError
  newError: typeof newError
  newGQLError: typeof newGQLError
}

const CLASSIFICATIONS: readonly unknown[] = ['DATABASE_ERROR', 'CLIENT_ERROR', 'TRANSIENT_ERROR']
const RETRYABLE: readonly string[] = [
  'ServiceUnavailable',
  'SessionExpired',
  'Neo.ClientError.Security.AuthorizationExpired'
]

/** Whether assigning `__proto__` sets the prototype. */
function protoWorks(): boolean {
  const prototype = {}
  const object = {}
  try {
    Reflect.set(object, '__proto__', prototype)
  } catch {
    return false
  }
  return Object.getPrototypeOf(object) === prototype
}

type GQLRest = [gqlStatus: string, gqlStatusDescription: string, record: DiagnosticRecord, cause?: Error]

/** The same class, but that `make` constructs. */
function constructedBy<C extends object>(original: C, make: (...args: never[]) => object): C {
  return new Proxy(original, {
    construct: (_, args) => make(...(args as never[])),
    // classes that were compiled for ES5 call the one that they extend
    apply: (_, __, args) => make(...(args as never[]))
  })
}

function emptyError(message: string, cause: Error | undefined, type: object): object {
  const error = Reflect.construct(
    Error,
    cause == null ? [message] : [message, { cause }],
    type as typeof Error
  )
  return Object.assign(error, { constructor: type })
}

function gqlFields(...[gqlStatus, gqlStatusDescription, diagnosticRecord, cause]: GQLRest): object {
  const rawClassification = diagnosticRecord?._classification ?? undefined
  return {
    cause: cause ?? undefined,
    gqlStatus,
    gqlStatusDescription,
    diagnosticRecord,
    classification: CLASSIFICATIONS.includes(rawClassification) ? rawClassification : 'UNKNOWN',
    rawClassification
  }
}

/** The status of an error that no server gave one. */
function completed(
  message: string,
  gqlStatus: string | undefined,
  description: string | undefined,
  record: DiagnosticRecord | undefined
): [string, string, DiagnosticRecord] {
  return [
    gqlStatus ?? '50N42',
    description ?? `error: general processing exception - unexpected error. ${message}`,
    record ?? { OPERATION: '', OPERATION_CODE: '0', CURRENT_SCHEMA: '/' }
  ]
}

if (!protoWorks()) {
  const module = require('neo4j-driver-core/lib/error') as ErrorModule
  module.GQLError = constructedBy(module.GQLError, (message: string, ...rest: GQLRest) =>
    Object.assign(emptyError(message, rest[3], module.GQLError), gqlFields(...rest), { name: 'GQLError' })
  )
  module.Neo4jError = constructedBy(module.Neo4jError, (message: string, code: string, ...rest: GQLRest) => {
    const retryable = RETRYABLE.includes(code) || code?.includes('TransientError') === true
    const own = { code, name: 'Neo4jError', retriable: retryable, retryable }
    return Object.assign(emptyError(message, rest[3], module.Neo4jError), gqlFields(...rest), own)
  })
  module.newError = (message, code, cause, ...status) =>
    new module.Neo4jError(
      message,
      code ?? 'N/A',
      ...completed(message, status[0], status[1], status[2]),
      cause
    )
  module.newGQLError = (message, cause, ...status) =>
    new module.GQLError(message, ...completed(message, status[0], status[1], status[2]), cause)
}
