// The figures as tables: on the terminal, and on the page of the documentation.

import { table } from '../../lib/cli/table.js'
import { short } from '../report.mjs'

/** How many times its share of the first row's a figure is, each counted per member, session or waiter. */
const timesPer =
  (of, key, figure) =>
  (row, [first]) =>
    row[figure] / row[of] / (first[figure] / first[key ?? of])

const KIB = 1 << 10
const ofStrategy =
  (strategy, figure, digits = short) =>
  row =>
    digits(row[strategy][figure])

/** The columns of each measure: a heading, and what is in a row, of all rows. */
const COLUMNS = {
  members: [
    ['members', row => row.members],
    ['ready after, ms', row => short(row.readyMs)],
    ['CPU when idle, % of a core', row => short(row.idlePercent)],
    [
      'for each member, beside the first row',
      (row, rows) => short(timesPer('members', undefined, 'idlePercent')(row, rows))
    ],
    ['checks a second', row => short(row.checksPerSecond)],
    ['CPU of a check, us', row => short(row.usPerCheck)],
    ['memory, MiB', row => short(row.mebibytes)]
  ],
  choice: [
    ['members', row => row.members],
    ['`random`', row => short(row.random)],
    ['`leastConnected`', row => short(row.leastConnected)],
    ['`fastest`', row => short(row.fastest)]
  ],
  sessions: [
    ['sessions', row => row.sessions],
    ['memory of each, KiB', row => (row.sessions < 10_000 ? '' : short(row.bytesEach / KIB))],
    ['CPU when idle, % of a core', row => short(row.idlePercent)],
    ['all read at once: reads a second', row => short(row.readsPerSecond)],
    ['CPU of a read, us', row => short(row.usPerRead)],
    ['beside the first row', (row, [first]) => short(row.usPerRead / first.usPerRead)],
    ['until all had their answer, ms', row => short(row.allAnsweredMs)]
  ],
  waiters: [
    ['writes that wait', row => row.waiters],
    ['checks a second', row => short(row.checksPerSecond)],
    ['CPU meanwhile, % of a core', row => short(row.alarmPercent)],
    ['all written after, ms', row => short(row.allWrittenMs)]
  ],
  'slow-reader': [
    ['readers', row => row.readers],
    ...['random', 'leastConnected', 'fastest'].flatMap(strategy => [
      [
        `\`${strategy}\`: p99, ms`,
        row => `${short(row[strategy].healthyMs)} -> ${short(row[strategy].slowMs)}`
      ],
      ['times', ofStrategy(strategy, 'ratio')],
      ['by the slow one, %', ofStrategy(strategy, 'slowSharePercent')]
    ])
  ]
}

const cells = (name, rows) => rows.map(row => COLUMNS[name].map(([, cell]) => cell(row, rows)))
const headings = name => COLUMNS[name].map(([heading]) => heading)

/** @returns {string} for a terminal */
export const tableOf = (name, rows) => table(headings(name), cells(name, rows))

const line = some => `| ${some.join(' | ')} |`
const markdown = (name, rows) =>
  [line(headings(name)), line(headings(name).map(() => '--:')), ...cells(name, rows).map(line)].join('\n')

const SECTIONS = {
  members: {
    title: 'Members',
    about: `An idle driver with \`checkInterval: 500\`, the default: every member is asked twice a second what it is, and what is new of it is
told to JavaScript. CPU time is that of all threads of the process, over ten seconds after two that do not count; memory is
what the process has grown by since before the driver was made, connections of the checks and all.`
  },
  choice: {
    title: 'Choosing among them',
    about: `The CPU time of a read in a session of its own, eight at a time, with so many members, as a multiple of the same with five. The two
drivers take turns of half a second, and are not checked meanwhile; the median of six pairs.`
  },
  sessions: {
    title: 'Open sessions',
    about: `One driver, three members, pools of 100 connections. Each session has read once, and stays open: its memory is that of the process after
garbage collection, less what there was before. Then all of them read at the same time, again and again for three seconds: each
time the next begins when the last has its answer.`
  },
  waiters: {
    title: 'Writes that wait for a master',
    about: `Three members, none of which is the master any more: the driver asks all of them what they are, ever less often, and every write waits.
The figures are of the second to the fourth second of that. Then the first member says that it is the master.`
  },
  'slow-reader': {
    title: 'One of three readers is ten times slower',
    about: `Proxies delay every answer by 20 ms, and those of one reader by 200 ms in the second of the two drivers that take turns of two
seconds, four each. A read is one in a session of its own; the strategy is the driver's. Of all reads of a driver: the 99th
percentile of their time, when all are equal -> when one is slow; how many times longer that is, in the median of the rounds; and the share of reads that the
slow one had. What comes in the first second of a driver, while it knows none of them, does not count.`
  }
}

/**
 * @param {{ machine: { cpu: string, cores: number, node: string, rounds: number }, measures: Record<string, object[]> }} figures
 * @returns {string} Markdown
 */
export function page({ machine, measures }) {
  const sections = Object.entries(SECTIONS)
    .filter(([name]) => measures[name])
    .map(([name, { title, about }]) => `## ${title}\n\n${about}\n\n${markdown(name, measures[name])}`)
  return `${[introduction(machine), ...sections, LIMITS].join('\n\n')}\n`
}

const introduction = ({ cpu, cores, node, rounds }) => `# Many members, many sessions

What a driver costs that has many of them, and what a slow member costs. This page is written by
\`npm run bench:scaling -- --page FILE\` from the file of \`npm run bench:scaling -- --json FILE\`;
[how it is measured](../benchmark/scaling/README.md).

Measured with Node.js ${node} on ${cores} cores (${cpu}). Each row is a process of its own, whose servers are other processes: figures are
those of the client alone, and medians of ${rounds} rounds, each of which measures all rows one after the other. What is promised is said by
ratios between the rows; single times are those of this machine. What is linear costs, for each member or session, no more than twice as
much in the last row as in the first.`

const LIMITS = `## What this does not show

- Members answer at once, on loopback, and share the machine with the client: there is no network, no TLS, and no server that is busy.
- The members are scripted: HTTP pages of an HA cluster, and a Bolt server that answers from prepared bytes.`
