// Decisions by a seed. Each depends on the seed and on what it is for alone, not on what was decided before: so a run that
// is repeated decides the same for its n-th connection, whatever time has made of the others.

import { createHash } from 'node:crypto'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/**
 * @param {number} seed
 * @param {...(string | number)} of what is decided on
 */
export function decisions(seed, ...of) {
  const hash = createHash('sha256').update(JSON.stringify([seed, ...of]))
  const generator = xoroshiro128plus(hash.digest().readInt32LE(0))
  /** A whole number, both ends included. */
  const int = (from, to) => uniformInt(generator, from, to)
  return {
    int,
    /** True in so many of a hundred cases. */
    chance: percent => int(1, 100) <= percent,
    pick: list => list[int(0, list.length - 1)]
  }
}
