// Where the tests of client-side encryption keep their keys.

/** Keys in memory, as an application keeps them in its database. */
export class Keys {
  #records = new Map()
  #ids = 0

  async findById(id) {
    return this.#records.get(id)
  }

  async findByAlias(alias) {
    return [...this.#records.values()].find(record => record.alias() === alias)
  }

  async create(alias, encapsulation, metadata) {
    const id = `key-${++this.#ids}`
    this.#records.set(id, {
      id: () => id,
      alias: () => alias,
      encapsulation: () => encapsulation,
      metadata: () => metadata
    })
    return this.#records.get(id)
  }

  async setAliasById() {}
  async deleteById(id) {
    this.#records.delete(id)
  }
}
