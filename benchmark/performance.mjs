// The sections of docs/PERFORMANCE.md that come from the figures of `npm run bench`.
import { DETAILS, detailCells, measuredIn, ofEachMeasurement, short, spreadText } from './report.mjs'

const row = cells => `| ${cells.join(' | ')} |`
const markdown = (head, left, rows) =>
  [row(head), row(head.map((_, i) => (i < left ? '---' : '--:'))), ...rows.map(row)].join('\n')

const ours = entry => Object.keys(entry.machine.versions)[0]

function ratios(entries) {
  const others = [...new Set(entries.flatMap(({ others }) => others.map(({ peer }) => peer)))]
  const rows = entries.map(entry => [
    `\`${entry.workload}\``,
    entry.unit,
    entry.ratio.toFixed(2),
    spreadText(entry),
    entry.cpuRatio.toFixed(2),
    entry.floor ?? '',
    entry.goal ?? '',
    ...others.map(name => entry.others.find(({ peer }) => peer === name)?.ratio.toFixed(2) ?? '')
  ])
  const head = ['workload', 'of', 'ratio', 'spread', 'CPU ratio', 'floor', 'goal']
  return markdown([...head, ...others.map(name => `\`${name}\``)], 2, rows)
}

function details(entries) {
  const rows = ofEachMeasurement(entries).flatMap(entry =>
    measuredIn(entry, { ours: ours(entry), theirs: entry.peer }).map(([name, told], i) => [
      i === 0 ? `\`${entry.measurement}\`` : '',
      `\`${name}\``,
      ...detailCells(told)
    ])
  )
  return markdown(['measured', 'driver', ...DETAILS], 2, rows)
}

function latencies(entries) {
  const rows = entries
    .filter(({ details }) => details.ours.latency)
    .flatMap(entry =>
      measuredIn(entry, { ours: ours(entry), theirs: entry.peer }).map(([name, { latency }]) => [
        `\`${name}\``,
        ...['p50', 'p99', 'p999', 'max'].map(key => short(latency[key]))
      ])
    )
  return rows.length > 0
    ? `Latency of a small query at 1,000 a second, in ms:\n\n${markdown(['driver', 'p50', 'p99', 'p99.9', 'max'], 1, rows)}`
    : ''
}

const TITLES = { replay: 'the replay server', real: 'Neo4j 5.26', 'real-2026': 'Neo4j 2026' }

function section(server, entries) {
  const [{ machine, rounds }] = entries
  const versions = Object.entries(machine.versions).map(([name, version]) => `\`${name}\` ${version}`)
  const about = `Node.js ${machine.node}, ${machine.cores} cores (${machine.cpu}); ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; ${versions.join(', ')}.`
  return [
    `### On ${TITLES[server]}`,
    about,
    ratios(entries),
    latencies(entries),
    'What the processes told of themselves:',
    details(entries)
  ]
    .filter(Boolean)
    .join('\n\n')
}

/**
 * @param entries as `npm run bench -- --json` writes them
 * @returns the section of each server that is among them
 */
export function sections(entries) {
  const servers = [...new Set(entries.map(({ server }) => server))]
  const of = name => entries.filter(({ server }) => server === name)
  return Object.fromEntries(servers.map(name => [name, section(name, of(name))]))
}
