import Neo4jHA from './index.js'

export default Neo4jHA
export { Neo4jHA }
export import driver = Neo4jHA.driver
export declare const HAReadWrite: typeof Neo4jHA.HAReadWrite
export declare const HAStrategies: typeof Neo4jHA.HAStrategies
export declare const ServerType: typeof Neo4jHA.ServerType
export declare const Status: typeof Neo4jHA.Status
