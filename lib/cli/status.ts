/** `status`: the cluster as a table, or as JSON; once, or for as long as somebody watches. */

import type { Neo4jHA as Pool } from '../api/neo4j-ha'
import { Status } from '../config/constants'
import { messageOf } from '../errors'
import type { Asked } from './arguments'
import { text } from './board'
import { Connections, exitCodeOf, snapshot } from './members'
import { checked, hasty, open } from './pool'
import { style } from './table'
import { watch } from './watch'

export async function status(asked: Asked): Promise<number> {
  const warnings = new Set<string>()
  const pool = open(
    asked.servers,
    hasty(asked.options, warning => warnings.add(warning))
  )
  try {
    const connections = new Connections()
    await look(pool, connections, asked.database)
    for (const warning of warnings) console.error(style('dim', warning, process.stderr))
    if (asked.watch) return await watch(pool, connections, asked)
    const now = snapshot(pool, connections, asked.database)
    console.log(asked.json ? JSON.stringify(now, null, 2) : text(now))
    return exitCodeOf(now)
  } finally {
    await pool.close()
  }
}

/**
 * Everything is checked and connected to, once; and checked again, which says what the connections found out. Not where there are none:
 * each login that is refused counts against the user.
 */
async function look(pool: Pool, connections: Connections, database: string | undefined): Promise<void> {
  await checked(pool)
  await connections.make(pool)
  // Work for a database is what has its roles asked for.
  const isPerDatabase = pool.servers.some(({ info }) => Object.keys(info?.databases ?? {}).length > 0)
  if (database !== undefined && isPerDatabase) {
    await pool.verifyConnectivity({ database }).catch(error => console.error(messageOf(error)))
  }
  if (pool.servers.some(({ info }) => info?.status === Status.up)) await pool.checkServers()
}
