/**
 * A native session whose work has to wait at times for a promise of the application: bookmarks from their
 * supplier. What is asked of it meanwhile is kept in order.
 */

import type { Engine } from './engine'
import { Aborted, clientError } from './errors'
import type { NativeSession } from './native'
import type { Shutdown } from './shutdown'

/** What `setTimeout` takes at most. */
const LONGEST_TIMER = 2 ** 31 - 1

type Call = (native: NativeSession) => void

interface Post {
  op: number
  kind: 'run' | 'begin' | 'end' | 'other'
  call: Call
}

export class LateSession implements NativeSession {
  /** Bookmarks of the work before. */
  follows: readonly string[] = []
  readonly #engine: Engine
  #native: NativeSession | null = null
  /** What waits, in order; null when nothing has to. */
  #posts: Post[] | null = null
  #holds = 0
  #refusal: (() => Error) | null = null

  readonly #open: () => NativeSession

  /** @param open makes the native session, when what it waits for is there */
  constructor(engine: Engine, open: () => NativeSession) {
    this.#engine = engine
    this.#open = open
  }

  /**
   * Lets all that is asked from now on wait for `promise`. If it is rejected, or not settled after so many milliseconds, what waits
   * fails by that; also when the driver is closed.
   */
  holdFor(promise: Promise<unknown>, shutdown: Shutdown, limit: number): void {
    this.#holds++
    this.#posts ??= []
    let isHeld = true
    const release = (refusal: (() => Error) | null): void => {
      if (!isHeld) return
      isHeld = false
      clearTimeout(timer)
      unwatch()
      this.#holds--
      this.#refusal ??= refusal
      if (this.#holds === 0) this.#release()
    }
    const timer = setTimeout(() => release(() => clientError(tooLate(limit))), Math.min(limit, LONGEST_TIMER))
    const unwatch = shutdown.watch(() => release(() => clientError('The driver is closed.')))
    promise.then(
      () => release(null),
      error => release(() => (error instanceof Error ? error : clientError(String(error))))
    )
  }

  /** Does `call` for an operation, now or when all that it waits for is there. */
  #post(op: number, kind: Post['kind'], call: Call): void {
    if (this.#posts === null) this.#do(op, call)
    else this.#posts.push({ op, kind, call })
  }

  #release(): void {
    const posts = this.#posts ?? []
    let refusal = this.#refusal
    this.#posts = null
    this.#refusal = null
    try {
      if (refusal === null) this.#native ??= this.#open()
    } catch (error) {
      refusal = () => error as Error
    }
    for (const { op, call } of posts) {
      if (refusal === null) this.#do(op, call)
      else this.#refuse(op, refusal)
    }
  }

  #do(op: number, call: Call): void {
    try {
      if (this.#native === null) throw clientError('There is no session: what it waited for has failed.')
      call(this.#native)
    } catch (error) {
      this.#refuse(op, () => error as Error)
    }
  }

  #refuse(op: number, make: () => Error): void {
    if (op > 0) this.#engine.fail(op, make)
  }

  run(
    op: number,
    query: string,
    params: Uint8Array,
    needs: number,
    config: string | null,
    metadata: Uint8Array | null
  ): void {
    // the encoder's memory is used again
    const kept = params.slice()
    const keptMetadata = metadata === null ? null : metadata.slice()
    this.#post(op, 'run', native => native.run(op, query, kept, needs, config, keptMetadata))
  }

  begin(op: number, config: string | null, metadata: Uint8Array | null): void {
    const kept = metadata === null ? null : metadata.slice()
    this.#post(op, 'begin', native => native.begin(op, config, kept))
  }

  commit(op: number): void {
    this.#post(op, 'end', native => native.commit(op))
  }

  rollback(op: number): void {
    this.#post(op, 'end', native => native.rollback(op))
  }

  close(op: number): void {
    this.#post(op, 'other', native => native.close(op))
  }

  /** What waits is never sent: a query, or a transaction up to its end. */
  abort(op: number): void {
    const at = this.#posts?.findIndex(post => post.op === op) ?? -1
    if (this.#posts === null || at < 0) {
      this.#native?.abort(op)
      return
    }
    const end = this.#posts.findIndex((post, i) => i > at && post.kind === 'end')
    const last = this.#posts[at].kind === 'run' ? at : end < 0 ? this.#posts.length - 1 : end
    for (const post of this.#posts.splice(at, last - at + 1)) this.#refuse(post.op, () => new Aborted(false))
  }

  more(op: number, batches: number): void {
    this.#native?.more(op, batches)
  }

  take(op: number, into: Uint8Array): boolean {
    return this.#native?.take(op, into) ?? false
  }

  deliver(op: number, restarts: number): boolean {
    return this.#native?.deliver(op, restarts) ?? true
  }

  cancel(op: number, keeps: boolean): void {
    // in its place: what has not begun must not be forgotten
    this.#post(0, 'other', native => native.cancel(op, keeps))
  }

  bookmarks(): string[] {
    return this.#native?.bookmarks() ?? []
  }

  home(): string | null {
    return this.#native?.home() ?? null
  }
}

function tooLate(limit: number): string {
  return `The bookmark manager gave no bookmarks in ${limit} ms (connectionAcquisitionTimeout). Look at its getBookmarks().`
}
