// Workloads that read one large result: rows of scalars, nodes, lists.
import { delayed, peaked, settle, timed } from '../measure.mjs'
import { collect, iterate, subscribe } from './read.mjs'

function readRow(record, checksum) {
  const name = record.get('name')
  checksum.rows++
  checksum.sum +=
    record.get('id').toNumber() + name.length + name.charCodeAt(name.length - 1) + record.get('score')
}

function readNode(record, checksum) {
  const { identity, elementId, labels, properties } = record.get('n')
  const { name, age, score, active, city } = properties
  checksum.rows++
  checksum.sum +=
    identity.toNumber() +
    elementId.length +
    labels[0].length +
    name.length +
    age.toNumber() +
    score +
    city.length
  if (active) checksum.sum++
}

function readList(record, checksum) {
  checksum.rows++
  for (const item of record.get('l')) checksum.sum += item.toNumber()
}

/** Rows a second of one run, after a whole one that warms up. */
const throughput = (deliver, query, read) => async (driver, queries) => {
  const run = () => deliver(driver, queries[query], read)
  await run()
  await settle()
  const { result, seconds, cpuSeconds } = await timed(run)
  return { value: result.rows / seconds, cpu: cpuSeconds / result.rows, checksum: `${result}` }
}

const scanned = throughput(collect, 'scan', readRow)

/** For so long at least the event loop is watched: as many delays of the one driver as of the other, however fast a scan is. */
const WATCHED_MS = 2_000

/** Runs again until so many milliseconds are over; gives the last result. */
const repeated = async (run, ms) => {
  const end = performance.now() + ms
  for (;;) {
    const result = await run()
    if (performance.now() >= end) return result
  }
}

export const resultWorkloads = [
  {
    name: 'scan-collect',
    unit: 'rows/s',
    better: 'higher',
    floor: 1.5,
    run: scanned
  },
  {
    name: 'scan-stream',
    unit: 'rows/s',
    better: 'higher',
    run: throughput(subscribe, 'scan', readRow)
  },
  {
    name: 'scan-iterate',
    unit: 'rows/s',
    better: 'higher',
    run: throughput(iterate, 'scan', readRow)
  },
  {
    name: 'scan-cpu',
    unit: 'CPU us/row',
    better: 'lower',
    run: async (driver, queries) => {
      const { cpu, checksum } = await scanned(driver, queries)
      return { value: cpu * 1e6, checksum }
    }
  },
  {
    name: 'loop-p99',
    unit: 'ms',
    better: 'lower',
    run: async (driver, queries) => {
      const run = () => subscribe(driver, queries.scan, readRow)
      await run()
      await settle()
      const { result, p99 } = await delayed(() => repeated(run, WATCHED_MS))
      return { value: p99, checksum: `${result}` }
    }
  },
  {
    name: 'scan-memory',
    unit: 'MiB',
    better: 'lower',
    run: async (driver, queries) => {
      // No large result before the one that is measured; only the connection is made.
      await collect(driver, queries.one, () => {})
      const { result, mebibytes } = await peaked(() => collect(driver, queries.scan, readRow))
      return { value: mebibytes, checksum: `${result}` }
    }
  },
  {
    name: 'nodes-collect',
    unit: 'rows/s',
    better: 'higher',
    floor: 4,
    run: throughput(collect, 'nodes', readNode)
  },
  {
    name: 'lists-collect',
    unit: 'rows/s',
    better: 'higher',
    run: throughput(collect, 'lists', readList)
  }
]
