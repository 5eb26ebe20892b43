import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { itemId, itemValue } from '../postgres/key-space.ts'
import type { Server } from '../postgres/server.ts'
import { cpuSeconds, residentMb } from '../process-usage.ts'
import { type Running, serviceOn } from '../subjects.ts'
import { warmUpConnections, warmUpSeconds } from '../throughput.ts'
import { writeRequests } from '../workloads.ts'
import { runWrk } from '../wrk.ts'

export interface ImportMeasured {
  readonly lines: number
  readonly bytes: number
  /** Until the answer, and until all is applied. */
  readonly receivedSeconds: number
  readonly appliedSeconds: number
  readonly linesPerSecond: number
  /** CPU time of the service's process for each line. */
  readonly cpuUs: number
  /** Of the service, at rest after some load, and at the most during the import. */
  readonly restMb: number
  readonly peakMb: number
  /** `COPY` of the same rows into an empty table without anything beside it. */
  readonly copySeconds: number
  readonly faults: readonly string[]
}

export interface ImportPlan {
  readonly lines: number
}

const targets = { linesPerSecondMin: 20_000, grownMbMax: 100 }
const lookEveryMs = 100
const linesAtOnce = 1_000

/** One import of many lines into an empty database, received and applied by one API process, beside a plain `COPY`. */
export async function importing(
  server: Server,
  { lines }: ImportPlan,
  dir: string,
  progress: (text: string) => void,
): Promise<ImportMeasured> {
  progress(`import: ${lines} lines`)
  const [ndjson, rows] = [join(dir, 'import.ndjson'), join(dir, 'import.copy')]
  await write(ndjson, lines, (id, value) => `{"id":"${id}","value":${value}}\n`)
  await write(rows, lines, (id, value) => `${id}\t${value}\n`)
  // PostgreSQL may be another user.
  await chmod(rows, 0o644)
  const { url } = await server.createDatabase('bench_import', 0)
  await using running = await serviceOn(url).start(dir)
  // A process that has served nothing yet has not got the heap that any load gives it.
  const warmUp = join(dir, 'import-warm-up.requests')
  await writeRequests(warmUp, { requests: [{ method: 'GET', path: '/' }] }, running.origin)
  await runWrk(running.origin, warmUp, warmUpConnections, warmUpSeconds, 'anywhere')
  const restMb = residentMb(running.pid)
  const watch = watchMemory(running)
  const cpuBefore = cpuSeconds(running.pid)
  const startMs = performance.now()
  const path = await upload(running, ndjson)
  const receivedSeconds = (performance.now() - startMs) / 1000
  const applied = await untilApplied(running, path)
  const appliedSeconds = (performance.now() - startMs) / 1000
  const cpuUs = ((cpuSeconds(running.pid) - cpuBefore) * 1e6) / lines
  const peakMb = watch.stop()
  if (applied !== lines) throw new Error(`${applied} of ${lines} lines were applied`)
  progress('import: COPY of the same rows')
  const copySeconds = await server.copy('bench_import', rows)
  const bytes = (await stat(ndjson)).size
  for (const file of [ndjson, rows]) await rm(file)
  const linesPerSecond = lines / appliedSeconds
  const measured = {
    lines,
    bytes,
    receivedSeconds,
    appliedSeconds,
    linesPerSecond,
    cpuUs,
    restMb,
    peakMb,
    copySeconds,
  }
  return { ...measured, faults: faultsOf(measured) }
}

async function write(
  file: string,
  lines: number,
  line: (id: string, value: string) => string,
): Promise<void> {
  const stream = createWriteStream(file)
  for (let from = 0; from < lines; from += linesAtOnce) {
    const ids = Array.from({ length: Math.min(linesAtOnce, lines - from) }, (_, at) => itemId(from + at))
    const isFull = !stream.write(ids.map((id) => line(id, itemValue(id))).join(''))
    if (isFull) await new Promise((resolve) => stream.once('drain', resolve))
  }
  stream.end()
  await finished(stream)
}

/** Resolves to the import's path. */
async function upload({ origin }: Running, file: string): Promise<string> {
  const answer = await fetch(new URL('/imports', origin), {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream,
    duplex: 'half',
  } as RequestInit)
  const text = await answer.text()
  if (answer.status !== 202) throw new Error(`the import was answered ${answer.status}: ${text}`)
  return answer.headers.get('location') ?? ''
}

async function untilApplied({ origin }: Running, path: string): Promise<number> {
  for (;;) {
    const answer = await fetch(new URL(path, origin))
    const { finishedAt, lines } = (await answer.json()) as {
      finishedAt: string | null
      lines: { applied: number }
    }
    if (finishedAt !== null) return lines.applied
    await sleep(lookEveryMs)
  }
}

function watchMemory({ pid }: Running): { stop(): number } {
  let peak = residentMb(pid)
  const timer = setInterval(() => {
    peak = Math.max(peak, residentMb(pid))
  }, lookEveryMs)
  return {
    stop() {
      clearInterval(timer)
      return peak
    },
  }
}

function faultsOf({ linesPerSecond, restMb, peakMb }: Omit<ImportMeasured, 'faults'>): string[] {
  const { linesPerSecondMin, grownMbMax } = targets
  const faults: string[] = []
  if (linesPerSecond < linesPerSecondMin) {
    faults.push(`${Math.round(linesPerSecond)} lines were applied in a second, not ${linesPerSecondMin}`)
  }
  if (peakMb - restMb > grownMbMax) {
    faults.push(`memory grew by ${Math.round(peakMb - restMb)} MB, not by ${grownMbMax} at most`)
  }
  return faults
}
