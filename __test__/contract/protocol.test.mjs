// The exchange on the wire, message by message: what each version of Bolt is sent, in exact bytes where that matters.
import assert from 'node:assert/strict'
import { boltServer, column, failing, member, Neo4jHA, ready, test } from '../support/contract.mjs'
import { Float, pack, Structure, structure } from '../support/packstream.mjs'
import { bolt, delayed, gate, held, silence } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const hex = message => message.raw.toString('hex')
const rank = version => {
  const [major, minor] = version.split('.').map(Number)
  return major * 256 + minor
}
const READ_MODE = 'a1846d6f64658172' // {mode: 'r'}
const text = string => pack(string).toString('hex')

/** A member of one version, and a driver of it that is ready. */
const pair = async (t, version, { options, ...settings } = {}) => {
  const one = await member(t, { versions: [version], ...settings })
  const driver = await ready(t, [one.location], options)
  return { server: one.bolt, driver }
}

/** What a session sent, without the messages that open and close a connection. */
const sent = server =>
  server.messages.filter(({ kind }) => !/HELLO|LOGON|RESET|GOODBYE|TELEMETRY/.test(kind)).map(hex)

for (const version of bolt.all) {
  const r = rank(version)
  const pullAll = r < 0x400 ? 'b03f' : 'b13fa1816ec903e8'

  test(`Bolt ${version}: auto-commit read and write, to the byte; RUN and PULL go out in one write`, async t => {
    const { server, driver } = await pair(t, version)
    await driver.session(false).run('RETURN 1')
    await driver.session(true).run('RETURN $x AS x', { x: 'y' })
    const meta = fields => (r < 0x300 ? '' : fields)
    const signature = r < 0x300 ? 'b210' : 'b310'
    assert.deepEqual(sent(server), [
      `${signature}${text('RETURN 1')}a0${meta(READ_MODE)}`,
      pullAll,
      `${signature}${text('RETURN $x AS x')}a181788179${meta('a0')}`,
      pullAll
    ])
    for (const run of server.received('RUN')) {
      const pull = server.messages[server.messages.indexOf(run) + 1]
      assert.equal(pull.kind, 'PULL')
      assert.equal(pull.segment, run.segment, 'RUN and PULL came in two packets')
    }
    assert.deepEqual(server.protocolErrors, [])
  })

  test(`Bolt ${version}: BEGIN, RUN, COMMIT, ROLLBACK, to the byte`, async t => {
    const { server, driver } = await pair(t, version)
    for (const [write, end] of [
      [false, 'commit'],
      [true, 'rollback']
    ]) {
      const tx = driver.session(write).beginTransaction()
      await tx.run('RETURN 1')
      await tx[end]()
    }
    const old = word => [`b210${text(word)}a0`, 'b03f']
    const run = r < 0x300 ? `b210${text('RETURN 1')}a0` : `b310${text('RETURN 1')}a0a0`
    const begin = fields => (r < 0x300 ? old('BEGIN') : [`b111${fields}`])
    const commit = r < 0x300 ? old('COMMIT') : ['b012']
    const rollback = r < 0x300 ? old('ROLLBACK') : ['b013']
    // A driver may say which result it pulls, and its answer must be the same.
    const qid = message => message.replace(/^b13fa2816ec903e883716964.{2}$/, pullAll)
    assert.deepEqual(sent(server).map(qid), [
      ...begin(READ_MODE),
      run,
      pullAll,
      ...commit,
      ...begin('a0'),
      run,
      pullAll,
      ...rollback
    ])
    assert.deepEqual(server.protocolErrors, [])
  })

  test(`Bolt ${version}: how a connection opens`, async t => {
    const { server, driver } = await pair(t, version, {
      auth: { user: 'neo4j', pass: 'secret' },
      options: { auth: { user: 'neo4j', pass: 'secret' }, neo4jDriverOptions: { userAgent: 'my-app/1.0' } }
    })
    await driver.session(true).run('RETURN 1')
    const [hello] = server.received('HELLO')
    const token = { scheme: 'basic', principal: 'neo4j', credentials: 'secret' }
    if (r < 0x300) return assert.deepEqual(hello.fields, ['my-app/1.0', token])
    const [metadata] = hello.fields
    assert.equal(metadata.user_agent, 'my-app/1.0')
    if (r < 0x501) {
      for (const [key, value] of Object.entries(token)) assert.equal(metadata[key], value)
    } else {
      assert.equal(metadata.credentials, undefined)
      assert.deepEqual(server.received('LOGON')[0].fields, [token])
      assert.equal(server.received('LOGON')[0].segment, hello.segment, 'HELLO and LOGON came in two packets')
    }
    assert.equal(typeof metadata.bolt_agent?.product, r >= 0x503 ? 'string' : 'undefined')
    assert.deepEqual(metadata.patch_bolt, r === 0x403 || r === 0x404 ? ['utc'] : undefined)
    assert.equal(metadata.routing, undefined)
  })

  test(`Bolt ${version}: a failure is cleared by ${r < 0x300 ? 'ACK_FAILURE or RESET' : 'RESET'}, and the connection used again`, async t => {
    const { server, driver } = await pair(t, version, {
      options: { neo4jDriverOptions: { maxConnectionPoolSize: 1 } }
    })
    const session = driver.session(true)
    await failing(session.run('NONSENSE'))
    assert.deepEqual(column(await session.run('RETURN 1')), [1])
    const cleared = ({ kind, raw }) =>
      (kind === 'RESET' && raw.toString('hex') === 'b00f') || (kind === 'ACK_FAILURE' && r < 0x300)
    const failed = server.messages.findIndex(({ query, kind }) => kind === 'RUN' && query === 'NONSENSE')
    const next = server.messages.findIndex(({ query, kind }) => kind === 'RUN' && query === 'RETURN 1')
    const sameConnection = server.messages[failed].connection === server.messages[next].connection
    assert.ok(!sameConnection || server.messages.slice(failed, next).some(cleared))
    assert.deepEqual(server.protocolErrors, [])
  })

  test(`Bolt ${version}: ${r < 0x300 ? 'connections just close' : 'GOODBYE on close'}`, async t => {
    const { server, driver } = await pair(t, version)
    await driver.session(true).run('RETURN 1')
    await driver.close()
    await until(() => server.connections.open === 0)
    assert.deepEqual(server.received('GOODBYE').map(hex), r < 0x300 ? [] : ['b002'])
  })
}

