// What one client process can tell of itself.
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const MIB = 1 << 20

/** Leaves no garbage and no unfinished business of what ran before to what is measured next. */
export async function settle() {
  globalThis.gc?.()
  await sleep(50)
  globalThis.gc?.()
}

/**
 * Runs `work` once.
 * @returns its result, the wall time and the CPU time (all threads, user and system) in seconds
 */
export async function timed(work) {
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const result = await work()
  const seconds = (performance.now() - start) / 1e3
  const { user, system } = process.cpuUsage(cpuBefore)
  return { result, seconds, cpuSeconds: (user + system) / 1e6 }
}

/**
 * Repeats `work` in as many loops at a time as `concurrency` says, until `seconds` have passed.
 * @returns how many were done, and the wall and CPU time in seconds
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
 * Runs `work` under a timer that is due each millisecond.
 * @returns its result, and the 99th percentile in milliseconds of the time from one firing to the next, so never below 1
 */
export async function delayed(work) {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await sleep(5)
  histogram.reset()
  const result = await work()
  await sleep(5) // the last delay is recorded by the firing after it
  histogram.disable()
  return { result, p99: histogram.percentile(99) / 1e6 }
}

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

/** Linux hands getrusage's peak on from the parent process; its VmHWM is this process's own. */
function peakResident() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  } catch {
    return process.resourceUsage().maxRSS * 1024
  }
}
