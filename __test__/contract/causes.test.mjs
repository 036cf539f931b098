// What a function of the application throws is the cause of the error that its work fails by: the object that it was.
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { authority } from '../support/certificates.mjs'
import { ask, boltServer, cluster, connect, failing, Neo4jHA, ready, test } from '../support/contract.mjs'

const neo4j = Neo4jHA.driver
const quick = { maxTransactionRetryTime: 0 }
const ca = authority()
after(() => ca.remove())

class Mine extends Error {
  code = 'MINE'
}

/** How a function goes wrong with a value. */
const WAYS = {
  throws: value => () => {
    throw value
  },
  rejects: value => async () => {
    throw value
  },
  'rejects later': value => async () => {
    await null
    throw value
  }
}

const DOORS = {
  'getToken of an auth token manager': async (t, wrong) => {
    const server = await boltServer(t, { versions: ['5.4'] })
    return connect(t, server.uri, { getToken: wrong, handleSecurityException: () => false }, quick)
  },
  'a resolver': async (t, wrong) =>
    connect(t, 'neo4j://somewhere.invalid', undefined, { ...quick, resolver: wrong }),
  'getClientCertificate of a provider': async (t, wrong) => {
    const server = await boltServer(t, { tls: ca.issue(['IP:127.0.0.1']) })
    const clientCertificate = { hasUpdate: async () => false, getClientCertificate: wrong }
    return connect(t, server.uri.replace('bolt:', 'bolt+ssc:'), undefined, { ...quick, clientCertificate })
  }
}

/** The ways to work, each as `(driver) => promise`. */
const WORK = {
  'a query of its own': driver => ask(driver),
  'a transaction': driver => driver.session().beginTransaction(),
  'a transaction function': driver => driver.session().executeWrite(tx => tx.run('RETURN 1')),
  executeQuery: driver => driver.executeQuery('RETURN 1'),
  verifyConnectivity: driver => driver.verifyConnectivity()
}

for (const [door, open] of Object.entries(DOORS)) {
  for (const [way, wrong] of Object.entries(WAYS)) {
    test(`what ${door} ${way} is the cause of the work's error`, async t => {
      const mine = new Mine('the vault is shut')
      const driver = await open(t, wrong(mine))
      for (const [what, work] of Object.entries(WORK)) {
        const error = await failing(work(driver))
        assert.ok(error instanceof neo4j.Neo4jError || error.name === 'Neo4jError', what)
        assert.equal(error.cause, mine, what)
        assert.match(error.message, /the vault is shut/, what)
        assert.equal(mine.code, 'MINE')
      }
    })
  }
  test(`what ${door} throws that is no error is the cause, too`, async t => {
    const mine = { reason: 'the vault is shut' }
    const driver = await open(t, WAYS.throws(mine))
    const error = await failing(ask(driver))
    assert.equal(error.cause, mine)
  })
}

test('an answer that cannot be told on is an error of the work: addresses in a circle', async t => {
  const circle = {}
  circle.self = circle
  const driver = connect(t, 'neo4j://somewhere.invalid', undefined, { ...quick, resolver: () => circle })
  const error = await failing(ask(driver))
  assert.match(error.message, /circular/i)
})

test('whatever is thrown is told: without a prototype, with a message that is no text', async t => {
  for (const thrown of [Object.create(null), Object.assign(new Error('x'), { message: 5 })]) {
    const driver = await DOORS['a resolver'](t, WAYS.throws(thrown))
    assert.equal((await failing(ask(driver))).cause, thrown)
  }
})

test("what a strategy throws is the cause of the work's error", async t => {
  const { servers } = await cluster(t)
  const mine = new Mine('no choice')
  const driver = await ready(t, servers, { strategy: WAYS.throws(mine), neo4jDriverOptions: quick })
  for (const [what, work] of Object.entries({ ...WORK, verifyConnectivity: WORK.executeQuery })) {
    const error = await failing(work(driver))
    assert.equal(error.cause, mine, what)
    assert.match(error.message, /strategy.*no choice/, what)
  }
})

test('what getBookmarks of a bookmark manager throws is the error of the work, as in neo4j-driver', async t => {
  const server = await boltServer(t, { versions: ['5.4'] })
  const mine = new Mine('no bookmarks')
  const bookmarkManager = { getBookmarks: WAYS.rejects(mine), updateBookmarks: async () => {} }
  const driver = connect(t, server.uri, undefined, quick)
  assert.equal(await failing(driver.session({ bookmarkManager }).run('RETURN 1')), mine)
  assert.equal(await failing(driver.executeQuery('RETURN 1', {}, { bookmarkManager })), mine)
})
