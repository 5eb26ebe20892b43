import { chmod, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type SqsServer, startSqsServer } from '../../app/test/support/sqs.ts'
import type { Database, Server } from '../postgres/server.ts'
import { apiAndWorker, oneProcess, type System } from '../system.ts'
import { type ImportRun, importRun, type WarmUp } from './import-run.ts'
import { type Lines, rowsOf, writeTo } from './lines.ts'

export interface ImportMeasured {
  readonly lines: number
  readonly runs: readonly ImportRun[]
  /** `COPY` of the same rows into an empty table without anything beside it. */
  readonly copySeconds: number
  readonly faults: readonly string[]
}

export interface ImportPlan {
  readonly lines: number
  /** How often the worker is killed in the last run, and which of its lines are bad. */
  readonly kills: number
  readonly badEvery: number
  /** Of each run. */
  readonly warmUp: WarmUp
}

const TARGETS = { linesPerSecondMin: 20_000, grownMbMax: 100 }

/**
 * One import of many lines into an empty database beside a plain `COPY`: by one process, by an API and a worker, and by
 * the same while the worker is killed again and again and every message comes twice.
 */
export async function importing(
  server: Server,
  plan: ImportPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<ImportMeasured> {
  await using sqs = await startSqsServer()
  const lines: Lines = { from: 0, count: plan.lines }
  const runs: ImportRun[] = []
  for (const form of forms(sqs, plan)) {
    progress(`import: ${plan.lines} lines, ${form.name}`)
    const database = await server.createDatabase(`bench_import_${runs.length}`, 0)
    await using system = await form.start(database, dir)
    runs.push(await importRun(system, { ...lines, ...form.lines }, plan.warmUp, form.disturbance, dir))
  }
  progress('import: COPY of the same rows')
  const copySeconds = await copy(server, 'bench_import_0', lines, dir)
  return { lines: plan.lines, runs, copySeconds, faults: runs.flatMap(faultsOf) }
}

interface Form {
  readonly name: string
  start(database: Database, dir: string): Promise<System>
  readonly lines?: Pick<Lines, 'badEvery'>
  readonly disturbance?: { readonly kills: number }
}

function forms(sqs: SqsServer, { kills, badEvery }: ImportPlan): Form[] {
  const start = (name: string) => (database: Database, dir: string) => apiAndWorker(name, database, sqs, dir)
  return [
    { name: 'one process', start: (database, dir) => oneProcess('one process', database, dir) },
    { name: 'API and worker', start: start('API and worker') },
    { name: 'worker killed', start: start('worker killed'), lines: { badEvery }, disturbance: { kills } },
  ]
}

async function copy(server: Server, database: string, lines: Lines, dir: string): Promise<number> {
  const file = join(dir, 'import.copy')
  await writeTo(file, rowsOf(lines))
  // PostgreSQL may be another user.
  await chmod(file, 0o644)
  const seconds = await server.copy(database, file)
  await rm(file)
  return seconds
}

function faultsOf({ form, linesPerSecond, processes, disturbed, notOnce }: ImportRun): string[] {
  const { linesPerSecondMin, grownMbMax } = TARGETS
  const faults = notOnce.map((fault) => `${form}: ${fault}`)
  if (disturbed === undefined && linesPerSecond < linesPerSecondMin) {
    faults.push(
      `${form}: ${Math.round(linesPerSecond)} lines were applied in a second, not ${linesPerSecondMin}`,
    )
  }
  for (const { name, restMb, peakMb } of processes) {
    const grownMb = Math.round(peakMb - restMb)
    if (grownMb > grownMbMax) {
      faults.push(`${form}: memory of the ${name} grew by ${grownMb} MB, not by ${grownMbMax} at most`)
    }
  }
  return faults
}
