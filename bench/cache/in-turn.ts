import { join } from 'node:path'
import type { Side } from '../pinning.ts'
import type { Server } from '../postgres/server.ts'
import { cpuSeconds } from '../process-usage.ts'
import { median } from '../statistics.ts'
import type { Running } from '../subjects.ts'
import { type Load, requireRight } from '../throughput.ts'
import { type Workload, writeRequests } from '../workloads.ts'
import { runWrk } from '../wrk.ts'
import { countsOf, type Levels, levelsBetween } from './levels.ts'

/** What one subject did in one round. */
export interface Round {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time of the service's process for each request, and of all of the database's. */
  readonly cpuUs: number
  readonly databaseCpuUs: number
  /** Undefined where neither a cache nor a database was asked for items. */
  readonly levels: Levels | undefined
}

export interface Measured {
  readonly subject: string
  readonly median: Round
  readonly rounds: readonly Round[]
}

export interface InTurnPlan {
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  /** At least: whoever is warmed up is asked everything once. */
  readonly warmUpSeconds: number
}

export interface Turns {
  readonly subjects: readonly Running[]
  /** What everybody is asked once before, and then in each round. */
  readonly warmUp: Workload
  readonly workload: () => Workload
  /** Where the load is made. */
  readonly side: Side
  /** Runs before each figure. */
  readonly settled?: () => Promise<void>
}

/** Measures every subject in turn within each round. Throws at the first wrong answer. */
export async function inTurn(
  server: Pick<Server, 'cpuSeconds'>,
  { subjects, warmUp, workload, side, settled }: Turns,
  plan: InTurnPlan,
  dir: string,
): Promise<Measured[]> {
  for (const subject of subjects) {
    await askedOnce(await loadOf(subject, warmUp, dir), plan, side)
  }
  const measured = subjects.map((): Round[] => [])
  for (let round = 1; round <= plan.rounds; round += 1) {
    // Of a random one, what the round before has not brought into the cache.
    const asked = workload()
    const order = [...subjects.entries()]
    for (const [at, subject] of round % 2 === 1 ? order : order.reverse()) {
      const load = await loadOf(subject, asked, dir)
      await settled?.()
      measured[at]?.push(await oneRound(server, load, plan, side))
    }
  }
  return subjects.map(({ name }, at) => {
    const rounds = measured[at] ?? []
    return { subject: name, median: medians(rounds), rounds }
  })
}

/** `dir` takes its requests. */
export async function loadOf(subject: Running, workload: Workload, dir: string): Promise<Load> {
  const file = join(dir, `${subject.name}-${workload.name}.requests`)
  await writeRequests(file, workload, subject.origin)
  return { subject, workload, file }
}

const passSecondsMax = 60

/** `wrk` runs for a time and not for a number of requests: for longer, until one run has had them all. */
async function askedOnce(
  { subject, workload, file }: Load,
  { connections, warmUpSeconds }: InTurnPlan,
  side: Side,
): Promise<void> {
  for (let seconds = warmUpSeconds; seconds <= passSecondsMax; seconds *= 2) {
    const { requests } = await runWrk(subject.origin, file, connections, seconds, side)
    if (requests >= workload.requests.length) return
  }
  throw new Error(
    `${subject.name}: ${workload.requests.length} requests are not answered in ${passSecondsMax} s`,
  )
}

async function oneRound(
  server: Pick<Server, 'cpuSeconds'>,
  load: Load,
  { connections, seconds }: InTurnPlan,
  side: Side,
): Promise<Round> {
  const { subject, file } = load
  await subject.clearLog()
  const before = await countsOf(subject.origin)
  const cpuBefore = { service: cpuSeconds(subject.pid), database: server.cpuSeconds() }
  const result = await runWrk(subject.origin, file, connections, seconds, side)
  const us = (seconds: number): number => (seconds * 1e6) / result.requests
  const figures = {
    requestsPerSecond: result.requests / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuUs: us(cpuSeconds(subject.pid) - cpuBefore.service),
    databaseCpuUs: us(server.cpuSeconds() - cpuBefore.database),
    levels: levelsBetween(before, await countsOf(subject.origin)),
  }
  await requireRight(load, connections, result)
  return figures
}

function medians(rounds: readonly Round[]): Round {
  const of = (pick: (round: Round) => number | undefined): number =>
    median(rounds.map((round) => pick(round) ?? Number.NaN))
  return {
    requestsPerSecond: of((round) => round.requestsPerSecond),
    p50Ms: of((round) => round.p50Ms),
    p99Ms: of((round) => round.p99Ms),
    cpuUs: of((round) => round.cpuUs),
    databaseCpuUs: of((round) => round.databaseCpuUs),
    levels: rounds[0]?.levels && {
      near: of((round) => round.levels?.near),
      redis: of((round) => round.levels?.redis),
      rows: of((round) => round.levels?.rows),
      rowsRead: of((round) => round.levels?.rowsRead),
    },
  }
}
