/** Where the public objects keep what does their work. */

/**
 * Each has it in one property, `_impl`. In fields private by `#` it would be out of reach of a transparent proxy, or of an object that
 * inherits from them, as frameworks, tracers and containers make. Its name is a string, as those in `neo4j-driver`: a proxy that logs
 * the names of what passes through it puts them into text, where a symbol throws. It is not for those who print or copy the object.
 */
export function keep(face: object, impl: object): void {
  Object.defineProperty(face, '_impl', { value: impl, configurable: true })
}

/**
 * For classes of what is kept, whose own fields are private by `#`: frameworks that wrap whatever is read from an object they wrapped,
 * such as Vue, leave objects alone that have a name of their own.
 */
export function leaveAlone(type: { readonly name: string; readonly prototype: object }): void {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: type.name })
}
