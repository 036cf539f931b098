import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Shutdown } from '../../dist/shutdown.js'

const counted = shutdown => {
  const counts = { calls: 0 }
  counts.unwatch = shutdown.watch(() => {
    counts.calls++
    // What ends the watch is there by now.
    counts.unwatch()
  })
  return counts
}

test('whoever watches is called back once, when it begins', () => {
  const shutdown = new Shutdown()
  const [one, other, gone] = [counted(shutdown), counted(shutdown), counted(shutdown)]
  gone.unwatch()
  assert.equal(shutdown.begun, false)
  shutdown.begin()
  shutdown.begin()
  assert.deepEqual([one.calls, other.calls, gone.calls, shutdown.begun], [1, 1, 0, true])
})

test('whoever watches one that has begun is called back once he knows how to end the watch', async () => {
  const shutdown = new Shutdown()
  shutdown.begin()
  const [late, gone] = [counted(shutdown), counted(shutdown)]
  gone.unwatch()
  assert.equal(late.calls, 0)
  await null
  assert.deepEqual([late.calls, gone.calls], [1, 0])
})
