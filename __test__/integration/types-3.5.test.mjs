// Every type, on Neo4j 3.5.
import { typeSuite } from './type-suite.mjs'

typeSuite('3.5@types', { version: '3.5', bolt: [3, 0] })
