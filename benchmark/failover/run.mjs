// `npm run bench:failover`: how long clients are away when the cluster is back. README.md says how it is measured.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { table } from '../../lib/cli/table.js'
import { fail } from '../../tools/lib/exec.mjs'
import { downOwnedBy, up } from '../../tools/servers/index.mjs'
import { atLeastOne, chosen, parse } from '../options.mjs'
import { writePage } from '../page.mjs'
import { assertPresent, OURS, THEIRS } from '../peers.mjs'
import { clients } from './clients.mjs'
import { faults } from './faults.mjs'
import { entry } from './figures.mjs'
import { page } from './page.mjs'
import { HoldingProxy } from './proxy.mjs'
import { killAll, trial } from './trial.mjs'

/** The clusters, and which faults each is put to: with a read replica those alone in which that makes a difference. */
const clusters = {
  ha: Object.keys(faults),
  cc: Object.keys(faults),
  'cc+replica': ['kill-slave', 'term']
}

/** When so much time has passed, in minutes, no other trial is begun: what there is by then is what is told. */
const MINUTES = 58

const USAGE = `npm run bench:failover -- [options]
  --json FILE     write the figures as JSON
  --cluster A,B   these alone, of: ${Object.keys(clusters).join(', ')}
  --fault A,B     these alone, of: ${Object.keys(faults).join(', ')}
  --client A,B    these alone, of: ${Object.keys(clients).join(', ')}
  --trials N      of each fault (3; of kill 20)
  --logs FOLDER   leave there what the processes and the drivers logged
  --page FILE     measure nothing: write docs/FAILOVER.md from such a file`

const say = message => process.stderr.write(`${message}\n`)

function readOptions() {
  const values = parse(
    {
      json: { type: 'string' },
      cluster: { type: 'string' },
      fault: { type: 'string' },
      client: { type: 'string' },
      trials: { type: 'string' },
      logs: { type: 'string' },
      page: { type: 'string' },
      help: { type: 'boolean' }
    },
    USAGE
  )
  const chosenOf = (name, all) => chosen(name, values[name], Object.keys(all), USAGE)
  return {
    ...values,
    trials: atLeastOne('trials', values.trials),
    clusters: chosenOf('cluster', clusters),
    faults: chosenOf('fault', faults),
    clients: chosenOf('client', clients)
  }
}

/** A Bolt and an HTTP proxy for each of so many members. */
async function proxiesFor(count) {
  const proxies = []
  for (let i = 0; i < count; i++) {
    const pair = { bolt: new HoldingProxy(), http: new HoldingProxy() }
    proxies.push({ ...pair, ports: { bolt: await pair.bolt.listen(), http: await pair.http.listen() } })
  }
  return proxies
}

/** A cluster that serves, and where clients find it: its own ports, or those of the proxies before it. */
async function boot(name, proxies) {
  const cluster = await up(`${name}@failover-${process.pid}`, {
    onProgress: text => say(`${name}: ${text}`),
    advertised: proxies.map(({ ports }) => `127.0.0.1:${ports.bolt}`)
  })
  const members = cluster.members.map((own, i) => {
    const proxy = proxies[i]
    if (!proxy) return { bolt: own.bolt, http: own.http }
    for (const one of [proxy.bolt, proxy.http]) one.mend()
    proxy.bolt.target = Number(new URL(own.bolt).port)
    proxy.http.target = Number(new URL(own.http).port)
    return { bolt: `bolt://127.0.0.1:${proxy.ports.bolt}`, http: `http://127.0.0.1:${proxy.ports.http}` }
  })
  return { cluster, target: { kind: cluster.kind, auth: cluster.auth, members } }
}

/** All trials of these faults on one cluster; with `isCut` clients reach it through proxies. */
async function onCluster(name, names, isCut, { trials, clients: chosen, logs, isOver }, done) {
  const kind = name.split('+')[0]
  const knowing = chosen.filter(client => clients[client].kinds?.includes(kind) ?? true)
  const proxies = isCut ? await proxiesFor(3) : []
  const folder = logs && join(logs, name)
  if (folder) mkdirSync(folder, { recursive: true })
  let booted = await boot(name, proxies)
  const once = async (fault, n) => {
    say(`${name}, ${fault}, trial ${n}`)
    const figures = await trial({
      ...booted,
      fault: faults[fault],
      proxies: proxies.map(({ bolt, http }) => [bolt, http]),
      names: knowing,
      label: `${fault}_${n}`.replaceAll('-', '_'),
      logs: folder,
      say
    })
    for (const [client, one] of Object.entries(figures)) say(`  ${client}: ${JSON.stringify(one)}`)
    return figures
  }
  for (const fault of names) {
    const all = []
    for (let n = 1; n <= (trials ?? faults[fault].trials) && !isOver(); n++) {
      try {
        all.push(await once(fault, n))
      } catch (error) {
        say(`  failed, and does not count: ${error.message}`)
        booted = await boot(name, proxies)
      }
    }
    const of = client => all.map(figures => figures[client])
    if (all.length > 0) done(knowing.map(client => entry({ cluster: name, fault, client }, of(client))))
    else say(`${name}, ${fault}: not measured`)
  }
  await booted.cluster.down()
  for (const { bolt, http } of proxies) await Promise.all([bolt.close(), http.close()])
}

async function bench(options) {
  for (const peer of [OURS, THEIRS]) assertPresent(peer)
  const end = performance.now() + MINUTES * 60_000
  const isOver = () => performance.now() > end
  const entries = []
  const done = some => {
    entries.push(...some)
    // so that what was measured outlives a later failure
    if (options.json) writeFileSync(options.json, `${JSON.stringify(entries, null, 2)}\n`)
  }
  for (const name of options.clusters) {
    const its = options.faults.filter(fault => clusters[name].includes(fault))
    for (const isCut of [false, true]) {
      const some = its.filter(fault => Boolean(faults[fault].isCut) === isCut)
      if (some.length > 0 && !isOver()) await onCluster(name, some, isCut, { ...options, isOver }, done)
    }
  }
  console.log(
    table(
      [
        'cluster',
        'fault',
        'client',
        'trials',
        'errors',
        'unknown',
        'write gap',
        'p99',
        'read gap',
        'p99',
        'lost',
        'doubled'
      ],
      entries.map(one => [
        one.cluster,
        one.fault,
        one.client,
        one.trials,
        one.applicationErrors,
        one.unknownOutcomes,
        one.writeGapMs.median,
        one.writeGapMs.p99,
        one.readGapMs.median,
        one.readGapMs.p99,
        one.lost,
        one.doubled
      ])
    )
  )
}

async function main() {
  const options = readOptions()
  if (options.help) return console.log(USAGE)
  if (options.page) return say(`written: ${writePage('FAILOVER.md', page, options.page)}`)
  await bench(options)
}

/** Ends at once, with the clients ended and the servers down. */
async function end(error) {
  if (error) fail(error)
  killAll()
  await downOwnedBy(process.pid)
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => end())
process.once('unhandledRejection', end)

main().catch(end)
