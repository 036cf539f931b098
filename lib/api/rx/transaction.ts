/** Transactions as observables. What is asked of them happens when somebody subscribes. */

import type { Observable } from 'rxjs'
import type { Query } from '../../config/query'
import { keep } from '../../impl'
import type { ManagedTransaction, Transaction } from '../transaction'
import { RxResult } from './result'
import { ending } from './rxjs'

/** A transaction that its user commits or rolls back: see {@link Transaction}. */
export class RxTransaction {
  /** @internal */
  declare readonly _impl: Transaction

  /** @internal */
  constructor(transaction: Transaction) {
    keep(this, transaction)
  }

  /** A query in this transaction, sent at the first subscription to its result. */
  run(query: Query, parameters?: unknown): RxResult {
    return new RxResult(() => this._impl.run(query, parameters))
  }

  /** Completes when all that was done is permanent: see {@link Transaction.commit}. */
  commit(): Observable<never> {
    return ending(() => this._impl.commit())
  }

  /** Completes when all that was done is undone. */
  rollback(): Observable<never> {
    return ending(() => this._impl.rollback())
  }

  /** True until it was committed or rolled back, or has failed. */
  isOpen(): boolean {
    return this._impl.isOpen()
  }

  /** Rolls back, if it is still open. */
  close(): Observable<never> {
    return ending(() => this._impl.close())
  }
}

/** The transaction of a transaction function: whoever runs the function begins and ends it. */
export class RxManagedTransaction {
  /** @internal */
  declare readonly _impl: ManagedTransaction

  /** @internal */
  constructor(transaction: ManagedTransaction) {
    keep(this, transaction)
  }

  /** A query in this transaction: see {@link RxTransaction.run}. */
  run(query: Query, parameters?: unknown): RxResult {
    return new RxResult(() => this._impl.run(query, parameters))
  }
}
