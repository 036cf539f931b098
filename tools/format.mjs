#!/usr/bin/env node
// Writes lib/format.ts: the numbers that both sides of the crossing know, from the Rust sources that say what they are.
//
//   node tools/format.mjs
//
// They become constant enumerations, which the compiler replaces by their values. A test says when the file is out of date.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMain, ROOT } from './lib/project.mjs'

export const TARGET = 'lib/format.ts'

/** Which modules and enumerations of which files, and what each is called in TypeScript. */
const SOURCES = {
  'src/format.rs': { words: 'MessageWords', facts: 'Fact' },
  'src/inbox.rs': { Message: 'Message' },
  'crates/bolt/src/columns/format.rs': {
    words: 'BatchWords',
    kind: 'ColumnKind',
    tag: 'Tag',
    code: 'StructureCode',
    property: 'PropertyKind'
  },
  'crates/bolt/src/params.rs': { needs: 'Needs' },
  'crates/driver/src/strategy.rs': { permission: 'Permission', number: 'Strategy' },
  'crates/driver/src/topology/view.rs': { Status: 'ServerStatus', Role: 'Role' }
}

const read = path => readFileSync(join(ROOT, path), 'utf8')

/** The lines of documentation that end before `index`, less attributes and links. */
function docsBefore(text, index) {
  const lines = text.slice(0, index).trimEnd().split('\n')
  const docs = []
  while (/^\s*(#\[|\/\/\/)/.test(lines.at(-1) ?? '')) docs.unshift(lines.pop().trim())
  return docs
    .filter(line => line.startsWith('///'))
    .map(line => line.slice(4).replace(/\[(`[^`]+`)\](\([^)]*\))?/g, '$1'))
    .join(' ')
}

/** @returns {{ name: string, docs: string, members: { name: string, value: number, docs: string }[] }[]} */
export function enumerations() {
  return Object.entries(SOURCES).flatMap(([path, items]) => {
    const text = read(path)
    return Object.entries(items).map(([item, name]) => {
      const start = new RegExp(`^pub(?:\\(crate\\))? (?:mod|enum) ${item} \\{$`, 'm').exec(text)
      if (start === null) throw new Error(`${path} has no module or enumeration '${item}'`)
      const body = text.slice(start.index, text.indexOf('\n}', start.index))
      const members = [...body.matchAll(/^ {4}(?:pub(?:\(crate\))? const )?(\w+)(?:: \w+)? = (-?\d+)[;,]$/gm)]
      if (members.length === 0) throw new Error(`'${item}' of ${path} has no numbers`)
      return {
        name,
        docs: docsBefore(text, start.index),
        members: members.map(match => ({
          name: match[1],
          value: Number(match[2]),
          docs: docsBefore(body, match.index)
        }))
      }
    })
  })
}

/** What the file has to hold. */
export function source() {
  const text = read('src/format.rs')
  const format = /^pub const FORMAT: u32 = (\d+);$/m.exec(text)
  const lines = [
    '// Made by tools/format.mjs from the Rust sources: change it there.',
    '// biome-ignore-all lint/suspicious/noConstEnum: they cost nothing where rows are read',
    '// biome-ignore-all lint/suspicious/noDuplicateEnumValues: sizes may be equal',
    '',
    `/** ${docsBefore(text, format.index)} */`,
    `export const FORMAT = ${format[1]}`
  ]
  for (const { name, docs, members } of enumerations()) {
    lines.push('', `/** ${docs} */`, `export const enum ${name} {`)
    members.forEach((member, i) => {
      const comma = i === members.length - 1 ? '' : ','
      lines.push(`  /** ${member.docs} */`, `  ${member.name} = ${member.value}${comma}`)
    })
    lines.push('}')
  }
  return `${lines.join('\n')}\n`
}

if (isMain(import.meta.url)) writeFileSync(join(ROOT, TARGET), source())
