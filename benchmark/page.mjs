// Pages of docs/ that are written from measured figures.

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ROOT } from '../tools/lib/project.mjs'

const page = name => join(ROOT, 'docs', name)
const read = figures => JSON.parse(readFileSync(resolve(figures), 'utf8'))

/** Writes a page of docs/ from a file of figures; gives its path. */
export function writePage(name, textOf, figures) {
  const file = page(name)
  writeFileSync(file, textOf(read(figures)))
  return file
}

/** Writes the sections of a page of docs/ that come from a file of figures, and leaves the rest of it; gives its path. */
export function writeSections(name, sectionsOf, figures) {
  const file = page(name)
  const sections = Object.entries(sectionsOf(read(figures)))
  writeFileSync(file, sections.reduce(replaceSection, readFileSync(file, 'utf8')))
  return file
}

/** A page with another text between the marks of a section: `<!-- NAME -->` and `<!-- /NAME -->`. */
export function replaceSection(whole, [name, text]) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`there is no section ${name} in the page`)
  return `${whole.slice(0, from + begin.length)}\n\n${text}\n\n${whole.slice(to)}`
}
