import { setTimeout as delay } from 'node:timers/promises'
import { type Load, loadOf, measureLoad, warmUp } from '../load.ts'
import { ask } from '../raw-http.ts'
import { median, medians } from '../statistics.ts'
import { type Running, serviceOn } from '../subjects.ts'
import { databaseWorkload, itemId, put } from './key-space.ts'
import type { Database, Server } from './server.ts'

export interface LockedRow {
  readonly connections: number
  /** PUTs of other ids. */
  readonly freePerSecond: number
  readonly lockedPerSecond: number
  readonly ratio: number
  readonly rounds: readonly { readonly freePerSecond: number; readonly lockedPerSecond: number }[]
  /** How the PUTs of the locked id ended: how many of each status. */
  readonly lockedAnswers: Readonly<Record<string, number>>
  readonly faults: readonly string[]
}

export interface LockedRowPlan {
  readonly items: number
  readonly connections: number
  readonly rounds: number
}

const LOCKED_SECONDS = 1
/** PUTs of the locked id that wait at one time, each on a connection of its own. */
const LOCKED_WRITERS = 4
const RATIO_MIN = 0.8

/** The rate of PUTs while another session holds one row's lock, which others want to write, beside the rate without. */
export async function lockedRow(
  server: Server,
  plan: LockedRowPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<LockedRow> {
  const { connections } = plan
  const database = await server.createDatabase('bench_locked_row', plan.items + 1)
  await using running = await serviceOn(database.url).start(dir)
  // The last item is in nobody's requests.
  const load = await loadOf(running, databaseWorkload('put', plan.items), dir)
  const lockedId = itemId(plan.items)
  await warmUp(load, 'anywhere')
  const rounds: LockedRow['rounds'][number][] = []
  const answers: number[] = []
  progress(`lock: ${plan.rounds} rounds`)
  for (let round = 0; round < plan.rounds; round += 1) {
    await database.settled()
    const freePerSecond = await rate(load, connections)
    await database.settled()
    const locked = lock(database, lockedId)
    const writers = write(running, lockedId)
    const lockedPerSecond = await rate(load, connections)
    answers.push(...(await writers))
    await locked
    rounds.push({ freePerSecond, lockedPerSecond })
  }
  const ratio = median(rounds.map((round) => round.lockedPerSecond / round.freePerSecond))
  return {
    connections,
    ...medians(rounds),
    ratio,
    rounds,
    lockedAnswers: counts(answers),
    faults:
      ratio >= RATIO_MIN
        ? []
        : [`writes to other ids kept ${ratio.toFixed(2)} of their rate, not ${RATIO_MIN}`],
  }
}

async function rate(load: Load, connections: number): Promise<number> {
  const plan = { connections, seconds: LOCKED_SECONDS }
  return (await measureLoad(load, plan, 'anywhere')).requestsPerSecond
}

/** Statements that are sent together are one transaction. */
async function lock(database: Database, id: string): Promise<void> {
  await database.query(`select from data where id = '${id}' for update; select pg_sleep(${LOCKED_SECONDS})`)
}

async function write({ origin }: Running, id: string): Promise<number[]> {
  const askOnce = async (_: unknown, n: number): Promise<number> => {
    // In the middle of the load, and not all in one batch.
    await delay(20 + n * 20)
    return (await ask(origin, put(id), 10_000)).status
  }
  return Promise.all(Array.from({ length: LOCKED_WRITERS }, askOnce))
}

function counts(statuses: readonly number[]): Record<string, number> {
  const groups = Map.groupBy(statuses, String)
  return Object.fromEntries([...groups].map(([status, all]) => [status, all.length]))
}
