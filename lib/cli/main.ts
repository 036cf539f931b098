#!/usr/bin/env node
/** `npx neo4j-ha-bolt-driver`: reads what was asked for and runs it. A command is a file of its own, loaded when it is asked for. */

import { type Asked, type Command, ExitCode, readArguments, UsageError } from './arguments'
import { PromptAbandoned } from './password'

/** What each command is: it writes to standard output, and gives the exit code. */
const commands: { readonly [name in Command]: () => (asked: Asked) => Promise<number> } = {
  status: () => (require('./status') as typeof import('./status')).status,
  ping: () => (require('./ping') as typeof import('./ping')).ping,
  doctor: () => (require('./doctor') as typeof import('./doctor')).doctor
}

async function main(): Promise<number> {
  const read = await readArguments(process.argv.slice(2), process.env)
  if ('text' in read) {
    console.log(read.text)
    return ExitCode.ok
  }
  return await commands[read.command]()(read)
}

// Whoever reads may stop to, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

main().then(
  code => {
    process.exitCode = code
  },
  (error: unknown) => {
    const { message } = error instanceof Error ? error : { message: String(error) }
    process.exitCode =
      error instanceof PromptAbandoned
        ? ExitCode.interrupted
        : error instanceof UsageError
          ? ExitCode.usage
          : ExitCode.failed
    console.error(
      error instanceof UsageError ? `${message}\nneo4j-ha-bolt-driver --help says what there is.` : message
    )
  }
)
