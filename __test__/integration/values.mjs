// Every Cypher type: values as parameters, the Cypher that makes the same value on the server, and what is to be read.
//
// `since` is the first Neo4j that has it. `same` is Cypher that is true when the server got the parameter $x as meant;
// default: it equals the literal. What is read is the parameter itself, unless `read` says otherwise: where a value has
// several forms as a parameter (a bigint), or where the server's Bolt version leaves something out. `notByNpm`: npm's driver
// does not send it so. `integerModeOnly`: it has no good form in the other integer modes.

import { neo4j } from './support.mjs'

const { int, types, isInt } = neo4j
const { Date: Day, DateTime, Duration, LocalDateTime, LocalTime, Point, Time } = types

const MAX = '9223372036854775807'
const MIN = '-9223372036854775808'

const integers = [
  ['0', 0],
  ['1', 1],
  ['-1', -1],
  // the edges of each width that PackStream has
  ['-16', -16],
  ['-17', -17],
  ['127', 127],
  ['128', 128],
  ['-128', -128],
  ['-129', -129],
  ['32767', 32767],
  ['32768', 32768],
  ['-32768', -32768],
  ['-32769', -32769],
  ['2147483647', 2147483647],
  ['2147483648', 2147483648],
  ['-2147483648', -2147483648],
  ['-2147483649', -2147483649],
  ['4294967295', 4294967295],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ['9007199254740993'],
  [MAX],
  [MIN]
].flatMap(([text]) => [
  { name: `integer ${text}`, value: int(text), cypher: text },
  { name: `integer ${text} from a bigint`, value: BigInt(text), cypher: text, read: () => int(text) }
])

// A number is a float, as in every Neo4j driver for JavaScript; so are whole ones.
const floats = [
  [1, '1.0'],
  [0, '0.0'],
  [-0, '-0.0', '1 / $x < 0'],
  [1.5, '1.5'],
  [-2.25, '-2.25'],
  [0.1, '0.1'],
  [Math.PI, '3.141592653589793'],
  [Number.MAX_VALUE, '1.7976931348623157e308'],
  [Number.MIN_VALUE, '4.9e-324'],
  [2 ** 53, '9007199254740992.0'],
  [Number.POSITIVE_INFINITY, 'exp(1000.0)'],
  [Number.NEGATIVE_INFINITY, '(-exp(1000.0))'],
  [Number.NaN, '(0.0 / 0.0)', "toString($x) = 'NaN'"]
].map(([value, cypher, same]) => ({
  name: `float ${Object.is(value, -0) ? '-0' : value}`,
  value,
  cypher,
  same
}))

const part = 'long: é𝄞 '
const long = part.repeat(20_000)
const strings = [
  ['empty', '', "''"],
  ['ASCII', 'hello', "'hello'"],
  ['15 bytes', 'a'.repeat(15), `'${'a'.repeat(15)}'`],
  ['16 bytes', 'a'.repeat(16), `'${'a'.repeat(16)}'`],
  ['255 bytes', 'a'.repeat(255), `'${'a'.repeat(255)}'`],
  ['256 bytes', 'a'.repeat(256), `'${'a'.repeat(256)}'`],
  ['65,536 bytes', 'a'.repeat(65_536), `'${'a'.repeat(65_536)}'`],
  ['of two-byte characters', 'Grüße', "'Grüße'"],
  ['of three-byte characters', '日本語', "'日本語'"],
  ['of an emoji beyond the BMP', '😀', "'😀'"],
  ['of a family joined by ZWJ', '👩‍👩‍👧‍👦', "'👩‍👩‍👧‍👦'"],
  ['of a combining accent', 'e\u0301', "'e\u0301'"],
  ['with quotes, backslash and line ends', '\'"\\\n\r\t', "'\\'\"\\\\\\n\\r\\t'"],
  ['with a null character', 'a\u0000b', "'a\\u0000b'"],
  [
    'of 200,000 bytes and more',
    long,
    undefined,
    `replace($x, '${part}', '') = '' AND size($x) >= ${20_000 * 8}`
  ]
].map(([name, value, cypher, same]) => ({ name: `string ${name}`, value, cypher, same }))

