import { types } from 'node:util'
import {
  Integer,
  isEnc,
  isInt,
  isNode,
  isPath,
  isPathSegment,
  isRelationship,
  isUnboundRelationship,
  isUnsupportedType
} from 'neo4j-driver-core'
import { rowWriter } from './encode-rows.js'
import { coreWriter, putArrayBuffer, putStandardDate, viewWriter, type Writer } from './encode-types.js'
import {
  out,
  putBigint,
  putFloat,
  putInteger,
  putListHeader,
  putMapHeader,
  putString,
  room,
  SLACK
} from './packer.js'
import { type Step, Unsendable } from './unsendable.js'

/** Maps and lists that may stand in each other, the map of all parameters included. */
export const MAX_DEPTH = 2048

// Lists from this length on are looked at for maps of one shape.
const ROWS = 8

const plainPrototype = Object.prototype
const integerPrototype = Integer.prototype

/**
 * Writes any value at `p`, `depth` maps and lists deep; returns the position behind it, where {@link SLACK}
 * bytes are free.
 */
export function putValue(value: unknown, p: number, depth: number): number {
  room(p, SLACK)
  switch (typeof value) {
    case 'number':
      return putFloat(value, p)
    case 'string':
      return putString(value, p)
    case 'object':
      if (value === null) {
        out.buf[p] = 0xc0
        return p + 1
      }
      return putObject(value, p, depth)
    case 'boolean':
      out.buf[p] = value ? 0xc3 : 0xc2
      return p + 1
    case 'bigint':
      return putBigint(value, p)
    case 'undefined':
      out.buf[p] = 0xc0
      return p + 1
    default:
      throw new Unsendable(`it is a ${typeof value}`)
  }
}

function putObject(value: object, p: number, depth: number): number {
  if (Array.isArray(value)) return putList(value, p, depth + 1)
  const prototype = Object.getPrototypeOf(value)
  if (prototype === integerPrototype) return putInteger((value as Integer).low, (value as Integer).high, p)
  if ((prototype === plainPrototype || prototype === null) && !isIterable(value)) {
    return putMap(value as Record<string, unknown>, p, depth + 1)
  }
  return writerOf(value)(value, p, depth + 1)
}

const isIterable = (value: object): value is Iterable<unknown> =>
  (value as Partial<Iterable<unknown>>)[Symbol.iterator] !== undefined

/** A writer of values that may hold others: `depth` counts the value itself. */
// biome-ignore lint/suspicious/noExplicitAny: as Writer
export type NestedWriter = (value: any, p: number, depth: number) => number

/** How an object is sent. */
export function writerOf(value: object): NestedWriter {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === plainPrototype || prototype === null) return isIterable(value) ? putIterable : putMap
  if (Array.isArray(value)) return putList
  if (isInt(value)) return putAnyInteger
  const writer: Writer | undefined = isSentAsBytesOrNumbers(value) ? viewWriter(value) : coreWriter(value)
  if (writer !== undefined) return writer
  refuse(value)
  if (!conversion.asNeo4jDriver) {
    if (types.isDate(value)) return putStandardDate
    if (types.isMap(value)) return putMapObject
    if (types.isAnyArrayBuffer(value)) return putArrayBuffer
    if (types.isPromise(value)) throw new Unsendable('it is a Promise (is an await missing?)')
  }
  return isIterable(value) ? putIterable : putMap
}

/** To `neo4j-driver`, all typed arrays but one are iterables like any other. */
function isSentAsBytesOrNumbers(value: object): value is ArrayBufferView {
  return conversion.asNeo4jDriver ? types.isInt8Array(value) : ArrayBuffer.isView(value)
}

/** How objects of JavaScript's own classes are sent: as `neo4j-driver` sends them, or by what they are. */
export const conversion = { asNeo4jDriver: false }

function putAnyInteger(value: Integer, p: number): number {
  return putInteger(value.low, value.high, p)
}

