import { type Load, loadOf, warmUp } from './load.ts'
import { watchMemory } from './memory-watch.ts'
import { type OpenLoopResult, runOpenLoop } from './run-open-loop.ts'
import { median } from './statistics.ts'
import type { Running } from './subjects.ts'
import { workload } from './workloads.ts'
import { runWrk } from './wrk.ts'

export interface Overload {
  readonly subject: string
  readonly closed: ClosedLoop
  readonly open: OpenLoopResult & { readonly peakResidentMb: number }
  /** The promises that did not hold, in words. */
  readonly faults: readonly string[]
}

/** Goodput: answers below 400 for each second. */
interface ClosedLoop {
  readonly byConnections: readonly { readonly connections: number; readonly goodput: number }[]
  readonly peakConnections: number
  readonly peakGoodput: number
  /** At twice the connections of the peak. */
  readonly doubledGoodput: number
  readonly ratio: number
}

const GOODPUT_RATIO_MIN = 0.9
const ON_TIME_MIN = 0.95
const OPEN_LOOP_SECONDS = 5
const OPEN_LOOP_CONNECTIONS = 4_096
const ACCEPTED_P99_MS_MAX = 1_000

export interface OverloadPlan {
  readonly connections: readonly number[]
  readonly rounds: number
  readonly seconds: number
}

/** Loads one subject with twice of what it can do, first in connections, then in arrivals. `dir` takes scratch files. */
export async function overload(
  subject: Running,
  plan: OverloadPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<Overload> {
  const load = await loadOf(subject, await workload('get', subject.origin), dir)
  progress('overload: twice the connections of the peak')
  const closed = await closedLoop(load, plan)
  progress('overload: twice the rate of the peak')
  const open = await openLoop(load, 2 * closed.peakGoodput)
  return { subject: subject.name, closed, open, faults: faults(closed, open) }
}

async function closedLoop(load: Load, { connections, rounds, seconds }: OverloadPlan): Promise<ClosedLoop> {
  await warmUp(load, 'load')
  const byConnections: { connections: number; goodput: number }[] = []
  for (const number of connections) {
    byConnections.push({ connections: number, goodput: await goodput(load, number, seconds) })
  }
  const peak = byConnections.reduce((best, each) => (each.goodput > best.goodput ? each : best))
  const atPeak: number[] = []
  const atDouble: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    atPeak.push(await goodput(load, peak.connections, seconds))
    atDouble.push(await goodput(load, 2 * peak.connections, seconds))
  }
  const [peakGoodput, doubledGoodput] = [median(atPeak), median(atDouble)]
  const ratio = doubledGoodput / peakGoodput
  return { byConnections, peakConnections: peak.connections, peakGoodput, doubledGoodput, ratio }
}

async function goodput({ subject, file }: Load, connections: number, seconds: number): Promise<number> {
  await subject.clearLog()
  const plan = { connections, seconds }
  const { requests, errors, seconds: elapsed } = await runWrk(subject.origin, file, plan, 'load')
  const { connect, read, write, timeout } = errors
  if (connect + read + write + timeout > 0) {
    throw new Error(`${subject.name} at ${connections} connections: ${JSON.stringify(errors)}`)
  }
  return (requests - errors.status) / elapsed
}

async function openLoop({ subject, file }: Load, rate: number): Promise<Overload['open']> {
  const watch = watchMemory(() => subject.pid)
  const plan = { rate, seconds: OPEN_LOOP_SECONDS, connections: OPEN_LOOP_CONNECTIONS }
  try {
    const result = await runOpenLoop(subject.origin, file, plan, 'load')
    return { ...result, peakResidentMb: watch.stop() }
  } finally {
    watch.stop()
  }
}

function faults(closed: ClosedLoop, open: OpenLoopResult): string[] {
  const found: string[] = []
  if (closed.ratio < GOODPUT_RATIO_MIN) {
    found.push(
      `at twice the connections of the peak, goodput was ${closed.ratio.toFixed(2)} of it, not ${GOODPUT_RATIO_MIN}`,
    )
  }
  if (open.onTime < ON_TIME_MIN) {
    found.push(`the generator was late (${percent(open.onTime)} of arrivals on time): its figures are void`)
  }
  if (open.failed > 0) found.push(`${open.failed} requests had an answer other than 2xx and 503, or none`)
  if (open.accepted === 0) found.push('nothing was accepted')
  if (open.acceptedLatency.p99Ms > ACCEPTED_P99_MS_MAX) {
    found.push(
      `p99 of accepted requests was ${open.acceptedLatency.p99Ms.toFixed(0)} ms, above ${ACCEPTED_P99_MS_MAX} ms`,
    )
  }
  return found
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)}%`
}
