/** `Neo4jHA.driver`: the namespace of `neo4j-driver`, on our engine. Values, summaries and errors are the classes of its core. */

import * as core from 'neo4j-driver-core'
import { withV1 } from '../compat/neo4j-v1'
import { logging } from '../config/logging'
import { Driver, driver, hasReachableServer } from './driver'
import { Result } from './result'
import { RxResult } from './rx/result'
import { RxSession } from './rx/session'
import { RxManagedTransaction, RxTransaction } from './rx/transaction'
import { Session } from './session'
import { ManagedTransaction, Transaction } from './transaction'

/** What core has and `neo4j-driver` exports as it is. */
const FROM_CORE = [
  'auth',
  'authTokenManagers',
  'bookmarkManager',
  'clientCertificateProviders',
  'Date',
  'DateTime',
  'Duration',
  'EagerResult',
  'EncryptionService',
  'EnvelopeEncryptionProfile',
  'error',
  'GqlStatusObject',
  'int',
  'Integer',
  'isDate',
  'isDateTime',
  'isDuration',
  'isInt',
  'isLocalDateTime',
  'isLocalTime',
  'isNode',
  'isPath',
  'isPathSegment',
  'isPoint',
  'isRelationship',
  'isRetriableError',
  'isRetryableError',
  'isTime',
  'isUnboundRelationship',
  'isUnsupportedType',
  'isUUID',
  'isVector',
  'LocalDateTime',
  'LocalKeyEncapsulationService',
  'localKeyEncapsulationService',
  'LocalTime',
  'mappingDecorators',
  'Neo4jError',
  'Node',
  'Notification',
  'notificationCategory',
  'notificationClassification',
  'notificationFilterDisabledCategory',
  'notificationFilterDisabledClassification',
  'notificationFilterMinimumSeverityLevel',
  'notificationSeverityLevel',
  'Path',
  'PathSegment',
  'Plan',
  'Point',
  'ProfiledPlan',
  'ProtocolVersion',
  'QueryStatistics',
  'Record',
  'RecordObjectMapping',
  'Relationship',
  'ResultSummary',
  'resultTransformers',
  'routing',
  'rule',
  'ServerInfo',
  'StandardCase',
  'Time',
  'UnboundRelationship',
  'UnsupportedType',
  'UUID',
  'uuid',
  'Vector',
  'vector'
] as const

/** Functions for `Integer`s. */
const integer = { toNumber: core.toNumber, toString: core.toString, inSafeRange: core.inSafeRange }

/** Access modes of a session. */
const session = { READ: 'READ', WRITE: 'WRITE' } as const

const graph = {
  isNode: core.isNode,
  isPath: core.isPath,
  isPathSegment: core.isPathSegment,
  isRelationship: core.isRelationship,
  isUnboundRelationship: core.isUnboundRelationship
}
const spatial = { isPoint: core.isPoint }
const temporal = {
  isDuration: core.isDuration,
  isLocalTime: core.isLocalTime,
  isTime: core.isTime,
  isDate: core.isDate,
  isLocalDateTime: core.isLocalDateTime,
  isDateTime: core.isDateTime
}

/** Classes of all values. */
const types = {
  Node: core.Node,
  Relationship: core.Relationship,
  UnboundRelationship: core.UnboundRelationship,
  PathSegment: core.PathSegment,
  Path: core.Path,
  Result,
  EagerResult: core.EagerResult,
  ResultSummary: core.ResultSummary,
  Record: core.Record,
  Point: core.Point,
  Date: core.Date,
  DateTime: core.DateTime,
  Duration: core.Duration,
  LocalDateTime: core.LocalDateTime,
  LocalTime: core.LocalTime,
  Time: core.Time,
  Integer: core.Integer,
  Vector: core.Vector,
  UUID: core.UUID,
  EncryptionService: core.EncryptionService,
  EnvelopeEncryptionProfile: core.EnvelopeEncryptionProfile,
  ProtocolVersion: core.ProtocolVersion,
  RxSession,
  RxTransaction,
  RxManagedTransaction,
  RxResult
}

export const neo4j = withV1({
  ...pick(core, FROM_CORE),
  Driver,
  driver,
  graph,
  hasReachableServer,
  integer,
  logging,
  ManagedTransaction,
  Result,
  RxManagedTransaction,
  RxResult,
  RxSession,
  RxTransaction,
  Session,
  session,
  spatial,
  temporal,
  Transaction,
  types
})

function pick<T extends object, K extends keyof T>(from: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.map(name => [name, from[name]])) as Pick<T, K>
}
