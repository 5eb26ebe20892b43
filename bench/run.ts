import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { stopProcesses } from '../local/processes.ts'
import { type DatabaseMeasured, databaseParts } from './database-parts.ts'
import { environment } from './environment.ts'
import { needsDatabase, type Options, parseOptions, UsageError, usage } from './options.ts'
import { type Overload, overload } from './overload.ts'
import { environmentText, overloadText, startUpTable, throughputTable } from './report.ts'
import { type StartUp, startUp } from './start-up.ts'
import { bareServerLike, type Subject, service, serviceIn } from './subjects.ts'
import { type Cell, throughput } from './throughput.ts'
import { WORKLOAD_NAMES } from './workloads.ts'

const OUT_DIR = join(import.meta.dirname, '../.local/bench')
const START_TIMES = 10
const EXIT_USAGE = 64

/** Runs what the command line asks for and keeps the raw data; returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args)
  if (options.help) return print(usage, 0)
  if (process.platform !== 'linux') throw new Error('CPU time and memory are read from /proc: expected Linux')
  await mkdir(OUT_DIR, { recursive: true })
  const dir = await mkdtemp(join(OUT_DIR, 'run-'))
  try {
    const at = new Date().toISOString()
    const conditions = environment()
    print(`${environmentText(conditions)}\n\n`, undefined)
    const measured = await bench(options, dir)
    const file = join(OUT_DIR, `${at.replaceAll(':', '-')}.json`)
    await writeFile(file, JSON.stringify({ at, environment: conditions, options, ...measured }, undefined, 2))
    const faults = [...(measured.overload?.faults ?? []), ...(measured.database?.faults ?? [])]
    return print(`raw data: ${relative(process.cwd(), file)}\n`, faults.length > 0 ? 1 : 0)
  } finally {
    await stopProcesses()
    await rm(dir, { recursive: true })
  }
}

interface Measured {
  readonly starts: readonly StartUp[] | undefined
  readonly cells: readonly Cell[] | undefined
  readonly overload: Overload | undefined
  readonly database: DatabaseMeasured | undefined
}

/** Runs the parts in turn, and prints each one's table as soon as it has its figures. Throws at a wrong answer. */
async function bench(options: Options, dir: string): Promise<Measured> {
  const has = (part: Options['parts'][number]): boolean => options.parts.includes(part)
  const other = has('start') || has('throughput') ? await otherSubject(options, dir) : undefined
  return {
    starts: other && has('start') ? await starts([other, service], dir) : undefined,
    cells: other && has('throughput') ? await cells([other, service], options, dir) : undefined,
    overload: has('overload') ? await overloaded(service, options, dir) : undefined,
    database: needsDatabase(options) ? await databaseParts(options, dir, write, progress) : undefined,
  }
}

async function otherSubject({ beside }: Options, dir: string): Promise<Subject> {
  return beside === undefined ? await bareServerLike(service, dir) : serviceIn(resolve(beside))
}

async function starts(subjects: readonly Subject[], dir: string): Promise<StartUp[]> {
  progress(`start: ${START_TIMES} times each`)
  const measured = await startUp(subjects, START_TIMES, dir)
  return print(`${startUpTable(measured)}\n`, measured)
}

async function cells(
  [first, second]: readonly [Subject, Subject],
  options: Options,
  dir: string,
): Promise<Cell[]> {
  await using one = await first.start(dir)
  await using other = await second.start(dir)
  const workloads = WORKLOAD_NAMES.filter((name) => options.workloads.includes(name))
  const measured = await throughput([one, other], { ...options, workloads }, dir, progress)
  return print(`${throughputTable(measured)}\n`, measured)
}

async function overloaded(subject: Subject, options: Options, dir: string): Promise<Overload> {
  await using running = await subject.start(dir)
  const measured = await overload(running, options, dir, progress)
  return print(`${overloadText(measured)}\n`, measured)
}

function print<Value>(text: string, value: Value): Value {
  write(text)
  return value
}

function write(text: string): void {
  process.stdout.write(text)
}

/** What goes on now, apart from the figures, so that these can be piped. */
function progress(text: string): void {
  process.stderr.write(`${text}\n`)
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isUsage = error instanceof UsageError
  process.stderr.write(
    isUsage
      ? `${error.message}\n\n${usage}`
      : `bench failed: ${error instanceof Error ? error.message : error}\n`,
  )
  process.exitCode = isUsage ? EXIT_USAGE : 1
}
