import { join } from 'node:path'
import { pinned, type Side } from './pinning.ts'
import { outputOf } from './program.ts'

export interface OpenLoopPlan {
  /** Arrivals for each second. */
  readonly rate: number
  readonly seconds: number
  readonly connections: number
}

export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Each of the `arrivals` is counted once: as accepted, shed, failed or unsent. */
export interface OpenLoopResult {
  readonly arrivals: number
  readonly arrivalsPerSecond: number
  /** The fraction of arrivals that the generator handled within `lateMsMax` of their time. */
  readonly onTime: number
  readonly lateMsMax: number
  /** Answers of 2xx. */
  readonly accepted: number
  readonly acceptedPerSecond: number
  /** Answers of 503. */
  readonly shed: number
  /** Other answers, broken connections, and requests without an answer a few seconds after the last arrival. */
  readonly failed: number
  /** Arrivals that found every connection busy. */
  readonly unsent: number
  /** From the time at which a request was due, not from when it was sent, to its answer. */
  readonly acceptedLatency: Latency
  readonly shedLatency: Latency
  /** Open at the end of the arrivals. */
  readonly connections: number
  /** Of one core. */
  readonly generatorCpu: number
}

const SCRIPT = join(import.meta.dirname, 'open-loop.ts')

/** Loads `origin` with the requests of a file (see `writeRequests`) from a process on `side`. */
export async function runOpenLoop(
  origin: URL,
  file: string,
  { rate, seconds, connections }: OpenLoopPlan,
  side: Side,
): Promise<OpenLoopResult> {
  const command = pinned(side, [
    process.execPath,
    SCRIPT,
    ...['--origin', origin.href],
    ...['--requests', file],
    ...['--rate', String(Math.round(rate))],
    ...['--seconds', String(seconds)],
    ...['--connections', String(connections)],
  ])
  return JSON.parse(await outputOf(command, { timeoutMs: (seconds + 30) * 1_000 }))
}

/** Requests without an answer of 2xx. */
export function refusedOf({ shed, failed, unsent }: OpenLoopResult): number {
  return shed + failed + unsent
}
