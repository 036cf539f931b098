import neo4j = require('./index')

export type Parameters = neo4j.Parameters

declare interface QueryRunner {
  run(query: string, parameters?: Parameters): neo4j.Result
}

export default QueryRunner
