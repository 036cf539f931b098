// Workloads of many small queries, each on a session of its own, so many at a time.
import { repeated, settle } from '../measure.mjs'

const WARM_UP_SECONDS = 1
const SECONDS = 2

const small = concurrency => ({
  name: `small-${concurrency}`,
  unit: 'queries/s',
  better: 'higher',
  floor: 1.5,
  run: async (driver, queries) => {
    let sum = 0
    const query = async () => {
      const session = driver.session()
      const { records } = await session.run(queries.one)
      sum += records[0].get('n').toNumber()
      await session.close()
    }
    await repeated(query, { concurrency, seconds: WARM_UP_SECONDS })
    await settle()
    sum = 0
    const { done, seconds, cpuSeconds } = await repeated(query, { concurrency, seconds: SECONDS })
    return { value: done / seconds, cpu: cpuSeconds / done, checksum: `each query answered ${sum / done}` }
  }
})

export const smallWorkloads = [1, 10, 100].map(small)
