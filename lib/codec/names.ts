import { BoundedCache } from './cache.js'

// Names of properties, labels and fields.
const names = new BoundedCache<string, string>(20_000)

/**
 * The same text as the string that V8 uses for property names: comparing and looking up is then by address.
 */
export function internalised(text: string): string {
  return names.get(text) ?? internalise(text)
}

function internalise(text: string): string {
  for (const name in { [text]: 0 }) return names.set(name, name)
  return text
}

/** Sets an own property whatever its name, `__proto__` included. */
export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}
