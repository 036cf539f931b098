// The servers that are measured against. Each is `{name, uri, user, password, queries, rounds, warmUps, stop()}`: `queries` are its
// texts for what the workloads ask, `warmUps` the measurements to throw away before those of a query count, and `rounds` how many
// there are unless the command says so.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from '../tools/lib/project.mjs'
import { load, THEIRS } from './peers.mjs'

const REAL_NODES = 200_000
const REAL_PATHS = 20_000
const NODES_A_TRANSACTION = 20_000

/** Builds a program of the workspace; gives its path. */
export function cargoBuild(name) {
  const cargo = (...args) => execFileSync('cargo', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  cargo('build', '--release', '--quiet', '--locked', '--package', name)
  const { target_directory: target } = JSON.parse(cargo('metadata', '--format-version', '1', '--no-deps'))
  return join(target, 'release', process.platform === 'win32' ? `${name}.exe` : name)
}

/**
 * Builds and starts the replay server, whose results come from prepared bytes.
 * @param bolt the one Bolt version it should speak ('3', '4.4', '5.8'); all that it can without one
 * @param members how many servers it should be, on a port each: `ports`
 */
async function replay({ bolt, members = 1, say }) {
  say('building the replay server')
  const binary = cargoBuild('replay-server')
  const server = spawn(binary, ['0', '--members', String(members), ...(bolt ? ['--version', bolt] : [])], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const exit = once(server, 'exit')
  const [line] = await Promise.race([
    once(createInterface({ input: server.stdout }), 'line'),
    exit.then(([code]) =>
      Promise.reject(new Error(`the replay server ended with ${code} before it was ready`))
    )
  ])
  const ports = line.split(' ').slice(1).map(Number)
  return {
    name: 'replay',
    ports,
    uri: `bolt://127.0.0.1:${ports[0]}`,
    user: 'neo4j',
    password: 'unchecked',
    queries: {
      one: 'RETURN 1 AS n',
      scan: 'SCAN',
      nodes: 'NODES',
      lists: 'LISTS',
      maps: 'MAPS',
      paths: 'PATHS',
      temporal: 'TEMPORAL',
      strings: 'STRINGS',
      bytes: 'BYTES',
      unwind: 'UNWIND $rows AS r CREATE (n:Person) SET n = r'
    },
    warmUps: 0,
    rounds: 3,
    stop: async () => {
      server.stdin.end()
      await exit
    }
  }
}

/** Starts a real Neo4j of a version and gives it nodes to be read. */
const real =
  (name, version) =>
  async ({ say }) => {
    const { up } = await import('../tools/servers/index.mjs')
    say(`starting Neo4j ${version}`)
    const neo4j = await up(`${version}@bench`, { onProgress: say })
    const server = {
      name,
      uri: neo4j.members[0].bolt,
      user: neo4j.auth.user,
      password: neo4j.auth.pass,
      queries: {
        one: 'RETURN 1 AS n',
        scan: "UNWIND range(1, 1000000) AS i RETURN i AS id, 'name-' + i AS name, i * 0.37 AS score",
        nodes: 'MATCH (n:Person) RETURN n',
        lists: 'UNWIND range(1, 100000) AS i RETURN [k IN range(0, 49) | (i * 31 + k * 977) % 100000] AS l',
        maps: `UNWIND range(1, 100000) AS i RETURN {id: i, name: 'Person ' + i,
        address: {street: i % 300 + ' Long Street', city: 'Warszawa', zip: 10000 + i % 5000, at: {x: i * 0.01, y: i * 0.02}},
        account: {active: i % 3 = 0, visits: i % 1000}} AS m`,
        paths: 'MATCH p = (:Start)-[:ROAD]->(:Place)-[:ROAD]->(:Place) RETURN p',
        temporal: `UNWIND range(1, 100000) AS i
        WITH i, datetime({epochSeconds: 1700000000 + i * 61, nanosecond: i, timezone: '+01:00'}) AS moment
        RETURN date(moment) AS day, time(moment) AS at, localdatetime(moment) AS local, moment,
          duration({months: i % 12, days: i % 31, seconds: i}) AS span`,
        strings: `UNWIND range(1, 50000) AS i
        RETURN reduce(text = toString(10000000 + i), _ IN range(1, 7) | text + text) AS text`,
        // It only reads, so that the server's work is small beside that of the parameters.
        unwind: `UNWIND $rows AS r
        RETURN count(r) AS rows, sum(r.id + r.score) AS total, sum(size(r.name) + size(r.city)) AS text`
      },
      rounds: 1,
      warmUps: 1, // its JVM has to compile what a query asks of it
      stop: () => neo4j.down()
    }
    try {
      say('creating nodes')
      await createNodes(server)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

/** A server that was just started is empty. */
async function createNodes({ uri, user, password }) {
  const neo4j = load(THEIRS)
  const driver = neo4j.driver(uri, neo4j.auth.basic(user, password))
  const session = driver.session()
  try {
    for (let from = 0; from < REAL_NODES; from += NODES_A_TRANSACTION) {
      await session.run(
        `UNWIND range(toInteger($from), toInteger($until) - 1) AS i
         CREATE (:Person {name: 'Person ' + i, age: i % 90, score: i / 7.0, active: i % 3 = 0,
           city: ['Warszawa', 'London', 'Berlin', 'Tokyo', 'Malmo', 'New York', 'Paris', 'San Francisco'][i % 8]})`,
        { from, until: Math.min(from + NODES_A_TRANSACTION, REAL_NODES) }
      )
    }
    await session.run(
      `UNWIND range(1, toInteger($paths)) AS i
       CREATE (:Start {name: 'Place ' + i})-[:ROAD {length: i % 500}]->(:Place {name: 'Place ' + i})
         -[:ROAD {length: i % 500 + 1}]->(:Place {name: 'Place ' + i})`,
      { paths: REAL_PATHS }
    )
  } finally {
    await session.close()
    await driver.close()
  }
}

/** How to start each, by name: a function of `{bolt, say}`, where `say` takes a line of progress. */
export const servers = { replay, real: real('real', '5.26'), 'real-2026': real('real-2026', '2026') }
