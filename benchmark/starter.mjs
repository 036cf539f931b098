// One start in a process of its own, `node starter.mjs JOB`, with the JSON text that `client.mjs` gets: loads a driver, and
// ends with its first record. Prints as JSON what was measured from before the one to after the other.
import { shares, timed } from './measure.mjs'
import { load } from './peers.mjs'

const { peer, uri, user, password, queries } = JSON.parse(process.argv[2])
const { result, ...times } = await timed(async () => {
  const neo4j = load(peer)
  const driver = neo4j.driver(uri, neo4j.auth.basic(user, password))
  const session = driver.session()
  const { records } = await session.run(queries.one)
  return { driver, session, checksum: { answered: records[0].get('n').toNumber() } }
})
console.log(JSON.stringify({ ...shares(times, 1), checksum: result.checksum }))
await result.session.close()
await result.driver.close()
