// `npx neo4j-ha-bolt-driver`: its arguments, and what it makes of clusters and of what people get wrong. On real servers:
// integration/suites/command.mjs and faults/command.test.mjs.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { authority } from '../support/certificates.mjs'
import { as, command, matches, start } from '../support/command.mjs'
import { boltServer, cluster, member, routing, test } from '../support/contract.mjs'
import { bolt, failure, routingTable, rows } from '../support/scripted-server.mjs'
import { until, within } from '../support/until.mjs'

const folder = mkdtempSync(join(tmpdir(), 'neo4j-ha-cli-'))
const ca = authority()
after(() => {
  rmSync(folder, { recursive: true, force: true })
  ca.remove()
})

const snapshots = new URL('./snapshots/', import.meta.url)
const SECRET = 'never-to-be-seen'

/** The URIs of members, as arguments. */
const uris = members => [...members.map(({ url }) => url), ...members.map(({ uri }) => uri)]

/** The same with the master, a slave and whoever else, by name. */
const portsOf = members =>
  Object.fromEntries(
    members.flatMap((one, i) => [
      [`http ${i + 1}`, one.port],
      [`bolt ${i + 1}`, one.bolt.port]
    ])
  )

const json = ({ stdout }) => JSON.parse(stdout)

/** A web server that knows nothing of Neo4j, until the test ends; with a certificate, over TLS. */
const web = async (t, certificate) => {
  const answer = (_request, response) => response.end('<h1>hello</h1>')
  const server = certificate ? https.createServer(certificate, answer) : http.createServer(answer)
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return server.address().port
}

/** A port that nobody listens at. */
const deadPort = async () => {
  const server = net.createServer()
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}

/** Tells the time as it is there, so many ms from here. */
const clock = (server, ahead = 0) =>
  server.on('RETURN timestamp() AS now', () => rows([[BigInt(Date.now() + ahead)]], ['now']))

/** Gives a routing table that names these. */
const names = (server, addresses) => {
  server.table = () => routingTable({ routers: addresses, readers: addresses, writers: addresses })
  return server
}

const noProcedure = server => {
  server.table = () => failure('Neo.ClientError.Procedure.ProcedureNotFound', 'there is none')
  return server
}

// ---- arguments ----

for (const [name, args, says, env] of [
  ['no command', [], /A command is missing: one of status, ping, doctor/],
  ['a command that there is not', ['stats'], /no command 'stats'/],
  ['an option that there is not', ['status', '--fast', 'bolt://a'], /--fast/],
  ['no server', ['status'], /NEO4J_URI/],
  ['--watch of another command', ['ping', '--watch', 'bolt://a'], /--watch is for status alone/],
  [
    'other counts of HTTP URLs and Bolt URIs',
    ['status', 'http://a', 'bolt://a', 'bolt://b'],
    /1 HTTP URLs and 2 Bolt/
  ],
  ['an HTTP URL alone', ['status', 'http://a:7474'], /1 HTTP URLs and 0 Bolt URIs/],
  ['a URI that is none', ['status', 'redis://a'], /Unknown scheme: redis/],
  ['the same, of ping', ['ping', 'redis://a'], /Unknown scheme: redis/],
  [
    'a configuration file that is not there',
    ['status', '-c', '/no/such.json'],
    /\/no\/such\.json cannot be read/
  ],
  [
    'a user without a password, and nobody to ask',
    ['status', 'bolt://a', '-u', 'ada'],
    /password of ada is missing: set NEO4J_PASSWORD/
  ],
  ['a password', ['status', 'bolt://a', `--password=${SECRET}`], /not taken from the command line/],
  ['a password in another form', ['status', 'bolt://a', '-p', SECRET], /not taken from the command line/]
]) {
  test(`wrong arguments end with 64 and say what is wrong: ${name}`, async () => {
    const { code, stdout, stderr } = await command(args, env)
    assert.equal(code, 64)
    assert.match(stderr, says)
    assert.equal(stdout, '')
    assert.ok(!stderr.includes(SECRET))
  })
}

