// The page of the documentation that the figures are shown on.

import { clients } from './clients.mjs'
import { faults } from './faults.mjs'

const CLUSTERS = {
  ha: 'HA cluster of three members, Neo4j 3.5',
  cc: 'Causal cluster of three cores, Neo4j 3.5',
  'cc+replica': 'Causal cluster of three cores and a read replica, Neo4j 3.5'
}

const row = cells => `| ${cells.join(' | ')} |`

const HEAD = [
  'client',
  'write gap, median',
  'p99',
  'read gap, median',
  'p99',
  'held',
  'errors',
  'unknown',
  'lost',
  'doubled',
  ''
]

/** @param {ReturnType<typeof import('./figures.mjs').entry>} one */
function line(one) {
  const remarks = [
    one.notBack > 0 && `${one.notBack} of ${one.trials} not back`,
    one.refusedButDone > 0 && `${one.refusedButDone} done though refused`
  ].filter(Boolean)
  return row([
    `\`${one.client}\``,
    one.writeGapMs.median,
    one.writeGapMs.p99,
    one.readGapMs.median,
    one.readGapMs.p99,
    one.heldMs.median,
    one.applicationErrors,
    one.unknownOutcomes,
    one.lost,
    one.doubled,
    remarks.join('; ')
  ])
}

function section(fault, entries) {
  const [{ trials, awayMs }] = entries
  const away =
    awayMs.median > 0
      ? `The cluster took no writes for ${awayMs.median} ms (median).`
      : 'The cluster took writes throughout.'
  return [
    `### \`${fault}\`: ${faults[fault].about}`,
    '',
    `${trials} ${trials === 1 ? 'trial' : 'trials'}. ${away}`,
    '',
    row(HEAD),
    row(HEAD.map((_, i) => (i > 0 && i < HEAD.length - 1 ? '--:' : '---'))),
    ...entries.map(line)
  ].join('\n')
}

/**
 * @param {ReturnType<typeof import('./figures.mjs').entry>[]} entries
 * @returns {string} Markdown
 */
export function page(entries) {
  const sections = Object.entries(CLUSTERS).flatMap(([cluster, title]) => {
    const its = entries.filter(one => one.cluster === cluster)
    const tables = Object.keys(faults).flatMap(fault => {
      const some = its.filter(one => one.fault === fault)
      return some.length > 0 ? [section(fault, some)] : []
    })
    return tables.length > 0 ? [`## ${title}`, ...tables] : []
  })
  const about = Object.entries(clients).map(([name, { about }]) => `- \`${name}\`: ${about}.`)
  return `${[INTRODUCTION, about.join('\n'), READING, ...sections, LIMITS].join('\n\n')}\n`
}

const INTRODUCTION = `# From a fault to the next write

How long an application is away when the cluster is back: measured on real clusters, by several clients at the same time,
in a process of their own each, under the very same faults. This page is written by \`npm run bench:failover -- --page FILE\`
from the file of \`npm run bench:failover -- --json FILE\`; [how it is measured](../benchmark/failover/README.md).

The clients, each with four writers and two readers that do one operation after the other, 10 ms apart:`

const READING = `All times are in milliseconds.

- **Gap**: the longest pause between two acknowledgements of a client, counted from the return of the cluster in it. A bare prober
  finds that out: it tries a write and a read on each member all the time, and its first acknowledgement after 200 ms or more is the return.
  A pause without such a return counts whole. What begins when the cluster is back for good does not count.
- **Held**: how long what was under way at the fault took from there to its result or error, at most; the median of the trials.
- **Errors**: all that the application was told, of which **unknown** are writes that may have been done. Of npm's driver that is every
  error that does not come from the server, since it says no more.
- **Lost** were acknowledged and are not there; **doubled** are there more than once.
- With few trials \`p99\` is the largest.`

const LIMITS = `## What this does not show

- Servers, clients and prober share one machine: their times are those of a busy one, and there is no network between them. The
  figures of \`none\` are what that does by itself.
- HA clusters pass writes on from slaves, so the prober may be back before the new master says what it is; a client that
  waits for that word cannot be.
- On HA clusters single writes wait for two seconds where a slave does not take them at once (\`ha.tx_push_factor\`), fault or no fault.
- There is no cluster of Neo4j 4 or later here, and no planned transfer of leadership: Neo4j 3.5 has none.
- A cut holds what is on its way and lets it go when it is mended, as a network does for a while; the proxy's own kernel acknowledges meanwhile,
  so what the operating system would notice by itself, it does not.
- An election takes the time that the servers are set up for: here heartbeats are given up after 3 s.`
