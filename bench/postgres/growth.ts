import { type Load, loadOf, measureLoad } from '../load.ts'
import { ask, type Request } from '../raw-http.ts'
import { inRounds } from '../rounds.ts'
import { median, medians } from '../statistics.ts'
import { type Running, serviceOn } from '../subjects.ts'
import type { Workload } from '../workloads.ts'
import { runWrk } from '../wrk.ts'
import { databaseWorkload } from './key-space.ts'
import type { Server } from './server.ts'

/** One load on few and on many items; the ratio is the median of the rounds' ratios. */
export interface Growth {
  readonly workload: string
  readonly connections: number
  readonly fewPerSecond: number
  readonly manyPerSecond: number
  readonly ratio: number
  readonly rounds: readonly { readonly fewPerSecond: number; readonly manyPerSecond: number }[]
  readonly faults: readonly string[]
}

export interface GrowthPlan {
  readonly fewItems: number
  readonly manyItems: number
  readonly connections: number
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

const PAGE_NUMBER = 100
/** So that few items have a page behind the hundredth. */
const PAGE_ITEMS = 9
const RATIO_MIN = 0.75

/** GET, PUT and a list's hundredth page, on two services with a database each. */
export async function growth(
  server: Server,
  plan: GrowthPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<Growth[]> {
  const { connections, seconds } = plan
  progress(`growth: ${plan.fewItems} and ${plan.manyItems} items`)
  const few = await server.createDatabase('bench_few', plan.fewItems)
  const many = await server.createDatabase('bench_many', plan.manyItems)
  await using fewService = await serviceOn(few.url, 'few').start(dir)
  await using manyService = await serviceOn(many.url, 'many').start(dir)
  const ofFew = await loadsOf(fewService, plan.fewItems, dir)
  const ofMany = await loadsOf(manyService, plan.manyItems, dir)
  // The first write to a page after a checkpoint has the whole page logged: of many items, most of all writes for
  // the first seconds. That is what a checkpoint costs, and not what a write does.
  for (const { subject, file } of [ofFew.put, ofMany.put])
    await runWrk(subject.origin, file, { connections, seconds: plan.warmUpSeconds }, 'anywhere')
  const loads = KINDS.flatMap((kind) => [ofFew[kind], ofMany[kind]])
  const before = (round: number) => progress(`growth: round ${round} of ${plan.rounds}`)
  const perSecond = await inRounds(loads, { rounds: plan.rounds, before }, async (load) => {
    for (const database of [few, many]) await database.settled()
    return (await measureLoad(load, { connections, seconds }, 'anywhere')).requestsPerSecond
  })
  return KINDS.map((kind, at) => {
    const [fewPerSecond = [], manyPerSecond = []] = perSecond.slice(2 * at)
    return result(ofFew[kind].workload.name, connections, fewPerSecond, manyPerSecond)
  })
}

const KINDS = ['get', 'put', 'page'] as const

async function loadsOf(
  subject: Running,
  items: number,
  dir: string,
): Promise<Record<(typeof KINDS)[number], Load>> {
  return {
    get: await loadOf(subject, databaseWorkload('get', items), dir),
    put: await loadOf(subject, databaseWorkload('put', items), dir),
    page: await loadOf(subject, await pageWorkload(subject), dir),
  }
}

function result(
  workload: string,
  connections: number,
  ofFew: readonly number[],
  ofMany: readonly number[],
): Growth {
  const rounds = ofFew.map((fewPerSecond, at) => ({ fewPerSecond, manyPerSecond: ofMany[at] ?? Number.NaN }))
  const ratio = median(rounds.map((round) => round.manyPerSecond / round.fewPerSecond))
  return {
    workload,
    connections,
    ...medians(rounds),
    ratio,
    rounds,
    faults: ratio >= RATIO_MIN ? [] : [`${workload} kept ${ratio.toFixed(2)} of its rate, not ${RATIO_MIN}`],
  }
}

/** The hundredth page, found as a client finds it: by the cursor of the one before. */
async function pageWorkload({ origin }: Running): Promise<Workload> {
  const list = (cursor: string | undefined): Request => ({
    method: 'GET',
    path: `/data?limit=${PAGE_ITEMS}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
  })
  let cursor: string | undefined
  for (let page = 1; page < PAGE_NUMBER; page += 1) {
    const { status, body } = await ask(origin, list(cursor))
    cursor = JSON.parse(body).next ?? undefined
    if (status !== 200 || cursor === undefined) throw new Error(`page ${page} is the last: ${status} ${body}`)
  }
  return { name: `page ${PAGE_NUMBER}`, requests: [list(cursor)], status: 200 }
}
