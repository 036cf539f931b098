/** What crosses as JSON. */

const { stringify } = JSON

/**
 * The JSON of plain data. Some libraries give all lists a `toJSON`, which `JSON.stringify` would ask: here none is asked.
 *
 * @throws TypeError when something is within itself
 */
export function jsonOf(value: object): string
export function jsonOf(value: unknown): string | undefined
export function jsonOf(value: unknown): string | undefined {
  return textOf(value, [])
}

/** @param around what the value is within */
function textOf(value: unknown, around: readonly object[]): string | undefined {
  if (typeof value !== 'object' || value === null) return stringify(value)
  if (around.includes(value)) throw new TypeError('it is circular')
  const within = [...around, value]
  if (Array.isArray(value)) return `[${value.map(item => textOf(item, within) ?? 'null').join()}]`
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    const json = textOf(member, within)
    if (json !== undefined) members.push(`${stringify(name)}:${json}`)
  }
  return `{${members.join()}}`
}
