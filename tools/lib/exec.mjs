// Running other programs: find them, stream what they say, and say what was wanted when one fails.

import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

/** An error whose message is written for the person at the terminal: it is shown without a stack. */
export class UserError extends Error {}

const onWindows = process.platform === 'win32'

/** The path of a program on the PATH (or in `folders`), or null. */
export function which(name, folders = (process.env.PATH ?? '').split(delimiter)) {
  const endings = onWindows ? (process.env.PATHEXT ?? '.EXE;.CMD').split(';') : ['']
  for (const folder of folders) {
    for (const ending of endings) {
      const path = join(folder || '.', name + ending)
      try {
        accessSync(path, constants.X_OK)
        if (statSync(path).isFile()) return path
      } catch {
        // not here
      }
    }
  }
  return null
}

/** The path of a program that is needed, or an error which says what it is and how to get it. */
export function need(name, why, advice) {
  const path = which(name)
  if (!path) throw new UserError(`${name} is missing: it is needed ${why}. ${advice}`)
  return path
}

/**
 * Runs a program to its end and gives its output (stdout and stderr together, in order of arrival).
 *
 * @param {string} command
 * @param {string[]} args
 * @param {object} [options]
 * @param {string} [options.cwd]
 * @param {NodeJS.ProcessEnv} [options.env] the whole environment
 * @param {(line: string) => void} [options.onLine] is given each line as it comes
 * @param {number} [options.timeout] in ms; the program is killed after it
 * @returns {Promise<string>}
 * @throws {UserError} with the end of the output, when the program fails
 */
export async function run(command, args, { cwd, env, onLine, timeout } = {}) {
  const shown = [command, ...args.slice(0, 5)].join(' ') + (args.length > 5 ? ' ...' : '')
  // npm and npx are .cmd files on Windows, which only a shell starts
  const child = spawn(command, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: onWindows && /\.cmd$/i.test(command)
  })
  const lines = []
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      lines.push(line)
      onLine?.(line)
    })
  }
  let timer
  try {
    await new Promise((resolve, reject) => {
      child.on('error', error => reject(new UserError(`${shown} could not be started: ${error.message}`)))
      child.on('close', (code, signal) => {
        if (code === 0) return resolve()
        const end = lines.slice(-40).join('\n')
        reject(new UserError(`${shown} failed (${signal ?? `exit code ${code}`}):\n${end}`))
      })
      if (timeout) {
        timer = setTimeout(() => {
          child.kill('SIGKILL')
          reject(new UserError(`${shown} took longer than ${timeout / 1000} s and was stopped`))
        }, timeout)
      }
    })
  } finally {
    clearTimeout(timer)
  }
  return lines.join('\n')
}

/** Ends the program: the message alone for a mistake of the user or the machine, the stack for one of ours. */
export function fail(error) {
  process.stderr.write(`\n${error instanceof UserError ? error.message : (error?.stack ?? error)}\n`)
  process.exitCode = 1
}
