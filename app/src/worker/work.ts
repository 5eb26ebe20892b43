import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import type { Imports } from '../ports/imports.ts'
import type { Outbox } from '../ports/outbox.ts'
import type { Queue } from '../ports/queue.ts'
import { importHandler } from './handlers/import.ts'
import { createReaping } from './reaping.ts'
import { createSender } from './sender.ts'
import { createWorker } from './worker.ts'
import { createWorkerMetrics } from './worker-metrics.ts'

export interface WorkOptions {
  readonly imports: Imports
  readonly queue: Queue
  readonly outbox: Outbox | undefined
  readonly config: Config
  readonly registry: Metrics
  readonly log: Log
}

/** What a process does besides answering requests. */
export interface Work {
  start(): void
  stop(): Promise<void>
}

/**
 * Every process sends messages, if they have to be sent. Workers work, and so does the API where nobody else would:
 * without a queue that others could take work from.
 */
export function createWork({ imports, queue, outbox, config, registry, log }: WorkOptions): Work {
  const parts: Work[] = []
  if (outbox !== undefined) parts.push(createSender(outbox, queue, registry))
  if (config.ROLE !== 'api' || outbox === undefined) {
    const handlers = [importHandler(imports)]
    const metrics = createWorkerMetrics(registry)
    parts.push(createWorker({ queue, handlers, concurrency: config.WORKER_CONCURRENCY, metrics, log }))
    parts.push(createReaping(imports, config.REQUEST_TIMEOUT_MS))
  }
  return {
    start() {
      for (const part of parts) part.start()
    },
    async stop() {
      await Promise.all(parts.map((part) => part.stop()))
    },
  }
}
