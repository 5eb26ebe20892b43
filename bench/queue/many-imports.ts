import { metricsOf } from '../../app/test/support/figures.ts'
import { itemId } from '../postgres/key-space.ts'
import { inRounds } from '../rounds.ts'
import { medians } from '../statistics.ts'
import type { Running } from '../subjects.ts'
import type { System } from '../system.ts'
import { allDone, postOf } from './outages.ts'

/** Many imports of one line each, from the first request to the end of the last import. */
export interface ManyRound {
  readonly postedPerSecond: number
  readonly importsPerSecond: number
  /** Of those that workers had done, copies included. */
  readonly messagesPerSecond: number
}

export interface Many {
  readonly system: string
  readonly median: ManyRound
  readonly rounds: readonly ManyRound[]
}

export interface ManyPlan {
  readonly items: number
  readonly imports: number
  readonly rounds: number
}

/** Below `IMPORT_UPLOADS_MAX`. */
const AT_ONCE = 8

export async function manyImports(
  systems: readonly System[],
  { items, imports, rounds }: ManyPlan,
  progress: (text: string) => void,
): Promise<Many[]> {
  for (const system of systems) await oneRound(system, items, imports / 10)
  const before = (round: number) => progress(`queue: round ${round} of ${rounds}, ${imports} imports`)
  const figures = await inRounds(systems, { rounds, before }, (system) => oneRound(system, items, imports))
  return systems.map(({ name }, at) => {
    const rounds = figures[at] ?? []
    return { system: name, median: medians(rounds), rounds }
  })
}

async function oneRound(system: System, items: number, imports: number): Promise<ManyRound> {
  const { database, api, worker = api } = system
  await database.settled()
  const doneBefore = await messagesDone(worker)
  const startMs = performance.now()
  const perSecond = (count: number) => (count * 1000) / (performance.now() - startMs)
  let next = 0
  async function client(): Promise<void> {
    while (next < imports) await post(api.origin, itemId(items + next++))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  const postedPerSecond = perSecond(imports)
  await allDone(system)
  const importsPerSecond = perSecond(imports)
  const messagesPerSecond = perSecond((await messagesDone(worker)) - doneBefore)
  return { postedPerSecond, importsPerSecond, messagesPerSecond }
}

async function post(origin: URL, id: string): Promise<void> {
  const { method, path, headers, body } = postOf(id)
  const answer = await fetch(new URL(path, origin), { method, headers: { ...headers }, body: body ?? '' })
  const text = await answer.text()
  if (answer.status !== 202) throw new Error(`an import was answered ${answer.status}: ${text}`)
}

async function messagesDone(worker: Running): Promise<number> {
  return (await metricsOf(worker)).get('worker_messages_total{type="import",outcome="done"}') ?? 0
}
