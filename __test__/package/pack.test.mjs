// The packages as a user gets them: the tarballs alone, in an empty folder, on a machine without Rust.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { which } from '../../tools/lib/exec.mjs'
import { bin, ROOT } from '../../tools/lib/project.mjs'
import { pack } from '../../tools/pack.mjs'

const exec = promisify(execFile)
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'neo4j-ha-install-')))
const app = join(scratch, 'app')
const env = { ...process.env, PATH: pathWithoutRust(), NODE_PATH: '' }
let tarballs

/** The PATH less the folders which hold a Rust tool; node itself stays reachable. */
function pathWithoutRust() {
  const tools = join(scratch, 'bin')
  mkdirSync(tools)
  symlinkSync(process.execPath, join(tools, 'node'))
  const others = process.env.PATH.split(delimiter).filter(
    folder => !which('cargo', [folder]) && !which('rustc', [folder])
  )
  return [tools, ...others].join(delimiter)
}

const arrayBuffer = ({ buffer, byteOffset, length }) => buffer.slice(byteOffset, byteOffset + length)

/** Runs a program of the application and gives what it prints; it must end by itself. */
async function node(...args) {
  const { stdout } = await exec(process.execPath, args, { cwd: app, env, timeout: 60_000 })
  return stdout.trim()
}

/**
 * Type-checks the file, and the declarations it uses, with the compiler and the @types/node of this project, which a
 * program for Node has anyhow.
 */
async function typeCheck(file, module) {
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules', '@types')]
  const options = ['--module', module, '--target', 'es2022', ...types]
  try {
    await exec(process.execPath, [bin('typescript', 'tsc'), '--noEmit', '--strict', ...options, file], {
      cwd: app,
      env
    })
  } catch (error) {
    assert.fail(`${file} does not compile:\n${error.stdout}`)
  }
}

before(async () => {
  tarballs = await pack(join(scratch, 'tarballs'))
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), '{ "name": "app", "version": "1.0.0", "private": true }\n')
  const npm = realpathSync(which('npm'))
  const { root, platform, alias } = tarballs
  const packages = [root, platform, `neo4j-driver@file:${alias}`]
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages]
  await exec(process.execPath, [npm, ...install], { cwd: app, env, timeout: 180_000 })
})

after(() => rmSync(scratch, { recursive: true, force: true }))

