// The committed figures, and what others are beside them.

import { readFileSync, writeFileSync } from 'node:fs'
import { table } from '../../lib/cli/table.js'

const FILE = new URL('figures.json', import.meta.url)
/** So much more than committed is too much, and so much less calls for new figures. In percent. */
export const TOLERANCE = 5
export const RENEW = 'npm run instructions -- --write'

/** `environment` they were taken in, and `scenarios`: of each the instructions of one operation, and what that is. */
export const committed = () => JSON.parse(readFileSync(FILE, 'utf8'))

export const write = figures => writeFileSync(FILE, `${JSON.stringify(figures, null, 2)}\n`)

/** Why figures taken in one environment say nothing of those taken in another, or null: they differ without the code. */
export function incomparable(taken, here) {
  const differing = Object.keys({ ...taken, ...here }).filter(name => taken[name] !== here[name])
  if (differing.length === 0) return null
  const list = environment => differing.map(name => `${name} ${environment[name]}`).join(', ')
  return `the committed figures are of ${list(taken)}, and here is ${list(here)}: they are not held against each other; '${RENEW}' takes new ones`
}

/**
 * What has become of each scenario.
 *
 * @returns {{name: string, unit: string, before?: number, now?: number, problem: string | null, isLess: boolean}[]}
 */
export function compare(figures, counted) {
  return Object.keys({ ...figures, ...counted }).map(name => {
    const { unit } = counted[name] ?? figures[name]
    const [before, now] = [figures[name]?.instructions, counted[name]?.instructions]
    return {
      name,
      unit,
      before,
      now,
      problem: problemOf(name, unit, before, now),
      isLess: now * 100 < before * (100 - TOLERANCE)
    }
  })
}

function problemOf(name, unit, before, now) {
  if (now === undefined) return `${name}: there is no such scenario any more; '${RENEW}'`
  if (before === undefined) return `${name}: there is no committed figure; '${RENEW}'`
  if (now * 100 <= before * (100 + TOLERANCE)) return null
  return `${name}: ${now} instructions a ${unit}, ${difference(before, now)} of the committed ${before}`
}

/** For the eye: the table, and what is to be done where there are fewer. */
export function report(rows) {
  const cells = rows.map(({ name, unit, before, now }) => [
    name,
    unit,
    before ?? '-',
    now ?? '-',
    before && now ? difference(before, now) : '-'
  ])
  const shown = [table(['scenario', 'instructions a', 'committed', 'now', 'difference'], cells)]
  const fewer = rows.filter(row => row.isLess).map(row => row.name)
  if (fewer.length > 0)
    shown.push(
      `fewer than committed, by more than ${TOLERANCE} %: ${fewer.join(', ')}; commit new figures: '${RENEW}'`
    )
  return shown.join('\n\n')
}

function difference(before, now) {
  const percent = (now / before - 1) * 100
  return `${percent < 0 ? '-' : '+'}${Math.abs(percent).toFixed(1)} %`
}
