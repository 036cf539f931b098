/** A set that mostly has one member, or none, and then takes no memory beside it. In no particular order. */
export class SmallSet<T extends object> {
  #one: T | null = null
  #others: Set<T> | null = null

  get isEmpty(): boolean {
    return this.#one === null && (this.#others === null || this.#others.size === 0)
  }

  /** @param member one that is not in it */
  add(member: T): void {
    if (this.#one === null) this.#one = member
    else {
      this.#others ??= new Set()
      this.#others.add(member)
    }
  }

  delete(member: T): void {
    if (this.#one === member) this.#one = null
    else this.#others?.delete(member)
  }

  /** All of them, as they are now. */
  members(): T[] {
    const others = this.#others === null ? [] : [...this.#others]
    return this.#one === null ? others : [this.#one, ...others]
  }
}
