// Encrypted connections: who is trusted, who is refused, and what is said then.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after } from 'node:test'
import { authority } from '../support/certificates.mjs'
import { boltServer, column, failing, Neo4jHA, program, ready, test } from '../support/contract.mjs'
import { bolt } from '../support/scripted-server.mjs'

const ca = authority()
const stranger = authority()
after(() => {
  ca.remove()
  stranger.remove()
})

const names = ['DNS:localhost', 'IP:127.0.0.1']
const quick = { maxTransactionRetryTime: 0 }
const trusting = file => ({
  encrypted: 'ENCRYPTION_ON',
  trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
  trustedCertificates: [file],
  ...quick
})

const server = (t, options = {}) =>
  boltServer(t, { versions: bolt.neo4j526, tls: ca.issue(options.names ?? names), ...options })

const uri = (one, scheme = 'bolt') => one.uri.replace('bolt:', `${scheme}:`)

const ask = async (t, url, neo4jDriverOptions) => {
  const driver = await ready(t, url, { neo4jDriverOptions })
  return column(await driver.session(true).run('RETURN 1'))
}

test('a custom authority is trusted: encrypted, trust and trustedCertificates', async t => {
  for (const versions of [bolt.neo4j34, bolt.neo4j35, bolt.neo4j526]) {
    const one = await server(t, { versions })
    assert.deepEqual(await ask(t, one.uri, trusting(ca.file)), [1])
    assert.deepEqual(await ask(t, one.uri.replace('127.0.0.1', 'localhost'), trusting(ca.file)), [1])
  }
})

test('the driver namespace takes the same', async t => {
  const one = await server(t)
  const driver = Neo4jHA.driver.driver(one.uri, undefined, trusting(ca.file))
  t.after(() => driver.close())
  assert.deepEqual(column(await driver.session().run('RETURN 1')), [1])
})

test('trusted certificates are the certificates of files, read when the driver is made', async t => {
  const one = await server(t)
  const error = await failing((async () => ask(t, one.uri, trusting('/no/such/file.pem')))())
  assert.match(error.message, /\/no\/such\/file\.pem/)
})

test('a server that the custom authority does not vouch for is refused', async t => {
  const one = await server(t)
  const error = await failing(ask(t, one.uri, trusting(stranger.file)))
  const says = /127\.0\.0\.1:\d+ .*certificate is not trusted .*trustedCertificates.*\+ssc/
  assert.match(error.message, says)
  assert.equal(one.handshakes.length, 0)
})

test('bolt+ssc trusts any certificate', async t => {
  const one = await server(t)
  assert.deepEqual(await ask(t, uri(one, 'bolt+ssc'), quick), [1])
})

test('encrypted with TRUST_ALL_CERTIFICATES trusts any certificate, of any host', async t => {
  const one = await server(t, { names: ['DNS:elsewhere.test'] })
  assert.deepEqual(
    await ask(t, one.uri, { encrypted: 'ENCRYPTION_ON', trust: 'TRUST_ALL_CERTIFICATES', ...quick }),
    [1]
  )
})

test('bolt+s refuses a certificate that the system does not trust', async t => {
  const one = await server(t)
  const error = await failing(ask(t, uri(one, 'bolt+s'), quick))
  assert.match(error.message, /certificate|issuer|trust/i)
  assert.equal(one.handshakes.length, 0)
})

for (const variable of ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS']) {
  test(`bolt+s trusts what the system trusts: an authority of ${variable}`, async t => {
    const one = await server(t)
    const { stdout, stderr } = await program(
      `import Neo4jHA from 'neo4j-ha-bolt-driver'
      const driver = new Neo4jHA(input.uri, { neo4jDriverOptions: { maxTransactionRetryTime: 0 } })
      const result = await driver.session(true).run('RETURN 1')
      console.log(result.records.length)
      await driver.close()`,
      { input: { uri: uri(one, 'bolt+s') }, env: { [variable]: ca.file } }
    )
    assert.equal(stderr, '')
    assert.equal(stdout.trim(), '1')
  })
}

