// Folders in which the libraries are installed: with this driver beside npm's, and with it in its place.

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { which } from '../../tools/lib/exec.mjs'
import { ROOT } from '../../tools/lib/project.mjs'
import { pack } from '../../tools/pack.mjs'

const exec = promisify(execFile)
const INSTALL = 300_000

/** Where `npm ci` has installed the libraries, each with the driver of npm that it asks for, and the tools that are run. */
export const BESIDE = join(ROOT, '__test__', 'libraries')

/** The path of a file of a package that is installed there. */
export const tool = (...path) => join(BESIDE, 'node_modules', ...path)

/** The packages of this driver, packed into a folder, which also takes the trees. */
export class Trees {
  #folder = realpathSync(mkdtempSync(join(tmpdir(), 'neo4j-ha-libraries-')))
  #packed

  async pack() {
    this.#packed = await pack(join(this.#folder, 'packages'))
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** A file of the caller's, kept as long as the trees. */
  write(name, text) {
    const path = join(this.#folder, name)
    writeFileSync(path, text)
    return path
  }

  /** Puts the packages beside the libraries, where npm would put them. */
  async beside() {
    for (const tarball of [this.#packed.root, this.#packed.platform]) {
      const folder = tool((await manifestOf(tarball)).name)
      rmSync(folder, { recursive: true, force: true })
      mkdirSync(folder)
      await exec('tar', ['-xzf', tarball, '-C', folder, '--strip-components', '1'])
    }
  }

  /** What the packages are called, each with the file that is installed for it: none of them is published yet. */
  async #files() {
    const { root, platform, alias } = this.#packed
    const { name, optionalDependencies } = await manifestOf(root)
    const platforms = Object.keys(optionalDependencies).map(one => [one, `file:${platform}`])
    return { 'neo4j-driver': `file:${alias}`, [name]: `file:${root}`, ...Object.fromEntries(platforms) }
  }

  /** A folder with the programs and with a package.json that asks for these libraries, and not for a driver. */
  #application(name, libraries, fields) {
    const folder = join(this.#folder, name)
    for (const files of ['programs', 'types'])
      cpSync(join(BESIDE, files), join(folder, files), { recursive: true })
    const { dependencies, devDependencies, overrides, ...manifest } = readJson(join(BESIDE, 'package.json'))
    const wanted = Object.entries(dependencies).filter(([one]) => libraries.includes(one))
    const all = {
      name: 'app',
      version: '1.0.0',
      ...manifest,
      dependencies: Object.fromEntries(wanted),
      ...fields
    }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(all, null, 2))
    return folder
  }

  async npm(libraries) {
    const folder = this.#application('npm', libraries, { overrides: await this.#files() })
    const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund']
    await exec(process.execPath, [realpathSync(which('npm')), ...install], { cwd: folder, timeout: INSTALL })
    return folder
  }

  async pnpm(libraries) {
    const folder = this.#application('pnpm', libraries)
    const lines = Object.entries(await this.#files()).map(([name, file]) => `  ${name}: ${file}\n`)
    writeFileSync(join(folder, 'pnpm-workspace.yaml'), `overrides:\n${lines.join('')}`)
    const install = ['install', '--ignore-scripts', '--prefer-offline']
    await exec(process.execPath, [tool('pnpm', 'bin', 'pnpm.cjs'), ...install], {
      cwd: folder,
      timeout: INSTALL
    })
    return folder
  }

  async yarn1(libraries) {
    const folder = this.#application('yarn1', libraries, { resolutions: await this.#files() })
    const install = ['install', '--ignore-scripts', '--prefer-offline', '--non-interactive']
    await exec(process.execPath, [tool('yarn', 'bin', 'yarn.js'), ...install], {
      cwd: folder,
      timeout: INSTALL
    })
    return folder
  }

  async yarn4(libraries) {
    const folder = this.#application('yarn4', libraries, { resolutions: await this.#files() })
    writeFileSync(join(folder, 'yarn.lock'), '')
    const { stdout } = await exec(process.execPath, [realpathSync(which('npm')), 'config', 'get', 'registry'])
    const env = { ...process.env, YARN_NPM_REGISTRY_SERVER: stdout.trim(), YARN_ENABLE_TELEMETRY: '0' }
    const yarn = tool('@yarnpkg', 'cli-dist', 'bin', 'yarn.js')
    // in CI it refuses to write the lock file
    const install = ['install', '--mode=skip-build', '--no-immutable']
    await exec(process.execPath, [yarn, ...install], { cwd: folder, env, timeout: INSTALL })
    return folder
  }
}

const readJson = path => JSON.parse(readFileSync(path, 'utf8'))

async function manifestOf(tarball) {
  return JSON.parse((await exec('tar', ['-xzOf', tarball, 'package/package.json'])).stdout)
}
