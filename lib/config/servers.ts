/** The servers that the application names, checked. */

import { type Credentials, isManager, type NativeToken, type Token, type TokenManager, tokenOf } from './auth'
import { numberOf, readText, show } from './option-values'

/** A server of the pool, as the application wrote it. */
export type ServerLocation =
  | string
  | readonly [url: string, bolt: string]
  | {
      readonly url?: string | null
      readonly bolt: string
      readonly auth?: Auth
      readonly weight?: number
      readonly zone?: string
    }

/** What `auth` takes: name and password, a token of `neo4j.auth`, or a manager of tokens. */
export type Auth = Credentials | Token | TokenManager | null

/** Where a server is, in `servers[i].location`. */
export interface Location {
  /** Base of the HTTP status endpoint; null when the server is checked over Bolt. */
  readonly url: string | null
  readonly bolt: string
  /** What was given for it. It is there to be read, but no log, no JSON and no inspection of a location shows it. */
  readonly auth: Auth | undefined
  /** How much of the work it gets beside the others, where that was given. */
  readonly weight?: number
  /** Where it is, where that was given. */
  readonly zone?: string
}

/** What a server is in its cluster's own word. */
export type RoleName =
  | 'master'
  | 'slave'
  | 'leader'
  | 'follower'
  | 'read replica'
  | 'secondary'
  | 'writer'
  | 'reader'
  | 'single'

/** What the last check of a server found. */
export interface ServerInfo {
  /** One of `Status`. */
  readonly status: number
  /** One of `ServerType`. */
  readonly type: number
  /** Smoothed time of a check in milliseconds; -1 when the server is down. */
  readonly distance: number
  /** What it is in its cluster's own word; null when it says nothing of the kind. */
  readonly role: RoleName | null
  /** The same for each database, where its cluster has it so: for those that work was for lately. */
  readonly databases: { readonly [database: string]: RoleName }
  /** The kind of its cluster; null when that is not known. */
  readonly topology: 'ha' | 'cluster' | 'routing' | 'single' | null
  /** By how many transactions it is behind the member that is farthest; null when that is not known. */
  readonly lag: number | null
  /** What it calls itself, such as `Neo4j/3.5.0`, and the Bolt version spoken with it; null until there was a connection. */
  readonly product: string | null
  readonly bolt: string | null
  /** Since when its status and type are these: milliseconds since 1970. */
  readonly since: number
  /** Why the server is not up, if it is not. */
  readonly err?: Error
}

/** Which server did the work: the entry of `servers` it was, as far as it was known at that moment. */
export interface ServedBy {
  /** Where the server is, as it was configured. */
  location: Location
  /** What the last check before the end of the work had found; null before the first one. */
  info: ServerInfo | null
}

/** Where a server is that was not listed, and is reached as the listed one is. */
export function locationLike(listed: Location, address: string): Location {
  const location = { url: null, bolt: `${listed.bolt.slice(0, listed.bolt.indexOf('://'))}://${address}` }
  return Object.defineProperty(location, 'auth', { get: () => listed.auth }) as Location
}

/** A server, ready to be opened. */
export interface Server {
  location: Location
  /** Where it says over HTTP what it is, and who asks where that is not the user of the driver. */
  http: { url: string; auth?: NativeToken } | null
  bolt: string
  /** The same, read. */
  uri: BoltUri
  auth: Token | TokenManager
  /** What that was given as. */
  authName: string
}

/**
 * The servers of a pool.
 *
 * @throws TypeError naming the entry and what it takes
 */
export function readServers(servers: unknown, auth: unknown): Server[] {
  const list =
    typeof servers === 'string' ? [servers] : Array.isArray(servers) ? servers.map(trimmed) : servers
  if (!Array.isArray(list) || list.length === 0) {
    throw new TypeError(
      `servers takes a Bolt URI, or an array with at least one of [httpUrl, boltUrl], {url, bolt, auth, weight, zone} or a Bolt URI; it was ${show(servers)}`
    )
  }
  // [httpUrl, boltUrl] itself, where a list of such pairs was meant
  if (list.length === 2 && isHttp(list[0]) && typeof list[1] === 'string') {
    throw new TypeError(
      'servers takes an array of [httpUrl, boltUrl] pairs; it was one pair: put it in an array'
    )
  }
  return list.map((entry, i) => readServer(entry, auth, `servers[${i}]`))
}

