module.exports = require('neo4j-ha-bolt-driver/neo4j-driver')
