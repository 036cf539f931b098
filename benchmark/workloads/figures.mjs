// What a workload may show of its measurement.

export const rate = unit => ({ unit: `${unit}/s`, better: 'higher', figure: ({ rate }) => rate })

/** CPU time of all threads of the client. */
export const cpu = unit => ({ unit: `CPU us/${unit}`, better: 'lower', figure: ({ cpu }) => cpu * 1e6 })

/** The event loop's delay, `p50`, `p99` or `max`. */
export const loopDelay = which => ({ unit: 'ms', better: 'lower', figure: ({ delay }) => delay[which] })
