// Where things of this project are.

import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of package.json. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The script behind a command of an installed package, to be run by this node: no shell, the same on each system. */
export function bin(packageName, command = packageName) {
  const folder = join(ROOT, 'node_modules', packageName)
  const { bin: commands } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return join(folder, typeof commands === 'string' ? commands : commands[command])
}

/** Whether the module with this URL is the program that node was asked to run. */
export const isMain = url => Boolean(process.argv[1]) && realpathSync(process.argv[1]) === fileURLToPath(url)
