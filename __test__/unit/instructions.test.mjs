// The count of instructions: what is made of it.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compare, incomparable, report } from '../../benchmark/instructions/figures.mjs'

const record = instructions => ({ instructions, unit: 'record' })
/** The one scenario that is told of by name: its problem. */
const problem = (then, now) => compare({ decode: record(then) }, { decode: record(now) })[0].problem

describe('beside the committed figures', () => {
  it('5 % more is allowed, and what is above fails by its name', () => {
    assert.equal(problem(1000, 1050), null)
    assert.equal(problem(1000, 1051), 'decode: 1051 instructions a record, +5.1 % of the committed 1000')
  })

  it('less is never a problem; more than 5 % less calls for new figures', () => {
    assert.equal(problem(1000, 1), null)
    const told = (then, now) => report(compare({ decode: record(then) }, { decode: record(now) }))
    assert.doesNotMatch(told(1000, 951), /fewer/)
    assert.match(told(1000, 949), /fewer than committed, by more than 5 %: decode; .*--write/)
  })

  it('a scenario that only one of them knows is a problem', () => {
    const [gone, added] = compare({ gone: record(1) }, { added: record(1) })
    assert.match(gone.problem, /^gone: there is no such scenario any more/)
    assert.match(added.problem, /^added: there is no committed figure/)
  })

  it('figures of another environment are held against nothing, and it is said which and what to do', () => {
    const taken = { rustc: '1.95.0', libc: 'glibc 2.36' }
    assert.equal(incomparable(taken, { ...taken }), null)
    const reason = incomparable(taken, { ...taken, rustc: '1.96.0' })
    assert.match(reason, /of rustc 1\.95\.0, and here is rustc 1\.96\.0: .*'npm run instructions -- --write'/)
  })
})
