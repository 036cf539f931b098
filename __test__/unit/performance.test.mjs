// The benchmark beside other drivers: what it makes of its rounds, and the sections of a page that it writes.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sections as growthSections, picture } from '../../benchmark/growth/page.mjs'
import { shares } from '../../benchmark/measure.mjs'
import { replaceSection } from '../../benchmark/page.mjs'
import { sections } from '../../benchmark/performance.mjs'
import { line, medians, ofEachMeasurement, short, summarize } from '../../benchmark/report.mjs'
import { measurements, workloads } from '../../benchmark/workloads/index.mjs'

const told = (rate, more) => ({
  rate,
  cpu: 1 / rate,
  main: 1 / rate,
  delay: { p50: 1, p99: 2, max: 3 },
  peak: 100,
  checksum: { rows: 1 },
  ...more
})
const workload = {
  name: 'scan-cpu',
  measurement: { name: 'scan-collect' },
  unit: 'CPU us/row',
  better: 'lower',
  figure: ({ cpu }) => cpu * 1e6,
  floor: 4,
  goal: 8
}
const rate = {
  ...workload,
  name: 'scan-collect',
  unit: 'rows/s',
  better: 'higher',
  figure: ({ rate }) => rate
}
const rounds = [
  { ours: told(500), theirs: told(100), others: { older: told(50) } },
  { ours: told(300), theirs: told(100) },
  { ours: told(800), theirs: told(200) }
]

describe('the rounds of a workload', () => {
  it('have the median of the ratios of each round, whichever way is better', () => {
    for (const one of [rate, workload]) {
      const { ratio, cpuRatio, spread, met } = summarize(one, 'replay', 'theirs', rounds)
      assert.deepEqual([ratio, cpuRatio, met].map(Number), [4, 4, 1])
      assert.ok(Math.abs(spread - 0.5) < 1e-9, `${spread}`)
    }
  })

  it('have the figures of both in the unit, and a ratio to each of the others in the rounds that these had', () => {
    const { ours, theirs, others } = summarize(rate, 'replay', 'theirs', rounds)
    assert.deepEqual([ours, theirs], [500, 100])
    assert.deepEqual(
      others.map(({ peer, value, ratio }) => [peer, value, ratio]),
      [['older', 50, 10]]
    )
  })

  it('have the median of each figure of the processes, and leave out what was not told', () => {
    const some = rounds.map(({ ours, ...round }) => ({
      ...round,
      ours: { ...ours, main: null, latency: { p50: 0.1, p99: ours.rate } }
    }))
    const { details } = summarize(rate, 'replay', 'theirs', some)
    assert.deepEqual(details.ours.latency, { p50: 0.1, p99: 500 })
    assert.deepEqual(details.ours.delay, { p50: 1, p99: 2, max: 3 })
    assert.ok(!('main' in details.ours) && !('checksum' in details.ours))
    assert.equal(details.theirs.main, 0.01)
  })

  it('miss a floor that is above their ratio, and have none to miss without', () => {
    assert.equal(summarize({ ...rate, floor: 4.1 }, 'replay', 'theirs', rounds).met, false)
    assert.equal(summarize({ ...rate, floor: undefined }, 'replay', 'theirs', rounds).met, undefined)
  })

  it('are a line of the table', () => {
    assert.match(
      line(summarize(workload, 'replay', 'theirs', rounds)),
      /^scan-cpu +replay +CPU us\/row +4\.00 +50 % +4\.00 +4 met +older 10\.00$/
    )
  })
})

describe('what a process tells', () => {
  it('is shares of each of those that it did', () => {
    const delay = { p50: 1, p99: 1, max: 1 }
    const { peak, ...rest } = shares({ seconds: 2, cpuSeconds: 4, mainSeconds: 1, delay }, 1_000)
    assert.deepEqual(rest, { rate: 500, cpu: 0.004, main: 0.001, delay })
    assert.ok(peak > 1)
  })

  it('is the median of each figure over the rounds', () => {
    const some = [
      { cpu: 3, fastest: { p99: 9 } },
      { cpu: 1, fastest: { p99: 7 } },
      { cpu: 2, fastest: { p99: 8 } }
    ]
    assert.deepEqual(medians(some), { cpu: 2, fastest: { p99: 8 } })
  })

  it('is shown with three digits', () => {
    assert.deepEqual([0.12345, 12.345, 12345, 0].map(short), ['0.123', '12.3', '12300', '0'])
  })
})

