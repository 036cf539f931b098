// neode: models with all kinds of properties, relationships, collections, batches. It has a neo4j-driver 4 of its own.
const Neode = require('neode')
const { login, print } = require('./program.cjs')

async function main() {
  const neode = new Neode(login.uri, login.username, login.password)
  neode.model('Person', {
    name: { type: 'string', primary: true },
    born: { type: 'date' },
    seen: { type: 'datetime' },
    age: { type: 'integer', min: 0 },
    height: 'float',
    alive: 'boolean',
    home: 'point',
    knows: {
      type: 'relationships',
      relationship: 'KNOWS',
      direction: 'out',
      target: 'Person',
      properties: { since: 'integer' },
      eager: true
    }
  })
  const ada = {
    name: 'Ada',
    born: new Date('1815-12-10T00:00:00Z'),
    seen: new Date('2020-01-02T03:04:05.678Z'),
    age: 36,
    height: 1.65,
    alive: false,
    home: { latitude: 51.5, longitude: -0.1 }
  }
  await print('schema, in words that servers no longer know', () => neode.schema.install())
  await neode.writeCypher('CREATE CONSTRAINT FOR (p:Person) REQUIRE p.name IS UNIQUE')
  await print('create', async () => (await neode.create('Person', ada)).properties())
  await print('create, converted to JSON', async () => {
    const grace = await neode.create('Person', { name: 'Grace', age: 85 })
    const { _id: id, ...rest } = await grace.toJson()
    return [typeof id, rest]
  })
  await print('merge', async () => {
    const merged = await neode.merge('Person', { name: 'Grace', age: 86 })
    return [merged.get('name'), merged.get('age')]
  })
  await print('relateTo, and what is loaded with a node', async () => {
    const [first, second] = await Promise.all(['Ada', 'Grace'].map(name => neode.find('Person', name)))
    const relationship = await first.relateTo(second, 'knows', { since: 1950 })
    const again = await neode.find('Person', 'Ada')
    const known = again.get('knows')
    return [relationship.get('since'), known.length, known.first().otherNode().get('name')]
  })
  await print('all', async () => {
    const people = await neode.all('Person', {}, { name: 'DESC' }, 10, 0)
    return people.map(person => person.get('name'))
  })
  await print('first', async () => (await neode.first('Person', { name: 'Ada' })).properties())
  await print('findById', async () => {
    const person = await neode.first('Person', 'name', 'Ada')
    return (await neode.findById('Person', person.id())).get('name')
  })
  await print('update', async () => {
    const person = await neode.find('Person', 'Ada')
    return (await person.update({ age: 37 })).get('age')
  })
  await print('batch', async () => {
    const results = await neode.batch([
      { query: 'CREATE (p:Person {name: $name}) RETURN p.name AS name', params: { name: 'Edsger' } },
      'MATCH (p:Person) RETURN count(p) AS name'
    ])
    return results.map(({ records }) => records.map(record => record.toObject()))
  })
  await print('a batch that fails is rolled back', async () => {
    const failure = await neode.batch(['CREATE (:Person {name: "Nobody"})', 'RETRUN 1']).catch(error => error)
    const { records } = await neode.cypher('MATCH (p:Person {name: "Nobody"}) RETURN count(p) AS n')
    return [failure.name, failure.errors.length, records[0].get('n')]
  })
  await print('query builder', async () => {
    const result = await neode
      .query()
      .match('p', 'Person')
      .where('p.age', '>', 30)
      .return('p.name', 'p.age')
      .orderBy('p.name')
      .execute()
    return result.records.map(record => record.toObject())
  })
  await print('hydrate', async () => {
    const result = await neode.cypher('MATCH (p:Person) RETURN p ORDER BY p.name')
    return neode.hydrate(result, 'p', neode.model('Person')).map(person => person.get('name'))
  })
  await print('a constraint', () => neode.create('Person', { name: 'Ada' }))
  await print('validation', () => neode.create('Person', { name: 'Bob', age: -1 }))
  await print('a syntax error', () => neode.cypher('RETRUN 1'))
  await print('delete', async () => {
    await (await neode.find('Person', 'Ada')).delete()
    await neode.deleteAll('Person')
    return (await neode.all('Person')).length
  })
  neode.close()
}

module.exports = main()
