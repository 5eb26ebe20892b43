import type { Config } from '../config.ts'
import type { Metrics } from '../metrics.ts'
import { type Cache, NOTE_TRAVEL_MS_MAX } from '../ports/cache.ts'
import type { ItemReader } from '../ports/item-reader.ts'
import type { Store } from '../ports/store.ts'
import { createCacheMetrics } from './cache-metrics.ts'
import { createCachedReads } from './cached-reads.ts'
import { createCachedStore } from './cached-store.ts'
import { createLevels } from './levels.ts'
import { createNearLevel, NEAR_MS } from './near-level.ts'
import { createRepair } from './repair.ts'

export interface Caching {
  /** Its reads are linearizable, its writes are known to the cache. Starts and closes the cache too. */
  readonly store: Store
  readonly reader: ItemReader
}

/**
 * How long the cache may keep an item, so that nobody is told it later than `CACHE_TTL_MS` after the store gave it, nor
 * after the feed has forgotten what has made it old: then nothing could repair it.
 */
export function itemLifetimeMs({ CACHE_TTL_MS, CHANGES_RETENTION_MS }: Config): number {
  const told = Math.min(CACHE_TTL_MS, CHANGES_RETENTION_MS) - NOTE_TRAVEL_MS_MAX - NEAR_MS
  return Math.max(1, told)
}

/** Puts the cache in front of the store: levels, write-through and repair. */
export function createCaching(store: Store, cache: Cache, config: Config, registry: Metrics): Caching {
  const near = createNearLevel(config.CACHE_NEAR_BYTES_MAX)
  const metrics = createCacheMetrics(registry, {
    nearBytes: () => near.bytes,
    repairLagSeconds: () => repair.lagMs / 1000,
  })
  const levels = createLevels(near, cache, metrics)
  const repair = createRepair({
    feed: store.feed,
    cache,
    ttlMs: config.CACHE_TTL_MS,
    onRepaired(changes) {
      metrics.repairedChanges += changes
    },
  })
  return {
    reader: createCachedReads({ store, near, cache, levels, repair, metrics }),
    store: {
      ...createCachedStore(store, levels),
      async start(signal) {
        await Promise.all([store.start(signal), cache.start()])
        if (!signal.aborted) repair.start()
      },
      async close() {
        await repair.close()
        await cache.close()
        await store.close()
      },
    },
  }
}
