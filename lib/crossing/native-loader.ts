/**
 * Finds and loads the native module of this platform: the one that was built here, beside package.json, or else that of the
 * platform's package. If there is none, the error says why, and what to do.
 */

import { closeSync, existsSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { VERSION } from '../config/user-agent'

const NAME = 'neo4j-ha-bolt-driver'

/** How Linux libraries begin. */
const ELF = 0x7f454c46
const ELF_64_LITTLE_ENDIAN = 0x0201

/** Where package.json is; null in a bundle of ES modules. */
const ROOT = typeof __dirname === 'string' ? join(__dirname, '..', '..') : null

/**
 * Each package is written out, inside of `try`, so that bundlers find the one that is installed and do not insist on the others.
 * They are the targets of package.json.
 *
 * @throws Error that names the one cause, with what Node said as its cause
 */
export function loadNativeModule(): unknown {
  const target = targetHere()
  const built = ROOT === null ? '' : join(ROOT, `${NAME}.${target}.node`)
  const file = existsSync(built) ? built : installed(target)
  if (isCutShort(file)) throw unusable(target, `${file} is cut short: install ${NAME}-${target} again.`)
  try {
    if (existsSync(built)) return createRequire(__filename)(built)
    switch (target) {
      case 'linux-x64-gnu':
        return require('neo4j-ha-bolt-driver-linux-x64-gnu')
      case 'linux-arm64-gnu':
        return require('neo4j-ha-bolt-driver-linux-arm64-gnu')
      case 'linux-x64-musl':
        return require('neo4j-ha-bolt-driver-linux-x64-musl')
      case 'linux-arm64-musl':
        return require('neo4j-ha-bolt-driver-linux-arm64-musl')
      case 'darwin-x64':
        return require('neo4j-ha-bolt-driver-darwin-x64')
      case 'darwin-arm64':
        return require('neo4j-ha-bolt-driver-darwin-arm64')
      case 'win32-x64-msvc':
        return require('neo4j-ha-bolt-driver-win32-x64-msvc')
      case 'win32-arm64-msvc':
        return require('neo4j-ha-bolt-driver-win32-arm64-msvc')
    }
  } catch (cause) {
    throw unusable(target, reasonOf(cause as Cause, target), cause)
  }
  throw unusable(target, 'there is none for this platform. It can be built on it, in a clone: npm run build')
}

/** The file that the platform's package is; none where it cannot be told, as in a bundle. */
function installed(target: string): string {
  try {
    return createRequire(__filename).resolve(`${NAME}-${target}`)
  } catch {
    return ''
  }
}

function unusable(target: string, reason: string, cause?: unknown): Error {
  return new Error(`${NAME} ${VERSION} cannot load its native module for ${target}: ${reason}`, { cause })
}

/** What this platform is called in the names of files and packages. */
function targetHere(): string {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${usesMusl() ? 'musl' : 'gnu'}`
  return platform === 'win32' ? `win32-${arch}-msvc` : `${platform}-${arch}`
}

/** Whether the running program is linked with musl: its first bytes name its loader. */
function usesMusl(): boolean {
  return head(process.execPath, 4096).includes('/ld-musl-')
}

/** The first bytes of a file; none if it cannot be read. */
function head(path: string, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  try {
    const file = openSync(path, 'r')
    try {
      return bytes.subarray(0, readSync(file, bytes, 0, length, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    return bytes.subarray(0, 0)
  }
}

/** Whether the end of a Linux library is missing, which the system's loader does not look at: it dies of it. */
function isCutShort(path: string): boolean {
  const bytes = head(path, 64)
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== ELF || bytes.readUInt16BE(4) !== ELF_64_LITTLE_ENDIAN)
    return false
  // Behind everything else comes the table of its sections.
  const [at, size, count] = [bytes.readBigUInt64LE(40), bytes.readUInt16LE(58), bytes.readUInt16LE(60)]
  return Number(at) + size * count > statSync(path).size
}

interface Cause extends Error {
  code?: string
}

/** Why the native module could not be loaded, and what to do, from what Node said. */
export function reasonOf({ code, message }: Cause, target: string): string {
  const name = `${NAME}-${target}`
  const again = `install ${name} again`
  if (code === 'ERR_DLOPEN_DISABLED') {
    return 'addons are not allowed in this process. Start node without --no-addons and, where --permission is set, with --allow-addons.'
  }
  if (code === 'MODULE_NOT_FOUND') {
    const missing = /'(.+\.node)'/.exec(message)?.[1]
    if (missing !== undefined) return `${missing} ${whatIsAt(missing)}: ${again}.`
    if (message.includes(name)) return notInstalled(name)
  }
  const file = /(?:\/|[A-Za-z]:\\)[^:\n]*\.node/.exec(message)?.[0]
  const glibc = /GLIBC_([\d.]+)' not found/.exec(message)
  if (glibc !== null) {
    return `it needs glibc ${glibc[1]} or later, and this system has ${libc()}. Run it on a newer system, or on one with musl.`
  }
  if (/ld-linux|libc\.so\.6|ld-musl|libc\.musl/.test(message)) {
    return `it was made for another libc than the one of this system, ${libc()} (${message}): ${again}, on this very system.`
  }
  if (/permission denied|EACCES/i.test(message)) {
    return `this process may not read it (${message}): give it the permission to read the file.`
  }
  if (/failed to map segment|operation not permitted|EPERM/i.test(message)) {
    return `this system does not let it be executed (${message}): is it on a volume that is mounted with noexec?`
  }
  if (/specified module could not be found/i.test(message)) {
    return `a library that it needs is missing (${message}): install the Microsoft Visual C++ Redistributable.`
  }
  const machine = file === undefined ? undefined : machineOf(file)
  if (machine !== undefined && machine !== process.arch) {
    return `${file} was made for ${machine}, and this is ${process.arch} (${message}): ${again}, on this very system.`
  }
  if (
    /invalid ELF|file too short|wrong ELF class|mach-o|not a valid Win32|cannot read file|Exec format/i.test(
      message
    )
  ) {
    return `its file is damaged, or was made for another platform (${message}): ${again}, on this very system.`
  }
  return message
}

/** What kind of processor a Linux library was made for, in Node's words; undefined for what is none. */
function machineOf(file: string): string | undefined {
  const bytes = head(file, 20)
  if (bytes.length < 20 || bytes.readUInt32BE(0) !== ELF) return undefined
  const machine = bytes.readUInt16LE(18)
  return machine === 0x3e ? 'x64' : machine === 0xb7 ? 'arm64' : 'another processor'
}

/** Why there is no file to load. */
function whatIsAt(path: string): string {
  try {
    const found = lstatSync(path)
    return found.isSymbolicLink() ? 'is a link to nothing' : 'is no file'
  } catch {
    return 'is missing'
  }
}

function notInstalled(name: string): string {
  const platforms = siblings()
  if (platforms.includes(name)) return `its package ${name} is not complete: install it again.`
  if (platforms.length > 0) {
    return `its package ${name} is not installed, but ${platforms.join(' and ')} is: node_modules comes from another platform. Install on this very one.`
  }
  return `its package ${name} is not installed. It is an optional dependency of ${NAME}: install without --omit=optional, on this very platform (or with npm's --os, --cpu and --libc for it).`
}

/** The platforms' packages that are installed beside this one. */
function siblings(): string[] {
  try {
    return ROOT === null ? [] : readdirSync(join(ROOT, '..')).filter(entry => entry.startsWith(`${NAME}-`))
  } catch {
    return []
  }
}

/** The C library of the running program, with its version where that can be told. */
function libc(): string {
  if (usesMusl()) return 'musl'
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return `glibc ${report?.header?.glibcVersionRuntime ?? 'of an unknown version'}`
}
