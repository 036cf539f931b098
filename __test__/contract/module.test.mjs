// drop-in: "Module".
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import Default, * as named from 'neo4j-ha-bolt-driver'
import { program, test } from '../support/contract.mjs'

const Neo4jHA = createRequire(import.meta.url)('neo4j-ha-bolt-driver')

test('require() is the class Neo4jHA', () => {
  assert.equal(typeof Neo4jHA, 'function')
  assert.equal(Neo4jHA.name, 'Neo4jHA')
  assert.throws(() => Neo4jHA([['http://127.0.0.1:1', 'bolt://127.0.0.1:1']]), TypeError)
})

test('Status, ServerType, HAReadWrite, HAStrategies and driver hang off it', () => {
  for (const name of ['Status', 'ServerType', 'HAReadWrite', 'HAStrategies', 'driver']) {
    assert.equal(typeof Neo4jHA[name], 'object', name)
  }
})

test('import has the class as default, and the same names', () => {
  assert.equal(Default, Neo4jHA)
  for (const name of ['Status', 'ServerType', 'HAReadWrite', 'HAStrategies', 'driver']) {
    assert.equal(named[name], Neo4jHA[name], name)
  }
})

test('{ Neo4jHA } and { default } of import and of require() are the class too', () => {
  for (const name of ['Neo4jHA', 'default']) {
    assert.equal(named[name], Neo4jHA, name)
    assert.equal(Neo4jHA[name], Neo4jHA, name)
  }
})

test('HAStrategies is {random:0, roundRobin:1, nearest:2}', () => {
  assert.deepEqual({ ...Neo4jHA.HAStrategies }, { random: 0, roundRobin: 1, nearest: 2 })
})

test('Status is {error:-2, unknown:-1, down:0, up:1}', () => {
  assert.deepEqual({ ...Neo4jHA.Status }, { error: -2, unknown: -1, down: 0, up: 1 })
})

test('ServerType is {unknown:0, slave:1, master:2}', () => {
  assert.deepEqual({ ...Neo4jHA.ServerType }, { unknown: 0, slave: 1, master: 2 })
})

test('HAReadWrite holds the four presets, each {master:{read,write}, slave:{read,write}}', () => {
  const preset = (masterRead, masterWrite, slaveRead, slaveWrite) => ({
    master: { read: masterRead, write: masterWrite },
    slave: { read: slaveRead, write: slaveWrite }
  })
  assert.deepEqual(JSON.parse(JSON.stringify(Neo4jHA.HAReadWrite)), {
    masterOnly: preset(true, true, false, false),
    masterWriteOnlySlaveReadOnly: preset(false, true, true, false),
    masterReadWriteSlaveRead: preset(true, true, true, false),
    all: preset(true, true, true, true)
  })
})

test('a program that only loads the module ends by itself', async () => {
  const { code, stderr } = await program(`await import('neo4j-ha-bolt-driver')`)
  assert.equal(stderr, '')
  assert.equal(code, 0)
})
