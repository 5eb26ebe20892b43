import type { Change, Entry } from '../domain/item.ts'
import type { DependencyStatus } from './dependency.ts'
import type { Caller } from './store.ts'

/** An entry, and when the store gave it, in milliseconds since the epoch. */
export interface Cached {
  readonly entry: Entry
  readonly storedAtMs: number
}

/** What is kept of an id, and how far everything that is kept beside it was repaired at that very moment. */
export interface Found extends Cached {
  /** Undefined when that is not known: something of the cache is lost. */
  readonly position: number | undefined
}

/** A known version of an id, whatever was written: nothing older may be kept. */
export type Fence = Pick<Change, 'id' | 'version'>

/** Changes of the feed behind position `after`, up to and including `last`. */
export interface Repair {
  readonly after: number
  readonly last: number
  readonly fences: readonly Fence[]
  /** Begins anew: the position is set, wherever it was. */
  readonly isRestart: boolean
}

/**
 * `applied`; `known`, when all of it had been applied before; `lost`, when the position is lost or behind `after`,
 * because something of the cache was: then nothing was done there, and whoever repairs has to begin earlier.
 */
export type Repaired = 'applied' | 'known' | 'lost'

export interface RepairPosition {
  /** The lowest that anything kept is repaired up to; undefined when no position is known at all. */
  readonly lowest: number | undefined
  /** Whether nothing has been lost: false when a part of the cache, or all of it, has no position. */
  readonly isWhole: boolean
}

/**
 * What processes share of the store's entries. It may forget anything at any moment, and be away: every method throws
 * `unavailable` when it could not be asked within its time limit, and nobody needs it.
 *
 * It never keeps the older of two versions of an id. What it was once told of an id outlives everything older that may
 * still be on its way, so that nothing brings back the past.
 */
export interface Cache {
  /** Undefined when nothing is known, or only a fence. */
  get(id: string, caller: Caller): Promise<Found | undefined>
  /**
   * Resolves to whether the entry was kept: it is not when something as new is there already, or when it comes later
   * than `NOTE_AGE_MS_MAX` after `asOfMs`, the moment (on the clock of `performance.now()`) before it was asked for.
   */
  keep(cached: Cached, asOfMs: number): Promise<boolean>
  /** Puts these fences where nothing as new is. */
  fence(fences: readonly Fence[]): Promise<void>
  /** Up to which position of the feed everything kept is repaired. */
  position(): Promise<RepairPosition>
  /** Puts the fences and moves the position on to `last`, as one. */
  repair(repair: Repair): Promise<Repaired>
  status(): DependencyStatus
  /** Resolves when the cache has been reached or a first attempt has failed; rejects with what waiting does not mend. */
  start(): Promise<void>
  close(): Promise<void>
}

/** A note older than this is not sent any more. */
export const NOTE_AGE_MS_MAX = 100
/** How long it may be on its way at most, from its `asOfMs` on: what arrives later is refused. */
export const NOTE_TRAVEL_MS_MAX = 1000
/** How long a fence, or an absence, is kept: far longer than anything older than it may be on its way. */
export const FENCE_MS = 10_000
