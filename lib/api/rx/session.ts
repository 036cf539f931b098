/** Sessions whose work is observables. What is asked of them happens when somebody subscribes. */

import type { Observable, ObservableInput, Subscriber } from 'rxjs'
import { checkTxConfig, type Query, type TransactionConfig } from '../../config/query'
import { clientError } from '../../errors'
import { keep } from '../../impl'
import type { Session } from '../session'
import type { ManagedTransaction, Transaction } from '../transaction'
import { RxResult } from './result'
import { ending, rxjs } from './rxjs'
import { RxManagedTransaction, RxTransaction } from './transaction'

interface Impl {
  readonly session: Session
  /** The option `parameterConversion`. */
  readonly asNeo4jDriver: boolean
}

/** What is wrong is said at the call, though the work starts later. */
function check({ asNeo4jDriver }: Impl, config: TransactionConfig | undefined): void {
  checkTxConfig(config, asNeo4jDriver)
}

export class RxSession {
  /** @internal */
  declare readonly _impl: Impl

  /**
   * @internal
   * @param asNeo4jDriver the option `parameterConversion`
   */
  constructor(session: Session, asNeo4jDriver: boolean) {
    // Who has no rxjs is to hear of it here.
    rxjs()
    keep(this, { session, asNeo4jDriver })
  }

  /** A query as a transaction of its own, sent at the first subscription to its result. */
  run(query: Query, parameters?: unknown, transactionConfig?: TransactionConfig): RxResult {
    return new RxResult(() => this._impl.session.run(query, parameters, transactionConfig))
  }

  /**
   * Begins a transaction for each subscriber, who gets it when it has begun.
   *
   * @throws TypeError or Neo4jError when the options are wrong
   */
  beginTransaction(transactionConfig?: TransactionConfig): Observable<RxTransaction> {
    check(this._impl, transactionConfig)
    const begin = async (): Promise<Transaction> => this._impl.session.beginTransaction(transactionConfig)
    return new (rxjs().Observable)<RxTransaction>(subscriber => {
      begin().then(
        transaction => {
          if (subscriber.closed) transaction.close().catch(() => {})
          subscriber.next(new RxTransaction(transaction))
          subscriber.complete()
        },
        error => subscriber.error(error)
      )
    })
  }

  /**
   * Runs a transaction function on a server that may read, for each subscriber: commits when its observable completes, rolls back when
   * it fails or its subscriber leaves, and tries again as {@link Session.executeRead}. Values are passed on as they come, also those of
   * an attempt that fails later.
   *
   * @throws TypeError or Neo4jError when the options are wrong
   */
  executeRead<T>(work: ManagedWork<T>, transactionConfig?: TransactionConfig): Observable<T> {
    check(this._impl, transactionConfig)
    return attempts(attempt =>
      this._impl.session.executeRead(tx => attempt(() => managed(work, tx)), transactionConfig)
    )
  }

  /** As {@link RxSession.executeRead}, on a server that may write. */
  executeWrite<T>(work: ManagedWork<T>, transactionConfig?: TransactionConfig): Observable<T> {
    check(this._impl, transactionConfig)
    return attempts(attempt =>
      this._impl.session.executeWrite(tx => attempt(() => managed(work, tx)), transactionConfig)
    )
  }

  /** @deprecated Use {@link RxSession.executeRead}. The function gets a transaction that it may commit or roll back itself. */
  readTransaction<T>(work: Work<RxTransaction, T>, transactionConfig?: TransactionConfig): Observable<T> {
    check(this._impl, transactionConfig)
    return attempts(attempt =>
      this._impl.session.readTransaction(tx => attempt(() => work(new RxTransaction(tx))), transactionConfig)
    )
  }

  /** @deprecated Use {@link RxSession.executeWrite}. The function gets a transaction that it may commit or roll back itself. */
  writeTransaction<T>(work: Work<RxTransaction, T>, transactionConfig?: TransactionConfig): Observable<T> {
    check(this._impl, transactionConfig)
    return attempts(attempt =>
      this._impl.session.writeTransaction(tx => attempt(() => work(new RxTransaction(tx))), transactionConfig)
    )
  }

  /** Completes when the session is closed: see {@link Session.close}. */
  close(): Observable<never> {
    return ending(() => this._impl.session.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this._impl.session.close()
  }

  /** Bookmarks of the last work that was committed, or those the session was opened with. */
  lastBookmarks(): string[] {
    return this._impl.session.lastBookmarks()
  }

  /** @deprecated Use {@link RxSession.lastBookmarks}, which gives the same. */
  lastBookmark(): string[] {
    return this.lastBookmarks()
  }
}

/** A transaction function, which gives an observable, or what `rxjs` takes for one. */
export type Work<Tx, T> = (transaction: Tx) => ObservableInput<T>

/** The types of `neo4j-driver` say that it gets an `RxTransaction`; there, too, it can `run`, and no more. */
type ManagedWork<T> = Work<RxManagedTransaction, T> | Work<RxTransaction, T>

function managed<T>(work: ManagedWork<T>, transaction: ManagedTransaction): ObservableInput<T> {
  return (work as Work<RxManagedTransaction, T>)(new RxManagedTransaction(transaction))
}

type Source<T> = () => ObservableInput<T>

/** For each subscriber, the values of all sources that `run` attempts: the last one is completed. */
function attempts<T>(run: (attempt: (source: Source<T>) => Promise<void>) => Promise<void>): Observable<T> {
  return new (rxjs().Observable)<T>(subscriber => {
    run(source => passOn(source, subscriber)).then(
      () => subscriber.complete(),
      error => subscriber.error(error)
    )
  })
}

/** Passes values on, and settles as their source ends; rejects when the subscriber leaves before. */
function passOn<T>(source: Source<T>, subscriber: Subscriber<T>): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = (): void => reject(clientError('Nobody is subscribed to the transaction function any more.'))
    if (subscriber.closed) return left()
    const values = rxjs()
      .from(source())
      .subscribe({ next: value => subscriber.next(value), error: reject, complete: resolve })
    subscriber.add(() => {
      values.unsubscribe()
      left()
    })
  })
}
