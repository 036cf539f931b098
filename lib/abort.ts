/** Aborting: an `AbortSignal` of the application ends work. A long-lived signal keeps nothing of what is over. */

import { clientError } from './errors'

/** Ends the watch over a signal. */
export type Unwatch = () => void

/**
 * @param where what the option is called, for the error
 * @throws Neo4jError when it is given and no signal
 */
export function checkSignal(signal: unknown, where: string): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined
  if (typeof (signal as AbortSignal).addEventListener !== 'function' || !('aborted' in (signal as object))) {
    throw clientError(`${where} takes an AbortSignal`)
  }
  return signal as AbortSignal
}

/** Calls `onAbort` with the reason when the signal is aborted, once, until the watch is ended. */
export function watch(signal: AbortSignal, onAbort: (reason: unknown) => void): Unwatch {
  const listener = (): void => onAbort(signal.reason)
  signal.addEventListener('abort', listener, { once: true })
  return () => signal.removeEventListener('abort', listener)
}

/** Rejects with the reason as soon as the signal is aborted; what `work` comes to then is of no interest. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  if (signal.aborted) {
    work.catch(() => {})
    return Promise.reject(signal.reason)
  }
  return new Promise((resolve, reject) => {
    const unwatch = watch(signal, reject)
    work.then(resolve, reject).finally(unwatch)
  })
}
