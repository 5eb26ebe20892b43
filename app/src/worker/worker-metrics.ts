import { Counter, Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../metrics.ts'

/** What a worker has made of a message. */
export type Outcome = 'done' | 'retried' | 'returned' | 'dead'

export interface WorkerMetrics {
  /** A message was received. Whoever judges it says so. */
  received(type: string): (outcome: Outcome) => void
}

export function createWorkerMetrics(registry: Metrics): WorkerMetrics {
  const registers = [registry]
  const messages = new Counter({
    name: 'worker_messages_total',
    help: 'Messages that were received, by type and by what became of them.',
    labelNames: ['type', 'outcome'] as const,
    registers,
  })
  const inProgress = new Gauge({
    name: 'worker_messages_in_progress',
    help: 'Messages that are worked on.',
    registers,
  })
  const seconds = new Histogram({
    name: 'worker_message_duration_seconds',
    help: 'Time from receiving a message to knowing what becomes of it, by type.',
    labelNames: ['type'] as const,
    buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900],
    registers,
  })
  return {
    received(type) {
      const startMs = performance.now()
      inProgress.inc()
      return (outcome) => {
        inProgress.dec()
        messages.inc({ type, outcome })
        seconds.observe({ type }, (performance.now() - startMs) / 1000)
      }
    },
  }
}
