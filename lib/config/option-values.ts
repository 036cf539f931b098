/** Values of options: read, or refused with an error that names the option and what it takes. */

import { internal, isInt, type types } from 'neo4j-driver-core'

/** The official driver's "no limit" where the native side wants a number. */
export const NO_LIMIT = 0xffff_ffff

/** @throws TypeError when it is there and no string */
export function readText(value: unknown, name: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw new TypeError(`${name} takes a string; it was ${show(value)}`)
  return value
}

export function flag(value: unknown, name: string, standard = false): boolean {
  if (value === undefined || value === null) return standard
  if (typeof value !== 'boolean') throw new TypeError(`${name} takes true or false; it was ${show(value)}`)
  return value
}

/** A number that is not negative; what is more than `most`, Infinity too, is as much as can be. */
export function amount(
  value: unknown,
  name: string,
  standard: number,
  unit: string,
  most = Number.MAX_SAFE_INTEGER
): number {
  if (value === undefined || value === null) return standard
  const n = numberOf(value)
  if (Number.isNaN(n) || n < 0) {
    throw new TypeError(`${name} takes a number of ${unit}, 0 or more; it was ${show(value)}`)
  }
  return Math.min(n, most)
}

/** The same in whole numbers: the next one, where there is a fraction. */
export function count(
  value: unknown,
  name: string,
  standard: number,
  unit: string,
  most = Number.MAX_SAFE_INTEGER
): number {
  return Math.ceil(amount(value, name, standard, unit, most))
}

/** A whole number within a range. */
export function between(
  value: unknown,
  name: string,
  standard: number,
  least: number,
  most: number,
  unit: string
): number {
  if (value === undefined || value === null) return standard
  const n = numberOf(value)
  if (!Number.isInteger(n) || n < least || n > most) {
    throw new TypeError(`${name} takes a number of ${unit} from ${least} to ${most}; it was ${show(value)}`)
  }
  return n
}

/** A number of which a negative one means: no limit. */
export function limit(value: unknown, name: string, standard: number): number {
  const n = int32(value, name, standard)
  return n < 0 ? NO_LIMIT : n
}

export function int32(value: unknown, name: string, standard: number): number {
  if (value === undefined || value === null) return standard
  const n = numberOf(value)
  if (Number.isNaN(n)) throw new TypeError(`${name} takes a number; it was ${show(value)}`)
  return Math.max(-1, Math.min(NO_LIMIT, Math.ceil(n)))
}

/** Numbers, `Integer`s, bigints, and text of digits, all of which `neo4j-driver` takes; NaN for anything else. */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint' || isInt(value as types.Parameters)) return Number(String(value))
  return typeof value === 'string' && /^\s*-?\d+\s*$/.test(value) ? Number(value) : Number.NaN
}

export function asObject(value: unknown, name: string): object {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new TypeError(`${name} takes an object; it was ${show(value)}`)
  }
  return value
}

/** Behind the host something that is no port: maybe the password of a user whose host was forgotten. */
const NO_PORT = /^(\[[^\]]*\]|[^[:][^:]*|):(?!\d{1,5}(?:\/|$)).*/s

/** A URL or an address that need not be right, without what may be a user, a password, a query or a fragment. */
function withoutSecrets(text: string): string {
  const [, scheme = '', place] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(text) as RegExpExecArray
  return (
    scheme +
    place
      .replace(/^.*@/s, '')
      .replace(/[?#].*/s, '')
      .replace(NO_PORT, '$1:...')
  )
}

/** A value in an error: short, and without what an object, or a URL, may hold of secrets. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    const text = withoutSecrets(value)
    return `'${text.length > 80 ? `${text.slice(0, 80)}...` : text}'`
  }
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null)
    return `an object with ${Object.keys(value).join(', ') || 'nothing in it'}`
  return String(value)
}

/** The bookmarks that were given: one, several, or lists of them. */
export function bookmarksOf(bookmarks: unknown): string[] {
  return [...new internal.bookmarks.Bookmarks(bookmarks as string[]).values()]
}
