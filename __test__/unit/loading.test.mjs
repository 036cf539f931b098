// How the native module is found and loaded, and what the error says where it cannot be: each case in a process of its own, on
// a copy of the package in a node_modules of its own.

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { source, TARGET } from '../../tools/format.mjs'
import { ROOT } from '../../tools/lib/project.mjs'

const { reasonOf } = createRequire(import.meta.url)('../../dist/crossing/native-loader.js')
const NAME = 'neo4j-ha-bolt-driver'
const BUILT = readdirSync(ROOT).find(file => file.startsWith(`${NAME}.`) && file.endsWith('.node'))
const TARGET_HERE = BUILT.slice(NAME.length + 1, -'.node'.length)
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'neo4j-ha-loading-')))
after(() => rmSync(scratch, { recursive: true, force: true }))

let count = 0

/** A node_modules with this package, without a native module. */
function installed() {
  const modules = join(scratch, String(count++), 'node_modules')
  const folder = join(modules, NAME)
  mkdirSync(folder, { recursive: true })
  for (const file of ['dist', 'package.json'])
    cpSync(join(ROOT, file), join(folder, file), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules', 'neo4j-driver-core'), join(modules, 'neo4j-driver-core'), 'junction')
  return {
    folder,
    /** Adds a native module, as one that was built there. */
    build: bytes => writeFileSync(join(folder, BUILT), bytes),
    /** Adds a package of a platform. */
    addPackage: (target, main, content) => {
      const platform = join(modules, `${NAME}-${target}`)
      mkdirSync(platform)
      writeFileSync(
        join(platform, 'package.json'),
        JSON.stringify({ name: `${NAME}-${target}`, version, main })
      )
      if (content !== undefined) writeFileSync(join(platform, main), content)
      return platform
    }
  }
}

/** What a program that opens a driver says. */
function load(folder, ...flags) {
  const program = `
    try {
      require(${JSON.stringify(folder)}).driver.driver('bolt://127.0.0.1').close()
      console.log('it loads')
    } catch (error) {
      console.log(error.message + '|' + error.cause?.code)
    }`
  const { stdout } = spawnSync(process.execPath, [...flags, '-e', program], { encoding: 'utf8' })
  return stdout.trim()
}

const native = () => readFileSync(join(ROOT, BUILT))

describe('the native module is loaded', () => {
  it('from beside package.json, where it was built', () => {
    const { folder, build } = installed()
    build(native())
    assert.equal(load(folder), 'it loads')
  })

  it("from the platform's package", () => {
    const { folder, addPackage } = installed()
    addPackage(TARGET_HERE, BUILT, native())
    assert.equal(load(folder), 'it loads')
  })

  it('for each target of package.json by a name that bundlers can read', () => {
    const { napi } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const wanted = napi.targets.map(triple => {
      const [cpu, , system, abi] = triple.split('-')
      const arch = cpu === 'x86_64' ? 'x64' : 'arm64'
      return `${NAME}-${system === 'windows' ? 'win32' : system}-${arch}${abi === undefined ? '' : `-${abi}`}`
    })
    const text = readFileSync(join(ROOT, 'dist/crossing/native-loader.js'), 'utf8')
    const found = [...text.matchAll(/require\('(neo4j-ha-bolt-driver-[^']+)'\)/g)].map(match => match[1])
    assert.deepEqual(found.sort(), wanted.sort())
  })
})

it('require() opens no native module, and of Node no more than it needs', () => {
  const program = `
    require('neo4j-driver-core')
    const before = new Set(process.moduleLoadList)
    require(${JSON.stringify(installed().folder)})
    const loaded = process.moduleLoadList.filter(name => !before.has(name) && /^NativeModule [^/]+(\\/promises)?$/.test(name))
    console.log(JSON.stringify(loaded.map(name => name.slice('NativeModule '.length))))`
  const { stdout } = spawnSync(process.execPath, ['-e', program], { cwd: ROOT, encoding: 'utf8' })
  assert.deepEqual(JSON.parse(stdout), ['timers/promises'])
})

describe('where there is no native module to load, the error says', () => {
  it('that addons are not allowed', () => {
    const { folder, build } = installed()
    build(native())
    const said = load(folder, '--no-addons')
    assert.match(said, /addons are not allowed in this process.*--no-addons.*--allow-addons/)
    assert.match(said, /ERR_DLOPEN_DISABLED$/)
    assert.doesNotMatch(said, /optional|not installed/)
  })

  it('that the permission for addons is lacking', () => {
    const { folder, build } = installed()
    build(native())
    const flags = process.allowedNodeEnvironmentFlags
    const permission = flags.has('--permission') ? '--permission' : '--experimental-permission'
    assert.match(load(folder, permission, '--allow-fs-read=*'), /addons are not allowed.*--allow-addons/)
  })

  it('that the file is damaged, and which', () => {
    const { folder, build } = installed()
    build('this is no native module')
    const said = load(folder)
    assert.ok(said.includes(join(folder, BUILT)), said)
    assert.match(said, /its file is damaged.*install .* again.*ERR_DLOPEN_FAILED$/)
  })

  it('that the file is cut short, and which: beside package.json, and of the package', () => {
    // The first half of a library, with a table of sections behind its end.
    const bytes = Buffer.alloc(4096)
    bytes.writeUInt32BE(0x7f454c46)
    bytes.writeUInt16BE(0x0201, 4)
    bytes.writeBigUInt64LE(8192n, 40)
    bytes.writeUInt16LE(64, 58)
    bytes.writeUInt16LE(3, 60)
    const beside = installed()
    beside.build(bytes)
    const within = installed()
    const platform = within.addPackage(TARGET_HERE, BUILT, bytes)
    for (const [folder, file] of [
      [beside.folder, join(beside.folder, BUILT)],
      [within.folder, join(platform, BUILT)]
    ]) {
      const said = load(folder)
      assert.ok(said.includes(`${file} is cut short: install ${NAME}-${TARGET_HERE} again.`), said)
    }
  })

  for (const [what, put, said] of [
    ['is not there', () => {}, 'is missing'],
    ['is a link to nothing', file => symlinkSync(`${file}.gone`, file, 'junction'), 'is a link to nothing'],
    ['is a folder', file => mkdirSync(file), 'is no file']
  ]) {
    it(`that the file of the platform's package ${what}, and which`, () => {
      const { folder, addPackage } = installed()
      const file = join(addPackage(TARGET_HERE, BUILT), BUILT)
      put(file)
      const told = load(folder)
      assert.ok(told.includes(`${file} ${said}: install ${NAME}-${TARGET_HERE} again.`), told)
    })
  }

  it("that the platform's package is not complete", () => {
    const { folder, addPackage } = installed()
    rmSync(join(addPackage(TARGET_HERE, BUILT), 'package.json'))
    assert.match(
      load(folder),
      new RegExp(`its package ${NAME}-${TARGET_HERE} is not complete: install it again`)
    )
  })

  it("that the platform's package is not installed, by its name, and how to install it", () => {
    const said = load(installed().folder)
    assert.match(said, new RegExp(`^${NAME} ${version} cannot load its native module for ${TARGET_HERE}: `))
    assert.match(said, new RegExp(`package ${NAME}-${TARGET_HERE} is not installed.*--omit=optional`))
    assert.match(said, /MODULE_NOT_FOUND$/)
  })

  it('that node_modules comes from another platform', () => {
    const { folder, addPackage } = installed()
    addPackage('aix-ppc64', 'index.node', '')
    assert.match(
      load(folder),
      new RegExp(
        `${NAME}-${TARGET_HERE} is not installed, but ${NAME}-aix-ppc64 is: node_modules comes from another`
      )
    )
  })

  it('that a module cannot be loaded for what its own code throws', () => {
    const { folder, addPackage } = installed()
    addPackage(TARGET_HERE, 'index.js', 'throw new Error("what it is")')
    assert.match(load(folder), new RegExp(`for ${TARGET_HERE}: what it is`))
  })

  it('that JavaScript and native module are of two versions, and which', () => {
    const { folder, addPackage } = installed()
    addPackage(TARGET_HERE, 'index.js', 'exports.FORMAT = 4711; exports.VERSION = "9.9.9"')
    const said = load(folder)
    assert.match(
      said,
      new RegExp(
        `JavaScript of ${NAME} is version ${version} \\(format \\d+\\).*native module version 9\\.9\\.9 \\(format 4711\\)`
      )
    )
    assert.match(said, /Install the package anew/)
  })

  it('so of a native module that is older than the numbers of formats', () => {
    const { folder, addPackage } = installed()
    addPackage(TARGET_HERE, 'index.js', '')
    assert.match(
      load(folder),
      /native module an unknown version \(format unknown\): they do not belong together/
    )
  })

  const file = '/app/node_modules/some/module.node'
  for (const [what, message, expected] of [
    [
      'which glibc is needed and which there is',
      `/lib/x86_64-linux-gnu/libc.so.6: version \`GLIBC_2.99' not found (required by ${file})`,
      /it needs glibc 2\.99 or later, and this system has (glibc \d|musl)/
    ],
    [
      'that it was made for another libc: glibc',
      `Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by ${file})`,
      /made for another libc than the one of this system, (glibc \d|musl)/
    ],
    [
      'that it was made for another libc: musl',
      'libc.musl-x86_64.so.1: cannot open shared object file: No such file or directory',
      /made for another libc than the one of this system, (glibc \d|musl)/
    ],
    [
      'that the file may not be read',
      `${file}: cannot open shared object file: Permission denied`,
      /may not read it.*give it the permission/
    ],
    [
      'that the volume is mounted without the right to execute',
      `${file}: failed to map segment from shared object`,
      /noexec/
    ],
    [
      'that a library of Windows is missing',
      `The specified module could not be found.\r\n\\\\?\\C:\\app\\module.node`,
      /Visual C\+\+ Redistributable/
    ],
    [
      'that the file is none of Windows',
      `\\\\?\\C:\\app\\module.node is not a valid Win32 application.`,
      /damaged, or was made for another platform/
    ],
    [
      'that the file is none of macOS',
      `dlopen(${file}, 0x0001): tried: '${file}' (not a mach-o file)`,
      /damaged, or was made for another platform/
    ]
  ]) {
    it(what, () => {
      const reason = reasonOf(Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' }), TARGET_HERE)
      assert.match(reason, expected)
    })
  }

  it('which processor a library of Linux was made for', () => {
    const other = join(scratch, 'other.node')
    const bytes = Buffer.alloc(64)
    bytes.writeUInt32BE(0x7f454c46)
    bytes.writeUInt16LE(0xf3, 18) // RISC-V
    writeFileSync(other, bytes)
    const message = `${other}: cannot open shared object file: No such file or directory`
    const reason = reasonOf(Object.assign(new Error(message), { code: 'ERR_DLOPEN_FAILED' }), TARGET_HERE)
    assert.match(
      reason,
      new RegExp(`other\\.node was made for another processor, and this is ${process.arch}`)
    )
  })
})

it('the numbers that both sides know are those of the Rust sources (node tools/format.mjs)', () => {
  assert.equal(
    readFileSync(join(ROOT, TARGET), 'utf8').replaceAll('\r\n', '\n'),
    source().replaceAll('\r\n', '\n')
  )
})
