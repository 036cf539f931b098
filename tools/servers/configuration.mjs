// What a member of a set of servers is: its folder, its ports, and its neo4j.conf.

import { join } from 'node:path'
import { era } from './catalog.mjs'

/** How many ports in a row a set takes. */
export const PORTS = 60

const US = '127.0.0.1'

/**
 * @typedef {object} Member
 * @property {number} member 1-based
 * @property {import('./catalog.mjs').Product} product
 * @property {string} home
 * @property {boolean} replica of a causal cluster
 * @property {Record<'bolt' | 'http' | 'https' | 'coordination' | 'data' | 'raft', number>} ports
 * @property {string} certificate
 */

/**
 * The members of a set whose first port is `port`.
 *
 * @param {import('./catalog.mjs').Product} product
 * @param {string} folder
 * @param {number} port
 * @returns {Member[]}
 */
export function membersOf(product, folder, port) {
  return Array.from({ length: product.members }, (_, i) => {
    const at = k => port + 10 * k + i + 1
    const home = join(folder, String(i + 1))
    return {
      member: i + 1,
      product,
      home,
      replica: product.kind === 'cc' && i >= 3,
      ports: { bolt: at(0), http: at(1), https: at(2), coordination: at(3), data: at(4), raft: at(5) },
      certificate: join(home, 'certificates', 'neo4j.cert')
    }
  })
}

/** The ports that the members of a set listen on. */
export const portsOf = members =>
  members.flatMap(({ ports, product }) => {
    const { bolt, http, https, ...cluster } = ports
    return [bolt, http, https, ...(product.kind === 'single' ? [] : Object.values(cluster))]
  })

/**
 * The lines of neo4j.conf.
 *
 * @param {Member} member
 * @param {number} firstPort of the set
 * @param {object} options
 * @param {boolean} options.auth
 * @param {boolean} options.mutual whether Bolt over TLS wants a client certificate
 * @param {string} [options.advertised] the Bolt address it says it has, where that is not its own
 * @returns {Record<string, string>}
 */
export function settings({ member, product, ports, replica }, firstPort, { auth, mutual, advertised }) {
  const generation = era(product)
  const connector = generation === 5 ? 'server' : 'dbms.connector'
  const addresses = { 3: 'dbms.connectors', 4: 'dbms', 5: 'server' }[generation]
  const conf = {
    [`${addresses}.default_listen_address`]: US,
    [`${addresses}.default_advertised_address`]: US,
    [`${generation === 5 ? 'server' : 'dbms'}.memory.pagecache.size`]: '32m',
    'dbms.security.auth_enabled': String(auth),
    [`${connector}.bolt.tls_level`]: 'OPTIONAL'
  }
  for (const kind of ['bolt', 'http', 'https']) {
    conf[`${connector}.${kind}.enabled`] = 'true'
    conf[`${connector}.${kind}.listen_address`] = `${US}:${ports[kind]}`
    conf[`${connector}.${kind}.advertised_address`] = `${US}:${ports[kind]}`
    if (generation > 3 && kind !== 'http') {
      const policy = `dbms.ssl.policy.${kind}`
      conf[`${policy}.enabled`] = 'true'
      conf[`${policy}.base_directory`] = 'certificates'
      conf[`${policy}.private_key`] = 'neo4j.key'
      conf[`${policy}.public_certificate`] = 'neo4j.cert'
      conf[`${policy}.client_auth`] = mutual && kind === 'bolt' ? 'REQUIRE' : 'NONE'
    }
  }
  if (advertised) conf[`${connector}.bolt.advertised_address`] = advertised
  if (generation === 3) conf['dbms.udc.enabled'] = 'false'
  // else 256 MiB on disk for each database
  if (generation === 4) conf['dbms.tx_log.preallocate'] = 'false'
  if (generation === 5) conf['db.tx_log.preallocate'] = 'false'
  if (generation === 5) conf['dbms.usage_report.enabled'] = 'false'
  if (product.kind !== 'single')
    Object.assign(conf, { 'dbms.backup.enabled': 'false', 'metrics.enabled': 'false' })
  const cores = [1, 2, 3].map(n => `${US}:${firstPort + 30 + n}`).join(',')
  if (product.kind === 'ha') {
    Object.assign(conf, {
      'dbms.mode': 'HA',
      'ha.server_id': String(member),
      'ha.initial_hosts': cores,
      'ha.host.coordination': `${US}:${ports.coordination}`,
      'ha.host.data': `${US}:${ports.data}`,
      'ha.heartbeat_interval': '500ms',
      'ha.heartbeat_timeout': '3s', // 40 s by default, which is the time a failover takes
      'ha.pull_interval': '500ms' // else a slave may stay behind
    })
  }
  if (product.kind === 'cc') {
    Object.assign(conf, {
      'dbms.mode': replica ? 'READ_REPLICA' : 'CORE',
      'causal_clustering.initial_discovery_members': cores,
      'causal_clustering.minimum_core_cluster_size_at_formation': '3',
      'causal_clustering.minimum_core_cluster_size_at_runtime': '3',
      'causal_clustering.leader_election_timeout': '3s'
    })
    for (const [name, port] of [
      ['discovery', ports.coordination],
      ['transaction', ports.data],
      ['raft', ports.raft]
    ]) {
      conf[`causal_clustering.${name}_listen_address`] = `${US}:${port}`
      conf[`causal_clustering.${name}_advertised_address`] = `${US}:${port}`
    }
  }
  return conf
}
