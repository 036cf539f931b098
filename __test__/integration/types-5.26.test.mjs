// Every type, on Neo4j 5.26.
import { typeSuite } from './type-suite.mjs'

typeSuite('5.26@types', { version: '5.26', bolt: [5, 8] })
