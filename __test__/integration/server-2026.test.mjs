// All that is to work on a single Neo4j 2026.

import { after, describe } from 'node:test'
import { authority } from '../support/certificates.mjs'
import { abortSuite } from './suites/abort.mjs'
import { commandSuite } from './suites/command.mjs'
import { encryptionSuite } from './suites/encryption.mjs'
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

describe('a single Neo4j 2026', () => {
  const ca = authority()
  after(() => ca.remove())
  const set = servers('2026@integration', { certificate: ca.issue(['DNS:localhost']), settings: NO_LOCKOUT })
  const about = { version: '2026', bolt: [6, 1] }
  const routed = { ...about, scheme: 'neo4j' }
  singleSuite(set, about)
  loginSuite(set, about)
  runningWorkSuite(set, routed)
  userSuite(set, about)
  routingSuite(set, { ca })
  tlsSuite(set, { ca })
  typeSuite(set, about)
  parameterSuite(set)
  summarySuite(set, about)
  manualSuite(set)
  abortSuite(set)
  reactiveSuite(set)
  encryptionSuite(set)
  commandSuite(set, { ...about, role: 'writer' })
  manualSuite(set, routed)
  loginSuite(set, routed)
  userSuite(set, routed)
})
