import { startSqsServer } from '../../app/test/support/sqs.ts'
import type { Server } from '../postgres/server.ts'
import { inRounds } from '../rounds.ts'
import { apiAndWorker, oneProcess, type Sides, type System } from '../system.ts'
import { mediansOf, requestFilesOf, type Sample, sample } from './sample.ts'
import { type State, type StatesPlan, states } from './states.ts'

/** What the API's clients see of one system while it does something else. */
export interface Cell {
  readonly state: string
  readonly system: string
  readonly median: Sample
  readonly rounds: readonly Sample[]
}

export interface IsolationMeasured {
  /** Of GETs, and as many PUTs, for each second. */
  readonly rate: number
  readonly cells: readonly Cell[]
  /** In words, what makes figures void. */
  readonly faults: readonly string[]
}

export interface IsolationPlan extends StatesPlan {
  readonly items: number
  readonly rate: number
  readonly rounds: number
}

/**
 * The API and its load share one processor, and all else has the others, with a worker and without: what the database
 * does for an import then takes nothing from the API, as on machines of their own.
 */
const API_SIDE = 'server'
const OTHER_SIDE = 'load'
const sides: Sides = { api: API_SIDE, worker: OTHER_SIDE }

const WARM_UP_SECONDS = 1
const ON_TIME_MIN = 0.95

/**
 * The latency of GETs and PUTs at a fixed rate while imports are worked on or received, beside that of a quiet system: of
 * an API that does the work itself, and of one that has a worker. In turn within each round.
 */
export async function isolation(
  server: Server,
  plan: IsolationPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<IsolationMeasured> {
  server.pin(OTHER_SIDE)
  try {
    await using sqs = await startSqsServer()
    const one = await server.createDatabase('bench_isolation_one', plan.items)
    const other = await server.createDatabase('bench_isolation_other', plan.items)
    await using together = await oneProcess('one process', one, dir, sides)
    await using apart = await apiAndWorker('API and worker', other, sqs, dir, sides)
    const cells = await allCells([together, apart], plan, dir, progress)
    return { rate: plan.rate, cells, faults: cells.flatMap(faultsOf) }
  } finally {
    server.pin('anywhere')
  }
}

async function allCells(
  systems: readonly System[],
  plan: IsolationPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<Cell[]> {
  const measuring = await Promise.all(systems.map((system) => measuringOf(system, plan, dir)))
  for (const { quiet } of measuring) await quiet(WARM_UP_SECONDS)
  const cells = states(plan).flatMap((state) => measuring.map((each) => ({ state, ...each })))
  const figures = await inRounds(cells, plan, ({ state, system, during }, round) => {
    progress(`isolation: round ${round} of ${plan.rounds}, ${state.name}, ${system}`)
    return during(state)
  })
  return cells.map(({ state, system }, at) => {
    const rounds = figures[at] ?? []
    return { state: state.name, system, median: mediansOf(rounds), rounds }
  })
}

interface Measuring {
  readonly system: string
  quiet(seconds: number): Promise<Sample>
  during(state: State): Promise<Sample>
}

async function measuringOf(
  system: System,
  { items, rate, seconds }: IsolationPlan,
  dir: string,
): Promise<Measuring> {
  const files = await requestFilesOf(system, items, dir)
  // Imports have ids of their own: nobody waits for a row that a chunk has locked.
  let nextIndex = items
  return {
    system: system.name,
    quiet: (seconds) => sample(system, files, { rate, seconds }, API_SIDE, async () => 0),
    async during(state) {
      await system.database.settled()
      await system.api.clearLog()
      const doing = await state.begin(system, nextIndex)
      nextIndex = doing.nextIndex
      const seen = await sample(system, files, { rate, seconds }, API_SIDE, doing.appliedLines)
      await doing.end()
      return seen
    },
  }
}

function faultsOf({ state, system, median, rounds }: Cell): string[] {
  const faults: string[] = []
  if (median.onTime < ON_TIME_MIN) {
    faults.push(`${state}, ${system}: ${(100 * median.onTime).toFixed(1)}% of the requests were sent in time`)
  }
  const refused = rounds.reduce((sum, { refused }) => sum + refused, 0)
  if (refused > 0) faults.push(`${state}, ${system}: ${refused} requests were refused`)
  return faults
}
