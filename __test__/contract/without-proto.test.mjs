// A process without Object.prototype.__proto__, as Deno is, and node at will: everything is of its class, and errors say what they say.
import assert from 'node:assert/strict'
import { boltServer, program, test } from '../support/contract.mjs'
import { node } from '../support/packstream.mjs'
import { failure } from '../support/scripted-server.mjs'

const SYNTAX = 'Neo.ClientError.Statement.SyntaxError'
const DEADLOCK = 'Neo.TransientError.Transaction.DeadlockDetected'

const PROGRAM = `
  import Neo4jHA from 'neo4j-ha-bolt-driver'
  const neo4j = Neo4jHA.driver
  const facts = ({ message, code, gqlStatus, gqlStatusDescription, classification, diagnosticRecord, retryable, retriable, cause }) =>
    ({ message, code, gqlStatus, gqlStatusDescription, classification, diagnosticRecord, retryable, retriable, cause: cause && facts(cause) })
  const see = error => [
    Object.keys(error).sort(), facts(error), error instanceof neo4j.Neo4jError, error.constructor === neo4j.Neo4jError,
    neo4j.isRetryableError(error), error.name, String(error), error.stack.split('\\n')[0], error.findByGqlStatus?.(error.gqlStatus) === error,
    typeof error.cause?.findByGqlStatus
  ]
  const failed = work => Promise.resolve().then(work).then(() => 'it did not fail', see)
  const driver = neo4j.driver(input.uri)
  const session = driver.session()
  const tx = session.beginTransaction()
  const { records } = await tx.run('NODE')
  await tx.rollback()
  const wrong = driver.session()
  let attempts = 0
  const seen = {
    classes: [session instanceof neo4j.Session, driver instanceof neo4j.Driver, typeof tx.then === 'function',
      records[0] instanceof neo4j.Record, records[0].get('n') instanceof neo4j.types.Node],
    server: await failed(() => driver.session().run('BAD')),
    transient: await failed(() => driver.session().run('DEADLOCK')),
    ours: await failed(() => { const s = driver.session(); s.close(); return s.run('RETURN 1') }),
    parameter: await failed(() => driver.session().run('RETURN 1', { f: () => 1 })),
    field: await failed(() => records[0].get('missing')),
    integer: await failed(() => neo4j.int('none')),
    date: await failed(() => new neo4j.types.Date(2020, 13, 1)),
    made: await failed(() => { throw new neo4j.Neo4jError('m', 'c', 's', 'd', { _classification: 'CLIENT_ERROR' }, new Error('why')) }),
    retried: await wrong.executeRead(async tx => { attempts++; return (await tx.run(attempts === 1 ? 'DEADLOCK' : 'RETURN 1')).records.length }),
    attempts
  }
  await driver.close()
  console.log(JSON.stringify(seen))
`

test('errors, retries and classes are the same without __proto__', async t => {
  const server = await boltServer(t, { versions: ['5.8'] })
  server.on('NODE', { fields: ['n'], records: [[node(1, ['A'], {}, '4:x:1')]] })
  server.on(
    'BAD',
    failure(SYNTAX, 'no', { cause: { gql_status: '22N66', message: 'deep', description: 'd' } })
  )
  server.on('DEADLOCK', failure(DEADLOCK, 'again'))
  const seen = []
  for (const NODE_OPTIONS of ['', '--disable-proto=delete', '--disable-proto=throw']) {
    const { stdout, stderr } = await program(PROGRAM, { input: { uri: server.uri }, env: { NODE_OPTIONS } })
    assert.equal(stderr, '')
    seen.push(JSON.parse(stdout))
  }
  const [usual, deleted, throwing] = seen
  assert.deepEqual(usual.classes, [true, true, true, true, true])
  assert.equal(usual.attempts, 2)
  assert.equal(usual.server[1].code, SYNTAX)
  assert.deepEqual(deleted, usual)
  assert.deepEqual(throwing, usual)
})
