// What the types promise is there when the program runs: every value, and every member of every class.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import Neo4jHA from 'neo4j-ha-bolt-driver'
import ts from 'typescript'

const require = createRequire(import.meta.url)
const { TransactionPromise } = require('../../../dist/api/transaction.js')
const file = fileURLToPath(new URL('../../../index.d.ts', import.meta.url))
const program = ts.createProgram([file], {
  module: ts.ModuleKind.Node16,
  moduleResolution: ts.ModuleResolutionKind.Node16,
  target: ts.ScriptTarget.ES2022,
  types: []
})
const checker = program.getTypeChecker()
const module = checker.getSymbolAtLocation(program.getSourceFile(file))
const root = checker.resolveExternalModuleSymbol(module)

const resolved = symbol => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)
const isValue = symbol => (resolved(symbol).flags & ts.SymbolFlags.Value) !== 0

/** Exported values of a namespace; own members of a class are not among them. */
const values = symbol => checker.getExportsOfModule(symbol).filter(isValue)

test('every value of the class itself', () => {
  for (const { name } of values(root)) {
    if (name !== 'prototype') assert.notEqual(Neo4jHA[name], undefined, name)
  }
})

test('every value of the driver namespace, and no more', () => {
  const declared = values(resolved(root.exports.get('driver'))).map(({ name }) => name)
  for (const name of declared) assert.notEqual(Neo4jHA.driver[name], undefined, name)
  for (const name of Object.keys(Neo4jHA.driver))
    assert.ok(declared.includes(name), `${name} is not declared`)
})

test('every name that neo4j-driver declares, and as a type where it is one there', () => {
  const file = require.resolve('neo4j-driver/types/index.d.ts')
  const program = ts.createProgram([file], { module: ts.ModuleKind.Node16, types: [] })
  const theirs = program.getTypeChecker()
  const isType = symbol => (symbol.flags & ts.SymbolFlags.Type) !== 0
  const ours = resolved(root.exports.get('driver')).exports
  for (const symbol of theirs.getExportsOfModule(theirs.getSymbolAtLocation(program.getSourceFile(file)))) {
    const { name } = symbol
    const own = ours.get(name)
    assert.notEqual(own, undefined, name)
    const there = symbol.flags & ts.SymbolFlags.Alias ? theirs.getAliasedSymbol(symbol) : symbol
    if (isType(there)) assert.ok(isType(resolved(own)), `${name} is no type`)
  }
})

test('every option that neo4j-driver declares', () => {
  const file = require.resolve('neo4j-driver/types/index.d.ts')
  const program = ts.createProgram([file], { module: ts.ModuleKind.Node16, types: [] })
  const theirs = program.getTypeChecker()
  const exported = theirs.getExportsOfModule(theirs.getSymbolAtLocation(program.getSourceFile(file)))
  const ours = resolved(root.exports.get('driver')).exports
  for (const options of ['Config', 'SessionConfig', 'QueryConfig']) {
    const there = theirs.getAliasedSymbol(exported.find(({ name }) => name === options))
    const here = checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(resolved(ours.get(options))))
    for (const { name } of theirs.getPropertiesOfType(theirs.getDeclaredTypeOfSymbol(there))) {
      assert.ok(
        here.some(own => own.name === name),
        `${options}.${name}`
      )
    }
  }
})

const { Driver, ManagedTransaction, Result, Session, Transaction } = Neo4jHA.driver
const { RxManagedTransaction, RxResult, RxSession, RxTransaction } = Neo4jHA.driver
for (const [name, type] of Object.entries({
  Driver,
  ManagedTransaction,
  Result,
  RxManagedTransaction,
  RxResult,
  RxSession,
  RxTransaction,
  Session,
  Transaction,
  TransactionPromise
})) {
  test(`every method of ${name}, and no other that is public`, () => {
    const namespace = resolved(root.exports.get('driver'))
    const declared = checker
      .getPropertiesOfType(checker.getDeclaredTypeOfSymbol(namespace.exports.get(name)))
      .filter(member => checker.getTypeOfSymbol(member).getCallSignatures().length > 0)
      .map(member => member.name)
      // What core declares with an underscore is its own.
      .filter(method => !method.startsWith('_'))
    for (const method of declared) assert.equal(typeof type.prototype[method], 'function', method)
    for (const method of Object.getOwnPropertyNames(type.prototype)) {
      if (
        method === 'constructor' ||
        typeof Object.getOwnPropertyDescriptor(type.prototype, method).value !== 'function'
      )
        continue
      assert.ok(declared.includes(method), `${method} is not declared`)
    }
  })
}

// ---- what the types say of options, and what the README says ----

const textOf = symbol => ts.displayPartsToString(symbol.getDocumentationComment(checker))
const optionsOf = (symbol, name) =>
  checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol.exports.get(name)))
const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const rows = [...readme.matchAll(/^\| `(\w+)` \| (.+?) \| /gm)].map(([, option, value]) => ({
  option,
  value: value.replaceAll('`', '')
}))

test('every option of Neo4jHA is in the README, and no other', () => {
  const declared = optionsOf(root, 'Options').map(({ name }) => name)
  assert.deepEqual(rows.map(({ option }) => option).sort(), declared.sort())
})

for (const option of optionsOf(root, 'Options').filter(({ name }) => name !== 'neo4jDriverOptions')) {
  test(`the default of ${option.name} is the same in the types and in the README`, () => {
    const [, said] = textOf(option).match(/Default: `?([\w.]+?)`?\.(?:\s|$)/)
    const { value } = rows.find(row => row.option === option.name)
    assert.equal(said.split('.').at(-1), value.split('.').at(-1))
  })
}

test('the limits have the same defaults in the types and in the README', () => {
  const limits = optionsOf(resolved(root.exports.get('driver')), 'Limits')
  const said = limits.map(limit => `${limit.name}: ${textOf(limit).match(/Default: (\d+)/)[1]}`)
  assert.ok(readme.includes(`\`{ ${said.join(', ')} }\``))
})
