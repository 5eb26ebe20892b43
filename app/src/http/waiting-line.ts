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
  /**
   * Why a new request has to be turned away, or undefined when there is room for it. To be asked on its arrival, with
   * the time on the clock of `performance.now()` before which it cannot have come, if that is known.
   */
  full(earliestMs?: number): FullReason | undefined
  /** One more request, received as a whole, waits for its answer. */
  enter(waiter: Waiter): void
  leave(waiter: Waiter): void
  /** Takes `bytes` of the memory budget. Throws `overloaded` when it has not so many left. */
  hold(bytes: number): void
  /** Takes it, whether there is so much left or not. */
  holdAnyway(bytes: number): void
  release(bytes: number): void
  readonly length: number
  readonly bytes: number
  /** How long the request that has waited longest has waited. */
  readonly ageMs: number
}

/** One place in line. The line links its waiters itself: a set would cost more than the rest of the line. */
export interface Waiter {
  /** When it arrived, on the clock of `performance.now()`. */
  readonly startMs: number
  before: Waiter | undefined
  behind: Waiter | undefined
}

export function createWaitingLine(options: WaitingLineOptions): WaitingLine {
  let length = 0
  /** The ends of the list of waiters; the first has waited longest. */
  let first: Waiter | undefined
  let last: Waiter | undefined
  let bytes = 0
  /** When this turn of the event loop began to take requests; undefined between turns. */
  let turnStartMs: number | undefined

  /**
   * How long a request has waited to be looked at, at the most: it became readable in this turn of the event loop. A
   * turn has no end while over 1,024 connections are readable, so that its start alone would say too much.
   */
  function ageOfArrivalMs(earliestMs: number): number {
    const nowMs = performance.now()
    if (turnStartMs === undefined) {
      turnStartMs = nowMs
      // All sockets that were readable when the turn began are served before this callback runs.
      setImmediate(endTurn)
    }
    return nowMs - Math.max(turnStartMs, earliestMs)
  }

  function endTurn(): void {
    turnStartMs = undefined
  }

  return {
    full(earliestMs = 0) {
      if (length >= options.requestsMax) return 'requests'
      return ageOfArrivalMs(earliestMs) > options.ageMaxMs ? 'age' : undefined
    },
    enter(waiter) {
      waiter.before = last
      if (last === undefined) first = waiter
      else last.behind = waiter
      last = waiter
      length++
    },
    leave(waiter) {
      const { before, behind } = waiter
      if (before === undefined) first = behind
      else before.behind = behind
      if (behind === undefined) last = before
      else behind.before = before
      waiter.before = undefined
      waiter.behind = undefined
      length--
    },
    hold(more) {
      if (bytes + more > options.bytesMax) {
        throw new AppError('overloaded', 'Too much data is in flight at this moment.')
      }
      bytes += more
    },
    holdAnyway(more) {
      bytes += more
    },
    release(less) {
      bytes -= less
    },
    get length() {
      return length
    },
    get bytes() {
      return bytes
    },
    get ageMs() {
      return first === undefined ? 0 : performance.now() - first.startMs
    },
  }
}
