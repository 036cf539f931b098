// drop-in: "Neo4jHA.driver was the neo4j-driver 1.x namespace".
import assert from 'node:assert/strict'
import official from 'neo4j-driver'
import core from 'neo4j-driver-core'
import { authority } from '../support/certificates.mjs'
import {
  boltServer,
  cluster,
  column,
  failing,
  member,
  Neo4jHA,
  open,
  ready,
  test
} from '../support/contract.mjs'
import { Float, node } from '../support/packstream.mjs'
import { bolt, gate, held } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const auth = { user: 'neo4j', pass: 'secret' }

const connect = (t, server, token = undefined, config = {}) => {
  const driver = neo4j.driver(server.uri, token, config)
  t.after(() => driver.close())
  return driver
}

for (const name of [
  'auth',
  'types',
  'integer',
  'session',
  'logging',
  'error',
  'spatial',
  'temporal',
  'graph',
  'routing'
]) {
  test(`it has ${name}, with every name of neo4j-driver 6`, () => {
    for (const [key, value] of Object.entries(official[name])) {
      if (value !== undefined) assert.ok(key in neo4j[name], `${name}.${key}`)
    }
  })
}

test('session.READ and WRITE, error codes and auth tokens have the values they had', () => {
  assert.deepEqual({ ...neo4j.session }, { ...official.session })
  assert.deepEqual({ ...neo4j.error }, { ...official.error })
  assert.deepEqual(neo4j.auth.basic('a', 'b'), official.auth.basic('a', 'b'))
  assert.deepEqual(neo4j.auth.kerberos('t'), official.auth.kerberos('t'))
  assert.deepEqual(neo4j.auth.bearer('t'), official.auth.bearer('t'))
  assert.deepEqual(
    neo4j.auth.custom('p', 'c', 'r', 's', { x: 1 }),
    official.auth.custom('p', 'c', 'r', 's', { x: 1 })
  )
})

test('int, isInt and integer are those of neo4j-driver', () => {
  const big = neo4j.int('9223372036854775807')
  assert.ok(neo4j.isInt(big))
  assert.ok(official.isInt(big))
  assert.ok(big instanceof core.Integer)
  assert.equal(big.toString(), '9223372036854775807')
  assert.equal(neo4j.integer.toNumber(neo4j.int(7)), 7)
  assert.equal(neo4j.integer.toString(neo4j.int(7)), '7')
  assert.equal(neo4j.integer.inSafeRange(big), false)
  assert.equal(neo4j.isInt(7), false)
})

test('types are the classes of neo4j-driver-core', () => {
  for (const name of [
    'Node',
    'Relationship',
    'Path',
    'PathSegment',
    'Point',
    'Date',
    'DateTime',
    'Duration',
    'Integer'
  ]) {
    assert.equal(neo4j.types[name], core[name], name)
  }
})

test('v1 returns itself', () => {
  assert.equal(neo4j.v1, neo4j)
  assert.equal(neo4j.v1.v1.auth, neo4j.auth)
})

test('driver(uri, auth, config) makes a driver of one server', async t => {
  for (const versions of [bolt.neo4j34, bolt.neo4j35, bolt.neo4j44, bolt.neo4j526, bolt.neo4j2026]) {
    const server = await boltServer(t, { versions, auth })
    const driver = connect(t, server, neo4j.auth.basic('neo4j', 'secret'))
    const session = driver.session()
    assert.deepEqual(column(await session.run('RETURN 1')), [1])
    await session.close()
  }
})

test('session(mode, bookmarks) of 1.x, and session({defaultAccessMode}) of today', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j35 })
  const driver = connect(t, server)
  await driver.session(neo4j.session.READ).run('RETURN 1')
  assert.equal(server.received('RUN')[0].fields[2].mode, 'r')
  await driver.session({ defaultAccessMode: neo4j.session.READ }).run('RETURN 2')
  assert.equal(server.received('RUN')[1].fields[2].mode, 'r')
  await driver.session(neo4j.session.WRITE, 'FB:earlier:1').run('RETURN 3')
  assert.deepEqual(server.received('RUN')[2].fields[2].bookmarks, ['FB:earlier:1'])
  await driver.session().run('RETURN 4')
  assert.equal(server.received('RUN')[3].fields[2].mode, undefined)
})

test('driver.session().run works as in 1.x: then, subscribe, record._fields, record.get', async t => {
  const server = await boltServer(t, {})
  const session = connect(t, server).session()
  const result = await session.run('RETURN {a} AS a', { a: 'x' })
  assert.deepEqual(result.records[0]._fields, ['x'])
  assert.equal(result.records[0]._fieldLookup.a, 0)
  const seen = await new Promise((resolve, reject) => {
    const records = []
    session.run('RETURN 1').subscribe({
      onNext: record => records.push(record),
      onCompleted: () => resolve(records),
      onError: reject
    })
  })
  assert.equal(seen.length, 1)
  assert.ok(seen[0] instanceof core.Record)
})

