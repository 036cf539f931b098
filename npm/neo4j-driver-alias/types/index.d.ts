import neo4j = require('neo4j-ha-bolt-driver/neo4j-driver')

export = neo4j