test('--help says what there is, and needs no native module', async () => {
  const { code, stdout } = await command(['--help'], { NODE_OPTIONS: '--no-addons' })
  assert.equal(code, 0)
  for (const word of ['status', 'ping', 'doctor', '--json', '--watch', 'NEO4J_PASSWORD'])
    assert.ok(stdout.includes(word))
  assert.ok(stdout.split('\n').every(line => line.length <= 132))
})

test('a native module that cannot be loaded: status says why, and ends with 70; doctor finds it', async () => {
  const env = { NODE_OPTIONS: '--no-addons' }
  const { code, stderr } = await command(['status', 'bolt://127.0.0.1:1'], env)
  assert.equal(code, 70)
  assert.match(stderr, /cannot load its native module .*--no-addons/)
  const found = await command(['doctor', 'bolt://127.0.0.1:1', '--json'], env)
  assert.equal(found.code, 1)
  const [{ level, look, says }] = json(found)
  assert.deepEqual([level, look], ['found', 'driver'])
  assert.match(says, /cannot load its native module .*--no-addons/)
})

// ---- where servers, user and password come from ----

test('servers of NEO4J_URI, user and password of NEO4J_USERNAME and NEO4J_PASSWORD', async t => {
  const auth = { user: 'ada', pass: SECRET }
  const { members } = await cluster(t, { auth })
  const env = { ...as(auth), NEO4J_URI: uris(members).join(' ') }
  const { code, stdout, stderr } = await command(['status'], env)
  assert.equal(code, 0, stdout)
  assert.ok(!`${stdout}${stderr}`.includes(SECRET))
})

for (const [name, file, content] of [
  ['JSON', 'config.json', (servers, auth) => JSON.stringify({ servers, options: { auth } })],
  [
    'a module',
    'config.mjs',
    (servers, auth) =>
      `export const servers = ${JSON.stringify(servers)}, options = ${JSON.stringify({ auth })}`
  ],
  [
    'a CommonJS module',
    'config.cjs',
    (servers, auth) => `module.exports = ${JSON.stringify({ servers, options: { auth } })}`
  ]
]) {
  test(`a configuration file: ${name}`, async t => {
    const auth = { user: 'ada', pass: SECRET }
    const { servers } = await cluster(t, { auth })
    const path = join(folder, file)
    writeFileSync(path, content(servers, auth))
    const { code, stdout } = await command(['status', '--config', path, '--json'])
    assert.equal(code, 0, stdout)
    assert.equal(json({ stdout }).members.length, 3)
    assert.ok(!stdout.includes(SECRET))
  })
}

test('a configuration file that is no JSON is not shown', async () => {
  const path = join(folder, 'broken.json')
  writeFileSync(path, `{ "options": { "auth": { "pass": ${SECRET} } } }`)
  const { code, stderr } = await command(['status', '--config', path])
  assert.equal(code, 64)
  assert.match(stderr, /broken\.json cannot be read: it is no JSON/)
  assert.ok(!stderr.includes(SECRET))
})

// ---- status ----

test('status: a cluster, all of it up', async t => {
  const { members } = await cluster(t)
  matches(snapshots, 'status-ha', await command(['status', ...uris(members)]), portsOf(members))
})

test('status: one member is down, and a master is known: 1', async t => {
  const { members } = await cluster(t)
  await members[2].kill()
  matches(snapshots, 'status-one-down', await command(['status', ...uris(members)]), portsOf(members))
})

test('status: no master is known: 2', async t => {
  const { members } = await cluster(t, { roles: ['slave', 'slave'] })
  const { code, stdout } = await command(['status', ...uris(members), '--json'])
  assert.equal(code, 2)
  assert.equal(json({ stdout }).master, null)
})

test('status: a member that answers its checks, and takes no connection, is not up', async t => {
  const { members } = await cluster(t)
  await members[1].bolt.stop()
  const { code, stdout } = await command(['status', ...uris(members), '--json'])
  assert.equal(code, 1)
  const [, { state, role, error }] = json({ stdout }).members
  assert.deepEqual([state, role], ['error', 'slave'])
  assert.match(error, /127\.0\.0\.1:\d+ cannot be reached/)
})

