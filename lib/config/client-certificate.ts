/** The client certificates of mutual TLS: files that are read, and keys that are decrypted, when their provider says so. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { promises as files } from 'node:fs' // node:fs/promises would load much that few need
import { type ClientCertificateProvider, resolveCertificateProvider } from 'neo4j-driver-core'

/** A certificate with those it was signed with, and its key, as PEM texts: as the native side takes it. */
interface Pem {
  certificates: string
  key: string
}

/** What connections show to servers that ask for a certificate. */
export class ClientCertificates {
  readonly #provider: ClientCertificateProvider
  #loaded: Promise<Pem[]> | null = null

  constructor(provider: ClientCertificateProvider) {
    this.#provider = provider
  }

  /** For a connection that is about to be opened. Files are read the first time, and when the provider has an update. */
  async get(): Promise<Pem[]> {
    if (this.#loaded === null || (await this.#provider.hasUpdate())) {
      const loading = this.#load()
      this.#loaded = loading
      loading.catch(() => {
        if (this.#loaded === loading) this.#loaded = null
      })
    }
    return await this.#loaded
  }

  async #load(): Promise<Pem[]> {
    const { certfile, keyfile, password } = await this.#provider.getClientCertificate()
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
    throw new TypeError(
      `${name} takes a client certificate {certfile, keyfile, password}, or a provider such as neo4j.clientCertificateProviders has`
    )
  }
  return provider && new ClientCertificates(provider)
}

function listOf<T>(one: T | T[]): T[] {
  return Array.isArray(one) ? one : [one]
}

async function readCertificate(path: string): Promise<string> {
  const pem = await files.readFile(path, 'utf8')
  return understood(path, 'certificate', () => {
    new X509Certificate(pem)
    return pem
  })
}

/** A private key, decrypted. */
async function readKey(path: string, password: string | undefined): Promise<string> {
  const pem = await files.readFile(path, 'utf8')
  return understood(path, 'private key', () =>
    createPrivateKey({ key: pem, passphrase: password }).export({ type: 'pkcs8', format: 'pem' }).toString()
  )
}

function understood<T>(path: string, what: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new TypeError(
      `clientCertificate: the ${what} in '${path}' cannot be read: ${(cause as Error).message}`,
      {
        cause
      }
    )
  }
}
