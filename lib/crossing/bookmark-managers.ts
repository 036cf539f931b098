/** The application's bookmark managers, each by the number that the native side knows it by. */

import { type BookmarkManager, internal } from 'neo4j-driver-core'
import { Numbers } from './numbers'

/** Work was committed that waited for `previous`: what comes after it waits for `bookmark`. */
export interface Committed {
  manager: number
  previous: readonly string[]
  bookmark: string
}

export class BookmarkManagers {
  /** Whoever works with a manager keeps it alive: an application may make one for each of its own requests. */
  readonly #numbers = new Numbers<BookmarkManager>(0)

  numberOf(manager: BookmarkManager): number {
    return this.#numbers.of(manager)
  }

  /** What a manager has at this moment. */
  async ask(number: number): Promise<string[]> {
    const bookmarks = await this.#numbers.get(number)?.getBookmarks()
    return bookmarksOf([...(bookmarks ?? [])])
  }

  /** What was committed is committed, whatever the manager does: its errors concern nobody. */
  committed({ manager, previous, bookmark }: Committed): void {
    try {
      const updated = this.#numbers.get(manager)?.updateBookmarks(previous, [bookmark])
      Promise.resolve(updated).catch(() => {})
    } catch {}
  }
}

/** The bookmarks that were given: one, several, or lists of them. */
export function bookmarksOf(bookmarks: unknown): string[] {
  return [...new internal.bookmarks.Bookmarks(bookmarks as string[]).values()]
}
