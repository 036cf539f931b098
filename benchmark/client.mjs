// One measurement in a process of its own: `node --expose-gc client.mjs JOB`, where JOB is the JSON text of
// `{peer, workload, uri, user, password, queries}`. Prints `{value, cpu, checksum}` as JSON.
import { load } from './peers.mjs'
import { workloads } from './workloads/index.mjs'

const job = JSON.parse(process.argv[2])
const neo4j = load(job.peer)
const driver = neo4j.driver(job.uri, neo4j.auth.basic(job.user, job.password))
try {
  const figures = await workloads.find(({ name }) => name === job.workload).run(driver, job.queries)
  console.log(JSON.stringify(figures))
} finally {
  await driver.close()
}