test('close callbacks of 1.x are called: session.close(callback)', async t => {
  const server = await boltServer(t, {})
  const session = connect(t, server).session()
  await session.run('RETURN 1')
  await new Promise(resolve => session.close(resolve))
})

test('summary.statement and summary.statementType are query and queryType', async t => {
  const server = await boltServer(t, {})
  const { summary } = await connect(t, server).session().run('RETURN {a} AS a', { a: 1 })
  assert.deepEqual(summary.statement, summary.query)
  assert.equal(summary.statement.text, 'RETURN {a} AS a')
  assert.deepEqual(summary.statement.parameters, { a: 1 })
  assert.equal(summary.statementType, 'r')
  assert.equal(summary.statementType, neo4j.v1.types ? summary.queryType : undefined)
})

test('counters.nodesCreated() and its siblings stand beside counters.updates()', async t => {
  const server = await boltServer(t, {})
  const stats = {
    'nodes-created': 1,
    'nodes-deleted': 2,
    'relationships-created': 3,
    'relationships-deleted': 4,
    'properties-set': 5,
    'labels-added': 6,
    'labels-removed': 7,
    'indexes-added': 8,
    'indexes-removed': 9,
    'constraints-added': 10,
    'constraints-removed': 11
  }
  server.on('WORK', { fields: [], records: [], summary: { type: 'rw', stats } })
  const { summary } = await connect(t, server).session().run('WORK')
  const { counters } = summary
  for (const [key, value] of Object.entries(stats)) {
    const name = key.replace(/-(.)/g, (_, letter) => letter.toUpperCase())
    assert.equal(counters[name](), value, name)
    assert.equal(counters.updates()[name], value, name)
  }
  assert.equal(counters.containsUpdates(), true)
})

test('session.lastBookmark() is the last, lastBookmarks() all', async t => {
  const server = await boltServer(t, {})
  const session = connect(t, server).session()
  await session.run('CREATE (n)')
  assert.equal(session.lastBookmark(), server.lastBookmark)
  assert.deepEqual(session.lastBookmarks(), [server.lastBookmark])
  const tx = session.beginTransaction()
  await tx.run('CREATE (n)')
  await tx.commit()
  assert.equal(session.lastBookmark(), server.lastBookmark)
})

for (const [write, method] of [
  [false, 'readTransaction'],
  [true, 'writeTransaction'],
  [false, 'executeRead'],
  [true, 'executeWrite']
]) {
  test(`${method} runs the work in a transaction, and again when it fails transiently`, async t => {
    const server = await boltServer(t, { versions: bolt.neo4j35 })
    const driver = connect(t, server)
    const session = driver.session()
    const rule = server
      .when('RUN', x => x.fail('Neo.TransientError.Transaction.DeadlockDetected', 'again'))
      .times(1)
    let times = 0
    const answer = await session[method](async tx => {
      times++
      return column(await tx.run('RETURN 1'))
    })
    assert.deepEqual(answer, [1])
    assert.equal(times, 2)
    assert.equal(rule.hits, 1)
    assert.equal(server.received('COMMIT').length, 1)
    assert.equal(server.received('BEGIN')[0].fields[0].mode, write ? undefined : 'r')
  })
}

test('readTransaction and writeTransaction are on the sessions of Neo4jHA too', async t => {
  const { servers, members } = await cluster(t, { roles: ['master', 'slave'] })
  const driver = await ready(t, servers, { rwConfig: Neo4jHA.HAReadWrite.masterWriteOnlySlaveReadOnly })
  const session = driver.session(true)
  assert.deepEqual(column(await session.writeTransaction(tx => tx.run('RETURN 1'))), [1])
  assert.equal(members[0].bolt.received('COMMIT').length, 1)
  assert.equal(session.lastBookmark(), members[0].bolt.lastBookmark)
})

for (const [encrypted, secure] of [
  ['ENCRYPTION_OFF', false],
  [false, false],
  ['ENCRYPTION_ON', true],
  [true, true]
]) {
  test(`encrypted: ${JSON.stringify(encrypted)} is ${secure ? 'TLS' : 'plain'}`, async t => {
    const server = await boltServer(t, {})
    const driver = connect(t, server, undefined, {
      encrypted,
      trust: 'TRUST_ALL_CERTIFICATES',
      maxTransactionRetryTime: 0
    })
    const outcome = driver.session().run('RETURN 1')
    if (secure) await failing(outcome)
    else assert.deepEqual(column(await outcome), [1])
    assert.equal(
      server.handshakes.some(({ agreed }) => agreed !== null),
      !secure
    )
  })
}

