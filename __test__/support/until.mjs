// Waiting for a fact, never for a time.

/**
 * Polls until `condition` gives something true, and returns that. Fails with `what` when `deadline` ms have passed.
 */
export const until = async (condition, { deadline = 5000, what = String(condition), every = 3 } = {}) => {
  const end = performance.now() + deadline
  for (;;) {
    const seen = await condition()
    if (seen) return seen
    if (performance.now() > end) throw new Error(`not within ${deadline} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, every))
  }
}

/** Fails when `promise` has not settled within `deadline` ms. */
export const within = async (promise, deadline, what = 'a promise') => {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${deadline} ms: ${what}`)), deadline)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
