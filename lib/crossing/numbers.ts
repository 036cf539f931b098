/** What the native side knows by numbers: objects of this side, which it cannot hold. */

const LAST = 0x7fffffff

/** Gives objects their numbers, and finds them by these for as long as somebody else keeps them alive. */
export class Numbers<T extends object> {
  readonly #first: number
  readonly #numbers = new WeakMap<T, number>()
  readonly #objects = new Map<number, WeakRef<T>>()
  readonly #gone = new FinalizationRegistry<number>(number => this.#objects.delete(number))
  #next: number

  /** @param first those below mean something else */
  constructor(first: number) {
    this.#first = first
    this.#next = first
  }

  of(object: T): number {
    let number = this.#numbers.get(object)
    if (number === undefined) {
      number = this.#free()
      this.#numbers.set(object, number)
      this.#objects.set(number, new WeakRef(object))
      this.#gone.register(object, number)
    }
    return number
  }

  get(number: number): T | undefined {
    return this.#objects.get(number)?.deref()
  }

  #free(): number {
    while (this.#objects.has(this.#next)) this.#advance()
    const number = this.#next
    this.#advance()
    return number
  }

  #advance(): void {
    this.#next = this.#next === LAST ? this.#first : this.#next + 1
  }
}
