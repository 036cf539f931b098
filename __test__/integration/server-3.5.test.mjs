// All that is to work on a single Neo4j 3.5.

import { describe } from 'node:test'
import { singleSuite } from './suites/single.mjs'
import { typeSuite } from './suites/types.mjs'
import { servers } from './support.mjs'

describe('a single Neo4j 3.5', () => {
  const set = servers('3.5@integration')
  const about = { version: '3.5', bolt: [3, 0] }
  singleSuite(set, about)
  typeSuite(set, about)
})
