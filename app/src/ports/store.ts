import type { Change, Entry, IfVersion, Item, Operation } from '../domain/item.ts'
import type { DependencyStatus } from './dependency.ts'

/** Who waits for an answer, and until when. Work for a caller whose time is over, or who has left, is not begun. */
export interface Caller {
  /** On the clock of `performance.now()`, in milliseconds. */
  readonly deadlineMs: number
  /** True once nobody is there to take the answer. */
  readonly left: boolean
}

/** Who waits for as long as it takes. */
export const patient: Caller = { deadlineMs: Number.POSITIVE_INFINITY, left: false }

/** A write whose condition did not hold: nothing was changed. `currentVersion` is 0 for an absent id. */
export interface Refused {
  readonly ok: false
  readonly currentVersion: number
}

export type PutResult = { readonly ok: true; readonly item: Item; readonly created: boolean } | Refused
export type DeleteResult = { readonly ok: true; readonly version: number } | Refused

export type CreateResult =
  | { readonly ok: true; readonly item: Item }
  | {
      readonly ok: false
      /** What the id's first `create` was given, if it was created that way. */
      readonly fingerprint: string | undefined
      readonly createdAtMs: number
    }

export type BatchResult =
  | { readonly ok: true; readonly versions: readonly number[] }
  | {
      readonly ok: false
      readonly refused: readonly { readonly index: number; readonly currentVersion: number }[]
    }

export interface ListQuery {
  readonly prefix: string
  /** Only ids after this one, in byte order. */
  readonly after: string | undefined
  /** 1 to `PAGE_ITEMS_MAX`. */
  readonly limit: number
}

export interface Page {
  readonly items: readonly Item[]
  readonly more: boolean
}

export interface FeedQuery {
  /** Only changes after this position; undefined starts from the oldest kept. */
  readonly after: number | undefined
  /** 1 to 1,000. */
  readonly limit: number
}

export type FeedPage =
  | { readonly ok: true; readonly changes: readonly Change[]; readonly last: number }
  /** `after` is older than what is kept, or beyond the newest: a reader has to start again from `oldest`. */
  | { readonly ok: false; readonly oldest: number }

export interface Feed {
  /**
   * Tells one history of positions from another: a reader's position is of no use in a feed with another id. Throws
   * `unavailable` before the store has been reached.
   */
  readonly id: string
  /** The newest position, as of this process's latest look. */
  readonly lastPosition: number
  /** Up to `limit` changes in order of position. `last` is the position to go on from, also when there are none. */
  read(query: FeedQuery, caller: Caller): Promise<FeedPage>
  /** Resolves as soon as there may be a change after `position`, after `timeoutMs`, or when `signal` aborts. Never rejects. */
  wait(position: number, timeoutMs: number, signal: AbortSignal): Promise<void>
}

/**
 * The data. Every method throws `unavailable` when the store could not be asked within the caller's deadline and
 * nothing was done; writes throw `outcome_unknown` when they may or may not have been done, and `store_full` when
 * there is no room. Values and ids are valid when they get here.
 *
 * Reads and writes of one id are linearizable. An id's version grows with every write, by one, also across a delete
 * and a new creation; it is never used twice.
 */
export interface Store {
  readonly feed: Feed
  /** The item, or undefined when it is absent. */
  get(id: string, caller: Caller): Promise<Item | undefined>
  /** As `get`, and tells the version of what was deleted: for a cache, which must know which of two answers is newer. */
  getEntry(id: string, caller: Caller): Promise<Entry>
  put(id: string, value: string, ifVersion: IfVersion, caller: Caller): Promise<PutResult>
  /** Puts an id that has never existed. `fingerprint` is kept for as long as the id is known, through every later write. */
  create(id: string, value: string, fingerprint: string | undefined, caller: Caller): Promise<CreateResult>
  /** Refused with version 0 when the id is absent. */
  delete(id: string, ifVersion: IfVersion, caller: Caller): Promise<DeleteResult>
  /** Items in byte order of their ids. Ends early, with `more`, before it holds over `PAGE_BYTES_MAX` of values. */
  list(query: ListQuery, caller: Caller): Promise<Page>
  /** All of `operations` or none, as one change of state. No id may occur twice; `versions` has their order. */
  batch(operations: readonly Operation[], caller: Caller): Promise<BatchResult>
  status(): DependencyStatus
  /** Reaches the store for the first time; resolves when it can serve, or when `signal` aborts. */
  start(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
