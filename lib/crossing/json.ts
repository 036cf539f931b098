/** What crosses as JSON. */

const { stringify } = JSON

/** The JSON of plain data. Some libraries give all lists a `toJSON`, which `JSON.stringify` would ask: here none is asked. */
export function jsonOf(value: object): string
export function jsonOf(value: unknown): string | undefined
export function jsonOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return stringify(value)
  if (Array.isArray(value)) return `[${value.map(item => jsonOf(item) ?? 'null').join()}]`
  const members: string[] = []
  for (const [name, member] of Object.entries(value)) {
    const json = jsonOf(member)
    if (json !== undefined) members.push(`${stringify(name)}:${json}`)
  }
  return `{${members.join()}}`
}
