// A worker thread that asks once, and ends.
import { parentPort, workerData } from 'node:worker_threads'
import Neo4jHA from '../../index.mjs'

const driver = Neo4jHA.driver.driver(workerData.uri)
const { records } = await driver.session().run('RETURN 1 AS n')
await driver.close()
parentPort.postMessage(records[0].get('n').toInt())
