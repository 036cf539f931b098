// Client certificates: a server that takes only clients whose certificate its authority vouches for.

import assert from 'node:assert/strict'
import { after, describe } from 'node:test'
import { authority } from '../../support/certificates.mjs'
import { failing, neo4j, portOf, test, tlsFront, value } from '../support.mjs'

const filesOf = ({ certFile, keyFile }) => ({ certfile: certFile, keyfile: keyFile })

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set of no authentication, which wants a client
 *   certificate over TLS
 * @param {object} about
 * @param {ReturnType<typeof authority>} about.clients the authority of the clients
 */
export const clientCertificateSuite = (set, { clients }) =>
  describe('client certificates', () => {
    const member = () => set.cluster.members[0]
    const stranger = authority()
    after(() => stranger.remove())
    const start = (t, clientCertificate, { scheme = 'bolt+ssc', port = portOf(member()) } = {}) => {
      const driver = neo4j.driver(`${scheme}://127.0.0.1:${port}`, undefined, {
        maxTransactionRetryTime: 500,
        clientCertificate
      })
      t.after(() => driver.close())
      return driver
    }

    for (const scheme of ['bolt+ssc', 'neo4j+ssc']) {
      test(`${scheme}: a certificate of the right authority lets in`, async t => {
        const driver = start(t, filesOf(clients.issueClient()), { scheme })
        assert.equal(value(await driver.executeQuery('RETURN 1')), 1)
        assert.equal(await driver.verifyAuthentication(), true)
      })
    }

    for (const [name, certificate] of [
      ['no certificate', () => undefined],
      ['a certificate of another authority', () => filesOf(stranger.issueClient())]
    ]) {
      test(`${name}: refused, by an error that names the server`, async t => {
        const error = await failing(start(t, certificate()).executeQuery('RETURN 1'))
        assert.equal(error.code, 'ServiceUnavailable')
        assert.match(error.message, /certificate|TLS|connection/i)
        assert.ok(error.message.includes(String(portOf(member()))), error.message)
      })
    }

    test('a provider is asked for each connection, and may rotate its certificate', async t => {
      const { key, cert } = clients.issue(['IP:127.0.0.1'])
      const tls = { key, cert, ca: clients.pem, requestCert: true, rejectUnauthorized: true }
      const front = await tlsFront(t, portOf(member()), tls)
      const [one, other] = [clients.issueClient('one'), clients.issueClient('other')]
      const provider = neo4j.clientCertificateProviders.rotating({ initialCertificate: filesOf(one) })
      const driver = start(t, provider, { port: front.port })
      // transactions that are open at once need a connection each
      const connections = async n => {
        const sessions = Array.from({ length: n }, () => driver.session({}))
        for (const session of sessions) await session.beginTransaction().run('RETURN 1')
        for (const session of sessions) await session.close()
      }
      await connections(1)
      assert.deepEqual([...new Set(front.clients)], ['one'])
      const before = front.clients.length
      provider.updateCertificate(filesOf(other))
      await connections(3)
      const later = front.clients.slice(before)
      assert.ok(later.length > 0)
      assert.deepEqual([...new Set(later)], ['other'])
    })

    test('a file that is not there is an error that names it', async t => {
      const files = { ...filesOf(clients.issueClient()), keyfile: '/no/such/file.key' }
      assert.match((await failing(start(t, files).executeQuery('RETURN 1'))).message, /\/no\/such\/file\.key/)
    })
  })
