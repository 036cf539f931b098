// What is made of results: transformers, and records as objects.
import neo4j, {
  type EagerResult,
  type Integer,
  type MappedQueryResult,
  type ResultTransformer,
  type Rules
} from 'neo4j-driver'

const driver = neo4j.driver('neo4j://localhost')

const eager: EagerResult = await driver.executeQuery(
  'RETURN 1',
  {},
  {
    resultTransformer: neo4j.resultTransformers.eagerResultTransformer()
  }
)
const shaped = await driver.executeQuery(
  'RETURN 1 AS n',
  {},
  {
    resultTransformer: neo4j.resultTransformers.eager<{ n: Integer }>()
  }
)
const n: Integer = shaped.records[0].get('n')
console.log(eager.keys, n.inSafeRange())

const mapped = await driver.executeQuery(
  'MATCH (p) RETURN p.name AS name',
  {},
  {
    resultTransformer: neo4j.resultTransformers.mappedResultTransformer({
      map: record => record.get('name') as string,
      collect: (names, summary, keys) => ({ names, took: summary.resultConsumedAfter, keys })
    })
  }
)
const names: string[] = mapped.names
const simple = await driver.executeQuery(
  'MATCH (p) RETURN p.name AS name',
  {},
  {
    resultTransformer: neo4j.resultTransformers.mapped({
      map: record => ({ name: String(record.get('name')) })
    })
  }
)
const objects: Array<{ name: string }> = simple.records
console.log(names, objects, simple.keys, simple.summary)

const first = await driver.executeQuery(
  'RETURN 1 AS n',
  {},
  {
    resultTransformer: neo4j.resultTransformers.first<{ n: number }>()
  }
)
if (first !== undefined) console.log(first.get('n') + 1)
const summary = await driver.executeQuery(
  'RETURN 1',
  {},
  {
    resultTransformer: neo4j.resultTransformers.summary<number>()
  }
)
const after: number = summary.resultAvailableAfter
console.log(after)

class Person {
  constructor(
    readonly name: string = '',
    readonly born?: number
  ) {}
}
const rules: Rules = {
  name: neo4j.rule.asString(),
  born: neo4j.rule.asNumber({ optional: true })
}
const hydrated = await driver.executeQuery(
  'MATCH (p) RETURN p',
  {},
  {
    resultTransformer: neo4j.resultTransformers.hydrated(Person, rules)
  }
)
const people: Person[] = hydrated.records
const session = driver.session()
const persons: MappedQueryResult<Person> = await session
  .run('MATCH (p) RETURN p.name AS name')
  .as(Person, rules)
const person: Person = (await session.run('RETURN 1')).records[0].as(Person)
for await (const each of session.run('RETURN 1').as<Person>(rules)) console.log(each.name)
neo4j.RecordObjectMapping.register(Person, rules)
console.log(people, persons.records[0].name, person.born)

const own: ResultTransformer<number> = async result => {
  let records = 0
  for await (const _ of result) records++
  return records
}
const total: number = await driver.executeQuery('RETURN 1', {}, { resultTransformer: own })
console.log(total)
