// A reporter for node's test runner: one JSON line for each test that begins and that ends, so that a run which is
// stopped half-way still tells what ran. Suites and parents of failed tests are not counted beside what they hold.

import { relative } from 'node:path'

/** @param {AsyncIterable<{ type: string, data: any }>} events */
export default async function* reporter(events) {
  /** Names of the suites and tests that are open, by file and nesting. */
  const open = new Map()
  const filesWithTests = new Set()
  for await (const { type, data } of events) {
    if (!['test:enqueue', 'test:start', 'test:pass', 'test:fail'].includes(type)) continue
    const isFile = data.nesting === 0 && data.name === data.file
    const file = relative('.', data.file ?? '?')
    const line = kind => {
      const path = isFile ? [] : [...(open.get(file) ?? []).slice(0, data.nesting), data.name]
      return JSON.stringify({
        kind,
        file,
        at: `${data.line}:${data.column}`,
        name: path.join(' > '),
        ...reason(data)
      })
    }
    if (!isFile) filesWithTests.add(file)
    if (type === 'test:enqueue') {
      if (!isFile) yield `${line('begin')}\n`
    } else if (type === 'test:start') {
      open.set(file, [...(open.get(file) ?? []).slice(0, data.nesting), data.name])
    } else if (isFile && type === 'test:pass') {
      if (!filesWithTests.has(file)) yield `${line('fail')}\n` // a test file that holds no test
    } else {
      yield `${line(kindOf(type, data))}\n`
    }
  }
}

function kindOf(type, { details, skip, todo }) {
  if (skip !== undefined || todo !== undefined) return 'skip'
  if (type === 'test:fail') return details?.error?.failureType === 'subtestsFailed' ? 'parent' : 'fail'
  return details?.type === 'suite' ? 'parent' : 'pass'
}

function reason({ skip, todo }) {
  if (skip !== undefined) return { reason: typeof skip === 'string' ? skip : 'no reason given' }
  if (todo !== undefined) return { reason: `to do${typeof todo === 'string' ? `: ${todo}` : ''}` }
  return {}
}
