import { setTimeout as delay } from 'node:timers/promises'
import type { Service } from '../app/test/support/service.ts'
import { whole } from '../bench/text.ts'
import type { Scene } from './act.ts'
import { catchesUp, type HotCost, hotReads, longestRepairLagMs, rowsRead, writeHotItems } from './hot.ts'
import { acceptedImports, allSucceed, IMPORT_SOON, IMPORTS } from './imports.ts'
import { startLoad } from './load.ts'
import type { Stretch } from './recording.ts'
import { milliseconds } from './words.ts'

const READS_PER_SECOND = 200

/** What a calm stretch of reads is like, and one beside imports. */
export interface Watched {
  /** The calmer one of those before and after the imports: neighbours on the machine only ever add. */
  readonly calm: Stretch
  /** From the moment at which all imports have been received to the last line applied. */
  readonly beside: Stretch
  readonly lines: number
  readonly appliedMs: number
  /** Of the calm stretch before the imports. */
  readonly cost: HotCost
}

/** Watches an API process under reads of ten items: in calm, and beside several imports. */
export async function watchReads(
  { recording, length, random, now, mark, patience }: Scene,
  service: Service,
): Promise<Watched> {
  await writeHotItems(service)
  await catchesUp(service, IMPORT_SOON)
  now(`${READS_PER_SECOND} reads a second of the same ten items`)
  const requests = hotReads(random)
  patience()
  await using load = await startLoad(recording, {
    port: service.port,
    perSecond: READS_PER_SECOND,
    requests,
  })
  // A process that has just started compiles what it runs.
  await delay(length.stretchMs / 3)
  const calmMs = recording.nowMs()
  const rowsBefore = await rowsRead(service)
  const repairLagMs = await longestRepairLagMs(service, length.stretchMs)
  const rows = (await rowsRead(service)) - rowsBefore
  const endMs = recording.nowMs()
  mark(`${IMPORTS} imports begin`)
  const ids = await acceptedImports(service, random, length.eachImportLines)
  const fromMs = recording.nowMs()
  mark('received')
  await allSucceed(service, ids)
  const toMs = recording.nowMs()
  mark('applied')
  await delay(length.stretchMs)
  await load.end()
  // What this process still does for its own cache is nobody else's use of the machine.
  await catchesUp(service, IMPORT_SOON)
  patience()
  const [before, after] = [recording.between(calmMs, endMs), recording.between(toMs, recording.nowMs())]
  return {
    calm: before.p50Ms < after.p50Ms ? before : after,
    beside: recording.between(fromMs, toMs),
    lines: IMPORTS * length.eachImportLines,
    appliedMs: toMs - fromMs,
    cost: { reads: before.count, fromStore: before.fromStore, rows, repairLagMs },
  }
}

/** The latency before the imports and beside them. */
export function latencies({ calm, beside, lines, appliedMs }: Watched): string {
  const [p50, p99] = [(of: Stretch) => milliseconds(of.p50Ms), (of: Stretch) => milliseconds(of.p99Ms)]
  const change = `p50 ${p50(calm)} → ${p50(beside)}, p99 ${p99(calm)} → ${p99(beside)}`
  return `${change}, while ${whole(lines)} lines of ${IMPORTS} imports are applied in ${milliseconds(appliedMs)}`
}
