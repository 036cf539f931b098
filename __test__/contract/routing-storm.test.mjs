// neo4j:// in a storm: leaders move, members vanish and come back, and every piece of work still has one outcome.
import assert from 'node:assert/strict'
import { connect, Neo4jHA, routing, settle, test } from '../support/contract.mjs'
import { until, within } from '../support/until.mjs'

const neo4j = Neo4jHA.driver

/** The same numbers for the same seed: a storm that broke something can be had again. */
const random = seed => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed / 2 ** 32
}

const transient = [
  'Neo.ClientError.Cluster.NotALeader',
  'Neo.ClientError.General.ForbiddenOnReadOnlyDatabase',
  'Neo.TransientError.General.DatabaseUnavailable',
  'Neo.TransientError.Transaction.DeadlockDetected'
]

for (const [seed, version] of [
  [1, '3.0'],
  [2, '4.2'],
  [3, '5.8']
]) {
  test(
    `no write is lost, none is done twice, nothing hangs: storm ${seed}, Bolt ${version}`,
    async t => {
      const next = random(seed)
      const cluster = await routing(t, { versions: [version], cores: 3, ttl: 1 })
      // What was committed: the parameter of the last RUN on a connection, when its COMMIT is answered.
      const committed = []
      const running = new Map()
      for (const member of cluster.members) {
        member.when('RUN', async x => {
          const id = x.message.fields[1].id
          if (id === undefined) return x.reply()
          running.set(x.connection, Number(id))
          const dice = next()
          if (dice < 0.1) return x.fail(transient[Math.floor(next() * transient.length)], 'a storm')
          if (dice < 0.15) return x.reset()
          return x.reply()
        })
        member.when('COMMIT', async x => {
          // Nothing is committed by a connection that is gone.
          if (x.connection.alive) committed.push(running.get(x.connection))
          await x.reply()
        })
      }
      const driver = connect(t, cluster.uri, undefined, { maxConnectionPoolSize: 20 })
      const work = Array.from({ length: 60 }, (_, id) =>
        settle(
          driver.executeQuery(
            'CREATE (n {id: $id})',
            { id },
            { routing: id % 3 === 0 ? neo4j.routing.READ : neo4j.routing.WRITE }
          )
        )
      )
      let over = false
      const weather = (async () => {
        while (!over) {
          const leader = Math.floor(next() * 3)
          const down = cluster.members[(leader + 1) % 3]
          cluster.table.writers = [cluster.members[leader]]
          cluster.table.readers = cluster.members.filter(member => member !== cluster.members[leader])
          await down.stop()
          await new Promise(resolve => setTimeout(resolve, 40))
          await down.listen()
          await new Promise(resolve => setTimeout(resolve, 40))
        }
      })()
      const outcomes = await within(Promise.all(work), 55_000, 'the work')
      over = true
      await weather
      const done = outcomes.flatMap(({ error }, id) => (error ? [] : [id]))
      const twice = committed.filter((id, i) => committed.indexOf(id) !== i)
      assert.deepEqual(twice, [])
      for (const id of done) assert.ok(committed.includes(id), `${id} was answered, and not committed`)
      // A member that is killed may take the answer of a COMMIT with it; all other work gets through.
      for (const { error } of outcomes) assert.ok(error === undefined || error.unknownOutcome, `${error}`)
      assert.ok(done.length > work.length / 2, `${done.length} of ${work.length}`)
      await driver.close()
      await until(() => cluster.members.every(({ connections }) => connections.open === 0))
    },
    { timeout: 70_000 }
  )
}
