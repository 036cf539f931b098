// A workload of parameters: one query that takes many maps.
import { repeated, settle, shares } from '../measure.mjs'
import { rate } from './figures.mjs'
import { inSession } from './read.mjs'

const WARM_UP_SECONDS = 0.5
const SECONDS = 1.5
const CITIES = ['Warszawa', 'London', 'Berlin', 'Tokyo']

const rows = Array.from({ length: 10_000 }, (_, i) => ({
  id: i,
  name: `Person number ${i}`,
  score: i * 0.37,
  active: i % 3 === 0,
  city: CITIES[i % CITIES.length]
}))

const unwind = {
  name: 'unwind',
  query: 'unwind',
  run: async subject => {
    const driver = subject.open()
    let answer
    const call = () =>
      inSession(driver, async session => {
        const { records } = await session.run(subject.queries.unwind, { rows })
        const [record] = records
        const [count, text] = ['rows', 'text'].map(key => record.get(key).toNumber())
        // In other languages maps have no order, and so the sum of their floats has none.
        answer = { rows: count, total: Math.round(record.get('total')), text }
      })
    await repeated(call, { seconds: WARM_UP_SECONDS })
    await settle()
    const { done, ...times } = await repeated(call, { seconds: SECONDS })
    return { ...shares(times, done), checksum: answer }
  }
}

export const unwindWorkloads = [
  { name: 'unwind', ...rate('calls'), floor: 11, goal: 18, measurement: unwind }
]