test('status --json: each member with all that is known of it', async t => {
  const { members } = await cluster(t)
  const { master, at, members: told } = json(await command(['status', ...uris(members), '--json']))
  assert.equal(master, members[0].bolt.address)
  assert.ok(Date.parse(at))
  const { latency, since, ...first } = told[0]
  assert.ok(latency > 0)
  assert.ok(Date.parse(since))
  assert.deepEqual(first, {
    member: members[0].bolt.address,
    bolt: members[0].uri,
    url: members[0].url,
    state: 'up',
    isMaster: true,
    role: 'master',
    topology: 'ha',
    product: 'Neo4j/3.5.0',
    protocol: '3.0',
    lag: null,
    error: null
  })
})

test('status: members of a cluster that routes are found from one of them', async t => {
  const { uri } = await routing(t, { cores: 2, replicas: 1 })
  const { code, stdout } = await command(['status', uri, '--json'])
  assert.equal(code, 0, stdout)
  assert.deepEqual(
    json({ stdout })
      .members.map(({ role }) => role)
      .sort(),
    ['reader', 'reader', 'writer']
  )
})

test('status --database: the roles for that one', async t => {
  const leading = {
    databases: { neo4j: { role: 'leader', applied: 12 }, sales: { role: 'follower', applied: 5 } }
  }
  const other = {
    databases: { neo4j: { role: 'follower', applied: 10 }, sales: { role: 'leader', applied: 5 } }
  }
  const { members } = await cluster(t, { roles: [leading, other], versions: bolt.neo4j526 })
  const roles = async (...more) => {
    const { code, stdout } = await command(['status', ...uris(members), '--json', ...more])
    assert.equal(code, 0, stdout)
    const told = json({ stdout })
    return [told.members.map(({ role }) => role), told.master, told.members.map(({ lag }) => lag)]
  }
  const [{ bolt: one }, { bolt: two }] = members
  assert.deepEqual(await roles(), [['leader', 'follower'], one.address, [0, 2]])
  assert.deepEqual((await roles('--database', 'sales')).slice(0, 2), [['follower', 'leader'], two.address])
  const { stdout } = await command(['status', ...uris(members), '--json'], { NEO4J_DATABASE: 'sales' })
  assert.equal(json({ stdout }).master, two.address)
})

test('status --watch tells of a failover as it happens, and ends with the code of what it saw last', async t => {
  const { members } = await cluster(t)
  const [one, two] = members.map(({ bolt: { address } }) => address)
  const { child, end, lines } = start(['status', '--watch', ...uris(members)])
  t.after(() => child.kill('SIGKILL'))
  const told = text =>
    until(() => lines().some(line => line.endsWith(text)), { what: text, deadline: 10_000 })
  await until(() => lines().some(line => line.startsWith(one)), { deadline: 10_000 })
  await members[0].kill()
  await told(`master: ${one} -> none`)
  await until(() => lines().some(line => line.includes(`${one}: master -> down (http://`)))
  await members[1].become('master')
  await told(`master: none -> ${two}`)
  await told(`${two}: slave -> master`)
  await members[0].revive('slave')
  await told(`${one}: down -> slave`)
  await members[2].kill()
  await until(() => lines().some(line => line.includes(': slave -> down')))
  child.kill('SIGINT')
  const { code } = await within(end, 10_000, 'the end')
  assert.equal(code, 1)
})

test('status --watch --json: a line for each change', async t => {
  const { members } = await cluster(t)
  const { child, end, lines } = start(['status', '--watch', '--json', ...uris(members)])
  t.after(() => child.kill('SIGKILL'))
  await until(() => lines().length > 1, { deadline: 10_000 })
  await members[0].kill()
  const find = () =>
    lines()
      .slice(0, -1)
      .map(line => JSON.parse(line))
      .find(({ master }) => master === null)
  const { changes } = await until(find, { deadline: 10_000 })
  assert.equal(changes[0], `master: ${members[0].bolt.address} -> none`)
  child.kill('SIGTERM')
  assert.equal((await within(end, 10_000, 'the end')).code, 2)
})

