import { Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../../metrics.ts'
import type { BreakerState, Connection } from './connection.ts'

const BREAKER: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 }

export interface RedisMetrics {
  /** For a batcher's `onBatch`. */
  batchesOf(kind: 'read' | 'update'): (rows: number, ms: number) => void
}

export function createRedisMetrics(registry: Metrics, connection: Pick<Connection, 'state'>): RedisMetrics {
  const registers = [registry]
  const rows = new Histogram({
    name: 'redis_batch_rows',
    help: 'Keys that travelled to Redis together, by kind.',
    labelNames: ['kind'] as const,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  })
  const seconds = new Histogram({
    name: 'redis_batch_duration_seconds',
    help: 'Time from sending a batch to having its answers, by kind.',
    labelNames: ['kind'] as const,
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1],
    registers,
  })
  new Gauge({
    name: 'cache_breaker_state',
    help: 'The circuit breaker before Redis: 0 closed (in use), 1 half-open (being tried), 2 open (passed by).',
    registers,
    collect() {
      this.set(BREAKER[connection.state])
    },
  })
  return {
    batchesOf(kind) {
      const [ofRows, ofSeconds] = [rows.labels(kind), seconds.labels(kind)]
      return (count, ms) => {
        ofRows.observe(count)
        ofSeconds.observe(ms / 1000)
      }
    },
  }
}
