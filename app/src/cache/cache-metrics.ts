import { Counter, Gauge } from 'prom-client'
import type { Metrics } from '../metrics.ts'

/** What reads met at a level. Counted as plain numbers, because the near level answers within a microsecond. */
export interface LevelCounts {
  hit: number
  miss: number
  /** Served although nobody could say whether there is something newer. */
  stale: number
  /** Not answered in time, or not at all. */
  error: number
}

export interface CacheMetrics {
  readonly near: LevelCounts
  readonly redis: LevelCounts
  /** What the store said and the cache did not take: something as new was there, or it came too late. */
  refusedFills: number
  /** Changes that were applied to the cache by this process. */
  repairedChanges: number
}

export interface ObservedCache {
  nearBytes(): number
  repairLagSeconds(): number
}

export function createCacheMetrics(registry: Metrics, observed: ObservedCache): CacheMetrics {
  const registers = [registry]
  const metrics: CacheMetrics = {
    near: { hit: 0, miss: 0, stale: 0, error: 0 },
    redis: { hit: 0, miss: 0, stale: 0, error: 0 },
    refusedFills: 0,
    repairedChanges: 0,
  }
  new Counter({
    name: 'cache_requests_total',
    help: 'What requests met at each level of the cache.',
    labelNames: ['level', 'result'] as const,
    registers,
    collect() {
      this.reset()
      for (const level of ['near', 'redis'] as const) {
        for (const [result, count] of Object.entries(metrics[level])) this.inc({ level, result }, count)
      }
    },
  })
  new Counter({
    name: 'cache_refused_fills_total',
    help: 'Answers of the store that the cache refused: something as new was there, or they came too late.',
    registers,
    collect() {
      this.reset()
      this.inc(metrics.refusedFills)
    },
  })
  new Counter({
    name: 'cache_repaired_changes_total',
    help: 'Changes of the feed that this process has applied to the cache.',
    registers,
    collect() {
      this.reset()
      this.inc(metrics.repairedChanges)
    },
  })
  new Gauge({
    name: 'cache_near_bytes',
    help: "What this process's own level of the cache takes.",
    registers,
    collect() {
      this.set(observed.nearBytes())
    },
  })
  new Gauge({
    name: 'cache_repair_lag_seconds',
    help: 'The time since everything that had been committed was known to be in the cache.',
    registers,
    collect() {
      this.set(observed.repairLagSeconds())
    },
  })
  return metrics
}
