// The stages of `npm test`: what each runs, what servers it needs to have downloaded, and how long it may take.

import { products } from '../servers/index.mjs'
import { setupLibraries, setupRuntimes } from '../setup.mjs'

const minutes = n => n * 60_000

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {string} [folder] of *.test.mjs files; without it: cargo
 * @property {string[]} [cargo] its arguments
 * @property {Record<string, string>} [env] what it is told besides
 * @property {number} limit ms for the whole stage
 * @property {number} [fileLimit] ms for one file
 * @property {number} [concurrency] files at once
 * @property {string[]} [servers] what is downloaded before, so that no test waits for a download
 * @property {() => Promise<void>} [prepare] what else is set up before
 * @property {boolean} [onDemand] it runs only where it is named
 */

/** @type {Stage[]} */
export const stages = [
  { name: 'rust', cargo: ['test', '--workspace', '--locked', '--no-fail-fast'], limit: minutes(25) },
  {
    // more schedules of the simulated cluster than a build without optimizations plays in good time
    name: 'simulation',
    cargo: ['test', '--profile', 'quick', '--package', 'driver', '--lib', '--locked', 'simulation'],
    env: { SEEDS: '0..3000' },
    limit: minutes(10)
  },
  {
    name: 'instructions',
    folder: '__test__/instructions',
    limit: minutes(10),
    fileLimit: minutes(9)
  },
  { name: 'unit', folder: '__test__/unit', limit: minutes(5), fileLimit: minutes(2) },
  {
    name: 'contract',
    folder: '__test__/contract',
    limit: minutes(10),
    fileLimit: minutes(3),
    concurrency: 2
  },
  { name: 'types', folder: '__test__/types', limit: minutes(5), fileLimit: minutes(4), concurrency: 2 },
  {
    name: 'integration',
    folder: '__test__/integration',
    limit: minutes(20),
    fileLimit: minutes(8),
    concurrency: 1,
    servers: products.map(product => product.name)
  },
  {
    name: 'faults',
    folder: '__test__/faults',
    limit: minutes(20),
    fileLimit: minutes(10),
    concurrency: 1,
    servers: ['5.26', 'ha']
  },
  {
    name: 'runtimes',
    folder: '__test__/runtimes',
    limit: minutes(5),
    fileLimit: minutes(4),
    prepare: setupRuntimes
  },
  { name: 'package', folder: '__test__/package', limit: minutes(8), fileLimit: minutes(7), concurrency: 1 },
  {
    name: 'libraries',
    folder: '__test__/libraries',
    limit: minutes(15),
    fileLimit: minutes(14),
    concurrency: 1,
    servers: ['5.26'],
    prepare: setupLibraries,
    onDemand: true
  }
]
