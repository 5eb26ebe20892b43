import { Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../../metrics.ts'

/** What goes to the database in batches of its own kind. */
export type Kind = 'read' | 'write' | 'list' | 'batch' | 'feed' | 'import'

export interface DatabaseMetrics {
  /** For a batcher's `onBatch`. */
  batchesOf(kind: Kind): (rows: number, ms: number) => void
}

export interface Observed {
  sessions(): number
  /** Requests that wait to be sent. */
  waiting(): Readonly<Record<Kind, number>>
  feedPosition(): number
}

/** Rates, sizes and times of what goes to the database; the number of batches is each histogram's count. */
export function createDatabaseMetrics(registry: Metrics, observed: Observed): DatabaseMetrics {
  const registers = [registry]
  const rows = new Histogram({
    name: 'database_batch_rows',
    help: 'Rows that travelled to the database together, by kind of request.',
    labelNames: ['kind'] as const,
    buckets: [1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  })
  const seconds = new Histogram({
    name: 'database_batch_duration_seconds',
    help: 'Time from sending a batch to having its answers, by kind of request.',
    labelNames: ['kind'] as const,
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  })
  new Gauge({
    name: 'database_sessions',
    help: 'Open connections to the database, the one of the change feed included.',
    registers,
    collect() {
      this.set(observed.sessions())
    },
  })
  new Gauge({
    name: 'database_waiting_requests',
    help: 'Requests that wait to be sent to the database, by kind.',
    labelNames: ['kind'] as const,
    registers,
    collect() {
      for (const [kind, waiting] of Object.entries(observed.waiting())) this.set({ kind }, waiting)
    },
  })
  new Gauge({
    name: 'feed_position',
    help: 'The last position of the change feed that this process has seen.',
    registers,
    collect() {
      this.set(observed.feedPosition())
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
