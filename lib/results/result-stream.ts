/**
 * One result on its way: messages of the native side become records and a summary for whoever reads them.
 *
 * Until somebody does, what comes is held: large batches stay on the native side, small ones are copied. Records are read out of
 * memory that is used again, and hold nothing of it. One large batch is taken in a turn of the event loop, and the native side gets
 * credit for the next when a reader is ready for it.
 */

import type { Record } from 'neo4j-driver-core'
import { type Unwatch, watch } from '../abort'
import { Decoder } from '../codec/decode'
import { encodeParameters } from '../codec/encode'
import type { Summary } from '../compat/summary'
import type { CreditSender, Dispatcher, Operation } from '../crossing/dispatcher'
import { Inbox } from '../crossing/inbox'
import type { NativeSession } from '../crossing/native-module'
import { Aborted, abortedBy, clientError, errorOf, type Failure } from '../errors'
import { inMicrotask, throwLater } from '../event-loop'
import { BatchWords, Fact, Message, MessageWords } from '../format'
import { type Schema, schemaAt } from './keys'
import { type SummaryHost, summaryAt } from './summary'

/** Whoever is given the records of a result. */
export interface Reader {
  /** All it was given, if it keeps that: it is there for later readers too. */
  kept?(): readonly unknown[]
  /** It takes all there is, as it comes. Others take records at their own pace, and may have stopped. */
  readonly takesAll: boolean
  /** Whether there is room for another batch now; {@link ResultStream.resume} is called when there is again. */
  readonly ready: boolean
  /** Somebody waits for what comes next. */
  readonly waits: boolean
  /** Somebody is told of an error. */
  readonly hears: boolean
  keys?(keys: string[]): void
  records(records: unknown[]): void
  /** Forgets the records it was given: they come again. Never called when they were not for keeping. */
  restart?(): void
  end(summary: Summary): void
  /** The error comes behind the records. It is made when it is asked for: see `rejectLater`. */
  fail(error: () => Error): void
  /** The error comes in place of all that was not read yet. */
  drop(error: () => Error): void
}

/** What becomes of the records of a result. */
type Life =
  /** Nobody reads it. What comes is held. */
  | 'unclaimed'
  /** Its readers are given what comes. */
  | 'claimed'
  /** Its readers were given all there was. */
  | 'ended'
  | Discarded

/** They are for nobody. */
interface Discarded {
  /** What whoever reads it is told. */
  readonly reason: () => Error
}

/** What a result needs of the driver it is from. */
export interface StreamHost extends SummaryHost {
  readonly dispatcher: Dispatcher
  /** The option `parameterConversion`. */
  readonly parametersAsNeo4jDriver: boolean
  /** Told of every failure of a server, once, before whoever waits for the work. */
  onFailure(failure: Failure): void
}

/** Whose result it is: hears of its end before its readers do. */
export interface StreamOwner {
  /** Nothing of it is under way any more. */
  ended(stream: ResultStream): void
  failed?(stream: ResultStream): void
  /** A reader was given what it waited for. */
  served?(): void
}

const FIRST_SCRATCH = 256 * 1024

let scratch = new Inbox(FIRST_SCRATCH)

interface Watcher<T> {
  known: (value: T) => void
  failed: (error: () => Error) => void
}

