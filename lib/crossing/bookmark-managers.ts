/** The application's bookmark managers, each by the number that the native side knows it by. */

import type { BookmarkManager } from 'neo4j-driver-core'
import { bookmarksOf } from '../config/option-values'
import { keep } from '../impl'
import type { NativeBookmarks } from './native-module'
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

  /** A manager whose bookmarks the native side keeps: nobody has to be asked for them, or told of them. */
  native(open: (number: number) => NativeBookmarks): BookmarkManager {
    return new NativeBookmarkManager(manager => open(this.numberOf(manager)))
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

/** As `bookmarkManager()` of `neo4j-driver` makes them. */
class NativeBookmarkManager implements BookmarkManager {
  declare readonly _impl: Pick<NativeBookmarks, 'get' | 'update'>

  constructor(open: (manager: BookmarkManager) => NativeBookmarks) {
    const native = open(this)
    keep(this, { get: () => native.get(), update: native.update.bind(native) })
  }

  async getBookmarks(): Promise<string[]> {
    return this._impl.get()
  }

  async updateBookmarks(previous: Iterable<string>, next: Iterable<string>): Promise<void> {
    this._impl.update([...previous], [...next])
  }
}