test('large results are pulled by fetchSize: PULL {n}, again while has_more', async t => {
  const { server, driver } = await pair(t, '4.4', { options: { neo4jDriverOptions: { fetchSize: 3 } } })
  const result = await driver.session(false).run('UNWIND range(1, 8) AS n RETURN n')
  assert.equal(result.records.length, 8)
  const pulls = server.received('PULL')
  assert.equal(pulls.length, 3)
  assert.ok(pulls.every(({ fields }) => fields[0].n === 3))
})

test('fetchSize -1 pulls all at once', async t => {
  const { server, driver } = await pair(t, '5.4', { options: { neo4jDriverOptions: { fetchSize: -1 } } })
  await driver.session(false).run('UNWIND range(1, 3000) AS n RETURN n')
  assert.deepEqual(
    server.received('PULL').map(({ fields }) => fields[0].n),
    [-1]
  )
})

for (const version of ['3.0', '4.0', '4.4', '5.0', '5.8', '6.1']) {
  test(`Bolt ${version}: bookmarks are chained inside a session, from one run to the next`, async t => {
    const { server, driver } = await pair(t, version)
    const session = driver.session(true)
    await session.run('CREATE (a)')
    await session.run('CREATE (b)')
    const tx = session.beginTransaction()
    await tx.run('CREATE (c)')
    await tx.commit()
    await session.run('CREATE (d)')
    const [a, b, c, d] = server.received('RUN')
    assert.equal(a.fields[2].bookmarks, undefined)
    assert.deepEqual(b.fields[2].bookmarks, ['FB:scripted:1'])
    assert.deepEqual(server.received('BEGIN')[0].fields[0].bookmarks, ['FB:scripted:2'])
    assert.deepEqual(c.fields[2], {})
    assert.deepEqual(d.fields[2].bookmarks, ['FB:scripted:3'])
    assert.equal(session.lastBookmark(), 'FB:scripted:4')
    await driver.session(true).run('CREATE (e)')
    assert.equal(server.received('RUN')[4].fields[2].bookmarks, undefined)
  })
}

