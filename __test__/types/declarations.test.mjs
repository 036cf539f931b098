// index.d.ts is written by hand: the compiler holds it against lib.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { project } from './compiler.mjs'

const ts = createRequire(import.meta.url)('typescript')
const file = join(dirname(fileURLToPath(import.meta.url)), 'declarations.ts')
const declared = join(project, 'index.d.ts').replaceAll('\\', '/')
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(project, 'tsconfig.json'), ts.sys.readFile).config,
  ts.sys,
  project
)

const settings = { ...options, rootDir: project, noEmit: true, declaration: false }
const parsed = new Map()

/** What the compiler says, where index.d.ts has another text. */
const complaints = (replace = text => text) => {
  const host = ts.createCompilerHost(settings)
  const { getSourceFile } = host
  host.getSourceFile = (name, ...more) => {
    if (name === declared) return ts.createSourceFile(name, replace(readFileSync(name, 'utf8')), ...more)
    if (!parsed.has(name)) parsed.set(name, getSourceFile.call(host, name, ...more))
    return parsed.get(name)
  }
  const program = ts.createProgram([file], settings, host)
  return ts.formatDiagnostics(program.getSemanticDiagnostics(program.getSourceFile(file)), host)
}

test('what index.d.ts declares is what lib is', () => {
  assert.equal(complaints(), '')
})

for (const [what, from, to] of [
  ['a method that is not there', 'isEncrypted(): boolean', 'isEncrypted(): boolean\n    isOpen(): boolean'],
  ['another value', 'lastBookmark(): string | null', 'lastBookmark(): string'],
  ['a parameter that is not taken', 'done?: () => void', 'done?: number'],
  ['an option that is not there', 'fetchSize?: number', 'fetchSize?: number\n    fetchTime?: number'],
  ['an option of another type', 'checkInterval?: number', 'checkInterval?: string'],
  ['no word of an option', 'checkTimeout?: number', '']
]) {
  test(`a declaration of ${what} is found`, () => {
    const changed = complaints(text => {
      assert.ok(text.includes(from))
      return text.replace(from, to)
    })
    assert.match(changed, /declarations\.ts/)
  })
}
