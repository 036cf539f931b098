// Compiled, and not run: what a program of cypher-query-builder says to TypeScript where it has no driver of its own.
import { Connection } from 'cypher-query-builder'
import neo4j, { type Session } from 'neo4j-driver'

const connection = new Connection('neo4j://localhost', neo4j.auth.basic('neo4j', 'secret'), {
  driverConstructor: neo4j.driver,
  driverConfig: { useBigInt: true }
})
export const own: Session | null = connection.session()
