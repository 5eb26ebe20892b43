import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../domain/backoff.ts'
import { AppError } from '../domain/errors.ts'
import type { Log } from '../log.ts'
import type { Consumer, Delivery, Queue, Verdict } from '../ports/queue.ts'
import { type Handler, Hopeless, type Result, retryDelayMs } from './handler.ts'
import type { Outcome, WorkerMetrics } from './worker-metrics.ts'

/** Takes messages from the queue and has each handled by the handler of its type. */
export interface Worker {
  start(): void
  /** Takes no more, and resolves when what was taken is done, or has been given back. */
  stop(): Promise<void>
}

export interface WorkerOptions {
  readonly queue: Pick<Queue, 'consume'>
  readonly handlers: readonly Handler[]
  /** Messages that are worked on at one time. */
  readonly concurrency: number
  readonly metrics: WorkerMetrics
  readonly log: Log
}

/** While the store is away. */
const AWAY = { baseMs: 100, maxMs: 2000 }

export function createWorker({ queue, handlers, concurrency, metrics, log }: WorkerOptions): Worker {
  const byType = new Map(handlers.map((handler) => [handler.type, handler]))
  const stopping = new AbortController()
  let consumer: Consumer | undefined

  async function judge(delivery: Delivery): Promise<Verdict> {
    const { id, message, attempt } = delivery
    const { type, traceparent } = message
    const of = { message: id, type, attempt, traceparent }
    const handler = byType.get(type)
    const startMs = performance.now()
    const judged = metrics.received(handler === undefined ? 'unknown' : type)
    const end = (outcome: Outcome, verdict: Verdict) => {
      judged(outcome)
      return verdict
    }
    try {
      if (handler === undefined) throw new Hopeless(`There is no handler for messages of the type ${type}.`)
      const result = await handle(handler, delivery)
      const tookMs = Math.round(performance.now() - startMs)
      log.info({ ...of, tookMs }, result === 'done' ? 'message done' : 'message given back')
      if (result === 'done') return end('done', { outcome: 'done' })
      return end('returned', { outcome: 'again' })
    } catch (err) {
      const reason = (err as Error).message
      if (err instanceof Hopeless || attempt >= delivery.attemptsMax) {
        log.error({ ...of, err }, 'message given up')
        return end('dead', { outcome: 'dead', reason })
      }
      const delayMs = retryDelayMs(attempt, (handler as Handler).retry)
      log.warn({ ...of, err, delayMs: Math.round(delayMs) }, 'message failed')
      return end('retried', { outcome: 'later', delayMs })
    }
  }

  /** The store's being away is not the message's fault: it is kept, and tried again. */
  async function handle({ handle }: Handler, { message }: Delivery): Promise<Result> {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      try {
        return await handle({ body: message.body, stopping: stopping.signal, log })
      } catch (error) {
        if (!isAway(error)) throw error
        await delay(backoffMs(failures, AWAY), undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
    return 'left'
  }

  return {
    start() {
      consumer = queue.consume(judge, concurrency)
    },
    async stop() {
      stopping.abort()
      await consumer?.stop()
    },
  }
}

function isAway(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'unavailable' || error.code === 'outcome_unknown')
}