for (const version of ['1.0', '2.0']) {
  test(`Bolt ${version}: the bookmark of a transaction is given to the next BEGIN`, async t => {
    const { server, driver } = await pair(t, version)
    const session = driver.session(true)
    for (let n = 0; n < 2; n++) {
      const tx = session.beginTransaction()
      await tx.run('CREATE (n)')
      await tx.commit()
    }
    const [first, second] = server.received('BEGIN')
    assert.deepEqual(first.fields, ['BEGIN', {}])
    assert.equal(second.fields[1].bookmark, 'FB:scripted:1')
    assert.deepEqual(second.fields[1].bookmarks, ['FB:scripted:1'])
    assert.equal(session.lastBookmark(), 'FB:scripted:2')
  })
}

test('a rolled back transaction changes no bookmark', async t => {
  const { server, driver } = await pair(t, '3.0')
  const session = driver.session(true)
  await session.run('CREATE (n)')
  const tx = session.beginTransaction()
  await tx.run('CREATE (n)')
  await tx.rollback()
  await session.run('CREATE (n)')
  assert.deepEqual(server.received('RUN').at(-1).fields[2].bookmarks, ['FB:scripted:1'])
})

// 2020-01-02T03:04:05.000000006+01:00, and the same in the zone Europe/Berlin.
const offset = () => new neo4j.types.DateTime(2020, 1, 2, 3, 4, 5, 6, 3600)
const zoned = () => new neo4j.types.DateTime(2020, 1, 2, 3, 4, 5, 6, undefined, 'Europe/Berlin')
const local = 1577934245
const utc = local - 3600

for (const [version, patch, tags] of [
  ['2.0', true, [0x46, 0x66]],
  ['3.0', true, [0x46, 0x66]],
  ['4.2', true, [0x46, 0x66]],
  ['4.3', true, [0x49, 0x69]],
  ['4.3', false, [0x46, 0x66]],
  ['4.4', true, [0x49, 0x69]],
  ['4.4', false, [0x46, 0x66]],
  ['5.0', false, [0x49, 0x69]],
  ['6.1', false, [0x49, 0x69]]
]) {
  const form = tags[0] === 0x49 ? 'utc' : 'legacy'
  const why = /^4\.[34]/.test(version) ? (patch ? ', the patch agreed to' : ', the patch not agreed to') : ''
  test(`Bolt ${version}: date-times cross in their ${form} form${why}, both ways`, async t => {
    const { server, driver } = await pair(t, version, { utc: patch })
    const seconds = form === 'utc' ? utc : local
    const wire = [structure(tags[0], seconds, 6, 3600), structure(tags[1], seconds, 6, 'Europe/Berlin')]
    server.on('TIMES', { fields: ['a', 'b'], records: [wire] })
    const [record] = (await driver.session(true).run('TIMES')).records
    assert.equal(record.get('a').toString(), '2020-01-02T03:04:05.000000006+01:00')
    // The legacy form of a zoned time tells no offset, and neo4j-driver shows none.
    const told = form === 'utc' ? '+01:00' : ''
    assert.equal(record.get('b').toString(), `2020-01-02T03:04:05.000000006${told}[Europe/Berlin]`)
    await driver.session(true).run('RETURN $x AS x', { x: [offset(), zoned()] })
    const [a, b] = server.received('RUN').at(-1).fields[1].x
    assert.deepEqual([a, b], wire)
  })
}

test('temporal and spatial parameters on Bolt 1 are an error before anything is sent', async t => {
  const { server, driver } = await pair(t, '1.0')
  const error = await failing(driver.session(true).run('RETURN $x AS x', { x: offset() }))
  assert.match(error.message, /DateTime|temporal|bolt/i)
  assert.equal(server.queries().length, 0)
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
})