/** Text without the white space around it, which lines of configuration files come with. */
function trimmed(value: unknown): unknown {
  return typeof value === 'string' ? value.trim() : value
}

function readServer(entry: unknown, auth: unknown, name: string): Server {
  if (typeof entry === 'string') {
    if (isHttp(entry)) {
      throw new TypeError(
        `${name} is an HTTP URL alone; it takes [httpUrl, boltUrl], such as [${show(entry)}, 'bolt://host:7687']`
      )
    }
    return makeServer(null, entry, auth, 'auth', name)
  }
  if (Array.isArray(entry)) {
    if (entry.length !== 2) throw new TypeError(`${name} takes [httpUrl, boltUrl]; it was ${show(entry)}`)
    return makeServer(entry[0], entry[1], auth, 'auth', name, ['[0]', '[1]'])
  }
  if (typeof entry === 'object' && entry !== null) {
    const location = entry as Record<'url' | 'bolt' | 'auth' | 'weight' | 'zone', unknown>
    const own = location.auth !== undefined && location.auth !== null
    const server = makeServer(
      location.url,
      location.bolt,
      own ? location.auth : auth,
      own ? `${name}.auth` : 'auth',
      name,
      ['.url', '.bolt']
    )
    const weight = readWeight(location.weight, `${name}.weight`)
    const zone = readZone(location.zone, `${name}.zone`)
    Object.assign(server.location, weight === undefined ? {} : { weight }, zone === undefined ? {} : { zone })
    return server
  }
  throw new TypeError(
    `${name} takes [httpUrl, boltUrl], {url, bolt, auth, weight, zone} or a Bolt URI; it was ${show(entry)}`
  )
}

function makeServer(
  givenUrl: unknown,
  givenBolt: unknown,
  auth: unknown,
  authName: string,
  name: string,
  parts = ['', '']
): Server {
  const url = trimmed(givenUrl)
  const bolt = trimmed(givenBolt)
  const http = url === undefined || url === null ? null : readHttp(url, name + parts[0])
  const uri = readBolt(bolt, name + parts[1])
  const token = tokenOf(auth, authName)
  const location = { url: http === null ? null : bare(url as string), bolt: bare(bolt as string) }
  const given = auth !== null && typeof auth === 'object' && !isManager(auth) ? { ...auth } : (auth as Auth)
  return {
    location: Object.defineProperty(location, 'auth', { get: () => given }) as Location,
    http,
    bolt: withoutUser(bolt as string),
    uri,
    // As it is now, whatever becomes of the object.
    auth: isManager(token) ? token : { ...token },
    authName
  }
}

/** @throws TypeError naming `name` and what it takes */
function readWeight(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const weight = numberOf(value)
  if (weight > 0 && Number.isFinite(weight)) return weight
  throw new TypeError(`${name} takes a number above 0; it was ${show(value)}`)
}

/** @throws TypeError naming `name` and what it takes */
export function readZone(value: unknown, name: string): string | undefined {
  const zone = readText(value, name)
  if (zone === '') throw new TypeError(`${name} takes the name of a zone; it was empty`)
  return zone
}

/**
 * `host:port` of `host[:port]`.
 *
 * @throws TypeError naming `name` and what it takes
 */
