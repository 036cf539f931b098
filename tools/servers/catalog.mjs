// What can be run: each name, its version, the Java it takes, and where Maven has it.
//
// The 3.x clusters come from the enterprise artifacts on Maven Central (AGPL with Commons Clause): they are fetched
// when somebody runs them, and are no part of this project. 3.5.0-beta03 is the last of them.

import { UserError } from '../lib/exec.mjs'

/**
 * @typedef {object} Product
 * @property {string} name
 * @property {string} version
 * @property {number[]} java major versions it runs on, best first
 * @property {'single' | 'ha' | 'cc'} kind
 * @property {number} members a fourth member of a causal cluster is a read replica
 * @property {string} summary
 */

/** All that can be run. @type {Product[]} */
export const products = [
  {
    name: 'ha',
    version: '3.5.0-beta03',
    java: [17],
    kind: 'ha',
    members: 3,
    summary: 'HA cluster; Bolt 1-3'
  },
  { name: 'ha-3.4', version: '3.4.10', java: [17], kind: 'ha', members: 3, summary: 'HA cluster; Bolt 1-2' },
  {
    name: 'cc',
    version: '3.5.0-beta03',
    java: [17],
    kind: 'cc',
    members: 3,
    summary: 'causal cluster; Bolt 1-3'
  },
  {
    name: 'cc+replica',
    version: '3.5.0-beta03',
    java: [17],
    kind: 'cc',
    members: 4,
    summary: 'the same and a read replica'
  },
  { name: '3.5', version: '3.5.34', java: [17], kind: 'single', members: 1, summary: 'Bolt 1-3' },
  { name: '4.3', version: '4.3.24', java: [17], kind: 'single', members: 1, summary: 'Bolt 3, 4.0-4.3' },
  { name: '4.4', version: '4.4.48', java: [17], kind: 'single', members: 1, summary: 'Bolt 3, 4.0-4.4' },
  {
    name: '5.26',
    version: '5.26.30',
    java: [17, 21],
    kind: 'single',
    members: 1,
    summary: 'Bolt 4.0-4.4, 5.0-5.4, 5.6-5.8'
  },
  {
    name: '2026',
    version: '2026.08.1',
    java: [25, 21],
    kind: 'single',
    members: 1,
    summary: 'the same and Bolt 6.0, 6.1'
  }
]

const ALIASES = { single: '5.26' }

/**
 * Takes an instance name apart: `ha`, `single`, or with a suffix that lets several of one kind run: `ha@failover`.
 *
 * @param {string} text
 * @returns {{ product: Product, instance: string }} `instance` is the name under which it is kept
 * @throws {UserError} that lists the names, for an unknown one
 */
export function parseName(text) {
  const [typed, ...rest] = String(text).split('@')
  const name = ALIASES[typed] ?? typed
  const suffix = rest.join('@')
  const product = products.find(p => p.name === name)
  if (!product) {
    const names = [...products.map(p => p.name), ...Object.keys(ALIASES)]
    throw new UserError(`no server is called '${typed}'; there are: ${names.join(' ')}`)
  }
  if (rest.length > 0 && !/^[A-Za-z0-9_.-]{1,64}$/.test(suffix)) {
    throw new UserError(`'${text}': what follows the @ may hold letters, digits, '_', '.' and '-'`)
  }
  return { product, instance: suffix ? `${name}@${suffix}` : name }
}

/** 3, 4 or 5: the generation of names that its configuration uses (2025 and later use those of 5). */
export const era = product => Math.min(Number.parseInt(product.version, 10), 5)

/** What Maven is asked for. */
export const artifacts = product =>
  product.kind === 'single'
    ? ['org.neo4j.app:neo4j-server', 'org.neo4j:neo4j']
    : ['org.neo4j.app:neo4j-server-enterprise']

/** The class to start. The enterprise artifacts lack one: the project brings it (`launchers/`). */
export function mainClass(product) {
  if (product.kind !== 'single') return 'EnterpriseServer'
  const calendar = Number.parseInt(product.version, 10) > 5
  return `org.neo4j.server.${calendar ? 'Neo4jCommunity' : 'CommunityEntryPoint'}`
}

/** The class and arguments that set the first password. */
export const setPassword = product =>
  ({
    3: ['org.neo4j.commandline.admin.AdminTool', 'set-initial-password'],
    4: ['org.neo4j.cli.AdminTool', 'set-initial-password'],
    5: ['org.neo4j.cli.AdminTool', 'dbms', 'set-initial-password']
  })[era(product)]