// A pipe can be read once, and whoever reads it waits until something is written. Elsewhere the system keeps its store itself.
test('the store of the system is read once for all drivers, and construction does not wait for it', async t => {
  if (process.platform !== 'linux') return t.skip('the store is no file here')
  const one = await server(t)
  const pipe = join(ca.folder, 'store')
  execFileSync('mkfifo', [pipe])
  const { stdout, stderr } = await program(
    `import { writeFileSync } from 'node:fs'
      import Neo4jHA from 'neo4j-ha-bolt-driver'
      const open = () => new Neo4jHA(input.uri, { neo4jDriverOptions: { maxTransactionRetryTime: 0 } })
      const drivers = [open(), open()]
      console.log('made')
      writeFileSync(input.pipe, input.pem)
      drivers.push(open())
      for (const driver of drivers) {
        const result = await driver.session(true).run('RETURN 1')
        console.log(result.records.length)
      }
      process.exit()`,
    {
      input: { uri: uri(one, 'bolt+s'), pipe, pem: ca.pem },
      env: { SSL_CERT_FILE: pipe, SSL_CERT_DIR: join(ca.folder, 'none'), NODE_EXTRA_CA_CERTS: '' }
    }
  )
  assert.equal(stderr, '')
  assert.equal(stdout, 'made\n1\n1\n1\n')
})

test('a certificate of another host is refused', async t => {
  const one = await server(t, { names: ['DNS:elsewhere.test'] })
  const error = await failing(ask(t, one.uri, trusting(ca.file)))
  assert.match(
    error.message,
    /127\.0\.0\.1:\d+ .*certificate is not valid for the name 127\.0\.0\.1 .*elsewhere\.test/
  )
  assert.equal(one.handshakes.length, 0)
})

test("a server's own certificate among the trusted ones is trusted, but for its own name only", async t => {
  const own = ca.selfSigned(names)
  const one = await server(t, { tls: own })
  assert.deepEqual(await ask(t, one.uri, trusting(own.certFile)), [1])
  const other = ca.selfSigned(['DNS:elsewhere.test'])
  const two = await server(t, { tls: other })
  const error = await failing(ask(t, two.uri, trusting(other.certFile)))
  assert.match(error.message, /not valid for the name 127\.0\.0\.1/)
  assert.equal(two.handshakes.length, 0)
})

test('a certificate that has expired is refused', async t => {
  const one = await boltServer(t, { versions: bolt.neo4j526, tls: ca.issueExpired(names) })
  const { message } = await failing(ask(t, one.uri, trusting(ca.file)))
  assert.match(message, /127\.0\.0\.1:\d+ .*certificate has expired .*renewed/)
})

test('a server that asks for a client certificate and gets none: the error names the option', async t => {
  const tls = { ...ca.issue(names), requestCert: true, rejectUnauthorized: true, ca: ca.pem }
  const one = await boltServer(t, { versions: bolt.neo4j526, tls })
  const error = await failing(ask(t, uri(one, 'bolt+ssc'), quick))
  assert.match(error.message, /client's certificate.*clientCertificate/)
  assert.equal(one.handshakes.length, 0)
})

test('plain talk to a TLS port is an error that says so', async t => {
  const one = await server(t)
  const error = await failing(ask(t, one.uri, quick))
  assert.match(error.message, /TLS|encrypt/i)
})

test('TLS to a plain port is an error that says so', async t => {
  const one = await boltServer(t, { versions: bolt.neo4j526 })
  const error = await failing(ask(t, uri(one, 'bolt+ssc'), { ...quick, connectionTimeout: 2000 }))
  assert.match(error.message, /TLS|encrypt/i)
})

test('encryption in both the URI and the options is an error at construction', async t => {
  const one = await server(t)
  assert.throws(
    () => new Neo4jHA(uri(one, 'bolt+s'), { neo4jDriverOptions: { encrypted: 'ENCRYPTION_ON' } }).close(),
    /encrypt/i
  )
})
