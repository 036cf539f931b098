// The tool that cuts connections: what it decides by a seed, where it cuts, and what it makes of what it finds.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judge } from '../../tools/stress/judge.mjs'
import { CuttingProxy, cutOf } from '../../tools/stress/proxy.mjs'
import { throughProxy } from '../support/through-proxy.mjs'
import { until } from '../support/until.mjs'

const COMMIT = Buffer.from('0002b0120000', 'hex')
const cut = { at: 'byte', toward: 'server', after: 0, reset: false, drop: true }

const through = (t, plan) => throughProxy(t, port => new CuttingProxy(port, () => plan))

describe('cuts by a seed', () => {
  it('are the same again for the same connection, and others for another seed or connection', () => {
    const plan = seed => Array.from({ length: 200 }, (_, number) => cutOf(seed, 'a', number))
    assert.deepEqual(plan(1), plan(1))
    assert.notDeepEqual(plan(1), plan(2))
    assert.notDeepEqual(plan(1)[0], plan(1)[1])
    assert.deepEqual(cutOf(1, 'a', 100), plan(1)[100])
  })

  it('are of every sort', () => {
    const plan = Array.from({ length: 500 }, (_, number) => cutOf(3, 'a', number))
    const sorts = new Set(plan.map(({ at, toward, reset, drop }) => [at, toward, reset, drop].join()))
    assert.equal(sorts.size, 8 + 4)
  })
})

describe('the proxy', () => {
  it('passes everything on where nothing is to be cut', async t => {
    const way = await through(t, null)
    way.client.end('hello')
    await until(() => way.isClosed)
    assert.deepEqual([way.got(), way.back(), way.error], ['hello', 'hello', null])
    assert.deepEqual(way.proxy.cuts, [])
  })

  it('lets the bytes before the cut pass, and none after it', async t => {
    const way = await through(t, { ...cut, after: 3 })
    way.client.write('hello')
    await until(() => way.isClosed)
    await until(() => way.got() === 'hel')
    assert.equal(way.error, null)
    assert.equal(way.proxy.cuts.length, 1)
  })

  it('counts the bytes of the other direction alone', async t => {
    const way = await through(t, { ...cut, toward: 'client', after: 7 })
    way.client.write('hello')
    await until(() => way.back() === 'hello')
    way.client.write('world')
    await until(() => way.isClosed)
    assert.deepEqual([way.got(), way.back()], ['helloworld', 'hellowo'])
  })

  it('resets', async t => {
    const way = await through(t, { ...cut, after: 3, reset: true })
    way.client.write('hello')
    await until(() => way.isClosed)
    assert.equal(way.error?.code, 'ECONNRESET')
  })

  it('lets what is in flight the other way arrive, where it is not to be lost', async t => {
    const way = await through(t, { ...cut, after: 3, drop: false })
    way.client.write('hello')
    await until(() => way.isClosed)
    assert.deepEqual([way.got(), way.back()], ['hel', 'hel'])
  })

  it('takes a COMMIT to the server and loses its answer', async t => {
    const way = await through(t, { ...cut, at: 'answer to COMMIT', after: 2 })
    way.client.write(Buffer.concat([COMMIT, Buffer.from('a')]))
    await until(() => way.back().length === 7)
    way.client.write(COMMIT.subarray(0, 4))
    await until(() => way.back().length === 11)
    way.client.write(COMMIT.subarray(4))
    await until(() => way.isClosed)
    assert.equal(way.got().length, 13)
    assert.equal(way.back().length, 11)
  })

  it('keeps a COMMIT from the server', async t => {
    const way = await through(t, { ...cut, at: 'before COMMIT', after: 1 })
    way.client.write(Buffer.concat([Buffer.from('a'), COMMIT]))
    await until(() => way.isClosed)
    await until(() => way.got() === 'a')
  })
})

describe('the judgement', () => {
  const op = (id, outcome, more) => ({ id, kind: 'executeWrite', outcome, begun: 0, ended: 1, ...more })
  const verdict = (operation, times, pairs = 0) => {
    const counted = n => new Map(n > 0 ? [[0, n]] : [])
    return judge([op(0, ...operation)], counted(times), counted(pairs)).violations.map(
      text => text.split(':')[0]
    )
  }

  it('finds nothing where all is as it was told', () => {
    for (const [outcome, times] of [
      ['acknowledged', 1],
      ['unknown', 0],
      ['unknown', 1],
      ['not done', 0]
    ]) {
      assert.deepEqual(verdict([outcome], times), [])
    }
    assert.deepEqual(verdict(['acknowledged', { isPair: true }], 1, 1), [])
  })

  it('finds what was lost, done twice, done though it was not, or by half, and what never settled', () => {
    assert.deepEqual(verdict(['acknowledged'], 0), ['acknowledged but lost'])
    assert.deepEqual(verdict(['acknowledged'], 2), ['done more than once'])
    assert.deepEqual(verdict(['unknown'], 2), ['done more than once'])
    assert.deepEqual(verdict(['not done'], 1), ['not done but found'])
    assert.deepEqual(verdict(['unknown', { kind: 'transaction', isCommitAsked: false }], 1), [
      'not done but found'
    ])
    assert.deepEqual(verdict(['acknowledged', { isPair: true }], 1, 0), ['done by half'])
    assert.deepEqual(verdict(['unsettled'], 0), ['not settled'])
  })

  it('finds what nobody asked for', () => {
    const [first] = judge([], new Map([[7, 1]]), new Map()).violations
    assert.match(first, /nobody asked for.*7/)
  })
})
