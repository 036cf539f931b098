/** The servers as the driver sees them, opened for a look. */

import type { HAServer, Neo4jHA as Pool } from '../api/neo4j-ha'
import type { HAOptions } from '../config/options'
import type { ServerLocation } from '../config/servers'
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
  try {
    return new Neo4jHA(servers, options)
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
