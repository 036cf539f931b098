import {
  Date as CoreDate,
  DateTime as CoreDateTime,
  Duration as CoreDuration,
  LocalDateTime as CoreLocalDateTime,
  LocalTime as CoreLocalTime,
  Time as CoreTime,
  type Integer,
  type NumberOrInteger,
  newError
} from 'neo4j-driver-core'
import { civil, found } from './calendar.js'
import { constructorOf } from './instances.js'
import { integerOf, type Mode, make, make32, makeSafe } from './integers.js'
import { checkZone, offsetAtUtc } from './zones.js'

type Int = Integer | number | bigint

// Frozen, as core's are.

const DateOf = constructorOf(CoreDate, function (year: Int, month: Int, day: Int) {
  this.year = year
  this.month = month
  this.day = day
  Object.freeze(this)
})

const LocalTimeOf = constructorOf(
  CoreLocalTime,
  function (hour: Int, minute: Int, second: Int, nanosecond: Int) {
    this.hour = hour
    this.minute = minute
    this.second = second
    this.nanosecond = nanosecond
    Object.freeze(this)
  }
)

const TimeOf = constructorOf(
  CoreTime,
  function (hour: Int, minute: Int, second: Int, nanosecond: Int, offset: Int) {
    this.hour = hour
    this.minute = minute
    this.second = second
    this.nanosecond = nanosecond
    this.timeZoneOffsetSeconds = offset
    Object.freeze(this)
  }
)

const LocalDateTimeOf = constructorOf(
  CoreLocalDateTime,
  function (year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int, nanosecond: Int) {
    this.year = year
    this.month = month
    this.day = day
    this.hour = hour
    this.minute = minute
    this.second = second
    this.nanosecond = nanosecond
    Object.freeze(this)
  }
)

const DateTimeOf = constructorOf(
  CoreDateTime,
  function (
    year: Int,
    month: Int,
    day: Int,
    hour: Int,
    minute: Int,
    second: Int,
    nanosecond: Int,
    offset: Int | undefined,
    zone: string | undefined
  ) {
    this.year = year
    this.month = month
    this.day = day
    this.hour = hour
    this.minute = minute
    this.second = second
    this.nanosecond = nanosecond
    this.timeZoneOffsetSeconds = offset
    this.timeZoneId = zone
    Object.freeze(this)
  }
)

const DurationOf = constructorOf(
  CoreDuration,
  function (months: Int, days: Int, seconds: Int, nanoseconds: Int) {
    this.months = months
    this.days = days
    this.seconds = seconds
    this.nanoseconds = nanoseconds
    Object.freeze(this)
  }
)

const DAY = 86400
const MAX_YEAR = 999999999

/** Like {@link civil}, but throws what core's classes throw for a year that they do not take. */
function civilInRange(days: number): void {
  civil(days)
  if (found.year > MAX_YEAR || found.year < -MAX_YEAR) {
    throw newError(`Year is expected to be in range [-${MAX_YEAR}, ${MAX_YEAR}] but was: ${found.year}`)
  }
}

/** A Date, `days` after 1970-01-01. */
export function dateOf(mode: Mode, days: number): CoreDate<NumberOrInteger> {
  civilInRange(days)
  return new DateOf(make32(mode, found.year), make32(mode, found.month), make32(mode, found.day))
}

/** A LocalTime, `nanos` after midnight. */
export function localTimeOf(mode: Mode, nanos: number): CoreLocalTime<NumberOrInteger> {
  const seconds = Math.floor(nanos / 1e9)
  return new LocalTimeOf(
    make32(mode, Math.floor(seconds / 3600)),
    make32(mode, Math.floor(seconds / 60) % 60),
    make32(mode, seconds % 60),
    make32(mode, nanos - seconds * 1e9)
  )
}

/** A Time, `nanos` after midnight by clocks that are `offset` seconds ahead of UTC. */
export function timeOf(mode: Mode, nanos: number, offset: number): CoreTime<NumberOrInteger> {
  const seconds = Math.floor(nanos / 1e9)
  return new TimeOf(
    make32(mode, Math.floor(seconds / 3600)),
    make32(mode, Math.floor(seconds / 60) % 60),
    make32(mode, seconds % 60),
    make32(mode, nanos - seconds * 1e9),
    make32(mode, offset)
  )
}

