import {
  error,
  type Integer,
  internal,
  Node,
  newError,
  Path,
  PathSegment,
  Point,
  Relationship,
  UnboundRelationship,
  UnsupportedType,
  UUID,
  Vector
} from 'neo4j-driver-core'
import { StructureCode } from '../format.js'
import { constructorOf } from './instances.js'
import type { TapeReader } from './tape-reader.js'
import {
  dateOf,
  dateTimeInZone,
  dateTimeLegacy,
  dateTimeWithOffset,
  durationOf,
  localDateTimeOf,
  localTimeOf,
  timeOf
} from './temporal.js'

type Id = Integer | number | bigint
type Properties = Record<string, unknown>

const RelationshipOf = constructorOf(
  Relationship,
  function (
    identity: unknown,
    start: unknown,
    end: unknown,
    type: string,
    properties: Properties,
    elementId: string,
    startNodeElementId: string,
    endNodeElementId: string
  ) {
    this.identity = identity
    this.start = start
    this.end = end
    this.type = type
    this.properties = properties
    this.elementId = elementId
    this.startNodeElementId = startNodeElementId
    this.endNodeElementId = endNodeElementId
  }
)

const UnboundRelationshipOf = constructorOf(
  UnboundRelationship,
  function (identity: unknown, type: string, properties: Properties, elementId: string) {
    this.identity = identity
    this.type = type
    this.properties = properties
    this.elementId = elementId
  }
)

/** Before Bolt 5 an id is all there is. */
function elementIdOf(batch: TapeReader, id: Id): string {
  return (batch.value() as string | null) ?? id.toString()
}

/** Reads the structure of that code, whose fields are the tape's next values. */
export function readStructure(batch: TapeReader, code: number): unknown {
  switch (code) {
    case StructureCode.NODE: {
      const id = batch.value() as number
      const labels = batch.value() as string[]
      const properties = batch.value() as Properties
      return new Node(id, labels, properties, batch.value() as string)
    }
    case StructureCode.RELATIONSHIP: {
      const id = batch.value() as Id
      const start = batch.value() as Id
      const end = batch.value() as Id
      const type = batch.value() as string
      const properties = batch.value() as Properties
      const elementId = elementIdOf(batch, id)
      const startElementId = elementIdOf(batch, start)
      return new RelationshipOf(
        id,
        start,
        end,
        type,
        properties,
        elementId,
        startElementId,
        elementIdOf(batch, end)
      )
    }
    case StructureCode.UNBOUND_RELATIONSHIP: {
      const id = batch.value() as Id
      const type = batch.value() as string
      const properties = batch.value() as Properties
      return new UnboundRelationshipOf(id, type, properties, elementIdOf(batch, id))
    }
    case StructureCode.PATH:
      return path(batch)
    case StructureCode.DURATION: {
      const months = batch.value() as number
      const days = batch.value() as number
      batch.integer()
      const { low, high } = batch
      return durationOf(batch.mode, months, days, low, high, batch.number())
    }
    case StructureCode.POINT:
    case StructureCode.POINT_3D: {
      const srid = batch.value() as number
      const x = batch.value() as number
      const y = batch.value() as number
      return new Point(srid, x, y, code === StructureCode.POINT_3D ? (batch.value() as number) : undefined)
    }
    case StructureCode.VECTOR: {
      const type = batch.number()
      return vectorOf(type & 0xff, batch.value() as Int8Array)
    }
    case StructureCode.UNSUPPORTED: {
      const name = batch.value() as string
      const major = batch.value() as number
      const minor = batch.value() as number
      return new UnsupportedType(name, major, minor, (batch.value() as string | null) ?? undefined)
    }
    case StructureCode.BROKEN:
      return broken(batch, newError(batch.value() as string, error.PROTOCOL_ERROR))
    case StructureCode.DATE:
    case StructureCode.TIME:
    case StructureCode.LOCAL_TIME:
    case StructureCode.DATE_TIME_OFFSET:
    case StructureCode.DATE_TIME_ZONE_UTC:
    case StructureCode.DATE_TIME_ZONE_LOCAL:
    case StructureCode.LOCAL_DATE_TIME:
      return temporal(batch, code)
    default:
      return new UUID(new Uint8Array((batch.value() as Int8Array).buffer))
  }
}

