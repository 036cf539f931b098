// Values that a program, or its tests, make by hand, and options that it fills in piece by piece.

import type { Config, QueryResult, ResultObserver, ResultTransformer } from 'neo4j-driver'
import neo4j from 'neo4j-driver'

const summary: neo4j.ResultSummary = new neo4j.ResultSummary('RETURN 1', {}, {})
const record: neo4j.Record = new neo4j.Record(['a'], [1])
const result: QueryResult = { records: [record], summary }
const eager: neo4j.EagerResult = new neo4j.EagerResult(['a'], [record], summary)
const failure: neo4j.Neo4jError = new neo4j.Neo4jError('no', 'N/A', '50N42', 'no')
console.log(result.summary.counters.updates(), eager.summary.query.text, failure.code)

const observer: ResultObserver = { onCompleted: ended => console.log(ended.query.text) }
const count: ResultTransformer<number> = async given => (await given).records.length

const config: Config = { trustedCertificates: [], encryptionProfiles: [] }
config.trustedCertificates?.push('ca.pem')

const driver = neo4j.driver('bolt://127.0.0.1', neo4j.auth.bearer('token'), config)
driver.session().run('RETURN 1').subscribe(observer)
const counted: number = await driver.executeQuery('RETURN 1', {}, { resultTransformer: count })
const logging = neo4j.logging.console('info')
logging.logger(logging.level, `${counted}`)
