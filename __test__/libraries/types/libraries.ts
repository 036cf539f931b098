// Compiled, and not run: what programs of these libraries say to TypeScript about drivers,
// sessions and values.
import type { Neo4jGraph, Neo4jVectorStore } from '@langchain/neo4j'
import { Neo4jGraphQL, type Neo4jGraphQLContext } from '@neo4j/graphql'
import { OGM } from '@neo4j/graphql-ogm'
import neo4j, {
  type Driver,
  type Integer,
  type QueryResult,
  type Session,
  type Transaction
} from 'neo4j-driver'
import Neode from 'neode'
import { Neogma, QueryBuilder } from 'neogma'

const driver: Driver = neo4j.driver('neo4j://localhost', neo4j.auth.basic('neo4j', 'secret'))
const session: Session = driver.session()
export const schema = new Neo4jGraphQL({ typeDefs: 'type A @node { a: Int }', driver })
export const context: Neo4jGraphQLContext = { executionContext: session }
export const ogm = new OGM({ typeDefs: 'type A { a: Int }', driver })

const neogma = new Neogma(
  { url: 'neo4j://localhost', username: 'neo4j', password: 'secret' },
  { maxConnectionPoolSize: 5 }
)
export const same: Driver = neogma.driver
export const built: Promise<QueryResult> = new QueryBuilder()
  .match('n')
  .return('n')
  .run(neogma.queryRunner, session)
export const inTransaction = neogma.getTransaction(null, (transaction: Transaction) =>
  transaction.run('RETURN 1')
)

const neode = new Neode('neo4j://localhost', 'neo4j', 'secret')
export const rows = neode
  .cypher('RETURN 1 AS one', {})
  .then(result => result.records[0]?.get('one') as Integer)
export type Graph = [Neo4jGraph, Neo4jVectorStore]
