// cypher-query-builder: built queries, run and streamed. It has a neo4j-driver 4 and an rxjs 6 of its own.
const { Connection, equals, greaterThan, inArray, node, relation } = require('cypher-query-builder')
const { login, print } = require('./program.cjs')

async function main() {
  const db = new Connection(login.uri, { username: login.username, password: login.password })
  await print('create', () =>
    db
      .create([
        node('ada', 'Person', { name: 'Ada', age: 36 }),
        relation('out', 'k', 'KNOWS', { since: 1950 }),
        node('grace', 'Person', { name: 'Grace', age: 85 })
      ])
      .return(['ada', 'k', 'grace'])
      .run()
  )
  await print('match', () =>
    db
      .matchNode('p', 'Person')
      .where({ 'p.age': greaterThan(40) })
      .return({ 'p.name': 'name', 'p.age': 'age' })
      .run()
  )
  await print('skip and limit', () =>
    db.matchNode('p', 'Person').return('p.name AS name').orderBy('name').skip(1).limit(1).run()
  )
  await print('first', () =>
    db
      .matchNode('p', 'Person')
      .where({ p: { name: equals('Ada') } })
      .return('p')
      .first()
  )
  await print('nothing', () =>
    db
      .matchNode('p', 'Person')
      .where({ p: { name: inArray(['X']) } })
      .return('p')
      .first()
  )
  await print('unwind', () => db.unwind([1, 2.5, 'three', null], 'x').return('x').run())
  await print('variable length', () =>
    db
      .match([node('a', 'Person', { name: 'Ada' }), relation('out', 'ks', 'KNOWS', [1, 3]), node('b')])
      .return(['ks', 'b.name AS name'])
      .run()
  )
  await print('set, and raw', async () => [
    await db.matchNode('p', 'Person', { name: 'Ada' }).setValues({ 'p.big': 5 }).return('p.big AS big').run(),
    await db
      .raw('RETURN 9007199254740993 AS big, [1, 2] AS list, {a: 1} AS map, date("2020-01-02") AS date')
      .run()
  ])
  await print('stream', async () => {
    const rows = []
    const stream = db
      .unwind([...Array(2500).keys()], 'x')
      .return('x')
      .stream()
    await new Promise((resolve, reject) =>
      stream.subscribe({ next: ({ x }) => rows.push(x), error: reject, complete: resolve })
    )
    return [rows.length, rows[0], rows.at(-1)]
  })
  await print(
    'a stream that fails',
    () =>
      new Promise((resolve, reject) =>
        db.raw('RETRUN 1').stream().subscribe({ error: reject, complete: resolve })
      )
  )
  await print('a syntax error', () => db.raw('RETRUN 1').run())
  await print('delete', () => db.matchNode('p', 'Person').detachDelete('p').return('count(p) AS n').run())
  await db.close()
  await print('after close', () => db.raw('RETURN 1').run())
}

module.exports = main()
