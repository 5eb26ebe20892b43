import { setTimeout as delay } from 'node:timers/promises'
import type { Service } from '../app/test/support/service.ts'
import { acceptedImport, bodyOf, type ImportText, succeeds } from '../app/test/support/work/upload.ts'
import { whole } from '../bench/text.ts'
import type { Scene } from './act.ts'
import { hotReads, rowsRead, writeHotItems } from './hot.ts'
import { startLoad } from './load.ts'
import type { Stretch } from './recording.ts'
import { milliseconds } from './words.ts'

const READS_PER_SECOND = 200
/** For what an import does. */
export const IMPORT_SOON = { timeoutMs: 90_000 }

/** What a calm stretch of reads is like, and one beside an import. */
export interface Watched {
  /** The calmer one of those before and after the import: neighbours on the machine only ever add. */
  readonly calm: Stretch
  /** From the first byte of the import to the last line applied. */
  readonly beside: Stretch
  readonly import: ImportText
  readonly importMs: number
  /** Rows that the database was read for single items, for each request of a calm stretch. */
  readonly rowsEach: number
}

/** Watches an API process under reads of ten items: in calm, and beside an import. */
export async function watchReads(
  { recording, length, random, now, mark }: Scene,
  service: Service,
): Promise<Watched> {
  const text = importLines(`import-${random.below(2 ** 32)}`, length.importLines)
  await writeHotItems(service)
  now(`${READS_PER_SECOND} reads a second of the same ten items`)
  const requests = hotReads(random)
  await using load = await startLoad(recording, {
    port: service.port,
    perSecond: READS_PER_SECOND,
    requests,
  })
  // A process that has just started compiles what it runs.
  await delay(length.stretchMs / 3)
  const [rowsBefore, sentBefore] = [await rowsRead(service), load.sent]
  const calmMs = recording.nowMs()
  await delay(length.stretchMs)
  const rowsEach = ((await rowsRead(service)) - rowsBefore) / (load.sent - sentBefore)
  const fromMs = recording.nowMs()
  mark('import begins')
  const id = await acceptedImport(service, text)
  mark('import received')
  const imported = await succeeds(service, id, IMPORT_SOON)
  const toMs = recording.nowMs()
  mark('import applied')
  await delay(length.stretchMs)
  await load.end()
  const [before, after] = [recording.between(calmMs, fromMs), recording.between(toMs, recording.nowMs())]
  return {
    calm: before.p50Ms < after.p50Ms ? before : after,
    beside: recording.between(fromMs, toMs),
    import: imported,
    importMs: toMs - fromMs,
    rowsEach,
  }
}

/** NDJSON of so many new items. */
export function importLines(prefix: string, lines: number): string {
  return bodyOf(prefix, lines, (n) => ({ name: `Item ${n}`, tags: ['tour', 'import'] }))
}

/** The import, and the latency before it and beside it. */
export function latencies({ calm, beside, import: { lines }, importMs }: Watched): string {
  const [p50, p99] = [(of: Stretch) => milliseconds(of.p50Ms), (of: Stretch) => milliseconds(of.p99Ms)]
  const change = `p50 ${p50(calm)} → ${p50(beside)}, p99 ${p99(calm)} → ${p99(beside)}`
  return `${change}, while ${whole(lines.applied)} lines are applied in ${milliseconds(importMs)}`
}
