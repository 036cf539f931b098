// What the name of neo4j-driver is where `neo4j-ha-bolt-driver/register` was loaded before: required, and imported.
import { createRequire } from 'node:module'
import neo4j, { driver } from 'neo4j-driver'
import Neo4jHA from 'neo4j-ha-bolt-driver'

const require = createRequire(import.meta.url)
console.log(
  [neo4j, require('neo4j-driver'), (await import('neo4j-driver')).default].every(
    one => one === Neo4jHA.driver
  ) && driver === neo4j.driver
)
