// No two files of lib need each other, their types included; and what is below knows nothing of what is above.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../../tools/lib/project.mjs'

const LIB = join(ROOT, 'lib')
const IMPORT = /\b(?:from|import|import\() ?'(\.[^']*)'/g

const files = readdirSync(LIB, { recursive: true })
  .filter(file => file.endsWith('.ts'))
  .map(normalize)

/** File -> the files that it imports. */
const imports = new Map(
  files.map(file => [
    file,
    [...readFileSync(join(LIB, file), 'utf8').matchAll(IMPORT)]
      .map(([, path]) => `${join(dirname(file), path.replace(/\.js$/, ''))}.ts`)
      .filter(path => files.includes(path))
  ])
)

/** What is left of the files when those that need none of the others are taken away, again and again. */
function inCircles() {
  const left = new Map(imports)
  for (;;) {
    const free = [...left].filter(([, needs]) => !needs.some(need => left.has(need)))
    if (free.length === 0) return [...left.keys()]
    for (const [file] of free) left.delete(file)
  }
}

test('no circle of imports', () => {
  assert.ok(files.length > 40)
  assert.ok([...imports.values()].flat().length > 100)
  assert.deepEqual(inCircles(), [])
})

// Each may import what stands behind it. What is in no such folder is needed on several floors.
const FLOORS = ['cli', 'index.ts', 'api', 'results', 'crossing', 'config', 'codec']

for (const [height, floor] of [...FLOORS.entries()].slice(1)) {
  test(`${floor} imports nothing of ${FLOORS.slice(0, height).join(', ')}`, () => {
    const above = FLOORS.slice(0, height)
    const wrong = [...imports]
      .filter(([file]) => file.startsWith(floor))
      .flatMap(([file, needs]) => needs.map(need => [file, need]))
      .filter(([, need]) => above.some(up => need.startsWith(up)))
    assert.deepEqual(wrong, [])
  })
}
