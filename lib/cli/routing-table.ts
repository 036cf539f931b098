/** Whom a server names to clients that route, asked by a query: the driver keeps to itself what it is told. */

import type { Driver } from '../api/driver'

/** By what a table is asked for: from Neo4j 4 on, and before. */
const PROCEDURES = ['dbms.routing.getRoutingTable', 'dbms.cluster.routing.getRoutingTable']

const NO_PROCEDURE = 'Neo.ClientError.Procedure.ProcedureNotFound'

/** The addresses that a table names, each once. */
export interface RoutingTable {
  readonly procedure: string
  readonly addresses: readonly string[]
}

/**
 * @returns null where the server has none: a single server of Neo4j 3, or an HA member
 * @throws what the server says
 */
export async function routingTable(
  driver: Driver,
  database: string | undefined
): Promise<RoutingTable | null> {
  const session = driver.session({ defaultAccessMode: 'READ' })
  try {
    for (const procedure of PROCEDURES) {
      const isOld = procedure === PROCEDURES[1]
      const call = isOld ? `CALL ${procedure}({})` : `CALL ${procedure}({}, $database)`
      try {
        const { records } = await session.run(call, isOld ? {} : { database: database ?? null })
        const entries = records[0].get('servers') as { addresses: string[] }[]
        return { procedure, addresses: [...new Set(entries.flatMap(entry => entry.addresses))] }
      } catch (error) {
        if ((error as { code?: string }).code !== NO_PROCEDURE) throw error
      }
    }
    return null
  } finally {
    await session.close()
  }
}
