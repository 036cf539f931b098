// Programs written for neo4j-driver 6 give the same on this driver: each runs on both, against the same scripted server.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import v8 from 'node:v8'
import { firstValueFrom, lastValueFrom, map, take, toArray } from 'rxjs'
import { boltServer, Neo4jHA, settle, test } from '../support/contract.mjs'
import { node, relationship } from '../support/packstream.mjs'
import { failure, rows } from '../support/scripted-server.mjs'

const official = createRequire(import.meta.url)('neo4j-driver')

/** What of an error a program looks at. */
const facts = error => ({
  name: error.name,
  code: error.code,
  message: error.message,
  gqlStatus: error.gqlStatus,
  gqlStatusDescription: error.gqlStatusDescription,
  classification: error.classification,
  rawClassification: error.rawClassification,
  diagnosticRecord: error.diagnosticRecord,
  retryable: error.retryable,
  retriable: error.retriable,
  cause: error.cause === undefined ? undefined : facts(error.cause)
})

const outcome = async promise => {
  const { value, error } = await settle(promise)
  return error === undefined ? value : facts(error)
}

class Row {
  x
}

/** Each takes the namespace and a driver, and returns what it saw. */
const programs = {
  'records of a query': async (_, driver) => {
    const session = driver.session()
    const { records, summary } = await session.run('UNWIND range(1, 5) AS n RETURN n')
    await session.close()
    return records.map(record => [
      record.keys,
      record.length,
      record.toObject(),
      record.get('n').toString(),
      record.get(0),
      [...record.entries()],
      [...record.values()],
      record.has('n'),
      record.has('m'),
      [...record],
      summary.queryType
    ])
  },

  'records as objects, of small and of large results': async (_, driver) => {
    const seen = []
    for (const n of [3, 65, 1000]) {
      const { records } = await driver.session().run(`UNWIND range(1, ${n}) AS n RETURN n`)
      const [, , third] = records
      const copy = Object.assign(Object.create(Object.getPrototypeOf(third)), third)
      seen.push(Object.keys(third), { ...third }, structuredClone(third), inspect(third), copy.toObject())
      seen.push(
        JSON.stringify(third),
        v8.deserialize(v8.serialize(third)),
        Object.getOwnPropertyDescriptors(third)
      )
      seen.push(v8.serialize(third).length < 200)
      third._fields[0] = 'written'
      seen.push(third.get('n'), third.toObject())
    }
    return seen
  },

  'a field that is not there': async (_, driver) => {
    const { records } = await driver.session().run('RETURN 1 AS n')
    return ['m', 1, -1].map(key => {
      try {
        return records[0].get(key)
      } catch (error) {
        return facts(error)
      }
    })
  },

  'nodes and relationships': async (neo4j, driver) => {
    const { records } = await driver.session().run('MATCH graph')
    const [n, r] = [records[0].get('n'), records[0].get('r')]
    return [n, r, n.toString(), r.toString(), neo4j.isNode(n), r instanceof neo4j.types.Relationship]
  },

  'a summary': async (_, driver) => {
    const { summary } = await driver.session().run('CREATE (n)', { some: 'value' })
    const { query, queryType, counters, database, notifications, gqlStatusObjects, server } = summary
    return {
      query,
      queryType,
      updates: counters.updates(),
      contains: counters.containsUpdates(),
      system: counters.systemUpdates(),
      database,
      notifications,
      gqlStatusObjects,
      available: summary.resultAvailableAfter,
      consumed: summary.resultConsumedAfter,
      plan: summary.plan,
      profile: summary.profile,
      hasPlan: summary.hasPlan(),
      server: { agent: server.agent, version: String(server.protocolVersion) }
    }
  },

  'a database where there is but one': async (_, driver) => {
    const { value, error } = await settle(driver.session({ database: 'books' }).run('RETURN 1'))
    return error === undefined ? value.summary.database : error.name
  },

  'plans and notifications': async (_, driver) => {
    const { summary } = await driver.session().run('PROFILE it')
    return [
      summary.hasPlan(),
      summary.hasProfile(),
      summary.profile,
      summary.plan,
      summary.notifications,
      summary.gqlStatusObjects
    ]
  },

  'an error of the server': async (_, driver) => {
    const session = driver.session()
    const seen = [await outcome(session.run('NONSENSE')), await outcome(session.run('FAIL gql'))]
    const result = session.run('NONSENSE')
    seen.push(await outcome(result.keys()), await outcome(result.summary()), result.isOpen())
    await session.close()
    return seen
  },

  'keys, summary and iteration': async (_, driver) => {
    const session = driver.session({ fetchSize: 10 })
    const result = session.run('UNWIND range(1, 100) AS n RETURN n')
    const seen = [await result.keys(), result.isOpen()]
    const iterator = result[Symbol.asyncIterator]()
    seen.push((await iterator.peek()).value.get('n').toInt(), (await iterator.next()).value.get('n').toInt())
    for await (const record of { [Symbol.asyncIterator]: () => iterator }) {
      seen.push(record.get('n').toInt())
      if (seen.length > 20) break
    }
    seen.push((await result.summary()).queryType, result.isOpen())
    await session.close()
    return seen
  },

  'an observer': async (_, driver) => {
    const session = driver.session()
    const seen = []
    for (const query of ['UNWIND range(1, 3) AS n RETURN n', 'NONSENSE']) {
      await new Promise(resolve =>
        session.run(query).subscribe({
          onKeys: keys => seen.push(keys),
          onNext: record => seen.push(record.toObject()),
          onCompleted: summary => resolve(seen.push(summary.queryType)),
          onError: error => resolve(seen.push(facts(error)))
        })
      )
    }
    return seen
  },

  'an explicit transaction': async (_, driver) => {
    const session = driver.session()
    const tx = await session.beginTransaction()
    const seen = [tx.isOpen(), (await tx.run('RETURN 1')).records[0].get(0), session.lastBookmarks()]
    await tx.commit()
    seen.push(tx.isOpen(), session.lastBookmarks())
    seen.push(await outcome(tx.commit()), await outcome(tx.rollback()), await outcome(tx.close()))
    seen.push(await outcome(tx.run('RETURN 1')))
    const other = session.beginTransaction()
    seen.push((await other.run('RETURN 2')).records[0].get(0))
    await other.close()
    seen.push(other.isOpen(), await outcome(other.commit()), await outcome(other.rollback()))
    seen.push(await outcome(other.run('RETURN 1')))
    await session.close()
    return seen
  },

  'a transaction that fails': async (_, driver) => {
    const session = driver.session()
    const tx = session.beginTransaction()
    const seen = [await outcome(tx.run('NONSENSE')), tx.isOpen()]
    seen.push(await outcome(tx.run('RETURN 1')), await outcome(tx.commit()), await outcome(tx.rollback()))
    seen.push((await session.run('RETURN 1')).records.length)
    await session.close()
    return seen
  },

  'more than one transaction in a session': async (_, driver) => {
    const session = driver.session()
    const tx = await session.beginTransaction()
    const seen = []
    try {
      session.beginTransaction()
    } catch (error) {
      seen.push(error.name, error.code)
    }
    await tx.rollback()
    seen.push((await session.run('RETURN 1')).records.length)
    await session.close()
    seen.push(await outcome(session.run('RETURN 1')))
    const other = driver.session()
    await other.beginTransaction()
    // neo4j-driver 6.3 has lost the transaction's connection after this.
    seen.push((await outcome(other.run('RETURN 1'))).code)
    return seen
  },

  'transaction functions': async (_, driver) => {
    const session = driver.session()
    const seen = [
      await session.executeRead(async tx => (await tx.run('RETURN 1')).records[0].get(0)),
      await session.executeWrite(async tx => (await tx.run('CREATE (n)')).summary.counters.updates()),
      await session.executeWrite(() => 'not a promise')
    ]
    seen.push(
      await outcome(
        session.executeWrite(() => {
          throw new TypeError('mine')
        })
      )
    )
    seen.push(await outcome(session.executeRead(tx => tx.run('NONSENSE'))), session.lastBookmarks())
    await session.close()
    return seen
  },

  'executeQuery and its transformers': async (neo4j, driver) => {
    const { resultTransformers: made } = neo4j
    const run = (resultTransformer, query = 'UNWIND range(1, 3) AS n RETURN n') =>
      outcome(driver.executeQuery(query, {}, { resultTransformer, routing: 'READ' }))
    const eager = await run(made.eager())
    return [
      eager.keys,
      eager.records.map(record => record.toObject()),
      (await run(made.mapped({ map: record => record.get(0) }))).records,
      (await run(made.mapped({ collect: (records, _, keys) => [records.length, keys] }))) ?? null,
      (await run(made.first())).toObject(),
      (await run(made.summary())).queryType,
      (await run(made.hydrated({ n: neo4j.rule.asNumber() }))).records,
      await run(made.eager(), 'NONSENSE'),
      await run(async () => {
        throw new Error('mine')
      })
    ]
  },

  'bookmarks from session to session': async (neo4j, driver) => {
    const one = driver.session()
    await one.run('CREATE (n)')
    const two = driver.session({ bookmarks: [one.lastBookmarks(), 'FB:other'] })
    const seen = [one.lastBookmarks(), two.lastBookmarks()]
    await two.run('CREATE (n)')
    seen.push(two.lastBookmarks())
    const manager = neo4j.bookmarkManager({ initialBookmarks: ['FB:first'] })
    await driver.session({ bookmarkManager: manager }).run('RETURN 1')
    seen.push([...(await manager.getBookmarks())])
    return seen
  },

  'every kind of parameter': async (neo4j, driver) => {
    const session = driver.session()
    const { Date: CypherDate, DateTime, Duration, LocalDateTime, LocalTime, Point, Time } = neo4j
    const seen = []
    for (const x of [
      1,
      neo4j.int(1),
      2n,
      'text',
      true,
      null,
      [1, 'two', [3]],
      { a: { b: [neo4j.int(1)] } },
      new Int8Array([1, -1]),
      new CypherDate(2024, 2, 29),
      new Time(1, 2, 3, 4, 3600),
      new LocalTime(1, 2, 3, 4),
      new LocalDateTime(2024, 1, 2, 3, 4, 5, 6),
      new DateTime(2024, 1, 2, 3, 4, 5, 6, -3600),
      new Duration(1, 2, 3, 4),
      new Point(4326, 1, 2),
      new Point(9157, 1, 2, 3)
    ]) {
      seen.push((await session.run('RETURN $x AS x', { x })).records[0].get('x'))
    }
    return seen
  },

  'parameters that cannot be sent, and queries that are none': async (neo4j, driver) => {
    const session = driver.session()
    const tried = []
    for (const run of [
      () => session.run(''),
      () => session.run(12),
      () => session.run('RETURN 1', 'text'),
      () => session.run('RETURN 1', {}, { timeout: -1 }),
      () => session.run('RETURN 1', {}, { metadata: 'text' }),
      () => session.beginTransaction({ timeout: 'soon' }),
      () => driver.session({ defaultAccessMode: 'BOTH' }),
      () => neo4j.driver('nothing://at.all')
    ]) {
      try {
        await run()
        tried.push('taken')
      } catch (error) {
        tried.push(error.constructor.name === 'Neo4jError' ? 'Neo4jError' : error instanceof Error)
      }
    }
    return tried
  },

  'parameters and records by rules': async (neo4j, driver) => {
    const { rule } = neo4j
    const rules = { x: rule.asString(), when: rule.asDate({ optional: true }) }
    const session = driver.session()
    const seen = [
      (await session.run('RETURN $x AS x', { x: 'text' }, {}, rules)).records[0].get('x'),
      await outcome((async () => session.run('RETURN $x AS x', { x: 12 }, {}, rules))()),
      (await session.run('RETURN $x AS x', { x: 'text' })).records[0].as(Row),
      (await session.run('RETURN $x AS x', { x: 'text' }).as(Row)).records,
      await outcome(session.run('RETURN $x AS x', { x: 'text' }).as({ x: rule.asNumber() })),
      await driver.executeQuery('RETURN $x AS x', { x: 'text' }, {}, rules).then(({ keys }) => keys)
    ]
    await session.close()
    return seen
  },

  'reactive sessions': async (_, driver) => {
    const session = driver.rxSession({ fetchSize: 10 })
    const all = observable => lastValueFrom(observable.pipe(toArray()), { defaultValue: [] })
    const numbers = tx =>
      tx
        .run('UNWIND range(1, 100) AS n RETURN n')
        .records()
        .pipe(map(record => record.get('n').toInt()))
    const result = session.run('RETURN 1 AS n')
    const seen = [
      await firstValueFrom(result.keys()),
      await all(result.records().pipe(map(record => record.toObject()))),
      (await firstValueFrom(result.consume())).queryType,
      await all(numbers(session)),
      await all(numbers(session).pipe(take(3))),
      await all(session.executeRead(numbers)),
      await all(session.executeWrite(tx => numbers(tx).pipe(take(2)))),
      await outcome(all(session.run('NONSENSE').records())),
      await outcome(all(session.executeRead(tx => tx.run('NONSENSE').records()))),
      await outcome(all(result.records()))
    ]
    const tx = await firstValueFrom(session.beginTransaction())
    seen.push(tx.isOpen(), await all(numbers(tx).pipe(take(1))), await all(tx.commit()), tx.isOpen())
    seen.push(await outcome(all(tx.commit())), session.lastBookmarks(), await all(session.close()))
    return seen
  },

  'what a driver says of its server': async (_, driver) => {
    const info = await driver.getServerInfo()
    return [
      info.agent,
      String(info.protocolVersion),
      await driver.verifyConnectivity(),
      await driver.supportsMultiDb(),
      await driver.supportsTransactionConfig(),
      await driver.supportsUserImpersonation(),
      await driver.supportsSessionAuth(),
      String(await driver.getNegotiatedProtocolVersion()),
      driver.isEncrypted(),
      await outcome(driver.executeQuery('RETURN 1', {}, { routing: 'BOTH' }))
    ]
  }
}

