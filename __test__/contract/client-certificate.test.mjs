// Mutual TLS: the certificate that the driver shows to servers that ask for one.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { after } from 'node:test'
import { inspect } from 'node:util'
import { authority } from '../support/certificates.mjs'
import {
  ask,
  boltServer,
  cluster,
  column,
  connect,
  failing,
  Neo4jHA,
  ready,
  routing,
  settle,
  test,
  warnings
} from '../support/contract.mjs'
import { rows } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

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
  ['is a folder', { certfile: import.meta.dirname, keyfile: import.meta.dirname }],
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
    assert.ok(error.message.includes(`the certificate in '${files.certfile}' cannot be read`), error.message)
  })
}

for (const clientCertificate of [
  { certfile: [], keyfile: [] },
  7,
  'client.pem',
  {},
  { certfile: 'a' },
  { certfile: 1, keyfile: 2 }
]) {
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
      /within 300 ms \(connectionTimeout\): the client certificate provider gave no certificate\. The server was not contacted/
    )
    assert.equal(one.connections.total, 0)
  })
}

for (const [when, hangsAt] of [
  ['the first time', 1],
  ['at an update', 2]
]) {
  test(`a provider that hangs ${when} is asked again by the next connection`, async t => {
    const one = await server(t)
    const { files, fingerprint } = client()
    let asked = 0
    const clientCertificate = {
      hasUpdate: () => asked < 2,
      getClientCertificate: () => {
        asked++
        return asked === hangsAt ? new Promise(() => {}) : files
      }
    }
    const config = { clientCertificate, ...quick, connectionTimeout: 300 }
    const driver = connect(t, secure(one), undefined, config)
    for (let n = 1; n < hangsAt; n++) {
      await ask(driver)
      await one.kick()
      await until(() => one.connections.open === 0)
    }
    assert.match((await within(failing(ask(driver)), 5000, 'the error')).message, /gave no certificate/)
    assert.deepEqual(column(await within(ask(driver), 5000, 'the next')), [1])
    assert.equal(shown(one).at(-1), fingerprint)
    assert.equal(asked, hangsAt + 1)
  })
}

/** A provider of these files that can be made to hang. */
const hanging = files => {
  const provider = {
    asked: 0,
    hangs: true,
    hasUpdate: () => true,
    getClientCertificate: () => {
      provider.asked++
      return provider.hangs ? new Promise(() => {}) : files
    }
  }
  return provider
}

test('a provider that hangs is no sign of its servers: none is looked at, or left alone, for that', async t => {
  const warned = warnings(t)
  const group = await cluster(t, { roles: ['master', 'slave'], versions: ['5.4'], tls: demanding() })
  const clientCertificate = hanging(client().files)
  const driver = await ready(
    t,
    group.members.map(one => [one.url, secure(one)]),
    { checkInterval: 3_600_000, neo4jDriverOptions: { clientCertificate, connectionTimeout: 30 } }
  )
  const asked = group.members.map(({ checks }) => checks.length)
  for (let n = 0; n < 12; n++) {
    const error = await within(failing(driver.session(n % 2 === 0).run('RETURN 1')), 5000, 'the error')
    assert.match(error.message, /gave no certificate\. The server was not contacted/)
    assert.equal(error.retryable, false)
  }
  assert.deepEqual(
    driver.servers.map(({ info }) => info.status),
    [1, 1]
  )
  assert.deepEqual(
    group.members.map(({ checks }) => checks.length),
    asked
  )
  clientCertificate.hangs = false
  for (let n = 0; n < 40; n++) await driver.session(false).run('RETURN 2')
  assert.deepEqual(new Set(group.served(/RETURN 2/)), new Set([0, 1]))
  assert.deepEqual(
    warned.filter(text => text.includes('left alone')),
    []
  )
})

