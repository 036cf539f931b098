// What a program does with the driver, on whichever runtime this is: each thing is tried, and the last line says how it went.
// The server is a scripted one, whose URI is the only argument. It has to end by itself.

import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import Neo4jHA from '../../index.mjs'

const neo4j = Neo4jHA.driver
const [uri, httpUri] = process.argv.slice(2)
const driver = neo4j.driver(uri, undefined, { maxTransactionRetryTime: 5_000 })

const things = {
  'require() and import give the same': () => {
    assert.equal(createRequire(import.meta.url)('../..'), Neo4jHA)
  },

  'values of all kinds': async () => {
    const { records, summary } = await driver.session().run('RETURN everything')
    const [record] = records
    assert.ok(neo4j.isInt(record.get('int')) && record.get('big').toString() === '9007199254740993')
    assert.deepEqual(
      ['float', 'text', 'wide', 'bool', 'nothing'].map(key => record.get(key)),
      [1.5, 'text', 'Straße 道 🚲', true, null]
    )
    assert.deepEqual(record.get('list').map(Number), [1, 2, 3])
    assert.equal(record.get('map').inner.deep, 'yes')
    assert.deepEqual([...new Uint8Array(record.get('bytes').buffer)], [1, 2, 255])
    assert.equal(record.get('node').properties.name, 'Ann')
    assert.equal(record.get('relationship').type, 'KNOWS')
    assert.equal(record.get('date').toString(), '2024-02-29')
    assert.equal(record.get('duration').toString(), 'P1M2DT3.000000004S')
    assert.equal(record.get('zoned').timeZoneId, 'Europe/Berlin')
    assert.equal(record.get('point').x, 1.25)
    assert.equal(summary.queryType, 'r')
  },

  'parameters of all kinds': async () => {
    await driver.session().run('CREATE (n)', {
      int: neo4j.int(1),
      big: 2n ** 60n,
      float: 1.5,
      text: 'Straße 道 🚲',
      list: [1, [2]],
      map: { a: { b: true } },
      bytes: new Uint8Array([1, 2]),
      date: new neo4j.types.Date(2024, 2, 29),
      zoned: new neo4j.types.DateTime(2024, 2, 29, 1, 2, 3, 4, undefined, 'Europe/Berlin'),
      standard: new Date(0),
      point: new neo4j.types.Point(4326, 1, 2)
    })
  },

  'a long result, streamed': async () => {
    let sum = 0
    const session = driver.session({ fetchSize: 100 })
    for await (const record of session.run('UNWIND range(1, 5000) AS n RETURN n'))
      sum += record.get('n').toInt()
    await session.close()
    assert.equal(sum, 12_502_500)
  },

  'an error of the server': async () => {
    const error = await driver
      .session()
      .run('NONSENSE')
      .then(assert.fail, error => error)
    assert.ok(error instanceof neo4j.Neo4jError && error instanceof Error)
    assert.equal(error.code, 'Neo.ClientError.Statement.SyntaxError')
  },

  'a transaction function, tried again': async () => {
    let attempts = 0
    const session = driver.session()
    const n = await session.executeWrite(async tx => {
      attempts++
      return (await tx.run('RETURN 7 AS n')).records[0].get('n').toInt()
    })
    await session.close()
    assert.deepEqual([n, attempts], [7, 2])
  },

  'executeQuery, and an abort': async () => {
    const { records } = await driver.executeQuery('RETURN 1 AS n')
    assert.equal(records[0].get('n').toInt(), 1)
    const signal = AbortSignal.timeout(50)
    await assert.rejects(
      driver.session().run('WAIT', {}, { signal }),
      error => error === signal.reason || error.cause === signal.reason
    )
  },

  'AsyncLocalStorage in callbacks': async () => {
    const storage = new AsyncLocalStorage()
    const ask = id =>
      storage.run(id, () => {
        const seen = new Set()
        const see = () => seen.add(storage.getStore())
        return new Promise((resolve, reject) =>
          driver
            .session()
            .run('UNWIND range(1, 10) AS n RETURN n')
            .subscribe({
              onKeys: see,
              onNext: see,
              onCompleted: () => resolve([...seen, storage.getStore()]),
              onError: reject
            })
        )
      })
    const ids = Array.from({ length: 20 }, (_, i) => i)
    assert.deepEqual(
      await Promise.all(ids.map(ask)),
      ids.map(id => [id, id])
    )
  },

  'a cluster, and who is its master': async () => {
    const cluster = new Neo4jHA([[httpUri, uri]], { checkInterval: 30 })
    await cluster.ready
    const { records } = await cluster.session(true).run('RETURN 1 AS n')
    assert.equal(records.length + cluster.masterIndex, 1)
    await cluster.close()
  },

  'a worker thread with a driver of its own': async () => {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { uri } })
    const answer = await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    assert.equal(answer, 1)
    await new Promise(resolve => worker.once('exit', resolve))
  }
}

const outcome = {}
for (const [thing, attempt] of Object.entries(things)) {
  try {
    await attempt()
    outcome[thing] = 'yes'
  } catch (error) {
    outcome[thing] = `${error.name}: ${error.message.split('\n')[0]}`
  }
}
await driver.close()
console.log(JSON.stringify(outcome))
