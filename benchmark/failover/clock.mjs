// The clock that all processes of the benchmark share: it never steps, and counts from the same moment in each of them.

/** Milliseconds since the machine was started, with fractions. */
export const now = () => Number(process.hrtime.bigint()) / 1e6
