// All that is to work on a single Neo4j 4.4.

import { describe } from 'node:test'
import { interopSuite } from './suites/interop.mjs'
import { singleSuite } from './suites/single.mjs'
import { typeSuite } from './suites/types.mjs'
import { servers } from './support.mjs'

describe('a single Neo4j 4.4', () => {
  const set = servers('4.4@integration')
  const about = { version: '4.4', bolt: [4, 4] }
  singleSuite(set, about)
  typeSuite(set, about)
  interopSuite(set, about)
})