const plain = [
  { name: 'null', value: null, cypher: 'null', same: '$x IS NULL' },
  { name: 'true', value: true, cypher: 'true' },
  { name: 'false', value: false, cypher: 'false' }
]

// Cypher has no literal of bytes; as a property they come back from the store.
const bytes = [
  ['no bytes', []],
  ['some bytes', [0, 1, 127, 128, 255]],
  ['1,000 bytes', Array.from({ length: 1000 }, (_, i) => i % 256)]
].flatMap(([name, list]) => {
  const read = () => Int8Array.from(list)
  const same = `size($x) = ${list.length}`
  return [
    { name: `${name}, as an Int8Array`, value: Int8Array.from(list), same },
    { name: `${name}, as a Buffer`, value: Buffer.from(list), same, read, notByNpm: true }
  ]
})

const nested = { a: { b: [{ c: [[int(1)], [], [null]] }] }, 'a key with spaces': 'x', '😀': true }
const lists = [
  { name: 'empty list', value: [], cypher: '[]' },
  // 3.4 cannot compare a parameter with a literal list of numbers (`Cannot convert java.util.stream.LongPipeline`)
  {
    name: 'list of integers',
    value: [int(1), int(2), int(MAX)],
    cypher: `[1, 2, ${MAX}]`,
    same: `size($x) = 3 AND $x[0] = 1 AND $x[1] = 2 AND $x[2] = ${MAX}`
  },
  {
    name: 'list of floats',
    value: [1.5, -0.5],
    cypher: '[1.5, -0.5]',
    same: 'size($x) = 2 AND $x[0] = 1.5 AND $x[1] = -0.5'
  },
  { name: 'list of strings', value: ['a', '', '😀'], cypher: "['a', '', '😀']" },
  {
    name: 'list of everything',
    value: [null, true, int(1), 1.5, 'a', [], [int(1), ['b']]],
    cypher: "[null, true, 1, 1.5, 'a', [], [1, ['b']]]",
    same: "$x[1..] = [true, 1, 1.5, 'a', [], [1, ['b']]] AND $x[0] IS NULL"
  },
  {
    name: 'list of 300',
    value: Array.from({ length: 300 }, (_, i) => int(i)),
    cypher: 'range(0, 299)'
  },
  {
    name: 'list of 70,000',
    value: Array.from({ length: 70_000 }, (_, i) => int(i)),
    cypher: 'range(0, 69999)'
  },
  { name: 'empty map', value: {}, cypher: '{}' },
  {
    name: 'map',
    value: { a: int(1), b: 'x', c: null },
    cypher: "{a: 1, b: 'x', c: null}",
    same: "$x.b = 'x'"
  },
  {
    name: 'map in list in map',
    value: nested,
    cypher: "{a: {b: [{c: [[1], [], [null]]}]}, `a key with spaces`: 'x', `😀`: true}",
    same: '$x.a.b[0].c[0][0] = 1 AND $x.`😀`'
  }
]

const ints = (...numbers) => numbers.map(n => int(n))
const day = (...parts) => new Day(...ints(...parts))
const localTime = (...parts) => new LocalTime(...ints(...parts))
const time = (...parts) => new Time(...ints(...parts))
const localDateTime = (...parts) => new LocalDateTime(...ints(...parts))
const offsetDateTime = (...parts) => new DateTime(...ints(...parts))
const duration = (...parts) => new Duration(...parts.map(n => int(n)))

