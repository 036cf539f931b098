// From the figures of the rounds to the lines of the report.

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** How often better ours is: above 1 where it is better, whatever the unit. */
const ratios = (rounds, figure, better) =>
  rounds.map(({ ours, theirs }) =>
    better === 'higher' ? ours[figure] / theirs[figure] : theirs[figure] / ours[figure]
  )

/**
 * What the rounds of a workload say together. The ratio is the median of each round's own ratio: its two measurements
 * were neighbours in time, so that whatever slowed the machine slowed both.
 * @param rounds `{ours, theirs}` of each round, both as `client.mjs` printed them
 * @param peer the name of the other driver
 */
export function summarize(workload, server, peer, rounds) {
  const { name, unit, better, floor } = workload
  const wall = ratios(rounds, 'value', better)
  const ratio = median(wall)
  return {
    entry: {
      workload: name,
      server,
      peer,
      ours: median(rounds.map(({ ours }) => ours.value)),
      theirs: median(rounds.map(({ theirs }) => theirs.value)),
      unit,
      ratio,
      spread: (Math.max(...wall) - Math.min(...wall)) / ratio
    },
    cpuRatio: rounds[0].ours.cpu === undefined ? undefined : median(ratios(rounds, 'cpu', 'lower')),
    floor,
    met: floor === undefined ? undefined : ratio >= floor
  }
}

/** One line of the table; without a summary its head. */
export function line(summary) {
  if (!summary) return columns('workload', 'server', 'of', 'ratio', 'spread', 'CPU ratio', 'floor')
  const { entry, cpuRatio, floor, met } = summary
  const verdict = floor === undefined ? '' : `${floor} ${met ? 'met' : 'MISSED'}`
  return columns(
    entry.workload,
    entry.server,
    entry.unit,
    entry.ratio.toFixed(2),
    `${(entry.spread * 100).toFixed(0)} %`,
    cpuRatio?.toFixed(2) ?? '',
    verdict
  )
}

function columns(workload, server, unit, ratio, spread, cpu, floor) {
  const left = [workload.padEnd(15), server.padEnd(7), unit.padEnd(11)]
  const right = [ratio.padStart(7), spread.padStart(8), cpu.padStart(10)]
  return `${left.join('')}${right.join('')}   ${floor}`.trimEnd()
}

export const NOTES = `
ratio: ours against theirs, above 1 where ours is better; the median over the rounds, each a pair of fresh processes.
spread: (largest - smallest) / median of the rounds' ratios. Differences below it mean nothing.
CPU ratio: the same for the client's CPU time, where the ratio itself is of wall time.
floor: what the project promises, judged on the replay server; a real server's own speed bounds what a client can gain.
Only ratios are shown: on a shared machine single times mean nothing.`
