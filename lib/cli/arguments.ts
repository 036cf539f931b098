/** What is asked for: from the command line, a configuration file and the environment. */

import { readFileSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { HAOptions } from '../config/options'
import type { ServerLocation } from '../config/servers'
import { VERSION } from '../config/user-agent'
import { askPassword } from './password'

const COMMANDS = ['status', 'ping', 'doctor'] as const
export type Command = (typeof COMMANDS)[number]

/** What commands end with, beside the numbers of their own. */
export const ExitCode = {
  ok: 0,
  /** Wrong arguments: EX_USAGE of sysexits.h. */
  usage: 64,
  /** It could not be done at all, such as without a native module: EX_SOFTWARE. */
  failed: 70,
  /** Ctrl-C at the prompt. */
  interrupted: 130
} as const

/** The arguments are wrong: the message says which, and what they take. */
export class UsageError extends Error {}

/** A command, and what it is for. */
export interface Asked {
  readonly command: Command
  /** As `new Neo4jHA` takes them. */
  readonly servers: readonly ServerLocation[]
  readonly options: HAOptions
  /** Undefined: the home database. */
  readonly database: string | undefined
  readonly json: boolean
  readonly watch: boolean
}

const HELP = `Usage: neo4j-ha-bolt-driver COMMAND [URI...] [options]

  status   the cluster as a table: who is what, and who is up
           exit code 0: a master is known and all are up; 1: a master is known; 2: none is
  ping     where the time of one query goes, for each server; writes nothing
           exit code 0: all of it was done; 1: it was not
  doctor   what is wrong, and what to do about it
           exit code 0: nothing was found; 1: something was

URI        bolt://host:7687 or neo4j://host:7687, with +s or +ssc for TLS; and, where servers have one,
           http://host:7474, their status endpoint: one for each of the others, in the same order.
           Default: NEO4J_URI

  -c, --config FILE    JSON with { "servers": [...], "options": {...} } as new Neo4jHA() takes them, or a module that
                       exports these two; servers of the command line take the place of those in it
  -u, --user NAME      default: NEO4J_USERNAME, or neo4j where there is a password
  -d, --database NAME  default: NEO4J_DATABASE, or the home database
      --json           JSON, for programs
      --watch          status: goes on, and tells what changes as it happens, until Ctrl-C; with --json a line for each change
  -h, --help
  -v, --version

The password is that of NEO4J_PASSWORD; without it, it is asked for. No option takes it: who looks at the processes of a machine
would see it. Exit code ${ExitCode.usage}: wrong arguments; ${ExitCode.failed}: it could not be done at all.`

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  user: { type: 'string', short: 'u' },
  database: { type: 'string', short: 'd' },
  json: { type: 'boolean' },
  watch: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' }
} as const

/**
 * Reads the arguments, and asks for a password where one is missing.
 *
 * @param args behind the name of the program
 * @returns what is asked for; or text, where that is all
 * @throws UsageError naming the argument and what it takes
 */
export async function readArguments(
  args: readonly string[],
  env: NodeJS.ProcessEnv
): Promise<Asked | { text: string }> {
  const { values, positionals } = parse(args)
  if (values.help === true) return { text: HELP }
  if (values.version === true) return { text: VERSION }
  const [name, ...given] = positionals
  if (name === undefined) throw new UsageError(`A command is missing: one of ${COMMANDS.join(', ')}.`)
  const command = COMMANDS.find(known => known === name)
  if (command === undefined) {
    throw new UsageError(`There is no command '${name}': it is one of ${COMMANDS.join(', ')}.`)
  }
  if (values.watch === true && command !== 'status') throw new UsageError('--watch is for status alone.')
  const file = values.config === undefined ? undefined : await readConfig(values.config)
  const uris = given.length > 0 ? given : file?.servers === undefined ? words(env.NEO4J_URI) : []
  const servers = uris.length > 0 ? pairs(uris) : file?.servers
  if (servers === undefined) {
    throw new UsageError('No server is named: give a URI, --config FILE, or set NEO4J_URI.')
  }
  const auth = await readAuth(values.user ?? env.NEO4J_USERNAME, env.NEO4J_PASSWORD)
  return {
    command,
    servers: typeof servers === 'string' ? [servers] : servers,
    options: auth === undefined ? { ...file?.options } : { ...file?.options, auth },
    database: values.database ?? (env.NEO4J_DATABASE || undefined),
    json: values.json === true,
    watch: values.watch === true
  }
}

function parse(args: readonly string[]): ReturnType<typeof parsed> {
  // Not even an error is to show what was given as one.
  if (args.some(arg => /^--?p(ass(word)?)?(=|$)/.test(arg))) {
    throw new UsageError(
      'The password is not taken from the command line, where others see it: set NEO4J_PASSWORD, or be asked for it.'
    )
  }
  try {
    return parsed(args)
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
}

const parsed = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const words = (text: string | undefined): string[] => text?.split(/\s+/).filter(word => word !== '') ?? []

/** The servers that URIs name: an HTTP URL is the status endpoint of the Bolt URI that has its place among its like. */
function pairs(uris: readonly string[]): ServerLocation[] {
  const isHttp = (uri: string): boolean => /^https?:/i.test(uri)
  const [http, bolt] = [uris.filter(isHttp), uris.filter(uri => !isHttp(uri))]
  if (http.length > 0 && http.length !== bolt.length) {
    throw new UsageError(
      `There are ${http.length} HTTP URLs and ${bolt.length} Bolt URIs: give one of each for every server, in the same order, ` +
        'or Bolt URIs alone. A configuration file may have servers of both kinds.'
    )
  }
  return bolt.map((uri, i) => (http.length > 0 ? [http[i], uri] : uri))
}

interface Config {
  servers?: readonly ServerLocation[] | string
  options?: HAOptions
}

/** @throws UsageError naming the file and what is wrong with it */
async function readConfig(path: string): Promise<Config> {
  const file = resolve(path)
  let read: unknown
  try {
    read =
      extname(file) === '.json'
        ? JSON.parse(readFileSync(file, 'utf8'))
        : await import(pathToFileURL(file).href)
  } catch (error) {
    // What JSON.parse says shows a piece of the file, in which there may be a password.
    const why = error instanceof SyntaxError ? 'it is no JSON, or no JavaScript' : messageOf(error)
    throw new UsageError(`--config: ${path} cannot be read: ${why}`)
  }
  const config = (read as { default?: unknown } | null)?.default ?? read
  if (Array.isArray(config)) return { servers: config }
  if (typeof config !== 'object' || config === null || !('servers' in config || 'options' in config)) {
    throw new UsageError(`--config: ${path} takes { servers, options }, or servers alone; it has neither.`)
  }
  return config as Config
}

/** Nothing, where neither a user nor a password is named. */
async function readAuth(
  user: string | undefined,
  pass: string | undefined
): Promise<{ user: string; pass: string } | undefined> {
  if (!user && !pass) return undefined
  if (pass) return { user: user || 'neo4j', pass }
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(
      `The password of ${user} is missing: set NEO4J_PASSWORD, or be asked for it, in a terminal.`
    )
  }
  return {
    user: user as string,
    pass: await askPassword(`Password of ${user}: `, process.stdin, process.stderr)
  }
}
