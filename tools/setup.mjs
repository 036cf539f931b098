#!/usr/bin/env node
// All the set-up of a clone, from nothing: checks what the machine must have, installs the npm packages, builds the
// native module and the JavaScript. Steps whose inputs did not change since their last run are left out.
//
//   node tools/setup.mjs            all of it
//   node tools/setup.mjs packages   the npm packages alone
//
// It runs before `npm install`, so it and all it imports use nothing but Node itself.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fail, run, UserError, which } from './lib/exec.mjs'
import { fingerprint, readStamp, writeStamp } from './lib/fingerprint.mjs'
import { bin, isMain, ROOT } from './lib/project.mjs'

/** @napi-rs/cli, which builds the native module, asks for this one; the package itself runs on any Node 20. */
const NODE = '20.17'
const JAVA = 17

const report = text => console.log(`setup: ${text}`)

/**
 * @param {object} [options]
 * @param {'packages' | 'all'} [options.until] how far to go
 * @param {(text: string) => void} [options.progress]
 */
export async function setup({ until = 'all', progress = report } = {}) {
  const began = Date.now()
  await checkMachine()
  const steps = until === 'packages' ? [packages] : [packages, native, javascript]
  for (const step of steps) await once(step, progress)
  progress(`done in ${seconds(began)}`)
}

/** The libraries that are tried with this driver in the place of neo4j-driver; the rest does without them. */
export const setupLibraries = () => once(libraries, report)

/** The programs that run JavaScript, which the driver is tried on. */
export const setupRuntimes = () => once(runtimes, report)

// ---- what the machine must have ----

async function checkMachine() {
  const checks = [checkNode, checkRust, checkJava, checkMaven, checkOpenssl]
  const missing = (await Promise.all(checks.map(check => check()))).filter(Boolean)
  if (missing.length > 0)
    throw new UserError(`This machine lacks:\n${missing.map(text => `- ${text}`).join('\n')}`)
}

function checkNode() {
  if (isAtLeast(process.versions.node, NODE)) return null
  return `Node.js ${NODE} or later (this is ${process.versions.node}): install a current one, for example by 'nvm install 22'`
}

async function checkRust() {
  const wanted = /^rust-version = "(.+)"/m.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'))[1]
  const advice = `install Rust ${wanted} or later with rustup ('rustup toolchain install stable')`
  const absent = ['cargo', 'rustc'].filter(name => !which(name))
  if (absent.length > 0) return `${absent.join(' and ')}: ${advice}, and see that ~/.cargo/bin is on the PATH`
  const found = /rustc (\S+)/.exec(await output('rustc', ['--version']))?.[1]
  if (!found) return `a working rustc: '${which('rustc')} --version' fails; ${advice}`
  return isAtLeast(found, wanted) ? null : `Rust ${wanted} or later (this is ${found}): ${advice}`
}

async function checkJava() {
  const home = process.env.JAVA_HOME
  const javac = (home && which('javac', [join(home, 'bin')])) || which('javac')
  const advice = `install a JDK ${JAVA}, for example 'apt-get install openjdk-17-jdk-headless' or 'brew install openjdk@17'`
  if (!javac) return `javac (a JDK, not only a JRE; it runs the Neo4j servers of tests and demo): ${advice}`
  const found = /javac (\S+)/.exec(await output(javac, ['-version']))?.[1]
  if (!found) return `a working javac: '${javac} -version' fails; ${advice}`
  return isAtLeast(found, String(JAVA)) ? null : `a JDK ${JAVA} or later (javac is ${found}): ${advice}`
}

const checkMaven = () =>
  which('mvn')
    ? null
    : "mvn (Maven downloads Neo4j for tests and demo): 'apt-get install maven' or 'brew install maven'"

const checkOpenssl = () =>
  which('openssl')
    ? null
    : "openssl (makes the servers' certificate): 'apt-get install openssl' or 'brew install openssl'"

