import { type CacheMeasured, cache } from './cache/cache.ts'
import { cacheText } from './cache/report.ts'
import { type ImportMeasured, importing } from './import/import.ts'
import { importText } from './import/report.ts'
import { type IsolationMeasured, isolation } from './isolation/isolation.ts'
import { isolationText } from './isolation/report.ts'
import type { Options } from './options.ts'
import { type Comparison, comparison, PGBENCH_LOADS } from './postgres/comparison.ts'
import { type Growth, growth } from './postgres/growth.ts'
import { DATABASE_WORKLOAD_NAMES } from './postgres/key-space.ts'
import { type LockedRow, lockedRow } from './postgres/locked-row.ts'
import { type PoolComparison, poolComparison } from './postgres/pool.ts'
import { comparisonText, growthText, lockedRowText, poolText, settingsText } from './postgres/report.ts'
import { startServer } from './postgres/server.ts'
import { type QueueMeasured, queue } from './queue/queue.ts'
import { queueText } from './queue/report.ts'

export interface DatabaseMeasured {
  readonly settings: Readonly<Record<string, string>>
  readonly comparison: Comparison | undefined
  readonly pool: PoolComparison | undefined
  readonly lockedRow: LockedRow | undefined
  readonly growth: readonly Growth[] | undefined
  readonly importing: ImportMeasured | undefined
  readonly cache: CacheMeasured | undefined
  readonly isolation: IsolationMeasured | undefined
  readonly queue: QueueMeasured | undefined
  readonly faults: readonly string[]
}

const ITEMS = 100_000
const FEW_ITEMS = 1_000
const MANY_ITEMS = 1_000_000
const POOL_TURNS = 100
const CACHE_PLAN = { connections: 64, readItems: 20_000, warmUpSeconds: 4 }
const IMPORT_PLAN = { lines: 1_000_000, kills: 10, badEvery: 250, warmUp: { seconds: 3, lines: 10_000 } }
const ISOLATION_PLAN = { rate: 500, smallLinesPerSecond: 45_000, largeLinesPerSecond: 12_000 }
const QUEUE_PLAN = { putRate: 500, postRate: 20, imports: 1_000 }
/** In which more writes are done than the table of many items has pages. */
const GROWTH_WARM_UP_SECONDS = 6

/** Runs the parts that need a database in turn on one server, and prints the figures of each as soon as it has them. */
export async function databaseParts(
  options: Options,
  dir: string,
  print: (text: string) => void,
  progress: (text: string) => void,
): Promise<DatabaseMeasured> {
  const has = (part: Options['parts'][number]): boolean => options.parts.includes(part)
  const { rounds, seconds } = options
  const connections = Math.max(...options.connections)
  const workloads = DATABASE_WORKLOAD_NAMES.filter((name) => options.workloads.includes(name))
  await using server = await startServer(dir)
  print(`${settingsText(server.settings)}\n`)

  async function part<Measured>(
    name: Options['parts'][number],
    measure: () => Promise<Measured>,
    text: (measured: Measured) => string,
  ): Promise<Measured | undefined> {
    if (!has(name)) return undefined
    const measured = await measure()
    print(`${text(measured)}\n`)
    return measured
  }

  const plan = { rounds, seconds, items: ITEMS, connections }
  const measured = {
    comparison: await part(
      'pgbench',
      () =>
        comparison(
          server,
          { ...plan, workloads, connections: options.connections, pgbenchLoads: PGBENCH_LOADS },
          dir,
          progress,
        ),
      comparisonText,
    ),
    pool: await part('pool', () => poolComparison(server, { items: ITEMS, turns: POOL_TURNS }), poolText),
    lockedRow: await part('lock', () => lockedRow(server, plan, dir, progress), lockedRowText),
    growth: await part(
      'growth',
      () =>
        growth(
          server,
          { ...plan, fewItems: FEW_ITEMS, manyItems: MANY_ITEMS, warmUpSeconds: GROWTH_WARM_UP_SECONDS },
          dir,
          progress,
        ),
      (growths) => growthText(growths, FEW_ITEMS, MANY_ITEMS),
    ),
    importing: await part('import', () => importing(server, IMPORT_PLAN, dir, progress), importText),
    cache: await part('cache', () => cache(server, { ...plan, ...CACHE_PLAN }, dir, progress), cacheText),
    isolation: await part(
      'isolation',
      () => isolation(server, { ...plan, ...ISOLATION_PLAN }, dir, progress),
      isolationText,
    ),
    queue: await part('queue', () => queue(server, { ...plan, ...QUEUE_PLAN }, dir, progress), queueText),
  }
  const { growth: growths = [], ...others } = measured
  const faults = [...Object.values(others), ...growths].flatMap((each) => each?.faults ?? [])
  return { settings: server.settings, ...measured, faults }
}
