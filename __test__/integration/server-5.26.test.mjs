// All that is to work on a single Neo4j 5.26.

import { after, describe } from 'node:test'
import { authority } from '../support/certificates.mjs'
import { abortSuite } from './suites/abort.mjs'
import { clientCertificateSuite } from './suites/client-certificates.mjs'
import { commandSuite, singleCommandSuite } from './suites/command.mjs'
import { encryptionSuite } from './suites/encryption.mjs'
import { interopSuite } from './suites/interop.mjs'
import { loginSuite, noAuthenticationSuite } from './suites/login.mjs'
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

describe('a single Neo4j 5.26', () => {
  const ca = authority()
  after(() => ca.remove())
  const set = servers('5.26@integration', { certificate: ca.issue(['DNS:localhost']), settings: NO_LOCKOUT })
  const about = { version: '5.26', bolt: [5, 8] }
  singleSuite(set, about)
  loginSuite(set, about)
  runningWorkSuite(set, about)
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
  interopSuite(set, about)
  commandSuite(set, { ...about, role: 'writer' })
  singleCommandSuite(set, { ca })
})

describe('a Neo4j 5.26 without authentication that wants client certificates', () => {
  const clients = authority()
  after(() => clients.remove())
  const set = servers('5.26@client-certificates', { auth: false, clientAuthority: clients.pem })
  noAuthenticationSuite(set)
  clientCertificateSuite(set, { clients })
})
