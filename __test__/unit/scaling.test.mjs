// The scaling benchmark: what it makes of its rounds, and the page that it writes.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { measures } from '../../benchmark/scaling/measures/index.mjs'
import { page } from '../../benchmark/scaling/page.mjs'

const ofReaders = { healthyMs: 25, slowMs: 30, ratio: 1.2, slowSharePercent: 0.05 }
const figures = {
  machine: { cpu: 'a CPU', cores: 4, node: 'v22.0.0', rounds: 3 },
  measures: {
    members: [
      { members: 5, readyMs: 10, idlePercent: 0.4, checksPerSecond: 10, usPerCheck: 400, mebibytes: 6 },
      { members: 200, readyMs: 60, idlePercent: 4, checksPerSecond: 400, usPerCheck: 100, mebibytes: 14 }
    ],
    choice: [{ members: 200, random: 1.1, leastConnected: 1.2, fastest: 1.3 }],
    sessions: [
      { sessions: 10, bytesEach: 9e6, idlePercent: 0, readsPerSecond: 1e4, usPerRead: 40, allAnsweredMs: 2 },
      {
        sessions: 10_000,
        bytesEach: 2048,
        idlePercent: 0,
        readsPerSecond: 2e4,
        usPerRead: 30,
        allAnsweredMs: 500
      }
    ],
    waiters: [{ waiters: 10_000, checksPerSecond: 200, alarmPercent: 2, allWrittenMs: 400 }],
    'slow-reader': [{ readers: 64, random: ofReaders, leastConnected: ofReaders, fastest: ofReaders }]
  }
}

describe('the page', () => {
  const lines = page(figures).split('\n')

  it('has a row for each of what was measured', () => {
    for (const row of [
      '| 5 | 10 | 0.4 | 1 | 10 | 400 | 6 |',
      '| 200 | 60 | 4 | 0.25 | 400 | 100 | 14 |',
      '| 200 | 1.1 | 1.2 | 1.3 |',
      '| 10 |  | 0 | 10000 | 40 | 1 | 2 |',
      '| 10000 | 2 | 0 | 20000 | 30 | 0.75 | 500 |',
      '| 10000 | 200 | 2 | 400 |',
      `| 64 |${' 25 -> 30 | 1.2 | 0.05 |'.repeat(3)}`
    ]) {
      assert.ok(lines.includes(row), row)
    }
  })

  it('says on what it was measured', () => {
    assert.match(lines.join(' '), /Node\.js v22\.0\.0 on 4 cores \(a CPU\)/)
  })

  it('shows every measure, and of what was not measured nothing', () => {
    assert.deepEqual(
      measures.map(({ name }) => name),
      Object.keys(figures.measures)
    )
    const { members } = figures.measures
    const some = page({ ...figures, measures: { members } })
    assert.deepEqual(some.match(/^## .*/gm), ['## Members', '## What this does not show'])
  })
})
