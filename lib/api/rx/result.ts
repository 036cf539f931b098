/**
 * A result as observables. It is cold: the query is sent when somebody first subscribes to one of them, and once. Records are taken
 * from the result's iterator one by one, so that a reader who pauses stops the server.
 */

import type { Record } from 'neo4j-driver-core'
import type { Observable, Subscriber } from 'rxjs'
import type { Summary } from '../../compat/summary'
import { Context } from '../../context'
import { clientError } from '../../errors'
import { keep, leaveAlone } from '../../impl'
import type { Cursor } from '../../results/cursor'
import { cursorOf, type Result } from '../result'
import { emitting, rxjs } from './rxjs'

export class RxResult {
  /** @internal */
  declare readonly _impl: RxResultImpl

  /** @internal */
  constructor(run: () => Result) {
    keep(this, new RxResultImpl(run))
  }

  /** The names of the fields, as one value. */
  keys(): Observable<string[]> {
    return this._impl.keys()
  }

  /** The records, for one subscriber. Unsubscribing discards the rest. */
  records(): Observable<Record> {
    return this._impl.records()
  }

  /** The summary, as one value. If nobody has subscribed to the records by then, they are discarded. */
  consume(): Observable<Summary> {
    return this._impl.consume()
  }

  /** Takes no further records until {@link RxResult.resume} or {@link RxResult.push}. */
  pause(): void {
    this._impl.pause()
  }

  /** Takes records again, as long as nobody pauses. Resolves when that ends. */
  resume(): Promise<void> {
    return this._impl.resume()
  }

  /** Takes one record more, and pauses. Resolves when the subscriber has it, or at once if there is none. */
  push(): Promise<void> {
    return this._impl.push()
  }
}

/** What does the work of a reactive result. */
class RxResultImpl {
  static {
    leaveAlone(RxResultImpl)
  }

  readonly #run: () => Result
  #started: Result | null = null
  #reading: Reading | null = null
  #summary: Promise<Summary> | null = null
  #paused = false

  constructor(run: () => Result) {
    this.#run = run
  }

  keys(): Observable<string[]> {
    return emitting(async () => this.#result.keys())
  }

  records(): Observable<Record> {
    return new (rxjs().Observable)<Record>(subscriber => {
      if (this.#summary !== null || this.#reading !== null) {
        subscriber.error(
          clientError(
            'Streaming has already started/consumed with a previous records or summary subscription.'
          )
        )
        return
      }
      let reading: Reading
      try {
        reading = new Reading(this.#result, subscriber, this.#paused)
      } catch (error) {
        subscriber.error(error)
        return
      }
      this.#reading = reading
      // As in neo4j-driver, also while it is paused.
      reading.push()
      return () => reading.stop()
    })
  }

  consume(): Observable<Summary> {
    return emitting(async () => {
      if (this.#reading !== null) return this.#reading.summary()
      this.#summary ??= this.#result.summary()
      return this.#summary
    })
  }

  pause(): void {
    this.#paused = true
    if (this.#reading !== null) this.#reading.paused = true
  }

  async resume(): Promise<void> {
    this.#paused = false
    if (this.#reading === null) return
    this.#reading.paused = false
    await this.#reading.take()
  }

  async push(): Promise<void> {
    this.pause()
    await this.#reading?.push()
  }

  get #result(): Result {
    this.#started ??= this.#run()
    return this.#started
  }
}

/** Records on their way to their subscriber. */
class Reading {
  readonly #result: Result
  readonly #cursor: Cursor<Record>
  readonly #subscriber: Subscriber<Record>
  /** Of whoever subscribes: others may let it go on. */
  readonly #context = new Context()
  /** How it ended. */
  readonly #end: Promise<Summary>
  #resolve!: (summary: Summary | PromiseLike<Summary>) => void
  #reject!: (error: unknown) => void
  /** Somebody asked for the summary. */
  #isAsked = false
  /** The subscriber has gone: how the work ends is the business of who asks. */
  #isLeft = false
  /** Of those who asked for a record each while it pauses. */
  readonly #pushed: (() => void)[] = []
  #taking: Promise<void> | null = null
  #ended = false
  paused: boolean

  constructor(result: Result, subscriber: Subscriber<Record>, paused: boolean) {
    this.#result = result
    this.#cursor = cursorOf(result)
    this.#subscriber = subscriber
    this.paused = paused
    this.#end = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // The subscriber gets the error; who wants the summary may never ask.
    this.#end.catch(() => {})
  }

  summary(): Promise<Summary> {
    if (this.#isLeft && !this.#isAsked) this.#resolve(this.#result.summary())
    this.#isAsked = true
    return this.#end
  }

  /** Gives the subscriber one record more. */
  push(): Promise<void> {
    return new Promise(resolve => {
      this.#pushed.push(resolve)
      this.take()
    })
  }

  /** Gives the subscriber records, as long as nobody pauses, and those that were asked for one by one. */
  take(): Promise<void> {
    if (this.#taking === null && !this.#wantsMore) this.#settlePushes()
    else this.#taking ??= this.#take()
    return this.#taking ?? Promise.resolve()
  }

  get #wantsMore(): boolean {
    return !this.#ended && (!this.paused || this.#pushed.length > 0)
  }

  async #take(): Promise<void> {
    while (this.#wantsMore) {
      const done = this.#pushed.shift()
      try {
        await this.#one()
      } catch (error) {
        this.#ended = true
        this.#reject(error)
        this.#context.run(() => this.#subscriber.error(error))
      }
      done?.()
    }
    this.#settlePushes()
    this.#taking = null
  }

  /** For those who asked for a record, nothing more comes. */
  #settlePushes(): void {
    for (const done of this.#pushed.splice(0)) done()
  }

  async #one(): Promise<void> {
    const next = await this.#cursor.next()
    if (this.#ended) return
    if (next.done !== true) {
      this.#context.run(() => this.#subscriber.next(next.value))
      return
    }
    this.#ended = true
    this.#resolve(next.value)
    this.#context.run(() => this.#subscriber.complete())
  }

  /** The subscriber has gone. */
  stop(): void {
    if (this.#ended) return
    this.#ended = true
    this.#isLeft = true
    this.#cursor.leave()
    if (this.#isAsked) this.#resolve(this.#result.summary())
  }
}
