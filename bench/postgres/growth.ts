import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ask, type Request, requestText } from '../raw-http.ts'
import { median } from '../statistics.ts'
import { type Running, serviceOn } from '../subjects.ts'
import type { Load } from '../throughput.ts'
import { runWrk } from '../wrk.ts'
import { measureService, prepareLoad } from './comparison.ts'
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

const pageNumber = 100
/** So that few items have a page behind the hundredth. */
const pageItems = 9
const ratioMin = 0.75

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
  const loads: [few: Load, many: Load][] = [
    [await getLoad(fewService, plan.fewItems, dir), await getLoad(manyService, plan.manyItems, dir)],
    [await putLoad(fewService, plan.fewItems, dir), await putLoad(manyService, plan.manyItems, dir)],
    [await pageLoad(fewService, dir), await pageLoad(manyService, dir)],
  ]
  // The first write to a page after a checkpoint has the whole page logged: of many items, most of all writes for
  // the first seconds. That is what a checkpoint costs, and not what a write does.
  for (const { subject, file } of loads.flat().filter(({ workload }) => workload.name === 'put'))
    await runWrk(subject.origin, file, connections, plan.warmUpSeconds, 'anywhere')
  const rounds = loads.map((): Growth['rounds'][number][] => [])
  const rate = async (load: Load): Promise<number> => {
    for (const database of [few, many]) await database.settled()
    return (await measureService(server, load, connections, seconds)).rowsPerSecond
  }
  for (let round = 1; round <= plan.rounds; round += 1) {
    progress(`growth: round ${round} of ${plan.rounds}`)
    for (const [index, [ofFew, ofMany]] of loads.entries()) {
      const isFewFirst = round % 2 === 1
      const first = await rate(isFewFirst ? ofFew : ofMany)
      const second = await rate(isFewFirst ? ofMany : ofFew)
      const [fewPerSecond, manyPerSecond] = isFewFirst ? [first, second] : [second, first]
      rounds[index]?.push({ fewPerSecond, manyPerSecond })
    }
  }
  return loads.map(([{ workload }], index) => result(workload.name, connections, rounds[index] ?? []))
}

function result(workload: string, connections: number, rounds: Growth['rounds']): Growth {
  const ratio = median(rounds.map((round) => round.manyPerSecond / round.fewPerSecond))
  return {
    workload,
    connections,
    fewPerSecond: median(rounds.map((round) => round.fewPerSecond)),
    manyPerSecond: median(rounds.map((round) => round.manyPerSecond)),
    ratio,
    rounds,
    faults: ratio >= ratioMin ? [] : [`${workload} kept ${ratio.toFixed(2)} of its rate, not ${ratioMin}`],
  }
}

const getLoad = (subject: Running, items: number, dir: string): Promise<Load> =>
  prepareLoad(subject, 'get', items, dir)
const putLoad = (subject: Running, items: number, dir: string): Promise<Load> =>
  prepareLoad(subject, 'put', items, dir)

/** The hundredth page, found as a client finds it: by the cursor of the one before. */
async function pageLoad(subject: Running, dir: string): Promise<Load> {
  const list = (cursor: string | undefined): Request => ({
    method: 'GET',
    path: `/data?limit=${pageItems}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
  })
  let cursor: string | undefined
  for (let page = 1; page < pageNumber; page += 1) {
    const { status, body } = await ask(subject.origin, list(cursor))
    cursor = JSON.parse(body).next ?? undefined
    if (status !== 200 || cursor === undefined) throw new Error(`page ${page} is the last: ${status} ${body}`)
  }
  const request = list(cursor)
  const workload = { name: `page ${pageNumber}`, requests: [request], status: 200 }
  const file = join(dir, `${subject.name}-page.requests`)
  await writeFile(file, `${requestText(request, subject.origin.host)}\0`)
  return { subject, workload, file }
}
