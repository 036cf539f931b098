// All that is to work on a single Neo4j 2026.

import { describe } from 'node:test'
import { singleSuite } from './suites/single.mjs'
import { typeSuite } from './suites/types.mjs'
import { servers } from './support.mjs'

describe('a single Neo4j 2026', () => {
  const set = servers('2026@integration')
  const about = { version: '2026', bolt: [6, 1] }
  singleSuite(set, about)
  typeSuite(set, about)
})
