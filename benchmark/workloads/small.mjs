// Workloads of many small queries, so many at a time.
import { repeated, settle } from '../measure.mjs'

const WARM_UP_SECONDS = 1
const SECONDS = 2

/** Each on a session of its own. */
const bySession = async (driver, text) => {
  const session = driver.session()
  const { records } = await session.run(text)
  await session.close()
  return records[0]
}

/** Each in a transaction of its own, behind the one before it. */
const byExecuteQuery = async (driver, text) => {
  const { records } = await driver.executeQuery(text)
  return records[0]
}

const small = (name, ask) => concurrency => ({
  name: `${name}-${concurrency}`,
  unit: 'queries/s',
  better: 'higher',
  floor: 1.5,
  run: async (driver, queries) => {
    let sum = 0
    const query = async () => {
      const record = await ask(driver, queries.one)
      sum += record.get('n').toNumber()
    }
    await repeated(query, { concurrency, seconds: WARM_UP_SECONDS })
    await settle()
    sum = 0
    const { done, seconds, cpuSeconds } = await repeated(query, { concurrency, seconds: SECONDS })
    return { value: done / seconds, cpu: cpuSeconds / done, checksum: `each query answered ${sum / done}` }
  }
})

const CONCURRENCIES = [1, 10, 100]

export const smallWorkloads = [
  ...CONCURRENCIES.map(small('small', bySession)),
  ...CONCURRENCIES.map(small('execute', byExecuteQuery))
]
