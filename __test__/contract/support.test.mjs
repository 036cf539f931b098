// The scripted server is itself held against a client that is not ours: npm's neo4j-driver, and bytes by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import neo4j from 'neo4j-driver'
import { program } from '../support/contract.mjs'
import { HaMember } from '../support/ha-member.mjs'
import { chunked, Float, node, pack, Structure, Uuid, unpack } from '../support/packstream.mjs'
import { RawClient } from '../support/raw-client.mjs'
import {
  bolt,
  delayed,
  failure,
  gate,
  held,
  rows,
  ScriptedServer,
  silence
} from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const options = { timeout: 20_000 }

const start = async (t, settings) => {
  const server = await ScriptedServer.start(settings)
  t.after(() => server.stop())
  return server
}

const official = (t, server, auth, settings = {}) => {
  const driver = neo4j.driver(server.uri, auth, { maxTransactionRetryTime: 500, ...settings })
  t.after(() => driver.close())
  return driver
}

test('packstream: every marker survives the way there and back', options, () => {
  const values = [
    ...[null, true, false, 0, -16, -17, 127, 128, -128, 32767, -32769, 2147483648, 2n ** 62n, -(2n ** 63n)],
    ...[1.5, new Float(1), '', 'é€😀', 'x'.repeat(16), 'y'.repeat(300), 'z'.repeat(70_000)],
    ...[[], [1, [2]], Array(20).fill(1), {}, { a: { b: null } }, Buffer.from([1, 2]), Buffer.alloc(300)],
    ...[node(1, ['A'], { x: 1 }), new Uuid(Buffer.alloc(16, 7))]
  ]
  for (const value of values) assert.deepEqual(unpack(pack(value)), value)
  assert.equal(pack(1).toString('hex'), '01')
  assert.equal(pack(-17).toString('hex'), 'c8ef')
  assert.equal(pack({ a: [true, null] }).toString('hex'), 'a1816192c3c0')
  assert.equal(pack(new Structure(0x4e, [1])).toString('hex'), 'b14e01')
  assert.equal(chunked(Buffer.from('abc'), 2).toString('hex'), '00026162000163' + '0000')
})

for (const version of bolt.all.filter(v => !/^(1|2|4\.[01])/.test(v))) {
  test(`neo4j-driver runs queries and transactions over Bolt ${version}`, options, async t => {
    const server = await start(t, { versions: [version], auth: { user: 'neo4j', pass: 'secret' } })
    server.on('MATCH (n) RETURN n, 2.0', {
      fields: ['n', 'x'],
      records: [[node(1, ['A'], { name: 'a' }, ...(version >= '5' ? ['4:x:1'] : [])), new Float(2)]]
    })
    server.on('BAD', failure('Neo.ClientError.Statement.SyntaxError', 'bad'))
    const driver = official(t, server, neo4j.auth.basic('neo4j', 'secret'))
    const session = driver.session({ fetchSize: 2 })
    const result = await session.run('MATCH (n) RETURN n, 2.0')
    assert.equal(result.records[0].get('n').properties.name, 'a')
    assert.equal(result.records[0].get('x'), 2)
    const many = await session.run('UNWIND range(1, 7) AS n RETURN n')
    assert.deepEqual(
      many.records.map(r => r.get('n').toNumber()),
      [1, 2, 3, 4, 5, 6, 7]
    )
    const echo = await session.run('RETURN $x AS x', { x: [1, 2.5, 'é', { a: null }] })
    assert.deepEqual(echo.records[0].get('x'), [1, 2.5, 'é', { a: null }])
    await assert.rejects(session.run('BAD'), { code: 'Neo.ClientError.Statement.SyntaxError' })
    const tx = session.beginTransaction()
    await tx.run('RETURN 1')
    await tx.commit()
    const rolled = session.beginTransaction()
    await rolled.run('CREATE (n)')
    await rolled.rollback()
    const created = await session.executeWrite(work => work.run('CREATE (n)'))
    assert.equal(created.summary.counters.updates().nodesCreated, 1)
    assert.deepEqual(session.lastBookmarks(), [server.lastBookmark])
    await session.close()
    assert.deepEqual(server.protocolErrors, [])
    assert.equal(server.handshakes.at(-1).agreed, version)
  })
}

test('credentials are required when told so', options, async t => {
  const server = await start(t, { versions: bolt.neo4j526, auth: { user: 'neo4j', pass: 'secret' } })
  const driver = official(t, server, neo4j.auth.basic('neo4j', 'wrong'))
  await assert.rejects(driver.session().run('RETURN 1'), { code: 'Neo.ClientError.Security.Unauthorized' })
})

test('the utc patch is agreed to on 4.4 when it is asked for', options, async t => {
  const server = await start(t, { versions: ['4.4'] })
  await official(t, server).session().run('RETURN 1')
  assert.deepEqual(server.received('HELLO')[0].fields[0].patch_bolt, ['utc'])
})

