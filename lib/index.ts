/** What `require('neo4j-ha-bolt-driver')` gives: the class, with all else hanging off it, `default` included. */

import { Neo4jHA } from './api/neo4j-ha'

Object.defineProperty(Neo4jHA, 'default', { value: Neo4jHA })

export = Neo4jHA
