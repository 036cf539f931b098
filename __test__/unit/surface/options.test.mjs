// Options: what reaches the native side, and what is refused by name.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import official from 'neo4j-driver'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { install } from './fake-native.mjs'

const neo4j = Neo4jHA.driver
const pair = ['http://a:7474', 'bolt://a:7687']
const freeze = value => {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
  return value
}

function configOf(t, servers, options) {
  const fake = install(t)
  new Neo4jHA(servers, options)
  return fake.driver.config
}

const driverConfigOf = (t, config, uri = 'bolt://a') => {
  const fake = install(t)
  neo4j.driver(uri, undefined, config)
  return fake.driver.config
}

test('the defaults', t => {
  const extra = process.env.NODE_EXTRA_CA_CERTS
  delete process.env.NODE_EXTRA_CA_CERTS
  t.after(() => {
    if (extra !== undefined) process.env.NODE_EXTRA_CA_CERTS = extra
  })
  const { userAgent, boltAgent, ...config } = configOf(t, [pair])
  assert.match(userAgent, /^neo4j-ha-bolt-driver\/\d+\.\d+\.\d+/)
  assert.equal(boltAgent.product, userAgent)
  assert.match(boltAgent.language, /^Node\.js\//)
  assert.deepEqual(config, {
    servers: [{ http: { url: 'http://a:7474' }, bolt: 'bolt://a:7687', auth: { scheme: 'none' } }],
    mode: 'ha',
    strategy: 0,
    nearestWindow: 0,
    zone: null,
    rwMask: 7,
    discover: false,
    addresses: [],
    maxLag: null,
    hedge: null,
    checkInterval: 500,
    alarmInterval: 10,
    checkTimeout: 1500,
    unresponsiveTimeout: 4000,
    retryOnError: 10,
    badConnectionsCountAsErrors: false,
    retryUnknownOutcome: false,
    maxConnectionPoolSize: 100,
    maxConnectionLifetime: 3600000,
    connectionAcquisitionTimeout: 60000,
    connectionLivenessCheckTimeout: null,
    connectionLossTimeout: 15000,
    connectionTimeout: 30000,
    limits: { message: 134217727, metadata: 2097152, depth: 4096, columns: 262144 },
    maxTransactionRetryTime: 30000,
    fetchSize: 1000,
    encrypted: false,
    trust: 'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES',
    trustedCertificates: [],
    clientCertificate: false,
    extraCertificates: [],
    notificationFilter: null,
    disableAutoCommitRetries: false,
    telemetryDisabled: false,
    logLevel: 'none'
  })
  assert.equal(driverConfigOf(t).mode, 'direct')
})

test('options are never written into, and may be frozen', t => {
  const servers = freeze([pair, { url: 'http://b', bolt: 'bolt://b', auth: { user: 'b', pass: 'x' } }])
  const options = freeze({
    auth: { user: 'a', pass: 'y' },
    rwConfig: Neo4jHA.HAReadWrite.all,
    neo4jDriverOptions: { fetchSize: 7 }
  })
  const { servers: made, rwMask, fetchSize } = configOf(t, servers, options)
  assert.deepEqual(
    made.map(({ auth }) => auth),
    [
      { scheme: 'basic', principal: 'a', credentials: 'y' },
      { scheme: 'basic', principal: 'b', credentials: 'x' }
    ]
  )
  assert.deepEqual([rwMask, fetchSize], [15, 7])
})

test('every location without an auth of its own takes that of the options', t => {
  const { servers } = configOf(t, [pair, { url: 'http://b', bolt: 'bolt://b' }, 'bolt://c'], {
    auth: neo4j.auth.basic('u', 'p', 'realm')
  })
  for (const { auth } of servers) {
    assert.deepEqual(auth, { scheme: 'basic', principal: 'u', credentials: 'p', realm: 'realm' })
  }
})

test('what is not given is as in neo4j-driver', t => {
  const theirs = official.driver('bolt://a')._config
  const own = driverConfigOf(t, undefined)
  for (const name of [
    'connectionAcquisitionTimeout',
    'connectionTimeout',
    'fetchSize',
    'maxConnectionLifetime',
    'maxConnectionPoolSize'
  ]) {
    assert.equal(own[name], theirs[name], name)
  }
  assert.equal(own.connectionLivenessCheckTimeout ?? undefined, theirs.connectionLivenessCheckTimeout)
})

test('numbers are taken as neo4j-driver takes them: as text, as Integers, and negative ones for no limit', t => {
  for (const config of [
    { fetchSize: '5', maxConnectionPoolSize: '7', connectionAcquisitionTimeout: '50000' },
    { fetchSize: neo4j.int(5), maxConnectionPoolSize: neo4j.int(7) },
    { fetchSize: -1, maxConnectionLifetime: 0, connectionLivenessCheckTimeout: 0 }
  ]) {
    const theirs = official.driver('bolt://a', undefined, { ...config })._config
    const own = driverConfigOf(t, config)
    for (const name of Object.keys(config)) assert.equal(own[name], theirs[name], name)
  }
})

test('servers in all their forms', t => {
  const read = servers => configOf(t, servers).servers.map(({ http, bolt }) => [http?.url ?? null, bolt])
  assert.deepEqual(read('bolt://a'), [[null, 'bolt://a']])
  assert.deepEqual(read(['neo4j+s://a:1', 'neo4j+s://[::1]']), [
    [null, 'neo4j+s://a:1'],
    [null, 'neo4j+s://[::1]']
  ])
  assert.deepEqual(read([{ bolt: 'bolt://a' }, ['https://a/b/', 'bolt://a']]), [
    [null, 'bolt://a'],
    ['https://a/b', 'bolt://a']
  ])
})

test('user and password of a status URL cross beside it, decoded', t => {
  const read = url => configOf(t, [[url, 'bolt://a']]).servers[0].http
  const basic = (principal, credentials) => ({ scheme: 'basic', principal, credentials })
  assert.deepEqual(read('http://u:p%40%C3%A9%2F@a:1/b/'), { url: 'http://a:1/b', auth: basic('u', 'p@é/') })
  assert.deepEqual(read('http://u@a'), { url: 'http://a', auth: basic('u', '') })
  assert.deepEqual(read('http://:p%zz@a'), { url: 'http://a', auth: basic('', 'p%zz') })
})

for (const [what, servers, message] of [
  ['nothing', undefined, /servers takes a Bolt URI, or an array/],
  ['an empty array', [], /servers takes a Bolt URI, or an array/],
  ['one pair where a list of pairs is meant', pair, /put it in an array/],
  ['an HTTP URL alone', ['http://a'], /servers\[0\] is an HTTP URL alone/],
  ['a number', [5], /servers\[0\] takes \[httpUrl, boltUrl\]/],
  ['three', [['a', 'b', 'c']], /servers\[0\] takes \[httpUrl, boltUrl\]/],
  ['no HTTP URL', [['a', 'bolt://a']], /servers\[0\]\[0\] takes an HTTP URL/],
  ['the ports mixed up', [['http://a', 'http://b']], /Unknown scheme: http.*Bolt is 7687/],
  ['a scheme of none', [['http://a', 'ftp://b']], /Unknown scheme: ftp/],
  ['no scheme', ['host:7687'], /Unknown scheme: none/],
  ['no host', ['bolt://'], /servers\[0\]/],
  ['a query on bolt', ['bolt://a?x=1'], /Parameters are not supported with none routed scheme/],
  ['no bolt', [{ url: 'http://a' }], /servers\[0\]\.bolt takes a Bolt URI/]
]) {
  test(`servers: ${what} is refused`, t => {
    install(t)
    assert.throws(() => new Neo4jHA(servers, {}), { name: 'TypeError', message })
  })
}

for (const [options, message] of [
  [5, /options takes an object/],
  [{ auth: 'neo4j' }, /auth takes \{user, pass\}/],
  [{ auth: { user: 'a' } }, /auth\.pass takes a string/],
  [{ auth: { name: 'a', password: 'b' } }, /auth takes \{user, pass\}.*name, password/],
  [{ strategy: 3 }, /strategy takes HAStrategies/],
  [{ strategy: 'nearest' }, /strategy takes HAStrategies/],
  [{ rwConfig: { master: true } }, /rwConfig takes one of HAReadWrite/],
  [{ checkInterval: 'soon' }, /checkInterval takes a number of milliseconds/],
  [{ checkInterval: -1 }, /checkInterval takes a number of milliseconds/],
  [{ retryOnError: -1 }, /retryOnError takes a number of attempts/],
  [{ badConnectionsCountAsErrors: 1 }, /badConnectionsCountAsErrors takes true or false/],
  [{ neo4jDriverOptions: [] }, /neo4jDriverOptions takes an object/]
]) {
  test(`options: ${message.source}`, t => {
    install(t)
    assert.throws(() => new Neo4jHA([pair], options), { message })
  })
}

test('readyCallback takes a function', t => {
  install(t)
  assert.throws(() => new Neo4jHA([pair], {}, 5), /readyCallback takes a function/)
})

for (const [config, message] of [
  [{ encrypted: 'yes' }, /config\.encrypted takes true, false/],
  [{ trust: 'me' }, /config\.trust takes one of/],
  [{ trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES' }, /config\.trustedCertificates takes at least one path/],
  [{ trustedCertificates: 'a.pem' }, /config\.trustedCertificates takes an array/],
  [
    { trustedCertificates: ['/no/such.pem'] },
    /config\.trustedCertificates\[0\].*'\/no\/such\.pem' cannot be read/
  ],
  [{ fetchSize: 0 }, /fetch size can only be a positive value or -1/],
  [{ fetchSize: 'all' }, /fetch size can only be/],
  [{ maxConnectionPoolSize: 'many' }, /config\.maxConnectionPoolSize takes a number/],
  [{ connectionLivenessCheckTimeout: -1 }, /config\.connectionLivenessCheckTimeout takes a number/],
  [{ maxTransactionRetryTime: -1 }, /config\.maxTransactionRetryTime takes a number/],
  [{ userAgent: 5 }, /config\.userAgent takes a string/],
  [{ useBigInt: 'yes' }, /config\.useBigInt takes true or false/],
  [{ resolver: 'dns' }, /resolver should be a function/],
  [{ logging: { level: 'loud', logger() {} } }, /Illegal logging level: loud/],
  [{ logging: {} }, /Illegal logger function/],
  [{ clientCertificate: {} }, /config\.clientCertificate takes a client certificate/],
  [
    { notificationFilter: { disabledCategories: [], disabledClassifications: [] } },
    /can't have both "disabledCategories" and "disabledClassifications"/
  ],
  [{ notificationFilter: 'OFF' }, /config\.notificationFilter takes an object/],
  [
    { notificationFilter: { minimumSeverityLevel: 'LOUD' } },
    /config\.notificationFilter\.minimumSeverityLevel takes one of OFF, WARNING, INFORMATION; it was 'LOUD'/
  ],
  [
    { notificationFilter: { minimumSeverityLevel: 5 } },
    /config\.notificationFilter\.minimumSeverityLevel takes one of/
  ],
  [
    { notificationFilter: { disabledCategories: 'HINT' } },
    /config\.notificationFilter\.disabledCategories takes an array of strings; it was 'HINT'/
  ],
  [
    { notificationFilter: { disabledClassifications: ['HINT', 5] } },
    /config\.notificationFilter\.disabledClassifications takes an array of strings; it was 5 at \[1\]/
  ]
]) {
  test(`config: ${message.source}`, t => {
    install(t)
    assert.throws(() => neo4j.driver('bolt://a', undefined, config), { message })
  })
}

test('encryption is said by the URI or by the options, not by both', t => {
  install(t)
  assert.throws(
    () => neo4j.driver('bolt+s://a', undefined, { encrypted: true }),
    /either through URL or config, not both/
  )
  assert.equal(neo4j.driver('bolt+ssc://a').isEncrypted(), true)
  assert.equal(neo4j.driver('bolt://a', undefined, { encrypted: 'ENCRYPTION_ON' }).isEncrypted(), true)
  assert.equal(neo4j.driver('bolt://a', undefined, { encrypted: 'ENCRYPTION_OFF' }).isEncrypted(), false)
})

test('names and values of 1.x', t => {
  assert.equal(driverConfigOf(t, { connectionPoolSize: 5 }).maxConnectionPoolSize, 5)
  assert.equal(
    driverConfigOf(t, { connectionPoolSize: 5, maxConnectionPoolSize: 6 }).maxConnectionPoolSize,
    6
  )
  assert.equal(driverConfigOf(t, { encrypted: 'ENCRYPTION_NON_LOCAL' }, 'bolt://localhost').encrypted, false)
  assert.equal(driverConfigOf(t, { encrypted: 'ENCRYPTION_NON_LOCAL' }, 'bolt://a').encrypted, true)
  const warning = t.mock.method(process, 'emitWarning', () => {})
  assert.equal(driverConfigOf(t, { trust: 'TRUST_ON_FIRST_USE' }).trust, 'TRUST_ALL_CERTIFICATES')
  assert.match(warning.mock.calls[0].arguments[0], /TRUST_ON_FIRST_USE is no longer there/)
  const pem = '-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----'
  const { trust, trustedCertificates } = driverConfigOf(t, {
    trust: 'TRUST_SIGNED_CERTIFICATES',
    trustedCertificates: [pem]
  })
  assert.deepEqual([trust, trustedCertificates], ['TRUST_CUSTOM_CA_SIGNED_CERTIFICATES', [pem]])
})

test('certificates are read from their files', t => {
  const folder = mkdtempSync(join(tmpdir(), 'options-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'ca.pem')
  writeFileSync(file, 'a certificate')
  const { trustedCertificates } = driverConfigOf(t, {
    trust: 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
    trustedCertificates: [file]
  })
  assert.deepEqual(trustedCertificates, ['a certificate'])
  process.env.NODE_EXTRA_CA_CERTS = file
  t.after(() => delete process.env.NODE_EXTRA_CA_CERTS)
  assert.deepEqual(driverConfigOf(t).extraCertificates, ['a certificate'])
})

test('numbers as neo4j-driver takes them: text of digits, Integers, negative for no limit', t => {
  const config = driverConfigOf(t, {
    maxConnectionPoolSize: -1,
    connectionTimeout: -5,
    connectionAcquisitionTimeout: '70000',
    maxConnectionLifetime: neo4j.int(5),
    connectionLivenessCheckTimeout: 0,
    fetchSize: -1
  })
  assert.deepEqual(
    [
      config.maxConnectionPoolSize,
      config.connectionTimeout,
      config.connectionAcquisitionTimeout,
      config.maxConnectionLifetime,
      config.connectionLivenessCheckTimeout,
      config.fetchSize
    ],
    [0xffffffff, 0, 70000, 5, 0, -1]
  )
})

test('a notification filter of a session is checked as that of the driver', t => {
  install(t)
  const driver = neo4j.driver('bolt://a')
  assert.throws(() => driver.session({ notificationFilter: { minimumSeverityLevel: 'LOUD' } }), {
    name: 'TypeError',
    message: /notificationFilter\.minimumSeverityLevel takes one of/
  })
  const warning = t.mock.method(process, 'emitWarning', () => {})
  driver.session({ notificationFilter: { minimumSeverity: 'OFF' } })
  assert.match(warning.mock.calls[0].arguments[0], /notificationFilter\.minimumSeverity is not an option/)
})

for (const huge of [2 ** 53, 1e300, Number.MAX_VALUE, Number.POSITIVE_INFINITY, 2n ** 63n]) {
  test(`${huge} of any option that counts is as much or as long as can be`, t => {
    const config = driverConfigOf(t, {
      maxTransactionRetryTime: huge,
      connectionLivenessCheckTimeout: huge,
      maxConnectionLifetime: huge,
      connectionAcquisitionTimeout: huge,
      connectionTimeout: huge,
      connectionLossTimeout: huge,
      maxConnectionPoolSize: huge,
      fetchSize: huge
    })
    const { checkInterval, checkTimeout, unresponsiveTimeout, retryOnError } = configOf(t, ['bolt://a'], {
      checkInterval: huge,
      checkTimeout: huge,
      unresponsiveTimeout: huge,
      retryOnError: huge
    })
    const most = Number.MAX_SAFE_INTEGER
    assert.deepEqual([checkInterval, checkTimeout, unresponsiveTimeout], [most, most, most])
    assert.equal(retryOnError, 0xffffffff)
    assert.equal(config.maxTransactionRetryTime, most)
    assert.equal(config.connectionLivenessCheckTimeout, most)
    assert.equal(config.fetchSize, -1)
    for (const name of [
      'maxConnectionLifetime',
      'connectionAcquisitionTimeout',
      'connectionTimeout',
      'connectionLossTimeout',
      'maxConnectionPoolSize'
    ]) {
      assert.equal(config[name], 0xffffffff, name)
    }
  })
}

test('white space around an address is not of it', t => {
  const made = configOf(t, [
    [' http://a:7474\n', '\tbolt://a:7687\n'],
    ' bolt://b ',
    { bolt: 'bolt://c\r\n' }
  ])
  assert.deepEqual(
    made.servers.map(({ http, bolt }) => [http?.url, bolt]),
    [
      ['http://a:7474', 'bolt://a:7687'],
      [undefined, 'bolt://b'],
      [undefined, 'bolt://c']
    ]
  )
  assert.equal(driverConfigOf(t, {}, ' neo4j://a?x=1\n').servers[0].bolt, 'neo4j://a?x=1')
})

test('an option in the wrong place is warned of, with the right one', t => {
  const warning = t.mock.method(process, 'emitWarning', () => {})
  configOf(t, [pair], { limits: {}, fetchSize: 5, neo4jDriverOptions: { retryOnError: 5, database: 'x' } })
  driverConfigOf(t, { minimumSeverityLevel: 'OFF', auth: {} })
  assert.deepEqual(
    warning.mock.calls.map(call => call.arguments[0]),
    [
      'neo4jDriverOptions.retryOnError is not an option of neo4jDriverOptions and has no effect: it belongs in the options of Neo4jHA (options.retryOnError)',
      'neo4jDriverOptions.database is not an option of neo4jDriverOptions and has no effect: it belongs in the config of session() (database)',
      'options.limits is not an option of options and has no effect: it belongs in neo4jDriverOptions.limits of Neo4jHA, or the config of driver()',
      'options.fetchSize is not an option of options and has no effect: it belongs in neo4jDriverOptions.fetchSize of Neo4jHA, or the config of driver()',
      'config.minimumSeverityLevel is not an option of config and has no effect: it belongs in notificationFilter.minimumSeverityLevel',
      'config.auth is not an option of config and has no effect: it belongs in options.auth of Neo4jHA, or the second argument of driver()'
    ]
  )
})

test('an option that is none is warned of, and does not stop an old program', t => {
  const warning = t.mock.method(process, 'emitWarning', () => {})
  configOf(t, [pair], {
    retryOnErrors: 5,
    neo4jDriverOptions: { knownHosts: 'x', loadBalancingStrategy: 'y' }
  })
  assert.deepEqual(
    warning.mock.calls.map(call => call.arguments[0]),
    ['options.retryOnErrors is not an option of neo4j-ha-bolt-driver and has no effect']
  )
})
