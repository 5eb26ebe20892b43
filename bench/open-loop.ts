// Sends requests at a fixed rate, whether or not the answers keep up, and prints its result as one line of JSON. It is a
// process of its own, so that it has a processor apart from the server's and is late for nobody else's work.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { everyArrival } from './arrivals.ts'
import { connectionPool } from './connection-pool.ts'
import type { Latency, OpenLoopResult } from './run-open-loop.ts'
import { percentile } from './statistics.ts'

interface Load {
  readonly origin: URL
  readonly requests: readonly Buffer[]
  readonly arrivalsPerSecond: number
  readonly seconds: number
  readonly connections: number
}

const LATE_MS_MAX = 10
const FILL_MS_MAX = 10_000
const DRAIN_MS_MAX = 5_000

async function openLoop(load: Load): Promise<OpenLoopResult> {
  const acceptedMs: number[] = []
  const shedMs: number[] = []
  let failed = 0
  const pool = connectionPool(load.origin, load.connections, (status = 0, scheduledMs) => {
    if (status >= 200 && status < 300) acceptedMs.push(performance.now() - scheduledMs)
    else if (status === 503) shedMs.push(performance.now() - scheduledMs)
    else failed += 1
  })
  await pool.fill(FILL_MS_MAX)
  const sending = await sendAll(load, pool.send)
  const connections = pool.size()
  const acceptedPerSecond = acceptedMs.length / sending.seconds
  const drainEndMs = performance.now() + DRAIN_MS_MAX
  while (pool.busy() > 0 && performance.now() < drainEndMs) await delay(10)
  pool.close()
  const unanswered = sending.arrivals - sending.unsent - acceptedMs.length - shedMs.length - failed
  return {
    arrivals: sending.arrivals,
    arrivalsPerSecond: sending.arrivals / sending.seconds,
    onTime: 1 - sending.late / sending.arrivals,
    lateMsMax: LATE_MS_MAX,
    accepted: acceptedMs.length,
    acceptedPerSecond,
    shed: shedMs.length,
    failed: failed + unanswered,
    unsent: sending.unsent,
    acceptedLatency: latency(acceptedMs),
    shedLatency: latency(shedMs),
    connections,
    generatorCpu: sending.cpuSeconds / sending.seconds,
  }
}

interface Sending {
  readonly arrivals: number
  readonly late: number
  readonly unsent: number
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Hands each request to `send` at its time. */
async function sendAll(
  load: Load,
  send: (request: Buffer, scheduledMs: number) => boolean,
): Promise<Sending> {
  const total = Math.round(load.arrivalsPerSecond * load.seconds)
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  let late = 0
  let unsent = 0
  await everyArrival({ perSecond: load.arrivalsPerSecond, total }, (n, scheduledMs) => {
    const request = load.requests[n % load.requests.length]
    if (performance.now() - scheduledMs > LATE_MS_MAX) late += 1
    if (request === undefined || !send(request, scheduledMs)) unsent += 1
  })
  const { user, system } = process.cpuUsage(cpu)
  const seconds = (performance.now() - startedMs) / 1_000
  return { arrivals: total, late, unsent, seconds, cpuSeconds: (user + system) / 1e6 }
}

function latency(valuesMs: readonly number[]): Latency {
  const at = (fraction: number): number => percentile(valuesMs, fraction)
  return { p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: { origin: text, requests: text, rate: text, seconds: text, connections: text },
})
const result = await openLoop({
  origin: new URL(values.origin ?? 'http://127.0.0.1:8000'),
  requests: readFileSync(values.requests ?? '', 'latin1')
    .split('\0')
    .slice(0, -1)
    .map((request) => Buffer.from(request, 'latin1')),
  arrivalsPerSecond: Number(values.rate ?? 1_000),
  seconds: Number(values.seconds ?? 5),
  connections: Number(values.connections ?? 4_096),
})
process.stdout.write(`${JSON.stringify(result)}\n`)
