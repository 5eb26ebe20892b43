export interface Arrivals {
  readonly perSecond: number
  /** How many there are; without end when left out. */
  readonly total?: number
  /** Ends them early. */
  readonly signal?: AbortSignal
}

/**
 * Calls `arrive` at the time of each arrival, whether or not earlier ones are done with, in bursts of about a
 * millisecond. A time that has passed meanwhile is made up for: `scheduledMs` says when it was due.
 */
export function everyArrival(
  { perSecond, total = Number.POSITIVE_INFINITY, signal }: Arrivals,
  arrive: (n: number, scheduledMs: number) => void,
): Promise<void> {
  const everyMs = 1_000 / perSecond
  const startedMs = performance.now()
  let n = 0
  return new Promise((resolve) => {
    function tick(): void {
      const due = Math.min(total, Math.floor((performance.now() - startedMs) / everyMs) + 1)
      for (; n < due; n += 1) arrive(n, startedMs + n * everyMs)
      if (n < total && signal?.aborted !== true) setTimeout(tick, 1)
      else resolve()
    }
    tick()
  })
}
