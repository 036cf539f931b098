// One row of a measure, in a process of its own: `node --expose-gc client.mjs MEASURE SIZE`. Prints its figures as JSON. The servers
// are child processes of it, whose CPU time and memory are not its own.

import { clusterOf } from './cluster.mjs'
import { measures } from './measures/index.mjs'

const [name, size] = process.argv.slice(2)
const started = []
const start = async members => {
  const cluster = await clusterOf(members)
  started.push(cluster)
  return cluster
}
try {
  const figures = await measures.find(one => one.name === name).measure(Number(size), start)
  console.log(JSON.stringify(figures))
} finally {
  for (const cluster of started) await cluster.stop()
}
