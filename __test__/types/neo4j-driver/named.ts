// A CommonJS program of named imports, under the settings of old projects.
import {
  type AuthToken,
  auth,
  type Driver,
  driver,
  int,
  Neo4jError,
  type Session,
  session
} from 'neo4j-driver'

const token: AuthToken = auth.basic('neo4j', 'password')
const open: Driver = driver('bolt://localhost', token, { disableLosslessIntegers: true })

export async function count(label: string): Promise<number> {
  const reading: Session = open.session({ defaultAccessMode: session.READ })
  try {
    const { records } = await reading.run<{ n: number }>(
      'MATCH (n) WHERE $label IN labels(n) RETURN count(n) AS n',
      {
        label,
        limit: int(1)
      }
    )
    return records[0].get('n')
  } catch (error) {
    if (error instanceof Neo4jError) console.error(error.code)
    throw error
  } finally {
    await reading.close()
  }
}
