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

interface Judged {
  readonly outcome: Outcome
  readonly verdict: Verdict
  /** What it failed of. */
  readonly err?: Error
}

const LEVELS = { done: 'info', returned: 'info', retried: 'warn', dead: 'error' } as const

/** While the store is away. */
const AWAY = { baseMs: 100, maxMs: 2000 }
/** Then others have their turn: what the store cannot do may be this message's work alone, as where a row stays locked. */
const AWAY_TURN_MS = 5000

export function createWorker({ queue, handlers, concurrency, metrics, log }: WorkerOptions): Worker {
  const byType = new Map(handlers.map((handler) => [handler.type, handler]))
  const stopping = new AbortController()
  let consumer: Consumer | undefined

  async function judge(delivery: Delivery): Promise<Verdict> {
    const { id, attempt, message } = delivery
    const { type, traceparent } = message
    const handler = byType.get(type)
    const startMs = performance.now()
    const judged = metrics.received(handler === undefined ? 'unknown' : type)
    const { outcome, verdict, err } = await attemptAt(handler, delivery)
    judged(outcome)
    const tookMs = Math.round(performance.now() - startMs)
    log[LEVELS[outcome]]({ message: id, type, attempt, traceparent, tookMs, err }, `message ${outcome}`)
    return verdict
  }

  async function attemptAt(handler: Handler | undefined, delivery: Delivery): Promise<Judged> {
    const { attempt, attemptsMax, message } = delivery
    if (handler === undefined) {
      return givenUp(new Hopeless(`There is no handler for messages of the type ${message.type}.`))
    }
    // SQS puts such a message aside by itself; in a table it would end one process after the other.
    if (attempt > attemptsMax) {
      return givenUp(new Hopeless(`Nobody who tried has told the outcome, ${attemptsMax} times.`))
    }
    try {
      const result = await handle(handler, delivery)
      return result === 'done'
        ? { outcome: 'done', verdict: { outcome: 'done' } }
        : { outcome: 'returned', verdict: { outcome: 'again' } }
    } catch (error) {
      const err = error as Error
      if (err instanceof Hopeless || attempt >= attemptsMax) return givenUp(err)
      const delayMs = retryDelayMs(attempt, handler.retry)
      return { outcome: 'retried', verdict: { outcome: 'later', delayMs }, err }
    }
  }

  /** The store's being away is not the message's fault: it is kept, and tried again. */
  async function handle({ handle }: Handler, { message, attempt }: Delivery): Promise<Result> {
    const untilMs = performance.now() + AWAY_TURN_MS
    for (let failures = 0; !stopping.signal.aborted && performance.now() < untilMs; failures++) {
      try {
        return await handle({ body: message.body, attempt, stopping: stopping.signal, log })
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

function givenUp(err: Error): Judged {
  return { outcome: 'dead', verdict: { outcome: 'dead', reason: err.message }, err }
}

function isAway(error: unknown): boolean {
  return error instanceof AppError && (error.code === 'unavailable' || error.code === 'outcome_unknown')
}
