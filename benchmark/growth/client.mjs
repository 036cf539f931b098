// One size of a measure by one peer, in a process of its own: `node --expose-gc client.mjs JOB`. Prints its figures as JSON.
import { Subject } from '../subject.mjs'
import { measures } from './measures.mjs'

const job = JSON.parse(process.argv[2])
const subject = new Subject(job)
try {
  console.log(JSON.stringify(await measures[job.measure].measure(subject, job.size)))
} finally {
  await subject.close()
}
