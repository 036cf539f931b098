// One program on every runtime that is supported: each version of Node.js, Bun and Deno, from npm's packages of them (`npm test --
// runtimes` installs them).

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { table } from '../../lib/cli/table.js'
import { HaMember } from '../support/ha-member.mjs'
import { node, relationship, structure } from '../support/packstream.mjs'
import { bolt, failure, rows, silence } from '../support/scripted-server.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const installed = path => join(here, 'packages', 'node_modules', path)

/** What each is started with, its option to load a file before, and what of the program does not work there. */
const runtimes = [
  ...[20, 22, 24, 26].map(n => ({
    name: `Node.js ${n}`,
    command: installed(`node${n}/bin/node`),
    options: [],
    preload: '--import',
    lacks: []
  })),
  { name: 'Bun', command: installed('bun/bin/bun.exe'), options: [], preload: '--preload', lacks: [] },
  {
    name: 'Deno',
    command: installed('deno/deno'),
    options: ['run', '--allow-all'],
    preload: '--preload',
    lacks: []
  }
]

const everything = {
  int: 1,
  big: 9007199254740993n,
  float: 1.5,
  text: 'text',
  wide: 'Straße 道 🚲',
  bool: true,
  nothing: null,
  list: [1, 2, 3],
  map: { inner: { deep: 'yes' } },
  bytes: Buffer.from([1, 2, 255]),
  node: node(1, ['Person'], { name: 'Ann' }, '4:x:1'),
  relationship: relationship(2, 1, 1, 'KNOWS', {}, ['5:x:2', '4:x:1', '4:x:1']),
  date: structure(0x44, 19782),
  duration: structure(0x45, 1, 2, 3, 4),
  zoned: structure(0x69, 1709164800, 5, 'Europe/Berlin'),
  point: structure(0x58, 4326, 1.25, 2.5)
}

let member
let transients
const seen = []

before(async () => {
  member = await HaMember.start({ versions: bolt.neo4j526 })
  member.bolt
    .on('RETURN everything', rows([Object.values(everything)], Object.keys(everything)))
    .on('RETURN 7 AS n', () =>
      transients-- > 0 ? failure('Neo.TransientError.Transaction.DeadlockDetected', 'once more') : rows([7])
    )
  member.bolt.when('RUN', silence).query(/^WAIT$/)
})

after(async () => {
  await member?.stop()
  const things = Object.keys(seen[0]?.outcome ?? {})
  console.log(
    table(
      ['', ...seen.map(({ name, version }) => `${name} (${version})`)],
      things.map(thing => [thing, ...seen.map(({ outcome }) => outcome[thing])])
    )
  )
})

for (const { name, command, options, lacks } of runtimes) {
  test(`${name} runs a program that does a bit of everything, and ends by itself`, {
    timeout: 60_000
  }, async () => {
    transients = 1
    const [version] = /\d+\.\d+\.\d+/.exec(await output(command, ['--version']))
    const outcome = JSON.parse(
      await output(command, [...options, join(here, 'program.mjs'), member.uri, member.url])
    )
    seen.push({ name, version, outcome })
    assert.deepEqual(
      Object.entries(outcome).filter(([thing, how]) => how !== 'yes' && !lacks.includes(thing)),
      []
    )
  })
}

for (const { name, command, options, preload } of runtimes) {
  test(`${name} redirects neo4j-driver, required and imported, when register.js was loaded before`, {
    timeout: 60_000
  }, async () => {
    const register = join(here, '..', '..', 'register.js')
    const said = await output(command, [...options, preload, register, join(here, 'redirected.mjs')])
    assert.equal(said, 'true')
  })
}

/** What a program says; it must end by itself, and well. */
function output(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: here, stdio: ['ignore', 'pipe', 'pipe'], timeout: 45_000 })
    let said = ''
    let complaints = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      said += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      complaints += text
    })
    child.once('error', reject)
    child.once('close', (code, signal) =>
      code === 0
        ? resolve(said.trim())
        : reject(new Error(`it ended with ${signal ?? code}: ${said}${complaints}`))
    )
  })
}
