// What one client process can tell of itself.
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const MIB = 1 << 20
const NS_PER_MS = 1e6

/** Leaves no garbage and no unfinished business of what ran before to what is measured next. */
export async function settle() {
  globalThis.gc?.()
  await sleep(50)
  globalThis.gc?.()
}

/**
 * Runs `work` under a timer that is due each millisecond.
 * @returns its result, and in milliseconds the event loop's delay: the time from one firing to the next, so never below 1
 */
export async function watched(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await sleep(2) // what is before the first firing is not recorded
  const result = await work()
  await sleep(2) // the last delay is recorded by the firing after it
  histogram.disable()
  const at = percent => histogram.percentile(percent) / NS_PER_MS
  return { result, delay: { p50: at(50), p99: at(99), max: histogram.max / NS_PER_MS } }
}

/**
 * Runs `work` once.
 * @returns its result; in seconds the wall time, the CPU time (user and system) of all threads and, where it can be told, that
 *   of the main thread; and in milliseconds the event loop's delay
 */
export async function timed(work) {
  const { result: times, delay } = await watched(async () => {
    const [cpuBefore, mainBefore] = [process.cpuUsage(), mainThreadSeconds()]
    const start = performance.now()
    const result = await work()
    const seconds = (performance.now() - start) / 1e3
    const mainSeconds = mainThreadSeconds() - mainBefore
    return { result, seconds, cpuSeconds: secondsOf(process.cpuUsage(cpuBefore)), mainSeconds }
  })
  return { ...times, delay }
}

/**
 * Repeats `work` in as many loops at a time as `concurrency` says, until `seconds` have passed.
 * @returns how many were done, and what `timed` tells
 */
export async function repeated(work, { concurrency = 1, seconds }) {
  let done = 0
  const times = await timed(async () => {
    const end = performance.now() + seconds * 1e3
    const loop = async () => {
      while (performance.now() < end) {
        await work()
        done++
      }
    }
    await Promise.all(Array.from({ length: concurrency }, loop))
  })
  return { ...times, done }
}

/**
 * What a measurement tells: of each row, query or call its share.
 * @param times what `timed` has told of so many of them
 * @returns `rate` a second; `cpu` and `main` in seconds; `delay` in ms; `peak` in MiB, of the whole life of the process
 */
export const shares = ({ seconds, cpuSeconds, mainSeconds, delay }, count) => ({
  rate: count / seconds,
  cpu: cpuSeconds / count,
  main: mainSeconds / count,
  delay,
  peak: peakResident() / MIB
})

/**
 * Runs `work`, which should be the first of its size in this process: the peak is that of the process's life.
 * @returns its result, and in MiB how far resident memory rose at its peak above what it was before
 */
export async function peaked(work) {
  await settle()
  const idle = process.memoryUsage.rss()
  const result = await work()
  return { result, mebibytes: (peakResident() - idle) / MIB }
}

const secondsOf = ({ user, system }) => (user + system) / 1e6

/** The CPU time of this thread, the main one: Linux tells it to those too whose Node does not. Elsewhere NaN, as JSON null. */
function mainThreadSeconds() {
  if (process.threadCpuUsage) return secondsOf(process.threadCpuUsage())
  try {
    return Number(/^\d+/.exec(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8'))) / 1e9
  } catch {
    return Number.NaN
  }
}

/** Linux hands getrusage's peak on from the parent process; its VmHWM is this process's own. */
function peakResident() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}
