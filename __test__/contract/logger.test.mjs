// "Logging with `logging`, levels and a custom logger."
import assert from 'node:assert/strict'
import official from 'neo4j-driver'
import { boltServer, cluster, Neo4jHA, ready, test } from '../support/contract.mjs'

const { driver: neo4j } = Neo4jHA

/** What a driver with this level says of a query, and of a server that is lost. */
const said = async (t, level) => {
  const server = await boltServer(t, { versions: ['5.8'] })
  const messages = []
  const logging = { level, logger: (...words) => messages.push(words) }
  const driver = neo4j.driver(server.uri, neo4j.auth.basic('neo4j', 'the password'), { logging })
  t.after(() => driver.close())
  const session = driver.session()
  await session.run('RETURN $x AS x', { x: 'a parameter' })
  await server.kick({ reset: true })
  await session.run('RETURN $x AS x', { x: 'a parameter' })
  await driver.close()
  return { server, messages }
}

test('a logger of the application is told the level and the message, and the server', async t => {
  const { server, messages } = await said(t, 'debug')
  assert.ok(messages.length > 0)
  for (const [level, message] of messages) {
    assert.ok(['error', 'warn', 'info', 'debug'].includes(level))
    assert.equal(typeof message, 'string')
  }
  assert.ok(messages.some(([, message]) => message.includes(`127.0.0.1:${server.port}`)))
})

test('a Neo4jHA logs what becomes of its servers', async t => {
  const { servers, members } = await cluster(t)
  const messages = []
  const logging = { level: 'debug', logger: (_, message) => messages.push(message) }
  const driver = await ready(t, servers, { neo4jDriverOptions: { logging } })
  await driver.session(true).run('CREATE (n)')
  assert.ok(messages.some(message => message.includes(String(members[0].bolt.port))))
})

test('a level that there is not, and a logger that is no function, are refused as by neo4j-driver', () => {
  for (const logging of [{ level: 'loud', logger() {} }, { level: 'info' }]) {
    const refusal = namespace => {
      try {
        return namespace.driver('bolt://127.0.0.1:1', undefined, { logging })
      } catch (error) {
        return error.message
      }
    }
    assert.equal(refusal(neo4j), refusal(official))
  }
})
