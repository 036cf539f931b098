import { Integer } from 'neo4j-driver-core'

/**
 * What 64-bit integers of a result become: `neo4j-driver`'s default, `disableLosslessIntegers`, `useBigInt`.
 */
export type IntegerMode = 'Integer' | 'number' | 'bigint'

export const INTEGER = 0
export const NUMBER = 1
export const BIGINT = 2

/** {@link IntegerMode} as a small number, for switches in hot loops. */
export type Mode = typeof INTEGER | typeof NUMBER | typeof BIGINT

export function modeOf(mode: IntegerMode): Mode {
  if (mode === 'Integer') return INTEGER
  if (mode === 'number') return NUMBER
  if (bigints.length === 0) bigints = emptyCache()
  return BIGINT
}

// Small integers (counts, ages, years, short ids) are most of what a database returns. Sharing their objects
// halves the time of lists of them. Filled as they are met; the one of bigints exists when they are asked
// for.
const CACHE_FROM = -128
const CACHE_TO = 65535
const emptyCache = (): null[] => new Array(CACHE_TO - CACHE_FROM + 1).fill(null)
const integers: (Integer | null)[] = emptyCache()
let bigints: (bigint | null)[] = []

/**
 * A whole number that comes of arithmetic with doubles may be one to V8. One such half, once stored, would make it keep the halves of
 * every Integer of the process as doubles, each in memory of its own.
 */
function integerOfHalves(low: number, high: number): Integer {
  return new Integer(low | 0, high | 0)
}

function cachedInteger(n: number): Integer {
  const known = integers[n - CACHE_FROM]
  if (known !== null) return known
  const made = integerOfHalves(n, n >> 31)
  integers[n - CACHE_FROM] = made
  return made
}

function cachedBigint(n: number): bigint {
  const known = bigints[n - CACHE_FROM]
  if (known !== null) return known
  const made = BigInt(n)
  bigints[n - CACHE_FROM] = made
  return made
}

/** An Integer of a 32-bit value. */
export function integerOf32(n: number): Integer {
  return n >= CACHE_FROM && n <= CACHE_TO ? cachedInteger(n) : integerOfHalves(n, n >> 31)
}

/** An Integer of two signed halves. */
export function integerOf(low: number, high: number): Integer {
  return high === low >> 31 && low >= CACHE_FROM && low <= CACHE_TO
    ? cachedInteger(low)
    : integerOfHalves(low, high)
}

/**
 * The number of two signed halves, or an infinity when it is no safe integer (as
 * `Integer.toNumberOrInfinity`).
 */
export function numberOf(low: number, high: number): number {
  const n = high * 4294967296 + (low >>> 0)
  return n > Number.MAX_SAFE_INTEGER
    ? Number.POSITIVE_INFINITY
    : n < Number.MIN_SAFE_INTEGER
      ? Number.NEGATIVE_INFINITY
      : n
}

/** A bigint of a 32-bit value. */
export function bigintOf32(n: number): bigint {
  return n >= CACHE_FROM && n <= CACHE_TO ? cachedBigint(n) : BigInt(n)
}

/** The bigint of two signed halves. */
export function bigintOf(low: number, high: number): bigint {
  if (high === low >> 31) return bigintOf32(low)
  return high >= -0x200000 && high < 0x200000
    ? BigInt(high * 4294967296 + (low >>> 0))
    : (BigInt(high) << 32n) | BigInt(low >>> 0)
}

/** A 64-bit integer as `mode` wants it. */
export function make(mode: Mode, low: number, high: number): Integer | number | bigint {
  return mode === INTEGER ? integerOf(low, high) : mode === NUMBER ? numberOf(low, high) : bigintOf(low, high)
}

/** A 32-bit integer as `mode` wants it. */
export function make32(mode: Mode, n: number): Integer | number | bigint {
  return mode === INTEGER ? integerOf32(n) : mode === NUMBER ? n : bigintOf32(n)
}

/** A safe integer (a double without fraction) as `mode` wants it. */
export function makeSafe(mode: Mode, n: number): Integer | number | bigint {
  if (mode === NUMBER) return n
  return mode === INTEGER ? integerOf(n | 0, Math.floor(n / 4294967296)) : BigInt(n)
}
