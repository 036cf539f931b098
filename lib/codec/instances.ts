/**
 * A constructor of a class of core's that sets the properties which core's own would set, in their order: what it is given was checked
 * in Rust, and core's own checks each field again, or makes a closure for each.
 */
// biome-ignore lint/suspicious/noExplicitAny: a constructor of any of core's classes
export function constructorOf<C extends abstract new (...args: any) => object, A extends unknown[]>(
  core: C,
  init: (this: Record<string, unknown>, ...args: A) => void
): new (
  ...args: A
) => InstanceType<C> {
  init.prototype = core.prototype
  return init as unknown as new (
    ...args: A
  ) => InstanceType<C>
}
