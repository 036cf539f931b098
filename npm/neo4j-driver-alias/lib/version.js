// The version of neo4j-driver that this one stands for.
Object.defineProperty(exports, '__esModule', { value: true })
exports.default = require('../package.json').version
