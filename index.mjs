import Neo4jHA from './dist/index.js'

export default Neo4jHA
export const { driver, HAReadWrite, HAStrategies, ServerType, Status } = Neo4jHA
export { Neo4jHA }
