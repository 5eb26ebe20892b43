import { join } from 'node:path'
import { countsOf } from '../cache/levels.ts'
import type { Latency, OpenLoopResult } from '../open-loop.ts'
import type { Side } from '../pinning.ts'
import { databaseWorkload } from '../postgres/key-space.ts'
import { cpuSeconds } from '../process-usage.ts'
import { runOpenLoop } from '../run-open-loop.ts'
import { median } from '../statistics.ts'
import type { System } from '../system.ts'
import { writeRequests } from '../workloads.ts'

/** What the clients of one API saw, and what it cost its process. */
export interface Sample {
  readonly get: Latency
  readonly put: Latency
  /** Requests without an answer of 2xx. */
  readonly refused: number
  /** The fraction of requests that were sent at their time. */
  readonly onTime: number
  /** Of one core: all that the API's process did. */
  readonly apiCpu: number
  /** How long the API's event loop took from one turn to the next, at the 99th percentile. */
  readonly loopP99Ms: number
  readonly appliedPerSecond: number
}

export interface LoadPlan {
  readonly rate: number
  readonly seconds: number
}

export interface Load {
  readonly origin: URL
  readonly files: { readonly get: string; readonly put: string }
}

/** So many that a request waits for the service and not for a connection. */
const connections = 256

/** `dir` takes the requests. */
export async function loadOf({ name, api: { origin } }: System, items: number, dir: string): Promise<Load> {
  const write = async (kind: 'get' | 'put') => {
    const file = join(dir, `${name}-${kind}.requests`)
    await writeRequests(file, databaseWorkload(kind, items), origin)
    return file
  }
  return { origin, files: { get: await write('get'), put: await write('put') } }
}

/** GETs and PUTs beside each other, each at the rate. `appliedLines` tells how many so far. */
export async function measure(
  { api }: System,
  { origin, files }: Load,
  { rate, seconds }: LoadPlan,
  side: Side,
  appliedLines: () => Promise<number>,
): Promise<Sample> {
  // What is told of the event loop begins anew with each look.
  await countsOf(origin)
  const before = { applied: await appliedLines(), cpu: cpuSeconds(api.pid), ms: performance.now() }
  const [get, put] = await Promise.all([
    runOpenLoop(origin, files.get, { rate, seconds, connections }, side),
    runOpenLoop(origin, files.put, { rate, seconds, connections }, side),
  ])
  const passedSeconds = (performance.now() - before.ms) / 1000
  const apiCpu = (cpuSeconds(api.pid) - before.cpu) / passedSeconds
  const counts = await countsOf(origin)
  return {
    get: get.acceptedLatency,
    put: put.acceptedLatency,
    refused: refusedOf(get) + refusedOf(put),
    onTime: Math.min(get.onTime, put.onTime),
    apiCpu,
    loopP99Ms: (counts.get('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1000,
    appliedPerSecond: ((await appliedLines()) - before.applied) / passedSeconds,
  }
}

function refusedOf({ shed, failed, unsent }: OpenLoopResult): number {
  return shed + failed + unsent
}

export function mediansOf(samples: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick))
  const latency = (kind: 'get' | 'put'): Latency => ({
    p50Ms: of((sample) => sample[kind].p50Ms),
    p99Ms: of((sample) => sample[kind].p99Ms),
    maxMs: of((sample) => sample[kind].maxMs),
  })
  return {
    get: latency('get'),
    put: latency('put'),
    refused: of(({ refused }) => refused),
    onTime: of(({ onTime }) => onTime),
    apiCpu: of(({ apiCpu }) => apiCpu),
    loopP99Ms: of(({ loopP99Ms }) => loopP99Ms),
    appliedPerSecond: of(({ appliedPerSecond }) => appliedPerSecond),
  }
}