const temporal = [
  [day(2020, 2, 29), "date('2020-02-29')"],
  [day(1970, 1, 1), "date('1970-01-01')"],
  [day(1969, 12, 31), "date('1969-12-31')"],
  [day(1600, 2, 29), "date('1600-02-29')"],
  [day(1, 1, 1), "date('0001-01-01')"],
  [day(-44, 3, 15), "date('-0044-03-15')"],
  [day(999_999_999, 12, 31), "date('+999999999-12-31')"],
  [day(-999_999_999, 1, 1), "date('-999999999-01-01')"],
  [localTime(0, 0, 0, 0), "localtime('00:00')"],
  [localTime(23, 59, 59, 999_999_999), "localtime('23:59:59.999999999')"],
  [time(12, 0, 0, 1, 0), "time('12:00:00.000000001Z')"],
  [time(0, 0, 0, 0, 64_800), "time('00:00:00+18:00')"],
  [time(23, 59, 59, 999_999_999, -64_800), "time('23:59:59.999999999-18:00')"],
  [time(12, 30, 0, 0, 5 * 3600 + 30 * 60), "time('12:30:00+05:30')"],
  [localDateTime(2020, 2, 29, 12, 0, 0, 0), "localdatetime('2020-02-29T12:00:00')"],
  [localDateTime(1969, 12, 31, 23, 59, 59, 1), "localdatetime('1969-12-31T23:59:59.000000001')"],
  [localDateTime(1, 1, 1, 0, 0, 0, 0), "localdatetime('0001-01-01T00:00:00')"],
  [localDateTime(9999, 12, 31, 23, 59, 59, 999_999_999), "localdatetime('9999-12-31T23:59:59.999999999')"],
  [offsetDateTime(2020, 6, 15, 12, 0, 0, 0, 7200), "datetime('2020-06-15T12:00:00+02:00')"],
  [offsetDateTime(2020, 1, 1, 0, 0, 0, 500_000_000, -30_600), "datetime('2020-01-01T00:00:00.5-08:30')"],
  [offsetDateTime(1969, 12, 31, 23, 59, 59, 999_999_999, 0), "datetime('1969-12-31T23:59:59.999999999Z')"],
  [offsetDateTime(1970, 1, 1, 0, 0, 0, 0, 3600), "datetime('1970-01-01T00:00:00+01:00')"],
  [offsetDateTime(-44, 3, 15, 12, 0, 0, 0, 0), "datetime('-0044-03-15T12:00:00Z')"],
  [offsetDateTime(9999, 12, 31, 23, 59, 59, 0, 0), "datetime('9999-12-31T23:59:59Z')"],
  [duration(0, 0, 0, 0), "duration('PT0S')"],
  [duration(14, 3, 14_706, 789), "duration('P1Y2M3DT4H5M6.000000789S')"],
  [duration(-5, 3, -1, 1), 'duration({months: -5, days: 3, seconds: -1, nanoseconds: 1})'],
  [
    duration(0, 0, MAX, 999_999_999),
    `duration({seconds: ${MAX}, nanoseconds: 999999999})`,
    { integerModeOnly: true, since: '5' }
  ]
].map(([value, cypher, more]) => ({ name: `${value.constructor.name} ${value}`, value, cypher, ...more }))

// The wire of Bolt 1 to 4.2 says the local time and the zone: the offset is not read, and of an hour that comes twice
// the second cannot be told. Later versions say the instant, and the offset is worked out.
const zoned = [
  [[2020, 7, 1, 12, 0, 0, 0], 7200, 'Europe/Berlin', '+02:00'],
  [[2020, 12, 1, 12, 0, 0, 0], 3600, 'Europe/Berlin', '+01:00'],
  [
    [2020, 3, 29, 1, 59, 59, 999_999_999],
    3600,
    'Europe/Berlin',
    '+01:00',
    'just before the clock goes forward'
  ],
  [[2020, 3, 29, 3, 0, 0, 0], 7200, 'Europe/Berlin', '+02:00', 'just after the clock went forward'],
  [[2020, 10, 25, 2, 30, 0, 0], 7200, 'Europe/Berlin', '+02:00', 'the first of an hour that comes twice'],
  [
    [2020, 10, 25, 2, 30, 0, 0],
    3600,
    'Europe/Berlin',
    '+01:00',
    'the second of an hour that comes twice',
    '5'
  ],
  [[2020, 10, 25, 3, 0, 0, 0], 3600, 'Europe/Berlin', '+01:00', 'just after the clock went back'],
  [[1960, 7, 1, 12, 0, 0, 123_456_789], -14_400, 'America/New_York', '-04:00', 'before 1970'],
  [[1969, 12, 31, 23, 59, 59, 999_999_999], 0, 'UTC', 'Z', 'just before 1970'],
  [[2024, 1, 1, 0, 0, 0, 0], 20_700, 'Asia/Kathmandu', '+05:45'],
  [[2024, 4, 7, 1, 45, 0, 0], 39_600, 'Australia/Lord_Howe', '+11:00', 'where summer time is half an hour']
].map(([parts, offset, zone, suffix, why, since]) => {
  const [year, month, dayOfMonth, hour, minute, second, nanosecond] = parts
  const pad = n => String(n).padStart(2, '0')
  const fraction = nanosecond > 0 ? `.${String(nanosecond).padStart(9, '0')}` : ''
  const text = `${year}-${pad(month)}-${pad(dayOfMonth)}T${pad(hour)}:${pad(minute)}:${pad(second)}${fraction}${suffix}[${zone}]`
  const value = new DateTime(...ints(...parts), int(offset), zone)
  return {
    name: `DateTime ${text}${why ? `, ${why}` : ''}`,
    value,
    cypher: `datetime('${text}')`,
    since,
    read: ({ utc }) => (utc ? value : new DateTime(...ints(...parts), null, zone))
  }
})

