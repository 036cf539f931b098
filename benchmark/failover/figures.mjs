// From what the processes logged to the figures: pure functions, so that they can be tried without a cluster.

import { median } from '../report.mjs'

/** A pause of the floor from here on counts as an outage of the cluster, in ms: below it lies what a busy machine does. */
const OUTAGE = 200

/**
 * One operation, as the process that asked for it saw it. Times are those of `clock.mjs`.
 *
 * @typedef {object} Operation
 * @property {'write' | 'read'} kind
 * @property {number} [id] of a client's write
 * @property {number} [member] whom the floor asked
 * @property {number} begun
 * @property {number} ended
 * @property {'acknowledged' | 'refused' | 'unknown' | 'unsettled'} outcome `refused`: an error, and certainly not done
 * @property {string} [error]
 */

/**
 * The times between one acknowledgement and the next, from the fault on, and from the last one to the end.
 *
 * @param {Operation[]} log
 * @param {'write' | 'read'} kind
 * @param {number} struck when the fault began; what ended before it does not matter
 * @param {number} end of the observation
 * @returns {{ from: number, to: number }[]}
 */
export function pauses(log, kind, struck, end) {
  const moments = log
    .filter(one => one.kind === kind && one.outcome === 'acknowledged' && one.ended <= end)
    .map(({ ended }) => ended)
    .sort((a, b) => a - b)
  const before = moments.filter(moment => moment <= struck).at(-1) ?? struck
  const after = moments.filter(moment => moment > struck)
  return [before, ...after].map((from, i) => ({ from, to: after[i] ?? end }))
}

/** When the cluster was away, as the floor saw it: its pauses that are longer than what a busy machine does. */
export const outages = (floor, kind, struck, end) =>
  pauses(floor, kind, struck, end).filter(({ from, to }) => to - from >= OUTAGE)

/**
 * The longest that a client went without an acknowledgement though the cluster was there, in ms: of each of its pauses what
 * follows the floor's return, less further outages, or all of it where the floor was not away. What begins when the cluster is back
 * for good does not count, unless it never was away. A client that does not come back is away until the end of the observation.
 *
 * @param {Operation[]} log
 * @param {{ from: number, to: number }[]} away outages of the cluster
 * @returns {number}
 */
export function gap(log, kind, away, struck, end) {
  const back = away.at(-1)?.to ?? end
  const without = pause => {
    const first = away.find(({ to }) => to > pause.from && to <= pause.to)?.to
    const from = first ?? Math.max(pause.from, struck)
    return (
      pause.to -
      from -
      sum(away.map(one => Math.max(0, Math.min(one.to, pause.to) - Math.max(one.from, from))))
    )
  }
  return Math.max(
    0,
    ...pauses(log, kind, struck, end)
      .filter(({ from }) => from < back)
      .map(without)
  )
}

/** How long what was under way when the fault began took from there on; 0 where there was nothing. */
export const held = (log, struck) =>
  Math.max(
    0,
    ...log.filter(({ begun, ended }) => begun <= struck && ended > struck).map(({ ended }) => ended - struck)
  )

/**
 * What the application was told, held against what the database has.
 *
 * @param {Operation[]} log of a client
 * @param {Map<number, number>} found how often each id is there
 */
export function account(log, found) {
  const writes = log.filter(({ kind }) => kind === 'write')
  const are = (outcome, isRight) =>
    writes.filter(one => one.outcome === outcome && isRight(found.get(one.id) ?? 0)).length
  return {
    applicationErrors: log.filter(({ outcome }) => outcome !== 'acknowledged').length,
    unknownOutcomes: writes.filter(({ outcome }) => outcome === 'unknown' || outcome === 'unsettled').length,
    lost: are('acknowledged', times => times === 0),
    doubled: writes.filter(({ id }) => found.get(id) > 1).length,
    refusedButDone: are('refused', times => times > 0)
  }
}

/**
 * The figures of one client in one trial.
 *
 * @param {object} trial
 * @param {Operation[]} trial.log
 * @param {Operation[]} trial.floor
 * @param {Map<number, number>} trial.found
 * @param {number} trial.struck when the fault began
 * @param {number} trial.whole when nothing stood in the way of the cluster any more
 * @param {number} trial.end
 */
export function figuresOf({ log, floor, found, struck, whole, end }) {
  const away = kind => outages(floor, kind, struck, end)
  const isBack = kind =>
    log.some(
      one => one.kind === kind && one.outcome === 'acknowledged' && one.begun > whole && one.ended <= end
    )
  return {
    ...account(log, found),
    awayMs: Math.max(0, ...away('write').map(({ to }) => to - struck)),
    writeGapMs: gap(log, 'write', away('write'), struck, end),
    readGapMs: gap(log, 'read', away('read'), struck, end),
    heldMs: held(log, struck),
    isBack: isBack('write') && isBack('read')
  }
}

/** The value below which so many of a hundred lie: of few values the largest. */
export function percentile(values, percent) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]
}

const rounded = ms => Math.round(ms * 10) / 10
const spread = values => ({ median: rounded(median(values)), p99: rounded(percentile(values, 99)) })
const sum = values => values.reduce((total, value) => total + value, 0)

/**
 * What the trials of one client with one fault say together.
 *
 * @param {{ cluster: string, fault: string, client: string }} about
 * @param {ReturnType<typeof figuresOf>[]} trials
 */
export function entry(about, trials) {
  const of = name => trials.map(trial => trial[name])
  return {
    ...about,
    trials: trials.length,
    applicationErrors: sum(of('applicationErrors')),
    unknownOutcomes: sum(of('unknownOutcomes')),
    writeGapMs: spread(of('writeGapMs')),
    readGapMs: spread(of('readGapMs')),
    heldMs: spread(of('heldMs')),
    awayMs: spread(of('awayMs')),
    lost: sum(of('lost')),
    doubled: sum(of('doubled')),
    refusedButDone: sum(of('refusedButDone')),
    notBack: of('isBack').filter(isBack => !isBack).length
  }
}