const scripted = async (t, version) => {
  const server = await boltServer(t, { versions: [version] })
  const modern = Number(version) >= 5
  server.on('MATCH graph', {
    fields: ['n', 'r'],
    records: [
      [
        node(1, ['A', 'B'], { name: 'a', big: 2n ** 60n }, ...(modern ? ['4:x:1'] : [])),
        relationship(3, 1, 2, 'R', {}, modern ? ['5:x:3', '4:x:1', '4:x:2'] : [])
      ]
    ]
  })
  server.on(
    'FAIL gql',
    failure('Neo.ClientError.Schema.ConstraintValidationFailed', 'no', {
      ...(Number(version) >= 5.7 && {
        neo4j_code: 'Neo.ClientError.Schema.ConstraintValidationFailed',
        gql_status: '22N65',
        description: 'error: data exception - property presence verification failed.',
        diagnostic_record: { _classification: 'CLIENT_ERROR', OPERATION: 'x' },
        cause: { gql_status: '22N66', message: 'deeper', description: 'deeper still' }
      })
    })
  )
  const plan = { operatorType: 'Scan', identifiers: ['n'], args: { rows: 1n }, children: [] }
  server.on('PROFILE it', {
    ...rows([[1]]),
    summary: {
      type: 'r',
      profile: { ...plan, dbHits: 3n, rows: 1n, children: [{ ...plan, dbHits: 1n, rows: 2n }] },
      ...(Number(version) < 5.5 && {
        notifications: [
          {
            code: 'Neo.ClientNotification.Statement.CartesianProduct',
            title: 'slow',
            description: 'it is',
            severity: 'WARNING',
            category: 'PERFORMANCE',
            position: { offset: 1n, line: 2n, column: 3n }
          }
        ]
      })
    }
  })
  return server
}