test('encrypted: ENCRYPTION_NON_LOCAL of 1.0 is plain on loopback', async t => {
  const server = await boltServer(t, {})
  const driver = connect(t, server, undefined, { encrypted: 'ENCRYPTION_NON_LOCAL' })
  assert.deepEqual(column(await driver.session().run('RETURN 1')), [1])
})

test('every trust value of 1.x is known', t => {
  const ca = authority()
  t.after(() => ca.remove())
  for (const trust of [
    'TRUST_ALL_CERTIFICATES',
    'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES',
    'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
    'TRUST_SIGNED_CERTIFICATES',
    'TRUST_ON_FIRST_USE'
  ]) {
    open(t, [['http://127.0.0.1:1', 'bolt://127.0.0.1:1']], {
      neo4jDriverOptions: { encrypted: 'ENCRYPTION_OFF', trust, trustedCertificates: [ca.file] }
    })
  }
})

test('connectionPoolSize of 1.x is maxConnectionPoolSize', async t => {
  const one = await member(t, {})
  const open = gate()
  one.bolt.when('RUN', held(open)).query(/HOLD|RETURN/)
  const driver = await ready(t, [one.location], { neo4jDriverOptions: { connectionPoolSize: 2 } })
  const all = [1, 2, 3, 4, 5].map(n => driver.session(true).run(`RETURN ${n}`))
  await until(() => one.bolt.received('RUN').length === 2)
  open.open()
  assert.deepEqual(
    (await Promise.all(all)).map(result => column(result)[0]),
    [1, 2, 3, 4, 5]
  )
  assert.equal(one.bolt.connections.max, 2)
})

const numbers = {
  fields: ['small', 'big', 'float', 'node', 'list'],
  records: [[7, 2n ** 60n, new Float(2), node(1, ['A'], { x: 3 }), [1, 2]]]
}

test('integers are Integer objects by default', async t => {
  const one = await member(t, {})
  one.bolt.on('NUMBERS', numbers)
  const driver = await ready(t, [one.location])
  const [record] = (await driver.session(true).run('NUMBERS')).records
  assert.ok(neo4j.isInt(record.get('small')))
  assert.ok(record.get('big').equals(neo4j.int('1152921504606846976')))
  assert.equal(record.get('float'), 2)
  assert.ok(neo4j.isInt(record.get('node').identity))
  assert.ok(neo4j.isInt(record.get('node').properties.x))
  assert.ok(neo4j.isInt(record.get('list')[1]))
})

test('disableLosslessIntegers: integers are numbers, infinite beyond 2^53 as in neo4j-driver', async t => {
  const one = await member(t, {})
  one.bolt.on('NUMBERS', numbers)
  const driver = await ready(t, [one.location], { neo4jDriverOptions: { disableLosslessIntegers: true } })
  const [record] = (await driver.session(true).run('NUMBERS')).records
  assert.equal(record.get('small'), 7)
  assert.equal(record.get('big'), Number.POSITIVE_INFINITY)
  assert.equal(record.get('node').identity, 1)
  assert.equal(record.get('node').properties.x, 3)
  assert.deepEqual(record.get('list'), [1, 2])
})

test('useBigInt: integers are bigints, both ways', async t => {
  const one = await member(t, {})
  one.bolt.on('NUMBERS', numbers)
  const driver = await ready(t, [one.location], { neo4jDriverOptions: { useBigInt: true } })
  const session = driver.session(true)
  const [record] = (await session.run('NUMBERS')).records
  assert.equal(record.get('small'), 7n)
  assert.equal(record.get('big'), 2n ** 60n)
  assert.equal(record.get('float'), 2)
  assert.equal(record.get('node').properties.x, 3n)
  assert.deepEqual(record.get('list'), [1n, 2n])
  const echo = await session.run('RETURN $x AS x', { x: 2n ** 62n })
  assert.equal(echo.records[0].get('x'), 2n ** 62n)
})

test('a number is sent as a float, an Integer as an integer', async t => {
  const one = await member(t, {})
  const driver = await ready(t, [one.location])
  await driver.session(true).run('RETURN $x AS x', { x: [1, neo4j.int(1), 1.5, 10n] })
  assert.deepEqual(one.bolt.received('RUN')[0].fields[1].x, [new Float(1), 1, 1.5, 10])
})

test('closing such a driver closes its connections', async t => {
  const server = await boltServer(t, {})
  const driver = neo4j.driver(server.uri)
  await driver.session().run('RETURN 1')
  await driver.close()
  await until(() => server.connections.open === 0)
})
