import { setTimeout as delay } from 'node:timers/promises'
import { type Cache, FENCE_MS } from '../ports/cache.ts'
import type { Caller, Feed } from '../ports/store.ts'
import { positionBefore } from './position-before.ts'

/**
 * Applies every change of the feed to the cache, so that a process that dies between its commit and the cache leaves
 * nothing old there for long. Every process repairs; where another one is doing it, it only looks.
 */
export interface Repair {
  /** Whether what the cache tells, repaired up to `position`, is at most `LAG_MS_MAX` behind the store. */
  keepsUp(position: number | undefined): boolean
  /** The time since everything that had been committed was known to be in the cache. */
  readonly lagMs: number
  start(): void
  close(): Promise<void>
}

export interface RepairOptions {
  readonly feed: Feed
  readonly cache: Pick<Cache, 'position' | 'repair'>
  /** The longest that anything lives in the cache. */
  readonly ttlMs: number
  readonly onRepaired: (changes: number) => void
}

/** With the near level's 250 ms and a read's own time it is below the second that is promised. */
export const LAG_MS_MAX = 700
/** A round without news, to know that there are none. */
const LOOK_EVERY_MS = 250
/** How long a process lets another one go first. */
const FOLLOW_MS = 100
const RETRY_MS = 100
const PAGE_CHANGES = 1000
const READ_TIMEOUT_MS = 2000

export function createRepair({ feed, cache, ttlMs, onRepaired }: RepairOptions): Repair {
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  /** Everything that was committed before this is not behind this position, and the cache knew it all then. */
  let known = { atMs: Number.NEGATIVE_INFINITY, position: 0 }
  let position = 0

  /** Resolves to whether it was this process that repaired: then it goes first in the next round too. */
  async function round(): Promise<boolean> {
    let { after, isRestart } = await beginning()
    let hasRepaired = false
    while (!stopping.signal.aborted) {
      const startMs = performance.now()
      const page = await feed.read({ after, limit: PAGE_CHANGES }, patient(startMs))
      if (!page.ok) {
        // Older than what the feed keeps, and so than all that is in the cache; or of another feed.
        after = page.oldest
        isRestart = true
        continue
      }
      const { changes, last } = page
      if (changes.length > 0 || isRestart) {
        const repaired = await cache.repair({ after, last, fences: changes, isRestart })
        if (repaired === 'lost') return true
        if (repaired === 'applied') onRepaired(changes.length)
        hasRepaired ||= repaired === 'applied'
        isRestart = false
      }
      after = last
      position = last
      if (changes.length === PAGE_CHANGES) continue
      known = { atMs: startMs, position: last }
      break
    }
    return hasRepaired
  }

  /**
   * Where the cache's own position is. If it is lost, so is what was kept, and only what was on its way meanwhile may be
   * old; a process that does not know until when all was well goes back by the longest that anything is kept.
   */
  async function beginning(): Promise<{ after: number; isRestart: boolean }> {
    const { lowest, isWhole } = await cache.position()
    if (isWhole && lowest !== undefined) return { after: lowest, isRestart: false }
    const wellMs = Math.min(ttlMs, performance.now() - known.atMs)
    const after = await positionBefore(feed, Date.now() - wellMs - FENCE_MS, patient(performance.now()))
    return { after: Math.min(after, lowest ?? after), isRestart: true }
  }

  async function run(): Promise<void> {
    const { signal } = stopping
    let goesFirst = true
    while (!signal.aborted) {
      try {
        goesFirst = await round()
        await feed.wait(position, LOOK_EVERY_MS, signal)
        if (!goesFirst) await delay(FOLLOW_MS, undefined, { signal }).catch(() => {})
      } catch {
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  return {
    // A cache that came back with what it had some time ago is behind that position until the next round.
    keepsUp: (position) =>
      position !== undefined && position >= known.position && performance.now() - known.atMs <= LAG_MS_MAX,
    get lagMs() {
      return performance.now() - known.atMs
    },
    start() {
      running = run()
    },
    async close() {
      stopping.abort()
      await running
    },
  }
}

function patient(nowMs: number): Caller {
  return { deadlineMs: nowMs + READ_TIMEOUT_MS, left: false }
}
