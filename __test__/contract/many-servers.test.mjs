// What JavaScript is told of many servers: what changed, once, and no more than it takes at a time.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { cluster, Neo4jHA, open, ready, test } from '../support/contract.mjs'
import { until, within } from '../support/until.mjs'

const require = createRequire(import.meta.url)
const { nativeModule, useNativeModule } = require('../../dist/crossing/native-module.js')
const { resetDispatcher } = require('../../dist/crossing/dispatcher.js')
const TOPOLOGY = 8

/** What the native side tells of servers while a test runs: an array of views for each time that its messages are fetched. */
const topologies = t => {
  const { Environment } = nativeModule()
  const fetched = []
  useNativeModule({
    Environment: function Watched() {
      const environment = new Environment()
      const drain = environment.drain.bind(environment)
      environment.drain = inbox => {
        const end = drain(inbox)
        const views = []
        for (let at = 0; at < end; at += inbox.readInt32LE(at)) {
          const [kind, length] = [inbox.readInt32LE(at + 4), inbox.readInt32LE(at + 12)]
          if (kind === TOPOLOGY) views.push(JSON.parse(inbox.toString('utf8', at + 16, at + 16 + length)))
        }
        fetched.push(views)
        return end
      }
      return environment
    }
  })
  resetDispatcher()
  t.after(() => {
    useNativeModule(undefined)
    resetDispatcher()
  })
  return fetched
}

const dead = Array.from({ length: 30 }, () => 'refuse')

test('of dead servers nothing is told anew, however often they are checked', async t => {
  const fetched = topologies(t)
  const { servers, members } = await cluster(t, { roles: ['master', ...dead] })
  await ready(t, servers, { checkInterval: 20 })
  const [checks, before] = [members[0].checks.length, fetched.length]
  // The others are checked as often as the one that counts.
  await until(() => members[0].checks.length >= checks + 10)
  const told = fetched
    .slice(before)
    .flat()
    .flatMap(view => view.servers.slice(1))
  assert.ok(told.length > 0, 'nothing is told of the one that answers')
  assert.deepEqual(
    told.filter(([, news]) => news !== null),
    []
  )
})

test('what changes while the event loop is busy comes as one view', async t => {
  const fetched = topologies(t)
  const { servers } = await cluster(t, { roles: dead })
  const driver = open(t, servers, { checkInterval: 3_600_000 })
  // The first checks are made meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
  await within(driver.ready, 5000, 'driver.ready')
  assert.ok(driver.servers.every(({ info }) => info.status === Neo4jHA.Status.down))
  assert.ok(
    fetched.every(views => views.length <= 1),
    `views that waited together: ${fetched.map(views => views.length)}`
  )
})

test('the error of a server is made when it is looked at, and once', async t => {
  const { servers } = await cluster(t, { roles: dead })
  const made = t.mock.method(globalThis, 'Error')
  const errors = () => made.mock.calls.filter(({ arguments: [text] }) => /^no answer/.test(text)).length
  const driver = await ready(t, servers)
  assert.equal(errors(), 0)
  const { info } = driver.servers[3]
  assert.match(info.err.message, /^no answer/)
  assert.equal(info.err, info.err)
  assert.equal(errors(), 1)
})
