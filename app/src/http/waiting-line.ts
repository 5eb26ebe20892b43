import { AppError } from '../domain/errors.ts'

export interface WaitingLineOptions {
  readonly requestsMax: number
  readonly bytesMax: number
  readonly ageMaxMs: number
}

export type FullReason = 'requests' | 'age'

/**
 * The bounded waiting line: everything that has been accepted and not yet answered. It is bounded in requests, in
 * bytes of bodies and answers, and in age. What does not fit is turned away at once, because a request that waits
 * behind a full line costs its client time and the service memory, and is likely given up before it is served.
 */
export interface WaitingLine {
  /** Why a new request has to be turned away, or undefined when there is room for it. To be asked on its arrival. */
  full(): FullReason | undefined
  /** One more request, received as a whole, waits for its answer. */
  enter(waiter: Waiter): void
  leave(waiter: Waiter): void
  /** Takes `bytes` of the memory budget. Throws `overloaded` when it has not so many left. */
  hold(bytes: number): void
  release(bytes: number): void
  readonly length: number
  readonly bytes: number
  /** How long the request that has waited longest has waited. */
  readonly ageMs: number
}

export interface Waiter {
  /** When it arrived, on the clock of `performance.now()`. */
  readonly startMs: number
}

export function createWaitingLine(options: WaitingLineOptions): WaitingLine {
  /** In order of entering, so that the first is the oldest. */
  const waiters = new Set<Waiter>()
  let bytes = 0
  /** When this turn of the event loop began to take requests; undefined between turns. */
  let turnStartMs: number | undefined

  /** How long the requests that became readable together have waited to be looked at. */
  function turnAgeMs(): number {
    if (turnStartMs !== undefined) return performance.now() - turnStartMs
    // All sockets that were readable when the turn began are served before setImmediate's callback runs.
    turnStartMs = performance.now()
    setImmediate(() => {
      turnStartMs = undefined
    })
    return 0
  }

  return {
    full() {
      if (waiters.size >= options.requestsMax) return 'requests'
      return turnAgeMs() > options.ageMaxMs ? 'age' : undefined
    },
    enter(waiter) {
      waiters.add(waiter)
    },
    leave(waiter) {
      waiters.delete(waiter)
    },
    hold(more) {
      if (bytes + more > options.bytesMax) {
        throw new AppError('overloaded', 'Too much data is in flight at this moment.')
      }
      bytes += more
    },
    release(less) {
      bytes -= less
    },
    get length() {
      return waiters.size
    },
    get bytes() {
      return bytes
    },
    get ageMs() {
      const [oldest] = waiters
      return oldest === undefined ? 0 : performance.now() - oldest.startMs
    },
  }
}
