// Workloads of many small queries, so many at a time.
import { repeated, settle, shares } from '../measure.mjs'
import { cpu, rate } from './figures.mjs'

const WARM_UP_SECONDS = 0.5
const SECONDS = 1.5

/**
 * Asks as often as it can, so many at a time.
 * @param open given the subject, gives what asks: an asynchronous function that gives a record
 */
export const small = (name, concurrency, open, { servers } = {}) => ({
  name,
  query: 'one',
  servers,
  run: async subject => {
    const ask = await open(subject)
    let sum = 0
    const query = async () => {
      const record = await ask()
      sum += record.get('n').toNumber()
    }
    await repeated(query, { concurrency, seconds: WARM_UP_SECONDS })
    await settle()
    sum = 0
    const { done, ...times } = await repeated(query, { concurrency, seconds: SECONDS })
    return { ...shares(times, done), checksum: { answered: sum / done } }
  }
})

/** One query on a session of its own. */
export const askBy = async (session, text) => {
  const { records } = await session.run(text)
  await session.close()
  return records[0]
}

const bySession = subject => {
  const driver = subject.open()
  return () => askBy(driver.session(), subject.queries.one)
}

/** In a transaction of its own, behind the one before it. */
const byExecuteQuery = subject => {
  const driver = subject.open()
  return async () => {
    const { records } = await driver.executeQuery(subject.queries.one)
    return records[0]
  }
}

const QUERIES_A_TRANSACTION = 3
const byTransaction = subject => {
  const driver = subject.open()
  return async () => {
    const session = driver.session()
    const record = await session.executeWrite(async transaction => {
      let last
      for (let i = 0; i < QUERIES_A_TRANSACTION; i++) last = await transaction.run(subject.queries.one)
      return last.records[0]
    })
    await session.close()
    return record
  }
}

const small10 = small('small-10', 10, bySession)
const QUERIES = rate('queries')

export const smallWorkloads = [
  { name: 'small-1', ...QUERIES, floor: 2.5, goal: 5, measurement: small('small-1', 1, bySession) },
  { name: 'small-10', ...QUERIES, floor: 9, goal: 16, measurement: small10 },
  { name: 'small-100', ...QUERIES, floor: 10, goal: 20, measurement: small('small-100', 100, bySession) },
  { name: 'small-cpu', ...cpu('query'), floor: 6, goal: 12, measurement: small10 },
  { name: 'execute-1', ...QUERIES, floor: 4, goal: 9, measurement: small('execute-1', 1, byExecuteQuery) },
  {
    name: 'execute-10',
    ...QUERIES,
    floor: 9,
    goal: 20,
    measurement: small('execute-10', 10, byExecuteQuery)
  },
  {
    name: 'execute-100',
    ...QUERIES,
    floor: 11,
    goal: 25,
    measurement: small('execute-100', 100, byExecuteQuery)
  },
  {
    name: 'transaction-10',
    ...rate('calls'),
    floor: 4,
    goal: 10,
    measurement: small('transaction-10', 10, byTransaction)
  }
]
