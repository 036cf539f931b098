// Programs of users, compiled by TypeScript against the declarations the package ships.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compiler, project } from './compiler.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const { folder, complaints } = compiler()
cpSync(join(here, 'fixtures'), folder, { recursive: true })
// The same CommonJS program under the settings of old projects, which know no .cts.
cpSync(join(here, 'fixtures', 'common-js.cts'), join(folder, 'classic.ts'))

for (const [file, kind, more] of [
  ['common-js.cts', 'node16'],
  ['common-js.cts', 'nodenext'],
  ['classic.ts', 'commonjs'],
  ['es-module.mts', 'node16'],
  ['es-module.mts', 'nodenext'],
  ['es-module.mts', 'bundler'],
  ['refused.mts', 'node16']
]) {
  test(`${file} compiles with module ${kind}`, () => {
    assert.equal(complaints(file, kind, more), '')
  })
}

for (const options of [
  { isolatedModules: true, verbatimModuleSyntax: true },
  { esModuleInterop: true, noPropertyAccessFromIndexSignature: true }
]) {
  test(`the declarations hold under ${JSON.stringify(options)}`, () => {
    assert.equal(complaints('common-js.cts', 'node16', options), '')
  })
}

test('the declarations themselves are sound, without skipLibCheck', () => {
  const own = complaints('es-module.mts', 'node16', { skipLibCheck: false })
    .split('\n')
    .filter(line => !/node_modules\/(?!neo4j-ha-bolt-driver)/.test(line))
  assert.equal(own.join('\n'), '')
})

test('the declarations are sound where rxjs is not installed', () => {
  const other = compiler()
  const own = join(other.folder, 'package')
  mkdirSync(join(own, 'node_modules'), { recursive: true })
  for (const file of ['package.json', 'index.d.ts', 'index.d.mts'])
    cpSync(join(project, file), join(own, file))
  for (const name of ['neo4j-driver-core', '@types']) {
    symlinkSync(join(project, 'node_modules', name), join(own, 'node_modules', name), 'dir')
  }
  cpSync(join(here, 'fixtures', 'es-module.mts'), join(other.folder, 'es-module.mts'))
  const installed = { paths: { 'neo4j-ha-bolt-driver': [join(own, 'index.d.mts')] }, skipLibCheck: false }
  const told = other.complaints('es-module.mts', 'node16', installed)
  assert.equal(told, '')
})

test('nothing public is any: what is not declared is an error', () => {
  const expressions = [
    'new Neo4jHA("bolt://x").nothing',
    'new Neo4jHA("bolt://x").session().nothing',
    'new Neo4jHA("bolt://x").servers[0].nothing',
    'new Neo4jHA("bolt://x").servers[0].driver.nothing',
    'new Neo4jHA("bolt://x").session().run("RETURN 1").nothing',
    'new Neo4jHA("bolt://x").session().beginTransaction().nothing',
    'Neo4jHA.driver.nothing',
    'Neo4jHA.driver.driver("bolt://x").nothing',
    'Neo4jHA.driver.driver("bolt://x").session().nothing'
  ]
  const lines = ["import Neo4jHA from 'neo4j-ha-bolt-driver'", ...expressions]
  writeFileSync(join(folder, 'any.mts'), lines.join('\n'))
  const told = complaints('any.mts', 'node16')
  for (const [n, expression] of expressions.entries()) {
    assert.match(told, new RegExp(`any\\.mts\\(${n + 2},.*TS2339`), expression)
  }
})
