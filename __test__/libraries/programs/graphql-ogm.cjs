// @neo4j/graphql-ogm: models of a GraphQL schema. It has an older @neo4j/graphql of its own, whose type
// DateTime needs APOC and is left out.
const { OGM } = require('@neo4j/graphql-ogm')
const neo4j = require('neo4j-driver')
const { login, print } = require('./program.cjs')

const typeDefs = `
  type User {
    name: String!
    age: Int
    big: BigInt
    born: Date
    posts: [Post!]! @relationship(type: "WROTE", direction: OUT)
  }
  type Post {
    title: String!
    at: Point
    author: [User!]! @relationship(type: "WROTE", direction: IN)
  }`

async function main() {
  const driver = neo4j.driver(login.uri, neo4j.auth.basic(login.username, login.password))
  const ogm = new OGM({ typeDefs, driver })
  await ogm.init()
  const User = ogm.model('User')
  const Post = ogm.model('Post')
  await print('create', () =>
    User.create({
      input: [
        {
          name: 'Ada',
          age: 36,
          big: '9007199254740993',
          born: '1815-12-10',
          posts: { create: [{ node: { title: 'Notes', at: { latitude: 51.5, longitude: -0.1 } } }] }
        },
        { name: 'Grace', age: 85 }
      ]
    })
  )
  await print('find', () =>
    User.find({
      where: { age_GT: 10 },
      options: { sort: [{ age: 'DESC' }], limit: 10 },
      selectionSet: '{ name age big born posts { title at { longitude latitude } } }'
    })
  )
  await print('update', () =>
    User.update({
      where: { name: 'Grace' },
      update: { age: 86 },
      connect: { posts: [{ where: { node: { title: 'Notes' } } }] }
    })
  )
  await print('aggregate', () =>
    User.aggregate({ aggregate: { count: true, age: { min: true, max: true, average: true } } })
  )
  await print('find by a relationship', () => Post.find({ where: { author_SOME: { name: 'Grace' } } }))
  await print('a session of the caller', async () => {
    const session = driver.session()
    const found = await User.find({ where: { name: 'Ada' }, context: { executionContext: session } })
    await session.close()
    return found
  })
  await print('an unknown field', () => User.find({ where: { nothing: 1 } }))
  await print('delete', () => User.delete({ where: {} }))
  await driver.close()
}

module.exports = main()
