import { join } from 'node:path'
import { cpuSeconds, residentMb } from './process-usage.ts'
import { ask } from './raw-http.ts'
import { median } from './statistics.ts'
import type { Running } from './subjects.ts'
import { type Workload, type WorkloadName, workload, writeRequests } from './workloads.ts'
import { runWrk, type WrkResult } from './wrk.ts'

export interface Figures {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Requests for each second of CPU time that the server's process used, all its threads together. */
  readonly requestsPerCpuSecond: number
  /** At the end of the load. */
  readonly residentMb: number
}

/** One subject under one load: each figure in `median` is the median over the rounds. */
export interface Cell {
  readonly workload: string
  readonly connections: number
  readonly subject: string
  readonly median: Figures
  readonly rounds: readonly Figures[]
}

export interface Plan {
  readonly workloads: readonly WorkloadName[]
  readonly connections: readonly number[]
  readonly rounds: number
  readonly seconds: number
}

/** A subject and what it is asked; `file` holds the requests as the load generators read them. */
export interface Load {
  readonly subject: Running
  readonly workload: Workload
  readonly file: string
}

export const warmUpConnections = 16
export const warmUpSeconds = 1

/**
 * Measures every subject under every load, in turn within each round, so that whatever disturbs the machine
 * disturbs all of them. Throws at the first wrong answer. `dir` takes scratch files.
 */
export async function throughput(
  subjects: readonly Running[],
  plan: Plan,
  dir: string,
  progress: (text: string) => void,
): Promise<Cell[]> {
  const cells: { load: Load; connections: number; rounds: Figures[] }[] = []
  for (const name of plan.workloads) {
    const loads = await Promise.all(subjects.map((subject) => prepare(subject, name, dir)))
    for (const load of loads) await measure(load, warmUpConnections, warmUpSeconds)
    for (const connections of plan.connections) {
      for (const load of loads) cells.push({ load, connections, rounds: [] })
    }
  }
  for (let round = 1; round <= plan.rounds; round += 1) {
    progress(`throughput: round ${round} of ${plan.rounds}`)
    const order = round % 2 === 1 ? cells : cells.toReversed()
    for (const { load, connections, rounds } of order)
      rounds.push(await measure(load, connections, plan.seconds))
  }
  return cells.map(({ load, connections, rounds }) => {
    const { workload, subject } = load
    return { workload: workload.name, connections, subject: subject.name, median: medians(rounds), rounds }
  })
}

export async function prepare(subject: Running, name: WorkloadName, dir: string): Promise<Load> {
  const file = join(dir, `${subject.name}-${name}.requests`)
  const prepared = await workload(name, subject.origin)
  await writeRequests(file, prepared, subject.origin)
  return { subject, workload: prepared, file }
}

async function measure(
  { subject, workload, file }: Load,
  connections: number,
  seconds: number,
): Promise<Figures> {
  await subject.clearLog()
  const cpuBefore = cpuSeconds(subject.pid)
  const result = await runWrk(subject.origin, file, connections, seconds)
  const cpuUsed = cpuSeconds(subject.pid) - cpuBefore
  const figures = {
    requestsPerSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    requestsPerCpuSecond: result.requests / cpuUsed,
    residentMb: residentMb(subject.pid),
  }
  await requireRight({ subject, workload, file }, connections, result)
  return figures
}

// wrk takes any status below 400 for a success and looks at no body; the length of the answers tells them apart.
// An item grows by some digits with its version.
const lengthTolerance = 0.05

/** A fast wrong answer is no figure. */
export async function requireRight(
  { subject, workload }: Load,
  connections: number,
  result: WrkResult,
): Promise<void> {
  const where = `${subject.name}, ${workload.name} at ${connections} connections`
  const faults = Object.entries(result.errors).filter(([, number]) => number > 0)
  if (faults.length > 0) {
    const counts = faults.map(([kind, number]) => `${number} ${kind}`).join(', ')
    throw new Error(`${where}: of ${result.requests} requests there were errors: ${counts}`)
  }
  const [request] = workload.requests
  if (request === undefined) throw new Error(`${workload.name} has no request`)
  const { status, bytes } = await ask(subject.origin, request)
  if (status !== workload.status) throw new Error(`${where}: the answer is ${status}, not ${workload.status}`)
  if (Math.abs(result.bytesPerAnswer / bytes - 1) > lengthTolerance) {
    throw new Error(
      `${where}: answers had ${result.bytesPerAnswer.toFixed(1)} bytes on average, not ${bytes}`,
    )
  }
}

function medians(rounds: readonly Figures[]): Figures {
  const of = (name: keyof Figures): number => median(rounds.map((figures) => figures[name]))
  return {
    requestsPerSecond: of('requestsPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    requestsPerCpuSecond: of('requestsPerCpuSecond'),
    residentMb: of('residentMb'),
  }
}