describe('the workloads', () => {
  it('have names of their own, and a floor that is no higher than the goal', () => {
    const names = workloads.map(({ name }) => name)
    assert.equal(new Set(names).size, names.length)
    for (const { name, floor, goal } of workloads) assert.ok(floor > 0 && floor <= goal, name)
  })

  it('have measurements of names of their own', () => {
    assert.equal(new Set(measurements.map(({ name }) => name)).size, measurements.length)
  })
})

const machine = { cpu: 'a CPU', cores: 4, node: 'v22.0.0', versions: { mine: '2.0.0', theirs: '6.3.0' } }
const entries = [rate, workload].map(one => ({ ...summarize(one, 'replay', 'theirs', rounds), machine }))

describe('the page', () => {
  const { replay: figures } = sections(entries)

  it('has a line of each workload, and those of each measurement once', () => {
    const lines = figures.split('\n')
    for (const row of [
      '| `scan-collect` | rows/s | 4.00 | 50 % | 4.00 | 4 | 8 | 10.00 |',
      '| `scan-cpu` | CPU us/row | 4.00 | 50 % | 4.00 | 4 | 8 | 10.00 |',
      '| `scan-collect` | `mine` | 500 | 2000 | 2000 | 1 | 2 | 3 | 100 |',
      '|  | `older` | 50 | 20000 | 20000 | 1 | 2 | 3 | 100 |'
    ]) {
      assert.ok(lines.includes(row), row)
    }
    assert.equal(lines.filter(one => one.includes('`mine` |')).length, 1)
    assert.equal(ofEachMeasurement(entries).length, 1)
  })

  it('says on what it was measured', () => {
    assert.match(
      figures,
      /Node\.js v22\.0\.0, 4 cores \(a CPU\); 3 rounds; `mine` 2\.0\.0, `theirs` 6\.3\.0\./
    )
  })

  it('has a section of each server that was measured, and says nothing of a spread where there was one round', () => {
    const once = { ...summarize(rate, 'real', 'theirs', rounds.slice(0, 1)), machine }
    const written = sections([...entries, once])
    assert.deepEqual(Object.keys(written), ['replay', 'real'])
    assert.match(written.real, /^### On Neo4j 5\.26\n/)
    assert.match(written.real, /^\| `scan-collect` \| rows\/s \| [\d.]+ \| {2}\| /m)
  })

  it('keeps what is written by hand, however often its sections are written', () => {
    const before = 'By hand.\n\n<!-- figures -->\n\nold\n\n<!-- /figures -->\n\nThe log.\n'
    const once = replaceSection(before, ['figures', 'new $& text'])
    assert.equal(once, 'By hand.\n\n<!-- figures -->\n\nnew $& text\n\n<!-- /figures -->\n\nThe log.\n')
    assert.equal(replaceSection(once, ['figures', 'old']), before)
    assert.throws(() => replaceSection(before, ['growth', 'text']), /no section growth/)
  })
})

describe('growth', () => {
  const of = cpuUsPerRow => ({ usPerRow: cpuUsPerRow, cpuUsPerRow })
  const figures = {
    machine: { ...machine, rounds: 3 },
    measures: {
      rows: [
        { size: 1, ours: of(50), theirs: of(200) },
        { size: 10_000, ours: of(0.5), theirs: of(2) }
      ]
    }
  }

  it('has a row for each size', () => {
    const { growth } = growthSections(figures)
    assert.ok(growth.split('\n').includes('| 10000 | 0.5 | 2 | 0.5 | 2 |'), growth)
  })

  it('is a picture whose axes are powers of ten, with the whole time of each size', () => {
    const text = picture(figures)
    // From 10 us to 100 ms over 1 to 10,000 rows: 50 us and 5 ms are of ours.
    const [, points] = /<polyline points="(.*?)"/.exec(text)
    const [first, last] = points.split(' ').map(point => point.split(',').map(Number))
    const [left, right, top, bottom] = [56, 400, 34, 220]
    assert.deepEqual([first[0], last[0]], [left, right])
    const y = ms => bottom - ((Math.log10(ms) + 2) / 4) * (bottom - top)
    assert.ok(Math.abs(first[1] - y(0.05)) < 0.1 && Math.abs(last[1] - y(5)) < 0.1, points)
    for (const label of ['10 us', '100 ms', '10K']) assert.ok(text.includes(`>${label}<`), label)
  })
})
