import {
  type Date as CoreDate,
  DateTime as CoreDateTime,
  type DateTime,
  type Duration,
  type Integer,
  isDate,
  isDateTime,
  isDuration,
  isLocalDateTime,
  isLocalTime,
  isPoint,
  isTime,
  isUUID,
  isVector,
  type LocalDateTime,
  type LocalTime,
  type Point,
  type Time,
  type UUID,
  type Vector
} from 'neo4j-driver-core'
import { Needs } from '../format.js'
import { epochDay } from './calendar.js'
import {
  out,
  putBigint,
  putBytes,
  putFloat,
  putInteger,
  putListHeader,
  putSafe,
  putString,
  room,
  SLACK
} from './packer.js'
import { Unsendable } from './unsendable.js'
import { offsetAtLocal } from './zones.js'

/** Any integer of core's classes; an object is an Integer, of this copy of core or of another. */
type Int = number | bigint | Integer

const DAY = 86400
// Days up to which their seconds are exact in a double
const EXACT_DAYS = 1e11

function struct(fields: number, signature: number, p: number): number {
  room(p, 128)
  out.buf[p] = 0xb0 | fields
  out.buf[p + 1] = signature
  return p + 2
}

/** An integer field as a number; fractions are cut off, as core's `int` does. */
function num(field: Int | null | undefined, name: string): number {
  const n =
    typeof field === 'number'
      ? Math.trunc(field)
      : typeof field === 'bigint'
        ? Number(field)
        : field == null
          ? Number.NaN
          : field.high * 4294967296 + (field.low >>> 0)
  if (!Number.isSafeInteger(n)) throw new Unsendable(`its ${name} is no integer of a usable size`)
  return n
}

/** An integer field, all 64 bits of it. */
function putInt(field: Int, name: string, p: number): number {
  if (typeof field === 'bigint') return putBigint(field, p)
  if (typeof field === 'object' && field !== null) return putInteger(field.low, field.high, p)
  return putSafe(num(field, name), p)
}

function days(date: { year: Int; month: Int; day: Int }): number {
  return epochDay(num(date.year, 'year'), num(date.month, 'month'), num(date.day, 'day'))
}

function secondOfDay(time: { hour: Int; minute: Int; second: Int }): number {
  return 3600 * num(time.hour, 'hour') + 60 * num(time.minute, 'minute') + num(time.second, 'second')
}

function putSeconds(day: number, seconds: number, p: number): number {
  return Math.abs(day) < EXACT_DAYS
    ? putSafe(day * DAY + seconds, p)
    : putBigint(BigInt(day) * 86400n + BigInt(seconds), p)
}

function putDate(date: CoreDate<Int>, p: number): number {
  out.needs |= Needs.TEMPORAL_OR_SPATIAL
  return putSafe(days(date), struct(1, 0x44, p))
}

const nanoOfDay = (time: LocalTime<Int> | Time<Int>): number =>
  secondOfDay(time) * 1e9 + num(time.nanosecond, 'nanosecond')

function putLocalTime(time: LocalTime<Int>, p: number): number {
  out.needs |= Needs.TEMPORAL_OR_SPATIAL
  return putSafe(nanoOfDay(time), struct(1, 0x74, p))
}

function putTime(time: Time<Int>, p: number): number {
  out.needs |= Needs.TEMPORAL_OR_SPATIAL
  const q = putSafe(nanoOfDay(time), struct(2, 0x54, p))
  return putInt(time.timeZoneOffsetSeconds, 'timeZoneOffsetSeconds', q)
}

function putLocalDateTime(value: LocalDateTime<Int>, p: number): number {
  out.needs |= Needs.TEMPORAL_OR_SPATIAL
  const q = putSeconds(days(value), secondOfDay(value), struct(2, 0x64, p))
  return putSafe(num(value.nanosecond, 'nanosecond'), q)
}

