// Values as parameters and in records.
import neo4j, {
  Date as CypherDate,
  DateTime,
  Duration,
  type Integer,
  int,
  isInt,
  LocalDateTime,
  LocalTime,
  type Node,
  type Path,
  type PathSegment,
  Point,
  type Relationship,
  Time,
  type UnboundRelationship
} from 'neo4j-driver'

interface PersonProperties {
  name: string
  born: Integer
}
type Person = Node<Integer, PersonProperties, 'Person'>
type Knows = Relationship<number, { since: number }, 'KNOWS'>

const driver = neo4j.driver('bolt://localhost')
const session = driver.session()
const { records } = await session.run<{ p: Person; k: Knows; path: Path; when: DateTime<number> }>(
  'MATCH ...'
)
const [record] = records
const person = record.get('p')
const label: 'Person' = person.labels[0]
const born: number = person.properties.born.toNumber()
const type: 'KNOWS' = record.get('k').type
const since: number = record.get('k').properties.since + record.get('when').year
const segments: PathSegment[] = record.get('path').segments
console.log(label, born, type, since, segments, person.elementId, person.identity.toString())

const big: Integer = int('9007199254740993').add(1).multiply(int(2))
const same: number = neo4j.integer.toNumber(big) + neo4j.int(7n).toNumber()
const text: string = neo4j.integer.toString(big, 16)
console.log(
  same,
  text,
  neo4j.integer.inSafeRange(big),
  big.toBigInt(),
  neo4j.Integer.MAX_VALUE.greaterThan(big)
)
const unknown: unknown = record.get('p')
if (isInt(unknown as object)) console.log('an integer')
if (neo4j.isNode(unknown as object)) console.log('a node')
if (neo4j.graph.isPath(unknown as object) || neo4j.spatial.isPoint(unknown as object))
  console.log('one of these')

const date: CypherDate<number> = new CypherDate(2024, 2, 29)
const parameters = {
  date,
  today: CypherDate.fromStandardDate(new globalThis.Date()),
  time: new Time(1, 2, 3, 4, 3600),
  local: new LocalTime(1, 2, 3, 4),
  dateTime: DateTime.fromStandardDate(new globalThis.Date()),
  zoned: new DateTime(2024, 1, 2, 3, 4, 5, 6, undefined, 'Europe/Berlin'),
  localDateTime: new LocalDateTime(2024, 1, 2, 3, 4, 5, 6),
  duration: new Duration(1, 2, 3, 4),
  point: new Point(4326, 1, 2),
  vector: neo4j.vector(new Float32Array([1, 2])),
  uuid: neo4j.uuid('123e4567-e89b-12d3-a456-426614174000'),
  bytes: new Int8Array([1]),
  list: [1, 2n, 'three', null],
  map: { nested: { deeper: true } }
}
await session.run('RETURN $date', parameters)
const standard: globalThis.Date = parameters.dateTime.toStandardDate()
const point: Point<number> = parameters.point
const { Node: NodeClass, DateTime: Zoned } = neo4j.types
if (unknown instanceof NodeClass && unknown instanceof Zoned) console.log('never')
if (neo4j.temporal.isDuration({}) || neo4j.isVector({}) || neo4j.isUUID({}) || neo4j.isUnsupportedType({}))
  console.log('never')
const unbound: UnboundRelationship<number> | undefined = undefined
console.log(standard, point.srid, unbound, date.toString(), parameters.vector.asTypedArray())
