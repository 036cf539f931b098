/** `doctor`: goes through what people get wrong, and says what to do. A line for each look at a server. */

import type { PeerCertificate } from 'node:tls'
import { readBolt } from '../config/servers'
import { nativeModule } from '../crossing/native-module'
import { messageOf } from '../errors'
import type { Asked } from './arguments'
import { endpoints } from './endpoints'
import { type Finding, type Say, text } from './finding'
import { hasty, PATIENCE, type Single, withEach } from './pool'
import { addressesOf, dial, isAddress, portOf, timed, whoIsAt } from './probe'
import { routingTable } from './routing-table'

/** Milliseconds that the clock of a server may be off. */
const CLOCK = 2_000

/** Milliseconds in a day, and how many of these a certificate should hold. */
const DAY = 86_400_000
const DAYS = 14

export async function doctor(asked: Asked): Promise<number> {
  const findings: Finding[] = []
  const sayOf =
    (of: string): Say =>
    (level, look, says) =>
      findings.push({ level, of, look, says })
  if (driver(sayOf('this program'))) {
    await withEach(asked.servers, hasty(asked.options), async singles => {
      // Each has findings of its own, so that those of servers that are looked at together do not mix.
      const looks = singles.map(async single => {
        const own: Finding[] = []
        await lookAt(single, asked, (level, look, says) =>
          own.push({ level, of: single.server.uri.address, look, says })
        )
        return own
      })
      for (const own of await Promise.all(looks)) findings.push(...own)
      await endpoints(singles, asked, sayOf)
    })
  }
  console.log(asked.json ? JSON.stringify(findings, null, 2) : text(findings))
  return findings.some(({ level }) => level === 'found') ? 1 : 0
}

/** Whether there is a driver to look with. Why there is none, such as by an old glibc, and what to do, its error says. */
function driver(say: Say): boolean {
  try {
    nativeModule()
    say(
      'ok',
      'driver',
      `its native module is loaded: Node.js ${process.version}, ${process.platform} ${process.arch}`
    )
    return true
  } catch (error) {
    say('found', 'driver', messageOf(error))
    return false
  }
}

// ---- one server ----

/** All there is to see of a server: as far as one thing lets us see the next. */
async function lookAt({ server, direct }: Single, asked: Asked, say: Say): Promise<void> {
  const found = await name(server.uri.host, say)
  if (found === undefined) return
  if (!(await port(found, server.uri, direct.isEncrypted(), say))) return
  if (!(await login(direct, server, say))) return
  await addresses(direct, server, asked, say)
  await clock(direct, say)
}

async function name(host: string, say: Say): Promise<readonly string[] | undefined> {
  try {
    const found = await addressesOf(host)
    if (!isAddress(host)) say('ok', 'name', `${host} is ${found.join(', ')}`)
    return found
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? messageOf(error)
    say(
      'found',
      'name',
      `${host} is not known here (${why}). Is it spelt right? Does this machine ask the right DNS server?`
    )
    return undefined
  }
}

/** What speaks at the port, in plain and over TLS. @returns whether it is worth it to go on */
async function port(
  found: readonly string[],
  { host, address }: Single['server']['uri'],
  isEncrypted: boolean,
  say: Say
): Promise<boolean> {
  const number = portOf(address)
  const at = { host, port: number, patience: PATIENCE }
  const [inPlain, overTls] = await Promise.allSettled([
    whoIsAt(found, { ...at, over: 'plain' }),
    whoIsAt(found, { ...at, over: 'tls' })
  ])
  if (inPlain.status === 'rejected') {
    const why = inPlain.reason.code ?? messageOf(inPlain.reason)
    say(
      'found',
      'port',
      `nobody can be reached at ${found.join(' or ')}, port ${number} (${why}). Is the server up? Is this its Bolt port (7687 by default)? ` +
        'Does it listen on more than localhost (server.default_listen_address, before 5 dbms.default_listen_address)? Is there a firewall on the way?'
    )
    return false
  }
  const { speaks: plain } = inPlain.value
  const over = overTls.status === 'fulfilled' ? overTls.value : undefined
  if (plain === 'http' || over?.speaks === 'http') {
    say(
      'found',
      'port',
      'this port speaks HTTP, not Bolt. Give the Bolt port: 7687 by default, where HTTP has 7474 and HTTPS 7473'
    )
    return false
  }
  if (plain === 'silent' && over === undefined) {
    say(
      'found',
      'port',
      `somebody takes connections, and answers nothing within ${PATIENCE / 1000} s. Does the server hang? Is this its Bolt port?`
    )
    return false
  }
  if (plain !== 'bolt' && over?.speaks !== 'bolt') {
    say('found', 'port', 'whoever is there speaks no Bolt. Is this the Bolt port (7687 by default)?')
    return false
  }
  say('ok', 'port', 'it speaks Bolt')
  return tls(plain === 'bolt', over, isEncrypted, host, say)
}

