/**
 * What is needed of the event loop and of the clock. Applications' tests replace timers, microtasks and clocks by fakes, some of them
 * before this is loaded: nothing of what they replace is used here. Pauses are the native side's: see `Dispatcher.after`.
 */

import { scheduler } from 'node:timers/promises'

const { nextTick, uptime } = process
const settled = Promise.resolve()

/** Milliseconds by a clock that never goes back, and that no fake stands in for. */
export function now(): number {
  return uptime() * 1000
}

/** Runs `step`, which must not throw, when what runs now and the microtasks before it are done. */
export function inMicrotask(step: () => void): void {
  settled.then(step)
}

/** Runs `step`, which must not throw, in a turn of the event loop to come. */
export function inTurn(step: () => void): void {
  scheduler.yield().then(step)
}

/** Throws outside of the current work, as any uncaught exception of the user's own callback. */
export function throwLater(error: unknown): void {
  nextTick(() => {
    throw error
  })
}
