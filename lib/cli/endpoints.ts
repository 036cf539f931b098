/** What `doctor` finds at status endpoints: what the driver's checks come to, and why they may not get an answer. */

import type { HAServer } from '../api/neo4j-ha'
import { Status } from '../config/constants'
import type { Asked } from './arguments'
import type { Say } from './finding'
import { checkFailure } from './members'
import { checked, hasty, open, PATIENCE, type Single } from './pool'
import { addressesOf, whoIsAt } from './probe'

/** Looks at the endpoints of those that have one. `sayOf` gives whom to tell, for a server or the program. */
export async function endpoints(
  singles: readonly Single[],
  { servers, options }: Asked,
  sayOf: (of: string) => Say
): Promise<void> {
  const asked = servers.filter((_, i) => singles[i].server.http !== null)
  if (asked.length === 0) return
  const warnings: string[] = []
  const pool = open(
    asked,
    hasty(options, warning => warnings.push(warning))
  )
  try {
    await checked(pool)
    const told = pool.servers.map(async server => ({ server, why: await whyNot(server) }))
    for (const { server, why } of await Promise.all(told)) endpoint(server, why, sayOf)
    for (const warning of warnings) sayOf('this program')('note', 'warning', warning)
  } finally {
    await pool.close()
  }
}

function endpoint(server: HAServer, why: string, sayOf: (of: string) => Say): void {
  const { url } = server.location
  if (url === null) return
  const say = sayOf(new URL(url).host)
  const failure = checkFailure(server)
  // What is wrong with its Bolt port was said.
  if (failure?.startsWith(url)) say('found', 'status endpoint', failure + why)
  else if (failure === null) say('ok', 'status endpoint', `${url} says ${server.info?.role}`)
}

/** Why an endpoint may give no answer, as who speaks at its port says. */
async function whyNot({ location: { url }, info }: HAServer): Promise<string> {
  if (url === null || info?.status !== Status.down) return ''
  const { hostname: host, port, protocol } = new URL(url)
  const isSecure = protocol === 'https:'
  const at = { host, port: Number(port || (isSecure ? 443 : 80)), patience: PATIENCE }
  const addresses = await addressesOf(host).catch(() => [])
  const speaksHttp = async (over: 'tls' | 'plain'): Promise<boolean> =>
    addresses.length > 0 &&
    (await whoIsAt(addresses, { ...at, over }).then(
      ({ speaks }) => speaks === 'http',
      () => false
    ))
  const [inPlain, overTls] = await Promise.all([speaksHttp('plain'), speaksHttp('tls')])
  if (isSecure && overTls) {
    return '. Is its certificate trusted here, and for this name? NODE_EXTRA_CA_CERTS names an authority'
  }
  if (isSecure && inPlain) return '. This port has no TLS: give http://'
  if (overTls) return '. This port wants TLS: give https://'
  return '. Is the server up? Is this its HTTP port: 7474 by default, HTTPS 7473?'
}
