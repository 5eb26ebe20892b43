import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { watchMemory } from '../memory-watch.ts'
import { itemId, put } from '../postgres/key-space.ts'
import { cpuSeconds, residentMb } from '../process-usage.ts'
import type { Running } from '../subjects.ts'
import type { System } from '../system.ts'
import { writeRequests } from '../workloads.ts'
import { runWrk } from '../wrk.ts'
import { requireLines, untilFinished, upload, uploadFile } from './client.ts'
import { effectsOf, notOnce } from './exactly-once.ts'
import { killsOf } from './kills.ts'
import { bodyOf, type Lines, writeTo } from './lines.ts'

/** One import from its first byte to its last line. */
export interface ImportRun {
  readonly form: string
  readonly bytes: number
  /** Until the answer, and until all is applied. */
  readonly receivedSeconds: number
  readonly appliedSeconds: number
  readonly linesPerSecond: number
  readonly processes: readonly ProcessUse[]
  /** Undefined where nothing was done to it. */
  readonly disturbed: Disturbed | undefined
  /** In words, what did not take effect exactly once. */
  readonly notOnce: readonly string[]
}

export interface ProcessUse {
  readonly name: string
  /** Resident, at rest after some load and a small import, and at the most during the import. */
  readonly restMb: number
  readonly peakMb: number
  /** CPU time for each line; undefined for one that was replaced. */
  readonly cpuUs: number | undefined
}

export interface Disturbed {
  readonly kills: number
  /** From each kill until lines were applied again. */
  readonly takeoverSeconds: readonly number[]
}

/** What a process that has served nothing yet has not got is the heap that any load gives it. */
export interface WarmUp {
  /** Of PUTs, as many as are answered. */
  readonly seconds: number
  /** Of a small import. */
  readonly lines: number
}

const WARM_UP_CONNECTIONS = 64

/** With `kills`, the worker is killed so often and the import's message is sent twice. `dir` takes the body. */
export async function importRun(
  system: System,
  lines: Lines,
  warmUp: WarmUp,
  { kills }: { readonly kills: number } = { kills: 0 },
  dir: string,
): Promise<ImportRun> {
  const { api } = system
  const file = join(dir, 'import.ndjson')
  await writeTo(file, bodyOf(lines))
  await warm(system, lines, warmUp, dir)
  const watches = processesOf(system).map(watchProcess)
  const killing = killsOf(system, lines.count, kills)
  const startMs = performance.now()
  const secondsPassed = () => (performance.now() - startMs) / 1000
  const { id } = await uploadFile(api, file)
  const receivedSeconds = secondsPassed()
  if (kills > 0) await system.queue?.send(JSON.stringify({ id }), 'import')
  const found = await untilFinished(api, id, killing.look)
  const appliedSeconds = secondsPassed()
  const processes = watches.map((stop) => stop(lines.count))
  const faults = notOnce(found, await effectsOf(system.database, lines), lines)
  if (killing.count < kills) faults.push(`it ended after ${killing.count} of ${kills} kills`)
  const bytes = (await stat(file)).size
  await rm(file)
  const { takeoverSeconds } = killing
  return {
    form: system.name,
    bytes,
    receivedSeconds,
    appliedSeconds,
    linesPerSecond: lines.count / appliedSeconds,
    processes,
    disturbed: kills > 0 ? { kills: killing.count, takeoverSeconds } : undefined,
    notOnce: faults,
  }
}

/** Some writes, and a small import. */
async function warm({ api }: System, { from, count }: Lines, warmUp: WarmUp, dir: string): Promise<void> {
  const file = join(dir, 'import-warm-up.requests')
  const requests = Array.from({ length: warmUp.lines }, (_, n) => put(itemId(from + count + n)))
  await writeRequests(file, { requests }, api.origin)
  const plan = { connections: WARM_UP_CONNECTIONS, seconds: warmUp.seconds }
  await runWrk(api.origin, file, plan, 'anywhere')
  const { id } = await upload(api, bodyOf({ from: from + count, count: warmUp.lines }))
  requireLines(await untilFinished(api, id), warmUp.lines)
}

interface NamedProcess {
  readonly name: string
  readonly process: () => Running
}

function processesOf(system: System): NamedProcess[] {
  const { api, worker } = system
  if (worker === undefined) return [{ name: 'process', process: () => api }]
  return [
    { name: 'API', process: () => api },
    { name: 'worker', process: () => system.worker ?? worker },
  ]
}

/** Returns what ends the watch and tells what was seen. */
function watchProcess({ name, process }: NamedProcess): (lines: number) => ProcessUse {
  const { pid } = process()
  const restMb = residentMb(pid)
  const cpuBefore = cpuSeconds(pid)
  const watch = watchMemory(() => process().pid)
  return (lines) => ({
    name,
    restMb,
    peakMb: watch.stop(),
    cpuUs: process().pid === pid ? ((cpuSeconds(pid) - cpuBefore) * 1e6) / lines : undefined,
  })
}
