import neo4j = require('./index')

import RxTransaction = neo4j.RxTransaction
export default RxTransaction
