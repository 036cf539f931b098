/** What `session()` takes, checked: the session config of `neo4j-driver`, and what an HA pool adds to it. */

import type { BookmarkManager } from 'neo4j-driver-core'
import { clientError } from '../errors'
import { type NativeToken, plainTokenOf, type Token } from './auth'
import { DEFAULT, type ReadWriteConfig, rwMask } from './constants'
import type { Log } from './logging'
import { bookmarksOf, flag, readText } from './option-values'
import {
  type NotificationFilter,
  readFetchSize,
  readNotificationFilter,
  readRwConfig,
  readStrategy
} from './options'
import type { Strategy, StrategyFunction } from './strategy'

export type AccessMode = 'READ' | 'WRITE'

/** What a session is to work on, and how. */
export interface Intent {
  write: boolean
  /** As `rwMask` makes it, or -1. */
  rwMask: number
  strategy: number | Strategy
  /** The one server to use, or -1. */
  server: number
}

/** What a session is opened with, checked. */
export interface SessionSettings {
  intent: Intent
  /** Choose a server now, so that the strategy sees sessions in the order of their calls. */
  chooseNow: boolean
  bookmarks: readonly string[]
  bookmarkManager: BookmarkManager | undefined
  database: string | undefined
  impersonatedUser: string | undefined
  fetchSize: number | undefined
  notificationFilter: NotificationFilter | undefined
  auth: NativeToken | undefined
  disableAutoCommitRetries: boolean | undefined
}

/** The session config of `neo4j-driver`. */
export interface SessionConfig {
  defaultAccessMode?: AccessMode
  bookmarks?: string | string[] | null
  database?: string
  impersonatedUser?: string
  fetchSize?: number
  bookmarkManager?: BookmarkManager
  notificationFilter?: NotificationFilter
  /** Who does the work, instead of the driver's own user. */
  auth?: Token
  disableAutoCommitRetries?: boolean
}

/** The same for a pool of HA servers. */
export interface HASessionConfig extends SessionConfig {
  /** Whether at least one write is meant; without it, `defaultAccessMode` says so. */
  writeLock?: boolean
  rwConfig?: ReadWriteConfig
  strategy?: number | string | StrategyFunction
}

/**
 * @param strategy of the driver
 * @param server the one server to use, or -1
 * @param chooseNow choose a server at once
 * @param asNeo4jDriver the option `parameterConversion`
 * @param log of the driver
 * @throws Neo4jError or TypeError naming the option and what it takes
 */
export function readSessionConfig(
  config: HASessionConfig,
  strategy: number | Strategy,
  server: number,
  chooseNow: boolean,
  asNeo4jDriver: boolean,
  log: Log
): SessionSettings {
  const mode = config.defaultAccessMode ?? 'WRITE'
  if (mode !== 'READ' && mode !== 'WRITE') throw clientError(`Illegal session mode ${mode}`)
  const access = readRwConfig(config.rwConfig, 'rwConfig')
  return {
    intent: {
      write: config.writeLock === undefined ? mode === 'WRITE' : Boolean(config.writeLock),
      rwMask: access === undefined ? DEFAULT : rwMask(access),
      strategy: readStrategy(config.strategy, 'strategy') ?? strategy,
      server
    },
    chooseNow,
    auth: plainTokenOf(config.auth, 'auth', asNeo4jDriver),
    bookmarks: config.bookmarks === undefined ? NO_BOOKMARKS : bookmarksOf(config.bookmarks),
    bookmarkManager: config.bookmarkManager ?? undefined,
    database: readText(config.database, 'database') || undefined,
    impersonatedUser: readText(config.impersonatedUser, 'impersonatedUser') || undefined,
    fetchSize: readFetchSize(config.fetchSize, 'fetchSize'),
    notificationFilter: readNotificationFilter(config.notificationFilter, 'notificationFilter', log),
    disableAutoCommitRetries:
      config.disableAutoCommitRetries === undefined
        ? undefined
        : flag(config.disableAutoCommitRetries, 'disableAutoCommitRetries')
  }
}

const NO_BOOKMARKS: readonly string[] = Object.freeze([])
