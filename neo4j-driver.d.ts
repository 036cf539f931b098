import Neo4jHA = require('./index')
import neo4j = Neo4jHA.driver

export = neo4j
