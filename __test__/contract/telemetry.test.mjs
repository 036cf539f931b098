// TELEMETRY: which way of the driver was used, told to servers that want to know.
import assert from 'node:assert/strict'
import { ask, boltServer, connect, Neo4jHA, routing, test } from '../support/contract.mjs'

const neo4j = Neo4jHA.driver

const api = { managed: 0, explicit: 1, auto: 2, executeQuery: 3 }
const wants = { hints: { 'telemetry.enabled': true } }
const used = server => server.received('TELEMETRY').map(({ fields }) => fields[0])

for (const version of ['5.4', '5.8', '6.1']) {
  test(`Bolt ${version}: TELEMETRY tells which of the four ways was used, ahead of the work`, async t => {
    const server = await boltServer(t, { versions: [version], ...wants })
    const driver = connect(t, server.uri)
    const session = driver.session()
    await driver.executeQuery('RETURN 1')
    await session.run('RETURN 2')
    const tx = session.beginTransaction()
    await tx.run('RETURN 3')
    await tx.run('RETURN 4')
    await tx.commit()
    await session.executeRead(work => work.run('RETURN 5'))
    await session.executeWrite(work => work.run('RETURN 6'))
    assert.deepEqual(used(server), [api.executeQuery, api.auto, api.explicit, api.managed, api.managed])
    const kinds = server.messages.map(({ kind }) => kind).filter(kind => /TELEMETRY|BEGIN|RUN/.test(kind))
    assert.deepEqual(
      kinds.filter((kind, i) => kind === 'TELEMETRY' || kinds[i - 1] === 'TELEMETRY'),
      ['TELEMETRY', 'BEGIN', 'TELEMETRY', 'RUN', ...Array(3).fill(['TELEMETRY', 'BEGIN']).flat()]
    )
    assert.equal(server.received('TELEMETRY')[0].raw.toString('hex'), 'b15403')
  })
}

test('a transaction function that is tried again is told of once', async t => {
  const server = await boltServer(t, { versions: ['5.4'], ...wants })
  server.when('RUN', x => x.fail('Neo.TransientError.Transaction.DeadlockDetected', 'again')).times(1)
  await connect(t, server.uri).executeQuery('RETURN 1')
  assert.equal(server.received('BEGIN').length, 2)
  assert.deepEqual(used(server), [api.executeQuery])
})

test('each member says for itself whether it wants telemetry', async t => {
  const cluster = await routing(t, { versions: ['5.4'], cores: 2, each: i => (i === 0 ? wants : {}) })
  const driver = connect(t, cluster.uri)
  await driver.executeQuery('RETURN 1')
  await driver.executeQuery('RETURN 1', {}, { routing: neo4j.routing.READ })
  assert.deepEqual(used(cluster.members[0]), [api.executeQuery])
  assert.deepEqual(used(cluster.members[1]), [])
})

for (const [why, versions, hints, telemetryDisabled] of [
  ['telemetryDisabled is true', ['5.4'], { 'telemetry.enabled': true }, true],
  ['the server says nothing of it', ['5.4'], {}, undefined],
  ['the server says false', ['5.8'], { 'telemetry.enabled': false }, undefined],
  ['the version has none', ['5.3'], { 'telemetry.enabled': true }, undefined],
  ['the version has no hints', ['4.2'], { 'telemetry.enabled': true }, undefined]
]) {
  test(`there is no TELEMETRY when ${why}`, async t => {
    const server = await boltServer(t, { versions, hints })
    const driver = connect(t, server.uri, undefined, { telemetryDisabled })
    await driver.executeQuery('RETURN 1')
    await ask(driver)
    assert.deepEqual(used(server), [])
  })
}
