// Hedged reads: one that takes long is asked of another reader as well.
import assert from 'node:assert/strict'
import { cluster, column, Neo4jHA, open, ready, test } from '../support/contract.mjs'
import { bolt, gate, held, rows } from '../support/scripted-server.mjs'
import { until } from '../support/until.mjs'

const never = 3_600_000
const { masterWriteOnlySlaveReadOnly: slaves } = Neo4jHA.HAReadWrite
const first = candidates => candidates[0]

/** A master and two readers, of which the first is chosen, and keeps silent on reads until the test ends. */
const members = async (t, { versions = bolt.neo4j526, ...options } = {}) => {
  const group = await cluster(t, { versions })
  group.on(/MATCH/, rows([1, 2]))
  const driver = await ready(t, group.servers, {
    checkInterval: never,
    rwConfig: slaves,
    strategy: first,
    hedge: { after: 5, budget: 1 },
    ...options
  })
  const end = gate()
  t.after(end.open)
  const [, slow, other] = group.members
  return { group, driver, slow: slow.bolt, other: other.bolt, silent: held(end) }
}

const ways = {
  'an auto-commit read': driver => driver.session(false).run('MATCH (n) RETURN n'),
  executeQuery: driver => driver.executeQuery('MATCH (n) RETURN n', {}, { routing: 'READ' })
}

for (const [title, read] of Object.entries(ways)) {
  test(`${title}: the second reader's answer is heard where the first is silent, which is reset`, async t => {
    const { group, driver, slow, other, silent } = await members(t)
    slow.when('RUN', silent)
    const result = await read(driver)
    assert.deepEqual(column(result), [1, 2])
    assert.equal(result.summary.server.address, other.address)
    assert.deepEqual(group.served(/MATCH/), [1, 2])
    await until(() => slow.received('RESET').length === 1)
  })

  test(`${title}: a read that is answered in time is asked of nobody else`, async t => {
    const { group, driver } = await members(t, { hedge: { after: 5_000, budget: 1 } })
    for (let i = 0; i < 5; i++) await read(driver)
    assert.deepEqual(group.served(/MATCH/), [1, 1, 1, 1, 1])
  })

  test(`${title}: the first one's answer counts where it comes before that of the second`, async t => {
    const { group, driver, slow, other, silent } = await members(t)
    const answer = gate()
    slow.when('RUN', held(answer))
    other.when('RUN', silent)
    const work = read(driver)
    await until(() => group.served(/MATCH/).length === 2)
    answer.open()
    assert.equal((await work).summary.server.address, slow.address)
  })

  test(`${title}: an error of the second is none of the read's`, async t => {
    const { driver, slow, other } = await members(t)
    const answer = gate()
    slow.when('RUN', held(answer))
    other.when('RUN', x => x.fail('Neo.TransientError.General.DatabaseUnavailable', 'not now'))
    const work = read(driver)
    await until(() => other.received('RUN').length === 1)
    answer.open()
    assert.deepEqual(column(await work), [1, 2])
  })

  test(`${title}: the first is lost while the second is asked: the second's answer is heard`, async t => {
    const { driver, slow, other } = await members(t)
    const answer = gate()
    slow.when('RUN', async x => {
      await answer
      x.reset()
    })
    other.when('RUN', async x => {
      answer.open()
      await until(() => slow.connections.live.size === 0)
      await x.reply()
    })
    const result = await read(driver)
    assert.equal(result.summary.server.address, other.address)
    assert.equal(other.received('RUN').length, 1)
  })
}

test('writes, and what may write, are never asked twice', async t => {
  const { group, driver } = await members(t)
  const [master] = group.members
  const answer = gate()
  master.bolt.when('RUN', held(answer))
  const work = [driver.session(true).run('CREATE (n)'), driver.executeQuery('CREATE (m)')]
  await until(() => group.served(/CREATE/).length === 2)
  answer.open()
  await Promise.all(work)
  assert.deepEqual(group.served(/CREATE/), [0, 0])
})

test('servers that do not refuse writes in reads are asked alone', async t => {
  const { group, driver, slow } = await members(t, { versions: ['3.0'] })
  const answer = gate()
  slow.when('RUN', held(answer))
  const work = driver.session(false).run('MATCH (n) RETURN n')
  await until(() => slow.received('RUN').length === 1)
  await driver.session(true).run('CREATE (n)')
  answer.open()
  await work
  assert.deepEqual(group.served(/MATCH/), [1])
})

test('no more reads are asked twice than the budget says', async t => {
  const { group, driver, slow } = await members(t, { hedge: { after: 0, budget: 0.1 } })
  slow.when('RUN', async x => {
    await new Promise(resolve => setTimeout(resolve, 5))
    await x.reply()
  })
  for (let i = 0; i < 50; i++) await driver.session(false).run('MATCH (n) RETURN n')
  const twice = group.served(/MATCH/).filter(index => index === 2).length
  assert.ok(twice >= 1 && twice <= 5, `${twice}`)
})

for (const [hedge, message] of [
  [{ after: 'p50' }, /hedge\.after takes 'p95', or a number of milliseconds; it was 'p50'/],
  [{ after: -1 }, /hedge\.after/],
  [{ budget: 2 }, /hedge\.budget takes a share of all reads/],
  [{ budget: -1 }, /hedge\.budget takes a share of all reads, from 0 to 1; it was -1/],
  ['p95', /hedge takes an object/]
]) {
  test(`hedge ${JSON.stringify(hedge)} is refused at once`, t => {
    assert.throws(() => open(t, [['http://h', 'bolt://h']], { hedge }), { name: 'TypeError', message })
  })
}

test('hedging is off by default', async t => {
  const { group, driver, slow } = await members(t, { hedge: undefined })
  const answer = gate()
  slow.when('RUN', held(answer))
  const work = driver.session(false).run('MATCH (n) RETURN n')
  await until(() => slow.received('RUN').length === 1)
  for (let i = 0; i < 3; i++) await driver.session(true).run('CREATE (n)')
  answer.open()
  await work
  assert.deepEqual(group.served(/MATCH/), [1])
})
