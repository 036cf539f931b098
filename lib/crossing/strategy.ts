/** A strategy function of the application's. */

import type { StrategyFunction } from '../config/options'
import { Context } from '../context'

/** First number of such a strategy on the native side; those below are `HAStrategies`. */
export const FIRST_STRATEGY = 3

/** Whoever works by a strategy keeps it alive: an application may make one for each of its own requests. */
export class Strategy {
  readonly #choose: StrategyFunction
  readonly #context = new Context()

  constructor(choose: StrategyFunction) {
    this.#choose = choose
  }

  /** Asks it, in the context of whoever gave it. */
  choose(candidates: unknown[], write: boolean): unknown {
    return this.#context.run(this.#choose, candidates as never[], { write })
  }
}