test('every other type crosses as its structure', async t => {
  const { server, driver } = await pair(t, '2.0')
  const { Date: Day, Time, LocalTime, LocalDateTime, Duration, Point } = neo4j.types
  const x = [
    new Day(2020, 1, 2),
    new Time(3, 4, 5, 6, 3600),
    new LocalTime(3, 4, 5, 6),
    new LocalDateTime(2020, 1, 2, 3, 4, 5, 6),
    new Duration(1, 2, 3, 4),
    new Point(7203, 1, 2.5),
    new Point(9157, 1, 2, 3),
    new Uint8Array([1, 2, 3])
  ]
  const nanos = (3 * 3600 + 4 * 60 + 5) * 1e9 + 6
  const wire = [
    structure(0x44, 18263),
    structure(0x54, nanos, 3600),
    structure(0x74, nanos),
    structure(0x64, local, 6),
    structure(0x45, 1, 2, 3, 4),
    structure(0x58, 7203, new Float(1), 2.5),
    structure(0x59, 9157, new Float(1), new Float(2), new Float(3)),
    Buffer.from([1, 2, 3])
  ]
  const result = await driver.session(true).run('RETURN $x AS x', { x })
  assert.deepEqual(server.received('RUN')[0].fields[1].x, wire)
  const back = result.records[0].get('x')
  assert.deepEqual(back.slice(0, 5).map(String), x.slice(0, 5).map(String))
  assert.deepEqual([Number(back[5].srid), back[5].x, back[5].y], [7203, 1, 2.5])
  assert.deepEqual([Number(back[6].srid), back[6].x, back[6].y, back[6].z], [9157, 1, 2, 3])
  assert.deepEqual([...new Uint8Array(back[7])], [1, 2, 3])
})

test('the modern proposal: manifest, 5.8 to 5.0, 4.4 to 4.2, 3', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j2026 })
  const driver = await ready(t, server.uri)
  await driver.session(true).run('RETURN 1')
  const [{ proposal, slots, agreed, choice }] = server.handshakes
  assert.match(proposal, /^6060b017/)
  assert.equal(slots[0], '000001ff')
  assert.equal(slots[1], '00080805')
  assert.match(slots[2], /^000[234]0404$/)
  assert.equal(slots[3], '00000003')
  assert.equal(agreed, '6.1')
  assert.equal(choice, '0000010600')
})

for (const version of ['3.0', '4.0', '4.1']) {
  test(`the two proposals hold Bolt ${version}, and what is best of a server is remembered`, async t => {
    const versions = version === '3.0' ? ['3.0'] : ['3.0', version]
    const agent = version === '3.0' ? 'Neo4j/3.5.35' : `Neo4j/${version}.0`
    const server = await boltServer(t, { versions, agent })
    const open = gate()
    server.when('RUN', held(open))
    const driver = await ready(t, server.uri)
    const first = driver.session(true).run('RETURN 1')
    await until(() => server.received('RUN').length === 1)
    const asked = version === '3.0' ? ['3.0'] : ['3.0', version]
    const agreed = () => server.handshakes.map(handshake => handshake.agreed)
    assert.deepEqual(agreed().slice(0, asked.length), asked)
    const second = driver.session(true).run('RETURN 2')
    await until(() => server.received('RUN').length === 2)
    for (const later of agreed().slice(asked.length)) assert.equal(later, version)
    open.open()
    await Promise.all([first, second])
  })
}

test('a server that answers none to the modern proposal gets the old one, and that is remembered', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j34, agent: 'Neo4j/3.4.18' })
  const open = gate()
  server.when('RUN', held(open))
  const driver = await ready(t, server.uri)
  const first = driver.session(true).run('RETURN 1')
  await until(() => server.received('RUN').length === 1)
  assert.deepEqual(
    server.handshakes.map(({ agreed }) => agreed),
    [null, '2.0']
  )
  const more = [2, 3, 4].map(n => driver.session(true).run(`RETURN ${n}`))
  await until(() => server.received('RUN').length === 4)
  assert.deepEqual(
    server.handshakes.slice(2).map(({ agreed }) => agreed),
    ['2.0', '2.0', '2.0']
  )
  open.open()
  await Promise.all([first, ...more])
})

