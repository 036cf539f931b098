// The servers that are measured against. Each is `{name, uri, user, password, queries, warmUps, stop()}`: `queries` are its
// texts for what the workloads ask, and `warmUps` the measurements to throw away before those of a workload count.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { load, THEIRS } from './peers.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const REAL_VERSION = '5.26'
const REAL_INSTANCE = `${REAL_VERSION}@bench`
const REAL_NODES = 200_000
const NODES_A_TRANSACTION = 20_000

/**
 * Builds and starts the replay server, whose results come from prepared bytes.
 * @param bolt the one Bolt version it should speak ('3', '4.4', '5.8'); all that it can without one
 * @param members how many servers it should be, on a port each: `ports`
 */
async function replay({ bolt, members = 1, say }) {
  say('building the replay server')
  const cargo = (...args) => execFileSync('cargo', args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  cargo('build', '--release', '--quiet', '--package', 'replay-server')
  const { target_directory: target } = JSON.parse(cargo('metadata', '--format-version', '1', '--no-deps'))
  const binary = join(target, 'release', process.platform === 'win32' ? 'replay-server.exe' : 'replay-server')

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
      unwind: 'UNWIND $rows AS r CREATE (n:Person) SET n = r'
    },
    warmUps: 0,
    stop: async () => {
      server.stdin.end()
      await exit
    }
  }
}

/** Starts a real Neo4j and gives it nodes to be read. */
async function real({ say }) {
  const { up } = await import('../tools/servers/index.mjs')
  say(`starting Neo4j ${REAL_VERSION}`)
  const neo4j = await up(REAL_INSTANCE, { onProgress: say })
  const server = {
    name: 'real',
    uri: neo4j.members[0].bolt,
    user: neo4j.auth.user,
    password: neo4j.auth.pass,
    queries: {
      one: 'RETURN 1 AS n',
      scan: "UNWIND range(1, 1000000) AS i RETURN i AS id, 'name-' + i AS name, i * 0.37 AS score",
      nodes: 'MATCH (n:Person) RETURN n',
      lists: 'UNWIND range(1, 100000) AS i RETURN [k IN range(0, 49) | (i * 31 + k * 977) % 100000] AS l',
      // It only reads, so that the server's work is small beside that of the parameters.
      unwind: `UNWIND $rows AS r
        RETURN count(r) AS rows, sum(r.id + r.score) AS total, sum(size(r.name) + size(r.city)) AS text`
    },
    warmUps: 1, // its JVM has to compile what a workload asks of it
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
  } finally {
    await session.close()
    await driver.close()
  }
}

/** How to start each, by name: a function of `{bolt, say}`, where `say` takes a line of progress. */
export const servers = { replay, real }
