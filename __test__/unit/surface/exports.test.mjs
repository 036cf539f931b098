// A program written for neo4j-driver finds every name of it that concerns Node: read from the installed package.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import Neo4jHA from 'neo4j-ha-bolt-driver'

const require = createRequire(import.meta.url)
const official = require('neo4j-driver')
const { driver: ours } = Neo4jHA

/** Names of neo4j-driver that are left out, each with its reason. */
const LEFT_OUT = {
  'Driver#homeDatabaseCache': 'state of the engine, which is in Rust here',
  'RxResult.records().push': 'a copy of RxResult#push, in no documentation'
}

/** What is an engine's own, and so another thing here than there. */
const OF_THE_ENGINE = [
  'default',
  'Driver',
  'driver',
  'graph',
  'hasReachableServer',
  'integer',
  'logging',
  'ManagedTransaction',
  'Result',
  'RxManagedTransaction',
  'RxResult',
  'RxSession',
  'RxTransaction',
  'Session',
  'session',
  'spatial',
  'temporal',
  'Transaction',
  'types'
]

const isTypeOnly = name => official[name] === undefined

for (const [name, theirs] of Object.entries(official)) {
  if (isTypeOnly(name)) {
    test(`${name}, a type that neo4j-driver exports, is declared`, () => {
      const declarations = readFileSync(new URL('../../../index.d.ts', import.meta.url), 'utf8')
      assert.ok(new RegExp(`export (type|interface|class|import) ${name}\\b`).test(declarations))
    })
    continue
  }
  test(`${name} is exported as by neo4j-driver`, () => {
    assert.equal(typeof ours[name], typeof theirs)
    if (!OF_THE_ENGINE.includes(name)) assert.equal(ours[name], theirs)
  })
  if (typeof theirs !== 'object') continue
  test(`${name} holds what it holds in neo4j-driver`, () => {
    for (const [key, value] of Object.entries(theirs)) {
      assert.equal(typeof ours[name][key], typeof value, `${name}.${key}`)
      if (typeof value === 'string') assert.equal(ours[name][key], value)
    }
  })
}

test('exports that are made of others are the same objects everywhere', () => {
  for (const [name, type] of Object.entries(ours.types)) {
    if (name in ours) assert.equal(type, ours[name], `types.${name}`)
  }
  for (const group of ['graph', 'spatial', 'temporal']) {
    for (const [name, predicate] of Object.entries(ours[group])) assert.equal(predicate, ours[name])
  }
})

test('an import of all names, and the default import, are the same namespace', () => {
  assert.equal(ours.default, ours)
  assert.equal(Neo4jHA.driver.default.driver, ours.driver)
})

/** Names of methods and getters of a class and of those it extends; private ones begin with an underscore. */
const members = type => {
  const names = new Set()
  for (let of = type.prototype; of !== Object.prototype; of = Object.getPrototypeOf(of)) {
    for (const name of Reflect.ownKeys(of)) {
      if (typeof name === 'symbol' || !name.startsWith('_')) names.add(name)
    }
  }
  return names
}

for (const name of [
  'Driver',
  'Session',
  'Transaction',
  'ManagedTransaction',
  'Result',
  'RxSession',
  'RxTransaction',
  'RxManagedTransaction',
  'RxResult'
]) {
  test(`${name} has every method of neo4j-driver's`, () => {
    const here = members(ours[name])
    const missing = [...members(official[name])].filter(member => !here.has(member))
    assert.deepEqual(missing, [])
  })
}

test('a Neo4jHA has every method of a driver of neo4j-driver', () => {
  const here = members(Neo4jHA)
  assert.deepEqual(
    [...members(official.Driver)].filter(member => !here.has(member)),
    []
  )
})

test('a driver has every public field of a driver of neo4j-driver', async () => {
  const theirs = official.driver('bolt://127.0.0.1:1')
  const own = ours.driver('bolt://127.0.0.1:1')
  const missing = Object.keys(theirs).filter(
    name => !name.startsWith('_') && !(name in own) && !(`Driver#${name}` in LEFT_OUT)
  )
  assert.deepEqual(missing, [])
  await Promise.all([theirs.close(), own.close()])
})

test('what is left out is still in neo4j-driver', async () => {
  const theirs = official.driver('bolt://127.0.0.1:1')
  assert.ok('homeDatabaseCache' in theirs)
  const session = theirs.rxSession()
  assert.equal(typeof session.run('RETURN 1').records().push, 'function')
  await theirs.close()
})
