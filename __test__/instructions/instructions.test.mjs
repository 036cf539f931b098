// The Rust core takes no more instructions than committed: what wall time on a shared machine cannot show.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { committed, compare, incomparable, report, TOLERANCE } from '../../benchmark/instructions/figures.mjs'
import { environment, measure, whyNot } from '../../benchmark/instructions/measure.mjs'

const figures = committed()

test('the committed figures say of what environment they are', () => {
  const names = ['rustc', 'target', 'libc', 'valgrind', 'cpu']
  assert.deepEqual(Object.keys(figures.environment), names)
  assert.ok(Object.keys(figures.scenarios).length > 0)
})

const reason = whyNot()
if (reason) test('instructions of the Rust core', { skip: reason })
else await count()

async function count() {
  const here = await environment()
  const now = await measure({ target: here.target, say: text => console.log(`instructions: ${text}`) })
  const rows = compare(figures.scenarios, now)
  console.log(`\n${report(rows)}\n`)
  const foreign = incomparable(figures.environment, here)
  if (foreign) {
    console.log(foreign)
    test('instructions of the Rust core', { skip: foreign })
    return
  }
  for (const { name, problem } of rows) {
    test(`${name}: no more than ${TOLERANCE} % above what is committed`, () => assert.ok(!problem, problem))
  }
}
