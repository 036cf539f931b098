import { newError } from 'neo4j-driver-core'
import { BoundedCache } from './cache.js'
import { epochDay } from './calendar.js'

const DAY = 86400
// Before 1973 zones changed at odd seconds and more than once a day; since then no zone has changed twice
// within 24 hours.
const REGULAR_FROM = 94694400
// The last second that a JavaScript Date can hold
const LAST = 8.64e12
const CHANGES = Number.NaN

// Zone and UTC day -> the offset in seconds, or NaN for a day on which it changes; 4 MB when full
const days = new BoundedCache<number, number>(65536)
const DAYS_A_ZONE = 2 ** 28
let zonesMade = 0

/** A time zone and the offsets already asked for. */
class Zone {
  readonly #format: Intl.DateTimeFormat
  readonly #firstKey = zonesMade++ * DAYS_A_ZONE

  constructor(id: string) {
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: id,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      hourCycle: 'h23',
      era: 'narrow'
    })
  }

  /** Seconds to add to UTC, at the instant `utcSeconds` after the epoch. */
  offsetAt(utcSeconds: number): number {
    if (utcSeconds < REGULAR_FROM || utcSeconds > LAST - DAY) return this.#ask(utcSeconds)
    const day = Math.floor(utcSeconds / DAY)
    const key = this.#firstKey + day
    let offset = days.get(key)
    if (offset === undefined) {
      const first = this.#ask(day * DAY)
      offset = days.set(key, first === this.#ask((day + 1) * DAY) ? first : CHANGES)
    }
    return Number.isNaN(offset) ? this.#ask(utcSeconds) : offset
  }

  #ask(utcSeconds: number): number {
    let year = 0
    let month = 0
    let day = 0
    let seconds = 0
    let beforeChrist = false
    for (const { type, value } of this.#format.formatToParts(utcSeconds * 1000)) {
      if (type === 'year') year = Number(value)
      else if (type === 'month') month = Number(value)
      else if (type === 'day') day = Number(value)
      else if (type === 'hour') seconds += 3600 * Number(value)
      else if (type === 'minute') seconds += 60 * Number(value)
      else if (type === 'second') seconds += Number(value)
      else if (type === 'era') beforeChrist = value.toUpperCase() === 'B'
    }
    // 1 BC is the year 0
    return epochDay(beforeChrist ? 1 - year : year, month, day) * DAY + seconds - utcSeconds
  }
}

// null: no such zone
const zones = new BoundedCache<string, Zone | null>(1024)

function zoneOf(id: string): Zone | null {
  const known = zones.get(id)
  if (known !== undefined) return known
  try {
    return zones.set(id, new Zone(id))
  } catch {
    return zones.set(id, null)
  }
}

/** The error that core's DateTime throws for a zone that `Intl` does not know. */
export const unknownZone = (id: string): Error =>
  newError(`Time zone ID is expected to be a valid ZoneId but was: "${id}"`)

/** Throws {@link unknownZone} unless `Intl` knows the zone. */
export function checkZone(id: string): void {
  if (id === '' || zoneOf(id) === null) throw unknownZone(id)
}

/**
 * The offset of zone `id` in seconds, at `utcSeconds` after the epoch.
 * @throws an Error for an unknown zone, or an instant outside of what a JavaScript Date can hold
 */
export function offsetAtUtc(id: string, utcSeconds: number): number {
  const zone = id === '' ? null : zoneOf(id)
  if (zone === null) throw unknownZone(id)
  if (Math.abs(utcSeconds) > LAST) {
    throw newError(`The offset of time zone "${id}" is not known ${utcSeconds} seconds from 1970`)
  }
  return zone.offsetAt(utcSeconds)
}

/**
 * The offset of zone `id` in seconds, where its clocks show `localSeconds` (as though they were UTC). A time
 * that the zone shows twice or never gets the answer of `neo4j-driver`: apply the offset of the wall clock
 * read as UTC, then look again.
 * @throws as {@link offsetAtUtc}
 */
export function offsetAtLocal(id: string, localSeconds: number): number {
  return offsetAtUtc(id, localSeconds - offsetAtUtc(id, localSeconds))
}