async function output(command, args) {
  try {
    return await run(command, args, { timeout: 30_000 })
  } catch {
    return ''
  }
}

function isAtLeast(found, wanted) {
  const numbers = text => text.split(/[.+-]/).map(part => Number.parseInt(part, 10) || 0)
  const [a, b] = [numbers(found), numbers(wanted)]
  for (let i = 0; i < b.length; i++) {
    if ((a[i] ?? 0) !== b[i]) return (a[i] ?? 0) > b[i]
  }
  return true
}

// ---- steps ----

/** What `npm ci` installs in a folder; `some` are packages of it. */
const npmPackages = (name, folder, some) => ({
  name,
  inputs: ['package.json', 'package-lock.json', '.npmrc'].map(file => join(folder, file)),
  outputs: () => some.map(path => join(folder, 'node_modules', path)),
  async run(progress) {
    const npm = which('npm')
    if (!npm) throw new UserError('npm is missing: it comes with Node.js')
    progress(`${name}: installing (npm ci)`)
    await run(npm, ['ci', '--no-audit', '--no-fund'], { cwd: join(ROOT, folder) })
  }
})

const packages = npmPackages('npm packages', '.', ['typescript', '@napi-rs/cli'])
const libraries = npmPackages('libraries', join('__test__', 'libraries'), ['neogma', 'neode'])
const runtimes = npmPackages('runtimes', join('__test__', 'runtimes', 'packages'), ['bun', 'deno'])

const native = {
  name: 'native module',
  inputs: ['Cargo.toml', 'Cargo.lock', 'build.rs', 'src', 'crates', 'package.json'],
  outputs: () => [readdirSync(ROOT).find(name => name.endsWith('.node')) ?? '*.node'],
  async run(progress) {
    progress('native module: compiling (cargo, release)')
    let crates = 0
    let told = Date.now()
    const onLine = line => {
      const crate = /^\s*Compiling (\S+)/.exec(line)?.[1]
      if (!crate) return
      crates++
      if (Date.now() - told < 5_000) return
      told = Date.now()
      progress(`native module: crate ${crates}, ${crate}`)
    }
    const options = ['--platform', '--release', '--no-js', '--dts', 'native.d.ts']
    await run(process.execPath, [bin('@napi-rs/cli', 'napi'), 'build', ...options], { cwd: ROOT, onLine })
  }
}

const javascript = {
  name: 'JavaScript',
  inputs: ['lib', 'tsconfig.json', 'package-lock.json'],
  outputs: () => ['dist/index.js'],
  async run(progress) {
    progress('JavaScript: compiling (tsc)')
    // What was made of a file that is there no more would be packed, too.
    rmSync(join(ROOT, 'dist'), { recursive: true, force: true })
    await run(process.execPath, [bin('typescript', 'tsc'), '-p', 'tsconfig.json'], { cwd: ROOT })
  }
}

/** Runs a step, unless its outputs are there and were made from what its inputs hold now. */
async function once(step, progress) {
  const began = Date.now()
  const stamp = join(ROOT, 'node_modules', '.cache', 'setup', step.name.replaceAll(' ', '-'))
  const print = fingerprint(
    ROOT,
    step.inputs,
    `${process.platform} ${process.arch} ${process.versions.modules}`
  )
  const isThere = step.outputs().every(path => existsSync(join(ROOT, path)))
  if (isThere && readStamp(stamp) === print) return progress(`${step.name}: up to date`)
  await step.run(progress)
  writeStamp(stamp, print)
  progress(`${step.name}: ready (${seconds(began)})`)
}

const seconds = since => `${((Date.now() - since) / 1000).toFixed(1)} s`

if (isMain(import.meta.url)) {
  const [until = 'all', ...rest] = process.argv.slice(2)
  if (!['all', 'packages'].includes(until) || rest.length > 0)
    fail(new UserError('usage: node tools/setup.mjs [packages]'))
  else setup({ until }).catch(fail)
}