for (const [version, scheme] of [
  ['3.0', 'bolt'],
  ['4.4', 'bolt'],
  ['5.4', 'bolt'],
  ['5.8', 'bolt'],
  ['6.1', 'bolt'],
  ['3.0', 'neo4j'],
  ['4.4', 'neo4j'],
  ['5.8', 'neo4j']
]) {
  for (const [name, program] of Object.entries(programs)) {
    test(`a program of neo4j-driver sees the same: ${name}: ${scheme}://, Bolt ${version}`, async t => {
      const seen = []
      for (const neo4j of [official, Neo4jHA.driver]) {
        const server = await scripted(t, version)
        const uri = server.uri.replace('bolt:', `${scheme}:`)
        const driver = neo4j.driver(uri, neo4j.auth.basic('neo4j', 'password'))
        t.after(() => driver.close())
        seen.push(await program(neo4j, driver))
      }
      assert.deepEqual(seen[1], seen[0])
    })
  }
}

for (const version of ['5.6', '5.8', '6.1']) {
  test(`notifications and statuses are those of neo4j-driver: Bolt ${version}`, async t => {
    const server = await boltServer(t, { versions: [version] })
    const notified = {
      gql_status: '01N50',
      status_description: 'warn: label does not exist. It is not there.',
      neo4j_code: 'Neo.ClientNotification.Statement.UnknownLabelWarning',
      title: 'the title',
      description: 'the words of before',
      diagnostic_record: {
        _classification: 'UNRECOGNIZED',
        _severity: 'WARNING',
        _position: { offset: 9n, line: 1n, column: 10n }
      }
    }
    const plain = { gql_status: '00000', status_description: 'note: successful completion' }
    server.on('NOTIFIED', { ...rows([[1]]), summary: { statuses: [plain, notified] } })
    const seen = []
    for (const neo4j of [official, Neo4jHA.driver]) {
      const driver = neo4j.driver(server.uri)
      t.after(() => driver.close())
      const { summary } = await driver.executeQuery('NOTIFIED')
      seen.push([{ ...summary.notifications[0] }, summary.gqlStatusObjects.map(status => ({ ...status }))])
    }
    assert.deepEqual(seen[1], seen[0])
    assert.equal(seen[1][0].description, 'the words of before')
  })
}
