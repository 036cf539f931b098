// All that is to work on a single Neo4j 5.26.

import { describe } from 'node:test'
import { interopSuite } from './suites/interop.mjs'
import { singleSuite } from './suites/single.mjs'
import { typeSuite } from './suites/types.mjs'
import { servers } from './support.mjs'

describe('a single Neo4j 5.26', () => {
  const set = servers('5.26@integration')
  const about = { version: '5.26', bolt: [5, 8] }
  singleSuite(set, about)
  typeSuite(set, about)
  interopSuite(set, about)
})
