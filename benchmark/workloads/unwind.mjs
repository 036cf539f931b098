// A workload of parameters: one query that takes many maps.
import { repeated, settle } from '../measure.mjs'

const WARM_UP_SECONDS = 1
const SECONDS = 2
const CITIES = ['Warszawa', 'London', 'Berlin', 'Tokyo']

const rows = Array.from({ length: 10_000 }, (_, i) => ({
  id: i,
  name: `Person number ${i}`,
  score: i * 0.37,
  active: i % 3 === 0,
  city: CITIES[i % CITIES.length]
}))

export const unwindWorkloads = [
  {
    name: 'unwind',
    unit: 'calls/s',
    better: 'higher',
    floor: 4,
    run: async (driver, queries) => {
      let answer
      const call = async () => {
        const session = driver.session()
        const { records } = await session.run(queries.unwind, { rows })
        const [record] = records
        answer = `${record.get('rows')} maps, numbers ${record.get('total')}, text ${record.get('text')}`
        await session.close()
      }
      await repeated(call, { seconds: WARM_UP_SECONDS })
      await settle()
      const { done, seconds, cpuSeconds } = await repeated(call, { seconds: SECONDS })
      return { value: done / seconds, cpu: cpuSeconds / done, checksum: answer }
    }
  }
]
