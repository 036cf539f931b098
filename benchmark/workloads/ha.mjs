// A workload of a cluster: small reads by all of its members.
import { rate } from './figures.mjs'
import { askBy, small } from './small.mjs'

const MEMBERS = 3

const byReader = async subject => {
  const session = await subject.openReaders(MEMBERS)
  return () => askBy(session(), subject.queries.one)
}

export const haWorkloads = [
  {
    name: 'ha-small-10',
    ...rate('queries'),
    floor: 5,
    goal: 15,
    measurement: small('ha-small-10', 10, byReader, { servers: ['replay'] }) // the members are its own
  }
]
