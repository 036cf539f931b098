// The failover benchmark: what it makes of its logs, how its proxy cuts, and the page that it writes.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import {
  account,
  entry,
  figuresOf,
  gap,
  held,
  outages,
  pauses,
  percentile
} from '../../benchmark/failover/figures.mjs'
import { page } from '../../benchmark/failover/page.mjs'
import { HoldingProxy } from '../../benchmark/failover/proxy.mjs'
import { throughProxy } from '../support/through-proxy.mjs'
import { until } from '../support/until.mjs'

let last = 0
const op = (kind, outcome, begun, ended) => ({ kind, id: ++last, begun, ended, outcome })
/** Acknowledged at these moments, each begun 5 ms before. */
const acknowledged = (kind, ...moments) => moments.map(moment => op(kind, 'acknowledged', moment - 5, moment))
/** From, to, and every 10 ms between. */
const steadily = (from, to) =>
  Array.from({ length: Math.floor((to - from) / 10) + 1 }, (_, i) => from + i * 10)

describe('pauses', () => {
  it('are between acknowledgements of a kind, from the one before the fault to the end', () => {
    const log = [...acknowledged('write', 80, 95, 130, 150), ...acknowledged('read', 110)]
    assert.deepEqual(pauses(log, 'write', 100, 200), [
      { from: 95, to: 130 },
      { from: 130, to: 150 },
      { from: 150, to: 200 }
    ])
  })

  it('are counted by acknowledgements alone, in whichever order they were asked for', () => {
    const log = [
      ...acknowledged('write', 150, 90),
      op('write', 'refused', 100, 120),
      op('write', 'unknown', 100, 130)
    ]
    assert.deepEqual(pauses(log, 'write', 100, 160), [
      { from: 90, to: 150 },
      { from: 150, to: 160 }
    ])
  })

  it('without any acknowledgement are one, from the fault to the end', () => {
    assert.deepEqual(pauses([], 'write', 100, 160), [{ from: 100, to: 160 }])
  })
})

describe('outages of the cluster', () => {
  it('are the long pauses of the floor: all of them', () => {
    const moments = [...steadily(0, 1_000), ...steadily(3_000, 3_500), ...steadily(4_000, 5_000)]
    assert.deepEqual(outages(acknowledged('write', ...moments), 'write', 1_000, 5_000), [
      { from: 1_000, to: 3_000 },
      { from: 3_500, to: 4_000 }
    ])
  })

  it('are not what a busy machine does, nor what was before the fault', () => {
    const moments = [0, ...steadily(900, 2_000), ...steadily(2_150, 3_000)]
    assert.deepEqual(outages(acknowledged('write', ...moments), 'write', 1_000, 3_000), [])
  })
})

describe('the gap of a client', () => {
  const away = [{ from: 1_000, to: 3_000 }]
  const of = (moments, its = away) => gap(acknowledged('write', ...moments), 'write', its, 1_000, 5_000)

  it('counts from the return of the floor', () => {
    assert.equal(of([990, 3_040, 3_050]), 40)
  })

  it('does not count what a client waits for later, while the cluster is there', () => {
    assert.equal(of([990, 3_040, 4_900]), 40)
  })

  it('is small for a client that was back before the floor', () => {
    assert.equal(of([990, 2_995, 3_004]), 4)
    assert.equal(of([990, 3_000, 3_500]), 0)
  })

  it('is the longest of several', () => {
    const two = [...away, { from: 4_000, to: 4_500 }]
    assert.equal(of([990, ...steadily(3_010, 3_990), 4_600], two), 100)
  })

  it('of a client that was away for two outages of the cluster counts what was between and after them', () => {
    const two = [...away, { from: 3_500, to: 4_500 }]
    assert.equal(of([990, 4_600], two), 600)
  })

  it('lasts to the end for a client that does not come back', () => {
    assert.equal(of([990]), 2_000)
  })

  it('counts what a client waited for before the cluster was away', () => {
    assert.equal(of([990, 1_300, 2_990, 3_010], [{ from: 1_500, to: 3_000 }]), 300)
  })

  it('leaves an outage out that a client was back before', () => {
    assert.equal(of([...steadily(900, 2_000), 2_500, 2_995, 3_004], [{ from: 2_000, to: 3_000 }]), 10)
  })

  it('is nothing where the cluster did not come back', () => {
    assert.equal(of([990], [{ from: 1_000, to: 5_000 }]), 0)
  })

  it('is the longest pause, from the fault on, where the cluster was never away', () => {
    assert.equal(of([900, 1_050, ...steadily(1_060, 5_000)], []), 50)
    assert.equal(of([...steadily(900, 2_000), 2_300, ...steadily(2_310, 5_000)], []), 300)
  })
})

