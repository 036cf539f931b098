// The flows of the manuals: transaction functions with their retries, an explicit transaction that may be rolled back, and
// causal order between parallel pieces of work.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { connect, failing, neo4j, rows, test, value } from '../support.mjs'

const WRITE = { defaultAccessMode: neo4j.session.WRITE }
const READ = { defaultAccessMode: neo4j.session.READ }

/** A promise and the function that fulfils it. */
const gate = () => {
  let open
  const opened = new Promise(resolve => {
    open = resolve
  })
  return { open, opened }
}

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set
 * @param {object} [about]
 * @param {string} [about.scheme] of the URI
 */
export const manualSuite = (set, { scheme } = {}) =>
  describe(`the flows of the manuals${scheme ? ` by ${scheme}://` : ''}`, () => {
    const start = (t, config) => connect(t, set.cluster, { scheme, ...config })
    /** A session that closes with the test. */
    const sessionOf = (t, driver, config) => {
      const session = driver.session(config)
      t.after(() => session.close())
      return session
    }
    /** How many nodes of a label a new causal chain sees, behind these bookmarks. */
    const count = async (t, driver, label, bookmarks) => {
      const session = sessionOf(t, driver, { ...READ, bookmarks })
      return value(await session.executeRead(tx => tx.run(`MATCH (n:\`${label}\`) RETURN count(n)`)))
    }

    // ---- transaction functions ----

    describe('transaction functions', () => {
      test('commit what their function did, and give what it returned', async t => {
        const label = randomUUID()
        const session = sessionOf(t, start(t), WRITE)
        const names = await session.executeWrite(async tx => {
          const one = await tx.run(`CREATE (n:\`${label}\` {name: $name}) RETURN n.name`, { name: 'Ada' })
          const other = await tx.run(`MERGE (n:\`${label}\` {name: $name}) RETURN n.name`, { name: 'Bea' })
          return [value(one), value(other)]
        })
        assert.deepEqual(names, ['Ada', 'Bea'])
        const found = await session.executeRead(tx =>
          tx.run(`MATCH (n:\`${label}\`) RETURN n.name ORDER BY n.name`)
        )
        assert.deepEqual(rows(found), [['Ada'], ['Bea']])
      })

      test('a deadlock of two ends one of them, which runs again, and both take effect', async t => {
        const label = randomUUID()
        const driver = start(t)
        await driver.executeQuery(
          `CREATE (:\`${label}\` {name: 'a', n: 0}), (:\`${label}\` {name: 'b', n: 0})`
        )
        let attempts = 0
        const add = (name, tx) =>
          tx.run(`MATCH (x:\`${label}\` {name: $name}) SET x.n = x.n + 1 RETURN x.n`, { name })
        /** Takes one lock, waits until the other has taken the other, and wants that one too. */
        const crossing = async (first, second, mine, theirs) => {
          const session = sessionOf(t, driver, {
            ...WRITE,
            bookmarkManager: driver.executeQueryBookmarkManager
          })
          await session.executeWrite(async tx => {
            attempts++
            await add(first, tx)
            mine.open()
            await theirs.opened
            await add(second, tx)
          })
        }
        const [one, other] = [gate(), gate()]
        await Promise.all([crossing('a', 'b', one, other), crossing('b', 'a', other, one)])
        assert.equal(attempts, 3, 'one of two runs again, once')
        const { records } = await driver.executeQuery(
          `MATCH (x:\`${label}\`) RETURN x.name, x.n ORDER BY x.name`,
          {},
          { routing: neo4j.routing.READ }
        )
        assert.deepEqual(rows({ records }), [
          ['a', 2],
          ['b', 2]
        ])
      })

      test('an explicit transaction in a deadlock gets the error, and may be retried by its code', async t => {
        const label = randomUUID()
        const driver = start(t)
        await driver.executeQuery(`CREATE (:\`${label}\` {name: 'a'}), (:\`${label}\` {name: 'b'})`)
        const lock = (name, tx) => tx.run(`MATCH (x:\`${label}\` {name: $name}) SET x.n = 1`, { name })
        const begin = () => sessionOf(t, driver, WRITE).beginTransaction()
        const [one, other] = [await begin(), await begin()]
        await lock('a', one)
        await lock('b', other)
        const ends = await Promise.allSettled([
          lock('b', one).then(() => one.commit()),
          lock('a', other).then(() => other.commit())
        ])
        const errors = ends.filter(({ status }) => status === 'rejected').map(({ reason }) => reason)
        assert.equal(errors.length, 1)
        assert.equal(errors[0].code, 'Neo.TransientError.Transaction.DeadlockDetected')
        assert.equal(errors[0].retryable, true)
        assert.equal(neo4j.isRetryableError(errors[0]), true)
      })

      test('what the function throws rolls back, surfaces as it is, and is not tried again', async t => {
        const label = randomUUID()
        const driver = start(t)
        const session = sessionOf(t, driver, WRITE)
        const reason = new Error('changed its mind')
        let attempts = 0
        const error = await failing(
          session.executeWrite(async tx => {
            attempts++
            await tx.run(`CREATE (:\`${label}\`)`)
            throw reason
          })
        )
        assert.equal(error, reason)
        assert.equal(attempts, 1)
        assert.equal(await count(t, driver, label, session.lastBookmarks()), 0)
        assert.equal(value(await session.executeWrite(tx => tx.run('RETURN 1'))), 1, 'the session goes on')
      })

      test('an error that another attempt cannot cure is not tried again', async t => {
        const session = sessionOf(t, start(t), WRITE)
        let attempts = 0
        const error = await failing(
          session.executeWrite(tx => {
            attempts++
            return tx.run('RETURN 1 / 0')
          })
        )
        assert.equal(error.code, 'Neo.ClientError.Statement.ArithmeticError')
        assert.equal(error.retryable, false)
        assert.equal(attempts, 1)
      })

      test('under their old names they do the same', async t => {
        const label = randomUUID()
        const session = sessionOf(t, start(t), WRITE)
        await session.writeTransaction(tx => tx.run(`CREATE (:\`${label}\`)`))
        const seen = await session.readTransaction(tx => tx.run(`MATCH (n:\`${label}\`) RETURN count(n)`))
        assert.equal(value(seen), 1)
      })
    })

    // ---- explicit transactions ----

    describe('a transfer to another bank', () => {
      const NO_MONEY = 'the balance does not suffice'

      /** Takes an amount from a customer here, once `receive` says that the other bank has it; else nothing changes. */
      const transfer = async (session, customer, amount, receive) => {
        const tx = await session.beginTransaction()
        try {
          const found = await tx.run('MATCH (c:Customer {id: $customer}) RETURN c.balance >= $amount', {
            customer,
            amount
          })
          if (value(found) !== true) throw new Error(NO_MONEY)
          await tx.run('MATCH (c:Customer {id: $customer}) SET c.balance = c.balance - $amount', {
            customer,
            amount
          })
          await receive()
          await tx.commit()
        } catch (error) {
          await tx.rollback()
          throw error
        }
      }

      /** A customer with 100, and how to look at the balance. */
      const customer = async t => {
        const id = randomUUID()
        const driver = start(t)
        const session = sessionOf(t, driver, WRITE)
        await session.executeWrite(tx => tx.run('CREATE (:Customer {id: $id, balance: 100.0})', { id }))
        const balance = async () =>
          value(
            await session.executeRead(tx => tx.run('MATCH (c:Customer {id: $id}) RETURN c.balance', { id }))
          )
        return { id, driver, session, balance }
      }

      test('that goes well is done on both sides', async t => {
        const { id, session, balance } = await customer(t)
        const received = []
        await transfer(session, id, 30, async () => received.push(30))
        assert.deepEqual([await balance(), received], [70, [30]])
      })

      test('for which the balance does not suffice changes nothing', async t => {
        const { id, session, balance } = await customer(t)
        const received = []
        const error = await failing(transfer(session, id, 130, async () => received.push(130)))
        assert.equal(error.message, NO_MONEY)
        assert.deepEqual([await balance(), received], [100, []])
      })

      test('that the other bank refuses is rolled back', async t => {
        const { id, session, balance } = await customer(t)
        const error = await failing(
          transfer(session, id, 30, async () => {
            throw new Error('the other bank is closed')
          })
        )
        assert.equal(error.message, 'the other bank is closed')
        assert.equal(await balance(), 100)
      })

      test('in which a query fails is rolled back, and its transaction refuses further work', async t => {
        const { id, session, balance } = await customer(t)
        const tx = await session.beginTransaction()
        await tx.run('MATCH (c:Customer {id: $id}) SET c.balance = 0', { id })
        assert.equal(
          (await failing(tx.run('RETURN 1 / 0'))).code,
          'Neo.ClientError.Statement.ArithmeticError'
        )
        assert.equal(tx.isOpen(), false)
        assert.match((await failing(tx.run('RETURN 1'))).message, /Cannot run query in this transaction/)
        assert.match((await failing(tx.commit())).message, /Cannot commit this transaction/)
        await tx.rollback()
        assert.equal(await balance(), 100)
      })

      test('that nobody ends is rolled back by close(), of the transaction or of its session', async t => {
        const { id, driver, session, balance } = await customer(t)
        const text = 'MATCH (c:Customer {id: $id}) SET c.balance = 0'
        const tx = await session.beginTransaction()
        await tx.run(text, { id })
        await tx.close()
        assert.equal(tx.isOpen(), false)
        assert.equal(await balance(), 100)
        const other = driver.session(WRITE)
        await other.beginTransaction().run(text, { id })
        await other.close()
        assert.equal(await balance(), 100)
      })
    })

    test('a session has one transaction at a time', async t => {
      const session = sessionOf(t, start(t), WRITE)
      const tx = session.beginTransaction()
      await tx.run('RETURN 1')
      const second = async () => session.beginTransaction()
      assert.match((await failing(second())).message, /transaction/i)
      assert.match((await failing((async () => session.run('RETURN 1'))())).message, /transaction/i)
      assert.match(
        (await failing((async () => session.executeRead(work => work.run('RETURN 1')))())).message,
        /transaction/i
      )
      // it itself is not disturbed by that
      assert.equal(value(await tx.run('RETURN 2')), 2)
      await tx.commit()
      const next = await session.beginTransaction()
      assert.equal(value(await next.run('RETURN 3')), 3)
      await next.commit()
      assert.equal(value(await session.run('RETURN 4')), 4)
    })

    test('another session sees what was written when it is committed, and not before', async t => {
      const label = randomUUID()
      const driver = start(t)
      const session = sessionOf(t, driver, WRITE)
      const tx = await session.beginTransaction()
      await tx.run(`CREATE (:\`${label}\`)`)
      assert.equal(value(await tx.run(`MATCH (n:\`${label}\`) RETURN count(n)`)), 1)
      assert.equal(await count(t, driver, label), 0)
      await tx.commit()
      assert.equal(await count(t, driver, label, session.lastBookmarks()), 1)
    })

    // ---- parallel transactions in causal order ----

    describe('causal order', () => {
      const employ = (label, name, company) => [
        `MERGE (c:\`${label}\` {name: $company}) MERGE (p:\`${label}\` {name: $name}) CREATE (p)-[:WORKS_FOR]->(c)`,
        { name, company }
      ]
      const befriend = label => [
        `MATCH (a:\`${label}\` {name: 'Alice'}), (b:\`${label}\` {name: 'Bob'}) CREATE (a)-[:KNOWS]->(b)
         RETURN count(*)`
      ]
      const friends = label => [
        `MATCH (c)<-[:WORKS_FOR]-(a:\`${label}\`)-[:KNOWS]->(b)-[:WORKS_FOR]->(d)
         RETURN a.name, c.name, b.name, d.name`
      ]
      const FRIENDS = [['Alice', 'Wayne Enterprises', 'Bob', 'LexCorp']]

      test('executeQuery: each query sees what those before it did', async t => {
        const driver = start(t)
        for (let n = 1; n <= 3; n++) {
          const label = randomUUID()
          await driver.executeQuery(...employ(label, 'Alice', 'Wayne Enterprises'))
          await driver.executeQuery(...employ(label, 'Bob', 'LexCorp'))
          const { records } = await driver.executeQuery(...befriend(label))
          assert.equal(value({ records }), 1)
          const found = await driver.executeQuery(...friends(label), {}, { routing: neo4j.routing.READ })
          assert.deepEqual(rows(found), FRIENDS)
        }
      })

      test('one session: each transaction sees what those before it did', async t => {
        const driver = start(t)
        const session = sessionOf(t, driver, WRITE)
        for (let n = 1; n <= 3; n++) {
          const label = randomUUID()
          await session.executeWrite(tx => tx.run(...employ(label, 'Alice', 'Wayne Enterprises')))
          await session.executeWrite(tx => tx.run(...employ(label, 'Bob', 'LexCorp')))
          assert.equal(value(await session.executeWrite(tx => tx.run(...befriend(label)))), 1)
          assert.deepEqual(rows(await session.executeRead(tx => tx.run(...friends(label)))), FRIENDS)
        }
      })

      test('several sessions: the last sees what those did whose bookmarks it was given', async t => {
        const driver = start(t)
        for (let n = 1; n <= 3; n++) {
          const label = randomUUID()
          const written = await Promise.all(
            [
              ['Alice', 'Wayne Enterprises'],
              ['Bob', 'LexCorp']
            ].map(async ([name, company]) => {
              const session = sessionOf(t, driver, WRITE)
              await session.executeWrite(tx => tx.run(...employ(label, name, company)))
              return session.lastBookmarks()
            })
          )
          for (const bookmarks of written) assert.ok(bookmarks.length > 0)
          const third = sessionOf(t, driver, { ...WRITE, bookmarks: written.flat() })
          assert.equal(value(await third.executeWrite(tx => tx.run(...befriend(label)))), 1)
          const reader = sessionOf(t, driver, { ...READ, bookmarks: third.lastBookmarks() })
          assert.deepEqual(rows(await reader.executeRead(tx => tx.run(...friends(label)))), FRIENDS)
        }
      })

      test('executeQuery and sessions with one bookmark manager see what the others did', async t => {
        const driver = start(t)
        const bookmarkManager = driver.executeQueryBookmarkManager
        for (let n = 1; n <= 3; n++) {
          const label = randomUUID()
          await driver.executeQuery(...employ(label, 'Alice', 'Wayne Enterprises'))
          const session = sessionOf(t, driver, { ...WRITE, bookmarkManager })
          await session.executeWrite(tx => tx.run(...employ(label, 'Bob', 'LexCorp')))
          await driver.executeQuery(...befriend(label))
          const reader = sessionOf(t, driver, { ...READ, bookmarkManager })
          assert.deepEqual(rows(await reader.executeRead(tx => tx.run(...friends(label)))), FRIENDS)
        }
      })

      test('two drivers whose bookmark managers tell each other see what the other did', async t => {
        const label = randomUUID()
        const told = new Set()
        const bookmarksConsumer = bookmarks => {
          for (const one of bookmarks) told.add(one)
        }
        const bookmarksSupplier = async () => [...told]
        const writer = neo4j.bookmarkManager({ bookmarksConsumer })
        const reader = neo4j.bookmarkManager({ bookmarksSupplier })
        const [one, other] = [start(t), start(t)]
        for (let n = 1; n <= 3; n++) {
          await one.executeQuery(`CREATE (:\`${label}\`)`, {}, { bookmarkManager: writer })
          assert.ok(told.size >= 1, 'the consumer was not told')
          const { records } = await other.executeQuery(
            `MATCH (n:\`${label}\`) RETURN count(n)`,
            {},
            { bookmarkManager: reader, routing: neo4j.routing.READ }
          )
          assert.equal(value({ records }), n)
        }
      })
    })

    // ---- executeQuery ----

    test('executeQuery gives keys, records and summary, or what a transformer makes of them', async t => {
      const driver = start(t)
      const text = 'UNWIND $list AS n RETURN n, n * 2 AS twice'
      const parameters = { list: [1, 2, 3].map(n => neo4j.int(n)) }
      const { keys, records, summary } = await driver.executeQuery(text, parameters)
      assert.deepEqual(keys, ['n', 'twice'])
      assert.deepEqual(rows({ records }), [
        [1, 2],
        [2, 4],
        [3, 6]
      ])
      assert.equal(summary.query.text, text)
      assert.deepEqual(summary.query.parameters, parameters)
      const resultTransformer = neo4j.resultTransformers.mapped({
        map: record => record.get('twice').toNumber(),
        collect: list => list.reduce((sum, n) => sum + n, 0)
      })
      assert.equal(await driver.executeQuery(text, parameters, { resultTransformer }), 12)
    })

    test('executeQuery writes in one transaction, or not at all', async t => {
      const label = randomUUID()
      const driver = start(t)
      const error = await failing(
        driver.executeQuery(`UNWIND [1, 0] AS n CREATE (:\`${label}\`) RETURN 1 / n`)
      )
      assert.equal(error.code, 'Neo.ClientError.Statement.ArithmeticError')
      assert.equal(await count(t, driver, label), 0)
    })
  })
