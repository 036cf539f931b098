// All workloads, in the order they run.
//
// A workload is a line of the table: `{name, unit, better: 'higher' | 'lower', floor?, goal?, measurement, figure(measured)}`.
// `floor` is the ratio that the project promises, and `goal` the one that it wants; `figure` takes what is shown, in `unit`, from what the
// measurement has told: several may be taken from one.
//
// A measurement is `{name, query, servers?, run(subject)}`: `query` is which of the server's texts it asks; `servers` are the names of
// those that it works on, all without; and `run`, given a `Subject`, resolves to what `shares` of `measure.mjs` tells and to
// `checksum`, an object that says what was read, and maybe more for the figures.
import { haWorkloads } from './ha.mjs'
import { latencyWorkloads } from './latency.mjs'
import { resultWorkloads } from './result.mjs'
import { smallWorkloads } from './small.mjs'
import { startWorkloads } from './start.mjs'
import { unwindWorkloads } from './unwind.mjs'

export const workloads = [
  ...resultWorkloads,
  ...smallWorkloads,
  ...latencyWorkloads,
  ...unwindWorkloads,
  ...startWorkloads,
  ...haWorkloads
]

export const measurements = [...new Set(workloads.map(({ measurement }) => measurement))]