function refuse(value: object): void {
  const what = isNode(value)
    ? 'nodes'
    : isRelationship(value)
      ? 'relationships'
      : isUnboundRelationship(value)
        ? 'unbound relationships'
        : isPath(value)
          ? 'paths'
          : isPathSegment(value)
            ? 'path segments'
            : undefined
  if (what !== undefined) throw new Unsendable(`It is not allowed to pass ${what} in query parameters`)
  if (isUnsupportedType(value)) throw new Unsendable('it is an UnsupportedType, which can only be received')
  if (isEnc(value)) throw new Unsendable('it is an encrypted value, which is not supported')
}

/** Throws when a map or list stands deeper than is allowed. */
export function deepen(depth: number): void {
  if (depth > MAX_DEPTH) throw new Unsendable(`it is nested deeper than ${MAX_DEPTH} levels`)
}

function putList(list: readonly unknown[], p: number, depth: number): number {
  deepen(depth)
  const n = list.length
  let q = putListHeader(n, p)
  let i = 0
  if (n >= ROWS) {
    const first = list[0]
    if (typeof first === 'object' && first !== null && Object.getPrototypeOf(first) === plainPrototype) {
      const putRow = rowWriter(first, putValue)
      if (depth >= MAX_DEPTH) deepen(depth + 1)
      for (; i < n; i++) {
        const row = list[i]
        const end = typeof row === 'object' && row !== null ? putRow(row, q, depth + 1) : -1
        q = end >= 0 ? end : putValue(row, q, depth)
      }
      return q
    }
  }
  for (; i < n; i++) {
    const value = list[i]
    if (typeof value === 'number') {
      room(q, SLACK)
      q = putFloat(value, q)
    } else q = putValue(value, q, depth)
  }
  return q
}

function putMap(map: Record<string, unknown>, p: number, depth: number): number {
  deepen(depth)
  const keys = Object.keys(map)
  const n = keys.length
  room(p, SLACK)
  let q = putMapHeader(n, p)
  let left = n
  for (let i = 0; i < n; i++) {
    const key = keys[i]
    const value = map[key]
    if (value === undefined) left--
    else q = putValue(value, putString(key, q), depth)
  }
  if (left !== n) setCount(p, n, left)
  return q
}

/** Writes a smaller count into a map's header, in the form that the larger one has. */
function setCount(p: number, was: number, n: number): void {
  if (was < 16) out.buf[p] = 0xa0 | n
  else if (was < 256) out.buf[p + 1] = n
  else if (was < 65536) out.view.setUint16(p + 1, n)
  else out.view.setUint32(p + 1, n)
}

function putMapObject(map: ReadonlyMap<unknown, unknown>, p: number, depth: number): number {
  deepen(depth)
  const entries = stringKeyed(map).filter(([, value]) => value !== undefined)
  room(p, SLACK)
  let q = putMapHeader(entries.length, p)
  for (const [key, value] of entries) q = putValue(value, putString(key, q), depth)
  return q
}

function stringKeyed(map: ReadonlyMap<unknown, unknown>): [string, unknown][] {
  const entries = [...map]
  if (entries.some(([key]) => typeof key !== 'string')) {
    throw new Unsendable('it is a Map with keys that are not strings')
  }
  return entries as [string, unknown][]
}

/**
 * What came out of iterables of the parameters being written: some can be walked only once, and a search for
 * a value that cannot be sent needs them again.
 */
export const walked = { lists: new Map<object, unknown[]>() }

function putIterable(iterable: Iterable<unknown>, p: number, depth: number): number {
  deepen(depth)
  return putList(listOf(iterable), p, depth)
}

function listOf(iterable: Iterable<unknown>): unknown[] {
  const list = Array.from(iterable)
  if (!types.isSet(iterable)) walked.lists.set(iterable, list)
  return list
}

/** Whether a value is sent as a map, and so can be all parameters of a query. */
export const isMapWriter = (writer: NestedWriter): boolean => writer === putMap || writer === putMapObject

/** What a map or list holds, with the step to it; null for anything else. */
export function childrenOf(value: object): Iterable<[Step, unknown]> | null {
  switch (writerOf(value)) {
    case putList:
      return (value as unknown[]).entries()
    case putIterable:
      return (walked.lists.get(value) ?? Array.from(value as Iterable<unknown>)).entries()
    case putMap:
      return Object.entries(value)
    case putMapObject:
      return stringKeyed(value as Map<unknown, unknown>)
    default:
      return null
  }
}
