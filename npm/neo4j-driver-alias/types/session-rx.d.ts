import neo4j = require('./index')

import RxSession = neo4j.RxSession
export default RxSession
