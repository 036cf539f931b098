// Libraries that use neo4j-driver, on real servers: with npm's driver, and with this one in its place by every way there is.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import neo4j from 'neo4j-driver'
import { bin, ROOT } from '../../tools/lib/project.mjs'
import { up } from '../../tools/servers/index.mjs'
import { Gateway } from './gateway.mjs'
import { BESIDE, Trees, tool } from './trees.mjs'

const exec = promisify(execFile)
const INSTALL = 600_000
const RUN = 120_000

/** Each library with the packages that its program needs. */
const LIBRARIES = {
  '@neo4j/graphql': ['@neo4j/graphql', 'graphql'],
  '@neo4j/graphql-ogm': ['@neo4j/graphql-ogm', 'graphql'],
  '@langchain/neo4j': ['@langchain/neo4j', '@langchain/core', '@langchain/classic'],
  neogma: ['neogma'],
  neode: ['neode'],
  'cypher-query-builder': ['cypher-query-builder']
}
const PROGRAMS = {
  '@neo4j/graphql': 'graphql.mjs',
  '@neo4j/graphql-ogm': 'graphql-ogm.cjs',
  '@langchain/neo4j': 'langchain.mjs',
  neogma: 'neogma.cjs',
  neode: 'neode.cjs',
  'cypher-query-builder': 'cypher-query-builder.cjs'
}
const ALL = Object.keys(PROGRAMS)
const COMMONJS = ALL.filter(library => PROGRAMS[library].endsWith('.cjs'))
/** Few packages: each package manager installs them anew. */
const SMALL = ['neogma', 'cypher-query-builder']
const packagesOf = libraries => libraries.flatMap(library => LIBRARIES[library])

const trees = new Trees()
let cluster
let gateway
let admin

before(
  async () => {
    const server = up('5.26@libraries', { onProgress: text => console.log(`server: ${text}`) })
    await trees.pack()
    await trees.beside()
    cluster = await server
    const [{ bolt }] = cluster.members
    gateway = await Gateway.open(Number(new URL(bolt).port))
    admin = neo4j.driver(bolt, neo4j.auth.basic(cluster.auth.user, cluster.auth.pass))
  },
  { timeout: INSTALL }
)

after(
  async () => {
    await admin?.close()
    gateway?.close()
    await cluster?.down()
    trees.remove()
  },
  { timeout: INSTALL }
)

/** Leaves nothing of the program before. */
async function empty() {
  const names = async query => (await admin.executeQuery(query)).records.map(record => record.get('name'))
  await admin.executeQuery('MATCH (n) DETACH DELETE n')
  for (const name of await names('SHOW CONSTRAINTS YIELD name')) {
    await admin.executeQuery(`DROP CONSTRAINT \`${name}\``)
  }
  for (const name of await names("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name")) {
    await admin.executeQuery(`DROP INDEX \`${name}\``)
  }
}

/** What a program prints, and the drivers that the server saw. */
async function run(args, { cwd = BESIDE, env = {} } = {}) {
  await empty()
  gateway.heard()
  const { user: NEO4J_USER, pass: NEO4J_PASSWORD } = cluster.auth
  const { stdout } = await exec(process.execPath, args, {
    cwd,
    env: { ...process.env, NODE_ENV: 'test', NEO4J_URI: gateway.uri, NEO4J_USER, NEO4J_PASSWORD, ...env },
    timeout: RUN
  })
  const lines = stdout.split('\n').filter(line => line.startsWith('{')) // a library may print words of its own
  return { lines, drivers: gateway.heard() }
}

/** What each library does with npm's driver, looked at once. */
const wanted = new Map()
const withNpm = library => {
  if (!wanted.has(library)) wanted.set(library, run([join('programs', PROGRAMS[library])]))
  return wanted.get(library)
}

/** The same output, from this driver alone. */
async function assertSame(library, work) {
  const { lines } = await withNpm(library)
  const seen = await work(PROGRAMS[library])
  assert.deepEqual(seen.lines, lines)
  assert.deepEqual(seen.drivers, ['neo4j-ha-bolt-driver'])
}

/** Compiles programs of the libraries, as most are set up: library files are not checked. */
async function assertCompiles(folder, programs, paths = {}) {
  const compilerOptions = {
    module: 'node16',
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    paths
  }
  const files = programs.map(program => join(folder, 'types', program))
  const config = trees.write('tsconfig.json', JSON.stringify({ compilerOptions, files }))
  const compiler = exec(process.execPath, [bin('typescript', 'tsc'), '-p', config])
  assert.equal(await compiler.then(({ stdout }) => stdout).catch(error => error.stdout), '')
}

