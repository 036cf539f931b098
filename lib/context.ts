/** The context of `AsyncLocalStorage` in which an application gave us a function: that function is called in it. */

import { AsyncResource } from 'node:async_hooks'

/**
 * The context of whoever makes it. Without it, a function would see the context of whatever made us call it, such as another
 * request's.
 */
export class Context extends AsyncResource {
  constructor() {
    super('Neo4jCallback')
  }

  /** For tools that look for what keeps a process alive: this does not. */
  hasRef(): false {
    return false
  }

  /** Calls the function in this context. */
  run<A extends unknown[], R>(call: (...args: A) => R, ...args: A): R {
    return this.runInAsyncScope(call, undefined, ...args)
  }
}
