const SPIN_CPU_MS = 50
/** Below it nobody else is there: a computation is never quite alone. */
const CROWDED = 1.2
/** Whoever misses a bound by more than that is at fault on any machine. */
const PATIENCE_MAX = 10

export interface Crowding {
  /** The most that was measured so far. */
  readonly most: number
  /** Computes for a moment, during which this process does nothing else. */
  measure(): number
}

/**
 * How many times as long as on a machine of its own a computation takes because others use the processors. The tour
 * judges the service, not them: see `patienceFor`.
 */
export function createCrowding(): Crowding {
  let most = 1
  return {
    get most() {
      return most
    },
    measure() {
      most = Math.max(most, slowness())
      return most
    },
  }
}

/**
 * By how many times a time may miss its bound and be no fault: 1 on a quiet machine, otherwise twice the crowding, for
 * neighbours come and go.
 */
export function patienceFor(crowding: number): number {
  return crowding < CROWDED ? 1 : Math.min(PATIENCE_MAX, 2 * crowding)
}

function slowness(): number {
  const startedMs = performance.now()
  const before = process.cpuUsage()
  let cpuMs = 0
  while (cpuMs < SPIN_CPU_MS) {
    const { user, system } = process.cpuUsage(before)
    cpuMs = (user + system) / 1000
  }
  return (performance.now() - startedMs) / cpuMs
}
