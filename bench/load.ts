import { join } from 'node:path'
import type { Side } from './pinning.ts'
import { cpuSeconds } from './process-usage.ts'
import { ask } from './raw-http.ts'
import type { Running } from './subjects.ts'
import { type Workload, writeRequests } from './workloads.ts'
import { runWrk, type WrkPlan, type WrkResult } from './wrk.ts'

/** A subject and what it is asked; `file` holds the requests as the load generators read them. */
export interface Load {
  readonly subject: Running
  readonly workload: Workload
  readonly file: string
}

/** What `wrk` saw of a subject, and what that cost. */
export interface LoadFigures {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the subject's process for each request, all its threads together. */
  readonly cpuUs: number
  /** The same of the database's processes; 0 where none was given. */
  readonly databaseCpuUs: number
}

const noDatabase = { cpuSeconds: () => 0 }
const WARM_UP_PLAN: WrkPlan = { connections: 16, seconds: 1 }

/** `dir` takes the requests. */
export async function loadOf(subject: Running, workload: Workload, dir: string): Promise<Load> {
  const file = join(dir, `${subject.name}-${workload.name}.requests`)
  await writeRequests(file, workload, subject.origin)
  return { subject, workload, file }
}

/** So that what is measured later has been compiled. */
export async function warmUp({ subject, file }: Load, side: Side): Promise<void> {
  await runWrk(subject.origin, file, WARM_UP_PLAN, side)
}

/** Loads the subject, beside a database's server if it has one. Throws at a wrong answer. */
export async function measureLoad(
  load: Load,
  plan: WrkPlan,
  side: Side,
  server: { cpuSeconds(): number } = noDatabase,
): Promise<LoadFigures> {
  const { subject, file } = load
  await subject.clearLog()
  const before = { subject: cpuSeconds(subject.pid), database: server.cpuSeconds() }
  const result = await runWrk(subject.origin, file, plan, side)
  const us = (seconds: number): number => (seconds * 1e6) / result.requests
  const figures = {
    requestsPerSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuUs: us(cpuSeconds(subject.pid) - before.subject),
    databaseCpuUs: us(server.cpuSeconds() - before.database),
  }
  await requireRight(load, plan, result)
  return figures
}

// wrk takes any status below 400 for a success and looks at no body; the length of the answers tells them apart.
// An item grows by some digits with its version.
const LENGTH_TOLERANCE = 0.05

/** A fast wrong answer is no figure. */
async function requireRight(
  { subject, workload }: Load,
  { connections }: WrkPlan,
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
  if (Math.abs(result.bytesPerAnswer / bytes - 1) > LENGTH_TOLERANCE) {
    throw new Error(
      `${where}: answers had ${result.bytesPerAnswer.toFixed(1)} bytes on average, not ${bytes}`,
    )
  }
}
