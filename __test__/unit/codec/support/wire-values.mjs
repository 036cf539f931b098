// Arbitrary wire values: what a server may send, in the form that the batch writer takes.
import fc from 'fast-check'
import { CODE, NodeValue, Struct } from './batch-writer.mjs'

export const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -300n, max: 300n }),
  fc.constantFrom(
    2n ** 31n,
    -(2n ** 31n),
    2n ** 53n,
    2n ** 53n - 1n,
    -(2n ** 53n),
    2n ** 27n,
    -(2n ** 27n) - 1n,
    65535n,
    65536n
  )
)

export const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.constantFrom('', 'ż', '😀', 'Person')
)

const key = fc.oneof(
  fc.constantFrom('a', 'b', 'name', '__proto__', 'constructor', 'toString', '0', '10'),
  fc.string({ maxLength: 60 })
)
const whole = (min, max) => fc.bigInt({ min: BigInt(min), max: BigInt(max) })
const bytes = (min, max) => fc.int8Array({ minLength: min, maxLength: max }).map(a => Int8Array.from(a))
const struct = (code, ...fields) => fc.tuple(...fields).map(values => new Struct(code, values))
const map = value => fc.dictionary(key, value, { maxKeys: 6 })

const zone = fc.constantFrom(
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Pacific/Apia',
  'Africa/Monrovia',
  'UTC',
  'Etc/GMT+5'
)
const nanos = whole(0, 999999999)
// within what a JavaScript Date can hold, as neo4j-driver needs it for zones
const instant = fc.oneof(whole(-100000000000, 200000000000), whole(-2e9, 4e9))
// exact in doubles: neo4j-driver loses the others when integers are numbers
const seconds = whole(-9e15, 9e15)

/** Dates, times, points and the like. */
export const scalarStruct = fc.oneof(
  struct(CODE.DATE, whole(-365243219162, 365241780471)),
  struct(CODE.TIME, whole(0, 86399999999999), whole(-64800, 64800)),
  struct(CODE.LOCAL_TIME, whole(0, 86399999999999)),
  struct(CODE.DATETIME_OFFSET, seconds, nanos, whole(-64800, 64800)),
  struct(CODE.DATETIME_ZONE_UTC, instant, nanos, zone),
  struct(CODE.DATETIME_ZONE_LOCAL, seconds, nanos, zone),
  struct(CODE.LOCAL_DATETIME, seconds, nanos),
  struct(CODE.DURATION, int64, int64, whole(-9e15, 9e15), whole(0, 999999999)),
  struct(CODE.POINT, whole(0, 9999), fc.double(), fc.double()),
  struct(CODE.POINT3D, whole(0, 9999), fc.double(), fc.double(), fc.double()),
  struct(CODE.UNSUPPORTED, text, whole(0, 9), whole(0, 9), fc.option(text)),
  bytes(16, 16).map(a => new Struct(CODE.UUID, [a])),
  fc
    .tuple(fc.constantFrom([0xc8n, 1], [0xc9n, 2], [0xcan, 4], [0xcbn, 8], [0xc6n, 4], [0xc1n, 8]), fc.nat(5))
    .chain(([[marker, size], n]) => bytes(size * n, size * n).map(a => new Struct(CODE.VECTOR, [marker, a])))
)

/** A value of any type. */
export const wireValue = fc.letrec(tie => {
  const value = tie('value')
  const properties = map(value)
  const unbound = struct(CODE.UNBOUND_RELATIONSHIP, int64, text, properties, text)
  return {
    node: fc
      .tuple(int64, fc.array(text, { maxLength: 3 }), properties, text)
      .map(fields => new NodeValue(...fields)),
    value: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.constantFrom(null, true, false),
      int64,
      fc.double(),
      text,
      bytes(0, 20),
      scalarStruct,
      fc.array(int64, { maxLength: 10 }),
      fc.array(fc.double(), { maxLength: 10 }),
      fc.array(value, { maxLength: 5 }),
      properties,
      tie('node'),
      struct(CODE.NODE, int64, fc.array(text, { maxLength: 3 }), properties, text),
      struct(CODE.RELATIONSHIP, int64, int64, int64, text, properties, text, text, text),
      unbound,
      path(tie('node'), unbound)
    )
  }
}).value

/** A walk over at least one node; every index is one of a node or a relationship that is there. */
function path(node, unbound) {
  return fc
    .tuple(fc.array(node, { minLength: 1, maxLength: 3 }), fc.array(unbound, { minLength: 1, maxLength: 3 }))
    .chain(([nodes, relationships]) => {
      const step = fc.tuple(whole(1, relationships.length), fc.boolean(), whole(0, nodes.length - 1))
      return fc.array(step, { maxLength: 4 }).map(steps => {
        const walk = steps.flatMap(([relationship, forward, to]) => [
          forward ? relationship : -relationship,
          to
        ])
        return new Struct(CODE.PATH, [nodes, relationships, walk])
      })
    })
}
