/** Where the driver's own messages go: to the application's logger, or, warnings only, to the process. */

import type { types } from 'neo4j-driver-core'
import { Context } from '../context'
import { clientError, messageOf } from '../errors'

export type LogLevel = types.LogLevel
export type LoggingConfig = types.LoggingConfig

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']
const DEFAULT_LEVEL: LogLevel = 'info'
/** What our warnings are called. */
const WARNING = 'Neo4jHAWarning'
/** A process that runs for years should not remember every warning. */
const KINDS_REMEMBERED = 256

/** Takes what the driver has to say. */
export interface Log {
  /** Most verbose level that is wanted; `none` when only warnings are. */
  readonly level: LogLevel | 'none'
  write(level: string, message: string): void
}

/**
 * Checks a `logging` option and makes a log of it.
 *
 * @throws Neo4jError naming what is wrong with it
 */
export function logOf(config: LoggingConfig | undefined | null): Log {
  if (config === undefined || config === null) return processLog()
  const level = config.level ?? DEFAULT_LEVEL
  if (!LEVELS.includes(level)) {
    throw clientError(`Illegal logging level: ${level}. Supported levels are: ${LEVELS.join()}`)
  }
  const { logger } = config
  if (typeof logger !== 'function') throw clientError(`Illegal logger function: ${logger}`)
  const most = LEVELS.indexOf(level)
  const context = new Context()
  let hasFailed = false
  const failed = (error: unknown): void => {
    if (hasFailed) return
    hasFailed = true
    process.emitWarning(`The logger threw, and lines of the log are lost: ${messageOf(error)}`, WARNING)
  }
  return {
    level,
    write(messageLevel, message) {
      if (LEVELS.indexOf(messageLevel as LogLevel) > most) return
      // What is logged goes on, whether or not it can be: a full disk is not to end the service.
      try {
        Promise.resolve(context.run(logger, messageLevel as LogLevel, message)).catch(failed)
      } catch (error) {
        failed(error)
      }
    }
  }
}

/** Without a logger, a warning goes to the process, once for each kind: messages that differ by their numbers are one kind. */
function processLog(): Log {
  const seen = new Set<string>()
  return {
    level: 'none',
    write(level, message) {
      if (level !== 'warn' && level !== 'error') return
      const kind = message.replace(/\d+/g, '0')
      if (seen.has(kind)) return
      if (seen.size >= KINDS_REMEMBERED) seen.clear()
      seen.add(kind)
      process.emitWarning(message, WARNING)
    }
  }
}

/** Ready-made values of the `logging` option. */
export const logging = Object.freeze({
  /**
   * Logs to `console.log`, with time, level and message.
   *
   * @param level most verbose level to log; default `info`
   * @param unredactDebugLogs of no effect: parameters and records are in no message, at no level
   */
  console(level: LogLevel = DEFAULT_LEVEL, unredactDebugLogs = false): Required<LoggingConfig> {
    return {
      level,
      logger: (messageLevel, message) =>
        console.log(`${Date.now()} ${messageLevel.toUpperCase()} ${message}`),
      unredactDebugLogs
    }
  }
})
