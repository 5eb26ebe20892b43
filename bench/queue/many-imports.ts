import { countsOf } from '../cache/levels.ts'
import { itemId } from '../postgres/key-space.ts'
import { median } from '../statistics.ts'
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
const atOnce = 8

/** Each system in turn within each round. */
export async function manyImports(
  systems: readonly System[],
  { items, imports, rounds: roundsMax }: ManyPlan,
  progress: (text: string) => void,
): Promise<Many[]> {
  const rounds = systems.map((): ManyRound[] => [])
  for (const system of systems) await oneRound(system, items, imports / 10)
  for (let round = 1; round <= roundsMax; round += 1) {
    progress(`queue: round ${round} of ${roundsMax}, ${imports} imports`)
    const order = [...systems.entries()]
    for (const [at, system] of round % 2 === 1 ? order : order.reverse()) {
      rounds[at]?.push(await oneRound(system, items, imports))
    }
  }
  return systems.map(({ name }, at) => {
    const all = rounds[at] ?? []
    const of = (pick: (round: ManyRound) => number): number => median(all.map(pick))
    return {
      system: name,
      median: {
        postedPerSecond: of(({ postedPerSecond }) => postedPerSecond),
        importsPerSecond: of(({ importsPerSecond }) => importsPerSecond),
        messagesPerSecond: of(({ messagesPerSecond }) => messagesPerSecond),
      },
      rounds: all,
    }
  })
}

async function oneRound(system: System, items: number, imports: number): Promise<ManyRound> {
  const { database, api, worker = api } = system
  await database.settled()
  const doneBefore = await messagesDone(worker.origin)
  const startMs = performance.now()
  const perSecond = (count: number) => (count * 1000) / (performance.now() - startMs)
  let next = 0
  async function client(): Promise<void> {
    while (next < imports) await post(api.origin, itemId(items + next++))
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  const postedPerSecond = perSecond(imports)
  await allDone(system)
  const importsPerSecond = perSecond(imports)
  const messagesPerSecond = perSecond((await messagesDone(worker.origin)) - doneBefore)
  return { postedPerSecond, importsPerSecond, messagesPerSecond }
}

async function post(origin: URL, id: string): Promise<void> {
  const { method, path, headers, body } = postOf(id)
  const answer = await fetch(new URL(path, origin), { method, headers: { ...headers }, body: body ?? '' })
  const text = await answer.text()
  if (answer.status !== 202) throw new Error(`an import was answered ${answer.status}: ${text}`)
}

async function messagesDone(origin: URL): Promise<number> {
  const counts = await countsOf(origin)
  return counts.get('worker_messages_total{type="import",outcome="done"}') ?? 0
}
