// What is measured: a driver, and the server that it is to work with.
import { load, loadCluster, OURS } from './peers.mjs'
import { clusterOf } from './scaling/cluster.mjs'

const user = ({ auth }, { user, password }) => auth.basic(user, password)

export class Subject {
  #opened = []

  /** @param job as `client.mjs` gets it */
  constructor(job) {
    this.job = job
  }

  /** The server's texts for what the workloads ask. */
  get queries() {
    return this.job.queries
  }

  /** A driver of the peer's, which is closed with this. */
  open(config) {
    const neo4j = load(this.job.peer)
    return this.#keep(neo4j.driver(this.job.uri, user(neo4j, this.job), config))
  }

  /**
   * A cluster of so many members, in processes of its own, and how this peer reads from it: ours by all of its members in turn,
   * the others by one of them.
   * @returns a function that gives a session
   */
  async openReaders(members) {
    const { locations, stop } = await clusterOf(members)
    this.#keep({ close: stop })
    const neo4j = load(this.job.peer)
    if (this.job.peer !== OURS) {
      const driver = this.#keep(neo4j.driver(locations[0][1], user(neo4j, this.job)))
      return () => driver.session({ defaultAccessMode: neo4j.session.READ })
    }
    const Neo4jHA = loadCluster()
    const driver = this.#keep(new Neo4jHA(locations, { strategy: Neo4jHA.HAStrategies.roundRobin }))
    await driver.ready
    return () => driver.session(false)
  }

  #keep(opened) {
    this.#opened.push(opened)
    return opened
  }

  async close() {
    for (const opened of this.#opened.reverse()) await opened.close()
  }
}
