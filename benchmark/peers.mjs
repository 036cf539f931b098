// The drivers for Node.js that are compared: all have the surface of npm's neo4j-driver.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

export const OURS = 'neo4j-ha-bolt-driver'
export const THEIRS = 'neo4j-driver'
/** Their release before, installed beside the other one under this name. */
export const PREVIOUS = 'neo4j-driver-5'

const surfaces = {
  [OURS]: () => require(OURS).driver,
  [THEIRS]: () => require(THEIRS),
  [PREVIOUS]: () => require(PREVIOUS)
}

/** The module of a peer: `driver`, `auth`, `int` and so on. */
export const load = peer => surfaces[peer]()

/** The class of clusters, which only ours has. */
export const loadCluster = () => require(OURS)

/** Throws, saying what to do, when a peer is not there to be loaded. */
export function assertPresent(peer) {
  try {
    require.resolve(peer)
  } catch (cause) {
    const remedy = peer === OURS ? 'npm run build' : 'npm install'
    throw new Error(`${peer} is not there to be measured: run \`${remedy}\` first`, { cause })
  }
}

/** A peer's version, where its package tells. */
export const versionOf = peer => require(`${peer}/package.json`).version
