// neogma: models, relationships that are created and loaded with their nodes, the query builder, transactions.
const { ModelFactory, Neogma, QueryBuilder, QueryRunner, Op, neo4jDriver } = require('neogma')
const { login, print } = require('./program.cjs')

async function main() {
  const { uri: url, username, password } = login
  const neogma = new Neogma({ url, username, password, database: 'neo4j' })
  await neogma.verifyConnectivity()
  const Orders = ModelFactory(
    {
      label: 'Order',
      schema: { id: { type: 'string', required: true }, total: { type: 'number', required: true } },
      primaryKeyField: 'id',
      relationshipCreationKeys: {}
    },
    neogma
  )
  const Users = ModelFactory(
    {
      label: 'User',
      schema: {
        id: { type: 'string', required: true },
        name: { type: 'string', required: true, minLength: 2 },
        age: { type: 'number', minimum: 0 }
      },
      primaryKeyField: 'id',
      relationships: {
        Orders: {
          model: Orders,
          direction: 'out',
          name: 'PLACED',
          properties: { Rating: { property: 'rating', schema: { type: 'number' } } }
        }
      }
    },
    neogma
  )
  await neogma.queryRunner.run('CREATE CONSTRAINT user_id IF NOT EXISTS FOR (u:User) REQUIRE u.id IS UNIQUE')
  await print('createOne', async () =>
    (await Users.createOne({ id: '1', name: 'Ada', age: 36 })).getDataValues()
  )
  await print('createMany with relationships', async () =>
    (
      await Users.createMany([
        {
          id: '2',
          name: 'Grace',
          age: 85,
          Orders: {
            properties: [
              { id: 'a', total: 1.5, Rating: 4 },
              { id: 'b', total: 20, Rating: 5 }
            ]
          }
        },
        { id: '3', name: 'Edsger', age: 72 }
      ])
    ).map(user => user.getDataValues())
  )
  await print('findMany', async () =>
    (
      await Users.findMany({ where: { age: { [Op.gte]: 40 } }, order: [['age', 'DESC']], limit: 5, skip: 0 })
    ).map(user => user.getDataValues())
  )
  await print('findMany with relationships', async () => {
    const users = await Users.findMany({
      where: { id: '2' },
      relationships: {
        Orders: { order: [{ on: 'target', property: 'total', direction: 'DESC' }], limit: 5 }
      },
      plain: true
    })
    return users.map(({ Orders: orders, ...user }) => ({ ...user, orders }))
  })
  await print('save', async () => {
    const user = await Users.findOne({ where: { id: '1' } })
    user.name = 'Ada Lovelace'
    await user.save()
    return (await Users.findOne({ where: { id: '1' } })).getDataValues()
  })
  await print('relateTo', async () => {
    const user = await Users.findOne({ where: { id: '1' } })
    const made = await user.relateTo({ alias: 'Orders', where: { id: 'a' }, properties: { Rating: 1 } })
    const found = await user.findRelationships({ alias: 'Orders' })
    return [made, found.map(({ target, relationship }) => [target.getDataValues(), relationship])]
  })
  await print('update', async () => {
    const [users, result] = await Users.update({ age: 86 }, { where: { id: '2' }, return: true })
    return [users.map(user => user.getDataValues()), result.summary.counters.updates()]
  })
  await print('query builder', async () => {
    const result = await new QueryBuilder()
      .match({
        related: [
          { model: Users, identifier: 'u' },
          { direction: 'out', name: 'PLACED' },
          { model: Orders, identifier: 'o' }
        ]
      })
      .return('u.name AS name, count(o) AS orders, sum(o.total) AS total')
      .orderBy('name')
      .limit(10)
      .run(neogma.queryRunner)
    return result.records.map(record => record.toObject())
  })
  await print('raw results', async () => {
    const result = await neogma.queryRunner.run('MATCH (u:User) RETURN u ORDER BY u.id')
    return [
      QueryRunner.getResultProperties(result, 'u'),
      result.records[0].get('u').constructor === neo4jDriver.types.Node
    ]
  })
  await print('values', async () => {
    const { int, types, DateTime } = neo4jDriver
    const parameters = {
      integer: int('9007199254740993'),
      when: new DateTime(2020, 1, 2, 3, 4, 5, 6, 3600),
      where: new types.Point(7203, 1, 2),
      list: [1, 'two', null, true, { three: [3] }]
    }
    const { records } = await neogma.queryRunner.run(
      'RETURN $integer AS integer, $when AS when, $where AS where, $list AS list',
      parameters
    )
    return records[0].toObject()
  })
  await print('a transaction that is rolled back', async () => {
    await neogma
      .getTransaction(null, async transaction => {
        await Users.createOne({ id: '9', name: 'Nobody' }, { session: transaction })
        throw new Error('changed my mind')
      })
      .catch(error => error.message)
    return Users.findMany({ where: { id: '9' } })
  })
  await print('a constraint', () => Users.createOne({ id: '1', name: 'Another' }))
  await print('validation', () => Users.createOne({ id: '8', name: 'x' }))
  await print('a syntax error', () => neogma.queryRunner.run('RETRUN 1'))
  await print('not found', () => Users.findOne({ where: { id: '77' }, throwIfNotFound: true }))
  await print('delete', () => Users.delete({ where: { id: '2' }, detach: true }))
  await neogma.driver.close()
}

module.exports = main()