test('what was remembered is forgotten when the server was upgraded', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j34 })
  const driver = await ready(t, server.uri)
  await driver.session(true).run('RETURN 1')
  await server.stop()
  const modern = await boltServer(t, { versions: bolt.neo4j526 })
  server.versions = modern.versions
  server.manifest = true
  await server.listen()
  assert.deepEqual(column(await driver.session(false).run('RETURN 2')), [2])
})

for (const [what, handshake, pattern] of [
  ['answers HTTP', 'http', /http/i],
  ['speaks no version of ours', 'none', /version/i],
  ['answers a version of none', Buffer.from([0, 0, 9, 9]), /version|9\.9/i]
]) {
  test(`a server that ${what} gets an error which says so`, async t => {
    const server = await boltServer(t, { handshake })
    const driver = await ready(t, server.uri, { neo4jDriverOptions: { maxTransactionRetryTime: 300 } })
    assert.match((await failing(driver.session(true).run('RETURN 1'))).message, pattern)
  })
}

test('the hint connection.recv_timeout_seconds is honoured: silence beyond it ends the connection', async t => {
  const hints = { 'connection.recv_timeout_seconds': 1 }
  const { server, driver } = await pair(t, '4.3', { hints })
  const rule = server.when('RUN', silence).times(1)
  const start = performance.now()
  assert.deepEqual(column(await within(driver.session(false).run('RETURN 1'), 8000, 'the read')), [1])
  assert.equal(rule.hits, 1)
  assert.ok(performance.now() - start > 900)
})