test('colours where they are wanted: not in a pipe, with FORCE_COLOR in one, with NO_COLOR never', async t => {
  const { members } = await cluster(t)
  const green = '\x1b[32mmaster\x1b[39m'
  const said = async env => (await command(['status', ...uris(members)], env)).stdout
  assert.ok(!(await said({})).includes('\x1b'))
  assert.ok((await said({ FORCE_COLOR: '1' })).includes(green))
  assert.ok(!(await said({ NO_COLOR: '1' })).includes('\x1b'))
})

test('whoever reads may stop to', async t => {
  const { members } = await cluster(t)
  const { child, end } = start(['status', '--watch', '--json', ...uris(members)])
  t.after(() => child.kill('SIGKILL'))
  await new Promise(resolve => child.stdout.once('data', resolve))
  child.stdout.destroy()
  await members[0].kill()
  const { stderr } = await within(end, 10_000, 'the end')
  assert.ok(!/EPIPE/.test(stderr), stderr)
})

// ---- ping ----

test('ping: each part of a query, and nothing is written', async t => {
  const auth = { user: 'ada', pass: SECRET }
  const server = names(await boltServer(t, { versions: bolt.neo4j526, auth }), ['core1:7687', 'core2:7687'])
  const said = await command(['ping', server.uri], as(auth))
  matches(snapshots, 'ping', said, { bolt: server.port })
  const sent = ['RUN', 'ROUTE'].flatMap(kind => server.received(kind))
  assert.deepEqual([...new Set(sent.map(({ query }) => query))].sort(), [
    'CALL dbms.routing.getRoutingTable({}, $database)',
    'RETURN 1'
  ])
  for (const { fields } of sent) assert.equal(fields[2].mode, 'r')
  assert.ok(!said.stdout.includes(SECRET))
})

test('ping --json: the time of each part in milliseconds', async t => {
  const server = noProcedure(await boltServer(t, { versions: bolt.neo4j35 }))
  const { code, stdout } = await command(['ping', '--json', server.uri])
  assert.equal(code, 0, stdout)
  const [{ parts, error }] = json({ stdout })
  assert.equal(error, null)
  assert.deepEqual(
    parts.map(({ part }) => part),
    ['name', 'TCP', 'TLS', 'Bolt', 'login', 'route', 'server', 'records']
  )
  const without = parts.filter(({ ms }) => ms === null).map(({ part }) => part)
  assert.deepEqual(without, ['TLS', 'route'])
})

test('ping over TLS: its part of the time', async t => {
  const server = names(await boltServer(t, { versions: bolt.neo4j526, tls: ca.issue(['DNS:localhost']) }), [])
  const { code, stdout } = await command(['ping', '--json', `bolt+ssc://localhost:${server.port}`])
  assert.equal(code, 0, stdout)
  const { ms, what } = json({ stdout })[0].parts.find(({ part }) => part === 'TLS')
  assert.ok(ms > 0)
  assert.match(what, /^TLSv1/)
})

test('ping by neo4j://: the query goes to whom the table names', async t => {
  const { members, uri } = await routing(t, { cores: 2, versions: bolt.neo4j526 })
  for (const one of members)
    names(
      one,
      members.map(({ address }) => address)
    )
  const { code, stdout } = await command(['ping', '--json', uri])
  assert.equal(code, 0, stdout)
  const { what } = json({ stdout })[0].parts.find(({ part }) => part === 'server')
  assert.ok(what.startsWith(`RETURN 1 at ${members[1].address}`), what)
})

test('ping: a part that fails says why, and the command ends with 1', async t => {
  const port = await deadPort()
  matches(snapshots, 'ping-dead-port', await command(['ping', `bolt://127.0.0.1:${port}`]), { dead: port })
  const other = await web(t)
  matches(snapshots, 'ping-web', await command(['ping', `bolt://127.0.0.1:${other}`]), { web: other })
})

