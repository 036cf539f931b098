/** `rxjs` is an optional peer: it is looked for when the first reactive session is asked for, and not before. */

import type * as Rxjs from 'rxjs'

let loaded: typeof Rxjs | undefined

/** @throws Error that says how to install it, with the loader's own error as its cause */
export function rxjs(): typeof Rxjs {
  if (loaded === undefined) {
    try {
      loaded = require('rxjs') as typeof Rxjs
    } catch (cause) {
      throw new Error('rxSession() needs the package rxjs, which is not installed: run "npm install rxjs"', {
        cause
      })
    }
  }
  return loaded
}

/** Work that starts anew for each subscriber, who gets what it comes to as one value. */
export function emitting<T>(work: () => Promise<T>): Rxjs.Observable<T> {
  return new (rxjs().Observable)<T>(subscriber => {
    work().then(
      value => {
        subscriber.next(value)
        subscriber.complete()
      },
      error => subscriber.error(error)
    )
  })
}

/** Work that starts anew for each subscriber, who only hears of its end. */
export function ending(work: () => Promise<unknown>): Rxjs.Observable<never> {
  return new (rxjs().Observable)<never>(subscriber => {
    work().then(
      () => subscriber.complete(),
      error => subscriber.error(error)
    )
  })
}
