/** The summary of `neo4j-driver-core`, and beside its names those that 1.x programs use. */

import {
  type Integer,
  type NumberOrInteger,
  QueryStatistics,
  ResultSummary,
  ServerInfo
} from 'neo4j-driver-core'
import type { ServedBy } from '../config/servers'
import { bareBaseOf } from './core-classes'

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

const Statistics = bareBaseOf(QueryStatistics)

/** `counters.updates()` and the functions of 1.x, one for each counter: `counters.nodesCreated()`. */
export class Counters extends Statistics {
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

  constructor(made: QueryStatistics) {
    super()
    Object.assign(this, made)
  }
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

const Base = bareBaseOf(ResultSummary) as new <T extends NumberOrInteger>() => ResultSummary<T>

/** What came at the end of a result. */
export class Summary<T extends NumberOrInteger = Integer> extends Base<T> {
  declare counters: Counters
  /** The server that did the work. */
  servedBy: ServedBy

  /**
   * @param made core's, of this result or of one that ended alike: it is left as it is
   * @param consumedAfter of this result, as `availableAfter`
   */
  constructor(
    made: ResultSummary<T>,
    query: string,
    parameters: { [key: string]: unknown },
    consumedAfter: T,
    availableAfter: T,
    servedBy: ServedBy
  ) {
    super()
    const { address, agent, protocolVersion } = made.server
    // In the order in which core has them.
    this.query = { text: query, parameters }
    this.queryType = made.queryType
    this.counters = new Counters(made.counters)
    this.plan = made.plan
    this.profile = made.profile
    this.queryProfile = made.queryProfile
    this.notifications = made.notifications.slice()
    this.gqlStatusObjects = made.gqlStatusObjects.slice() as typeof made.gqlStatusObjects
    this.server = new ServerInfo({ address, version: agent }, protocolVersion)
    this.resultConsumedAfter = consumedAfter
    this.resultAvailableAfter = availableAfter
    this.database = { name: made.database.name }
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
