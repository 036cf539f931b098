// A cluster whose members hand out one routing table, which a test may change as it goes.
//
//   const cluster = await scriptedRouting({ cores: 3, replicas: 2 })
//   neo4j.driver(cluster.uri)
//   cluster.table.writers = [cluster.members[1]]      // a new leader
//   cluster.tables.sales = { readers: [...] }         // a database of its own
//   cluster.routes()                                  // who was asked for a table, and what for

import { ScriptedServer } from './scripted-server.mjs'
import { routingTable } from './scripts.mjs'

/**
 * `cores` route; the first of them leads and takes writes, the others and the `replicas` read. `each(i)` gives options of
 * the i-th member; all others are for every member. `ttl` is in seconds.
 */
export const scriptedRouting = async ({ cores = 3, replicas = 0, ttl = 300, each, ...options } = {}) => {
  const cluster = new ScriptedRouting()
  const settings = { table: request => cluster.answer(request), ...options }
  const starts = Array.from({ length: cores + replicas }, (_, i) =>
    ScriptedServer.start({ ...settings, ...each?.(i) })
  )
  cluster.members = await Promise.all(starts)
  const [leader, ...rest] = cluster.members
  cluster.table = {
    ttl,
    db: 'neo4j',
    routers: cluster.members.slice(0, cores),
    readers: rest.length > 0 ? rest : [leader],
    writers: [leader]
  }
  return cluster
}

class ScriptedRouting {
  members = []
  /** The table of every database that has none of its own: servers, or addresses, as routers, readers and writers. */
  table = {}
  /** Tables of databases, each over the one above; or `failure(...)`. */
  tables = {}

  /** What any member says when it is asked for a table. A test may put another function here. */
  answer({ database }) {
    const own = database === undefined ? undefined : this.tables[database]
    if (own?.failure) return own
    const table = { ...this.table, ...own }
    const addresses = list => list.map(server => server.address ?? server)
    return routingTable({
      ttl: table.ttl,
      db: own?.db ?? database ?? table.db,
      routers: addresses(table.routers),
      readers: addresses(table.readers),
      writers: addresses(table.writers)
    })
  }

  /** The first member as a seed. */
  get uri() {
    return `neo4j://${this.members[0].address}`
  }

  on(query, answer) {
    for (const member of this.members) member.on(query, answer)
  }

  when(kind, action) {
    return this.members.map(member => member.when(kind, action))
  }

  /** Every request for a routing table, in order of arrival, with `server`: the index of the member that got it. */
  routes() {
    return this.members
      .flatMap((member, server) => member.routes().map(route => ({ ...route, server })))
      .sort((a, b) => a.message.at - b.message.at)
  }

  /** Which members were sent a query that matches, in order of arrival: their indexes. */
  served(pattern) {
    return this.received('RUN', pattern).map(({ server }) => this.members.indexOf(server))
  }

  /** What arrived at any member, in order. */
  received(kind, query) {
    return this.members.flatMap(member => member.received(kind, query)).sort((a, b) => a.at - b.at)
  }

  async stop() {
    await Promise.all(this.members.map(member => member.stop().catch(() => {})))
  }
}