/**
 * Seconds as two signed halves -> whole days and the seconds of the last one. Years beyond 285 million have
 * seconds that a double cannot hold.
 */
const split = { days: 0, seconds: 0 }
function splitSeconds(low: number, high: number, offset: number): void {
  if (high >= -0x100000 && high < 0x100000) {
    const all = high * 4294967296 + (low >>> 0) + offset
    split.days = Math.floor(all / DAY)
    split.seconds = all - split.days * DAY
  } else {
    const all = ((BigInt(high) << 32n) | BigInt(low >>> 0)) + BigInt(offset)
    const seconds = ((all % 86400n) + 86400n) % 86400n
    split.days = Number((all - seconds) / 86400n)
    split.seconds = Number(seconds)
  }
}

/** A LocalDateTime, seconds (two halves) and `nanos` after 1970-01-01T00:00. */
export function localDateTimeOf(
  mode: Mode,
  low: number,
  high: number,
  nanos: number
): CoreLocalDateTime<NumberOrInteger> {
  splitSeconds(low, high, 0)
  civilInRange(split.days)
  const seconds = split.seconds
  return new LocalDateTimeOf(
    make32(mode, found.year),
    make32(mode, found.month),
    make32(mode, found.day),
    make32(mode, (seconds / 3600) | 0),
    make32(mode, ((seconds / 60) | 0) % 60),
    make32(mode, seconds % 60),
    make32(mode, nanos)
  )
}

function dateTimeOf(
  mode: Mode,
  low: number,
  high: number,
  add: number,
  nanos: number,
  offset: number | undefined,
  zone: string | undefined
): CoreDateTime<NumberOrInteger> {
  splitSeconds(low, high, add)
  civilInRange(split.days)
  const seconds = split.seconds
  return new DateTimeOf(
    make32(mode, found.year),
    make32(mode, found.month),
    make32(mode, found.day),
    make32(mode, (seconds / 3600) | 0),
    make32(mode, ((seconds / 60) | 0) % 60),
    make32(mode, seconds % 60),
    make32(mode, nanos),
    offset === undefined ? undefined : make32(mode, offset),
    zone
  )
}

/** A DateTime: what clocks that are `offset` seconds ahead of UTC showed. */
export function dateTimeWithOffset(
  mode: Mode,
  low: number,
  high: number,
  nanos: number,
  offset: number
): CoreDateTime<NumberOrInteger> {
  return dateTimeOf(mode, low, high, 0, nanos, offset, undefined)
}

/**
 * A DateTime of an instant (seconds after the epoch, in UTC) and a zone, with the zone's offset at that
 * instant.
 * @throws an Error for a zone that `Intl` does not know
 */
export function dateTimeInZone(
  mode: Mode,
  low: number,
  high: number,
  nanos: number,
  zone: string
): CoreDateTime<NumberOrInteger> {
  const offset = offsetAtUtc(zone, high * 4294967296 + (low >>> 0))
  return dateTimeOf(mode, low, high, offset, nanos, offset, zone)
}

/**
 * A DateTime of what clocks of the zone showed, as servers before UTC support send it: without offset.
 * @throws an Error for a zone that `Intl` does not know
 */
export function dateTimeLegacy(
  mode: Mode,
  low: number,
  high: number,
  nanos: number,
  zone: string
): CoreDateTime<NumberOrInteger> {
  checkZone(zone)
  return dateTimeOf(mode, low, high, 0, nanos, undefined, zone)
}

/** A Duration; `months`, `days` and seconds are 64 bit, in two halves. */
export function durationOf(
  mode: Mode,
  months: Int,
  days: Int,
  low: number,
  high: number,
  nanos: number
): CoreDuration<NumberOrInteger> {
  if (nanos < 0 || nanos >= 1e9) {
    // not normalised: core knows how
    return new CoreDuration(months, days, make(mode, low, high), makeSafe(mode, nanos))
  }
  return new DurationOf(
    months,
    days,
    mode === 0 ? integerOf(low, high) : make(mode, low, high),
    make32(mode, nanos)
  )
}