describe('what the application was told', () => {
  const [first, second, third, fourth, fifth] = [
    op('write', 'acknowledged', 0, 1),
    op('write', 'acknowledged', 0, 1),
    op('write', 'unknown', 0, 1),
    op('write', 'refused', 0, 1),
    op('write', 'unsettled', 0, 1)
  ]
  const log = [first, second, third, fourth, fifth, op('read', 'refused', 0, 1)]
  const times = counts => new Map(counts.map(([{ id }, n]) => [id, n]))

  it('is counted: errors of reads and writes, and writes of unknown outcome', () => {
    assert.deepEqual(
      account(
        log,
        times([
          [first, 1],
          [second, 1],
          [third, 1]
        ])
      ),
      {
        applicationErrors: 4,
        unknownOutcomes: 2,
        lost: 0,
        doubled: 0,
        refusedButDone: 0
      }
    )
  })

  it('is held against the database: what is lost, done twice, and done though it was refused', () => {
    const { lost, doubled, refusedButDone } = account(
      log,
      times([
        [second, 2],
        [third, 2],
        [fourth, 1]
      ])
    )
    assert.deepEqual({ lost, doubled, refusedButDone }, { lost: 1, doubled: 2, refusedButDone: 1 })
  })
})

describe('the figures', () => {
  it('tell how long what was under way at the fault was held', () => {
    const log = [
      op('write', 'unknown', 90, 160),
      op('read', 'acknowledged', 95, 130),
      op('write', 'refused', 101, 999)
    ]
    assert.equal(held(log, 100), 60)
    assert.equal(held([], 100), 0)
  })

  it('of a trial put all of it together', () => {
    const floor = [
      ...acknowledged('write', ...steadily(0, 1_000), ...steadily(3_000, 5_000)),
      ...acknowledged('read', ...steadily(0, 5_000))
    ]
    const log = [
      ...acknowledged('write', ...steadily(0, 1_000), ...steadily(3_025, 5_000)),
      ...acknowledged('read', ...steadily(0, 1_000), ...steadily(1_045, 5_000)),
      op('write', 'unknown', 998, 1_003)
    ]
    const found = new Map(log.map(({ id }) => [id, 1]))
    assert.deepEqual(figuresOf({ log, floor, found, struck: 1_000, whole: 3_100, end: 5_000 }), {
      applicationErrors: 1,
      unknownOutcomes: 1,
      lost: 0,
      doubled: 0,
      refusedButDone: 0,
      awayMs: 2_000,
      writeGapMs: 25,
      readGapMs: 45,
      heldMs: 3,
      isBack: true
    })
  })

  it('of a client that is not back say so', () => {
    const floor = ['write', 'read'].flatMap(kind => acknowledged(kind, ...steadily(0, 5_000)))
    const log = [...acknowledged('write', 990), ...acknowledged('read', ...steadily(0, 5_000))]
    const { isBack, writeGapMs } = figuresOf({
      log,
      floor,
      found: new Map(),
      struck: 1_000,
      whole: 1_100,
      end: 5_000
    })
    assert.deepEqual({ isBack, writeGapMs }, { isBack: false, writeGapMs: 4_000 })
  })

  const trial = (writeGapMs, more) => ({
    applicationErrors: 1,
    unknownOutcomes: 1,
    lost: 0,
    doubled: 0,
    refusedButDone: 0,
    awayMs: 2_000,
    writeGapMs,
    readGapMs: 3,
    heldMs: 4,
    isBack: true,
    ...more
  })

  it('of all trials are medians, the 99th of a hundred, and sums', () => {
    const trials = [trial(30), trial(10.04), trial(20, { isBack: false, doubled: 2 })]
    assert.deepEqual(entry({ cluster: 'ha', fault: 'kill', client: 'auto' }, trials), {
      cluster: 'ha',
      fault: 'kill',
      client: 'auto',
      trials: 3,
      applicationErrors: 3,
      unknownOutcomes: 3,
      writeGapMs: { median: 20, p99: 30 },
      readGapMs: { median: 3, p99: 3 },
      heldMs: { median: 4, p99: 4 },
      awayMs: { median: 2_000, p99: 2_000 },
      lost: 0,
      doubled: 2,
      refusedButDone: 0,
      notBack: 1
    })
  })

  it('of few trials have their largest as 99th of a hundred', () => {
    assert.equal(percentile([5, 1, 3], 99), 5)
    assert.equal(percentile(steadily(10, 2_000), 99), 1_980)
  })

  it('make a page: a table for each cluster and fault, with a line for each client', () => {
    const entries = [
      entry({ cluster: 'ha', fault: 'kill', client: 'auto' }, [trial(30), trial(20)]),
      entry({ cluster: 'ha', fault: 'kill', client: 'write' }, [trial(40), trial(41)]),
      entry({ cluster: 'cc', fault: 'term', client: 'auto' }, [trial(1, { isBack: false })])
    ]
    const text = page(entries)
    assert.match(text, /\| `auto` \| 25 \| 30 \|/)
    assert.match(text, /\| `write` \| 40\.5 \| 41 \|/)
    assert.match(text, /KILL of the master/)
    assert.match(text, /TERM of the master/)
    assert.match(text, /1 of 1 not back/)
    assert.doesNotMatch(text, /undefined|NaN/)
  })
})

