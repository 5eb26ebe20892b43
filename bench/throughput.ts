import { type Load, loadOf, measureLoad, warmUp } from './load.ts'
import { residentMb } from './process-usage.ts'
import { inRounds } from './rounds.ts'
import { medians } from './statistics.ts'
import type { Running } from './subjects.ts'
import { type WorkloadName, workload } from './workloads.ts'
import type { WrkPlan } from './wrk.ts'

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

/** Measures every subject under every load. Throws at the first wrong answer. `dir` takes scratch files. */
export async function throughput(
  subjects: readonly Running[],
  plan: Plan,
  dir: string,
  progress: (text: string) => void,
): Promise<Cell[]> {
  const cells: { readonly load: Load; readonly connections: number }[] = []
  for (const name of plan.workloads) {
    const loads: Load[] = []
    for (const subject of subjects)
      loads.push(await loadOf(subject, await workload(name, subject.origin), dir))
    for (const load of loads) await warmUp(load, 'load')
    for (const connections of plan.connections) cells.push(...loads.map((load) => ({ load, connections })))
  }
  const before = (round: number) => progress(`throughput: round ${round} of ${plan.rounds}`)
  const figures = await inRounds(cells, { rounds: plan.rounds, before }, ({ load, connections }) =>
    measure(load, { connections, seconds: plan.seconds }),
  )
  return cells.map(({ load: { workload, subject }, connections }, at) => {
    const rounds = figures[at] ?? []
    return { workload: workload.name, connections, subject: subject.name, median: medians(rounds), rounds }
  })
}

async function measure(load: Load, plan: WrkPlan): Promise<Figures> {
  const { requestsPerSecond, p50Ms, p99Ms, cpuUs } = await measureLoad(load, plan, 'load')
  return {
    requestsPerSecond,
    p50Ms,
    p99Ms,
    requestsPerCpuSecond: 1e6 / cpuUs,
    residentMb: residentMb(load.subject.pid),
  }
}
