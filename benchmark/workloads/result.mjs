// Workloads that read one large result: rows of scalars, nodes, lists, and so on.
import { peaked, settle, shares, timed, watched } from '../measure.mjs'
import { median } from '../report.mjs'
import { cpu, loopDelay, rate } from './figures.mjs'
import { collect, inSession, iterate, readAll, subscribe } from './read.mjs'
import {
  readBytes,
  readId,
  readIntegers,
  readMap,
  readNode,
  readNumbers,
  readPath,
  readRow,
  readRowOfNumbers,
  readTemporal,
  readText
} from './values.mjs'

/** For so long at least the event loop is watched: as many delays of the one driver as of the other, however fast a scan is. */
const WATCHED_MS = 2_000

/** Rows a second of one run, after a whole one that warms up. */
const once = (name, deliver, query, read, { config, servers } = {}) => ({
  name,
  query,
  servers,
  run: async subject => {
    const driver = subject.open(config)
    const run = () => deliver(driver, subject.queries[query], read)
    await run()
    await settle()
    const { result, ...times } = await timed(run)
    return { ...shares(times, result.rows), checksum: result }
  }
})

/** Runs again until so many milliseconds are over; gives what came of each. */
const again = async (run, ms) => {
  const end = performance.now() + ms
  const results = []
  do results.push(await run())
  while (performance.now() < end)
  return results
}

const scanCollect = once('scan-collect', collect, 'scan', readRow)
const numbers = { config: { disableLosslessIntegers: true } }

const loop = {
  name: 'loop',
  query: 'scan',
  run: async subject => {
    const driver = subject.open()
    const run = () => iterate(driver, subject.queries.scan, readRow)
    await run()
    await settle()
    const { result, ...times } = await timed(() => again(run, WATCHED_MS))
    const [read] = result
    return { ...shares(times, read.rows * result.length), checksum: read }
  }
}

/**
 * Watched is the driver's part alone: the program's own reading of a million records would be the longest of the delays. The
 * percentile is that within one collecting, the median of them.
 */
const collectLoop = {
  name: 'collect-loop',
  query: 'scan',
  run: async subject => {
    const driver = subject.open()
    const { scan } = subject.queries
    await collect(driver, scan, readRow)
    await settle()
    const run = () =>
      inSession(driver, async session => {
        const { result, delay } = await watched(() => session.run(scan))
        return { delay, read: readAll(result.records, readRow) }
      })
    const { result, ...times } = await timed(() => again(run, WATCHED_MS))
    const [{ read }] = result
    const over = (key, whole) => whole(result.map(({ delay }) => delay[key]))
    const delay = {
      p50: over('p50', median),
      p99: over('p99', median),
      max: over('max', all => Math.max(...all))
    }
    return { ...shares({ ...times, delay }, read.rows * result.length), checksum: read }
  }
}

/** No large result before the one that is measured; only the connection is made. */
const scanMemory = {
  name: 'scan-memory',
  query: 'scan',
  run: async subject => {
    const driver = subject.open()
    await collect(driver, subject.queries.one, () => {})
    const { result, mebibytes } = await peaked(() =>
      timed(() => collect(driver, subject.queries.scan, readRow))
    )
    const { result: checksum, ...times } = result
    return { ...shares(times, checksum.rows), mebibytes, checksum }
  }
}

const rows = (name, limits, ...how) => ({
  name,
  ...rate('rows'),
  ...limits,
  measurement: once(name, ...how)
})

export const resultWorkloads = [
  { name: 'scan-collect', ...rate('rows'), floor: 5, goal: 7, measurement: scanCollect },
  rows('scan-stream', { floor: 6.5, goal: 10 }, subscribe, 'scan', readRow),
  rows('scan-iterate', { floor: 11, goal: 18 }, iterate, 'scan', readRow),
  rows('scan-one-field', { floor: 6, goal: 8 }, collect, 'scan', readId),
  rows('scan-numbers', { floor: 4, goal: 6 }, collect, 'scan', readRowOfNumbers, numbers),
  { name: 'scan-cpu', ...cpu('row'), floor: 5, goal: 7, measurement: scanCollect },
  {
    name: 'scan-memory',
    unit: 'MiB',
    better: 'lower',
    figure: ({ mebibytes }) => mebibytes,
    floor: 2.8,
    goal: 4,
    measurement: scanMemory
  },
  { name: 'loop-p99', ...loopDelay('p99'), floor: 1.5, goal: 4, measurement: loop },
  { name: 'loop-max', ...loopDelay('max'), floor: 2, goal: 8, measurement: loop },
  { name: 'collect-loop-p99', ...loopDelay('p99'), floor: 0.9, goal: 1.5, measurement: collectLoop },
  rows('nodes-collect', { floor: 6.5, goal: 10 }, collect, 'nodes', readNode),
  rows('nodes-iterate', { floor: 11, goal: 18 }, iterate, 'nodes', readNode),
  rows('lists-integer', { floor: 4, goal: 5 }, collect, 'lists', readIntegers),
  rows('lists-number', { floor: 6, goal: 8 }, collect, 'lists', readNumbers, numbers),
  rows('maps', { floor: 3, goal: 6 }, collect, 'maps', readMap),
  rows('paths', { floor: 3, goal: 6 }, collect, 'paths', readPath),
  rows('temporal', { floor: 3, goal: 6 }, collect, 'temporal', readTemporal),
  rows('strings', { floor: 3, goal: 6 }, collect, 'strings', readText),
  // No query of a real server makes byte arrays.
  rows('bytes', { floor: 3, goal: 6 }, collect, 'bytes', readBytes, { servers: ['replay'] })
]
