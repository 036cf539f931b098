/**
 * What `require('neo4j-ha-bolt-driver')` gives: the class, with all else hanging off it, itself included: as `default`, and by its
 * name, so that `{ Neo4jHA }` is taken from it as from the ES module.
 */

import { Neo4jHA } from './api/neo4j-ha'

for (const name of ['default', 'Neo4jHA']) Object.defineProperty(Neo4jHA, name, { value: Neo4jHA })

export = Neo4jHA
