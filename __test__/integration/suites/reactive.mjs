// Reactive sessions, on a server.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe } from 'node:test'
import { concatWith, count, firstValueFrom, lastValueFrom, map, mergeMap, take, tap, toArray } from 'rxjs'
import { connect, failing, test } from '../support.mjs'

const ended = observable => lastValueFrom(observable, { defaultValue: undefined })

/**
 * @param {{ cluster: import('../../../tools/servers/index.mjs').Cluster }} set
 * @param {object} about
 * @param {string} [about.scheme] of the URI
 */
export const reactiveSuite = (set, { scheme } = {}) =>
  describe('reactive sessions', () => {
    const start = (t, config) => connect(t, set.cluster, { scheme }).rxSession(config)

    test('100,000 records come one by one, or as many as are wanted', async t => {
      const session = start(t, { fetchSize: 100 })
      const query = 'UNWIND range(1, 100000) AS n RETURN n'
      assert.equal(await lastValueFrom(session.run(query).records().pipe(count())), 100_000)
      const few = session
        .run(query)
        .records()
        .pipe(
          take(3),
          map(record => record.get('n').toInt()),
          toArray()
        )
      assert.deepEqual(await lastValueFrom(few), [1, 2, 3])
      assert.equal((await firstValueFrom(session.run(query).consume())).queryType, 'r')
      await ended(session.close())
    })

    test('a transaction function is committed; one that fails is rolled back', async t => {
      const session = start(t)
      const id = randomUUID()
      const create = tx => tx.run('CREATE (n:Reactive {id: $id}) RETURN n.id AS id', { id }).records()
      const read = () =>
        lastValueFrom(
          session
            .executeRead(tx => tx.run('MATCH (n:Reactive {id: $id}) RETURN n', { id }).records())
            .pipe(count())
        )
      const error = await failing(
        ended(
          session.executeWrite(tx =>
            create(tx).pipe(
              tap(() => {
                throw new Error('of the application')
              })
            )
          )
        )
      )
      assert.equal(error.message, 'of the application')
      assert.equal(await read(), 0)
      const ids = session.executeWrite(create).pipe(map(record => record.get('id')))
      assert.equal(await lastValueFrom(ids), id)
      assert.equal(await read(), 1)
      await ended(session.close())
    })

    test('a transaction of several queries is committed as one', async t => {
      const session = start(t)
      const id = randomUUID()
      const create = 'CREATE (:Reactive {id: $id})'
      await ended(
        session.beginTransaction().pipe(
          mergeMap(tx =>
            tx
              .run(create, { id })
              .consume()
              .pipe(concatWith(tx.run(create, { id }).consume(), tx.commit()))
          )
        )
      )
      assert.equal(session.lastBookmarks().length, 1)
      const found = session.run('MATCH (n:Reactive {id: $id}) RETURN n', { id }).records().pipe(count())
      assert.equal(await lastValueFrom(found), 2)
      await ended(session.close())
    })
  })
