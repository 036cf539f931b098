// What is measured of each size: a function of a `Subject` and the size, that gives figures.
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { settle, timed } from '../measure.mjs'
import { inSession, iterate } from '../workloads/read.mjs'
import { askBy } from '../workloads/small.mjs'
import { readRow } from '../workloads/values.mjs'
import { makeRecords } from './records.mjs'

/** So many rows are read before what counts, by results of the size that is measured or of this one. */
const WARM_UP_ROWS = 100_000
/** So many rows at least are read, and so many sessions opened, for a figure. */
const ROWS = 200_000
const SESSIONS = 20_000

const text = rows => `SCAN ${rows}`
const US = 1e6

/** CPU and wall time of a row, of results of so many rows one after the other. */
async function rows(subject, size) {
  const driver = subject.open()
  const read = async (query, times) => {
    for (let i = 0; i < times; i++) await iterate(driver, query, readRow)
  }
  await read(text(Math.min(size, WARM_UP_ROWS)), Math.ceil(WARM_UP_ROWS / Math.max(size, 100)))
  await settle()
  // Of results of few rows so many that it does not take for ever: each of them is a query.
  const times = Math.max(1, Math.ceil(ROWS / Math.max(size, 10)))
  const { seconds, cpuSeconds } = await timed(() => read(text(size), times))
  const count = times * size
  return { usPerRow: (seconds / count) * US, cpuUsPerRow: (cpuSeconds / count) * US }
}

/** CPU and wall time of a small query, so many sessions at the same time, each opened and closed for it. */
async function sessions(subject, size) {
  const driver = subject.open()
  const ask = () => askBy(driver.session(), subject.queries.one)
  const all = async times => {
    for (let i = 0; i < times; i++) await Promise.all(Array.from({ length: size }, ask))
  }
  const times = Math.max(1, Math.ceil(SESSIONS / Math.max(size, 4)))
  await all(Math.ceil(times / 4))
  await settle()
  const { seconds, cpuSeconds } = await timed(() => all(times))
  const count = times * size
  return { usPerQuery: (seconds / count) * US, cpuUsPerQuery: (cpuSeconds / count) * US }
}

/** Bytes of memory of a record that the program keeps. */
async function kept(subject, size) {
  const driver = subject.open()
  const collected = async rows => (await inSession(driver, session => session.run(text(rows)))).records
  await collected(1_000)
  const before = await inUse()
  const records = await collected(size)
  const after = await inUse()
  const [heap, outside] = [after.heap - before.heap, after.outside - before.outside]
  return { records: records.length, heapBytes: heap / size, outsideBytes: outside / size }
}

/**
 * CPU time of a collected row, and how much of it passes while garbage is collected; and the CPU time that the same objects take made
 * of nothing: no bytes are read for them.
 */
async function collected(subject, size) {
  const driver = subject.open()
  const all = () => inSession(driver, session => session.run(text(size)))
  await all()
  makeRecords(size)
  await settle()
  let pauses = 0
  const observer = new PerformanceObserver(list => {
    for (const { duration } of list.getEntries()) pauses += duration
  })
  observer.observe({ entryTypes: ['gc'] })
  const { cpuSeconds } = await timed(all)
  await sleep(50) // what is observed is told later
  observer.disconnect()
  await settle()
  const { cpuSeconds: made } = await timed(async () => makeRecords(size))
  const share = seconds => (seconds / size) * US
  return { cpuUsPerRow: share(cpuSeconds), gcUsPerRow: share(pauses / 1e3), madeUsPerRow: share(made) }
}

/** What is in use when there is no garbage, on V8's heap and in what it holds outside of it. */
async function inUse() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await sleep(50)
  }
  const { heapUsed, external } = process.memoryUsage()
  return { heap: heapUsed, outside: external }
}

export const measures = {
  rows: { sizes: [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000], measure: rows },
  sessions: { sizes: [1, 10, 100, 1_000, 10_000], measure: sessions },
  collected: { sizes: [1_000_000], measure: collected },
  kept: { sizes: [1_000_000], measure: kept }
}
