import { startSqsServer } from '../../app/test/support/sqs.ts'
import type { Server } from '../postgres/server.ts'
import { apiAndWorker, oneProcess } from '../system.ts'
import { type Many, manyImports } from './many-imports.ts'
import { type Outage, outages } from './outages.ts'

export interface QueueMeasured {
  readonly putRate: number
  readonly postRate: number
  readonly seconds: number
  readonly outages: readonly Outage[]
  readonly imports: number
  readonly many: readonly Many[]
  /** The targets that were missed, in words. */
  readonly faults: readonly string[]
}

export interface QueuePlan {
  readonly items: number
  /** PUTs and small imports for each second. */
  readonly putRate: number
  readonly postRate: number
  /** How many imports of one line are sent as fast as they are taken. */
  readonly imports: number
  readonly rounds: number
  readonly seconds: number
}

const PUT_RATIO_MAX = 1.2

/** What a queue that is away costs clients, and how fast many small imports are done through it and without it. */
export async function queue(
  server: Server,
  plan: QueuePlan,
  dir: string,
  progress: (text: string) => void,
): Promise<QueueMeasured> {
  await using sqs = await startSqsServer()
  const one = await server.createDatabase('bench_queue_one', plan.items)
  const other = await server.createDatabase('bench_queue_other', plan.items)
  await using apart = await apiAndWorker('API and worker', other, sqs, dir)
  const measured = await outages(apart, sqs, plan, dir, progress)
  await using together = await oneProcess('one process', one, dir)
  const many = await manyImports([together, apart], plan, progress)
  const { putRate, postRate, seconds, imports } = plan
  return { putRate, postRate, seconds, outages: measured, imports, many, faults: measured.flatMap(faultsOf) }
}

function faultsOf({ state, putRatio, rounds }: Outage): string[] {
  const faults: string[] = []
  if (putRatio > PUT_RATIO_MAX) {
    faults.push(
      `${state}: p99 of PUTs was ${putRatio.toFixed(2)} of that with the queue up, not ${PUT_RATIO_MAX}`,
    )
  }
  const refused = rounds.reduce((sum, round) => sum + round.refused, 0)
  if (refused > 0) faults.push(`${state}: ${refused} requests were refused`)
  return faults
}
