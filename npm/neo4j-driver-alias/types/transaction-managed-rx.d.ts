import neo4j = require('./index')

import RxManagedTransaction = neo4j.RxManagedTransaction
export default RxManagedTransaction
