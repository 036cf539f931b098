// Programs written for neo4j-driver compile against its types, and against ours when only their import is another.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { compiler, project } from './compiler.mjs'

const programs = join(dirname(fileURLToPath(import.meta.url)), 'neo4j-driver')
const { folder, complaints } = compiler()
for (const name of ['neo4j-driver', 'neo4j-driver-core', 'neo4j-driver-bolt-connection', 'rxjs']) {
  symlinkSync(join(project, 'node_modules', name), join(folder, 'node_modules', name), 'dir')
}

/**
 * The imports that docs/MIGRATION.md tells to write: the namespace by its name, and a name of it for each that was imported.
 */
const mapped = source => {
  const names = []
  const rest = source.replace(
    /^import (?:type )?(?:\w+,? )?(?:\{([^}]*)\} )?from 'neo4j-driver'$/gm,
    (_, named = '') => {
      for (const name of named.split(',')) {
        const [imported, local = imported] = name.replace('type ', '').trim().split(' as ')
        if (imported !== '') names.push(`import ${local} = neo4j.${imported}`)
      }
      return ''
    }
  )
  const lines = ["import { driver as neo4j } from 'neo4j-ha-bolt-driver'", ...names]
  // In the place of the first import, so that the other lines keep their numbers.
  return rest.replace(/\n\n/, () => `\n${lines.join('; ')}\n`)
}

const files = readdirSync(programs)
mkdirSync(join(folder, 'ours'))
for (const file of files) {
  const source = readFileSync(join(programs, file), 'utf8')
  writeFileSync(join(folder, file), source)
  writeFileSync(join(folder, 'ours', file), mapped(source))
}

/** Module settings; types of the default import, `neo4j.Driver`, are there in neo4j-driver only for Node's own resolution. */
const kinds = file =>
  file.endsWith('.ts')
    ? ['commonjs', 'node16']
    : /[:<] neo4j\.[A-Z]/.test(readFileSync(join(programs, file), 'utf8'))
      ? ['node16', 'nodenext']
      : ['node16', 'nodenext', 'bundler']

for (const file of files) {
  for (const kind of kinds(file)) {
    for (const exactOptionalPropertyTypes of [false, true]) {
      const exactly = exactOptionalPropertyTypes ? ', exactOptionalPropertyTypes' : ''
      test(`${file} compiles with neo4j-driver, and with this driver in its place: module ${kind}${exactly}`, () => {
        assert.equal(complaints(file, kind, { exactOptionalPropertyTypes }), '')
        assert.equal(complaints(join('ours', file), kind, { exactOptionalPropertyTypes }), '')
      })
    }
  }
}

/** The option that docs/MIGRATION.md tells to write in tsconfig.json: no import is another then. */
const inPlace = {
  baseUrl: folder,
  paths: { 'neo4j-driver': ['./node_modules/neo4j-ha-bolt-driver/neo4j-driver.d.ts'] }
}

for (const file of files) {
  test(`${file} compiles unchanged with this driver in its place by the option paths`, () => {
    assert.equal(complaints(file, 'node16', inPlace), '')
  })
}

test('the option paths puts this driver in the place of neo4j-driver', () => {
  const ours = join(folder, 'ours.mts')
  writeFileSync(ours, "import neo4j, { type Driver, driver } from 'neo4j-driver'\nneo4j.v1.int(1)\n")
  assert.match(complaints('ours.mts', 'node16'), /'v1' does not exist/)
  assert.equal(complaints('ours.mts', 'node16', inPlace), '')
})