test(
  'replies in chunks of a byte, one byte a packet, among NOOPs, are the same replies',
  options,
  async t => {
    const server = await start(t, { versions: ['5.4'], chunk: 1, trickle: true, noops: 2 })
    const result = await official(t, server).session().run('UNWIND range(1, 3) AS n RETURN n')
    assert.equal(result.records.length, 3)
  }
)

test('faults: a reply held back, none at all, a failure, a connection that ends', options, async t => {
  const server = await start(t, { versions: ['5.4'] })
  const driver = official(t, server, undefined, { maxConnectionPoolSize: 5 })
  const open = gate()
  server
    .when('RUN', held(open))
    .times(1)
    .query(/RETURN 1/)
  const first = driver.session().run('RETURN 1')
  await until(() => server.received('RUN').length === 1)
  open.open()
  await first

  server.when('RUN', delayed(1)).times(1)
  await driver.session().run('RETURN 2')

  server.when('PULL', x => x.fail('Neo.ClientError.General.Unknown', 'x')).times(1)
  await assert.rejects(driver.session().run('RETURN 3'), { code: 'Neo.ClientError.General.Unknown' })

  for (const action of [x => x.reset(), x => x.close(), x => x.write(Buffer.from('00020102', 'hex'))]) {
    const rule = server.when('RUN', action).times(1)
    await assert.rejects(driver.session().run('RETURN 4'))
    assert.equal(rule.hits, 1)
  }

  server
    .when('PULL', async x => {
      await x.records(2)
      x.reset()
    })
    .times(1)
  const seen = []
  await assert.rejects(async () => {
    for await (const record of driver.session().run('UNWIND range(1, 9) AS n RETURN n')) seen.push(record)
  })
  assert.equal(seen.length, 2)

  server.when('RUN', silence).times(1)
  const never = driver.session().run('RETURN 5')
  never.catch(() => {})
  await until(() => server.received('RUN', /RETURN 5/).length === 1)
  await driver.session().run('RETURN 6')
})

test('handshakes that go wrong: HTTP, no common version, garbage, closed at once', options, async t => {
  const server = await start(t, {})
  for (const kind of ['http', 'none', 'garbage', 'close']) {
    server.handshake = kind
    await assert.rejects(official(t, server).session().run('RETURN 1'), undefined, kind)
  }
  server.handshake = 'bolt'
  await official(t, server).session().run('RETURN 1')
})

test('the manifest handshake offers every version and takes the one chosen', options, async t => {
  const server = await start(t, { versions: bolt.all })
  await official(t, server).session().run('RETURN 1')
  assert.equal(server.handshakes[0].slots[0], '000001ff')
  assert.equal(server.handshakes[0].agreed, '6.1')
  assert.equal(server.handshakes[0].choice, '0000010600')
})

test('connections are counted: open, in all, the most at one time', options, async t => {
  const server = await start(t, { versions: ['5.4'] })
  const driver = neo4j.driver(server.uri)
  const open = gate()
  server.when('RUN', held(open)).times(3)
  const all = [1, 2, 3].map(n => driver.session().run(`RETURN ${n}`))
  await until(() => server.received('RUN').length === 3)
  open.open()
  await Promise.all(all)
  assert.equal(server.connections.max, 3)
  await server.kick()
  await until(() => server.connections.open === 0)
  await driver.close()
})

test('a server stopped refuses, and listens on the same port again', options, async t => {
  const server = await start(t, { versions: ['5.4'] })
  const driver = official(t, server)
  await driver.session().run('RETURN 1')
  const { port } = server
  await server.stop()
  await assert.rejects(driver.session().run('RETURN 1'))
  await server.listen()
  assert.equal(server.port, port)
  await driver.session().run('RETURN 1')
})

test('a frozen server accepts and says nothing until it thaws', options, async t => {
  const server = await start(t, { versions: ['5.4'] })
  const driver = official(t, server)
  server.freeze()
  let done = false
  const running = driver
    .session()
    .run('RETURN 1')
    .then(() => {
      done = true
    })
  await until(() => server.connections.open === 1)
  assert.equal(done, false)
  server.thaw()
  await running
})