describe("with npm's driver", () => {
  for (const library of ALL) {
    it(`${library} does its steps`, { timeout: RUN }, async () => {
      const { lines, drivers } = await withNpm(library)
      assert.deepEqual(drivers, ['neo4j-javascript'])
      const failed = lines.filter(line => 'error' in JSON.parse(line))
      assert.ok(failed.length < lines.length / 2, `most steps succeed: ${failed.join('\n')}`)
    })
  }
})

describe('in TypeScript', () => {
  const paths = { 'neo4j-driver': [tool('neo4j-ha-bolt-driver', 'neo4j-driver.d.ts')] }
  for (const [name, settings] of [
    ["npm's driver", {}],
    ['this driver by the option paths', paths]
  ]) {
    it(`programs of the libraries compile with ${name}`, { timeout: RUN }, () =>
      assertCompiles(BESIDE, ['libraries.ts'], settings)
    )
  }
})

describe('by the hook neo4j-ha-bolt-driver/register', () => {
  for (const library of ALL) {
    it(`${library} does the same with --import`, { timeout: RUN }, () =>
      assertSame(library, program =>
        run(['--import', 'neo4j-ha-bolt-driver/register', join('programs', program)])
      )
    )
  }
  for (const library of SMALL) {
    it(`${library} does the same with --require`, { timeout: RUN }, () =>
      assertSame(library, program =>
        run(['--require', 'neo4j-ha-bolt-driver/register', join('programs', program)])
      )
    )
  }
})

/** The folder of each package manager. */
const installed = {}

for (const [manager, name, libraries] of [
  ['npm', 'overrides of npm', ALL],
  ['pnpm', 'overrides of pnpm', SMALL],
  ['yarn1', 'resolutions of yarn 1', SMALL],
  ['yarn4', 'resolutions of yarn 4 with PnP', SMALL]
]) {
  describe(`by ${name}`, () => {
    before(
      async () => {
        installed[manager] = await trees[manager](packagesOf(libraries))
      },
      { timeout: INSTALL }
    )
    const loader = manager === 'yarn4' ? ['--require', './.pnp.cjs'] : []
    for (const library of libraries) {
      it(`${library} does the same, installed by ${name}`, { timeout: RUN }, () =>
        assertSame(library, program =>
          run([...loader, join('programs', program)], { cwd: installed[manager] })
        )
      )
    }
  })
}

describe('what overrides of npm install', () => {
  it('is one neo4j-driver-core, and no driver of npm', () => {
    const files = readdirSync(join(installed.npm, 'node_modules'), { recursive: true })
    const count = name => files.filter(file => `/${file}`.endsWith(join('/', name, 'package.json'))).length
    assert.equal(count('neo4j-driver-core'), 1)
    assert.equal(count('neo4j-driver'), 1)
    assert.equal(count('neo4j-driver-bolt-connection'), 0)
  })

  it('has types that programs of the libraries compile with', { timeout: RUN }, () =>
    assertCompiles(installed.npm, ['libraries.ts', 'cypher-query-builder.ts'])
  )
})

describe('by the alias of a bundler', () => {
  for (const library of SMALL) {
    it(`${library} does the same, bundled by esbuild`, { timeout: RUN }, () =>
      assertSame(library, async program => {
        const outfile = tool('.bundles', program)
        await build({
          entryPoints: [join(BESIDE, 'programs', program)],
          outfile,
          bundle: true,
          platform: 'node',
          format: 'cjs',
          alias: { 'neo4j-driver': 'neo4j-ha-bolt-driver/neo4j-driver' },
          external: ['neo4j-ha-bolt-driver'],
          logLevel: 'error'
        })
        return run([outfile])
      })
    )
  }
})

describe('by moduleNameMapper of jest', () => {
  for (const library of COMMONJS) {
    it(`${library} does the same, run by jest`, { timeout: RUN }, () =>
      assertSame(library, program => {
        const config = {
          rootDir: BESIDE,
          testEnvironment: 'node',
          testMatch: ['<rootDir>/jest.cjs'],
          testTimeout: RUN,
          moduleNameMapper: { '^neo4j-driver$': 'neo4j-ha-bolt-driver/neo4j-driver' }
        }
        const args = [tool('jest', 'bin', 'jest.js'), '--config', JSON.stringify(config)]
        return run(args, { env: { PROGRAM: join(BESIDE, 'programs', program) } })
      })
    )
  }
})
