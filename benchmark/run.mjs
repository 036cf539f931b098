// `npm run bench`: this driver beside npm's neo4j-driver, in pairs of fresh processes. README.md says how to read it.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { assertPresent, OURS, THEIRS, versionOf } from './peers.mjs'
import { line, NOTES, summarize } from './report.mjs'
import { servers } from './servers.mjs'
import { workloads } from './workloads/index.mjs'

const USAGE = `npm run bench -- [options]
  --server NAME   replay, real or both (both)
  --only A,B      these workloads alone, of: ${workloads.map(({ name }) => name).join(', ')}
  --rounds N      pairs of measurements a workload (5)
  --json FILE     also write the figures as JSON
  --check         exit with 1 when a floor is missed on the replay server
  --bolt VERSION  the Bolt version of the replay server: 3, 4.4 or 5.8 (5.8)
  --peer-self     neo4j-driver against itself: the ratios should be 1`

const client = fileURLToPath(new URL('client.mjs', import.meta.url))
/** No measurement takes so long unless it hangs. */
const MEASUREMENT_LIMIT_MS = 180_000

class UsageError extends Error {}

function readOptions() {
  let values
  try {
    values = parseArgs({
      options: {
        server: { type: 'string', default: 'both' },
        only: { type: 'string' },
        rounds: { type: 'string', default: '5' },
        json: { type: 'string' },
        check: { type: 'boolean', default: false },
        bolt: { type: 'string' },
        'peer-self': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    throw new UsageError(error.message)
  }
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError('--rounds takes a number from 1 up')
  const serverNames = values.server === 'both' ? Object.keys(servers) : [values.server]
  if (!serverNames.every(name => Object.hasOwn(servers, name))) {
    throw new UsageError('--server takes replay, real or both')
  }
  const only = values.only?.split(',')
  const unknown = only?.find(wanted => !workloads.some(({ name }) => name === wanted))
  if (unknown !== undefined) throw new UsageError(`there is no workload ${JSON.stringify(unknown)}`)
  return {
    ...values,
    rounds,
    serverNames,
    chosen: workloads.filter(({ name }) => !only || only.includes(name)),
    ours: values['peer-self'] ? THEIRS : OURS
  }
}

const say = message => process.stderr.write(`${message}\n`)

/** One measurement: one workload by one peer, in a process that does nothing else. */
async function measure(peer, workload, { uri, user, password, queries }, signal) {
  const job = JSON.stringify({ peer, workload: workload.name, uri, user, password, queries })
  const child = spawn(process.execPath, ['--expose-gc', client, job], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(MEASUREMENT_LIMIT_MS)])
  })
  const ended = new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve))
  const [output, code] = await Promise.all([text(child.stdout), ended]).catch(cause => {
    throw new Error(`${workload.name} by ${peer} did not end`, { cause })
  })
  if (code !== 0) throw new Error(`${workload.name} by ${peer} failed`)
  return JSON.parse(output)
}

/** All rounds of a workload on a server: ours, theirs, ours, theirs, ... */
async function compare(workload, server, { ours, rounds }, signal) {
  const figures = []
  for (let i = 0; i < server.warmUps; i++) await measure(THEIRS, workload, server, signal)
  for (let round = 0; round < rounds; round++) {
    const pair = {
      ours: await measure(ours, workload, server, signal),
      theirs: await measure(THEIRS, workload, server, signal)
    }
    const [mine, other] = [pair.ours.checksum, pair.theirs.checksum]
    if (mine !== other) throw new Error(`${workload.name}: ours read ${mine}; theirs ${other}`)
    figures.push(pair)
  }
  return summarize(
    ours === THEIRS ? { ...workload, floor: undefined } : workload,
    server.name,
    THEIRS,
    figures
  )
}

function writeEntries(file, summaries) {
  const entries = summaries.map(({ entry }) => entry)
  writeFileSync(file, `${JSON.stringify(entries, null, 2)}\n`)
}

async function bench(options, signal) {
  for (const peer of [options.ours, THEIRS]) assertPresent(peer)
  console.log(
    `ours: ${options.ours} ${versionOf(options.ours)}, theirs: ${THEIRS} ${versionOf(THEIRS)}; ` +
      `node ${process.version}, ${availableParallelism()} cores, ${options.rounds} rounds\n\n${line()}`
  )
  const summaries = []
  for (const name of options.serverNames) {
    const server = await servers[name]({ bolt: options.bolt, say })
    try {
      for (const workload of options.chosen) {
        const summary = await compare(workload, server, options, signal)
        console.log(line(summary))
        summaries.push(summary)
        if (options.json) writeEntries(options.json, summaries) // so that what was measured outlives a later failure
      }
    } finally {
      await server.stop()
    }
  }
  console.log(NOTES)
  const missed = summaries.filter(({ entry, met }) => entry.server === 'replay' && met === false)
  if (missed.length > 0) say(`floors missed: ${missed.map(({ entry }) => entry.workload).join(', ')}`)
  return options.check && missed.length > 0 ? 1 : 0
}

const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => stop.abort(new Error(name)))
try {
  const options = readOptions()
  if (options.help) console.log(USAGE)
  else process.exitCode = await bench(options, stop.signal)
} catch (error) {
  if (error instanceof UsageError) say(`${error.message}\n\n${USAGE}`)
  else say(`the benchmark failed: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}`)
  process.exitCode = 1
}
