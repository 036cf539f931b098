// One measurement in a process of its own: `node --expose-gc client.mjs JOB`, where JOB is the JSON text of
// `{peer, measurement, uri, user, password, queries}`. Prints as JSON what the measurement tells.
import { Subject } from './subject.mjs'
import { measurements } from './workloads/index.mjs'

const job = JSON.parse(process.argv[2])
const subject = new Subject(job)
try {
  const measured = await measurements.find(({ name }) => name === job.measurement).run(subject)
  console.log(JSON.stringify(measured))
} finally {
  await subject.close()
}
