// Pages of docs/ that are written from measured figures.

import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ROOT } from '../tools/lib/project.mjs'

/** Writes a page of docs/ from a file of figures; gives its path. */
export function writePage(name, textOf, figures) {
  const file = join(ROOT, 'docs', name)
  writeFileSync(file, textOf(JSON.parse(readFileSync(resolve(figures), 'utf8'))))
  return file
}
