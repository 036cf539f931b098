// Logging in to a real server: who is let in, who is not and what is said then, and what the server supports.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { connect, failing, neo4j, test, value } from '../support.mjs'

const UNAUTHORIZED = 'Neo.ClientError.Security.Unauthorized'

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set its servers must lock nobody out
 * @param {object} about
 * @param {[number, number]} about.bolt the version that is agreed on
 * @param {string} [about.scheme] of the URI
 */
export const loginSuite = (set, { bolt, scheme }) =>
  describe(`logging in${scheme ? ` by ${scheme}://` : ''}`, () => {
    const start = (t, config) => connect(t, set.cluster, { scheme, ...config })
    const addresses = () => set.cluster.members.map(one => one.bolt.replace('bolt://', ''))
    const isAtLeast = (major, minor) => bolt[0] > major || (bolt[0] === major && bolt[1] >= minor)

    test('with the right password', async t => {
      const driver = start(t)
      await driver.verifyConnectivity()
      const { address, agent, protocolVersion } = await driver.getServerInfo()
      assert.ok(addresses().includes(address), address)
      assert.match(agent, /^Neo4j\/\d/)
      assert.deepEqual([protocolVersion.major, protocolVersion.minor], bolt)
      assert.equal(await driver.verifyAuthentication(), true)
      const version = await driver.getNegotiatedProtocolVersion()
      assert.deepEqual([version.major, version.minor], bolt)
      assert.equal(value(await driver.executeQuery('RETURN 1')), 1)
    })

    for (const [name, make] of [
      ['a wrong password', user => neo4j.auth.basic(user, 'wrong')],
      ['an unknown user', () => neo4j.auth.basic('nobody', 'wrong')],
      ['no token at all', () => undefined],
      ['a token of a scheme the server does not know', () => neo4j.auth.custom('a', 'b', 'c', 'unknown')]
    ]) {
      test(`${name}: refused at once, by an error that names the server and not the password`, async t => {
        const driver = start(t, { token: make(set.cluster.auth.user) ?? null })
        const begun = performance.now()
        const errors = [
          await failing(driver.executeQuery('RETURN 1')),
          await failing(driver.verifyConnectivity()),
          await failing(driver.session({}).run('RETURN 1'))
        ]
        for (const error of errors) {
          assert.ok(error instanceof neo4j.Neo4jError)
          assert.equal(error.code, UNAUTHORIZED, error.message)
          assert.equal(error.retryable, false)
          assert.ok(addresses().includes(error.server), `server: ${error.server}`)
          assert.ok(!error.message.includes('wrong'), error.message)
        }
        assert.equal(await driver.verifyAuthentication(), false)
        assert.ok(performance.now() - begun < 10_000)
      })
    }

    test('what the server supports is what its Bolt version says', async t => {
      const driver = start(t)
      assert.deepEqual(
        await Promise.all([
          driver.supportsTransactionConfig(),
          driver.supportsMultiDb(),
          driver.supportsUserImpersonation(),
          driver.supportsSessionAuth()
        ]),
        [isAtLeast(3, 0), isAtLeast(4, 0), isAtLeast(4, 4), isAtLeast(5, 1)]
      )
      assert.equal(driver.isEncrypted(), false)
    })

    test('hasReachableServer asks without logging in', async () => {
      const [{ bolt: uri }] = set.cluster.members
      assert.equal(await neo4j.hasReachableServer(uri), true)
      const error = await failing(neo4j.hasReachableServer('bolt://127.0.0.1:1', { connectionTimeout: 1000 }))
      assert.match(error.message, /127\.0\.0\.1:1\b/)
    })
  })

/** @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set of servers without authentication */
export const noAuthenticationSuite = set =>
  describe('without authentication', () => {
    for (const [name, token] of [
      ['no token', null],
      ['any token', neo4j.auth.basic('nobody', 'anything')],
      ['a manager', neo4j.authTokenManagers.basic({ tokenProvider: () => neo4j.auth.basic('a', 'b') })]
    ]) {
      test(`${name} lets in`, async t => {
        for (const scheme of ['bolt', 'neo4j']) {
          const driver = connect(t, set.cluster, { scheme, token })
          assert.equal(value(await driver.executeQuery('RETURN 1')), 1)
          assert.equal(await driver.verifyAuthentication(), true)
        }
      })
    }
  })
