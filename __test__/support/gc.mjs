// Collects garbage, in programs that were started without --expose-gc.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc')

/**
 * How many of these WeakRefs still hold something, once at most `most` do or after `rounds` collections. Each has a turn of its
 * own: looking at a WeakRef keeps what it refers to until the end of the turn.
 */
export async function held(refs, most = 0, rounds = 200) {
  let kept = refs.length
  for (let n = 0; n < rounds && kept > most; n++) {
    await new Promise(resolve => setTimeout(resolve, 10))
    gc()
    kept = refs.filter(ref => ref.deref() !== undefined).length
  }
  return kept
}
