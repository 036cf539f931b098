const { Driver, session } = require('./index.js')

Object.defineProperty(exports, '__esModule', { value: true })
exports.READ = session.READ
exports.WRITE = session.WRITE
exports.Driver = Driver
exports.default = Driver
