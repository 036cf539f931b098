/**
 * Straight-line code for a shape seen often (`new Function`) is what makes rows, nodes and parameters fast; a
 * process started with `--disallow-code-generation-from-strings`, or under a policy of that kind, gets
 * closures instead.
 */

export { BoundedCache } from './cache.js'

/** Whether this process may compile code from text; found out once. */
export const canCompile: boolean = (() => {
  try {
    return new Function('return 1')() === 1
  } catch {
    return false
  }
})()

/**
 * Compiles `source`, the body of a function of the names in `scope`, and calls it with their values.
 * Only call it when {@link canCompile}. Text from outside goes into `source` through {@link literal} alone.
 */
export function compile<T>(scope: Readonly<Record<string, unknown>>, source: string): T {
  return new Function(...Object.keys(scope), `'use strict';${source}`)(...Object.values(scope)) as T
}

/** A JavaScript literal for any string, safe inside source text. */
export function literal(text: string): string {
  return JSON.stringify(text).replace(/[\u2028\u2029]/g, c => (c === '\u2028' ? '\\u2028' : '\\u2029'))
}

/** A property name inside an object literal; `__proto__` written plainly would set the prototype. */
export function propertyName(key: string): string {
  return key === '__proto__' ? '["__proto__"]' : literal(key)
}
