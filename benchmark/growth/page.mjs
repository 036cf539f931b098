// The figures of growth as tables and as a picture.
import { table } from '../../lib/cli/table.js'
import { short } from '../report.mjs'

const both = (heading, key) => [
  [`${heading}, ours`, ({ ours }) => short(ours[key])],
  ['theirs', ({ theirs }) => short(theirs[key])]
]

/** The columns of each measure: a heading, and what is in a row. */
const COLUMNS = {
  rows: [
    ['rows', ({ size }) => size],
    ...both('CPU us a row', 'cpuUsPerRow'),
    ...both('us a row', 'usPerRow')
  ],
  sessions: [
    ['sessions', ({ size }) => size],
    ...both('CPU us a query', 'cpuUsPerQuery'),
    ...both('us a query', 'usPerQuery')
  ],
  collected: [
    ['rows', ({ size }) => size],
    ...both('CPU us a row', 'cpuUsPerRow'),
    ...both('in garbage collection', 'gcUsPerRow'),
    ...both('objects alone', 'madeUsPerRow')
  ],
  kept: [
    ['records', ({ size }) => size],
    ...both('bytes of each on the heap', 'heapBytes'),
    ...both('outside of it', 'outsideBytes')
  ]
}

const headings = name => COLUMNS[name].map(([heading]) => heading)
const cells = (name, rows) => rows.map(row => COLUMNS[name].map(([, cell]) => cell(row)))

/** @returns {string} for a terminal */
export const tableOf = (name, rows) => table(headings(name), cells(name, rows))

const line = some => `| ${some.join(' | ')} |`
const markdown = (name, rows) =>
  [line(headings(name)), line(headings(name).map(() => '--:')), ...cells(name, rows).map(line)].join('\n')

const ABOUT = {
  rows: 'Results of so many rows (integer, string, float), read by an async iterator, one after the other:',
  sessions:
    'Small queries, so many at the same time, each on a session of its own that is opened and closed:',
  collected:
    'A collected row of the scan: CPU time of all threads, how much of the time passes in pauses for garbage collection, and the CPU time of the same objects made of nothing, without a driver, in the same process:',
  kept: 'What a record of the scan costs that the program keeps, when there is no garbage:'
}

/** @param figures as `npm run bench:growth -- --json` writes them */
export function sections({ machine: { cpu, cores, node, rounds }, measures }) {
  const parts = Object.entries(measures).map(([name, rows]) => `${ABOUT[name]}\n\n${markdown(name, rows)}`)
  const about = `Node.js ${node}, ${cores} cores (${cpu}); ${rounds === 1 ? 'one round' : `medians of ${rounds} rounds`}.`
  return {
    growth: [about, '![CPU time as rows and sessions become more](growth.svg)', ...parts].join('\n\n')
  }
}

const PANEL = { width: 420, height: 260, left: 56, right: 20, top: 34, bottom: 40 }
const count = new Intl.NumberFormat('en', { notation: 'compact' })
const SERIES = [
  ['ours', '#0b7285'],
  ['theirs', '#c92a2a']
]

const powers = (from, to) => {
  const [first, last] = [Math.floor(Math.log10(from)), Math.ceil(Math.log10(to))]
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

/** Both axes are logarithmic: what is linear rises by one decade for each. */
function panel(title, unit, rows, total, offset) {
  const values = rows.flatMap(row => SERIES.map(([who]) => total(row, who)))
  const xs = powers(rows[0].size, rows.at(-1).size)
  const ys = powers(Math.min(...values), Math.max(...values))
  const { width, height, left, right, top, bottom } = PANEL
  const place = (powers, value, from, to) =>
    from + ((Math.log10(value) - powers[0]) / (powers.at(-1) - powers[0])) * (to - from)
  const x = value => (offset + place(xs, value, left, width - right)).toFixed(1)
  const y = value => place(ys, value, height - bottom, top).toFixed(1)
  const grid = [
    ...xs.map(
      power =>
        `<path class="grid" d="M${x(10 ** power)} ${top}V${height - bottom}"/><text x="${x(10 ** power)}" y="${height - bottom + 16}" text-anchor="middle">${count.format(10 ** power)}</text>`
    ),
    ...ys.map(
      power =>
        `<path class="grid" d="M${offset + left} ${y(10 ** power)}H${offset + width - right}"/><text x="${offset + left - 6}" y="${Number(y(10 ** power)) + 4}" text-anchor="end">${secondsText(power)}</text>`
    )
  ]
  const lines = SERIES.map(([who, colour]) => {
    const points = rows.map(row => `${x(row.size)},${y(total(row, who))}`)
    const dots = points.map(point => `<circle cx="${point.replace(',', '" cy="')}" r="3" fill="${colour}"/>`)
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}`
  })
  const middle = offset + (left + width - right) / 2
  return `<text class="title" x="${middle}" y="16" text-anchor="middle">${title}</text>
${grid.join('\n')}
${lines.join('\n')}
<text x="${middle}" y="${height - 6}" text-anchor="middle">${unit}</text>`
}

const secondsText = power =>
  power >= 0 ? `${10 ** power} s` : power >= -3 ? `${10 ** (power + 3)} ms` : `${10 ** (power + 6)} us`

const PANELS = {
  rows: ['CPU time of a result', 'rows', ({ size, ...row }, who) => (size * row[who].cpuUsPerRow) / 1e6],
  sessions: [
    'CPU time of small queries at once',
    'sessions',
    ({ size, ...row }, who) => (size * row[who].cpuUsPerQuery) / 1e6
  ]
}

/** @returns {string} SVG: CPU time over how many there are, of both drivers */
export function picture({ measures }) {
  const shown = Object.entries(PANELS).filter(([name]) => measures[name])
  const panels = shown.map(([name, [title, unit, total]], i) =>
    panel(title, unit, measures[name], total, i * PANEL.width)
  )
  const width = shown.length * PANEL.width
  const legend = SERIES.map(
    ([who, colour], i) =>
      `<text x="${width - 110 + i * 45}" y="${PANEL.height - 6}" style="fill:${colour};font-weight:bold">${who}</text>`
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}" width="${width}" height="${PANEL.height}">
<style>text{font:11px sans-serif;fill:#495057}.title{font-size:13px;fill:#212529}.grid{stroke:#dee2e6;fill:none}</style>
<rect width="100%" height="100%" fill="white"/>
${panels.join('\n')}
${legend.join('\n')}
</svg>
`
}
