import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../../domain/backoff.ts'
import { OperatorFault } from '../../domain/errors.ts'
import type { OutageLog } from '../outage-log.ts'
import type { RedisClient } from './client.ts'
import { permanentFault, unavailable } from './faults.ts'

/** As of a circuit breaker: `closed` lets calls through, `open` refuses them at once, `half-open` tries again. */
export type BreakerState = 'closed' | 'half-open' | 'open'

/**
 * The way to Redis, with a circuit breaker: what was lost, or has failed again and again, is cut, and made anew in the
 * background. Nobody waits for that.
 */
export interface Connection {
  readonly state: BreakerState
  /** Of the latest call; null before the first. */
  readonly latencyMs: number | null
  /**
   * Lends the client. Throws `unavailable` at once when there is none. Its calls throw it when they fail, and after
   * `timeoutMs` when there is no answer.
   */
  use<T>(run: (client: RedisClient) => Promise<T>): Promise<T>
  /** Resolves when a first attempt has succeeded or failed; rejects when it failed for what waiting does not mend. */
  start(): Promise<void>
  close(): Promise<void>
}

export interface ConnectionOptions {
  /**
   * Connects, and makes sure that Redis can be read and written. `onLost` may be called more than once. `givenUp` aborts
   * when it has failed, or takes too long: then nothing of it may stay connected.
   */
  readonly open: (onLost: (reason: Error) => void, givenUp: AbortSignal) => Promise<RedisClient>
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly outage: OutageLog
}

/** So many failed calls within this time open the breaker. */
const FAILURES_MAX = 3
const FAILURES_WITHIN_MS = 1000
const RECONNECT = { baseMs: 50, maxMs: 1000 }
/** A connection that is lost earlier than this has not been a success. */
const BRIEF_MS = 1000

interface Opened {
  readonly client: RedisClient
  readonly lost: PromiseWithResolvers<Error>
}

export function createConnection(options: ConnectionOptions): Connection {
  const { timeoutMs, connectTimeoutMs, outage } = options
  const closing = new AbortController()
  const first = Promise.withResolvers<void>()
  let state: BreakerState = 'open'
  let lent: RedisClient | undefined
  let failedMs: number[] = []
  let latencyMs: number | null = null
  let running: Promise<void> | undefined

  async function keepOpen(): Promise<void> {
    for (let failures = 0; !closing.signal.aborted; ) {
      try {
        const connection = await openInTime()
        const openMs = performance.now()
        const reason = await whileOpen(connection)
        if (!closing.signal.aborted) outage.goesOn(reason)
        failures = performance.now() - openMs < BRIEF_MS ? failures + 1 : 0
      } catch (error) {
        if (closing.signal.aborted) break
        outage.goesOn(error as Error)
        failures++
        const permanent = permanentFault(error)
        if (permanent !== undefined) first.reject(new OperatorFault(permanent))
        first.resolve()
      }
      state = 'open'
      await delay(backoffMs(failures, RECONNECT), undefined, { signal: closing.signal }).catch(() => {})
    }
  }

  async function openInTime(): Promise<Opened> {
    state = 'half-open'
    const lost = Promise.withResolvers<Error>()
    const givenUp = new AbortController()
    const opening = options.open(lost.resolve, givenUp.signal)
    try {
      return { client: await inTime(opening, connectTimeoutMs), lost }
    } catch (error) {
      givenUp.abort()
      opening.then((client) => client.destroy()).catch(() => {})
      throw error
    }
  }

  /** Resolves to why it is open no longer. */
  async function whileOpen(connection: Opened): Promise<Error> {
    const close = () => connection.lost.resolve(new Error('closed'))
    if (closing.signal.aborted) close()
    closing.signal.addEventListener('abort', close)
    lent = guarded(connection)
    failedMs = []
    state = 'closed'
    // A slow Redis is lost again at once, many times a minute: that is one outage, and one line in the log.
    const lasts = setTimeout(outage.over, BRIEF_MS)
    first.resolve()
    const reason = await connection.lost.promise
    clearTimeout(lasts)
    closing.signal.removeEventListener('abort', close)
    lent = undefined
    state = 'open'
    connection.client.destroy()
    return reason
  }

  /** Its calls have a time limit, and their failures are counted. */
  function guarded({ client, lost }: Opened): RedisClient {
    async function call<T>(answer: Promise<T>): Promise<T> {
      const startMs = performance.now()
      try {
        const answered = await inTime(answer, timeoutMs)
        latencyMs = Math.round((performance.now() - startMs) * 1000) / 1000
        return answered
      } catch (error) {
        const nowMs = performance.now()
        failedMs = [...failedMs.filter((ms) => nowMs - ms < FAILURES_WITHIN_MS), nowMs]
        if (failedMs.length >= FAILURES_MAX) lost.resolve(error as Error)
        throw unavailable(error)
      }
    }
    return {
      isCluster: client.isCluster,
      mGet: (keys) => call(client.mGet(keys)),
      update: (keys, args) => call(client.update(keys, args)),
      destroy: client.destroy,
    }
  }

  return {
    get state() {
      return state
    },
    get latencyMs() {
      return latencyMs
    },
    async use(run) {
      if (lent === undefined) throw unavailable()
      return run(lent)
    },
    start() {
      running = keepOpen()
      return first.promise
    },
    async close() {
      closing.abort()
      first.resolve()
      await running
    },
  }
}

/** A process that was busy may find the answer in its socket after the time is over: it is looked for once more. */
async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => setImmediate(() => reject(new Error(`no answer within ${timeoutMs} ms`))),
    timeoutMs,
  )
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
    answer.catch(() => {})
  }
}