const points = [
  [new Point(int(7203), 1.5, -2), 'point({x: 1.5, y: -2})'],
  [new Point(int(9157), 1.5, -2, 1e10), 'point({x: 1.5, y: -2, z: 1e10})'],
  [new Point(int(4326), -56, 12.5), 'point({longitude: -56, latitude: 12.5})'],
  [new Point(int(4979), -56, 12.5, 100), 'point({longitude: -56, latitude: 12.5, height: 100})']
].map(([value, cypher]) => ({ name: `${value}`, value, cypher }))

const { vector, uuid } = neo4j
const newest = () =>
  [
    [vector(Int8Array.of(1, -2, 127)), 'vector([1, -2, 127], 3, INTEGER8)'],
    [vector(Int16Array.of(1, -2, 32_767)), 'vector([1, -2, 32767], 3, INTEGER16)'],
    [vector(Int32Array.of(1, -2, 2_147_483_647)), 'vector([1, -2, 2147483647], 3, INTEGER32)'],
    [vector(BigInt64Array.of(1n, -2n, 2n ** 63n - 1n)), `vector([1, -2, ${MAX}], 3, INTEGER)`],
    [vector(Float32Array.of(1.5, -0.25)), 'vector([1.5, -0.25], 2, FLOAT32)'],
    [vector(Float64Array.of(0.1, -1e300)), 'vector([0.1, -1e300], 2, FLOAT)'],
    [uuid('6f0f1a2b-1234-4321-8888-000102030405'), "uuid('6f0f1a2b-1234-4321-8888-000102030405')"]
  ].map(([value, cypher]) => ({ name: `${value}`, value, cypher, since: '2026' }))

/** All of them. @type {{ name, value, cypher?, same?, read?, since?, notByNpm?, integerModeOnly? }[]} */
export const values = [
  ...plain,
  ...integers,
  ...floats,
  ...strings,
  ...bytes,
  ...lists,
  ...temporal,
  ...zoned,
  ...points,
  ...newest()
]

/** Those that a server has. @param {string} version of Neo4j, such as '3.4' */
export const valuesOf = version => values.filter(({ since }) => !since || Number(since) <= Number(version))

/** A value as `disableLosslessIntegers` or `useBigInt` has it read, all of its parts included. */
export const inMode = (value, { disableLosslessIntegers, useBigInt }) => {
  const convert = part => {
    if (isInt(part)) {
      if (useBigInt) return part.toBigInt()
      return disableLosslessIntegers ? part.toNumberOrInfinity() : part
    }
    if (Array.isArray(part)) return part.map(convert)
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part)) return part
    if (neo4j.isVector(part) || neo4j.isUUID(part)) return part
    const copy = Object.create(Object.getPrototypeOf(part))
    for (const key of Object.keys(part)) copy[key] = convert(part[key])
    return copy
  }
  return convert(value)
}
