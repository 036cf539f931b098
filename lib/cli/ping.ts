/**
 * `ping`: where the time of one query goes. The driver does not tell the steps to a connection, so they are taken beside it, and the
 * login is the difference between its connections with and without one; what a query takes is the driver's own.
 */

import { messageOf } from '../errors'
import type { Asked } from './arguments'
import { hasty, PATIENCE, type Single, withEach } from './pool'
import { addressesOf, dial, encrypt, greet, isAddress, portOf, type Step, timed } from './probe'
import { routingTable } from './routing-table'
import { style, table, widthOf } from './table'

/** It writes nothing, and is for any version. */
const QUERY = 'RETURN 1'

/** A part of the time; or why it could not be taken. */
interface Part {
  readonly part: string
  readonly ms: number | null
  readonly what: string
}

/** What came of pinging a server. */
interface Pinged {
  readonly server: string
  readonly parts: readonly Part[]
  /** Why not all of it was done. */
  readonly error: string | null
}

export async function ping({ servers, options, database, json }: Asked): Promise<number> {
  const pinged: Pinged[] = []
  await withEach(servers, hasty(options), async singles => {
    // One after the other: together they would be slower.
    for (const single of singles) {
      const one = await pingOne(single, database)
      pinged.push(one)
      if (!json) console.log(`${pinged.length > 1 ? '\n' : ''}${text(one)}`)
    }
  })
  if (json) console.log(JSON.stringify(pinged, null, 2))
  const isDone = pinged.every(({ error }) => error === null)
  if (!isDone) console.error('What to do about it: neo4j-ha-bolt-driver doctor, with the same arguments.')
  return isDone ? 0 : 1
}

async function pingOne({ server, direct, driver }: Single, database: string | undefined): Promise<Pinged> {
  const parts = new Map<string, Part>()
  let part = ''
  const step = async <T>(name: string, work: () => Promise<T>): Promise<Step<T>> => {
    part = name
    return await timed(work)
  }
  const add = (name: string, ms: number | null, what: string): void => {
    parts.set(name, { part: name, ms, what })
  }
  const done = (error: string | null): Pinged => ({
    server: server.location.bolt,
    parts: [...parts.values()],
    error
  })
  try {
    // Everything is done twice, and told of the second time: the first loads what this program, and the server, need for it.
    await connection(server.uri, direct.isEncrypted(), step, add)
    await connection(server.uri, direct.isEncrypted(), step, add)
    await login(direct, step, add)
    await route(direct, database, step, add)
    await query(driver, database, step, add)
    return done(null)
  } catch (error) {
    add(part, null, `failed: ${messageOf(error)}`)
    return done(`${part}: ${messageOf(error)}`)
  }
}

type Take = <T>(name: string, work: () => Promise<T>) => Promise<Step<T>>
type Add = (name: string, ms: number | null, what: string) => void

/** The way to a connection, taken beside the driver. */
async function connection(
  { host, address }: Single['server']['uri'],
  isEncrypted: boolean,
  take: Take,
  add: Add
): Promise<void> {
  const name = await take('name', () => addressesOf(host))
  add('name', name.ms, isAddress(host) ? 'it is an address' : `${host} is ${name.value.join(', ')}`)
  const port = portOf(address)
  const tcp = await take('TCP', () => dial(name.value, port, PATIENCE))
  let socket = tcp.value
  try {
    add('TCP', tcp.ms, `a connection to ${tcp.value.remoteAddress}, port ${port}`)
    if (isEncrypted) {
      const tls = await take('TLS', () => encrypt(tcp.value, host, PATIENCE))
      socket = tls.value
      add('TLS', tls.ms, `${tls.value.getProtocol()}, ${tls.value.getCipher().name}`)
    } else {
      add('TLS', null, 'not used')
    }
    const bolt = await take('Bolt', () => greet(socket, PATIENCE))
    if (bolt.value === 'bolt') add('Bolt', bolt.ms, 'agreement on a version, without a login')
  } finally {
    socket.destroy()
  }
}

/** What a login takes: the difference of two connections of the driver. */
async function login(driver: Single['direct'], take: Take, add: Add): Promise<void> {
  await take('Bolt', () => driver.getNegotiatedProtocolVersion())
  const without = await take('Bolt', () => driver.getNegotiatedProtocolVersion())
  const { value, ms } = await take('login', () => driver.getServerInfo())
  add(
    'login',
    Math.max(0, ms - without.ms),
    `${value.agent}: a connection of the driver takes ${show(ms)} with it, ${show(without.ms)} without`
  )
}

/** What a routing table takes: clients of neo4j:// ask for one now and then. */
async function route(
  driver: Single['direct'],
  database: string | undefined,
  take: Take,
  add: Add
): Promise<void> {
  await take('route', () => routingTable(driver, database))
  const { value, ms } = await take('route', () => routingTable(driver, database))
  if (value === null) add('route', null, 'this server has no routing table')
  else add('route', ms, `${value.procedure}: ${value.addresses.join(', ')}`)
}

/** What a query takes on a connection that is open. */
async function query(
  driver: Single['driver'],
  database: string | undefined,
  take: Take,
  add: Add
): Promise<void> {
  const session = driver.session({ database, defaultAccessMode: 'READ' })
  try {
    await take('server', () => session.run(QUERY))
    const result = session.run(QUERY)
    const { ms: answered } = await take('server', () => result.keys())
    const { ms: read, value: summary } = await take('records', () => result.summary())
    const [available, consumed] = [summary.resultAvailableAfter, summary.resultConsumedAfter].map(Number)
    add(
      'server',
      answered,
      `${QUERY} at ${summary.server.address}: from RUN to its answer, of which the server says that ${available} ms were its own`
    )
    add('records', read, `from there to the end of the result; the server says ${consumed} ms`)
  } finally {
    await session.close()
  }
}

const show = (ms: number): string => `${ms.toFixed(1)} ms`

function text({ server, parts }: Pinged): string {
  const rows = parts.map(({ part, ms, what }) => [
    part,
    ms === null ? '' : show(ms).padStart(9),
    what.startsWith('failed: ') ? style('red', what) : what
  ])
  return `${style('bold', server)}\n${table(['part', '     time', 'what'], rows, { columns: widthOf(process.stdout) })}`
}
