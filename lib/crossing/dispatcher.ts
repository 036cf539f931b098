/**
 * The one way through which everything comes back from the native side: it wakes us, we drain all that is there into one
 * buffer, and hand each message to the operation it belongs to. One dispatcher for each JavaScript environment, worker threads
 * included. References are explicit: work under way keeps the process alive, an idle driver does not; and without an open driver
 * nothing of ours is held by the native side, so that what a test runner has loaded for one of its files can go.
 */

import type { Unwatch } from '../abort'
import type { ServerInfo } from '../config/servers'
import { errorOf, type Failure, rejectLater } from '../errors'
import { inTurn, now, throwLater } from '../event-loop'
import { Message } from '../format'
import type { Committed } from './bookmark-managers'
import { Inbox } from './inbox'
import { type NativeDriver, type NativeEnvironment, nativeModule } from './native-module'

const FIRST_INBOX = 64 * 1024
const LAST_OP = 0x7fffffff
/** The number that is no operation's: its message asks to look whether the process has to be held. */
const IDLE = 0
/** The longest pause that crosses: 49 days. */
const LONGEST_MS = 0xffffffff
/** How long after the last operation the process is held: sequential work should not flip the reference each time. */
const IDLE_MS = 2
/** How long one turn of the event loop drains: what else waits for it comes next, then the rest. */
const TURN_MS = 8

/** What a message of an operation is given to. */
export interface Operation {
  /**
   * Takes the message at byte `at`. What it holds must be read, or copied, before this returns: the inbox is used again.
   * SUMMARY, FAILURE and DONE are the last message of their operation.
   */
  receive(kind: number, inbox: Inbox, at: number): void
  /** Ends it by an error of this side: nothing has come of it, or will come, from the other. */
  fail(make: () => Error): void
}

/** Takes what the native side says of a driver, and its questions. */
export interface DriverListener {
  topology(view: TopologyView): void
  log(level: string, message: string): void
  /** Has to answer by {@link NativeDriver.answer}, now or later. */
  asked(question: number, asked: Asked): void
  /** Comes before the end of the work that was committed. */
  committed(committed: Committed): void
}

export interface TopologyView {
  /** All servers by their numbers, and what is known of each; null where nothing has changed. */
  servers: readonly (readonly [
    number: number,
    news: (Omit<ServerInfo, 'err'> & { address: string; err?: string | null }) | null
  ])[]
  master: number
}

interface LogLine {
  level: string
  message: string
}

/** What the native side wants to know of the application. */
export type Asked =
  | { what: 'strategy'; strategy: number; candidates: number[]; write: boolean }
  | { what: 'token'; server: number }
  | { what: 'certificates'; anew: boolean }
  | { what: 'addresses'; address: string }
  | { what: 'bookmarks'; manager: number }

/** A result that has taken batches: the native side may send as many more. */
export interface CreditSender {
  sendCredit(): void
}

export class Dispatcher {
  readonly #native: NativeEnvironment
  readonly #operations = new Map<number, Operation>()
  readonly #drivers = new Map<number, DriverListener>()
  readonly #turns: (() => void)[] = []
  #senders: CreditSender[] = []
  #inbox = new Inbox(FIRST_INBOX)
  #lastOp = 0
  #listens = false
  #held = false
  #drainsLater = false
  /** The message of {@link IDLE} is on its way. */
  #looks = false

  constructor() {
    this.#native = new (nativeModule().Environment)()
  }

  /** Opens a driver. What is said of it goes to `listener` until {@link Dispatcher.forget}. */
  open(configJson: string, listener: DriverListener): NativeDriver {
    this.#listen()
    try {
      const driver = this.#native.open(configJson)
      this.#drivers.set(driver.id, listener)
      return driver
    } catch (error) {
      this.#lookLater()
      throw error
    }
  }

  forget(driver: NativeDriver): void {
    this.#drivers.delete(driver.id)
    this.#lookLater()
  }

