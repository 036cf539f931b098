// What arrives at a fixed rate, in a process of its own: `node arrivals.mjs RATE SECONDS`. Writes a line first, the time of
// `process.hrtime` at which the first is due, and then a byte for each at the moment that it is due, however busy its reader is.
import { writeSync } from 'node:fs'

const [rate, seconds] = process.argv.slice(2).map(Number)
/** Before the first is due, in ns. */
const HEAD_START = 50_000_000n
const start = process.hrtime.bigint() + HEAD_START
const sleeper = new Int32Array(new SharedArrayBuffer(4))

writeSync(1, `${start}\n`)
for (let i = 0; i < rate * seconds; i++) {
  const left = Number(start - process.hrtime.bigint()) / 1e6 + (i * 1e3) / rate
  if (left > 0) Atomics.wait(sleeper, 0, 0, left)
  writeSync(1, '.')
}