// ---- doctor ----

test('doctor finds nothing where nothing is wrong', async t => {
  const { members } = await cluster(t, { roles: ['master', 'slave'] })
  for (const { bolt: server } of members) noProcedure(clock(server))
  matches(snapshots, 'doctor-ha', await command(['doctor', ...uris(members)]), portsOf(members))
})

test('doctor: a web server, and a dead port', async t => {
  const [port, dead] = [await web(t), await deadPort()]
  const args = [
    `http://127.0.0.1:${port}`,
    `bolt://127.0.0.1:${port}`,
    `http://127.0.0.1:${dead}`,
    `bolt://127.0.0.1:${dead}`
  ]
  matches(snapshots, 'doctor-web-dead', await command(['doctor', ...args]), { web: port, dead })
  matches(snapshots, 'status-web-dead', await command(['status', ...args]), { web: port, dead })
})

/** What doctor finds, as `[look, says]`. */
const findings = async (args, env) => {
  const said = await command(['doctor', '--json', ...args], env)
  assert.ok(!`${said.stdout}${said.stderr}`.includes(SECRET))
  const found = json(said).filter(({ level }) => level === 'found')
  assert.equal(said.code, found.length > 0 ? 1 : 0)
  return found.map(({ look, says }) => [look, says])
}

/** One finding, of this look, that says this. */
const finds = async (args, look, says, env) => {
  const found = await findings(args, env)
  assert.deepEqual(
    found.map(([at]) => at),
    [look]
  )
  assert.match(found[0][1], says)
}

test('doctor: a wrong password, and none, by Bolt and at the status endpoint', async t => {
  const one = await member(t, { auth: { user: 'ada', pass: 'right' } })
  const found = await findings([one.url, one.uri], as({ user: 'ada', pass: SECRET }))
  assert.deepEqual(
    found.map(([look]) => look),
    ['login', 'status endpoint']
  )
  assert.match(found[0][1], /refuses the user ada: .*NEO4J_PASSWORD/)
  assert.match(found[1][1], /HTTP 401.*ha_status_auth_enabled/)
  await finds([one.uri], 'login', /wants a user and a password, and none are given.*NEO4J_USERNAME/)
})

test('doctor: a status endpoint with TLS where there is none, without it where it is wanted, and of an unknown authority', async t => {
  const auth = { user: 'ada', pass: 'right' }
  const server = noProcedure(clock(await boltServer(t, { versions: bolt.neo4j35, auth })))
  const port = await web(t)
  const secure = await web(t, ca.issue(['IP:127.0.0.1']))
  for (const [url, says] of [
    [`https://127.0.0.1:${port}`, /This port has no TLS: give http:/],
    [`http://127.0.0.1:${secure}`, /This port wants TLS: give https:/],
    [`https://127.0.0.1:${secure}`, /Is its certificate trusted here.*NODE_EXTRA_CA_CERTS/],
    [`http://127.0.0.1:${await deadPort()}`, /Is the server up\? Is this its HTTP port/]
  ]) {
    await finds([url, server.uri], 'status endpoint', says, as(auth))
  }
})

test('doctor: a name that nobody knows', () =>
  finds(['bolt://no-such-host.invalid:7687'], 'name', /no-such-host\.invalid is not known here/))

test('doctor: a port where somebody says nothing, and one where somebody says something else', async t => {
  const silent = await boltServer(t, { handshake: 'silent' })
  await finds([silent.uri], 'port', /answers nothing within 5 s/)
  const garbage = await boltServer(t, { handshake: 'garbage' })
  await finds([garbage.uri], 'port', /speaks no Bolt/)
})

test('doctor: TLS that the server has not, and TLS that it wants', async t => {
  const plain = await boltServer(t, { versions: bolt.neo4j526 })
  await finds([`bolt+s://127.0.0.1:${plain.port}`], 'TLS', /the server has none.*\+s/)
  const tls = await boltServer(t, { versions: bolt.neo4j526, tls: ca.issue(['IP:127.0.0.1']) })
  await finds([tls.uri], 'TLS', /the server wants TLS.*\+s/)
})