describe('the proxy', () => {
  const through = async t => {
    const passed = await throughProxy(t, port => Object.assign(new HoldingProxy(), { target: port }))
    passed.client.write('a')
    await until(() => passed.back() === 'a')
    return passed
  }

  it('holds what a client sends, and passes it on when it is mended', async t => {
    const { proxy, client, got, back } = await through(t)
    proxy.cut(['server'])
    client.write('b')
    await assert.rejects(until(() => got() === 'ab', { deadline: 100 }))
    proxy.mend()
    await until(() => back() === 'ab')
  })

  it('holds what a server sends alone', async t => {
    const { proxy, client, got, back } = await through(t)
    proxy.cut(['client'])
    client.write('b')
    await until(() => got() === 'ab')
    await assert.rejects(until(() => back() === 'ab', { deadline: 100 }))
    proxy.mend()
    await until(() => back() === 'ab')
  })

  it('holds new connections, too', async t => {
    const { proxy, client, got } = await through(t)
    proxy.cut(['server', 'client'])
    const second = connect({ port: client.remotePort, host: '127.0.0.1', noDelay: true })
    t.after(() => second.destroy())
    await once(second, 'connect')
    second.write('c')
    await assert.rejects(until(() => got() === 'ac', { deadline: 100 }))
    proxy.mend()
    await until(() => got() === 'ac')
  })

  it('can be slow: what a server sends is on its way for a while', async t => {
    const { proxy, client, got, back } = await through(t)
    proxy.delay = 3_600_000
    client.write('b')
    await until(() => got() === 'ab')
    await assert.rejects(until(() => back() === 'ab', { deadline: 100 }))
  })

  it('has all of it arrive in order, and the end after it', async t => {
    const passed = await through(t)
    passed.proxy.delay = 20
    passed.client.write('b')
    await until(() => passed.got() === 'ab')
    passed.client.end('c')
    await until(() => passed.isClosed)
    assert.equal(passed.back(), 'abc')
  })
})
