/** The servers as the driver sees them, opened for a look. */

import type { Driver } from '../api/driver'
import type { HAServer, Neo4jHA as Pool } from '../api/neo4j-ha'
import type { HAOptions } from '../config/options'
import { readServers, type Server, type ServerLocation } from '../config/servers'
import Neo4jHA from '../index'
import { UsageError } from './arguments'

/** Milliseconds for anything that is looked at, unless the options say otherwise: somebody waits for it. */
export const PATIENCE = 5_000

/** How often new members may name others. */
const GENERATIONS = 5

/** The same options, for somebody who waits: nothing is tried again, and what the driver warns of goes to `warn`. */
export function hasty(options: HAOptions, warn: (message: string) => void = () => {}): HAOptions {
  const { neo4jDriverOptions } = options
  return {
    ...options,
    neo4jDriverOptions: {
      connectionTimeout: PATIENCE,
      connectionAcquisitionTimeout: PATIENCE,
      maxTransactionRetryTime: 0,
      ...neo4jDriverOptions,
      logging: { level: 'warn', logger: (_level, message) => warn(message) }
    }
  }
}

/** @throws UsageError where a server or an option is none */
export function open(servers: readonly ServerLocation[], options: HAOptions): Pool {
  return rightly(() => new Neo4jHA(servers, options))
}

/** A server by itself, without the others and without checks. */
export interface Single {
  readonly server: Server
  /** To it alone, even where its URI is of a cluster. */
  readonly direct: Driver
  /** As its URI says. */
  readonly driver: Driver
}

/** Each server by itself; they are closed when `work` is over. @throws UsageError where a server or an option is none */
export async function withEach<T>(
  servers: readonly ServerLocation[],
  options: HAOptions,
  work: (singles: readonly Single[]) => Promise<T>
): Promise<T> {
  const opened: Driver[] = []
  const start = (uri: string, { auth }: Server): Driver => {
    const driver = Neo4jHA.driver.driver(uri, auth, options.neo4jDriverOptions)
    opened.push(driver)
    return driver
  }
  try {
    const singles = rightly(() =>
      readServers(servers, options.auth).map(server => {
        const direct = start(directOf(server), server)
        return { server, direct, driver: server.uri.routing ? start(server.bolt, server) : direct }
      })
    )
    return await work(singles)
  } finally {
    await Promise.all(opened.map(driver => driver.close()))
  }
}

/** The URI of a server alone. */
function directOf({ uri: { address, secure, selfSigned } }: Server): string {
  return `bolt${selfSigned ? '+ssc' : secure ? '+s' : ''}://${address}`
}

function rightly<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    // Of the servers and the options; a native module that cannot be loaded is another matter.
    if (error instanceof TypeError) throw new UsageError(error.message)
    throw error
  }
}

/** Resolves when every member has been checked, those too that were found meanwhile. */
export async function checked(pool: Pool): Promise<void> {
  await pool.ready
  for (let n = 0; n < GENERATIONS && pool.servers.some(({ info }) => info === null); n++) {
    await pool.checkServers()
  }
}

/** The address by which a server is called. */
export function addressOf({ location }: Pick<HAServer, 'location'>): string {
  return location.bolt.replace(/^.*:\/\//, '')
}