test('doctor: a certificate for another name, of an unknown authority, and one that has expired', async t => {
  const at = async (certificate, env) => {
    const server = await boltServer(t, { versions: bolt.neo4j526, tls: certificate })
    return [[`bolt+s://localhost:${server.port}`], env]
  }
  const trusted = { NODE_EXTRA_CA_CERTS: ca.file }
  for (const [certificate, says, env] of [
    [ca.issue(['DNS:elsewhere.test']), /not valid for the name localhost.*elsewhere\.test/, trusted],
    [ca.issue(['DNS:localhost']), /not trusted.*trustedCertificates/, {}],
    [ca.issueExpired(['DNS:localhost']), /has expired/, trusted]
  ]) {
    const [args] = await at(certificate)
    await finds(args, 'certificate', says, env)
  }
})

test('doctor: a certificate that ends soon is worth a note', async t => {
  const server = clock(
    names(await boltServer(t, { versions: bolt.neo4j526, tls: ca.issue(['DNS:localhost']) }), [])
  )
  const { code, stdout } = await command(['doctor', '--json', `bolt+ssc://localhost:${server.port}`])
  assert.equal(code, 0, stdout)
  const [{ says }] = json({ stdout }).filter(({ level }) => level === 'note')
  assert.match(says, /certificate for localhost, until .*: that is soon/)
})

test('doctor: addresses that cannot be reached from here, by neo4j://; by bolt:// they are a note', async t => {
  const dead = await deadPort()
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  clock(names(server, [server.address, 'core1.invalid:7687', `127.0.0.1:${dead}`]))
  const says =
    /127\.0\.0\.1:\d+ \(ECONNREFUSED\), core1\.invalid:7687 \(ENOTFOUND\), who cannot be reached.*advertised_address.*resolver/
  await finds([server.uri.replace('bolt', 'neo4j')], 'addresses', says)
  const { code, stdout } = await command(['doctor', '--json', server.uri])
  assert.equal(code, 0)
  const [note] = json({ stdout }).filter(({ level }) => level === 'note')
  assert.match(note.says, says)
})

test('doctor: addresses that the option resolver maps are looked at where it says', async t => {
  const server = await boltServer(t, { versions: bolt.neo4j526 })
  clock(names(server, ['core1.invalid:7687']))
  const path = join(folder, 'resolver.json')
  const resolver = { 'core1.invalid:7687': server.address }
  writeFileSync(
    path,
    JSON.stringify({ servers: [server.uri.replace('bolt', 'neo4j')], options: { resolver } })
  )
  assert.deepEqual(await findings(['--config', path]), [])
})

test('doctor: neo4j:// to a server without a routing table', async t => {
  const server = clock(noProcedure(await boltServer(t, { versions: bolt.neo4j35 })))
  await finds(
    [server.uri.replace('bolt', 'neo4j')],
    'addresses',
    /no routing table, and neo4j:\/\/ needs one/
  )
})

test('doctor: a clock that is ahead, and one that is behind', async t => {
  for (const [ahead, says] of [
    [90_000, /(89|90)\.\d s ahead of the one here.*NTP/],
    [-90_000, /(89|90)\.\d s behind the one here/]
  ]) {
    const server = noProcedure(clock(await boltServer(t, { versions: bolt.neo4j35 }), ahead))
    await finds([server.uri], 'clock', says)
  }
})

test('doctor: a password that has to be changed, and a user who is locked out', async t => {
  for (const [code, says] of [
    ['CredentialsExpired', /ALTER CURRENT USER SET PASSWORD/],
    ['AuthenticationRateLimit', /too many logins were wrong/]
  ]) {
    const server = await boltServer(t, { versions: bolt.neo4j35 })
    server.when('HELLO', exchange => exchange.fail(`Neo.ClientError.Security.${code}`, 'no'))
    await finds([server.uri], 'login', says)
  }
})
