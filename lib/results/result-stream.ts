/**
 * One result on its way: messages of the native side become records and a summary for whoever consumes them.
 *
 * Until somebody does, what comes is held: large batches stay on the native side, small ones are copied. Collected records
 * are lazy and own their batch; streamed ones are read out at once from memory that is used again. One large batch is
 * taken in a turn of the event loop, and the native side gets credit for the next when its consumer is ready for it.
 */

import type { Record } from 'neo4j-driver-core'
import { type Unwatch, watch } from '../abort'
import { Decoder, type IntegerMode } from '../codec/decode'
import type { Bytes } from '../codec/tape'
import type { Summary } from '../compat/summary'
import type { CreditSender, Dispatcher, Operation } from '../crossing/dispatcher'
import { Fact, Message, MessageWords } from '../crossing/format'
import { Inbox } from '../crossing/inbox'
import type { NativeSession } from '../crossing/native-module'
import { Aborted, abortedBy, clientError, errorOf, type Failure } from '../errors'
import { type Schema, schemaAt } from './keys'
import { type Answering, type Metadata, summaryOf } from './summary'

/** What takes a result. */
export interface Consumer {
  /** Whether records are kept: they are then lazy, and own their batch. */
  readonly keeps: boolean
  /** Whether there is room for another batch now; {@link ResultStream.resume} is called when there is again. */
  readonly ready: boolean
  /** It takes no records: it can have the end also after another consumer had them. */
  readonly takesNone?: boolean
  keys(keys: string[]): void
  records(records: Record[]): void
  /** Forgets the records it was given: they come again. Never called when they were not for keeping. */
  restart?(): void
  /**
   * Gives up what it has not read: nothing more comes but this error. Of those that take records at their own pace, and may have
   * stopped; the others are always given all.
   */
  drop?(error: () => Error): void
  end(summary: Summary): void
  /** The error is made when it is asked for: see `rejectLater`. */
  fail(error: () => Error): void
}

/** What a result needs of the driver it is from. */
export interface StreamHost {
  readonly dispatcher: Dispatcher
  readonly integers: IntegerMode
  answering(server: number, address: string): Answering
  /** Told of every failure of a server, once, before whoever waits for the work. */
  onFailure(failure: Failure): void
}

/** Who is told that a result has ended, before its consumer is. */
export interface StreamOwner {
  ended(stream: ResultStream, failed: boolean): void
}

/** A small batch with so many rows is decoded at once even when it is kept: what it would share is not worth it. */
const FEW_ROWS = 64
const FIRST_SCRATCH = 256 * 1024

let scratch = new Inbox(FIRST_SCRATCH)

interface Watcher<T> {
  known: (value: T) => void
  failed: (error: () => Error) => void
}

/** A batch that waits: bytes of one on the native side, or a copy. */
type Waiting = number | ArrayBuffer

export class ResultStream implements Operation, CreditSender {
  /** Number of the operation; 0 when there is none, because it could not start. */
  op = 0
  readonly query: string
  readonly parameters: object
  readonly host: StreamHost
  readonly native: NativeSession
  readonly #owner: StreamOwner
  #schema: Schema | null = null
  #decoder: Decoder | null = null
  #consumer: Consumer | null = null
  #waiting: Waiting[] | null = null
  #keyWatchers: Watcher<string[]>[] | null = null
  #endWatchers: Watcher<Summary>[] | null = null
  #turnAsked = false
  #credit = 0
  /** How often the result began anew. */
  #restarts = 0
  /** A record has reached the application: the result cannot begin anew. */
  #delivered = false
  #firstAfter = -1
  /** Its consumer takes no more, or there is none any more. */
  #cancelled = false
  /** A consumer was given records, which nobody else gets. */
  #consumed = false
  /** What its records are discarded for, if they are not all here by now. */
  #discarded: string | null = null
  /** Records were discarded. */
  #partial = false
  /** The last message came. */
  #over = false
  /** A consumer was told of the end. */
  #told = false
  /** Somebody else was. */
  #watched = false
  #summary: Summary | null = null
  #makeError: (() => Error) | null = null
  #error: Error | null = null
  #signal: AbortSignal | null = null
  #unwatch: Unwatch | null = null

  constructor(
    host: StreamHost,
    owner: StreamOwner,
    native: NativeSession,
    query: string,
    parameters: object
  ) {
    this.host = host
    this.#owner = owner
    this.native = native
    this.query = query
    this.parameters = parameters
  }

  /** Neither a summary nor an error has reached a consumer. */
  get isOpen(): boolean {
    return !this.#told && !this.#watched
  }

  /** The native side has no more to say. */
  get isOver(): boolean {
    return this.#over
  }

  get keys(): string[] | null {
    return this.#schema === null ? null : this.#schema.keys
  }

