// The engine of an environment: how it takes what the native side has to say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import { install, log } from './fake-native.mjs'

test('messages without end do not hold the event loop: others have their turn between them', async t => {
  const fake = install(t)
  let lines = 0
  const logging = { level: 'info', logger: () => lines++ }
  new Neo4jHA(['bolt://a'], { neo4jDriverOptions: { logging } })
  const message = log('info', 'and so on')
  // More than one turn takes by far; an engine that takes them all is not to hang the test.
  let left = 100_000
  fake.engine.drain = inbox => {
    if (left-- <= 0) return 0
    inbox.set(message)
    return message.length
  }
  const turns = []
  const timer = setInterval(() => turns.push(lines), 0)
  t.after(() => clearInterval(timer))
  fake.wake()
  assert.ok(left > 0, 'all messages were taken in one turn')
  while (left > 0) await new Promise(resolve => setImmediate(resolve))
  assert.ok(turns.length > 1, 'no timer was due before all messages were taken')
})
