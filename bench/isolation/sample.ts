import { join } from 'node:path'
import { metricsOf } from '../../app/test/support/figures.ts'
import type { Side } from '../pinning.ts'
import { databaseWorkload } from '../postgres/key-space.ts'
import { cpuSeconds } from '../process-usage.ts'
import { type Latency, refusedOf, runOpenLoop } from '../run-open-loop.ts'
import { median, medians } from '../statistics.ts'
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

export interface RequestFiles {
  readonly get: string
  readonly put: string
}

/** So many that a request waits for the service and not for a connection. */
const CONNECTIONS = 256

/** `dir` takes the requests. */
export async function requestFilesOf(
  { name, api: { origin } }: System,
  items: number,
  dir: string,
): Promise<RequestFiles> {
  const write = async (kind: 'get' | 'put') => {
    const file = join(dir, `${name}-${kind}.requests`)
    await writeRequests(file, databaseWorkload(kind, items), origin)
    return file
  }
  return { get: await write('get'), put: await write('put') }
}

/** GETs and PUTs beside each other, each at the rate. `appliedLines` tells how many so far. */
export async function sample(
  { api }: System,
  files: RequestFiles,
  { rate, seconds }: LoadPlan,
  side: Side,
  appliedLines: () => Promise<number>,
): Promise<Sample> {
  // What is told of the event loop begins anew with each look.
  await metricsOf(api)
  const before = { applied: await appliedLines(), cpu: cpuSeconds(api.pid), ms: performance.now() }
  const [get, put] = await Promise.all([
    runOpenLoop(api.origin, files.get, { rate, seconds, connections: CONNECTIONS }, side),
    runOpenLoop(api.origin, files.put, { rate, seconds, connections: CONNECTIONS }, side),
  ])
  const passedSeconds = (performance.now() - before.ms) / 1000
  const apiCpu = (cpuSeconds(api.pid) - before.cpu) / passedSeconds
  const metrics = await metricsOf(api)
  return {
    get: get.acceptedLatency,
    put: put.acceptedLatency,
    refused: refusedOf(get) + refusedOf(put),
    onTime: Math.min(get.onTime, put.onTime),
    apiCpu,
    loopP99Ms: (metrics.get('nodejs_eventloop_lag_p99_seconds') ?? Number.NaN) * 1000,
    appliedPerSecond: ((await appliedLines()) - before.applied) / passedSeconds,
  }
}

export function mediansOf(samples: readonly Sample[]): Sample {
  const of = (pick: (sample: Sample) => number): number => median(samples.map(pick))
  return {
    get: medians(samples.map(({ get }) => get)),
    put: medians(samples.map(({ put }) => put)),
    refused: of(({ refused }) => refused),
    onTime: of(({ onTime }) => onTime),
    apiCpu: of(({ apiCpu }) => apiCpu),
    loopP99Ms: of(({ loopP99Ms }) => loopP99Ms),
    appliedPerSecond: of(({ appliedPerSecond }) => appliedPerSecond),
  }
}
