// Programs of users, compiled by TypeScript against the declarations the package ships.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const project = dirname(dirname(here))
const ts = createRequire(import.meta.url)('typescript')

// A folder like a user's: the package is in its node_modules, and nothing else of the project is near.
const folder = mkdtempSync(join(tmpdir(), 'types-'))
after(() => rmSync(folder, { recursive: true, force: true }))
mkdirSync(join(folder, 'node_modules', '@types'), { recursive: true })
symlinkSync(project, join(folder, 'node_modules', 'neo4j-ha-bolt-driver'), 'dir')
symlinkSync(
  join(project, 'node_modules', '@types', 'node'),
  join(folder, 'node_modules', '@types', 'node'),
  'dir'
)
writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
cpSync(join(here, 'fixtures'), folder, { recursive: true })
// The same CommonJS program under the settings of old projects, which know no .cts.
cpSync(join(here, 'fixtures', 'common-js.cts'), join(folder, 'classic.ts'))

const { ModuleKind, ModuleResolutionKind, ScriptTarget } = ts
const settings = {
  node16: { module: ModuleKind.Node16, moduleResolution: ModuleResolutionKind.Node16 },
  nodenext: { module: ModuleKind.NodeNext, moduleResolution: ModuleResolutionKind.NodeNext },
  commonjs: { module: ModuleKind.CommonJS, moduleResolution: ModuleResolutionKind.Node10 },
  bundler: { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler }
}

const complaints = (file, kind, more = {}) => {
  const program = ts.createProgram([join(folder, file)], {
    ...settings[kind],
    target: ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
    types: ['node'],
    typeRoots: [join(folder, 'node_modules', '@types')],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    ...more
  })
  const host = {
    getCurrentDirectory: () => folder,
    getCanonicalFileName: name => name,
    getNewLine: () => '\n'
  }
  return ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), host)
}

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
