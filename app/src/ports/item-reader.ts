import type { Item } from '../domain/item.ts'
import type { Caller } from './store.ts'

/** What answered a read. */
export type Level = 'near' | 'redis' | 'store'

export interface ItemRead {
  readonly item: Item | undefined
  readonly level: Level
  /** Nobody could say whether there is something newer: the store could not be asked. */
  readonly isStale: boolean
  /** How long ago the store gave the item; 0 when it was asked now. */
  readonly ageMs: number
}

/**
 * Reads items from the level that is quickest. What it tells is behind the store by milliseconds as a rule, and by at
 * most a second, or it is marked as stale. Throws `unavailable` as `Store.get`.
 */
export interface ItemReader {
  /** Answers at once, without a promise, when it can. */
  read(id: string, caller: Caller): ItemRead | Promise<ItemRead>
  /** Asks the store, and lets the levels know what it said. Linearizable. */
  readThrough(id: string, caller: Caller): Promise<ItemRead>
}
