// All workloads, in the order they run.
//
// A workload is `{name, unit, better: 'higher' | 'lower', floor?, run(driver, queries)}`: `floor` is the ratio that the
// project promises, `queries` the server's texts, and `run` resolves to `{value, cpu?, checksum}`, of which `value` is the
// figure in `unit`, `cpu` the client's CPU seconds for one row, query or call, and `checksum` a text that says what was read.
import { resultWorkloads } from './result.mjs'
import { smallWorkloads } from './small.mjs'
import { unwindWorkloads } from './unwind.mjs'

export const workloads = [...resultWorkloads, ...smallWorkloads, ...unwindWorkloads]
