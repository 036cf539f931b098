/** Who the application is to its servers: what was given as `auth`, as a token. Secrets pass through here and are not kept. */

import { type AuthTokenManager, auth as core, type types } from 'neo4j-driver-core'

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

/** A token as the native side takes it. */
export function nativeToken(token: Token): object {
  const { scheme, principal, credentials, realm, parameters } = token
  return { scheme, principal, credentials, realm, parameters }
}

/** The tokens that a manager hands out for one server. */
export class Tokens {
  readonly server: number
  readonly #manager: TokenManager
  #current: Token | undefined

  constructor(manager: TokenManager, server: number) {
    this.#manager = manager
    this.server = server
  }

  get current(): Token | undefined {
    return this.#current
  }

  /** Asks the manager. True if its token is another than before. */
  async refresh(): Promise<boolean> {
    const token = await this.#manager.getToken()
    const before = this.#current
    this.#current = token
    return before !== undefined && !sameToken(before, token)
  }

  /** Tells the manager that a server refused the token. True if it has another. */
  refused(code: string): boolean {
    return (
      this.#current !== undefined &&
      this.#manager.handleSecurityException(this.#current, code as SecurityCode)
    )
  }
}

type SecurityCode = Parameters<TokenManager['handleSecurityException']>[1]

function sameToken(a: Token, b: Token): boolean {
  return a === b || JSON.stringify(nativeToken(a)) === JSON.stringify(nativeToken(b))
}
