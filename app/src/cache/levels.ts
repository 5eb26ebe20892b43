import type { Entry } from '../domain/item.ts'
import { type Cache, type Cached, type Fence, NOTE_AGE_MS_MAX } from '../ports/cache.ts'
import type { CacheMetrics } from './cache-metrics.ts'
import type { NearLevel } from './near-level.ts'

/** Tells both levels what the store said. */
export interface Levels {
  /** What was read. `asOfMs`: the moment before the store was asked. Nobody waits for it. */
  fill(entry: Entry, asOfMs: number): void
  /** What was written, and when the write was begun. Resolves when the levels know, or cannot be told; never rejects. */
  written(entry: Entry, asOfMs: number): Promise<void>
  /** That there are these versions. Resolves as `written`. */
  fence(fences: readonly Fence[]): Promise<void>
}

export function createLevels(near: NearLevel, cache: Cache, metrics: CacheMetrics): Levels {
  async function keep(cached: Cached, asOfMs: number): Promise<void> {
    try {
      if (!(await cache.keep(cached, asOfMs))) metrics.refusedFills++
    } catch {
      metrics.redis.error++
    }
  }

  async function fence(fences: readonly Fence[]): Promise<void> {
    for (const one of fences) near.fence(one)
    try {
      await cache.fence(fences)
    } catch {
      metrics.redis.error++
    }
  }

  return {
    fill(entry, asOfMs) {
      const cached = { entry, storedAtMs: Date.now() }
      near.keep(cached, asOfMs)
      void keep(cached, asOfMs)
    },

    async written(entry, asOfMs) {
      // A write that waited for its turn, or a process that was stopped: somebody may have gone on from it.
      if (!isYoung(asOfMs)) return fence([entry])
      const cached = { entry, storedAtMs: Date.now() }
      near.keep(cached, asOfMs)
      await keep(cached, asOfMs)
    },

    fence,
  }
}

function isYoung(asOfMs: number): boolean {
  return performance.now() - asOfMs <= NOTE_AGE_MS_MAX
}
