// `npm run bench`: this driver beside npm's neo4j-driver, in pairs of fresh processes. README.md says how to read it.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { ORIENTED, orientation } from './orientation.mjs'
import { writeSections } from './page.mjs'
import { assertPresent, OURS, PREVIOUS, THEIRS, versionOf } from './peers.mjs'
import { sections } from './performance.mjs'
import { detailTable, line, NOTES, summarize } from './report.mjs'
import { servers } from './servers.mjs'
import { measurements, workloads } from './workloads/index.mjs'

const names = workloads.map(({ name }) => name)
const USAGE = `npm run bench -- [options] [workload ...]
  workloads: ${names.join(', ')}
  --server NAME   ${Object.keys(servers).join(', ')} or both: replay and real (both)
  --only A,B      these workloads alone, as when they are named without an option
  --rounds N      pairs of measurements a workload (3 on the replay server, 1 on a real one)
  --peers P       who is measured besides: none, js (${PREVIOUS}) or all: also ${Object.keys(orientation).join(', ')} (js)
  --json FILE     also write the figures as JSON
  --page FILE     measure nothing: write docs/PERFORMANCE.md from such a file
  --check         exit with 1 when a floor is missed on the replay server
  --bolt VERSION  the Bolt version of the replay server: 3, 4.4 or 5.8 (5.8)
  --peer-self     neo4j-driver against itself: the ratios should be 1`

const client = [process.execPath, '--expose-gc', fileURLToPath(new URL('client.mjs', import.meta.url))]
/** No measurement takes so long unless it hangs. */
const MEASUREMENT_LIMIT_MS = 180_000

class UsageError extends Error {}

function readOptions() {
  let values
  let positionals
  try {
    ;({ values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        server: { type: 'string', default: 'both' },
        only: { type: 'string' },
        rounds: { type: 'string' },
        peers: { type: 'string', default: 'js' },
        json: { type: 'string' },
        page: { type: 'string' },
        check: { type: 'boolean', default: false },
        bolt: { type: 'string' },
        'peer-self': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    }))
  } catch (error) {
    throw new UsageError(error.message)
  }
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new UsageError('--rounds takes a number from 1 up')
  }
  const serverNames = values.server === 'both' ? ['replay', 'real'] : [values.server]
  if (!serverNames.every(name => Object.hasOwn(servers, name))) {
    throw new UsageError(`--server takes ${Object.keys(servers).join(', ')} or both`)
  }
  if (!['none', 'js', 'all'].includes(values.peers)) throw new UsageError('--peers takes none, js or all')
  const wanted = [...(values.only?.split(',') ?? []), ...positionals]
  const unknown = wanted.find(one => !names.includes(one))
  if (unknown !== undefined) throw new UsageError(`there is no workload ${JSON.stringify(unknown)}`)
  return {
    ...values,
    rounds,
    serverNames,
    chosen: workloads.filter(({ name }) => wanted.length === 0 || wanted.includes(name)),
    ours: values['peer-self'] ? THEIRS : OURS
  }
}

const say = message => process.stderr.write(`${message}\n`)

/** One measurement by one program, in a process that does nothing else. */
async function measured([program, ...args], job, name, signal) {
  const { uri, user, password, queries } = job.server
  const asked = { peer: name, measurement: job.measurement.name, uri, user, password, queries }
  const child = spawn(program, [...args, JSON.stringify(asked)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(MEASUREMENT_LIMIT_MS)])
  })
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve))
  const [output, code] = await Promise.all([text(child.stdout), ended]).catch(cause => {
    throw new Error(`${asked.measurement} by ${name} did not end`, { cause })
  })
  if (code !== 0) throw new Error(`${asked.measurement} by ${name} failed`)
  return JSON.parse(output)
}

/** Those who are measured besides and can be: `{name, version, command, bolt?}`. What is missing is told. */
async function prepareOthers(peers) {
  const others = []
  if (peers !== 'none') {
    assertPresent(PREVIOUS)
    others.push({ name: PREVIOUS, version: versionOf(PREVIOUS), command: client })
  }
  if (peers === 'all') {
    for (const [name, { prepare, bolt }] of Object.entries(orientation)) {
      say(`preparing ${name}`)
      try {
        others.push({ name, bolt, oriented: true, ...(await prepare()) })
      } catch (error) {
        console.log(`${name} is not measured: ${error.message}`)
      }
    }
  }
  return others
}

/** Measures what does not count: whatever asks a query first finds a server that is not used to it. */
async function warmUp(measurement, server, signal) {
  for (let i = 0; i < server.warmUps; i++) await measured(client, { measurement, server }, THEIRS, signal)
}

/**
 * All rounds of a measurement on a server, a pair each, and the others after the first of these. Who begins changes from pair to pair, and
 * from one `turn` to the next: a server gets used to what it is asked, and the second finds it faster.
 */