  get summary(): Summary | null {
    return this.#summary
  }

  get consumer(): Consumer | null {
    return this.#consumer
  }

  get failed(): boolean {
    return this.#makeError !== null
  }

  /** The error this result ended with: one object, however many are told of it. Made at the first look. */
  get error(): Error {
    if (this.#error === null && this.#makeError !== null) {
      const error = this.#makeError()
      this.#error =
        error instanceof Aborted && this.#signal !== null
          ? (abortedBy(this.#signal.reason, error) as Error)
          : error
    }
    return this.#error as Error
  }

  /** Gives the result to a consumer, beside those before it. What was held is delivered. */
  attach(consumer: Consumer): void {
    if (this.#schema !== null) consumer.keys(this.#schema.keys)
    const isWhole = this.#told && !this.#cancelled && !this.failed
    if ((this.#consumed || this.#cancelled) && !(isWhole && consumer.takesNone === true)) {
      if (this.failed) consumer.fail(() => this.error)
      else consumer.fail(() => this.#loss())
      return
    }
    if (this.#told) {
      this.#settle(consumer)
      return
    }
    this.#consumer = this.#consumer === null ? consumer : new Both(this.#consumer, consumer)
    if (this.#waiting !== null && this.#waiting.length > 0) this.#askTurn()
    else if (this.#over) this.#tell()
    else this.#sendCreditLater()
  }

  /** Calls back when the names of the fields are known, or never will be. Does not make anything be read. */
  whenKeys(known: (keys: string[]) => void, failed: (error: () => Error) => void): void {
    if (this.#schema !== null) known(this.#schema.keys)
    else if (this.#over) failed(() => this.error)
    else {
      this.#keyWatchers ??= []
      this.#keyWatchers.push({ known, failed })
    }
  }

  /** Calls back when the result has ended, and whoever reads it was given all. Does not make anything be read. */
  whenEnded(known: (summary: Summary) => void, failed: (error: () => Error) => void): void {
    if (!this.#over || (this.#consumer !== null && !this.#told)) {
      this.#endWatchers ??= []
      this.#endWatchers.push({ known, failed })
      return
    }
    this.#watched = true
    if (this.#summary !== null) known(this.#summary)
    else failed(() => this.error)
  }

  /** The consumer is ready again. */
  resume(): void {
    if (this.#waiting !== null && this.#waiting.length > 0) this.#askTurn()
    this.sendCredit()
  }

  /**
   * No more is read than the server was asked for already, unless whoever reads it takes all there is. What turns out to be
   * all of it stays for whoever comes; else he gets an error. Who begins to read in this very turn of JavaScript is in time.
   *
   * @param when what it was discarded by
   */
  discard(when: string): void {
    // `await` takes up a result in a microtask.
    queueMicrotask(() => queueMicrotask(() => this.#discard(when)))
  }

  #discard(when: string): void {
    if (this.#over || this.#cancelled || this.#discarded !== null) return
    if (this.#consumer === null) {
      this.#discarded = when
      this.native.cancel(this.op, true)
    } else if (this.#consumer.drop !== undefined) {
      this.#discarded = when
      this.#told = true
      this.#consumer.drop(() => this.#loss())
      this.cancel()
    }
  }

  /** Why records are not there any more. */
  #loss(): Error {
    return clientError(
      this.#discarded === null
        ? 'Result is already consumed'
        : `The result was discarded ${this.#discarded}; read it before`
    )
  }

  /** Its consumer takes no more. Its end still comes. */
  cancel(): void {
    if (this.#cancelled) return
    this.#cancelled = true
    const isHeld = this.#waiting !== null && this.#waiting.length > 0
    this.#waiting = null
    if (!this.#over || isHeld) this.native.cancel(this.op, false)
    if (this.#over && !this.#told && this.#consumer !== null) this.#tell()
  }

  /**
   * An abort of the signal ends the result, until its end was told. Where `stop` makes the native side end it, that also says how
   * far the work got.
   */
  abortBy(signal: AbortSignal, stop?: () => void): void {
    if (this.#over) return
    this.#signal = signal
    this.#unwatch = watch(signal, reason => {
      if (stop === undefined || this.#over) this.abort(reason)
      else stop()
    })
  }

  /** Ends the result with the reason of an abort. */
  abort(reason: unknown): void {
    if (this.#told) return
    this.#summary = null
    this.#error = reason as Error
    this.#makeError = () => reason as Error
    this.cancel()
    if (!this.#over) this.#end(true, this.#makeError)
  }

  /** Ends the result by an error of this side: it could not start, or its consumer broke. */
  fail(make: () => Error): void {
    if (this.#over) return
    this.#end(true, make)
  }

  // ---- from the native side ----

  receive(kind: number, inbox: Inbox, at: number): void {
    // It was aborted.
    if (this.#over) return
    switch (kind) {
      case Message.Batch:
        this.#batch(inbox, at)
        break
      case Message.Summary:
        this.#end(false, null, this.#summaryAt(inbox, at))
        break
      case Message.Keys:
        this.#schema = schemaAt(inbox, at)
        this.#firstAfter = inbox.word(at, 2)
        if (this.#restarts === 0) this.#consumer?.keys(this.#schema.keys)
        if (this.#keyWatchers !== null) this.#tellKeys()
        break
      case Message.Restart:
        this.#restart()
        break
      case Message.Ready:
        if (!this.#cancelled) this.#hold(inbox.arg(at))
        break
      default: {
        const failure = inbox.json(at, 0, inbox.arg(at)) as Failure
        this.host.onFailure(failure)
        if (failure.aborted === true) this.cancel()
        this.#end(true, () => errorOf(failure, this.host.integers))
      }
    }
  }

  sendCredit(): void {
    if (this.#credit > 0 && !this.#over && !this.#cancelled && this.#consumer?.ready === true) {
      this.native.more(this.op, this.#credit)
      this.#credit = 0
    }
  }

  #batch(inbox: Inbox, at: number): void {
    if (this.#cancelled) return
    const start = at + 4 * MessageWords.HEADER
    if (this.#consumer === null || (this.#waiting !== null && this.#waiting.length > 0)) {
      this.#hold(copyOf(inbox, start))
      return
    }
    if (!this.#mayDeliver(this.#consumer)) return
    try {
      this.#deliver(
        this.#consumer.keeps && inbox.arg(at) > FEW_ROWS
          ? this.#theDecoder().lazyBatch(copyOf(inbox, start))
          : this.#theDecoder().eagerBatch(inbox.i32, inbox.f64, inbox.u8, start)
      )
    } catch (error) {
      this.#break(error as Error)
    }
  }

  /** The connection was lost and the query was sent again; nothing of the first attempt has reached the application. */
  #restart(): void {
    this.#restarts++
    this.#decoder = null
    this.#waiting = null
    this.#credit = 0
    this.#consumed = false
    this.#consumer?.restart?.()
  }

  /** Whether records may reach the application now. If not, they come again. */
  #mayDeliver(consumer: Consumer): boolean {
    if (!this.#delivered && !consumer.keeps) this.#delivered = this.native.deliver(this.op, this.#restarts)
    return consumer.keeps || this.#delivered
  }

  #hold(batch: Waiting): void {
    if (this.#waiting === null) this.#waiting = [batch]
    else this.#waiting.push(batch)
    this.#askTurn()
  }

  #askTurn(): void {
    if (this.#turnAsked || this.#consumer?.ready !== true) return
    this.#turnAsked = true
    this.host.dispatcher.later(() => this.#turn())
  }

  /** Delivers the batch that has waited longest. */
  #turn(): void {
    this.#turnAsked = false
    if (this.#consumer?.ready !== true) return
    const batch = this.#waiting?.shift()
    if (batch !== undefined && this.#mayDeliver(this.#consumer)) {
      try {
        const records = this.#decode(batch, this.#consumer.keeps)
        if (records !== null) this.#deliver(records)
      } catch (error) {
        this.#break(error as Error)
      }
    }
    if (this.#waiting !== null && this.#waiting.length > 0) this.#askTurn()
    else if (this.#over) this.#tell()
  }

  /** Null for a batch that is no more: the result begins anew. */
  #decode(batch: Waiting, keeps: boolean): Record[] | null {
    const decoder = this.#theDecoder()
    if (typeof batch !== 'number') {
      const i32 = new Int32Array(batch)
      return keeps && i32[0] > FEW_ROWS
        ? decoder.lazyBatch(batch)
        : decoder.eagerBatch(i32, new Float64Array(batch), Buffer.from(batch), 0)
    }
    if (keeps) {
      const own = new ArrayBuffer(batch)
      return this.native.take(this.op, new Uint8Array(own)) ? decoder.lazyBatch(own) : null
    }
    if (scratch.u8.length < batch) scratch = new Inbox(2 ** Math.ceil(Math.log2(batch)))
    if (!this.native.take(this.op, scratch.u8.subarray(0, batch))) return null
    return decoder.eagerBatch(scratch.i32, scratch.f64, scratch.u8, 0)
  }

  #theDecoder(): Decoder {
    if (this.#decoder === null) {
      this.#decoder = new Decoder(this.host.integers)
      if (this.#schema !== null) this.#decoder.setKeys(this.#schema.keys, this.#schema.lookup)
    }
    return this.#decoder
  }

  #deliver(records: Record[]): void {
    this.#credit++
    this.#consumed = true
    this.#consumer?.records(records)
    this.#sendCreditLater()
  }

  #sendCreditLater(): void {
    if (this.#credit > 0 && !this.#over) this.host.dispatcher.sendCreditLater(this)
  }

  #summaryAt(inbox: Inbox, at: number): Summary {
    const facts = inbox.word(at, 2)
    this.#partial = (facts & Fact.IS_PARTIAL) !== 0
    // Its strings are numbered from 0, so that it can be read whether or not the batches before it were.
    const decoder = new Decoder(this.host.integers)
    const start = at + 4 * (MessageWords.HEADER + MessageWords.PREFIX)
    const agentAt = start + inbox.arg(at)
    const { agent, address } = speakerOf(
      (inbox.u8 as Bytes).latin1Slice(agentAt, agentAt + inbox.word(at, 3))
    )
    return summaryOf(
      this.query,
      this.parameters,
      decoder.value(inbox.i32, inbox.f64, inbox.u8, start) as Metadata,
      inbox.word(at, 1),
      this.#firstAfter,
      {
        hasRecords: (facts & Fact.HAS_RECORDS) !== 0,
        hasKeys: (this.#schema?.keys.length ?? 0) > 0,
        pulled: true
      },
      this.host.answering(inbox.word(at, 0), address),
      agent,
      this.host.integers
    )
  }

  #end(failed: boolean, makeError: (() => Error) | null, summary: Summary | null = null): void {
    this.#over = true
    if (this.#makeError === null) {
      this.#makeError = makeError
      this.#summary = summary
    }
    if (this.#partial && this.#discarded !== null) this.#waiting = null
    if (this.#keyWatchers !== null) this.#tellKeys()
    this.#owner.ended(this, failed)
    if (this.#consumer === null || this.#told) {
      this.#letGo()
      this.#tellEnd()
    } else if (this.#waiting === null || this.#waiting.length === 0) this.#tell()
  }

  #tell(): void {
    if (this.#told) return
    this.#told = true
    this.#letGo()
    this.#settle(this.#consumer as Consumer)
    if (this.#over) this.#tellEnd()
  }

  #tellEnd(): void {
    const watchers = this.#endWatchers ?? []
    this.#endWatchers = null
    for (const { known, failed } of watchers) this.whenEnded(known, failed)
  }

  /** The signal has nothing more to end. */
  #letGo(): void {
    this.#unwatch?.()
    this.#unwatch = null
  }

  #tellKeys(): void {
    const watchers = this.#keyWatchers ?? []
    this.#keyWatchers = null
    for (const { known, failed } of watchers) this.whenKeys(known, failed)
  }

  #settle(consumer: Consumer): void {
    if (this.#summary !== null && this.#partial && this.#discarded !== null) consumer.fail(() => this.#loss())
    else if (this.#summary !== null) consumer.end(this.#summary)
    else consumer.fail(() => this.error)
  }

  /** A consumer threw (a callback or a mapping of the user's), or a batch could not be read: nothing more is delivered. */
  #break(error: Error): void {
    this.#makeError = () => error
    this.#error = error
    this.#summary = null
    this.cancel()
    this.#tell()
  }
}

/** Two consumers of one result: what one keeps cannot be lazy if the other is streamed to. */
class Both implements Consumer {
  constructor(
    readonly first: Consumer,
    readonly second: Consumer
  ) {}

  get keeps(): boolean {
    return this.first.keeps && this.second.keeps
  }

  get ready(): boolean {
    return this.first.ready && this.second.ready
  }

  keys(keys: string[]): void {
    this.first.keys(keys)
    this.second.keys(keys)
  }

  records(records: Record[]): void {
    this.first.records(records)
    this.second.records(records)
  }

  restart(): void {
    this.first.restart?.()
    this.second.restart?.()
  }

  end(summary: Summary): void {
    this.first.end(summary)
    this.second.end(summary)
  }

  fail(error: () => Error): void {
    this.first.fail(error)
    this.second.fail(error)
  }
}

/** Who answered last: mostly the same server answers again. */
let speaker = { text: '', agent: '', address: '' }

/** The two lines of `text`: what the server calls itself, and its address. */
function speakerOf(text: string): { agent: string; address: string } {
  if (text !== speaker.text) {
    const [agent, address] = text.split('\n')
    speaker = { text, agent, address }
  }
  return speaker
}

/** The batch at byte `start`, in memory of its own. */
function copyOf(inbox: Inbox, start: number): ArrayBuffer {
  const length = inbox.i32[(start >> 2) + BYTE_LENGTH_WORD]
  return inbox.i32.buffer.slice(start, start + length) as ArrayBuffer
}

/** Word of a batch's header that holds its length. */
const BYTE_LENGTH_WORD = 10
