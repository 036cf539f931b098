// The judgement over a load: what the application was told, held against what the database has; and its report.

/**
 * One operation, and what the application was told.
 *
 * @typedef {object} Operation
 * @property {number} id
 * @property {string} kind `auto-commit`, `executeWrite`, `transaction` or `executeQuery`
 * @property {string} label
 * @property {boolean} isPair
 * @property {boolean} isCommitAsked of an explicit transaction
 * @property {number} begun
 * @property {number} [ended]
 * @property {'unsettled' | 'acknowledged' | 'unknown' | 'not done'} outcome
 * @property {Error} [error]
 * @property {string} [role] of the HA member that served it
 */

/**
 * Compares what the application was told with what is there.
 *
 * @param {Operation[]} operations
 * @param {Map<number, number>} found how often each id is there
 * @param {Map<number, number>} pairs the same of the second nodes
 * @param {{ proxy: number, number: number, cut: import('./proxy.mjs').Cut, when: number }[]} [cuts]
 */
export function judge(operations, found, pairs, cuts = []) {
  const violations = []
  const violated = (op, what) => violations.push(`${what}: ${tell(op, found.get(op.id) ?? 0, cuts)}`)
  for (const op of operations) {
    const times = found.get(op.id) ?? 0
    // without a COMMIT on its way nothing can have been done
    const isNotDone =
      op.outcome === 'not done' ||
      (op.kind === 'transaction' && op.outcome === 'unknown' && !op.isCommitAsked)
    if (op.outcome === 'unsettled') violated(op, 'not settled')
    if (op.outcome === 'acknowledged' && times === 0) violated(op, 'acknowledged but lost')
    if (times > 1) violated(op, 'done more than once')
    if (isNotDone && times > 0) violated(op, 'not done but found')
    if ((pairs.get(op.id) ?? 0) !== (op.isPair ? times : 0)) violated(op, 'done by half')
  }
  const strange = [...found.keys(), ...pairs.keys()].filter(id => !operations[id])
  if (strange.length > 0) violations.push(`found though nobody asked for them: ids ${strange.slice(0, 10)}`)
  const are = outcome => operations.filter(op => op.outcome === outcome)
  const unknown = are('unknown')
  const done = unknown.filter(({ id }) => found.has(id)).length
  return {
    violations,
    counts: {
      operations: operations.length,
      kinds: tally(operations, ({ kind }) => kind),
      acknowledged: are('acknowledged').length,
      roles: tally(are('acknowledged'), ({ role }) => role),
      unknown: { found: done, notFound: unknown.length - done },
      notDone: are('not done').length
    }
  }
}

/** All that is known of an operation, for its report. */
function tell({ id, kind, isPair, isCommitAsked, begun, ended, outcome, error }, times, cuts) {
  const under = cuts.filter(({ when }) => when >= begun && when <= ended)
  const lines = [
    `${kind} ${id}${isPair ? ' (two queries)' : ''}, ${outcome}, found ${times} times, took ${Math.round(ended - begun)} ms`,
    ...(kind === 'transaction' ? [isCommitAsked ? 'commit() was called' : 'commit() was not called'] : []),
    ...(error ? [`${error.code}: ${error.message}`] : []),
    ...under.map(({ proxy, number, cut, when }) => {
      return `cut after ${Math.round(when - begun)} ms: connection ${number} of member ${proxy}: ${JSON.stringify(cut)}`
    })
  ]
  return lines.slice(0, 30).join('\n    ')
}

/** The results of an experiment, for a person. */
export function report({ name, counts, errors, violations }) {
  const { operations, kinds, acknowledged, roles, unknown, notDone, opened, cut, cuts } = counts
  return [
    `${name}: ${operations} operations (${list(kinds)}); ${cut} of ${opened} connections cut (${list(cuts)})`,
    `  acknowledged ${acknowledged} (by role: ${list(roles)}); unknown ${unknown.found + unknown.notFound}, ` +
      `of these found ${unknown.found}, not found ${unknown.notFound}; not done ${notDone}`,
    ...Object.entries(errors).map(([text, times]) => `  ${times} x ${text}`),
    `  violations: ${violations.length}`,
    ...violations.slice(0, 20).map(text => `  - ${text}`)
  ].join('\n')
}

/** How many there are of each key. */
export const tally = (list, keyOf) => {
  const counts = {}
  for (const one of list) counts[keyOf(one)] = (counts[keyOf(one)] ?? 0) + 1
  return counts
}

const list = counts =>
  Object.entries(counts)
    .map(([name, n]) => `${n} ${name}`)
    .join(', ')
