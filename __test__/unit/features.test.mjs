// docs/FEATURES.md and the waits of ARCHITECTURE.md: what they claim, a test shows, and that test is there.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/FEATURES.md', root), 'utf8')

/** The rows of all tables, but for their heads. */
const rows = page
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| Feature'))
  .map(line =>
    line
      .slice(1, -1)
      .split(' | ')
      .map(cell => cell.trim())
  )

const escaped = text => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const sources = new Map()

/** Titles of a file's tests, as patterns: what a template puts in may be anything. */
const titles = path => {
  if (!sources.has(path)) {
    const source = readFileSync(new URL(path, root), 'utf8')
    const found = path.endsWith('.rs')
      ? [...source.matchAll(/\bfn (\w+)\(/g)].map(([, name]) => escaped(name))
      : [
          ...source.matchAll(
            /\b(?:test|it)\(\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|`((?:\\.|[^`\\])*)`)/g
          )
        ].map(([, single, double, template]) => {
          const text = (single ?? double ?? template).replace(/\\(.)/g, '$1')
          return template === undefined
            ? escaped(text)
            : text
                .split(/\$\{[^}]*\}/)
                .map(escaped)
                .join('.+')
        })
    sources.set(
      path,
      found.map(pattern => new RegExp(`^${pattern}$`, 's'))
    )
  }
  return sources.get(path)
}

test('FEATURES.md has a row for each of many features', () => {
  assert.ok(rows.length > 100, `${rows.length} rows`)
  for (const row of rows) assert.equal(row.length, 5, row.join(' | '))
})

test('each row of FEATURES.md says yes and names its tests, or says why not', () => {
  for (const [feature, , , ours, shown] of rows) {
    if (ours === 'yes') assert.match(shown, /^`[^`]+`: ./, feature)
    else assert.match(ours, /^(no|partly|not shown): ./, feature)
  }
})

const waits = /\n\| Wait \|.*?\n\n/s
  .exec(readFileSync(new URL('ARCHITECTURE.md', root), 'utf8'))[0]
  .split('\n')
  .filter(line => line.startsWith('| ') && !line.startsWith('| Wait'))
  .map(line => line.slice(2, -2).split(' | '))

test('each wait of ARCHITECTURE.md has an end and names its tests', () => {
  assert.ok(waits.length > 20, `${waits.length} rows`)
  for (const [wait, end, shown] of waits) {
    assert.ok(end, wait)
    assert.match(shown, /^`[^`]+`: ./, wait)
  }
})

const claims = [
  ...rows.map(([feature, , , , shown]) => [`FEATURES.md: ${feature}`, shown]),
  ...waits.map(([wait, , shown]) => [`ARCHITECTURE.md: ${wait}`, shown])
]

for (const [claim, shown] of claims) {
  for (const part of shown.split(' · ').filter(text => text.startsWith('`'))) {
    test(`${claim}: the test is there: ${part}`, () => {
      const [, file, title] = /^`([^`]+)`: (.*)$/.exec(part)
      const path = file.endsWith('.rs') ? file : `__test__/${file}`
      assert.ok(existsSync(new URL(path, root)), `${path} is not there`)
      assert.ok(
        titles(path).some(pattern => pattern.test(title)),
        `no test of ${path} has this title: ${title}`
      )
    })
  }
}