async function compare(measurement, server, { ours, rounds, others, turn }, signal) {
  const job = { measurement, server }
  const figures = []
  for (let round = 0; round < rounds; round++) {
    const pair = Object.entries({ ours, theirs: THEIRS })
    if ((turn + round) % 2 > 0) pair.reverse()
    const one = {}
    for (const [whose, peer] of pair) one[whose] = await measured(client, job, peer, signal)
    if (round === 0) {
      one.others = {}
      for (const { name, command, oriented, instead } of others) {
        if (oriented && !ORIENTED.has(measurement.name)) continue
        one.others[name] = await measured(command, { measurement, server: instead ?? server }, name, signal)
      }
    }
    for (const [name, told] of Object.entries({ theirs: one.theirs, ...one.others })) {
      if (isDeepStrictEqual(told.checksum, one.ours.checksum)) continue
      const [mine, other] = [one.ours.checksum, told.checksum].map(read => JSON.stringify(read))
      throw new Error(`${measurement.name}: ours read ${mine}; ${name} ${other}`)
    }
    figures.push(one)
  }
  return figures
}

/** What the project promises, and wants, of a workload on a server: of a real one that ours is not slower. */
function limits({ floor, goal }, server, { ours }) {
  if (ours === THEIRS) return { floor: undefined, goal: undefined }
  return server === 'replay' ? { floor, goal } : { floor: 1, goal: undefined }
}

/** Measures on one server what was chosen, and gives an entry of each workload to `took`. */
async function benchOn(name, others, options, took, signal) {
  const started = []
  const start = async bolt => {
    const server = await servers[name]({ bolt, say })
    started.push(server)
    return server
  }
  try {
    const server = await start(options.bolt)
    // Who speaks no newer version than this has a server of it beside the other.
    const needy = name === 'replay' ? others.find(({ bolt }) => bolt) : undefined
    const instead = needy && (await start(needy.bolt))
    const rounds = options.rounds ?? server.rounds
    const peers = others.map(one => (one === needy ? { ...one, instead } : one))
    const warm = new Set()
    for (const [turn, measurement] of measurements.entries()) {
      const its = options.chosen.filter(one => one.measurement === measurement)
      if (its.length === 0 || !(measurement.servers?.includes(name) ?? true)) continue
      if (!warm.has(measurement.query)) await warmUp(measurement, server, signal)
      warm.add(measurement.query)
      const figures = await compare(measurement, server, { ...options, rounds, turn, others: peers }, signal)
      for (const workload of its) {
        const judged = { ...workload, ...limits(workload, name, options) }
        took(summarize(judged, name, THEIRS, figures))
      }
    }
  } finally {
    for (const server of started) await server.stop()
  }
}

async function bench(options, signal) {
  for (const peer of [options.ours, THEIRS]) assertPresent(peer)
  const others = await prepareOthers(options.peers)
  const versions = {
    [options.ours]: versionOf(options.ours),
    [THEIRS]: versionOf(THEIRS),
    ...Object.fromEntries(others.map(({ name, version }) => [name, version]))
  }
  const machine = { cpu: cpus()[0].model, cores: availableParallelism(), node: process.version, versions }
  const besides = others.map(({ name, version }) => `${name} ${version}`).join(', ')
  console.log(
    `ours: ${options.ours} ${versions[options.ours]}, theirs: ${THEIRS} ${versions[THEIRS]}` +
      `${besides && `, others: ${besides}`}; node ${machine.node}, ${machine.cores} cores\n\n${line()}`
  )
  const began = performance.now()
  const entries = []
  const took = entry => {
    console.log(line(entry))
    entries.push({ ...entry, machine })
    // so that what was measured outlives a later failure
    if (options.json) writeFileSync(options.json, `${JSON.stringify(entries, null, 2)}\n`)
  }
  for (const name of options.serverNames) await benchOn(name, others, options, took, signal)
  console.log(`\n${detailTable(entries, { ours: options.ours, theirs: THEIRS })}\n${NOTES}`)
  console.log(`\nIt took ${((performance.now() - began) / 60_000).toFixed(1)} minutes.`)
  const missed = entries.filter(({ server, met }) => server === 'replay' && met === false)
  if (missed.length > 0) say(`floors missed: ${missed.map(({ workload }) => workload).join(', ')}`)
  return options.check && missed.length > 0 ? 1 : 0
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort(new Error(name)))
try {
  const options = readOptions()
  if (options.help) console.log(USAGE)
  else if (options.page) say(`written: ${writeSections('PERFORMANCE.md', sections, options.page)}`)
  else process.exitCode = await bench(options, stop.signal)
} catch (error) {
  if (error instanceof UsageError) say(`${error.message}\n\n${USAGE}`)
  else say(`the benchmark failed: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`)
  process.exitCode = 1
}
