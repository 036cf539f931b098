#!/usr/bin/env node
// Makes the packages that a user installs, as tarballs: the root one, the one with this platform's native module, and the one
// that stands in the place of neo4j-driver.
//
//   node tools/pack.mjs [FOLDER]     into FOLDER (default: pack/); prints their paths
//
// The root package names the packages of all platforms as optional dependencies, so that npm installs the one which
// fits. That is written into the packed package.json alone: in a clone they are not published yet. Nothing in the
// source tree is changed.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fail, run, UserError, which } from './lib/exec.mjs'
import { bin, isMain, ROOT } from './lib/project.mjs'

/**
 * @param {string} folder
 * @returns {Promise<{ root: string, platform: string, alias: string }>} paths of the tarballs
 */
export async function pack(folder) {
  const out = resolve(folder)
  const stage = mkdtempSync(join(tmpdir(), 'neo4j-ha-pack-'))
  try {
    mkdirSync(out, { recursive: true })
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const native = nativeModule(manifest.napi.binaryName)
    stageFiles(stage, manifest)
    await run(process.execPath, [bin('@napi-rs/cli', 'napi'), 'create-npm-dirs', '--cwd', stage])
    const platforms = join(stage, 'npm')
    const platform = join(platforms, native.platform)
    if (!existsSync(platform)) throw new UserError(`package.json names no napi target for ${native.platform}`)
    cpSync(join(ROOT, native.file), join(platform, native.file))
    cpSync(join(ROOT, 'LICENSE'), join(platform, 'LICENSE'))
    const { scripts, devDependencies, napi, ...published } = manifest
    const names = readdirSync(platforms).map(name => readManifest(join(platforms, name)).name)
    published.optionalDependencies = Object.fromEntries(names.sort().map(name => [name, manifest.version]))
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
    const alias = join(stage, 'alias')
    cpSync(join(ROOT, 'npm', 'neo4j-driver-alias'), alias, { recursive: true })
    cpSync(join(ROOT, 'LICENSE'), join(alias, 'LICENSE'))
    return {
      root: await tarball(stage, out),
      platform: await tarball(platform, out),
      alias: await tarball(alias, out)
    }
  } finally {
    rmSync(stage, { recursive: true, force: true })
  }
}

const readManifest = folder => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))

/** The native module that was built here, and the platform it is for: `<name>.<platform>.node`. */
function nativeModule(name) {
  const files = readdirSync(ROOT).filter(file => file.startsWith(`${name}.`) && file.endsWith('.node'))
  if (files.length !== 1) {
    const found = files.length === 0 ? 'there is none' : `found ${files.join(', ')}`
    throw new UserError(`one native module is packed, and ${found}: build it with 'node tools/setup.mjs'`)
  }
  return { file: files[0], platform: files[0].slice(name.length + 1, -'.node'.length) }
}

function stageFiles(stage, manifest) {
  for (const file of ['package.json', 'README.md', 'LICENSE', ...manifest.files]) {
    if (!existsSync(join(ROOT, file))) {
      throw new UserError(`${file} is to be packed and is not there: run 'node tools/setup.mjs'`)
    }
    cpSync(join(ROOT, file), join(stage, file), { recursive: true })
  }
}

async function tarball(folder, out) {
  const npm = which('npm')
  if (!npm) throw new UserError('npm is missing: it comes with Node.js')
  const lines = await run(npm, ['pack', '--pack-destination', out, '--loglevel', 'error'], { cwd: folder })
  return join(out, lines.trim().split('\n').at(-1))
}

if (isMain(import.meta.url)) {
  pack(process.argv[2] ?? join(ROOT, 'pack'))
    .then(({ root, platform, alias }) => console.log(`${root}\n${platform}\n${alias}`))
    .catch(fail)
}
