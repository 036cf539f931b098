// Libraries change what everybody uses: here are changes that this driver does not mind, made before it is loaded.
import assert from 'node:assert/strict'
import { boltServer, program, test } from '../support/contract.mjs'
import { bolt, failure } from '../support/scripted-server.mjs'

const SYNTAX = 'Neo.ClientError.Statement.SyntaxError'

const PROGRAM = `
  const { default: Neo4jHA } = await import('neo4j-ha-bolt-driver')
  const neo4j = Neo4jHA.driver
  const driver = neo4j.driver(input.uri, neo4j.auth.basic('neo4j', 'password'), { resolver: () => [input.address] })
  const session = driver.session({ bookmarks: ['some', 'other'] })
  const { records } = await session.run('UNWIND range(1, 3) AS n RETURN n', { list: [{ a: [1] }, { a: [2] }] })
  const lost = await session.run('BAD').catch(({ name, code, message, stack }) => ({ name, code, message, head: stack.split('\\n')[0] }))
  const tried = await session.executeRead(tx => tx.run('BAD')).catch(({ code }) => code)
  await session.close()
  const { summary } = await driver.executeQuery('CREATE (n)', {}, { transactionConfig: { timeout: 5000, metadata: { tags: ['a'] } } })
  await driver.close()
  console.log(JSON.stringify({ records: records.length, lost, tried, agent: summary.server.agent }))`

for (const [what, change] of [
  ['a toJSON of all lists', "Array.prototype.toJSON = () => 'theirs'"],
  ['no Error.captureStackTrace', 'delete Error.captureStackTrace']
]) {
  test(`works with ${what}`, async t => {
    const server = await boltServer(t, { versions: bolt.neo4j526 })
    server.on('BAD', failure(SYNTAX, 'it is bad'))
    const { uri } = server
    const input = { uri: uri.replace('bolt:', 'neo4j:'), address: uri.replace('bolt://', '') }
    const { stdout, stderr } = await program(`${change}\n${PROGRAM}`, { input })
    assert.equal(stderr, '')
    assert.deepEqual(JSON.parse(stdout), {
      records: 3,
      lost: { name: 'Neo4jError', code: SYNTAX, message: 'it is bad', head: 'Neo4jError: it is bad' },
      tried: SYNTAX,
      agent: server.agent
    })
    assert.deepEqual(server.received('RUN')[0].fields[2].bookmarks, ['some', 'other'])
  })
}
