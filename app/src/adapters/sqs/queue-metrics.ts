import { Gauge } from 'prom-client'
import type { Metrics } from '../../metrics.ts'

/** Messages, as SQS counts them: approximately. */
export interface QueueSizes {
  readonly visible: number
  readonly inFlight: number
  readonly delayed: number
  readonly dead: number
}

export function createQueueMetrics(registry: Metrics, sizes: () => QueueSizes | undefined): void {
  new Gauge({
    name: 'queue_messages',
    help: 'Messages in the queue, approximately, by state; `dead` ones are in the dead-letter queue.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      const known = sizes()
      if (known === undefined) return
      this.set({ state: 'visible' }, known.visible)
      this.set({ state: 'in_flight' }, known.inFlight)
      this.set({ state: 'delayed' }, known.delayed)
      this.set({ state: 'dead' }, known.dead)
    },
  })
}
