/** The client certificates of mutual TLS: files that are read, and keys that are decrypted, when their provider says so. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { promises as files } from 'node:fs' // node:fs/promises would load much that few need
import {
  type ClientCertificate,
  type ClientCertificateProvider,
  resolveCertificateProvider
} from 'neo4j-driver-core'

/** A certificate with those it was signed with, and its key, as PEM texts: as the native side takes it. */
interface Pem {
  certificates: string
  key: string
}

/** What connections show to servers that ask for a certificate. */
export class ClientCertificates {
  readonly #provider: ClientCertificateProvider
  #loaded: Promise<Pem[]> | null = null
  #isLoading = false

  constructor(provider: ClientCertificateProvider) {
    this.#provider = provider
  }

  /**
   * For a connection that is about to be opened. Files are read the first time, and when the provider has an update.
   *
   * @param anew what is being loaded has taken too long for another connection: it may never come
   */
  async get(anew: boolean): Promise<Pem[]> {
    if (anew && this.#isLoading) this.#loaded = null
    const isOld = this.#loaded === null || (await this.#provider.hasUpdate())
    // What was there before the question may have failed meanwhile.
    const loaded = isOld ? null : this.#loaded
    this.#loaded = loaded ?? this.#start()
    return await this.#loaded
  }

  #start(): Promise<Pem[]> {
    const loading = this.#load()
    this.#isLoading = true
    loading.then(
      () => {
        if (this.#loaded === loading) this.#isLoading = false
      },
      () => {
        if (this.#loaded === loading) this.#loaded = null
      }
    )
    return loading
  }

  async #load(): Promise<Pem[]> {
    const given: unknown = await this.#provider.getClientCertificate()
    if (!isCertificate(given)) {
      throw new TypeError(
        `getClientCertificate must return {certfile, keyfile, password}; it returned ${shapeOf(given)}`
      )
    }
    const { certfile, keyfile, password } = given
    const certificates = await Promise.all(listOf(certfile).map(readCertificate))
    const keys = await Promise.all(
      listOf(keyfile).map(file =>
        typeof file === 'string' ? readKey(file, password) : readKey(file.path, file.password ?? password)
      )
    )
    if (keys.length === 1) return [{ certificates: certificates.join('\n'), key: keys[0] }]
    if (keys.length !== certificates.length) {
      throw new TypeError(
        `clientCertificate takes one key, or one for each certificate; there are ${keys.length} keys and ${certificates.length} certificates`
      )
    }
    return keys.map((key, i) => ({ certificates: certificates[i], key }))
  }
}

/** @throws TypeError naming `name` and what it takes; never with a password in it */
export function readClientCertificate(value: unknown, name: string): ClientCertificates | undefined {
  let provider: ClientCertificateProvider | undefined
  try {
    provider = resolveCertificateProvider(value)
  } catch {
    throw wrong(name)
  }
  if (provider === undefined) return undefined
  if (provider !== value && !isCertificate(value)) throw wrong(name)
  return new ClientCertificates(provider)
}

function wrong(name: string): TypeError {
  return new TypeError(
    `${name} takes a client certificate {certfile, keyfile, password}, or a provider such as neo4j.clientCertificateProviders has`
  )
}

function isCertificate(value: unknown): value is ClientCertificate {
  if (typeof value !== 'object' || value === null) return false
  const { certfile, keyfile, password } = value as { [name in keyof ClientCertificate]: unknown }
  return isOneOrMore(certfile, isPath) && isOneOrMore(keyfile, isKey) && isPassword(password)
}

function isOneOrMore(value: unknown, is: (one: unknown) => boolean): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every(is) : is(value)
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function isKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isPath(value)
  const { path, password } = value as { path?: unknown; password?: unknown }
  return isPath(path) && isPassword(password)
}

function isPassword(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string'
}

/** What a value is made of, and nothing of what is in it: that may be secret. */
function shapeOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === '') return "''"
  if (Array.isArray(value)) return `[${value.map(shapeOf).join(', ')}]`
  if (typeof value !== 'object') return typeof value
  const parts = ['certfile', 'keyfile', 'path', 'password'].filter(name => name in value)
  return `{${parts.map(name => `${name}: ${shapeOf((value as { [name: string]: unknown })[name])}`).join(', ')}}`
}

function listOf<T>(one: T | T[]): T[] {
  return Array.isArray(one) ? one : [one]
}

function readCertificate(path: string): Promise<string> {
  return readPem(path, 'certificate', pem => {
    new X509Certificate(pem)
    return pem
  })
}

/** A private key, decrypted. */
function readKey(path: string, password: string | null | undefined): Promise<string> {
  return readPem(path, 'private key', pem =>
    createPrivateKey({ key: pem, passphrase: password ?? undefined })
      .export({ type: 'pkcs8', format: 'pem' })
      .toString()
  )
}

async function readPem(path: string, what: string, read: (pem: string) => string): Promise<string> {
  try {
    return read(await files.readFile(path, 'utf8'))
  } catch (cause) {
    throw new TypeError(
      `clientCertificate: the ${what} in '${path}' cannot be read: ${(cause as Error).message}`,
      { cause }
    )
  }
}
