/** Who the application is to its servers: what was given as `auth`, as a token. Secrets pass through here and are not kept. */

import { type AuthTokenManager, auth as core, type types } from 'neo4j-driver-core'
import { encodeOption } from '../codec/encode'

/** Name and password, as in 1.2.3. */
export interface Credentials {
  readonly user: string
  readonly pass: string
}

export type Token = types.AuthToken
export type TokenManager = AuthTokenManager

const NONE: Token = Object.freeze({ scheme: 'none' }) as Token

export function isManager(value: unknown): value is TokenManager {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as TokenManager).getToken === 'function' &&
    typeof (value as TokenManager).handleSecurityException === 'function'
  )
}

/**
 * The token, or the manager of tokens, that was given. Nothing, and an empty object, are the scheme `none`.
 *
 * @throws TypeError naming `name` and what it takes; never with a secret in it
 */
export function tokenOf(auth: unknown, name: string): Token | TokenManager {
  if (auth === undefined || auth === null) return NONE
  const takes = `${name} takes {user, pass}, a token of neo4j.auth, or an auth token manager`
  if (typeof auth !== 'object') throw new TypeError(`${takes}; it was of type ${typeof auth}`)
  if (isManager(auth)) return auth
  const { user, pass, scheme } = auth as Partial<Credentials & Token>
  if (typeof scheme === 'string') return auth as Token
  if (user === undefined && pass === undefined) {
    if (Object.keys(auth).length === 0) return NONE
    throw new TypeError(`${takes}; it was an object with ${Object.keys(auth).join(', ')}`)
  }
  if (typeof user !== 'string')
    throw new TypeError(`${name}.user takes a string; it was of type ${typeof user}`)
  if (typeof pass !== 'string')
    throw new TypeError(`${name}.pass takes a string; it was of type ${typeof pass}`)
  return core.basic(user, pass)
}

/**
 * The token that was given where no manager can be.
 *
 * @throws TypeError or Neo4jError naming `name` and what it takes; never with a secret in it
 */
export function plainTokenOf(auth: unknown, name: string, asNeo4jDriver: boolean): NativeToken | undefined {
  if (auth === undefined || auth === null) return undefined
  const token = tokenOf(auth, name)
  if (isManager(token))
    throw new TypeError(`${name} takes a token of neo4j.auth; it was an auth token manager`)
  return nativeToken(token, name, asNeo4jDriver)
}

/** A token as it crosses, in JSON. */
export interface NativeToken {
  scheme?: string
  principal?: string
  credentials?: string
  realm?: string
  /** What else the token says, and what of the above is no text: a packed map, as text of one character a byte. */
  others?: string
}

/**
 * Every property of a token as `neo4j-driver` sends it, with its type.
 *
 * @param name what the token was given as
 * @param asNeo4jDriver the option `parameterConversion`
 * @throws Neo4jError or TypeError naming a property that cannot be sent
 */
export function nativeToken(token: Token, name: string, asNeo4jDriver: boolean): NativeToken {
  const { scheme } = token as { scheme?: unknown }
  if (scheme !== undefined && typeof scheme !== 'string') {
    throw new TypeError(
      `${name}.scheme takes a string; it was ${scheme === null ? scheme : `of type ${typeof scheme}`}`
    )
  }
  const native: NativeToken = {}
  const others: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(token)) {
    if (isTextual(key) && typeof value === 'string') native[key] = value
    else if (value !== undefined) others[key] = value
  }
  return Object.keys(others).length === 0
    ? native
    : { ...native, others: packed(others, name, asNeo4jDriver) }
}

/** What the driver itself looks at: it is text but where a server has a scheme of its own. */
function isTextual(key: string): key is 'scheme' | 'principal' | 'credentials' | 'realm' {
  return key === 'scheme' || key === 'principal' || key === 'credentials' || key === 'realm'
}

function packed(others: object, name: string, asNeo4jDriver: boolean): string {
  const { bytes } = encodeOption(others, name, asNeo4jDriver)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  // The buffer is used again, and a secret may be among them.
  bytes.fill(0)
  return text
}

/** How many tokens are remembered: connections may still be logged in with one that its manager has replaced. */
const REMEMBERED = 100

/** The tokens that managers have handed out, by the serial number that each of them crosses with. */
export class Tokens {
  readonly #given = new Map<number, { manager: TokenManager; token: Token; native: NativeToken }>()
  readonly #latest = new Map<TokenManager, number>()
  readonly #asNeo4jDriver: boolean
  #last = 0

  /** @param asNeo4jDriver the option `parameterConversion` */
  constructor(asNeo4jDriver: boolean) {
    this.#asNeo4jDriver = asNeo4jDriver
  }

  /** Asks a manager, and gives its token as the native side takes it. */
  async ask(manager: TokenManager): Promise<object> {
    const token = await manager.getToken()
    if (typeof token !== 'object' || token === null) {
      throw new TypeError(
        `getToken() has to give a token of neo4j.auth; it gave ${token === null ? token : typeof token}`
      )
    }
    const native = nativeToken(token, 'auth', this.#asNeo4jDriver)
    return { ...native, serial: this.#serialOf(manager, token, native) }
  }

  /** Tells the manager of a token that a server refused it: its answer is true if it has another. */
  refused(serial: number, code: string): unknown {
    const given = this.#given.get(serial)
    return given?.manager.handleSecurityException(given.token, code as SecurityCode)
  }

  #serialOf(manager: TokenManager, token: Token, native: NativeToken): number {
    const latest = this.#latest.get(manager)
    const before = latest === undefined ? undefined : this.#given.get(latest)
    if (latest !== undefined && before !== undefined && isSame(before.native, native)) return latest
    const serial = ++this.#last
    this.#latest.set(manager, serial)
    this.#given.set(serial, { manager, token, native })
    this.#given.delete(serial - REMEMBERED)
    return serial
  }
}

type SecurityCode = Parameters<TokenManager['handleSecurityException']>[1]

function isSame(a: NativeToken, b: NativeToken): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