function putDateTime(value: DateTime<Int>, p: number): number {
  const day = days(value)
  const seconds = secondOfDay(value)
  const nanos = num(value.nanosecond, 'nanosecond')
  const { timeZoneId: zone, timeZoneOffsetSeconds: offset } = value
  if (zone == null) {
    if (offset == null) throw new Unsendable('it has neither an offset nor a zone')
    return putUtc(day, seconds, nanos, num(offset, 'timeZoneOffsetSeconds'), p)
  }
  if (typeof zone !== 'string') throw new Unsendable('its timeZoneId is no string')
  out.needs |= Needs.TEMPORAL_OR_SPATIAL | Needs.DATE_TIME_ZONE
  // Four fields: the connection's version decides which of local and UTC seconds the server gets
  let q = putSeconds(day, seconds, struct(4, 0x69, p))
  q = putString(zone, putSafe(nanos, q))
  return putSafe(
    offset == null ? offsetOf(zone, day * DAY + seconds) : num(offset, 'timeZoneOffsetSeconds'),
    q
  )
}

/** A DateTime with a zone in the form of Bolt 5 and later: an instant, and the zone. */
function putDateTimeInZone(value: DateTime<Int>, p: number): number {
  const zone = value.timeZoneId as string
  const day = days(value)
  const seconds = secondOfDay(value)
  const offset =
    value.timeZoneOffsetSeconds == null
      ? offsetOf(zone, day * DAY + seconds)
      : num(value.timeZoneOffsetSeconds, 'timeZoneOffsetSeconds')
  const q = putSeconds(day, seconds - offset, struct(3, 0x69, p))
  return putString(zone, putSafe(num(value.nanosecond, 'nanosecond'), q))
}

function offsetOf(zone: string, localSeconds: number): number {
  try {
    return offsetAtLocal(zone, localSeconds)
  } catch (error) {
    throw new Unsendable((error as Error).message)
  }
}

function putUtc(day: number, seconds: number, nanos: number, offset: number, p: number): number {
  out.needs |= Needs.TEMPORAL_OR_SPATIAL | Needs.DATE_TIME_OFFSET
  const q = putSafe(nanos, putSeconds(day, seconds - offset, struct(3, 0x49, p)))
  return putSafe(offset, q)
}

// Since 1973 no zone has had an offset of odd seconds
const WHOLE_MINUTES_FROM = 94694400000

/**
 * A JavaScript Date becomes what `DateTime.fromStandardDate` makes of it: its instant, with this process's
 * offset.
 */
function putStandardDate(date: Date, p: number): number {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new Unsendable('it is an invalid Date')
  const seconds = Math.floor(ms / 1000)
  const offset =
    ms >= WHOLE_MINUTES_FROM
      ? -60 * date.getTimezoneOffset()
      : num(CoreDateTime.fromStandardDate(date).timeZoneOffsetSeconds as Int, 'offset')
  return putUtc(0, seconds + offset, (ms - seconds * 1000) * 1e6, offset, p)
}

function putDuration(value: Duration<Int>, p: number): number {
  out.needs |= Needs.TEMPORAL_OR_SPATIAL
  let q = putInt(value.months, 'months', struct(4, 0x45, p))
  q = putInt(value.days, 'days', q)
  q = putInt(value.seconds, 'seconds', q)
  return putInt(value.nanoseconds, 'nanoseconds', q)
}

function putPoint(point: Point<Int>, p: number): number {
  out.needs |= Needs.TEMPORAL_OR_SPATIAL
  const { z } = point
  let q = putInt(point.srid, 'srid', z == null ? struct(3, 0x58, p) : struct(4, 0x59, p))
  q = putFloat(point.y, putFloat(point.x, q))
  return z == null ? q : putFloat(z, q)
}

const ELEMENT: Readonly<Record<string, readonly [marker: number, bytes: 1 | 2 | 4 | 8]>> = {
  INT8: [0xc8, 1],
  INT16: [0xc9, 2],
  INT32: [0xca, 4],
  INT64: [0xcb, 8],
  FLOAT32: [0xc6, 4],
  FLOAT64: [0xc1, 8]
}

