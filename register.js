// node --import neo4j-ha-bolt-driver/register program.js
//
// Whoever imports or requires `neo4j-driver` in this process, a library as well, gets this driver. Worker threads inherit
// the option, and with it this file; not those of Bun.

const Module = require('node:module')
const { pathToFileURL } = require('node:url')

const NAMES = ['neo4j-driver', 'neo4j-driver-lite']
const path = require.resolve('./neo4j-driver.js')
const url = pathToFileURL(path).href

if (process.versions.bun) {
  const neo4j = require(path)
  const module = { exports: { ...neo4j, default: neo4j, __esModule: true }, loader: 'object' }
  Bun.plugin({
    name: 'neo4j-ha-bolt-driver',
    setup(build) {
      for (const name of NAMES) build.module(name, () => module)
    }
  })
} else if (Module.registerHooks) {
  const found = { url, format: 'commonjs', shortCircuit: true }
  Module.registerHooks({
    resolve: (specifier, context, next) => (NAMES.includes(specifier) ? found : next(specifier, context))
  })
} else {
  const resolve = Module._resolveFilename
  Module._resolveFilename = function (request, ...rest) {
    return NAMES.includes(request) ? path : resolve.call(this, request, ...rest)
  }
  // `import` is resolved by a thread of its own there
  Module.register('./register-hooks.mjs', {
    parentURL: pathToFileURL(__filename),
    data: { names: NAMES, url }
  })
}
