// TLS to a real server: who is trusted, who is refused, and what is said then. The server shows its own certificate, or, to be
// refused for what is wrong with it, one of a front that ends TLS before the server's plain port.

import assert from 'node:assert/strict'
import { after, describe } from 'node:test'
import { authority } from '../../support/certificates.mjs'
import { program } from '../../support/contract.mjs'
import { failing, neo4j, open, portOf, query, tap, test, tlsFront, value } from '../support.mjs'

const NAMES = ['DNS:localhost', 'IP:127.0.0.1']
const trusting = file => ({
  encrypted: true,
  trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
  trustedCertificates: [file]
})

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set
 * @param {object} about
 * @param {ReturnType<typeof authority>} [about.ca] of the servers' certificate, which is for `localhost` alone; without it
 *   they have a self-signed one, for 127.0.0.1 too
 */
export const tlsSuite = (set, { ca } = {}) =>
  describe('TLS', () => {
    const member = () => set.cluster.members[0]
    const trusted = () => ca?.file ?? member().certificate
    const hosts = ca ? ['localhost'] : ['localhost', '127.0.0.1']
    const own = authority()
    const stranger = authority()
    after(() => {
      own.remove()
      stranger.remove()
    })

    // ---- who is trusted ----

    for (const [name, scheme, host, options] of [
      ['bolt+ssc takes any certificate, of any host', 'bolt+ssc', '127.0.0.1', () => ({})],
      [
        'trust-all takes any certificate, of any host',
        'bolt',
        '127.0.0.1',
        () => ({ encrypted: true, trust: 'TRUST_ALL_CERTIFICATES' })
      ],
      ...hosts.map(host => [
        `a certificate that is trusted by ${ca ? 'its authority' : 'itself'} is taken, of ${host}`,
        'bolt',
        host,
        () => trusting(trusted())
      ])
    ]) {
      test(name, async t => {
        const way = await tap(t, portOf(member()))
        const driver = open(t, `${scheme}://${host}:${way.port}`, {
          auth: set.cluster.auth,
          neo4jDriverOptions: options()
        })
        assert.equal(value(await query(driver, 'RETURN 1')), 1)
        assert.ok(way.seen.length > 0 && way.seen.every(how => how === 'tls'), way.seen.join(' '))
        assert.equal(driver.isEncrypted(), true)
      })
    }

    test('without it nothing is encrypted', async t => {
      const way = await tap(t, portOf(member()))
      const driver = open(t, `bolt://127.0.0.1:${way.port}`, { auth: set.cluster.auth })
      assert.equal(value(await query(driver, 'RETURN 1')), 1)
      assert.ok(way.seen.length > 0 && way.seen.every(how => how === 'plain'), way.seen.join(' '))
      assert.equal(driver.isEncrypted(), false)
    })

    if (ca) {
      test('bolt+s takes what the system trusts', async () => {
        const { stdout, stderr } = await program(
          `import { driver as neo4j } from 'neo4j-ha-bolt-driver'
        const driver = neo4j.driver(input.uri, neo4j.auth.basic(input.user, input.pass))
        const { records } = await driver.executeQuery('RETURN 1')
        console.log(records.length, driver.isEncrypted())
        await driver.close()`,
          {
            input: { uri: `bolt+s://localhost:${portOf(member())}`, ...set.cluster.auth },
            env: { NODE_EXTRA_CA_CERTS: ca.file }
          }
        )
        assert.equal(stderr, '')
        assert.equal(stdout.trim(), '1 true')
      })
    }

    test('many rows come through it whole', async t => {
      const driver = open(t, `bolt+ssc://127.0.0.1:${portOf(member())}`, { auth: set.cluster.auth })
      const { records } = await query(
        driver,
        "UNWIND range(1, 20000) AS n RETURN n, 'row ' + toString(n) AS text"
      )
      assert.equal(records.length, 20_000)
      for (const [i, record] of records.entries()) {
        if (record.get('n').toNumber() !== i + 1 || record.get('text') !== `row ${i + 1}`)
          assert.fail(`row ${i + 1}`)
      }
    })

    // ---- who is refused ----

    /** The error of a driver that must not connect; it says why, and names the server. */
    const refused = async (t, uri, config, why) => {
      const { user, pass } = set.cluster.auth
      const driver = neo4j.driver(uri, neo4j.auth.basic(user, pass), {
        maxTransactionRetryTime: 500,
        ...config
      })
      t.after(() => driver.close())
      const error = await failing(driver.executeQuery('RETURN 1'))
      assert.ok(error instanceof neo4j.Neo4jError)
      assert.equal(error.code, 'ServiceUnavailable')
      assert.match(error.message, why)
      assert.ok(error.message.includes(new URL(uri).port), `no server is named: ${error.message}`)
    }

    test('bolt+s refuses a certificate that nobody vouches for', t =>
      refused(t, `bolt+s://localhost:${portOf(member())}`, {}, /certificate/i))

    test('a system that does not know the authority refuses', t =>
      refused(t, `bolt://localhost:${portOf(member())}`, { encrypted: true }, /certificate/i))

    test('a certificate of another authority is refused', t =>
      refused(t, `bolt://localhost:${portOf(member())}`, trusting(stranger.file), /certificate/i))

    if (ca) {
      test("the server's own certificate is refused under a name that is not in it", t =>
        refused(t, `bolt://127.0.0.1:${portOf(member())}`, trusting(ca.file), /name|host/i))
    }

    for (const [name, certificate, why] of [
      ['another host', () => own.issue(['DNS:elsewhere.test']), /elsewhere\.test|name|host/i],
      ['a time that is over', () => own.issueExpired(NAMES), /expired/i]
    ]) {
      test(`a certificate for ${name} is refused`, async t => {
        const { key, cert } = certificate()
        const front = await tlsFront(t, portOf(member()), { key, cert })
        await refused(t, `bolt://localhost:${front.port}`, trusting(own.file), why)
      })
    }

    test('the same front with a right certificate is let through', async t => {
      const { key, cert } = own.issue(NAMES)
      const front = await tlsFront(t, portOf(member()), { key, cert })
      const driver = open(t, `bolt://localhost:${front.port}`, {
        auth: set.cluster.auth,
        neo4jDriverOptions: trusting(own.file)
      })
      assert.equal(value(await query(driver, 'RETURN 1')), 1)
    })
  })