/** Whether TLS is used as the server has it. */
function tls(
  isPlain: boolean,
  over: { certificate?: PeerCertificate } | undefined,
  isEncrypted: boolean,
  host: string,
  say: Say
): boolean {
  if (isEncrypted && over === undefined) {
    say(
      'found',
      'TLS',
      'the URI, or the option encrypted, wants TLS, and the server has none. Take +s or +ssc out of the URI, or turn TLS on at the ' +
        'server (server.bolt.tls_level, before 5 dbms.connector.bolt.tls_level)'
    )
    return false
  }
  if (!isEncrypted && !isPlain) {
    say(
      'found',
      'TLS',
      'the server wants TLS. Put +s behind bolt or neo4j in the URI (+ssc where its certificate is self-signed)'
    )
    return false
  }
  if (!isEncrypted) {
    say('ok', 'TLS', over === undefined ? 'not used; the server has none' : 'not used; the server has it too')
    return true
  }
  const { valid_to, subjectaltname, subject } = over?.certificate ?? ({} as Partial<PeerCertificate>)
  const days = Math.floor((Date.parse(valid_to ?? '') - Date.now()) / DAY)
  const names = (subjectaltname ?? `CN:${subject?.CN ?? '?'}`).replaceAll(/DNS:|IP Address:/g, '')
  const says = `used, with a certificate for ${names}, until ${valid_to}`
  if (days >= 0 && days < DAYS) say('note', 'TLS', `${says}: that is soon. Renew it`)
  else say('ok', 'TLS', `${says}; asked for is ${host}`)
  return true
}

/** Whether the driver gets in. */
async function login(
  direct: Single['direct'],
  { auth, authName }: Single['server'],
  say: Say
): Promise<boolean> {
  try {
    const { agent } = await direct.getServerInfo()
    const { principal } = auth as { principal?: string }
    say('ok', 'login', `${agent} lets ${principal ?? 'us'} in`)
    return true
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (/certificate/i.test(message)) {
      say('found', 'certificate', message)
    } else if (code === 'Neo.ClientError.Security.Unauthorized') {
      const { principal, scheme } = auth as { principal?: string; scheme?: string }
      say(
        'found',
        'login',
        scheme === 'none'
          ? 'the server wants a user and a password, and none are given. Set NEO4J_USERNAME and NEO4J_PASSWORD (in a program: auth)'
          : `the server refuses ${principal === undefined ? authName : `the user ${principal}`}: name or password are wrong. Set ` +
              'NEO4J_USERNAME and NEO4J_PASSWORD right (in a program: auth)'
      )
    } else if (code === 'Neo.ClientError.Security.CredentialsExpired') {
      say(
        'found',
        'login',
        'the password has to be changed before anything else: ALTER CURRENT USER SET PASSWORD, in cypher-shell'
      )
    } else if (code === 'Neo.ClientError.Security.AuthenticationRateLimit') {
      say(
        'found',
        'login',
        'too many logins were wrong lately. Wait some seconds, and give the right password'
      )
    } else {
      say('found', 'login', message)
    }
    return false
  }
}

/** Whether those whom the server names to clients can be reached from here. */
async function addresses(
  direct: Single['direct'],
  { uri }: Single['server'],
  { database, options: { discover, resolver } }: Asked,
  say: Say
): Promise<void> {
  const told = await routingTable(direct, database).catch(error => messageOf(error))
  if (typeof told === 'string') return say('note', 'addresses', `it gives no routing table: ${told}`)
  if (told === null) {
    if (uri.routing) say('found', 'addresses', 'it has no routing table, and neo4j:// needs one. Use bolt://')
    return
  }
  const unreached: string[] = []
  await Promise.all(
    told.addresses.map(async named => {
      try {
        const { host, address } = readBolt(`bolt://${resolver?.[named] ?? named}`, 'the address')
        const socket = await dial(await addressesOf(host), portOf(address), PATIENCE)
        socket.destroy()
      } catch (error) {
        unreached.push(`${named} (${(error as NodeJS.ErrnoException).code ?? messageOf(error)})`)
      }
    })
  )
  if (unreached.length === 0) {
    say('ok', 'addresses', `it names ${told.addresses.join(', ')}, who can be reached from here`)
    return
  }
  const isUsed = discover ?? uri.routing
  say(
    isUsed ? 'found' : 'note',
    'addresses',
    `it names ${unreached.sort().join(', ')}, who cannot be reached from here${isUsed ? '' : ', which matters to neo4j:// and discover alone'}. ` +
      'Let its servers name addresses that are good for clients (server.bolt.advertised_address, before 5 ' +
      'dbms.connector.bolt.advertised_address), or map them with the option resolver of new Neo4jHA'
  )
}

/** Whether it is as late there as it is here. */
async function clock(direct: Single['direct'], say: Say): Promise<void> {
  const session = direct.session({ defaultAccessMode: 'READ' })
  try {
    await session.run('RETURN timestamp() AS now')
    const { value, ms } = await timed(() => session.run('RETURN timestamp() AS now'))
    const ahead = Number(value.records[0].get('now')) - (Date.now() - ms / 2)
    const seconds = `${(Math.abs(ahead) / 1000).toFixed(1)} s ${ahead > 0 ? 'ahead of' : 'behind'}`
    if (Math.abs(ahead) <= CLOCK) say('ok', 'clock', 'it is as late there as here')
    else {
      say(
        'found',
        'clock',
        `the clock there is ${seconds} the one here. Let both follow a time server (NTP): certificates and tokens end by the clock, ` +
          'and logs are compared by it'
      )
    }
  } catch (error) {
    say('note', 'clock', `it does not tell its time: ${messageOf(error)}`)
  } finally {
    await session.close()
  }
}
