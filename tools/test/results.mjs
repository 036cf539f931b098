// What a stage of tests came to, read from what its runner wrote.

/**
 * @typedef {object} Result
 * @property {number} passed
 * @property {string[]} failed names
 * @property {{ name: string, reason: string }[]} skipped
 */

/** Reads the lines of `reporter.mjs`. @returns {Result} */
export function readNodeLines(text) {
  const result = { passed: 0, failed: [], skipped: [] }
  const unfinished = new Map()
  for (const line of text.split('\n')) {
    const event = parse(line)
    if (!event) continue
    const { kind, file, at, name, reason } = event
    const label = name ? `${file}: ${name}` : `${file} (the file itself)`
    const key = `${file}:${at}:${name.split(' > ').at(-1)}`
    if (kind === 'begin') unfinished.set(key, (unfinished.get(key) ?? 0) + 1)
    else unfinished.set(key, (unfinished.get(key) ?? 0) - 1)
    if (kind === 'pass') result.passed++
    if (kind === 'fail') result.failed.push(label)
    if (kind === 'skip') result.skipped.push({ name: label, reason })
  }
  for (const [key, count] of unfinished) {
    if (count > 0) result.failed.push(`${key} (it did not finish)`)
  }
  return result
}

function parse(line) {
  try {
    return JSON.parse(line)
  } catch {
    return null // cut off in the middle
  }
}

/** Reads what `cargo test` prints. @returns {Result} */
export function readCargoOutput(text) {
  const result = { passed: 0, failed: [], skipped: [] }
  let failed = 0
  for (const line of text.split('\n')) {
    const total = /^test result: \S+ (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line)
    if (total) {
      result.passed += Number(total[1])
      failed += Number(total[2])
    }
    const name = /^test (.+) \.\.\. (?:FAILED|failed)/.exec(line)
    if (name) result.failed.push(name[1])
    const ignored = /^test (.+) \.\.\. ignored(?:, (.*))?/.exec(line)
    if (ignored) result.skipped.push({ name: ignored[1], reason: ignored[2] ?? 'no reason given' })
  }
  // a test that prints while it fails can hide its own line
  while (result.failed.length < failed) result.failed.push('a Rust test (its name is in the output above)')
  return result
}
