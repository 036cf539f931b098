// A set that mostly has one member behaves as one that has many.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

const { SmallSet } = createRequire(import.meta.url)('../../dist/small-set.js')

test('it has what was added and not deleted, however many there are', () => {
  const set = new SmallSet()
  const all = Array.from({ length: 4 }, (_, n) => ({ n }))
  const now = () => set.members().map(({ n }) => n)
  assert.deepEqual([set.isEmpty, now()], [true, []])
  for (const member of all) set.add(member)
  assert.deepEqual([set.isEmpty, now()], [false, [0, 1, 2, 3]])
  set.delete(all[0])
  set.delete(all[2])
  set.delete({ n: 1 })
  assert.deepEqual(now().sort(), [1, 3])
  set.add(all[0])
  assert.deepEqual(now().sort(), [0, 1, 3])
  for (const member of all) set.delete(member)
  assert.deepEqual([set.isEmpty, now()], [true, []])
})
