// @neo4j/graphql: a schema that is queried and changed, by a driver, a session and a transaction of the caller.
// Its type DateTime is left out: it needs APOC.
import { Neo4jGraphQL } from '@neo4j/graphql'
import { graphql as run } from 'graphql'
import neo4j from 'neo4j-driver'
import { login, print } from './program.cjs'

const typeDefs = `
  type Person @node {
    name: String!
    age: Int
    big: BigInt
    height: Float
    born: Date
    local: LocalDateTime
    at: Time
    clock: LocalTime
    lasted: Duration
    home: Point
    tags: [String!]
    directed: [Movie!]! @relationship(type: "DIRECTED", direction: OUT, properties: "Directed")
  }
  type Movie @node {
    title: String!
    directors: [Person!]! @relationship(type: "DIRECTED", direction: IN, properties: "Directed")
    doubled: Int @cypher(statement: "RETURN size(this.title) * 2 AS doubled", columnName: "doubled")
  }
  type Directed @relationshipProperties {
    year: Int
  }
  type Query {
    fails: Int @cypher(statement: "RETURN 1 / 0 AS n", columnName: "n")
  }`

const driver = neo4j.driver(login.uri, neo4j.auth.basic(login.username, login.password))
const neoSchema = new Neo4jGraphQL({ typeDefs, driver })
const schema = await neoSchema.getSchema()

const ask = async (source, { variables: variableValues, context = {} } = {}) => {
  const { data, errors } = await run({ schema, source, variableValues, contextValue: context })
  return { data, errors: errors?.map(({ message, path }) => ({ message, path })) }
}
const ALL = `name age big height born local at clock lasted tags home { latitude longitude crs srid }`

await print('constraints and indexes', () => neoSchema.assertIndexesAndConstraints({ driver }))
await print('a server without APOC', () => neoSchema.checkNeo4jCompat({ driver }))
await print('create', () =>
  ask(
    `mutation ($input: [PersonCreateInput!]!) {
      createPeople(input: $input) { people { ${ALL} directed { title } } info { nodesCreated relationshipsCreated } }
    }`,
    {
      variables: {
        input: [
          {
            name: 'Ada',
            age: 36,
            big: '9007199254740993',
            height: 1.65,
            born: '1815-12-10',
            local: '2020-01-02T03:04:05',
            at: '03:04:05.678+01:00',
            clock: '03:04:05.123456789',
            lasted: 'P1Y2M3DT4H5M6.5S',
            home: { latitude: 51.5, longitude: -0.1 },
            tags: ['x', 'y'],
            directed: { create: [{ node: { title: 'Engines' }, edge: { year: 1843 } }] }
          },
          { name: 'Grace', age: 85 }
        ]
      }
    }
  )
)
await print('query', () => ask(`{ people(where: { age: { gt: 40 } }) { name age directed { title } } }`))
await print('sort, limit and offset', () =>
  ask(`{ people(sort: [{ age: DESC }], limit: 1, offset: 1) { name } }`)
)
await print('connection', () =>
  ask(`{
    moviesConnection(first: 5) {
      totalCount
      edges { node { title doubled directorsConnection { edges { properties { year } node { name } } } } }
    }
  }`)
)
await print('aggregate', () =>
  ask(`{ peopleConnection { aggregate { count { nodes } node { age { min max average sum } } } } }`)
)
await print('connect and update', () =>
  ask(`mutation {
    updatePeople(
      where: { name: { eq: "Grace" } }
      update: { age: { set: 86 }, directed: [{ connect: [{ where: { node: { title: { eq: "Engines" } } }, edge: { year: 1950 } }] }] }
    ) { people { name age directed { title } } info { relationshipsCreated } }
  }`)
)
await print('filter by a relationship', () =>
  ask(`{ movies(where: { directors: { some: { name: { eq: "Grace" } } } }) { title } }`)
)
await print('a session of the caller', async () => {
  const session = driver.session()
  const answer = await ask(`{ movies { title } }`, { context: { executionContext: session } })
  await session.close()
  return answer
})
await print('a transaction of the caller that is rolled back', async () => {
  const session = driver.session()
  const transaction = await session.beginTransaction()
  const answer = await ask(`mutation { createMovies(input: [{ title: "Gone" }]) { movies { title } } }`, {
    context: { executionContext: transaction }
  })
  await transaction.rollback()
  await session.close()
  return [answer, await ask(`{ movies { title } }`)]
})
await print('an error of the server', () => ask(`{ fails }`))
await print('delete', () => ask(`mutation { deletePeople(where: {}) { nodesDeleted relationshipsDeleted } }`))
await driver.close()
