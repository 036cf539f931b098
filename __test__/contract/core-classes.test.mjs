// Libraries take a driver by the classes of neo4j-driver-core: `x instanceof Driver`, with core's own.
import assert from 'node:assert/strict'
import {
  Driver,
  ManagedTransaction,
  Result,
  Session,
  Transaction,
  TransactionPromise
} from 'neo4j-driver-core'
import { boltServer, cluster, connect, Neo4jHA, ready, routing, test } from '../support/contract.mjs'

const neo4j = Neo4jHA.driver
const core = { Driver, ManagedTransaction, Result, Session, Transaction }

/** The names that core's class of this name has, its own and inherited. */
const namesOf = (name, from = core[name].prototype) =>
  from === Object.prototype ? [] : [...Reflect.ownKeys(from), ...namesOf(name, Object.getPrototypeOf(from))]
const isInternal = name => String(name).startsWith('_')

/** One of each, by every way to them. */
const facesOf = async driver => {
  const session = driver.session()
  const begun = session.beginTransaction()
  const transaction = await begun
  const inTransaction = transaction.run('RETURN 1')
  await inTransaction
  await transaction.commit()
  const managed = []
  for (const way of ['executeRead', 'executeWrite']) {
    await session[way](async tx => {
      managed.push(tx)
      await tx.run('RETURN 1')
    })
  }
  const older = []
  for (const way of ['readTransaction', 'writeTransaction']) {
    await session[way](async tx => {
      older.push(tx)
      await tx.run('RETURN 1')
    })
  }
  const result = session.run('RETURN 1')
  await result
  let eager
  await driver.executeQuery(
    'RETURN 1',
    {},
    {
      resultTransformer: given => {
        eager = given
        return given.summary()
      }
    }
  )
  const mapped = session.run('RETURN 1').as({})
  await mapped.summary()
  await session.close()
  return {
    Driver: [driver],
    Session: [session],
    Transaction: [begun, transaction, ...older],
    ManagedTransaction: managed,
    Result: [result, inTransaction, eager, mapped]
  }
}

for (const [door, open] of Object.entries({
  'driver() of one server': async t => connect(t, (await boltServer(t)).uri),
  'driver() of a cluster that routes': async t => connect(t, (await routing(t)).uri),
  Neo4jHA: async t => ready(t, (await cluster(t)).servers),
  'a server of Neo4jHA': async t => (await ready(t, (await cluster(t)).servers)).servers[0].driver
})) {
  test(`${door}: driver, session, transactions and results are instances of neo4j-driver-core's classes`, async t => {
    const faces = await facesOf(await open(t))
    for (const [name, some] of Object.entries(faces)) {
      for (const [n, face] of some.entries()) {
        assert.ok(face instanceof core[name], `${name} ${n}: core's`)
        assert.ok(face instanceof neo4j[name], `${name} ${n}: ours`)
      }
    }
    assert.ok(faces.Transaction[0] instanceof TransactionPromise)
    assert.ok(!(faces.Session[0] instanceof core.Driver))
    assert.ok(!(faces.ManagedTransaction[0] instanceof core.Transaction))
  })

  test(`${door}: no method of core's classes is there that would look for what its constructor makes`, async t => {
    for (const [name, some] of Object.entries(await facesOf(await open(t)))) {
      for (const face of some) {
        for (const method of namesOf(name).filter(isInternal)) assert.equal(face[method], undefined, method)
      }
    }
  })
}

test('every public method of core is ours', () => {
  for (const name of Object.keys(core)) {
    for (const method of namesOf(name).filter(method => !isInternal(method))) {
      assert.ok(Object.hasOwn(neo4j[name].prototype, method), `${name}.${String(method)}`)
    }
  }
})

test('a transaction that has begun is no promise any more', async t => {
  const session = connect(t, (await boltServer(t)).uri).session()
  const transaction = await session.beginTransaction()
  assert.equal(transaction.then, undefined)
  assert.equal(transaction.catch, undefined)
  await transaction.close()
})
