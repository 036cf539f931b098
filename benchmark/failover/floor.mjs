// The floor: a bare prober which keeps connections to each member and tries a write and a read on each all the time, without any
// opinion on who is what. Its first acknowledged write is when the cluster was back. A process as `client.mjs` is one.

import { setTimeout as sleep } from 'node:timers/promises'
import { load, THEIRS } from '../peers.mjs'
import { now } from './clock.mjs'
import { queries } from './queries.mjs'
import { ending, telling } from './told.mjs'

/** From one attempt to the next, in ms: after a failure, and while all is well. */
const HURRIED = 5
const CALM = 15
/** An attempt that takes so long, in ms, is overtaken by another on another connection. */
const OVERTAKEN = 100
/** Most attempts that may be under way on a member. */
const MOST = 60

const { label, writer, auth, members } = JSON.parse(process.argv[2])
const neo4j = load(THEIRS)
const told = telling()

const texts = queries(label)

/** One attempt on one member. @returns {Promise<boolean>} whether it was acknowledged */
async function attempt({ driver, member }, kind) {
  const one = { kind, member, begun: now(), ended: 0, outcome: 'unsettled' }
  const session = driver.session()
  try {
    await session.run(texts[kind], { writer, id: 0 })
    Object.assign(one, { ended: now(), outcome: 'acknowledged' })
    told.log.push(one)
    told.acknowledged(one)
    return true
  } catch {
    return false
  } finally {
    session.close().catch(() => {})
  }
}

async function probe(to, kind) {
  let underWay = 0
  while (!told.isStopped) {
    if (underWay >= MOST) {
      await sleep(OVERTAKEN)
      continue
    }
    underWay++
    const overtaken = new AbortController()
    const work = attempt(to, kind).finally(() => {
      underWay--
      overtaken.abort()
    })
    const late = sleep(OVERTAKEN, false, { signal: overtaken.signal }).catch(() => false)
    const isWell = await Promise.race([work, late])
    await sleep(isWell ? CALM : HURRIED)
  }
}

const probed = members.map(({ bolt }, i) => ({
  member: i + 1,
  driver: neo4j.driver(bolt, neo4j.auth.basic(auth.user, auth.pass), {
    maxConnectionPoolSize: 2 * MOST,
    connectionTimeout: 2_000
  })
}))
await Promise.all(probed.flatMap(to => Object.keys(texts).map(kind => probe(to, kind))))
await ending(told, () => Promise.all(probed.map(({ driver }) => driver.close())))
