// Of the command line what needs no server: how a password is asked for, and tables that fit a terminal.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { table } from '../../lib/cli/table.js'

const { askPassword, PromptAbandoned } = createRequire(import.meta.url)('../../dist/cli/password.js')

const terminal = () => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  let shown = ''
  output.setEncoding('utf8').on('data', text => {
    shown += text
  })
  return { input, output, shown: () => shown }
}

test('a password is asked for, and not shown', async () => {
  const { input, output, shown } = terminal()
  const asked = askPassword('Password of ada: ', input, output)
  input.write('secrex\x7ft\r')
  assert.equal(await asked, 'secret')
  assert.equal(shown(), 'Password of ada: \n')
})

for (const [name, leave] of [
  ['Ctrl-C', input => input.write('sec\x03')],
  ['the end of the input', input => input.end()]
]) {
  test(`a prompt that is left gives no password: ${name}`, async () => {
    const { input, output } = terminal()
    const asked = askPassword('Password: ', input, output)
    leave(input)
    await assert.rejects(asked, PromptAbandoned)
  })
}

const HEADING = ['member', 'error']
const ROWS = [
  ['core1:7687', ''],
  ['core2:7687', 'it cannot be reached: nobody listens at this port of that machine']
]

test('a table without a width has a line for each row', () => {
  assert.equal(table(HEADING, ROWS).split('\n').length, 4)
})

test('a table that has to fit goes on in further lines of its last column', () => {
  assert.equal(
    table(HEADING, ROWS, { columns: 50 }),
    [
      'member      error',
      '----------  --------------------------------------',
      'core1:7687',
      'core2:7687  it cannot be reached: nobody listens',
      '            at this port of that machine'
    ].join('\n')
  )
})

test('a table that has little room has its last column below the rows', () => {
  assert.equal(
    table(HEADING, ROWS, { columns: 40 }),
    [
      'member',
      '----------',
      'core1:7687',
      'core2:7687',
      '  it cannot be reached: nobody listens',
      '  at this port of that machine'
    ].join('\n')
  )
})