function putVector(vector: Vector<Float32Array>, p: number): number {
  const element = ELEMENT[vector.getType()]
  if (element === undefined) throw new Unsendable(`vectors of ${vector.getType()} are not known`)
  out.needs |= Needs.VECTOR
  const [marker, size] = element
  const array = vector.asTypedArray()
  let q = struct(2, 0x56, p)
  out.buf[q] = 0xcc
  out.buf[q + 1] = 1
  out.buf[q + 2] = marker
  q = putBytes(bytesOf(array), q + 3)
  const written = out.buf.subarray(q - array.byteLength, q)
  if (size === 2) written.swap16()
  else if (size === 4) written.swap32()
  else if (size === 8) written.swap64()
  return q
}

function putUuid(uuid: UUID, p: number): number {
  out.needs |= Needs.UUID
  room(p, SLACK)
  out.buf[p] = 0xe0
  out.buf.set(uuid.getTypedArray(), p + 1)
  return p + 17
}

/** The bytes below a view, as they lie in memory. */
const bytesOf = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

function putByteView(view: ArrayBufferView, p: number): number {
  out.needs |= Needs.BYTES
  return putBytes(bytesOf(view), p)
}

function putArrayBuffer(buffer: ArrayBuffer, p: number): number {
  out.needs |= Needs.BYTES
  return putBytes(new Uint8Array(buffer), p)
}

function putInts(
  list: Int16Array | Uint16Array | Int32Array | Uint32Array | Uint8ClampedArray,
  p: number
): number {
  const n = list.length
  room(p, 9 * n + SLACK)
  let q = putListHeader(n, p)
  for (let i = 0; i < n; i++)
    q = putInteger(list[i] | 0, list[i] < 0 || list[i] === (list[i] | 0) ? list[i] >> 31 : 0, q)
  return q
}

function putFloats(list: Float32Array | Float64Array, p: number): number {
  const n = list.length
  room(p, 9 * n + SLACK)
  let q = putListHeader(n, p)
  for (let i = 0; i < n; i++) q = putFloat(list[i], q)
  return q
}

function putBigints(list: BigInt64Array | BigUint64Array, p: number): number {
  const n = list.length
  room(p, 9 * n + SLACK)
  let q = putListHeader(n, p)
  for (let i = 0; i < n; i++) q = putBigint(list[i], q)
  return q
}

/** Writes a value of one class at `p`; returns the position behind it. */
// biome-ignore lint/suspicious/noExplicitAny: each writer takes the class it stands for
export type Writer = (value: any, p: number) => number

const VIEWS: Readonly<Record<string, Writer>> = {
  Int8Array: putByteView,
  Uint8Array: putByteView,
  DataView: putByteView,
  Uint8ClampedArray: putInts,
  Int16Array: putInts,
  Uint16Array: putInts,
  Int32Array: putInts,
  Uint32Array: putInts,
  Float32Array: putFloats,
  Float64Array: putFloats,
  BigInt64Array: putBigints,
  BigUint64Array: putBigints
}

/** How a typed array is sent: bytes as bytes, others as lists of integers or floats. */
export function viewWriter(view: ArrayBufferView): Writer {
  const writer = VIEWS[Object.prototype.toString.call(view).slice(8, -1)]
  if (writer === undefined) throw new Unsendable('arrays of this type are not known')
  return writer
}

/**
 * How an object of core's temporal and spatial classes is sent, of whichever copy of core; `undefined` for
 * other objects.
 */
export function coreWriter(value: object): Writer | undefined {
  if (isDateTime(value)) return putDateTime
  if (isDate(value)) return putDate
  if (isLocalDateTime(value)) return putLocalDateTime
  if (isTime(value)) return putTime
  if (isLocalTime(value)) return putLocalTime
  if (isDuration(value)) return putDuration
  if (isPoint(value)) return putPoint
  if (isVector(value)) return putVector
  if (isUUID(value)) return putUuid
  return undefined
}

export { putArrayBuffer, putDateTimeInZone, putStandardDate }