test(
  'Bolt 1 and 2, by hand: INIT, RUN with {a}, a transaction of RUNs, ACK_FAILURE, RESET',
  options,
  async t => {
    for (const version of ['1.0', '2.0']) {
      const server = await start(t, { versions: [version], auth: { user: 'neo4j', pass: 'secret' } })
      const client = await RawClient.connect(server.port, [`0000000${version[0]}`])
      assert.equal(client.agreed, `0000000${version[0]}`)
      client.send(0x01, 'me/1', { scheme: 'basic', principal: 'neo4j', credentials: 'secret' })
      assert.deepEqual(await client.receive(), [0x70, { server: 'Neo4j/3.4.0' }])
      client.send(0x10, 'RETURN {a} AS a', { a: 7 })
      client.send(0x3f)
      assert.deepEqual(await client.receive(), [0x70, { fields: ['a'], result_available_after: 1 }])
      assert.deepEqual(await client.receive(), [0x71, [7]])
      assert.deepEqual(await client.receive(), [0x70, { type: 'r', result_consumed_after: 1 }])
      const ends = {
        BEGIN: [],
        'CREATE (n)': ['result_consumed_after', 'stats', 'type'],
        COMMIT: ['bookmark']
      }
      for (const [query, end] of Object.entries(ends)) {
        client.send(0x10, query, {})
        client.send(0x3f)
        assert.equal((await client.receive())[0], 0x70)
        const [tag, summary] = await client.receive()
        assert.equal(tag, 0x70)
        assert.deepEqual(Object.keys(summary).sort(), end)
      }
      assert.equal(server.received('COMMIT').length, 1)
      assert.deepEqual(server.queries(), ['RETURN {a} AS a', 'CREATE (n)'])
      client.send(0x10, 'BAD', {})
      client.send(0x3f)
      assert.equal((await client.receive())[0], 0x7f)
      assert.equal((await client.receive())[0], 0x7e)
      client.send(0x0e)
      assert.equal((await client.receive())[0], 0x70)
      client.send(0x0f)
      assert.equal((await client.receive())[0], 0x70)
      client.close()
    }
  }
)

test('versions are agreed slot by slot, ranges included', options, async t => {
  const server = await start(t, { versions: bolt.neo4j44 })
  for (const [slots, agreed] of [
    [['00020404'], '00000404'],
    [['00000304'], '00000304'],
    [['00000805', '00010304'], '00000304'],
    [['00000003'], '00000003'],
    [['00000001'], '00000000']
  ]) {
    const client = await RawClient.connect(server.port, slots)
    assert.equal(client.agreed, agreed)
    client.close()
  }
})

test('messages keep their exact bytes and the packet they came in', options, async t => {
  const server = await start(t, { versions: ['5.4'] })
  await official(t, server).session().run('RETURN 1', {})
  const [run] = server.received('RUN')
  const [pull] = server.received('PULL')
  assert.equal(run.raw.toString('hex'), 'b310' + '8852455455524e2031' + 'a0' + 'a0')
  assert.equal(pull.raw.toString('hex'), 'b13fa1816ec903e8')
  assert.equal(run.segment, pull.segment)
})

test('an HA member tells its role, asks for credentials, and can be killed and revived', options, async t => {
  const member = await HaMember.start({ role: 'master', auth: { user: 'neo4j', pass: 'secret' } })
  t.after(() => member.stop())
  const ask = (headers = { authorization: `Basic ${btoa('neo4j:secret')}` }) =>
    fetch(`${member.url}/db/manage/server/ha/available`, { headers, redirect: 'manual' })
  const seen = async role => {
    await member.become(role)
    const response = await ask()
    return [response.status, await response.text()]
  }
  assert.deepEqual(await seen('master'), [200, 'master'])
  assert.deepEqual(await seen('slave'), [200, 'slave'])
  assert.deepEqual(await seen('unknown'), [404, 'UNKNOWN'])
  assert.deepEqual(await seen('forbidden'), [403, ''])
  assert.equal((await seen({ redirect: 'http://127.0.0.1:1/' }))[0], 302)
  await member.become('master')
  assert.equal((await ask({})).status, 401)
  await member.kill()
  await assert.rejects(ask())
  await member.revive('slave')
  assert.deepEqual(await seen('slave'), [200, 'slave'])
  assert.equal(member.checks[0].headers.authorization, 'Basic bmVvNGo6c2VjcmV0')
  assert.deepEqual(rows([1, [2]]).records, [[1], [2]])
})

test('the process of a server that is stopped while TLS of it ends, ends too', options, async () => {
  const { code, stdout, stderr } = await program(`
    import tls from 'node:tls'
    import { authority } from './__test__/support/certificates.mjs'
    import { ScriptedServer } from './__test__/support/scripted-server.mjs'
    import { until } from './__test__/support/until.mjs'
    const ca = authority()
    const server = await ScriptedServer.start({ tls: ca.issue(['IP:127.0.0.1']) })
    ca.remove()
    const client = tls.connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false })
    client.on('error', () => {})
    await until(() => server.connections.live.size === 1)
    for (const connection of server.connections.live) connection.end()
    await server.stop()
    console.log('stopped')`)
  assert.equal(stdout.trim(), 'stopped', stderr)
  assert.equal(code, 0)
})
