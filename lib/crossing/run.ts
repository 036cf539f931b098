/** Starts a query on the native side. */

import { encodeParameters } from '../codec/encode'
import type { ResultStream } from '../results/result-stream'
import type { NativeSession } from './native-module'

/**
 * The work starts before this returns; nobody has to await it. What goes wrong here, such as a parameter that cannot be sent, is the
 * result's error.
 */
export function startRun(
  stream: ResultStream,
  native: NativeSession,
  configJson: string | null,
  txMetadata: Uint8Array | null,
  how: 'run' | 'execute' = 'run'
): void {
  const { dispatcher } = stream.host
  let op = 0
  try {
    const { bytes, needs } = encodeParameters(stream.parameters)
    op = dispatcher.begin(stream)
    stream.op = op
    native[how](op, stream.query, bytes, needs, configJson, txMetadata)
  } catch (error) {
    const make = (): Error => error as Error
    if (op > 0) dispatcher.fail(op, make)
    else stream.fail(make)
  }
}
