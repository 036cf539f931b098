/** What is told of the members of a cluster at one moment. */

import type { HAServer, Neo4jHA as Pool } from '../api/neo4j-ha'
import { ServerType, Status } from '../config/constants'
import type { RoleName } from '../config/servers'
import { messageOf } from '../errors'
import { addressOf } from './pool'

type State = 'up' | 'unknown' | 'down' | 'error'

const STATES = new Map<number | undefined, State>([
  [Status.up, 'up'],
  [Status.unknown, 'unknown'],
  [Status.down, 'down'],
  [Status.error, 'error']
])

/** A member. */
export interface Member {
  /** `host:port` of its Bolt port. */
  readonly member: string
  readonly bolt: string
  /** Its status endpoint. */
  readonly url: string | null
  /** `up`: it has a role, and takes connections. */
  readonly state: State
  readonly isMaster: boolean
  /** In its cluster's own word, for the database that was asked for. */
  readonly role: RoleName | null
  readonly topology: string | null
  /** What it calls itself, and the Bolt version that is spoken with it. */
  readonly product: string | null
  readonly protocol: string | null
  /** Smoothed milliseconds of a check. */
  readonly latency: number | null
  /** Transactions behind the member that is farthest. */
  readonly lag: number | null
  /** Since when this program sees it so. */
  readonly since: string | null
  readonly error: string | null
}

/** All members. */
export interface Snapshot {
  readonly at: string
  /** `host:port` */
  readonly master: string | null
  readonly members: readonly Member[]
}

/** Whether the members take connections, which their checks over HTTP do not say. */
export class Connections {
  /** Since when a server that was connected to is what it was then. */
  readonly #made = new WeakMap<HAServer, number>()
  readonly #failed = new WeakMap<HAServer, string>()

  /** Connects to each member, unless that went well since it is what it is. Settles when all of that is over. */
  async make(pool: Pool): Promise<void> {
    await Promise.all(pool.servers.map(server => this.#connect(server)))
  }

  /** Why there is none to a server. */
  failureOf(server: HAServer): string | undefined {
    return this.#failed.get(server)
  }

  async #connect(server: HAServer): Promise<void> {
    const { info, location, driver } = server
    // A check over Bolt says by itself why there is no connection.
    if (info === null || (info.status !== Status.up && location.url === null)) return
    if (this.#made.get(server) === info.since) return
    try {
      await driver.verifyConnectivity()
      this.#made.set(server, info.since)
      this.#failed.delete(server)
    } catch (error) {
      this.#failed.set(server, messageOf(error))
    }
  }
}

/**
 * What the driver knows now.
 *
 * @param database whose roles are meant; undefined: the home database
 */
export function snapshot(pool: Pool, connections: Connections, database?: string): Snapshot {
  const members = pool.servers.map((server, i) => {
    const { info, location } = server
    // Where members have no roles for each database, what they are is what they are for any.
    const isPerDatabase = database !== undefined && Object.keys(info?.databases ?? {}).length > 0
    const role = (isPerDatabase ? info?.databases[database] : info?.role) ?? null
    const error = errorOf(server, connections)
    return {
      member: addressOf(server),
      bolt: location.bolt,
      url: location.url,
      state: error !== null && info?.status === Status.up ? 'error' : (STATES.get(info?.status) ?? 'unknown'),
      isMaster: isPerDatabase ? role === 'leader' || role === 'writer' : i === pool.masterIndex,
      role,
      topology: info?.topology ?? null,
      product: info?.product ?? null,
      protocol: info?.bolt ?? null,
      latency: info === null || info.distance < 0 ? null : info.distance,
      lag: info?.lag ?? null,
      since: info === null ? null : new Date(info.since).toISOString(),
      error
    } as const
  })
  const master = members.find(({ isMaster }) => isMaster)
  return { at: new Date().toISOString(), master: master?.member ?? null, members }
}

/** Why a member is not up: in the word of its check, and of a connection to it. */
function errorOf(server: HAServer, connections: Connections): string | null {
  const failures = [checkFailure(server), connections.failureOf(server)].filter(failure => failure != null)
  return failures.length === 0 ? null : [...new Set(failures)].join('; ')
}

/** Why a check did not find out what a server is; null where it did. */
export function checkFailure(server: HAServer): string | null {
  const { info, location } = server
  if (info === null) return 'it was not checked'
  const said =
    info.err?.message ??
    (info.type === ServerType.unknown
      ? 'it answers, but not as Neo4j does. Is this its HTTP port (7474 by default, HTTPS 7473)?'
      : null)
  // One without a role over HTTP is asked over Bolt, by which it has another address.
  if (said === null || location.url === null || said.startsWith(addressOf(server))) return said
  return `${location.url}: ${said}`
}

/** 0: a master is known, and all are up; 1: a master is known; 2: none is. */
export function exitCodeOf({ master, members }: Snapshot): number {
  if (master === null) return 2
  return members.every(({ state }) => state === 'up') ? 0 : 1
}
