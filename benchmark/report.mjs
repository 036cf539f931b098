// From the figures of the rounds to the lines of the report.
import { table } from '../lib/cli/table.js'

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** How often better ours is in each pair of processes: above 1 where it is better, whatever the unit. */
const ratios = (figure, better, pairs) =>
  pairs
    .map(pair => pair.map(figure))
    .map(([ours, theirs]) => (better === 'higher' ? ours / theirs : theirs / ours))

/** The median of each number over the rounds, in objects too; what was not told in each of them is left out. */
export function medians(rounds) {
  if (typeof rounds[0] === 'number') return median(rounds)
  const keys = Object.keys(rounds[0]).filter(key => rounds.every(one => one[key] != null))
  return Object.fromEntries(keys.map(key => [key, medians(rounds.map(one => one[key]))]))
}

const details = rounds => medians(rounds.map(({ checksum, ...told }) => told))

/**
 * What the rounds of a workload say together. The ratio is the median of each round's own ratio: its two measurements
 * were neighbours in time, so that whatever slowed the machine slowed both.
 * @param peer the name of the other driver
 * @param rounds `{ours, theirs, others}` of each round, each as `client.mjs` printed it; `others`, which not every round has, by name
 */
export function summarize(workload, server, peer, rounds) {
  const { name, measurement, unit, better, figure, floor, goal } = workload
  const pairs = rounds.map(({ ours, theirs }) => [ours, theirs])
  const [mine, its] = [rounds.map(({ ours }) => ours), rounds.map(({ theirs }) => theirs)]
  const each = ratios(figure, better, pairs)
  const ratio = median(each)
  const others = Object.keys(rounds[0].others).map(other => {
    const besides = rounds.flatMap(({ ours, others }) => (others?.[other] ? [[ours, others[other]]] : []))
    const told = besides.map(([, one]) => one)
    return {
      peer: other,
      value: median(told.map(figure)),
      ratio: median(ratios(figure, better, besides)),
      details: details(told)
    }
  })
  return {
    workload: name,
    measurement: measurement.name,
    server,
    peer,
    ours: median(mine.map(figure)),
    theirs: median(its.map(figure)),
    unit,
    ratio,
    spread: (Math.max(...each) - Math.min(...each)) / ratio,
    cpuRatio: median(ratios(({ cpu }) => cpu, 'lower', pairs)),
    floor,
    goal,
    met: floor === undefined ? undefined : ratio >= floor,
    rounds: rounds.length,
    details: { ours: details(mine), theirs: details(its) },
    others
  }
}

/** How far the rounds lie apart; of one nothing is known. */
export const spreadText = ({ rounds, spread }) => (rounds > 1 ? `${(spread * 100).toFixed(0)} %` : '')

/** One line of the table of ratios; without an entry its head. */
export function line(entry) {
  if (!entry) return columns('workload', 'server', 'of', 'ratio', 'spread', 'CPU ratio', 'floor', 'others')
  const { workload, server, unit, ratio, cpuRatio, floor, met, others } = entry
  return columns(
    workload,
    server,
    unit,
    ratio.toFixed(2),
    spreadText(entry),
    cpuRatio.toFixed(2),
    floor === undefined ? '' : `${floor} ${met ? 'met' : 'MISSED'}`,
    others.map(({ peer, ratio }) => `${peer} ${ratio.toFixed(2)}`).join(', ')
  )
}

function columns(workload, server, unit, ratio, spread, cpu, floor, others) {
  const left = [workload.padEnd(17), server.padEnd(10), unit.padEnd(13)]
  const right = [ratio.padStart(7), spread.padStart(8), cpu.padStart(10)]
  return `${left.join('')}${right.join('')}   ${floor.padEnd(11)} ${others}`.trimEnd()
}

/** With three digits that say something, and no more. */
export const short = number => String(Number(number.toPrecision(3)))

/** The headings of what each driver's process told of itself, and its cells. */
export const DETAILS = ['per second', 'CPU us', 'main us', 'loop p50', 'p99', 'max ms', 'peak MiB']
export const detailCells = ({ rate, cpu, main, delay, peak }) =>
  [rate, cpu * 1e6, main && main * 1e6, delay?.p50, delay?.p99, delay?.max, peak].map(one =>
    one === undefined ? '' : short(one)
  )

/** Who was measured in an entry, in order: `[name, details]`. */
export const measuredIn = ({ details, others }, { ours, theirs }) => [
  [ours, details.ours],
  [theirs, details.theirs],
  ...others.map(({ peer, details }) => [peer, details])
]

/** An entry of each measurement: several workloads may show figures of one. */
export const ofEachMeasurement = entries =>
  entries.filter(
    ({ server, measurement }, i) =>
      entries.findIndex(one => one.server === server && one.measurement === measurement) === i
  )

/** What each driver's process told of itself, as a table. */
export function detailTable(entries, names) {
  const rows = ofEachMeasurement(entries).flatMap(entry =>
    measuredIn(entry, names).map(([name, told], i) => [
      i === 0 ? entry.measurement : '',
      i === 0 ? entry.server : '',
      name,
      ...detailCells(told)
    ])
  )
  return table(['measured', 'server', 'driver', ...DETAILS], rows)
}

export const NOTES = `
ratio: ours against theirs, above 1 where ours is better; the median over the rounds, each a pair of fresh processes.
spread: (largest - smallest) / median of the rounds' ratios. Differences below it mean nothing.
CPU ratio: the same for the client's CPU time, where the ratio itself is of wall time.
floor: what the project promises; a real server's own speed bounds what a client can gain, so there it is not to be slower.
others: ours against each of these, in the first round alone.

What each process told of itself: rows, queries or calls a second; CPU time of all threads and of the main thread for each of
them; the event loop's delay; and the peak of resident memory. On a shared machine these single figures mean nothing.`
