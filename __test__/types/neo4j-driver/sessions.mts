// Sessions and transactions of a small application, with named imports.
import neo4j, {
  type BookmarkManager,
  type Driver,
  type Integer,
  type ManagedTransaction,
  type QueryResult,
  type Record,
  type RecordShape,
  type Result,
  type ResultSummary,
  type Session,
  type SessionConfig,
  type Transaction
} from 'neo4j-driver'

interface Account {
  id: string
  balance: Integer
}

class Bank {
  constructor(
    private readonly driver: Driver,
    private readonly config: SessionConfig = { database: 'neo4j' }
  ) {}

  open(): Session {
    return this.driver.session(this.config)
  }

  async balance(id: string): Promise<number> {
    const session = this.driver.session({ ...this.config, defaultAccessMode: neo4j.session.READ })
    try {
      return await session.executeRead(tx => this.read(tx, id), { timeout: neo4j.int(500) })
    } finally {
      await session.close()
    }
  }

  private async read(tx: ManagedTransaction, id: string): Promise<number> {
    const result: QueryResult<Account> = await tx.run<Account>(
      'MATCH (a:Account {id: $id}) RETURN a.id AS id, a.balance AS balance',
      { id }
    )
    const [record]: Record<Account>[] = result.records
    return record.get('balance').toNumber()
  }

  async transfer(from: string, to: string, amount: number): Promise<string[]> {
    const session = this.open()
    const transaction: Transaction = await session.beginTransaction({ metadata: { what: 'transfer' } })
    try {
      await transaction.run('MATCH (a:Account {id: $from}) SET a.balance = a.balance - $amount', {
        from,
        amount
      })
      await transaction.run({
        text: 'MATCH (a:Account {id: $to}) SET a.balance = a.balance + $amount',
        parameters: { to, amount }
      })
      await transaction.commit()
    } catch (error) {
      if (transaction.isOpen()) await transaction.rollback()
      throw error
    } finally {
      await transaction.close()
      await session.close()
    }
    return session.lastBookmarks()
  }

  async create(ids: string[], bookmarks: string[]): Promise<void> {
    const session = this.driver.session({ bookmarks, fetchSize: 100, impersonatedUser: 'bank' })
    const written = await session.executeWrite(async tx => {
      const { summary } = await tx.run('UNWIND $ids AS id CREATE (:Account {id: id, balance: 0})', { ids })
      return summary.counters.updates().nodesCreated
    })
    console.log(written)
    await session.close()
  }
}

const driver = neo4j.driver('neo4j://localhost', neo4j.auth.basic('neo4j', 'password'))
const bank = new Bank(driver)
console.log(await bank.balance('a'), await bank.transfer('a', 'b', 1))
await bank.create(['a', 'b'], [])

const session = driver.session()
const result: Result = session.run('UNWIND range(1, 10) AS n RETURN n')
result.subscribe({
  onKeys: (keys: string[]) => console.log(keys),
  onNext: record => console.log(record.get('n')),
  onCompleted: summary => console.log(summary.query.text),
  onError: (error: Error) => console.error(error)
})
for await (const record of session.run<{ n: Integer }>('RETURN 1 AS n')) console.log(record.get('n').toInt())
const keys: string[] = await session.run('RETURN 1').keys()
const summary: ResultSummary = await session.run('RETURN 1').summary()
console.log(keys, summary.server.address, result.isOpen())

// Not awaited before its first query.
const tx = session.beginTransaction()
const one = tx.run<{ one: number }>('RETURN 1 AS one')
console.log((await one).records[0].get('one') + 1)
await tx.rollback()

function print<Shape extends RecordShape>(records: Array<Record<Shape>>): void {
  for (const record of records) {
    record.forEach((value, key) => {
      console.log(key, value)
    })
    for (const [key, value] of record.entries()) console.log(key, value)
    console.log(
      record.map(value => value),
      record.has('x'),
      record.length,
      record.keys
    )
  }
}
print((await session.run<Account>('RETURN 1')).records)

const manager: BookmarkManager = neo4j.bookmarkManager({
  initialBookmarks: ['FB:1'],
  bookmarksSupplier: async () => ['FB:2'],
  bookmarksConsumer: async bookmarks => {
    for (const bookmark of bookmarks) console.log(bookmark)
  }
})
await using chained = driver.session({ bookmarkManager: manager })
console.log(chained.lastBookmarks())