/** Dates and times: an integer, then nanoseconds if it was in seconds, then an offset or a zone. */
function temporal(batch: TapeReader, code: number): unknown {
  const { mode } = batch
  batch.integer()
  const { low, high } = batch
  const first = high * 4294967296 + (low >>> 0)
  const nanos = code >= StructureCode.DATE_TIME_OFFSET ? batch.number() : 0
  const zone =
    code === StructureCode.DATE_TIME_ZONE_UTC || code === StructureCode.DATE_TIME_ZONE_LOCAL
      ? (batch.value() as string)
      : ''
  const offset = code === StructureCode.TIME || code === StructureCode.DATE_TIME_OFFSET ? batch.number() : 0
  try {
    switch (code) {
      case StructureCode.DATE:
        return dateOf(mode, first)
      case StructureCode.TIME:
        return timeOf(mode, first, offset)
      case StructureCode.LOCAL_TIME:
        return localTimeOf(mode, first)
      case StructureCode.DATE_TIME_OFFSET:
        return dateTimeWithOffset(mode, low, high, nanos, offset)
      case StructureCode.DATE_TIME_ZONE_UTC:
        return dateTimeInZone(mode, low, high, nanos, zone)
      case StructureCode.DATE_TIME_ZONE_LOCAL:
        return dateTimeLegacy(mode, low, high, nanos, zone)
      default:
        return localDateTimeOf(mode, low, high, nanos)
    }
  } catch (reason) {
    return broken(batch, reason as Error)
  }
}

/**
 * As in `neo4j-driver`: the rest of the record, or of the summary, can be read, and whatever touches this value gets the error.
 */
function broken(batch: TapeReader, reason: Error): unknown {
  const name = batch.keys[batch.column]
  const what = name === undefined ? 'A part of the summary' : `Field '${name}'`
  reason.message = `${what} cannot be read: ${reason.message}`
  return internal.objectUtil.createBrokenObject(reason)
}

/**
 * A path comes as its different nodes and relationships, and the walk over them: index of a relationship
 * (from 1, negative when walked against its direction), index of the node reached, and so on.
 */
function path(batch: TapeReader): Path {
  const nodes = batch.value() as Node[]
  const relationships = batch.value() as UnboundRelationship[]
  const bound = new Array<Relationship | undefined>(relationships.length)
  const indices = batch.value32s()
  const segments: PathSegment[] = []
  let from = nodes[0]
  for (let i = 0; i < indices.length; i += 2) {
    const to = nodes[indices[i + 1]]
    const index = indices[i]
    const at = Math.abs(index) - 1
    const unbound = relationships[at]
    let relationship = bound[at]
    if (relationship === undefined) {
      const [start, end] = index > 0 ? [from, to] : [to, from]
      relationship = new RelationshipOf(
        unbound.identity,
        start.identity,
        end.identity,
        unbound.type,
        unbound.properties,
        unbound.elementId,
        start.elementId,
        end.elementId
      ) as Relationship
      bound[at] = relationship
    }
    segments.push(new PathSegment(from, relationship, to))
    from = to
  }
  return new Path(nodes[0], nodes[nodes.length - 1], segments)
}

/** A Vector of big-endian elements; `type` is PackStream's marker of one. */
export function vectorOf(type: number, bytes: Int8Array): unknown {
  const buffer = bytes.buffer as ArrayBuffer
  const swapped = Buffer.from(buffer)
  switch (type) {
    case 0xc8:
      return new Vector(bytes)
    case 0xc9:
      swapped.swap16()
      return new Vector(new Int16Array(buffer))
    case 0xca:
      swapped.swap32()
      return new Vector(new Int32Array(buffer))
    case 0xcb:
      swapped.swap64()
      return new Vector(new BigInt64Array(buffer))
    case 0xc6:
      swapped.swap32()
      return new Vector(new Float32Array(buffer))
    default:
      swapped.swap64()
      return new Vector(new Float64Array(buffer))
  }
}
