// Downloads: the jars of a product by Maven, and its start class by javac. What is there is used without any network.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { need, run, UserError } from '../lib/exec.mjs'
import { withLock } from '../lib/lock.mjs'
import { artifacts } from './catalog.mjs'
import { findJava, findJavac } from './java.mjs'

const OPENS = ['io', 'lang', 'net', 'nio', 'util', 'util.concurrent'].map(name => `java.base/java.${name}`)
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath'

/**
 * The java program for a product and its argument file (module openings and class path). Downloads what is missing.
 *
 * @param {string} root
 * @param {import('./catalog.mjs').Product} product
 * @param {(text: string) => void} progress
 * @returns {Promise<{ java: string, args: string }>}
 */
export async function fetchProduct(root, product, progress) {
  const waiting = pid => progress(`waiting for the downloads of process ${pid}`)
  return withLock(
    join(root, 'jars', 'lock'),
    async () => {
      const java = await findJava(root, product.java, progress)
      const edition = product.kind === 'single' ? 'community' : 'enterprise'
      const folder = join(root, 'jars', `${edition}-${product.version}`)
      mkdirSync(folder, { recursive: true })
      const args = join(folder, 'java.args')
      if (!isWhole(folder)) {
        await resolveClassPath(folder, product, progress)
        if (!isWhole(folder))
          throw new UserError(`Maven named jars that are not there: see ${join(folder, 'classpath')}`)
      }
      const classPath = readFileSync(join(folder, 'classpath'), 'utf8').trim()
      const launcher =
        product.kind === 'single' ? null : await compileLauncher(folder, product, java, classPath, progress)
      const path = launcher ? launcher + delimiter + classPath : classPath
      const opens = [...OPENS, 'java.base/sun.nio.ch'].map(name => `--add-opens=${name}=ALL-UNNAMED`)
      replace(args, `${[...opens, '-cp', `"${path.replaceAll('\\', '\\\\')}"`].join('\n')}\n`)
      return { java, args }
    },
    waiting
  )
}

/** Whether the class path was resolved before and all its jars are still where it says. */
function isWhole(folder) {
  const file = join(folder, 'classpath')
  return (
    existsSync(file) &&
    readFileSync(file, 'utf8')
      .trim()
      .split(delimiter)
      .every(jar => existsSync(jar))
  )
}

async function resolveClassPath(folder, product, progress) {
  const mvn = need(
    'mvn',
    'to download Neo4j',
    "Install Maven, for example by 'apt-get install maven' or 'brew install maven'."
  )
  const dependencies = artifacts(product).map(artifact => {
    const [group, name] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${product.version}</version></dependency>`
  })
  writeFileSync(
    join(folder, 'pom.xml'),
    '<project><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>local</artifactId>' +
      `<version>1</version><dependencies>${dependencies.join('')}</dependencies></project>\n`
  )
  progress(`resolving ${artifacts(product).join(', ')} ${product.version} by Maven`)
  const command = [
    '-B',
    '-f',
    join(folder, 'pom.xml'),
    PLUGIN,
    '-DincludeScope=runtime',
    `-Dmdep.outputFile=${join(folder, 'classpath.new')}`
  ]
  await retried(3, () => run(mvn, command, { onLine: downloadProgress(progress) }), progress)
  renameSync(join(folder, 'classpath.new'), join(folder, 'classpath'))
}

/** Turns Maven's log into a line now and then: how much has come, and which jar came last. */
function downloadProgress(progress) {
  const units = { B: 1 / 1024, kB: 1, KB: 1, MB: 1024 }
  let files = 0
  let kibibytes = 0
  let told = 0
  return line => {
    const found = /Downloaded from \S+: \S*\/(\S+) \(([\d.]+) (B|kB|KB|MB)/.exec(line)
    if (!found) return
    files++
    kibibytes += Number(found[2]) * units[found[3]]
    if (Date.now() - told < 1_000) return
    told = Date.now()
    progress(`downloading: ${files} files, ${(kibibytes / 1024).toFixed(1)} MiB, last ${found[1]}`)
  }
}

async function compileLauncher(folder, product, java, classPath, progress) {
  const generation = product.version.split('.').slice(0, 2).join('.')
  const source = fileURLToPath(new URL(`launchers/${generation}/EnterpriseServer.java`, import.meta.url))
  const copy = join(folder, 'EnterpriseServer.java')
  const text = readFileSync(source, 'utf8')
  const known = existsSync(copy) && readFileSync(copy, 'utf8') === text
  if (!known || !existsSync(join(folder, 'EnterpriseServer.class'))) {
    progress('compiling the start class')
    const options = [
      '--release',
      '11',
      '-proc:none',
      '-nowarn',
      '-Xlint:-options',
      '-cp',
      classPath,
      '-d',
      folder
    ]
    await run(findJavac(java), [...options, source])
    replace(copy, text)
  }
  return folder
}

async function retried(times, attempt, progress) {
  for (let left = times - 1; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left === 0) throw error
      progress(`that failed; trying again (${left} left)`)
    }
  }
}

/** Writes a file in one step, so that nobody reads a half. */
function replace(path, text) {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}