describe('the packed packages', () => {
  it('are installed without a Rust tool in reach', () => {
    assert.equal(which('cargo', env.PATH.split(delimiter)), null)
    assert.equal(which('rustc', env.PATH.split(delimiter)), null)
  })

  it('hold what a user needs and nothing else', () => {
    const files = readdirSync(join(app, 'node_modules', 'neo4j-ha-bolt-driver')).sort()
    const wanted = [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'dist',
      'docs',
      'index.d.mts',
      'index.d.ts',
      'index.mjs',
      'neo4j-driver.d.ts',
      'neo4j-driver.js',
      'package.json',
      'register-hooks.mjs',
      'register.js'
    ]
    assert.deepEqual(
      files.filter(file => file !== 'node_modules'),
      wanted
    )
  })

  it('hold no JavaScript that nothing loads, no declarations beside those of index.d.ts, and no maps', () => {
    const folder = join(app, 'node_modules', 'neo4j-ha-bolt-driver')
    const held = readdirSync(folder, { recursive: true })
      .filter(file => file.startsWith('dist') && statSync(join(folder, file)).isFile())
      .map(file => join(folder, file))
    const { bin, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const loaded = new Set()
    const load = file => {
      if (loaded.has(file)) return
      loaded.add(file)
      for (const [, to] of readFileSync(file, 'utf8').matchAll(/(?:require\(|from )['"](\.[^'"]+)['"]/g)) {
        load(createRequire(file).resolve(to))
      }
    }
    for (const [, to] of JSON.stringify(exports).matchAll(/"(\.\/[^"]+js)"/g)) load(join(folder, to))
    for (const to of Object.values(bin)) load(join(folder, to))
    assert.deepEqual(
      held.filter(file => !loaded.has(file)),
      []
    )
  })

  it('are what publint would have them be', async () => {
    const { messages, pkg } = await publint({
      pack: { tarball: arrayBuffer(readFileSync(tarballs.root)) },
      strict: true
    })
    assert.deepEqual(
      messages.map(message => formatMessage(message, pkg)),
      []
    )
  })

  it('have types that fit however a program resolves them', async () => {
    const { problems } = await checkPackage(createPackageFromTarballData(readFileSync(tarballs.root)), {
      excludeEntrypoints: ['./register'] // which gives nothing
    })
    assert.deepEqual(problems, [])
  })

  it('name the package of every platform as an optional dependency of the same version', () => {
    const read = name => JSON.parse(readFileSync(join(app, 'node_modules', name, 'package.json'), 'utf8'))
    const { version, optionalDependencies, dependencies } = read('neo4j-ha-bolt-driver')
    const { napi } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    assert.equal(Object.keys(optionalDependencies).length, napi.targets.length)
    assert.deepEqual(new Set(Object.values(optionalDependencies)), new Set([version]))
    assert.deepEqual(Object.keys(dependencies), ['neo4j-driver-core'])
    const here = readdirSync(join(app, 'node_modules')).filter(name =>
      name.startsWith('neo4j-ha-bolt-driver-')
    )
    assert.equal(here.length, 1, 'only the package of this platform is installed')
    assert.equal(optionalDependencies[here[0]], read(here[0]).version)
    assert.deepEqual(read(here[0]).os, [process.platform])
    assert.deepEqual(read(here[0]).cpu, [process.arch])
  })

  it('have a command, which npx runs', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const npx = async (...args) => {
      const command = [realpathSync(which('npx')), '--no-install', 'neo4j-ha-bolt-driver', ...args]
      return await exec(process.execPath, command, { cwd: app, env, timeout: 60_000 }).then(
        ({ stdout }) => ({ code: 0, stdout: stdout.trim() }),
        ({ code, stdout }) => ({ code, stdout })
      )
    }
    assert.deepEqual(await npx('--version'), { code: 0, stdout: version })
    const { code, stdout } = await npx('status', 'bolt://127.0.0.1:1', '--json')
    assert.equal(code, 2)
    assert.equal(JSON.parse(stdout).members[0].state, 'down')
  })

  it('load by require, and the native module works', async () => {
    const program = `
      const Neo4jHA = require('neo4j-ha-bolt-driver')
      const driver = new Neo4jHA([['http://127.0.0.1:1', 'bolt://127.0.0.1:1']], {}, () => {
        console.log(typeof Neo4jHA, Neo4jHA.HAStrategies.nearest, driver.servers[0].info.status === Neo4jHA.Status.down)
        driver.close()
      })`
    assert.equal(await node('-e', program), 'function 2 true')
  })

  it('load by import, as default and by name, the same class', async () => {
    const program = `
      import Neo4jHA, { HAReadWrite, HAStrategies, ServerType, Status } from 'neo4j-ha-bolt-driver'
      import { createRequire } from 'node:module'
      const same = createRequire(process.cwd() + '/')('neo4j-ha-bolt-driver') === Neo4jHA
      console.log(same, HAStrategies === Neo4jHA.HAStrategies, HAReadWrite.all.slave.write, ServerType.master, Status.up)`
    assert.equal(await node('--input-type=module', '-e', program), 'true true true 2 1')
  })

  it('compile in a TypeScript program: ES modules, module node16', async () => {
    writeFileSync(
      join(app, 'program.mts'),
      `import Neo4jHA, { HAStrategies } from 'neo4j-ha-bolt-driver'
      const driver = new Neo4jHA([['http://localhost:7474', 'bolt://localhost:7687']], { strategy: HAStrategies.nearest })
      const session = driver.session(true)
      const result = await session.run('RETURN $a AS a', { a: 1 })
      const master: number = driver.masterIndex
      export const rows: number = result.records.length + master
      await driver.close()\n`
    )
    await typeCheck('program.mts', 'node16')
  })

  it('compile in a TypeScript program: CommonJS, module node16', async () => {
    writeFileSync(join(app, 'program.cts'), commonJs)
    await typeCheck('program.cts', 'node16')
  })

  it('compile in a TypeScript program: CommonJS, module commonjs', async () => {
    writeFileSync(join(app, 'program.ts'), commonJs)
    await typeCheck('program.ts', 'commonjs')
  })

  it('stand in the place of neo4j-driver, its files included', async () => {
    const program = `
      const assert = require('node:assert')
      const Neo4jHA = require('neo4j-ha-bolt-driver')
      const neo4j = require('neo4j-driver')
      assert.equal(neo4j, Neo4jHA.driver)
      assert.equal(require('neo4j-driver/lib/index.js'), neo4j)
      assert.equal(require('neo4j-driver/lib/driver').Driver, neo4j.Driver)
      for (const [file, name] of Object.entries({
        driver: 'Driver',
        'result-rx': 'RxResult',
        'session-rx': 'RxSession',
        'transaction-rx': 'RxTransaction',
        'transaction-managed-rx': 'RxManagedTransaction'
      })) assert.equal(require('neo4j-driver/lib/' + file).default, neo4j[name])
      assert.equal(require('neo4j-driver/lib/version').default, require('neo4j-driver/package.json').version)
      import('neo4j-driver').then(({ driver, int, default: all }) => {
        assert.deepEqual([driver, int, all], [neo4j.driver, neo4j.int, neo4j])
        console.log(require('neo4j-driver/package.json').version)
      })`
    const { version } = JSON.parse(
      readFileSync(join(ROOT, 'node_modules', 'neo4j-driver', 'package.json'), 'utf8')
    )
    assert.equal(await node('-e', program), version)
  })

  it('compile in a TypeScript program of neo4j-driver: ES modules, module node16', async () => {
    writeFileSync(join(app, 'in-place.mts'), inPlace)
    await typeCheck('in-place.mts', 'node16')
  })

  it('compile in a TypeScript program of neo4j-driver: CommonJS, module commonjs', async () => {
    writeFileSync(join(app, 'in-place.ts'), inPlaceOfFiles)
    await typeCheck('in-place.ts', 'commonjs')
  })
})

const commonJs = `import Neo4jHA = require('neo4j-ha-bolt-driver')
  const driver = new Neo4jHA([['http://localhost:7474', 'bolt://localhost:7687']], { strategy: Neo4jHA.HAStrategies.random })
  driver.session().run('RETURN 1 AS one').then(result => {
    const rows: number = result.records.length
    console.log(rows)
  })\n`

const inPlace = `import neo4j, { type Config, Driver, type Session, int } from 'neo4j-driver'
  const config: Config = { useBigInt: true }
  const driver: Driver = neo4j.driver('bolt://localhost', neo4j.auth.basic('neo4j', 'secret'), config)
  const session: Session = driver.session({ defaultAccessMode: neo4j.session.READ })
  session.run('RETURN $one', { one: int(1) }).then(result => result.records.length.toFixed())\n`

/** Its files have types of their own, which some import. */
const inPlaceOfFiles = `${inPlace}
  import type { Integer } from 'neo4j-driver/types'
  import { READ, type SessionMode } from 'neo4j-driver/types/driver'
  import type { Parameters } from 'neo4j-driver/types/query-runner'
  import RxSession from 'neo4j-driver/types/session-rx'
  const mode: SessionMode = READ
  const parameters: Parameters = { one: int(1) satisfies Integer, mode }
  export const records = (session: RxSession) => session.run('RETURN $one', parameters).records()\n`
