// `neo4j-ha-bolt-driver/neo4j-driver` and `/register`: this driver under the name of neo4j-driver.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import * as official from 'neo4j-driver'
import * as imported from 'neo4j-ha-bolt-driver/neo4j-driver'
import { auth, Driver, driver as makeDriver } from 'neo4j-ha-bolt-driver/neo4j-driver'
import { boltServer, Neo4jHA, program, test } from '../support/contract.mjs'

const require = createRequire(import.meta.url)
const required = require('neo4j-ha-bolt-driver/neo4j-driver')

test('require of the subpath neo4j-driver is the namespace', () => {
  assert.equal(required, Neo4jHA.driver)
  assert.equal(required.default, Neo4jHA.driver)
})

test('import of the subpath neo4j-driver has the names that import of neo4j-driver has, its default too', () => {
  // and v1, which the types declare
  assert.deepEqual(Object.keys(imported).sort(), [...Object.keys(official), 'v1'].sort())
  assert.equal(typeof official.default.driver, typeof imported.default.driver)
  const names = Object.entries(imported).filter(([name]) => name !== 'module.exports')
  for (const [name, value] of names) assert.equal(value, required[name], name)
})

test('its interop mark is that of neo4j-driver, and not listed', () => {
  assert.equal(required.__esModule, require('neo4j-driver').__esModule)
  assert.equal(Object.keys(required).includes('__esModule'), false)
})

test('named imports of the subpath neo4j-driver make a driver that works', async t => {
  const server = await boltServer(t)
  const driver = makeDriver(server.uri, auth.basic('neo4j', 'secret'))
  t.after(() => driver.close())
  assert.ok(driver instanceof Driver)
  const { records } = await driver.executeQuery('RETURN 1 AS one')
  assert.equal(records.length, 1)
})

/** Says what the names of neo4j-driver are in this program and thread, by every way of loading. */
const loading = `
  import { createRequire } from 'node:module'
  import Neo4jHA from 'neo4j-ha-bolt-driver'
  import neo4j, { driver } from 'neo4j-driver'
  import lite from 'neo4j-driver-lite'
  import * as core from 'neo4j-driver-core'
  const require = createRequire(process.cwd() + '/program.js')
  console.log([
    neo4j,
    lite,
    require('neo4j-driver'),
    require('neo4j-driver-lite'),
    (await import('neo4j-driver')).default,
    (await import('neo4j-driver-lite')).default
  ].every(one => one === Neo4jHA.driver), driver === Neo4jHA.driver.driver, require('neo4j-driver-core') === core.default)`

for (const option of ['--import', '--require']) {
  test(`${option} of the subpath register redirects neo4j-driver and neo4j-driver-lite, and leaves core`, async () => {
    const env = { NODE_OPTIONS: `${option} neo4j-ha-bolt-driver/register` }
    assert.deepEqual(await program(loading, { env }), {
      code: 0,
      signal: null,
      stdout: 'true true true\n',
      stderr: ''
    })
  })

  test(`${option} of the subpath register holds for worker threads`, async () => {
    const env = { NODE_OPTIONS: `${option} neo4j-ha-bolt-driver/register` }
    const inThread = `
      import { Worker } from 'node:worker_threads'
      new Worker(input.loading, { eval: true })`
    assert.deepEqual(await program(inThread, { env, input: { loading } }), {
      code: 0,
      signal: null,
      stdout: 'true true true\n',
      stderr: ''
    })
  })
}
