// All that is to work on a single Neo4j 4.4.

import { describe } from 'node:test'
import { abortSuite } from './suites/abort.mjs'
import { commandSuite } from './suites/command.mjs'
import { encryptionSuite } from './suites/encryption.mjs'
import { interopSuite } from './suites/interop.mjs'
import { loginSuite } from './suites/login.mjs'
import { manualSuite } from './suites/manual.mjs'
import { parameterSuite } from './suites/parameters.mjs'
import { reactiveSuite } from './suites/reactive.mjs'
import { routingSuite } from './suites/routing.mjs'
import { runningWorkSuite } from './suites/running-work.mjs'
import { singleSuite } from './suites/single.mjs'
import { summarySuite } from './suites/summaries.mjs'
import { tlsSuite } from './suites/tls.mjs'
import { typeSuite } from './suites/types.mjs'
import { userSuite } from './suites/users.mjs'
import { NO_LOCKOUT, servers } from './support.mjs'

describe('a single Neo4j 4.4', () => {
  const set = servers('4.4@integration', { settings: NO_LOCKOUT })
  const about = { version: '4.4', bolt: [4, 4] }
  const routed = { ...about, scheme: 'neo4j' }
  singleSuite(set, about)
  loginSuite(set, about)
  runningWorkSuite(set, about)
  userSuite(set, about)
  routingSuite(set)
  tlsSuite(set)
  typeSuite(set, about)
  parameterSuite(set)
  summarySuite(set, about)
  manualSuite(set)
  abortSuite(set)
  reactiveSuite(set)
  encryptionSuite(set)
  manualSuite(set, routed)
  loginSuite(set, routed)
  userSuite(set, routed)
  interopSuite(set, about)
  commandSuite(set, { ...about, role: 'writer' })
})
