// A real causal cluster of three cores, Neo4j 3.5, by neo4j://: who reads, who writes, in which order, and what happens when
// the leader dies. Who serves is said by the server itself, over the same connection.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { until, within } from '../support/until.mjs'
import { commandSuite } from './suites/command.mjs'
import { loginSuite } from './suites/login.mjs'
import { manualSuite } from './suites/manual.mjs'
import { reactiveSuite } from './suites/reactive.mjs'
import { runningWorkSuite } from './suites/running-work.mjs'
import { summarySuite } from './suites/summaries.mjs'
import {
  connect,
  failing,
  Neo4jHA,
  NO_LOCKOUT,
  neo4j,
  open,
  ready,
  rows,
  servers,
  test,
  tokenOf,
  value
} from './support.mjs'

const ROLE = 'CALL dbms.cluster.role() YIELD role RETURN role'
const WRITE = { defaultAccessMode: neo4j.session.WRITE }
const { masterWriteOnlySlaveReadOnly: slaves } = Neo4jHA.HAReadWrite
const READ = { defaultAccessMode: neo4j.session.READ }

describe('a real causal cluster', () => {
  const set = servers('cc@integration', { settings: NO_LOCKOUT })
  const about = { bolt: [3, 0], scheme: 'neo4j' }
  const start = (t, config) => connect(t, set.cluster, { scheme: 'neo4j', ...config })
  const addressOf = ({ bolt }) => bolt.replace('bolt://', '')
  /** Members by what they say they are. */
  const members = async role => (await set.cluster.status()).filter(member => member.role === role)
  /** A pool of whatever members the first one names. */
  const routed = async t => {
    const { members: all, auth } = set.cluster
    const driver = open(t, [all[0].bolt.replace('bolt:', 'neo4j:')], { auth })
    await within(driver.ready, 10_000, 'driver.ready')
    return driver
  }
  /** A driver of one member alone. */
  const direct = (t, member) => connect(t, { ...set.cluster, members: [member] })

  // ---- who serves ----

  test('executeWrite is for the leader, executeRead for the followers, each in its turn', async t => {
    const driver = start(t)
    const [leader] = (await members('leader')).map(addressOf)
    const followers = (await members('follower')).map(addressOf)
    const readers = new Set()
    for (let n = 0; n < 6; n++) {
      const session = driver.session(WRITE)
      const written = await session.executeWrite(tx => tx.run(ROLE))
      assert.deepEqual([value(written), written.summary.server.address], ['LEADER', leader])
      const read = await session.executeRead(tx => tx.run(ROLE))
      assert.equal(value(read), 'FOLLOWER')
      readers.add(read.summary.server.address)
      await session.close()
    }
    assert.deepEqual([...readers].sort(), followers.sort())
  })

  for (const [name, work] of [
    ['run', (session, text) => session.run(text)],
    [
      'beginTransaction',
      async (session, text) => {
        const tx = await session.beginTransaction()
        const result = await tx.run(text)
        await tx.commit()
        return result
      }
    ]
  ]) {
    test(`${name} goes where the access mode of its session says`, async t => {
      const driver = start(t)
      for (const [config, role] of [
        [WRITE, 'LEADER'],
        [READ, 'FOLLOWER'],
        [{}, 'LEADER']
      ]) {
        const session = driver.session(config)
        assert.equal(value(await work(session, ROLE)), role)
        await session.close()
      }
    })
  }

  test('executeQuery goes where its routing says', async t => {
    const driver = start(t)
    for (const [config, role] of [
      [{}, 'LEADER'],
      [{ routing: neo4j.routing.WRITE }, 'LEADER'],
      [{ routing: neo4j.routing.READ }, 'FOLLOWER'],
      [{ routing: 'READ' }, 'FOLLOWER']
    ]) {
      assert.equal(value(await driver.executeQuery(ROLE, {}, config)), role)
    }
  })

  test('any member will do as a seed', async t => {
    for (const member of set.cluster.members) {
      const driver = neo4j.driver(member.bolt.replace('bolt', 'neo4j'), tokenOf(set.cluster.auth))
      t.after(() => driver.close())
      assert.equal(value(await driver.executeQuery(ROLE)), 'LEADER')
      assert.equal(value(await driver.executeQuery(ROLE, {}, { routing: 'READ' })), 'FOLLOWER')
    }
  })

  test('a resolver names the seeds; one that is dead is passed over', async t => {
    const asked = []
    const resolver = async address => {
      asked.push(address)
      return ['127.0.0.1:1', addressOf(set.cluster.members[1])]
    }
    const driver = neo4j.driver('neo4j://cluster.test:7777', tokenOf(set.cluster.auth), { resolver })
    t.after(() => driver.close())
    assert.equal(value(await driver.executeQuery(ROLE)), 'LEADER')
    assert.deepEqual([...new Set(asked)], ['cluster.test:7777'])
  })

  test('neo4j+ssc:// encrypts the way to every member', async t => {
    const driver = start(t, { scheme: 'neo4j+ssc' })
    assert.equal(value(await driver.executeQuery(ROLE)), 'LEADER')
    assert.equal(value(await driver.executeQuery(ROLE, {}, { routing: 'READ' })), 'FOLLOWER')
    assert.equal(driver.isEncrypted(), true)
  })

  test('neo4j:// with trusted certificates checks those of all members', async t => {
    const driver = start(t, {
      encrypted: true,
      trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
      trustedCertificates: [set.cluster.members[0].certificate]
    })
    assert.equal(value(await driver.executeQuery(ROLE, {}, { routing: 'READ' })), 'FOLLOWER')
    const refused = start(t, { encrypted: true, maxTransactionRetryTime: 500 })
    assert.match((await failing(refused.executeQuery(ROLE))).message, /certificate/i)
  })

  // ---- writes where they do not belong ----

  test('a write in a session for reads is refused by its follower, and the error says so', async t => {
    const session = start(t).session(READ)
    const error = await failing(session.run('CREATE (:Misplaced)'))
    assert.equal(error.code, 'SessionExpired')
    assert.match(error.message, /No longer possible to write to server at 127\.0\.0\.1:\d+/)
    await session.close()
  })

  test('bolt:// to a follower: it reads, and a write is an error that says it is not the leader', async t => {
    const [follower] = await members('follower')
    const driver = direct(t, follower)
    const { records, summary } = await driver.executeQuery(ROLE, {}, { routing: 'READ' })
    assert.equal(value({ records }), 'FOLLOWER')
    assert.equal(summary.server.address, addressOf(follower))
    const session = driver.session(WRITE)
    const begun = performance.now()
    const error = await failing(session.run('CREATE (:Misplaced)'))
    assert.equal(error.code, 'Neo.ClientError.Cluster.NotALeader')
    assert.ok(error instanceof neo4j.Neo4jError)
    assert.ok(performance.now() - begun < 5000, 'it was tried again')
    await session.close()
  })

  test('bolt:// to the leader writes', async t => {
    const [leader] = await members('leader')
    const { summary } = await direct(t, leader).executeQuery('CREATE (:Direct)')
    assert.equal(summary.counters.updates().nodesCreated, 1)
  })

  // ---- order ----

  test('a read on a follower sees what the leader wrote, by its bookmark', async t => {
    const driver = start(t)
    for (let n = 1; n <= 20; n++) {
      const writer = driver.session(WRITE)
      await writer.run('CREATE (:Marked)')
      const bookmarks = writer.lastBookmarks()
      await writer.close()
      const seen = await Promise.all(
        (await members('follower')).map(async follower => {
          const session = direct(t, follower).session({ ...READ, bookmarks })
          const result = await session.run('MATCH (n:Marked) RETURN count(n)')
          await session.close()
          return value(result)
        })
      )
      assert.deepEqual(seen, [n, n])
    }
  })

  runningWorkSuite(set, about)

  // Before a member dies: it may not be back for a while.
  commandSuite(set, { ...about, checksOverHttp: true })

  test('a follower dies: reads go on, on the other', async t => {
    const driver = start(t)
    const read = () => driver.executeQuery(ROLE, {}, { routing: 'READ' })
    for (let n = 0; n < 4; n++) await read()
    const [follower, other] = await members('follower')
    set.cluster.signal(follower.member, 'KILL')
    for (let n = 0; n < 10; n++) {
      const { summary } = await within(read(), 10_000, 'a read')
      assert.notEqual(summary.server.address, addressOf(follower))
    }
    assert.equal((await read()).summary.server.address, addressOf(other))
    await set.cluster.start(follower.member, { wait: false })
  })

  // two of three are enough for what follows
  manualSuite(set, about)
  reactiveSuite(set, about)
  loginSuite(set, about)
  summarySuite(set, about)

  // ---- a pool of its members ----

  test('Neo4jHA finds its leader and its followers by itself, and sends work to them', async t => {
    await set.cluster.waitReady()
    const driver = await ready(t, set.cluster)
    const found = driver.servers.map(({ location, info }) => [addressOf(location), info.role, info.topology])
    const said = (await set.cluster.status()).map(member => [addressOf(member), member.role, 'cluster'])
    assert.deepEqual(found, said)
    const session = driver.session(true)
    assert.equal(value(await session.executeWrite(tx => tx.run(ROLE))), 'LEADER')
    assert.equal(value(await driver.session(true).run(ROLE)), 'LEADER')
    const reader = driver.session(false, slaves)
    assert.equal(value(await reader.run(ROLE)), 'FOLLOWER')
  })

  test('Neo4jHA tells how far behind members are', async t => {
    await set.cluster.waitReady()
    const driver = await ready(t, set.cluster, { checkInterval: 50 })
    await driver.session(true).run('CREATE (:Counted)')
    await until(() => driver.servers.every(({ info }) => info.lag === 0))
  })

  test('Neo4jHA of one neo4j:// URI finds the members and their roles by their routing tables', async t => {
    await set.cluster.waitReady()
    const driver = await routed(t)
    const found = driver.servers.map(({ location, info }) => [location.bolt, info.role, info.topology])
    const said = (await set.cluster.status()).map(({ bolt, role }) => [
      bolt.replace('bolt:', 'neo4j:'),
      role === 'leader' ? 'writer' : 'reader',
      'routing'
    ])
    assert.deepEqual(found.sort(), said.sort())
    assert.equal(value(await driver.session(true).run(ROLE)), 'LEADER')
    assert.equal(value(await driver.session(false, slaves).run(ROLE)), 'FOLLOWER')
  })

  // ---- last, since the leader dies here ----

  test(
    'the leader dies: writes under way are done by the new leader, each once, and reads go on; by a pool too',
    async t => {
      await set.cluster.waitReady()
      const routing = start(t)
      const pool = await ready(t, set.cluster)
      const followed = await routed(t)
      const [leader] = await members('leader')
      let dead = false
      const done = []
      const unknown = []
      const writeAlways = async (worker, open) => {
        for (let n = 0; ; n++) {
          const id = `${worker} ${n}`
          const session = open()
          try {
            const result = await session.executeWrite(tx =>
              tx.run('CREATE (n:Kept {id: $id}) RETURN 1', { id })
            )
            done.push(id)
            const { address } = result.summary.server
            if (dead && address !== addressOf(leader)) return address
          } catch (error) {
            // the answer to its commit was lost: only the data can tell
            if (!error.unknownOutcome) throw error
            unknown.push(id)
          } finally {
            await session.close()
          }
        }
      }
      const byRouting = () => routing.session(WRITE)
      const byPool = () => pool.session(true)
      const byFound = () => followed.session(true)
      const writers = Promise.all(
        [byRouting, byPool, byFound, byRouting, byPool, byFound].map((open, i) => writeAlways(i, open))
      )
      writers.catch(() => {})
      while (done.length < 40) await routing.executeQuery(ROLE, {}, { routing: 'READ' })
      set.cluster.signal(leader.member, 'KILL')
      dead = true
      const begun = performance.now()
      const reads = await Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          n % 3 === 0
            ? routing.executeQuery('RETURN 1', {}, { routing: 'READ' })
            : (n % 3 === 1 ? pool : followed).session(false).run('RETURN 1')
        )
      )
      assert.equal(reads.length, 10)
      const addresses = await within(writers, 35_000, 'writes on a new leader')
      t.diagnostic(`a new leader wrote ${Math.round(performance.now() - begun)} ms after the kill of the old`)
      const now = await set.cluster.waitForMaster()
      assert.deepEqual(addresses, Array(6).fill(addressOf(now)))
      assert.equal(pool.getMaster().info.role, 'leader')
      assert.equal(followed.getMaster().info.role, 'writer')

      const found = rows(await routing.executeQuery('MATCH (n:Kept) RETURN n.id')).flat()
      const tally = new Set(found)
      assert.equal(tally.size, found.length, 'something was written twice')
      for (const id of done) assert.ok(tally.has(id), `${id} was acknowledged, and is lost`)
      for (const id of found)
        assert.ok(done.includes(id) || unknown.includes(id), `${id} was refused, and is there`)
    },
    { timeout: 180_000 }
  )
})
