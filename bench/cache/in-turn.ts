import { metricsOf } from '../../app/test/support/figures.ts'
import { type Load, type LoadFigures, loadOf, measureLoad } from '../load.ts'
import type { Side } from '../pinning.ts'
import type { Server } from '../postgres/server.ts'
import { inRounds } from '../rounds.ts'
import { medians } from '../statistics.ts'
import type { Running } from '../subjects.ts'
import type { Workload } from '../workloads.ts'
import { runWrk } from '../wrk.ts'
import { type Levels, levelsBetween } from './levels.ts'

/** What one subject did in one round. */
export interface Round extends LoadFigures {
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

/** Measures every subject, each after all have been warmed up. Throws at the first wrong answer. */
export async function inTurn(
  server: Pick<Server, 'cpuSeconds'>,
  { subjects, warmUp, workload, side, settled }: Turns,
  plan: InTurnPlan,
  dir: string,
): Promise<Measured[]> {
  for (const subject of subjects) {
    await askedOnce(await loadOf(subject, warmUp, dir), plan, side)
  }
  let asked: Workload
  const before = () => {
    // Of a random one, what the round before has not brought into the cache.
    asked = workload()
  }
  const figures = await inRounds(subjects, { rounds: plan.rounds, before }, async (subject) => {
    const load = await loadOf(subject, asked, dir)
    await settled?.()
    return oneRound(server, load, plan, side)
  })
  return subjects.map(({ name }, at) => {
    const rounds = figures[at] ?? []
    return { subject: name, median: mediansOf(rounds), rounds }
  })
}

const PASS_SECONDS_MAX = 60

/** `wrk` runs for a time and not for a number of requests: for longer, until one run has had them all. */
async function askedOnce(
  { subject, workload, file }: Load,
  { connections, warmUpSeconds }: InTurnPlan,
  side: Side,
): Promise<void> {
  for (let seconds = warmUpSeconds; seconds <= PASS_SECONDS_MAX; seconds *= 2) {
    const { requests } = await runWrk(subject.origin, file, { connections, seconds }, side)
    if (requests >= workload.requests.length) return
  }
  throw new Error(
    `${subject.name}: ${workload.requests.length} requests are not answered in ${PASS_SECONDS_MAX} s`,
  )
}

async function oneRound(
  server: Pick<Server, 'cpuSeconds'>,
  load: Load,
  plan: InTurnPlan,
  side: Side,
): Promise<Round> {
  const before = await metricsOf(load.subject)
  const figures = await measureLoad(load, plan, side, server)
  return { ...figures, levels: levelsBetween(before, await metricsOf(load.subject)) }
}

function mediansOf(rounds: readonly Round[]): Round {
  const levels = rounds.flatMap((round) => round.levels ?? [])
  return {
    ...medians(rounds.map(({ levels: _, ...figures }) => figures)),
    levels: levels.length === 0 ? undefined : medians(levels),
  }
}