test('NOOPs keep a connection alive beyond connection.recv_timeout_seconds', async t => {
  const hints = { 'connection.recv_timeout_seconds': 1 }
  const { server, driver } = await pair(t, '4.4', { hints })
  server.when('RUN', async x => {
    const end = performance.now() + 1600
    while (performance.now() < end) {
      await x.noop()
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    await x.reply()
  })
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
  assert.equal(server.received('RUN').length, 1)
})

test('without the hint a slow answer is waited for', async t => {
  const { server, driver } = await pair(t, '4.4')
  server.when('RUN', delayed(1500))
  assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
})

const api = { auto: 2, explicit: 1, managed: 0 }

test('TELEMETRY tells the kind of use where the server wants it, once for each use', async t => {
  const { server, driver } = await pair(t, '5.4', { hints: { 'telemetry.enabled': true } })
  const session = driver.session(true)
  await session.run('RETURN 1')
  const tx = session.beginTransaction()
  await tx.run('RETURN 2')
  await tx.commit()
  await session.executeWrite(work => work.run('RETURN 3'))
  assert.deepEqual(
    server.received('TELEMETRY').map(({ fields }) => fields[0]),
    [api.auto, api.explicit, api.managed]
  )
})

for (const [why, version, hints, telemetryDisabled] of [
  ['the server does not ask for it', '5.4', {}, false],
  ['the hint is false', '5.8', { 'telemetry.enabled': false }, false],
  ['it is disabled', '5.4', { 'telemetry.enabled': true }, true],
  ['the version has none', '5.3', { 'telemetry.enabled': true }, false]
]) {
  test(`no TELEMETRY when ${why}`, async t => {
    const { server, driver } = await pair(t, version, {
      hints,
      options: { neo4jDriverOptions: { telemetryDisabled } }
    })
    await driver.session(true).run('RETURN 1')
    assert.equal(server.received('TELEMETRY').length, 0)
  })
}

test('replies in any split of bytes, among NOOPs, are the same replies', async t => {
  for (const settings of [{ chunk: 1 }, { trickle: true }, { chunk: 3, noops: 3 }]) {
    const { server, driver } = await pair(t, '5.4', settings)
    server.on('MANY', {
      fields: ['text', 'n'],
      records: [
        ['é😀'.repeat(40), 1],
        ['b', new Float(2)]
      ]
    })
    const { records } = await driver.session(true).run('MANY')
    assert.deepEqual(
      records.map(record => [record.get('text'), Number(record.get('n'))]),
      [
        ['é😀'.repeat(40), 1],
        ['b', 2]
      ]
    )
  }
})

test('messages larger than a chunk cross both ways', async t => {
  const { server, driver } = await pair(t, '5.4')
  const x = 'é'.repeat(200_000)
  const result = await driver.session(true).run('RETURN $x AS x', { x })
  assert.equal(result.records[0].get('x'), x)
  assert.equal(server.received('RUN')[0].fields[1].x, x)
})

for (const [what, bad] of [
  ['a structure no version knows', new Structure(0x7b, [1, 2])],
  ['a date beyond all calendars', new Structure(0x44, [2n ** 60n])]
]) {
  test(`${what} fails when it is read, and takes nothing with it`, async t => {
    const { server, driver } = await pair(t, '5.4')
    server.on('STRANGE', {
      fields: ['good', 'bad'],
      records: [
        ['a', 1],
        ['b', bad]
      ]
    })
    const { records } = await driver.session(true).run('STRANGE')
    assert.deepEqual(
      records.map(record => record.get('good')),
      ['a', 'b']
    )
    assert.throws(() => records[1].get('bad').year, {
      name: 'Neo4jError',
      message: /^Field 'bad' cannot be read: /
    })
    assert.deepEqual(column(await driver.session(true).run('RETURN 1')), [1])
    assert.equal(server.handshakes.length, 1)
  })
}

for (const [what, strange] of Object.entries({
  'notifications that are a string': { notifications: 'x' },
  'a structure of an unknown kind': { z: new Structure(0x7a, [1]) },
  'a plan that is none': { plan: 1n, profile: { children: 3n } }
})) {
  test(`a write that was done resolves, though its summary holds ${what}`, async t => {
    const { server, driver } = await pair(t, '5.4')
    server.on('CREATE (n)', {
      fields: [],
      records: [],
      summary: { type: 'w', stats: { 'nodes-created': 1n }, ...strange }
    })
    const { summary } = await driver.session(true).run('CREATE (n)')
    assert.equal(summary.queryType, 'w')
    assert.equal(summary.counters.updates().nodesCreated, 1)
    assert.equal(server.received('RUN').length, 1)
  })
}

test('1,000 levels pass both ways, and a plan of 1,000 operators is whole', async t => {
  const { server, driver } = await pair(t, '5.4')
  let list = 'leaf'
  let plan = { operatorType: 'AllNodesScan', args: {}, identifiers: [], children: [] }
  for (let i = 0; i < 1000; i++) list = [list]
  for (let i = 1; i < 1000; i++)
    plan = { operatorType: 'Filter', args: {}, identifiers: [], children: [plan] }
  server.on('DEEP', { fields: ['x'], records: [[list]], summary: { type: 'r', plan } })
  const { records, summary } = await driver.session(true).run('DEEP', { list })
  const depth = (value, inner) => {
    let levels = 0
    for (let it = value; typeof it === 'object'; it = inner(it)) levels++
    return levels
  }
  const first = it => it[0]
  assert.equal(depth(records[0].get('x'), first), 1000)
  assert.equal(depth(server.received('RUN')[0].fields[1].list, first), 1000)
  assert.equal(
    depth(summary.plan, it => it.children[0]),
    1000
  )
})

test('an idle connection that gets a NOOP or two is still good', async t => {
  const { server, driver } = await pair(t, '4.4', {
    options: { neo4jDriverOptions: { maxConnectionPoolSize: 1 } }
  })
  await driver.session(true).run('RETURN 1')
  for (const connection of server.connections.live) await connection.write(Buffer.from([0, 0, 0, 0]))
  await driver.session(true).run('RETURN 2')
  const [one, two] = server.received('RUN')
  assert.equal(one.connection, two.connection)
})
