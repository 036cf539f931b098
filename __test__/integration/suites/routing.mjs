// neo4j:// to a server that stands alone: Neo4j 4 and later routes to itself; those before cannot route, and say so.

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { authority } from '../../support/certificates.mjs'
import { connect, failing, neo4j, portOf, test, tokenOf, value } from '../support.mjs'

const MODES = [{ defaultAccessMode: neo4j.session.WRITE }, { defaultAccessMode: neo4j.session.READ }]

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set
 * @param {object} [about]
 * @param {{ file: string }} [about.ca] of the server's certificate; without it the server has a self-signed one
 */
export const routingSuite = (set, { ca } = {}) =>
  describe('neo4j:// to a single server', () => {
    const member = () => set.cluster.members[0]
    const address = () => member().bolt.replace('bolt://', '')
    const start = (t, config) => connect(t, set.cluster, { scheme: 'neo4j', ...config })

    test('reads and writes', async t => {
      const driver = start(t)
      for (const config of MODES) {
        const session = driver.session(config)
        const { records, summary } = await session.run('RETURN 1')
        assert.deepEqual([value({ records }), summary.server.address], [1, address()])
        const tx = await session.beginTransaction()
        assert.equal(value(await tx.run('RETURN 2')), 2)
        await tx.commit()
        assert.equal(value(await session.executeRead(work => work.run('RETURN 3'))), 3)
        assert.equal(value(await session.executeWrite(work => work.run('RETURN 4'))), 4)
        await session.close()
      }
      assert.equal((await driver.getServerInfo()).address, address())
      assert.equal(await driver.verifyAuthentication(), true)
    })

    test('a database by its name', async t => {
      const driver = start(t)
      for (const database of ['neo4j', 'system']) {
        const { summary } = await driver.executeQuery('SHOW DATABASES', {}, { database })
        assert.equal(summary.database.name, database)
        assert.equal((await driver.getServerInfo({ database })).address, address())
      }
    })

    test('a database that is not there is an error at once', async t => {
      const begun = performance.now()
      const error = await failing(start(t).executeQuery('RETURN 1', {}, { database: 'none' }))
      assert.equal(error.code, 'Neo.ClientError.Database.DatabaseNotFound')
      assert.match(error.message, /none/)
      assert.ok(performance.now() - begun < 5000, 'it was tried again')
    })

    test('neo4j+ssc:// encrypts', async t => {
      const driver = start(t, { scheme: 'neo4j+ssc' })
      assert.equal(value(await driver.executeQuery('RETURN 1')), 1)
      assert.equal(driver.isEncrypted(), true)
    })

    test('a certificate that is trusted is taken, and others are refused', async t => {
      const open = trustedCertificates => {
        const driver = neo4j.driver(`neo4j://localhost:${portOf(member())}`, tokenOf(set.cluster.auth), {
          encrypted: true,
          trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
          trustedCertificates,
          maxTransactionRetryTime: 500
        })
        t.after(() => driver.close())
        return driver
      }
      const stranger = authority()
      t.after(() => stranger.remove())
      assert.equal(value(await open([ca?.file ?? member().certificate]).executeQuery('RETURN 1')), 1)
      assert.match((await failing(open([stranger.file]).executeQuery('RETURN 1'))).message, /certificate/i)
    })
  })

/** @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set of servers that cannot route */
export const noRoutingSuite = set =>
  test('neo4j:// to a server that cannot route is an error that names it, and the scheme to use', async t => {
    const { members, auth } = set.cluster
    const driver = neo4j.driver(members[0].bolt.replace('bolt:', 'neo4j:'), tokenOf(auth))
    t.after(() => driver.close())
    for (const work of [
      () => driver.session({}).run('RETURN 1'),
      () => driver.executeQuery('RETURN 1'),
      () => driver.verifyConnectivity()
    ]) {
      const error = await failing(work())
      assert.equal(error.code, 'ServiceUnavailable')
      assert.match(error.message, /can't perform routing/)
      assert.match(error.message, /bolt:\/\//)
      assert.ok(error.message.includes(members[0].bolt.replace('bolt://', '')), error.message)
    }
  })
