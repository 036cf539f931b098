// What a set of files holds, as one hash: a step whose inputs have the hash of its last run need not run again.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * All files under these files and folders, sorted; what is missing is left out, as are build outputs and dot files.
 *
 * @param {string} root
 * @param {string[]} paths relative to root
 * @returns {string[]} relative to root
 */
export function filesUnder(root, paths) {
  const found = []
  const walk = path => {
    const whole = join(root, path)
    if (!existsSync(whole)) return
    if (statSync(whole).isFile()) return found.push(path)
    for (const name of readdirSync(whole)) {
      if (!['target', 'node_modules'].includes(name) && !name.startsWith('.')) walk(join(path, name))
    }
  }
  for (const path of paths) walk(path)
  return found.sort()
}

/** A hash over names and contents of files, and over `extra`. */
export function fingerprint(root, paths, extra = '') {
  const hash = createHash('sha256').update(extra)
  for (const path of filesUnder(root, paths)) {
    hash.update(`\0${path}\0`).update(readFileSync(join(root, path)))
  }
  return hash.digest('hex')
}

/** The fingerprint that was kept under this name, or null. */
export function readStamp(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

export function writeStamp(file, print) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, print)
}
