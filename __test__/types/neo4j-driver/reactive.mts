// Reactive sessions, with the operators of rxjs.
import neo4j, {
  type Record,
  type ResultSummary,
  type RxManagedTransaction,
  type RxResult,
  type RxSession,
  type RxTransaction
} from 'neo4j-driver'
import { concat, concatWith, EMPTY, firstValueFrom, map, mergeMap, type Observable, toArray } from 'rxjs'

const driver = neo4j.driver('neo4j://localhost')
const session: RxSession = driver.rxSession({ database: 'neo4j', defaultAccessMode: neo4j.session.WRITE })

const names = (tx: RxManagedTransaction | RxTransaction): Observable<string> =>
  tx
    .run('MATCH (p:Person) RETURN p.name AS name', { limit: neo4j.int(10) })
    .records()
    .pipe(map((record: Record): string => record.get('name')))

const read: Observable<string[]> = session.executeRead(tx => names(tx)).pipe(toArray())
const write: Observable<ResultSummary> = session.executeWrite(tx => tx.run('CREATE (p:Person)').consume(), {
  timeout: 100
})
const explicit = session
  .beginTransaction({ metadata: { app: 'reactive' } })
  .pipe(
    mergeMap(tx =>
      names(tx).pipe(
        concatWith(tx.isOpen() ? (tx.commit() as Observable<never>) : (tx.rollback() as Observable<never>))
      )
    )
  )
const result: RxResult = session.run('RETURN 1', {}, { timeout: 1 })
result.pause()
await result.resume()
await result.push()
const keys: string[] = await firstValueFrom(result.keys())
console.log(keys, await firstValueFrom(read), await firstValueFrom(write), await firstValueFrom(explicit))
console.log(session.lastBookmarks())
concat(session.close(), EMPTY).subscribe()
