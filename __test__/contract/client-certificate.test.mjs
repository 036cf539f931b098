// Mutual TLS: the certificate that the driver shows to servers that ask for one.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { after } from 'node:test'
import { authority } from '../support/certificates.mjs'
import {
  ask,
  boltServer,
  column,
  connect,
  failing,
  Neo4jHA,
  routing,
  settle,
  test
} from '../support/contract.mjs'
import { within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver
const ca = authority()
after(() => ca.remove())
const quick = { maxTransactionRetryTime: 0 }

/** What a server needs that lets in only clients of the authority. */
const demanding = () => ({
  ...ca.issue(['DNS:localhost', 'IP:127.0.0.1']),
  requestCert: true,
  rejectUnauthorized: true,
  ca: ca.pem
})
const server = t => boltServer(t, { versions: ['5.4'], tls: demanding() })
const secure = one => one.uri.replace(/^(bolt|neo4j):/, '$1+ssc:')

const client = () => {
  const { cert, certFile: certfile, keyFile: keyfile } = ca.issueClient()
  return { fingerprint: new X509Certificate(cert).fingerprint256, files: { certfile, keyfile } }
}
const shown = one => one.clients.map(({ fingerprint256 }) => fingerprint256)

/** The same key, behind a password. */
const locked = (keyfile, password) => {
  const out = join(ca.folder, `locked-${password}.key`)
  const args = [
    'pkcs8',
    '-topk8',
    '-in',
    keyfile,
    '-out',
    out,
    '-passout',
    `pass:${password}`,
    '-v2',
    'aes-256-cbc'
  ]
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  return out
}

test('without a client certificate such a server refuses, and gets no word', async t => {
  const one = await server(t)
  const error = await failing(ask(connect(t, secure(one), undefined, quick)))
  assert.ok(error.code)
  assert.equal(one.messages.length, 0)
})

test('clientCertificate {certfile, keyfile} is shown', async t => {
  const one = await server(t)
  const { files, fingerprint } = client()
  const driver = connect(t, secure(one), undefined, { clientCertificate: files })
  assert.deepEqual(column(await ask(driver)), [1])
  assert.deepEqual(shown(one), [fingerprint])
})

test('with encrypted and trust in the config as well', async t => {
  const one = await server(t)
  const { files, fingerprint } = client()
  const driver = connect(t, one.uri, undefined, {
    encrypted: 'ENCRYPTION_ON',
    trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
    trustedCertificates: [ca.file],
    clientCertificate: files
  })
  assert.deepEqual(column(await ask(driver)), [1])
  assert.deepEqual(shown(one), [fingerprint])
})

for (const [where, certificate] of [
  ['beside the files', (files, keyfile, password) => ({ ...files, keyfile, password })],
  ['with the key', (files, path, password) => ({ ...files, keyfile: { path, password } })]
]) {
  test(`the key may be behind a password: ${where}`, async t => {
    const one = await server(t)
    const { files, fingerprint } = client()
    const keyfile = locked(files.keyfile, 'opensesame')
    const clientCertificate = certificate(files, keyfile, 'opensesame')
    assert.deepEqual(column(await ask(connect(t, secure(one), undefined, { clientCertificate }))), [1])
    assert.deepEqual(shown(one), [fingerprint])
  })
}

test('a wrong password of the key is an error that does not show it', async t => {
  const one = await server(t)
  const { files } = client()
  const keyfile = locked(files.keyfile, 'right')
  const clientCertificate = { ...files, keyfile, password: 'sEcReT-wrong' }
  const error = await failing(
    (async () => ask(connect(t, secure(one), undefined, { clientCertificate, ...quick })))()
  )
  assert.ok(!`${error.message}${error.stack}`.includes('sEcReT-wrong'))
  assert.equal(one.messages.length, 0)
})

for (const [what, files] of [
  ['there is not', { certfile: '/no/such/client.pem', keyfile: '/no/such/client.key' }],
  ['holds no certificate', { certfile: import.meta.filename, keyfile: import.meta.filename }]
]) {
  test(`a file that ${what} is an error that names it`, async t => {
    const one = await server(t)
    const error = await within(
      failing(
        (async () => ask(connect(t, secure(one), undefined, { clientCertificate: files, ...quick })))()
      ),
      5000,
      'the error'
    )
    assert.match(error.message, /client\.pem|client\.key|client-certificate|certificate|PEM/i)
  })
}

for (const clientCertificate of [7, 'client.pem', {}, { certfile: 'a' }, { certfile: 1, keyfile: 2 }]) {
  test(`clientCertificate ${JSON.stringify(clientCertificate)} is refused when the driver is made`, () => {
    assert.throws(
      () => neo4j.driver('bolt+ssc://127.0.0.1', undefined, { clientCertificate }),
      /client ?certificate/i
    )
  })
}

test('a provider is asked before the first connection, and again only when it has an update', async t => {
  const one = await server(t)
  const [before, later] = [client(), client()]
  const asked = { hasUpdate: 0, get: 0 }
  let current = before
  let update = false
  const clientCertificate = {
    hasUpdate() {
      asked.hasUpdate++
      return update
    },
    async getClientCertificate() {
      asked.get++
      update = false
      return current.files
    }
  }
  const driver = connect(t, secure(one), undefined, { clientCertificate, maxConnectionLifetime: 1 })
  const pause = () => new Promise(resolve => setTimeout(resolve, 5))
  await ask(driver)
  await pause()
  await ask(driver)
  assert.equal(asked.get, 1)
  current = later
  update = true
  await pause()
  await ask(driver)
  assert.equal(asked.get, 2)
  assert.deepEqual(shown(one), [before.fingerprint, before.fingerprint, later.fingerprint])
})

test('clientCertificateProviders.rotating: new connections show the new certificate', async t => {
  const one = await server(t)
  const [before, later] = [client(), client()]
  const clientCertificate = neo4j.clientCertificateProviders.rotating({ initialCertificate: before.files })
  const driver = connect(t, secure(one), undefined, { clientCertificate })
  await ask(driver)
  clientCertificate.updateCertificate(later.files)
  await ask(driver)
  assert.deepEqual(shown(one), [before.fingerprint])
  await one.kick()
  await settle(ask(driver))
  await ask(driver)
  assert.equal(shown(one).at(-1), later.fingerprint)
})

test('a provider that fails is the error of the work, and hangs nothing', async t => {
  const one = await server(t)
  const clientCertificate = {
    hasUpdate: () => false,
    getClientCertificate: async () => {
      throw new Error('the vault is shut')
    }
  }
  const driver = connect(t, secure(one), undefined, { clientCertificate, ...quick })
  assert.match((await within(failing(ask(driver)), 5000, 'the error')).message, /the vault is shut/)
})

for (const [call, work] of [
  ['getNegotiatedProtocolVersion', driver => driver.getNegotiatedProtocolVersion()],
  ['getServerInfo', driver => driver.getServerInfo()],
  ['a query', driver => ask(driver)]
]) {
  test(`a provider that never answers ends with connectionTimeout: ${call}`, async t => {
    const one = await server(t)
    const clientCertificate = { hasUpdate: () => false, getClientCertificate: () => new Promise(() => {}) }
    const driver = connect(t, secure(one), undefined, { clientCertificate, ...quick, connectionTimeout: 300 })
    const error = await within(failing(work(driver)), 5000, call)
    assert.match(
      error.message,
      /within 300 ms \(connectionTimeout\): the client certificate provider gave no/
    )
    assert.equal(one.connections.total, 0)
  })
}

test('neo4j+ssc://: every member is shown it', async t => {
  const cluster = await routing(t, { versions: ['5.4'], cores: 2, each: () => ({ tls: demanding() }) })
  const { files, fingerprint } = client()
  const driver = connect(t, cluster.uri.replace('neo4j:', 'neo4j+ssc:'), undefined, {
    clientCertificate: files
  })
  await ask(driver, 'RETURN 1', { defaultAccessMode: 'READ', database: 'neo4j' })
  for (const one of cluster.members) assert.deepEqual(shown(one), [fingerprint])
})

test('it is shown to no server that does not ask', async t => {
  const one = await boltServer(t, { versions: ['5.4'], tls: ca.issue(['IP:127.0.0.1']) })
  const driver = connect(t, secure(one), undefined, { clientCertificate: client().files })
  assert.deepEqual(column(await ask(driver)), [1])
  assert.deepEqual(shown(one), [])
})
