// Every type, on Neo4j 2026.
import { typeSuite } from './type-suite.mjs'

typeSuite('2026@types', { version: '2026', bolt: [6, 1] })
