/** Options of encryption: whether, and whom to trust. */

import { readFileSync } from 'node:fs'
import { show } from './option-values'

/** Which certificates are trusted, as `neo4j-driver` names it. */
export const TRUSTS: readonly string[] = [
  'TRUST_SYSTEM_CA_SIGNED_CERTIFICATES',
  'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES',
  'TRUST_ALL_CERTIFICATES'
]

export function readEncrypted(value: unknown, name: string): boolean {
  if (value === undefined || value === null || value === false || value === 'ENCRYPTION_OFF') return false
  if (value === true || value === 'ENCRYPTION_ON') return true
  throw new TypeError(
    `${name} takes true, false, 'ENCRYPTION_ON', 'ENCRYPTION_OFF' or 'ENCRYPTION_NON_LOCAL'; it was ${show(value)}`
  )
}

export function readTrust(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (TRUSTS.includes(value as string)) return value as string
  throw new TypeError(`${name} takes one of ${TRUSTS.join(', ')}; it was ${show(value)}`)
}

/** PEM texts of the files; an entry that is a PEM text itself is taken as such. */
export function readCertificates(value: unknown, name: string): string[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value))
    throw new TypeError(`${name} takes an array of paths of PEM files; it was ${show(value)}`)
  return value.map((path, i) => {
    if (typeof path !== 'string')
      throw new TypeError(`${name}[${i}] takes the path of a PEM file; it was ${show(path)}`)
    if (path.includes('-----BEGIN ')) return path
    try {
      return readFileSync(path, 'utf8')
    } catch (cause) {
      throw new TypeError(
        `${name}[${i}] takes the path of a PEM file; '${path}' cannot be read: ${(cause as Error).message}`,
        { cause }
      )
    }
  })
}

/** What Node trusts beside the system's authorities, so that a program need not say it twice. */
export function readExtraCertificates(warn: (message: string) => void): string[] {
  const path = process.env.NODE_EXTRA_CA_CERTS
  if (path === undefined || path === '') return []
  try {
    return [readFileSync(path, 'utf8')]
  } catch (error) {
    warn(`NODE_EXTRA_CA_CERTS: ${(error as Error).message}`)
    return []
  }
}