export function readAddress(value: unknown, name: string): string {
  if (typeof value === 'string' && !/[/?#@\s]/.test(value)) {
    try {
      return readBolt(`bolt://${value}`, name).address
    } catch {}
  }
  throw new TypeError(`${name} takes an address, host:port; it was ${show(value)}`)
}

/** A URL without the user and password that may stand in it. */
function withoutUser(url: string): string {
  return url.replace(/^([^:]*:\/\/)[^/?#]*@/, '$1')
}

/** A URL without all that may be a secret: what is in the query of a routing URI is for the servers alone. */
function bare(url: string): string {
  return withoutUser(url).replace(/[?#].*/s, '')
}

function isHttp(value: unknown): value is string {
  return typeof value === 'string' && /^https?:\/\//i.test(value)
}

function readHttp(value: unknown, name: string): NonNullable<Server['http']> {
  if (!isHttp(value) || !URL.canParse(value)) {
    throw new TypeError(`${name} takes an HTTP URL, such as 'http://host:7474'; it was ${show(value)}`)
  }
  const url = bare(value).replace(/\/+$/, '')
  const { username, password } = new URL(value)
  if (username === '' && password === '') return { url }
  return { url, auth: { scheme: 'basic', principal: decoded(username), credentials: decoded(password) } }
}

/** What a part of a URL says; one that is not encoded as it should be says what it is. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** An IPv6 address with the zone that it is of: `%` and its name, or `%25` as RFC 6874 has it. No `URL` takes these. */
const ZONE = /^([^/]*:\/\/(?:[^/?#]*@)?)(\[[0-9a-f:.]+)%(?:25)?([\w.~-]+)(\].*)$/is

/** A Bolt URI, read. */
export interface BoltUri {
  scheme: string
  /** With brackets where it is an IPv6 address. */
  host: string
  /** `host:port` */
  address: string
  /** Of the `neo4j` schemes. */
  routing: boolean
  /** The scheme says TLS: `+s` or `+ssc`. */
  secure: boolean
  selfSigned: boolean
  /** The query string of a routing URI. */
  query: { [key: string]: string }
}

const SCHEMES: readonly string[] = [
  'bolt',
  'bolt+s',
  'bolt+ssc',
  'neo4j',
  'neo4j+s',
  'neo4j+ssc',
  'bolt+routing'
]
const DEFAULT_PORT = 7687

/** @throws TypeError naming `name` and what it takes */
export function readBolt(value: unknown, name: string): BoltUri {
  const takes = `${name} takes a Bolt URI, such as 'bolt://host:7687'`
  if (typeof value !== 'string') throw new TypeError(`${takes}; it was ${show(value)}`)
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1].toLowerCase()
  if (scheme === undefined || !SCHEMES.includes(scheme)) {
    const hint =
      scheme === 'http' || scheme === 'https'
        ? ` (${scheme === 'http' ? 'port 7474' : 'port 7473'} speaks HTTP; Bolt is 7687 by default)`
        : ''
    throw new TypeError(
      `Unknown scheme: ${scheme ?? 'none'}. ${takes} with one of ${SCHEMES.join(', ')}; it was ${show(value)}${hint}`
    )
  }
  const [, before, address, zone, behind] = ZONE.exec(value) ?? []
  let url: URL
  try {
    url = new URL(zone === undefined ? value : before + address + behind)
  } catch {
    throw new TypeError(`${takes}; it was ${show(value)}`)
  }
  if (url.hostname === '') throw new TypeError(`${takes}; it has no host: ${show(value)}`)
  const routing = scheme.startsWith('neo4j') || scheme === 'bolt+routing'
  if (!routing && url.search !== '') {
    throw new TypeError(`Parameters are not supported with none routed scheme. Given URL: ${show(value)}`)
  }
  const host = zone === undefined ? url.hostname : `${url.hostname.slice(0, -1)}%${zone}]`
  return {
    scheme,
    host,
    address: `${host}:${url.port === '' ? DEFAULT_PORT : url.port}`,
    routing,
    secure: scheme.endsWith('+s') || scheme.endsWith('+ssc'),
    selfSigned: scheme.endsWith('+ssc'),
    query: readQuery(url.search)
  }
}

/**
 * The query string of a routing URI: `key=value` pairs, each key once. What is in it is for the servers, as it
 * stands, and may be a secret: errors name keys only.
 */
function readQuery(search: string): { [key: string]: string } {
  const query: { [key: string]: string } = Object.create(null)
  if (search === '' || search === '?') return query
  for (const pair of search.slice(1).split('&')) {
    const [key, value, ...more] = pair.split('=').map(part => part.trim())
    if (value === undefined || more.length > 0) {
      throw new TypeError('Invalid parameters in the query of the URL: it takes key=value pairs, joined by &')
    }
    if (key === '') throw new TypeError('Illegal empty key in the query of the URL')
    if (value === '') throw new TypeError(`Illegal empty value of '${key}' in the query of the URL`)
    if (key in query)
      throw new TypeError(`Duplicated query parameters with key '${key}' in the query of the URL`)
    query[key] = value
  }
  return query
}
