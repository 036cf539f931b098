// From the figures of the rounds to those of a row: pure functions, so that they can be tried without a measurement.

import { median } from '../report.mjs'

/** The median of each figure over the rounds; figures may be in objects. */
export function rowOf(rounds) {
  const [first] = rounds
  if (typeof first === 'number') return median(rounds)
  return Object.fromEntries(Object.keys(first).map(key => [key, rowOf(rounds.map(one => one[key]))]))
}

/** With three digits that say something, and no more. */
export const short = number => String(Number(number.toPrecision(3)))
