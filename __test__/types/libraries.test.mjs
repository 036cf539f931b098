// Libraries that name the types of neo4j-driver and neo4j-driver-core, compiled with this driver's objects in their place.
import assert from 'node:assert/strict'
import { cpSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compiler, project } from './compiler.mjs'

const { folder, complaints } = compiler()
cpSync(
  join(dirname(fileURLToPath(import.meta.url)), 'fixtures', 'libraries.mts'),
  join(folder, 'libraries.mts')
)
for (const name of ['neo4j-driver', 'neo4j-driver-core', 'neo4j-driver-bolt-connection', 'rxjs']) {
  symlinkSync(join(project, 'node_modules', name), join(folder, 'node_modules', name), 'dir')
}

for (const kind of ['node16', 'nodenext', 'bundler']) {
  for (const options of [
    {},
    { exactOptionalPropertyTypes: true },
    { skipLibCheck: false },
    { exactOptionalPropertyTypes: true, skipLibCheck: false }
  ]) {
    test(`a library takes this driver's objects for those of neo4j-driver: module ${kind}, ${JSON.stringify(options)}`, () => {
      assert.equal(complaints('libraries.mts', kind, options), '')
    })
  }
}
