/** The summary of `neo4j-driver-core`, and beside its names those that 1.x programs use. */

import {
  type Integer,
  type NumberOrInteger,
  type ProtocolVersion,
  QueryStatistics,
  ResultSummary
} from 'neo4j-driver-core'
import type { ServedBy } from '../config/servers'

/** Names of counters, each of which was a function in 1.x. */
const COUNTERS = [
  'nodesCreated',
  'nodesDeleted',
  'relationshipsCreated',
  'relationshipsDeleted',
  'propertiesSet',
  'labelsAdded',
  'labelsRemoved',
  'indexesAdded',
  'indexesRemoved',
  'constraintsAdded',
  'constraintsRemoved'
] as const

/** `counters.updates()` and the functions of 1.x, one for each counter: `counters.nodesCreated()`. */
export class Counters extends QueryStatistics {
  declare nodesCreated: () => number
  declare nodesDeleted: () => number
  declare relationshipsCreated: () => number
  declare relationshipsDeleted: () => number
  declare propertiesSet: () => number
  declare labelsAdded: () => number
  declare labelsRemoved: () => number
  declare indexesAdded: () => number
  declare indexesRemoved: () => number
  declare constraintsAdded: () => number
  declare constraintsRemoved: () => number
}

for (const name of COUNTERS) {
  Object.defineProperty(Counters.prototype, name, {
    value(this: Counters) {
      return this.updates()[name]
    },
    configurable: true,
    writable: true
  })
}

/** What came at the end of a result. */
export class Summary<T extends NumberOrInteger = Integer> extends ResultSummary<T> {
  declare counters: Counters
  /** The server that did the work. */
  servedBy: ServedBy

  constructor(
    query: string,
    parameters: object,
    metadata: object,
    version: ProtocolVersion,
    servedBy: ServedBy
  ) {
    super(query, parameters as { [key: string]: unknown }, metadata, version)
    Object.setPrototypeOf(this.counters, Counters.prototype)
    this.servedBy = servedBy
  }

  /** The query and its parameters: the name of 1.x for `query`. */
  get statement(): { text: string; parameters: { [key: string]: unknown } } {
    return this.query
  }

  /** The kind of the query: the name of 1.x for `queryType`. */
  get statementType(): string {
    return this.queryType
  }

  /** The counters: a name of 1.x to 5.x for `counters`. */
  get updateStatistics(): Counters {
    return this.counters
  }
}

// They are core's classes in all that a program can see.
for (const [ours, theirs] of [
  [Summary, ResultSummary],
  [Counters, QueryStatistics]
] as const) {
  Object.defineProperty(ours.prototype, 'constructor', { value: theirs, configurable: true, writable: true })
}
