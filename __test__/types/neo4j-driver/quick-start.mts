// executeQuery, as the manual of neo4j-driver begins.
import neo4j from 'neo4j-driver'

interface Person {
  name: string
  age: number
}

const driver: neo4j.Driver = neo4j.driver('neo4j://localhost', neo4j.auth.basic('neo4j', 'password'))
const info: neo4j.ServerInfo = await driver.getServerInfo({ database: 'neo4j' })
await driver.verifyConnectivity()
const checked: Promise<void> = driver.verifyConnectivity({ database: 'neo4j' })
const allowed: boolean = await driver.verifyAuthentication({
  auth: neo4j.auth.bearer('token'),
  database: 'neo4j'
})
const supports: boolean[] = await Promise.all([
  driver.supportsMultiDb(),
  driver.supportsTransactionConfig(),
  driver.supportsUserImpersonation(),
  driver.supportsSessionAuth()
])
const version = await driver.getNegotiatedProtocolVersion()
console.log(
  info.address,
  info.agent,
  allowed,
  supports,
  version.isLessThan(version),
  driver.isEncrypted(),
  checked
)

const { records, summary, keys } = await driver.executeQuery(
  'MERGE (p:Person {name: $name, age: $age}) RETURN p.name AS name',
  { name: 'Alice', age: neo4j.int(42) },
  { database: 'neo4j', routing: neo4j.routing.WRITE }
)
for (const record of records) {
  const name: string = record.get('name')
  console.log(name, record.toObject(), keys[0])
}
console.log(summary.counters.updates().nodesCreated, summary.resultAvailableAfter.toNumber())

const people = await driver.executeQuery<neo4j.EagerResult<Person>>(
  'MATCH (p:Person) RETURN p.name AS name, p.age AS age'
)
const [first] = people.records
const name: string = first.get('name')
const age: number = first.get('age')
const all: Person[] = people.records.map(record => record.toObject())
console.log(name, age, all)

const controller = new AbortController()
const config: neo4j.QueryConfig<number> = {
  routing: 'READ',
  database: 'neo4j',
  impersonatedUser: 'bob',
  bookmarkManager: null,
  auth: neo4j.auth.kerberos('ticket'),
  signal: controller.signal,
  transactionConfig: { timeout: 1000, metadata: { app: 'tests' } },
  resultTransformer: async result => (await result).records.length
}
const count: number = await driver.executeQuery('MATCH (n) RETURN n', undefined, config)
console.log(count, driver.executeQueryBookmarkManager)

const reachable: true = await neo4j.hasReachableServer('bolt://localhost')
console.log(reachable)
await driver.close()
await using scoped = neo4j.driver('bolt://localhost')
console.log(scoped)
