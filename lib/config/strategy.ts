/** A strategy function of the application's. */

import { Context } from '../context'

/** A strategy of the application's own: gives one of the candidates, all entries of `servers`. */
export type StrategyFunction<S = never> = (candidates: S[], intent: { write: boolean }) => unknown

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
