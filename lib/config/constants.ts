/** The enumerations of `neo4j-ha-bolt-driver` 1.2.3, value for value, and what they are on the native side. */

import { Permission, Role, ServerStatus, Strategy } from '../format'

const strategies = {
  /** Any of them. */
  random: Strategy.RANDOM,
  /** One after the other, in the order of the configuration. */
  roundRobin: Strategy.ROUND_ROBIN,
  /** The one with the lowest smoothed latency of its checks. */
  nearest: Strategy.NEAREST
} as const

/** Those that 1.2.3 did not have go by their names: its numbers are all that there are. */
interface NewerStrategies {
  /** Of two at random the one with fewer connections in flight. */
  readonly leastConnected: 'leastConnected'
  /** Of two at random the one that takes work up sooner, for what is in flight there. */
  readonly fastest: 'fastest'
}

/** How one of several eligible servers is picked. A program of 1.2.3 that goes through them finds those it knows. */
export const HAStrategies: typeof strategies & NewerStrategies = Object.freeze(
  Object.defineProperties({ ...strategies } as typeof strategies & NewerStrategies, {
    leastConnected: { value: 'leastConnected' },
    fastest: { value: 'fastest' }
  })
)

/** What each value is on the native side. */
export const STRATEGY_NUMBERS: ReadonlyMap<unknown, number> = new Map<unknown, number>([
  ...Object.values(strategies).map(number => [number, number] as const),
  [HAStrategies.leastConnected, Strategy.LEAST_CONNECTED],
  [HAStrategies.fastest, Strategy.FASTEST]
])

/** What the last check of a server found. */
export const Status = Object.freeze({
  /** The server answered with an error. */
  error: ServerStatus.Error,
  /** The server answers, but does not know its role (an election, for one). */
  unknown: ServerStatus.Unknown,
  /** The server does not answer. */
  down: ServerStatus.Down,
  /** The server answers and knows its role. */
  up: ServerStatus.Up
} as const)

/** The role of a server in its cluster. */
export const ServerType = Object.freeze({
  unknown: Role.Unknown,
  slave: Role.Slave,
  master: Role.Master
} as const)

/** What the servers of one role may be used for. */
export interface RoleAccess {
  readonly read: boolean
  readonly write: boolean
}

/** What the servers of each role may be used for. */
export interface ReadWriteConfig {
  readonly master: RoleAccess
  readonly slave: RoleAccess
}

const access = (mr: boolean, mw: boolean, sr: boolean, sw: boolean): ReadWriteConfig =>
  Object.freeze({
    master: Object.freeze({ read: mr, write: mw }),
    slave: Object.freeze({ read: sr, write: sw })
  })

/** The usual divisions of work between master and slaves. */
export const HAReadWrite = Object.freeze({
  /** The master does everything. */
  masterOnly: access(true, true, false, false),
  /** The master writes, slaves read. */
  masterWriteOnlySlaveReadOnly: access(false, true, true, false),
  /** The master reads and writes, slaves read. The default. */
  masterReadWriteSlaveRead: access(true, true, true, false),
  /** Every server does everything: slaves forward writes to the master. */
  all: access(true, true, true, true)
})

/** "The driver's own", where the native side takes a mask, a strategy or a server. */
export const DEFAULT = -1

/** The same as bits of {@link Permission}. */
export function rwMask(config: ReadWriteConfig): number {
  return (
    (config.master.read ? Permission.MASTER_READS : 0) |
    (config.master.write ? Permission.MASTER_WRITES : 0) |
    (config.slave.read ? Permission.SLAVE_READS : 0) |
    (config.slave.write ? Permission.SLAVE_WRITES : 0)
  )
}
