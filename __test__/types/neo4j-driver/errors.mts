// What a program does with errors and parameters, whose types it does not say.
import neo4j from 'neo4j-driver'

interface Person {
  id: number
  name?: string
}

const driver = neo4j.driver('bolt://127.0.0.1', neo4j.auth.basic('neo4j', 'password'))
const session = driver.session()

session.run('RETURN 1').catch(error => console.error(error.code, error.message))
session.run('RETURN 1').then(
  result => result.records.length,
  error => console.error(error.code)
)
session.beginTransaction().catch(error => console.error(error.code))
session.beginTransaction().then(
  transaction => transaction.commit(),
  error => console.error(error.code)
)
session
  .run('RETURN 1')
  .as<Person>({})
  .catch(error => console.error(error.code))
session
  .executeRead(tx => tx.run('RETURN 1'))
  .catch(error => console.error(error.code, neo4j.isRetriableError(error), neo4j.isRetryableError(error)))

try {
  await session.run('RETURN 1')
} catch (error) {
  if (error instanceof neo4j.Neo4jError) {
    const retriable: boolean = error.retriable
    console.log(error.code, error.gqlStatus, retriable, error.retryable, error.cause?.message)
  }
}

export const anything = (query: string, parameters?: unknown) => session.run(query, parameters)
export const typed = (person: Person) => session.run('RETURN $id', person)
export const executed = (person: Person) => driver.executeQuery('RETURN $id', person)
export const managed = (person: Person) => session.executeRead(tx => tx.run('RETURN $id', person))
export const begun = async (person: Readonly<Person>) =>
  (await session.beginTransaction()).run('RETURN $id', person)
export const maybe = (id: string | undefined) => session.run('RETURN $id', { id })
