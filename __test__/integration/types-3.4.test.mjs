// Every type, on Neo4j 3.4, which npm's driver of today cannot connect to.
import { typeSuite } from './type-suite.mjs'

typeSuite('ha-3.4@types', { version: '3.4', bolt: [2, 0], npm: false })