test('a server that is checked by Bolt alone stays what it was while a provider hangs', async t => {
  const one = await server(t)
  const clientCertificate = hanging(client().files)
  clientCertificate.hangs = false
  const driver = await ready(t, [[null, secure(one)]], {
    checkInterval: 10,
    checkTimeout: 30,
    unresponsiveTimeout: 60,
    neo4jDriverOptions: { clientCertificate }
  })
  one.on(/LONG/, rows([7]))
  let answer
  one.when('PULL', x => new Promise(resolve => (answer = () => resolve(x.reply())))).query(/LONG/)
  const work = driver.session().run('LONG')
  await until(() => answer !== undefined)
  clientCertificate.hangs = true
  const { asked } = clientCertificate
  one.when('RESET', x => x.reset())
  await until(() => clientCertificate.asked > asked + 5, { what: 'checks that need another connection' })
  assert.equal(driver.servers[0].info.status, 1)
  answer()
  assert.deepEqual(column(await work), [7])
})

test('an abort of who waits for the provider is no reason to ask it anew', async t => {
  const one = await server(t)
  const { files } = client()
  let asked = 0
  let give
  const clientCertificate = {
    hasUpdate: () => false,
    getClientCertificate: () => {
      asked++
      return new Promise(resolve => (give = () => resolve(files)))
    }
  }
  const driver = connect(t, secure(one), undefined, { clientCertificate })
  const aborting = new AbortController()
  const aborted = failing(driver.session().run('RETURN 1', {}, { signal: aborting.signal }))
  await until(() => asked === 1)
  aborting.abort()
  await aborted
  const work = ask(driver)
  await settle(driver.session().run('RETURN 1', {}, { signal: AbortSignal.timeout(20) }))
  assert.equal(asked, 1)
  give()
  assert.deepEqual(column(await work), [1])
  assert.equal(asked, 1)
})

test('connections that are opened at once share what the provider gives', async t => {
  const one = await server(t)
  const { files } = client()
  let asked = 0
  const clientCertificate = {
    hasUpdate: () => false,
    getClientCertificate: async () => {
      asked++
      return files
    }
  }
  const driver = connect(t, secure(one), undefined, { clientCertificate })
  await Promise.all(Array.from({ length: 5 }, () => ask(driver)))
  assert.equal(asked, 1)
})

test('password: null is no password: beside the files, with the key, and of a provider', async t => {
  const one = await server(t)
  const { files, fingerprint } = client()
  const { certfile, keyfile } = files
  for (const certificate of [
    { ...files, password: null },
    { certfile, keyfile: { path: keyfile, password: null } }
  ]) {
    const provider = { hasUpdate: () => false, getClientCertificate: () => certificate }
    for (const clientCertificate of [certificate, provider]) {
      await ask(connect(t, secure(one), undefined, { clientCertificate }))
      assert.equal(shown(one).at(-1), fingerprint)
    }
  }
})

for (const [given, shape] of [
  [undefined, 'undefined'],
  [null, 'null'],
  [5, 'number'],
  ['sEcReT', 'string'],
  [{}, '{}'],
  [{ certfile: 5, keyfile: 'sEcReT' }, '{certfile: number, keyfile: string}'],
  [{ certfile: 'a', keyfile: null }, '{certfile: string, keyfile: null}'],
  [{ certfile: 'a', keyfile: { path: 5 } }, '{certfile: string, keyfile: {path: number}}'],
  [{ certfile: [], keyfile: [] }, '{certfile: [], keyfile: []}'],
  [{ certfile: ['a', 7], keyfile: 'b' }, '{certfile: [string, number], keyfile: string}'],
  [{ certfile: '', keyfile: '' }, "{certfile: '', keyfile: ''}"],
  [
    { certfile: 'a', keyfile: 'b', password: ['sEcReT'] },
    '{certfile: string, keyfile: string, password: [string]}'
  ]
]) {
  test(`a provider that returns ${shape} is told what it has to return`, async t => {
    const one = await server(t)
    const clientCertificate = { hasUpdate: () => false, getClientCertificate: () => given }
    const error = await failing(ask(connect(t, secure(one), undefined, { clientCertificate, ...quick })))
    assert.ok(
      error.message.includes(
        `getClientCertificate must return {certfile, keyfile, password}; it returned ${shape}`
      ),
      error.message
    )
    assert.ok(!inspect(error).includes('sEcReT'))
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
