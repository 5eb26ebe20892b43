import type { Log } from '../log.ts'

/** How long a message waits after an attempt that failed: from `baseMs`, doubling, to `maxMs`. */
export interface Retry {
  readonly baseMs: number
  readonly maxMs: number
}

/** For work that somebody waits for, and whose faults pass soon or never. */
export const RETRY_SOON: Retry = { baseMs: 1000, maxMs: 60_000 }

/** After attempt `attempt`, with equal jitter: at least half of it, so that the attempts span a time that faults pass in. */
export function retryDelayMs(attempt: number, { baseMs, maxMs }: Retry): number {
  const wholeMs = Math.min(maxMs, baseMs * 2 ** (attempt - 1))
  return wholeMs / 2 + (Math.random() * wholeMs) / 2
}

export interface Attempt {
  readonly body: string
  /** 1 the first time. */
  readonly attempt: number
  /** Aborts when the process is to end: what cannot be finished within a second or two is left. */
  readonly stopping: AbortSignal
  readonly log: Log
}

/** `left`: there is more to do, which whoever gets the message next goes on with, at the first attempt. */
export type Result = 'done' | 'left'

/** It will never succeed, whoever tries and however often. */
export class Hopeless extends Error {}

/**
 * What one type of message asks for. A message may come twice, late, out of order, and to two processes at one time:
 * a handler looks at the rows for what is to be done, and may be cut off anywhere.
 */
export interface Handler {
  readonly type: string
  readonly retry: Retry
  /**
   * Throws `unavailable` when it is the store's fault, which is not counted against the message; `Hopeless`; or anything
   * else, for another attempt.
   */
  handle(attempt: Attempt): Promise<Result>
}