const NOBODY: readonly Reader[] = []
const EMPTY: readonly unknown[] = []

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
  /** What records are made into, for all readers. */
  #mapper: ((record: Record) => unknown) | null = null
  #life: Life = 'unclaimed'
  #readers: readonly Reader[] = NOBODY
  /** Readers were given records. */
  #given = false
  /** What its records are discarded by, if it turns out that they are not all here. */
  #unlessWhole: string | null = null
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
  /** How the work ended: its summary, or its error. */
  #summary: Summary | null = null
  #makeError: (() => Error) | null = null
  #error: Error | null = null
  /** Somebody was told of that. */
  #told = false
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

  /** Neither a summary nor an error has reached anybody. */
  get isOpen(): boolean {
    return !this.#told
  }

  /** Somebody waits for something of it. */
  get isAwaited(): boolean {
    return (
      this.#keyWatchers !== null || this.#endWatchers !== null || this.#readers.some(({ waits }) => waits)
    )
  }

  /** Names of the fields; null while they are not known. */
  get keys(): string[] | null {
    return this.#schema === null ? null : this.#schema.keys
  }

  get summary(): Summary | null {
    return this.#summary
  }

  /** The error the work ended with: one object, however many are told of it. Made at the first look. */
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

  /** Somebody looked at the error that the work ended with. */
  get hasShownError(): boolean {
    return this.#error !== null
  }

  /** The native side has no more to say. */
  get #isOver(): boolean {
    return this.#summary !== null || this.#makeError !== null
  }

  /** Who reads it now is given all of it. */
  get #isLive(): boolean {
    return this.#life === 'unclaimed' || this.#life === 'claimed'
  }

  get #isHeld(): boolean {
    return this.#waiting !== null && this.#waiting.length > 0
  }

  /**
   * Starts the query. The work starts before this returns; nobody has to await it. What goes wrong here, such as a parameter that
   * cannot be sent, is the result's error.
   */
  start(configJson: string | null, txMetadata: Uint8Array | null, how: 'run' | 'execute' = 'run'): void {
    const { dispatcher } = this.host
    try {
      const { bytes, needs } = encodeParameters(this.parameters, this.host.parametersAsNeo4jDriver)
      this.op = dispatcher.begin(this)
      this.native[how](this.op, this.query, bytes, needs, configJson, txMetadata)
    } catch (error) {
      const make = (): Error => error as Error
      if (this.op > 0) dispatcher.fail(this.op, make)
      else this.fail(make)
    }
  }

  // ---- readers ----

  /**
   * What records are made into, for all readers.
   *
   * @throws Neo4jError when somebody reads them already
   */
  map(mapper: (record: Record) => unknown): void {
    if (this.#readers.length > 0) throw clientError('Cannot call .as() on a Result that is being consumed')
    this.#mapper = mapper
  }

  /** Gives the result to a reader, beside those before it: all of it, or an error. */
  attach(reader: Reader): void {
    const kept = this.#given ? this.#readers.find(other => other.kept !== undefined)?.kept?.() : EMPTY
    if (kept === undefined || !this.#isLive) {
      this.#attachLate(reader, kept)
      return
    }
    this.#life = 'claimed'
    this.#readers = this.#readers.length === 0 ? [reader] : [...this.#readers, reader]
    try {
      if (this.#schema !== null) reader.keys?.(this.#schema.keys)
      if (kept.length > 0 && this.#mayDeliver()) reader.records(kept.slice())
    } catch (error) {
      this.#break(error)
    }
    if (this.#isHeld) this.#askTurn()
    else if (this.#isOver) this.#tell()
    else this.#sendCreditLater()
  }

  /** Nothing more comes: the reader gets what others were given, if it is there. */
  #attachLate(reader: Reader, kept: readonly unknown[] | undefined): void {
    const life = this.#life
    this.#told ||= life !== 'claimed'
    try {
      if (this.#schema !== null) reader.keys?.(this.#schema.keys)
      if (typeof life === 'object') reader.fail(life.reason)
      else if (this.#makeError !== null) reader.fail(() => this.error)
      else if (kept === undefined || this.#summary === null) reader.fail(consumed)
      else {
        if (kept.length > 0) reader.records(kept.slice())
        reader.end(this.#summary)
      }
    } catch (error) {
      refuse(reader, error)
    }
  }

  /** Tells a reader that takes no records of the names and the end, and does not make anything be read. */
  follow(reader: Reader): void {
    this.whenKeys(
      keys => {
        try {
          reader.keys?.(keys)
        } catch (error) {
          refuse(reader, error)
          this.#break(error)
        }
      },
      () => {}
    )
    this.whenEnded(
      summary => reader.end(summary),
      error => reader.fail(error)
    )
  }

  /** The reader takes no more. Without others, what is left is for nobody. */
  leave(reader: Reader): void {
    this.#readers = this.#readers.filter(other => other !== reader)
    if (this.#readers.length > 0) this.resume()
    else if (this.#isLive) this.#lose(consumed)
  }

  /** A reader is ready again. */
  resume(): void {
    if (this.#isHeld) this.#askTurn()
    this.sendCredit()
  }

  /** A reader was given what it waited for. */
  served(): void {
    this.#owner.served?.()
  }

  /** Calls back when the names of the fields are known, or never will be. Does not make anything be read. */
  whenKeys(known: (keys: string[]) => void, failed: (error: () => Error) => void): void {
    if (this.#schema !== null) known(this.#schema.keys)
    else if (this.#isOver) failed(() => this.error)
    else {
      this.#keyWatchers ??= []
      this.#keyWatchers.push({ known, failed })
    }
  }

  /** Calls back when the work has ended, and who takes all was given all. Does not make anything be read. */
  whenEnded(known: (summary: Summary) => void, failed: (error: () => Error) => void): void {
    if (!this.#isSettled) {
      this.#endWatchers ??= []
      this.#endWatchers.push({ known, failed })
      return
    }
    this.#told = true
    if (this.#summary !== null) known(this.#summary)
    else failed(() => this.error)
  }

  /** A reader at a pace of its own may have stopped: it is not waited for. */
  get #isSettled(): boolean {
    return this.#isOver && (this.#life !== 'claimed' || !this.#readers.some(({ takesAll }) => takesAll))
  }

  // ---- ends before its end ----

  /**
   * No more is read than the server was asked for already, unless somebody takes all there is. What turns out to be all of it stays
   * for whoever reads it; else he gets an error. Who begins to read in this very turn of JavaScript is in time.
   *
   * @param when what it was discarded by
   */
  discard(when: string): void {
    if (this.#given) this.#discard(when)
    // `await` takes up a result in a microtask.
    else inMicrotask(() => inMicrotask(() => this.#discard(when)))
  }

  #discard(when: string): void {
    if (this.#isOver || !this.#isLive || this.#unlessWhole !== null) return
    if (this.#readers.some(({ takesAll }) => takesAll)) return
    this.#unlessWhole = when
    this.native.cancel(this.op, true)
  }

  /** The one place where records are given up: nobody gets more of them. How the work ends is still told. */
  #lose(reason: () => Error): void {
    const readers = this.#readers
    if (!this.#isOver || this.#isHeld) this.native.cancel(this.op, false)
    this.#life = { reason }
    this.#readers = NOBODY
    this.#waiting = null
    this.#letGo()
    if (this.#isOver) this.#owner.ended(this)
    for (const reader of readers) {
      this.#told = true
      reader.drop(reason)
    }
    if (this.#isOver) this.#tellEnd()
  }

  /** A callback or a mapping of the application threw, or a batch could not be read: nothing more is delivered. */
  #break(error: unknown): void {
    if (!this.#isLive) return
    const hearing = this.#readers.filter(({ hears }) => hears)
    if (hearing.length === 0 && this.#readers.length > 0) throwLater(error)
    this.#readers = hearing
    this.#lose(() => error as Error)
  }

  /**
   * An abort of the signal ends the result, until its end was told. Where `stop` makes the native side end it, that also says how
   * far the work got.
   */
  abortBy(signal: AbortSignal, stop?: () => void): void {
    if (this.#isOver) return
    this.#signal = signal
    this.#unwatch = watch(signal, reason => {
      if (stop === undefined || this.#isOver) this.abort(reason)
      else stop()
    })
  }

  /** Ends the result with the reason of an abort. */
  abort(reason: unknown): void {
    const make = (): Error => reason as Error
    if (this.#isLive) this.#lose(make)
    if (!this.#isOver) this.#end(make, null)
  }

  /** Ends the result by an error of this side: it could not start. */
  fail(make: () => Error): void {
    if (!this.#isOver) this.#end(make, null)
  }

  // ---- from the native side ----

  receive(kind: number, inbox: Inbox, at: number): void {
    // It was aborted.
    if (this.#isOver) return
    try {
      this.#take(kind, inbox, at)
    } catch (error) {
      this.#break(error)
      if (kind >= Message.Summary) this.fail(() => error as Error)
    }
  }

  #take(kind: number, inbox: Inbox, at: number): void {
    switch (kind) {
      case Message.Batch:
        this.#batch(inbox, at)
        break
      case Message.Summary: {
        const when = this.#unlessWhole
        const isLost = when !== null && (inbox.word(at, 2) & Fact.IS_PARTIAL) !== 0
        const summary = summaryAt(inbox, at, this.query, this.parameters, this.#firstAfter, this.host)
        this.#end(null, summary, isLost ? () => discarded(when) : undefined)
        break
      }
      case Message.Keys:
        this.#keys(schemaAt(inbox, at), inbox.word(at, 2))
        break
      case Message.Restart:
        this.#restart()
        break
      case Message.Ready:
        if (this.#isLive) this.#hold(inbox.arg(at))
        break
      default: {
        const failure = inbox.json(at, 0, inbox.arg(at)) as Failure
        this.host.onFailure(failure)
        const isAborted = failure.aborted === true
        this.#end(() => errorOf(failure, this.host.integers), null, isAborted ? () => this.error : undefined)
      }
    }
  }

  sendCredit(): void {
    if (this.#credit > 0 && !this.#isOver && this.#isReady) {
      this.native.more(this.op, this.#credit, this.#keeps)
      this.#credit = 0
    }
  }

  #keys(schema: Schema, firstAfter: number): void {
    const isNews = this.#schema === null
    this.#schema = schema
    this.#firstAfter = firstAfter
    if (!isNews) return
    if (this.#keyWatchers !== null) this.#tellKeys()
    for (const reader of this.#readers) reader.keys?.(schema.keys)
  }

  #batch(inbox: Inbox, at: number): void {
    if (!this.#isLive) return
    const start = at + 4 * MessageWords.HEADER
    if (this.#life === 'unclaimed' || this.#isHeld) {
      this.#hold(copyOf(inbox, start))
      return
    }
    if (!this.#mayDeliver()) return
    this.#deliver(this.#theDecoder().records(inbox.i32, inbox.f64, inbox.u8, start))
  }

  /** The connection was lost and the query was sent again; nothing of the first attempt has reached the application. */
  #restart(): void {
    this.#restarts++
    this.#decoder = null
    this.#waiting = null
    this.#credit = 0
    this.#given = false
    for (const reader of this.#readers) reader.restart?.()
  }

  /** Whether records are kept until the result has ended: it may begin anew. */
  get #keeps(): boolean {
    return this.#readers.every(({ kept }) => kept !== undefined)
  }

  /** Who is not ready is no reason to stop for the others. */
  get #isReady(): boolean {
    return this.#readers.some(({ ready }) => ready)
  }

  /** Whether records may reach the application now. If not, they come again. */
  #mayDeliver(): boolean {
    if (this.#keeps) return true
    if (!this.#delivered) this.#delivered = this.native.deliver(this.op, this.#restarts)
    return this.#delivered
  }

  #hold(batch: Waiting): void {
    if (this.#waiting === null) this.#waiting = [batch]
    else this.#waiting.push(batch)
    this.#askTurn()
  }

  #askTurn(): void {
    if (this.#turnAsked || !this.#isReady) return
    this.#turnAsked = true
    this.host.dispatcher.later(() => this.#turn())
  }

  /** Delivers the batch that has waited longest. */
  #turn(): void {
    this.#turnAsked = false
    if (!this.#isReady) return
    try {
      const batch = this.#waiting?.shift()
      if (batch !== undefined && this.#mayDeliver()) {
        const records = this.#decode(batch)
        if (records !== null) this.#deliver(records)
      }
    } catch (error) {
      this.#break(error)
    }
    if (this.#isHeld) this.#askTurn()
    else if (this.#isOver) this.#tell()
  }

  /** Null for a batch that is no more: the result begins anew. */
  #decode(batch: Waiting): Record[] | null {
    const decoder = this.#theDecoder()
    if (typeof batch !== 'number') {
      return decoder.records(new Int32Array(batch), new Float64Array(batch), Buffer.from(batch), 0)
    }
    if (scratch.u8.length < batch) scratch = new Inbox(2 ** Math.ceil(Math.log2(batch)))
    if (!this.native.take(this.op, scratch.u8.subarray(0, batch))) return null
    return decoder.records(scratch.i32, scratch.f64, scratch.u8, 0)
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
    this.#given = true
    const values: unknown[] = this.#mapper === null ? records : records.map(this.#mapper)
    const readers = this.#readers
    // What one reader is given is its own. A callback may have ended it all.
    for (let i = 0; i < readers.length && this.#life === 'claimed'; i++) {
      readers[i].records(i === 0 ? values : values.slice())
    }
    this.#sendCreditLater()
  }

  #sendCreditLater(): void {
    if (this.#credit > 0 && !this.#isOver) this.host.dispatcher.sendCreditLater(this)
  }

  /** @param lost why records that were not read are lost, if they are */
  #end(makeError: (() => Error) | null, summary: Summary | null, lost?: () => Error): void {
    this.#makeError = makeError
    this.#summary = summary
    if (this.#keyWatchers !== null) this.#tellKeys()
    if (makeError !== null) this.#owner.failed?.(this)
    if (lost !== undefined && this.#isLive) this.#lose(lost)
    else if (this.#life === 'claimed' && !this.#isHeld) this.#tell()
    else if (this.#isSettled) {
      if (this.#life !== 'claimed') this.#letGo()
      this.#owner.ended(this)
      this.#tellEnd()
    }
  }

  #tell(): void {
    if (this.#life !== 'claimed') return
    this.#life = 'ended'
    this.#told = true
    this.#letGo()
    this.#owner.ended(this)
    const summary = this.#summary
    for (const reader of this.#readers) {
      if (summary !== null) reader.end(summary)
      else reader.fail(() => this.error)
    }
    this.#tellEnd()
  }

  #tellEnd(): void {
    const watchers = this.#endWatchers
    if (watchers === null) return
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
}

/** What others were given is not there any more. */
function consumed(): Error {
  return clientError('Result is already consumed')
}

function discarded(when: string): Error {
  return clientError(`The result was discarded ${when}; read it before`)
}

/** What a reader's own callback threw is its error, or nobody's. */
function refuse(reader: Reader, error: unknown): void {
  if (reader.hears) reader.drop(() => error as Error)
  else throwLater(error)
}

/** The batch at byte `start`, in memory of its own. */
function copyOf(inbox: Inbox, start: number): ArrayBuffer {
  const length = inbox.i32[(start >> 2) + BatchWords.BYTE_LENGTH]
  return inbox.i32.buffer.slice(start, start + length) as ArrayBuffer
}
