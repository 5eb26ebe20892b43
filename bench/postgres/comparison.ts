import { type Load, loadOf, measureLoad, warmUp } from '../load.ts'
import { inRounds } from '../rounds.ts'
import { median } from '../statistics.ts'
import { serviceOn } from '../subjects.ts'
import type { WrkPlan } from '../wrk.ts'
import { type DatabaseWorkloadName, databaseWorkload } from './key-space.ts'
import { runPgbench } from './pgbench.ts'
import type { Database, Server } from './server.ts'

export interface DatabaseFigures {
  /** Items that were read or written. */
  readonly rowsPerSecond: number
  /** Of a request; the mean of a statement for `pgbench`, which tells no median. */
  readonly p50Ms: number
  readonly p99Ms: number | undefined
  /** CPU time for each row. */
  readonly serviceCpuUs: number | undefined
  readonly databaseCpuUs: number
}

/** The service, or `pgbench` with so many rows in a statement, under one load. */
export interface DatabaseCell {
  readonly workload: DatabaseWorkloadName
  readonly subject: 'service' | 'pgbench'
  /** Connections to the service, or of `pgbench` to the database. */
  readonly clients: number
  readonly rowsPerStatement: number | undefined
  readonly median: DatabaseFigures
  readonly rounds: readonly DatabaseFigures[]
}

export interface Comparison {
  readonly items: number
  readonly cells: readonly DatabaseCell[]
  /** Connections to the database that the service had at the end. */
  readonly sessions: number
  /** The targets that were missed, in words. */
  readonly faults: readonly string[]
}

export interface ComparisonPlan {
  readonly workloads: readonly DatabaseWorkloadName[]
  readonly connections: readonly number[]
  readonly rounds: number
  readonly seconds: number
  readonly items: number
  readonly pgbenchLoads: readonly { readonly rows: number; readonly clients: number }[]
}

/** Beside the one-row statements, for fairness, what a client gains that sends batches of its own. */
export const PGBENCH_LOADS = [
  ...[4, 16, 64].map((clients) => ({ rows: 1, clients })),
  ...[8, 32].flatMap((rows) => [4, 16].map((clients) => ({ rows, clients }))),
]

/** Of `pgbench`'s best figure with one row in a statement, which no service that sends one for each request can exceed. */
const TARGETS = { connections: 256, sessionsMax: 5, ratioMin: { get: 0.65, put: 1.1, mix: 0 } } as const

/**
 * Measures the service and `pgbench` with the service's statements, on one database, in turn within each round. The
 * service is there all the time and relays whatever is written, whoever writes it. All of them run anywhere.
 */
export async function comparison(
  server: Server,
  plan: ComparisonPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<Comparison> {
  const database = await server.createDatabase('bench_comparison', plan.items)
  await using running = await serviceOn(database.url).start(dir)
  const subjects: Subject[] = []
  for (const name of plan.workloads) {
    const load = await loadOf(running, databaseWorkload(name, plan.items), dir)
    await warmUp(load, 'anywhere')
    subjects.push(...services(server, load, name, plan), ...pgbenches(server, database, name, plan, dir))
  }
  const before = (round: number) => progress(`pgbench: round ${round} of ${plan.rounds}`)
  const figures = await inRounds(subjects, { rounds: plan.rounds, before }, async ({ measure }) => {
    await database.settled()
    return measure()
  })
  const sessions = await database.sessions()
  const cells = subjects.map(({ measure: _, ...cell }, index): DatabaseCell => {
    const rounds = figures[index] ?? []
    return { ...cell, median: medians(rounds), rounds }
  })
  return { items: plan.items, cells, sessions, faults: faults(cells, sessions) }
}

type Subject = Omit<DatabaseCell, 'median' | 'rounds'> & { readonly measure: () => Promise<DatabaseFigures> }

function services(
  server: Server,
  load: Load,
  workload: DatabaseWorkloadName,
  { connections, seconds }: ComparisonPlan,
): Subject[] {
  return connections.map((clients) => ({
    workload,
    subject: 'service',
    clients,
    rowsPerStatement: undefined,
    measure: () => measureService(server, load, { connections: clients, seconds }),
  }))
}

function pgbenches(
  server: Server,
  { url }: Database,
  workload: DatabaseWorkloadName,
  { items, seconds, pgbenchLoads }: ComparisonPlan,
  dir: string,
): Subject[] {
  // A batch of the mix would be nine batches of one kind and one of the other.
  const loads = workload === 'mix' ? pgbenchLoads.filter(({ rows }) => rows === 1) : pgbenchLoads
  return loads.map(({ rows, clients }) => ({
    workload,
    subject: 'pgbench',
    clients,
    rowsPerStatement: rows,
    async measure() {
      const cpuBefore = server.cpuSeconds()
      const result = await runPgbench({ databaseUrl: url, workload, items, rows, clients, seconds }, dir)
      const rowsPerSecond = result.statementsPerSecond * rows
      const databaseCpuUs = ((server.cpuSeconds() - cpuBefore) * 1e6) / (rowsPerSecond * seconds)
      return { rowsPerSecond, p50Ms: result.meanMs, p99Ms: undefined, serviceCpuUs: undefined, databaseCpuUs }
    },
  }))
}

async function measureService(server: Server, load: Load, plan: WrkPlan): Promise<DatabaseFigures> {
  const { requestsPerSecond, cpuUs, ...figures } = await measureLoad(load, plan, 'anywhere', server)
  return { ...figures, rowsPerSecond: requestsPerSecond, serviceCpuUs: cpuUs }
}

function medians(rounds: readonly DatabaseFigures[]): DatabaseFigures {
  const of = (name: keyof DatabaseFigures): number =>
    median(rounds.map((figures) => figures[name] ?? Number.NaN))
  const [first] = rounds
  return {
    rowsPerSecond: of('rowsPerSecond'),
    p50Ms: of('p50Ms'),
    p99Ms: first?.p99Ms && of('p99Ms'),
    serviceCpuUs: first?.serviceCpuUs && of('serviceCpuUs'),
    databaseCpuUs: of('databaseCpuUs'),
  }
}

/** The best figure of `pgbench` with one row in a statement. */
export function bestOneRow(cells: readonly DatabaseCell[], workload: DatabaseWorkloadName): number {
  const oneRow = cells.filter((cell) => cell.workload === workload && cell.rowsPerStatement === 1)
  return Math.max(...oneRow.map((cell) => cell.median.rowsPerSecond))
}

function faults(cells: readonly DatabaseCell[], sessions: number): string[] {
  const { connections, sessionsMax, ratioMin } = TARGETS
  const low = cells.flatMap(({ subject, clients, workload, median: { rowsPerSecond } }) => {
    const ratio = rowsPerSecond / bestOneRow(cells, workload)
    if (subject !== 'service' || clients !== connections || ratio >= ratioMin[workload]) return []
    const where = `${workload} at ${connections} connections`
    return [`${where} was ${ratio.toFixed(2)} of pgbench's best one-row figure, not ${ratioMin[workload]}`]
  })
  return sessions > sessionsMax
    ? [...low, `${sessions} connections to the database, not ${sessionsMax}`]
    : low
}
