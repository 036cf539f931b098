/** The enumerations of `neo4j-ha-bolt-driver` 1.2.3, value for value, and what they are on the native side. */

/** How one of several eligible servers is picked. */
export const HAStrategies = Object.freeze({
  /** Any of them. */
  random: 0,
  /** One after the other, in the order of the configuration. */
  roundRobin: 1,
  /** The one with the lowest smoothed latency of its checks. */
  nearest: 2
} as const)

/** What the last check of a server found. */
export const Status = Object.freeze({
  /** The server answered with an error. */
  error: -2,
  /** The server answers, but does not know its role (an election, for one). */
  unknown: -1,
  /** The server does not answer. */
  down: 0,
  /** The server answers and knows its role. */
  up: 1
} as const)

/** The role of a server in its cluster. */
export const ServerType = Object.freeze({ unknown: 0, slave: 1, master: 2 } as const)

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

/** Bits as the native side wants them: 1 master reads, 2 master writes, 4 slave reads, 8 slave writes. */
export function rwMask(config: ReadWriteConfig): number {
  return (
    (config.master.read ? 1 : 0) |
    (config.master.write ? 2 : 0) |
    (config.slave.read ? 4 : 0) |
    (config.slave.write ? 8 : 0)
  )
}
