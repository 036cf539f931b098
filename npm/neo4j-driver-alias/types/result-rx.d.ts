import neo4j = require('./index')

import RxResult = neo4j.RxResult
export default RxResult