  /** Gives an operation its number. Until its last message, or {@link Dispatcher.fail}, the process stays alive. */
  begin(operation: Operation): number {
    do {
      this.#lastOp = this.#lastOp === LAST_OP ? 1 : this.#lastOp + 1
    } while (this.#operations.has(this.#lastOp))
    this.#operations.set(this.#lastOp, operation)
    if (!this.#held) {
      this.#listen()
      this.#held = true
      this.#native.ref()
    }
    return this.#lastOp
  }

  /** Ends an operation that never reached the native side, or that it refused: no message will come. */
  fail(op: number, make: () => Error): void {
    const operation = this.#operations.get(op)
    this.#operations.delete(op)
    this.#lookLater()
    operation?.fail(make)
  }

  /**
   * Starts an operation that ends with DONE or FAILURE.
   *
   * @param onFailure is given a failure, before an error is made of it
   */
  ask<T>(start: (op: number) => void, onFailure?: (failure: Failure) => void): Promise<T> {
    return new Promise<T>(resolve => {
      const op = this.begin(new Question<T>(resolve, onFailure))
      try {
        start(op)
      } catch (error) {
        this.fail(op, () => error as Error)
      }
    })
  }

  /**
   * Calls back after so many milliseconds, which no fake timer makes longer or shorter. The process stays alive until then, or until
   * what is returned ends it early.
   */
  after(ms: number, done: () => void): Unwatch {
    const op = this.begin({ receive: done, fail: done })
    try {
      this.#native.pause(op, Math.min(Math.max(0, ms), LONGEST_MS))
    } catch (error) {
      this.fail(op, () => error as Error)
    }
    return () => {
      if (this.#operations.delete(op)) this.#lookLater()
    }
  }

  /** The native side is told of the credit when all that was drained is handled: the end may be among it. */
  sendCreditLater(sender: CreditSender): void {
    this.#senders.push(sender)
  }

  /** Runs `step` in a turn of the event loop of its own: one batch of rows a turn, whoever they are for. */
  later(step: () => void): void {
    if (this.#turns.push(step) === 1) inTurn(this.#turn)
  }

  readonly #turn = (): void => {
    const step = this.#turns.shift()
    if (this.#turns.length > 0) inTurn(this.#turn)
    try {
      step?.()
    } finally {
      this.#sendCredits()
    }
  }

  #wake(): void {
    let end = 0
    for (;;) {
      const n = this.#native.drain(this.#inbox.u8)
      if (n === 0) break
      if (n < 0) this.#inbox = new Inbox(roundUp(-n))
      else this.#dispatch(n)
      if (end === 0) end = now() + TURN_MS
      else if (now() > end) {
        this.#drainLater()
        break
      }
    }
    this.#sendCredits()
    this.#lookLater()
  }

  #drainLater(): void {
    if (this.#drainsLater) return
    this.#drainsLater = true
    inTurn(() => {
      this.#drainsLater = false
      this.#wake()
    })
  }

  #dispatch(end: number): void {
    const inbox = this.#inbox
    for (let at = 0; at < end; at += inbox.byteLen(at)) {
      const kind = inbox.kind(at)
      const op = inbox.op(at)
      if (kind >= Message.Topology) {
        this.#tell(kind, op, inbox.json(at, 0, inbox.arg(at)))
        continue
      }
      const operation = this.#operations.get(op)
      if (operation === undefined) {
        if (op === IDLE) this.#look()
        continue
      }
      if (kind >= Message.Summary) this.#operations.delete(op)
      try {
        operation.receive(kind, inbox, at)
      } catch (error) {
        // What cannot be read must not cost the others their messages.
        this.#operations.delete(op)
        operation.fail(() => error as Error)
      }
    }
  }

  #tell(kind: number, op: number, json: unknown): void {
    try {
      if (kind === Message.Topology) this.#drivers.get(op)?.topology(json as TopologyView)
      else if (kind === Message.Log) this.#log(op, json as LogLine[])
      else if (kind === Message.Ask) {
        const asked = json as Asked & { driver: number }
        this.#drivers.get(asked.driver)?.asked(op, asked)
      } else if (kind === Message.Committed) this.#drivers.get(op)?.committed(json as Committed)
    } catch (error) {
      throwLater(error)
    }
  }

  #log(driver: number, lines: readonly LogLine[]): void {
    for (const { level, message } of lines) this.#drivers.get(driver)?.log(level, message)
  }

  #sendCredits(): void {
    if (this.#senders.length === 0) return
    const senders = this.#senders
    this.#senders = []
    for (const sender of senders) sender.sendCredit()
  }

  // ---- what is held ----

  /** The wake is made in no context: it serves everybody's work, and must not hold what the first to come had in his. */
  #listen(): void {
    if (this.#listens) return
    this.#listens = true
    this.#native.outside(() => this.#native.listen(() => this.#wake()))
  }

  /** Looks soon, if there is something to let go: not at once, since most work is followed by more. */
  #lookLater(): void {
    if (this.#operations.size > 0 || this.#looks) return
    if (!this.#held && (this.#drivers.size > 0 || !this.#listens)) return
    this.#looks = true
    this.#native.pause(IDLE, IDLE_MS)
  }

  /** Without work under way the process may end. Without a driver, too, nothing is to be said any more. */
  #look(): void {
    this.#looks = false
    if (this.#operations.size > 0) return
    if (this.#held) {
      this.#held = false
      this.#native.unref()
    }
    if (this.#drivers.size === 0) {
      this.#listens = false
      this.#native.rest()
    }
  }
}

/** An operation that has one answer. */
class Question<T> implements Operation {
  readonly #resolve: (value: T | PromiseLike<T>) => void
  readonly #onFailure: ((failure: Failure) => void) | undefined

  constructor(resolve: (value: T | PromiseLike<T>) => void, onFailure?: (failure: Failure) => void) {
    this.#resolve = resolve
    this.#onFailure = onFailure
  }

  receive(kind: number, inbox: Inbox, at: number): void {
    const answer = inbox.json(at, 0, inbox.arg(at))
    if (kind === Message.Failure) {
      this.#onFailure?.(answer as Failure)
      this.fail(() => errorOf(answer as Failure))
    } else this.#resolve(answer as T)
  }

  fail(make: () => Error): void {
    rejectLater(this.#resolve, make)
  }
}

let dispatcher: Dispatcher | undefined

/** The dispatcher of this environment, made at first use. */
export function theDispatcher(): Dispatcher {
  dispatcher ??= new Dispatcher()
  return dispatcher
}

/** Forgets the dispatcher, so that another native module can take its place: for tests. */
export function resetDispatcher(): void {
  dispatcher = undefined
}

function roundUp(size: number): number {
  return 2 ** Math.ceil(Math.log2(size))
}
