// notificationFilter: which notifications a driver, or a session, asks its server for.
import assert from 'node:assert/strict'
import { rank } from '../support/bolt-versions.mjs'
import { ask, boltServer, connect, failing, Neo4jHA, test } from '../support/contract.mjs'
import { within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver

const { OFF, WARNING } = neo4j.notificationFilterMinimumSeverityLevel
const { DEPRECATION, HINT } = neo4j.notificationFilterDisabledCategory
const picked = extra =>
  Object.fromEntries(Object.entries(extra).filter(([key]) => key.startsWith('notifications_')))

for (const version of ['5.2', '5.4', '5.6', '5.8', '6.1']) {
  const disabled =
    rank(version) < 0x505 ? 'notifications_disabled_categories' : 'notifications_disabled_classifications'

  for (const [option, list] of [
    ['disabledCategories', [DEPRECATION, HINT]],
    ['disabledClassifications', [DEPRECATION]]
  ]) {
    test(`Bolt ${version}: notificationFilter.${option} of the driver is in HELLO, of a session in RUN and BEGIN`, async t => {
      const server = await boltServer(t, { versions: [version] })
      const driver = connect(t, server.uri, undefined, {
        notificationFilter: { minimumSeverityLevel: WARNING, [option]: list }
      })
      await ask(driver)
      const session = driver.session({ notificationFilter: { minimumSeverityLevel: OFF, [option]: [HINT] } })
      await session.run('RETURN 1')
      await session.executeRead(tx => tx.run('RETURN 1'))
      assert.deepEqual(picked(server.received('HELLO')[0].fields[0]), {
        notifications_minimum_severity: 'WARNING',
        [disabled]: list
      })
      const own = { notifications_minimum_severity: 'OFF', [disabled]: ['HINT'] }
      const [plain, run, within] = server.received('RUN').map(({ fields }) => picked(fields[2]))
      assert.deepEqual([plain, run, within], [{}, own, {}])
      assert.deepEqual(picked(server.received('BEGIN')[0].fields[0]), own)
    })
  }
}

test('parts of a notificationFilter that are not given are not sent; an empty list is', async t => {
  const server = await boltServer(t, { versions: ['5.8'] })
  for (const notificationFilter of [
    undefined,
    {},
    { minimumSeverityLevel: OFF },
    { disabledClassifications: [] }
  ]) {
    await ask(connect(t, server.uri, undefined, { notificationFilter }))
  }
  assert.deepEqual(
    server.received('HELLO').map(({ fields }) => picked(fields[0])),
    [{}, {}, { notifications_minimum_severity: 'OFF' }, { notifications_disabled_classifications: [] }]
  )
})

for (const version of ['2.0', '3.0', '4.4', '5.1']) {
  test(`Bolt ${version}: a notificationFilter is an error that says so, and nothing runs`, async t => {
    const server = await boltServer(t, { versions: [version] })
    const filter = { notificationFilter: { minimumSeverityLevel: OFF } }
    for (const work of [
      () => ask(connect(t, server.uri, undefined, filter)),
      () => ask(connect(t, server.uri), 'RETURN 1', filter),
      () =>
        connect(t, server.uri)
          .session(filter)
          .executeRead(tx => tx.run('RETURN 1'))
    ]) {
      const error = await within(failing(work()), 3000, 'the error')
      assert.match(error.message, /notification/i)
    }
    assert.equal(server.received('RUN').length, 0)
  })
}

test('categories and classifications at once are refused, of a driver and of a session', async t => {
  const notificationFilter = { disabledCategories: [HINT], disabledClassifications: [HINT] }
  const both = /disabledCategories.*disabledClassifications/
  assert.throws(() => neo4j.driver('bolt://127.0.0.1', undefined, { notificationFilter }), both)
  const server = await boltServer(t, { versions: ['5.8'] })
  const driver = connect(t, server.uri)
  assert.throws(() => driver.session({ notificationFilter }), both)
})
