/** Our classes in the place of those of `neo4j-driver-core`: libraries ask `x instanceof Driver` with core's. */

/**
 * A base for a class of ours whose instances are to be instances of core's. Core's constructor does not run, for it makes a driver of its
 * own; nor is any of core's methods inherited, for they look for what that constructor makes: each is ours, or is not there.
 */
export function baseOf<T extends object>(theirs: { readonly prototype: T }): new () => T {
  const none: PropertyDescriptorMap = {}
  for (let from = theirs.prototype; from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of Reflect.ownKeys(from)) none[name as string] = { configurable: true, writable: true }
  }
  function Base(): void {}
  Base.prototype = Object.create(theirs.prototype, none)
  return Base as unknown as new () => T
}

/** The same where core's constructor is only too slow: its methods do for ours. */
export function bareBaseOf<T extends object>(theirs: { readonly prototype: T }): new () => T {
  function Base(): void {}
  Base.prototype = theirs.prototype
  return Base as unknown as new () => T
}
