import { setTimeout as delay } from 'node:timers/promises'
import { LAG_MS_MAX } from '../app/src/cache/repair.ts'
import { ask } from '../app/test/support/ask.ts'
import { metricsOf } from '../app/test/support/figures.ts'
import type { Random } from '../app/test/support/random.ts'
import { getItem, putItem } from '../bench/item-requests.ts'
import type { Request } from '../bench/raw-http.ts'
import { whole } from '../bench/text.ts'
import { waitUntil } from '../local/wait.ts'
import { unlessCrowded, type Verdict } from './verdict.ts'
import { counted, milliseconds } from './words.ts'

type Asked = Readonly<{ url: string }>

const IDS = Array.from({ length: 10 }, (_, n) => `hot-${n}`)
const ORDER = 500
const LOOK_EVERY_MS = 200
/** Of the reads; a few are on their way when rows are counted. */
const ROWS_EACH_MAX = 0.02
const CACHED_MIN = 0.9

/** Writes the few items that everybody reads. */
export async function writeHotItems(service: Asked): Promise<void> {
  for (const id of IDS) {
    const { status } = await ask(service, 'PUT', `/data/${id}`, { name: id })
    if (status >= 300) throw new Error(`PUT /data/${id} was answered ${status}`)
  }
}

/** Reads of them, in an order that the seed decides. */
export function hotReads(random: Random): Request[] {
  return Array.from({ length: ORDER }, () => getItem(random.pick(IDS)))
}

export interface Mix {
  readonly readsPerWrite: number
  /** With which the ids of what is written begin: with `hot`, they are also among those that are read. */
  readonly prefix: string
}

/** The same with writes in between, each of another item. */
export function hotReadsAndWrites(random: Random, { readsPerWrite, prefix }: Mix): Request[] {
  return hotReads(random).flatMap((read, n) => {
    if ((n + 1) % readsPerWrite > 0) return [read]
    return [read, putItem(`${prefix}-${Math.floor(n / readsPerWrite)}`, String(random.below(1000)))]
  })
}

/** Rows that this process has read from its database for single items, so far. */
export async function rowsRead(service: Asked): Promise<number> {
  return (await metricsOf(service)).get('database_batch_rows_sum{kind="read"}') ?? 0
}

/** How long ago its repair of the cache knew that nothing is missing there: 0 without a cache, infinite before it knew. */
async function repairLagMs(service: Asked): Promise<number> {
  const seconds = (await metricsOf(service)).get('cache_repair_lag_seconds') ?? 0
  return Number.isNaN(seconds) ? Number.POSITIVE_INFINITY : 1000 * seconds
}

/** Resolves when the cache has caught up with what was written before it was there: until then reads go to the store. */
export async function catchesUp(service: Asked, options: { readonly timeoutMs: number }): Promise<void> {
  await waitUntil('the cache has caught up', async () => (await repairLagMs(service)) <= LAG_MS_MAX, options)
}

/** The longest of these in a stretch of time. */
export async function longestRepairLagMs(service: Asked, stretchMs: number): Promise<number> {
  const untilMs = performance.now() + stretchMs
  let longestMs = 0
  for (let leftMs = stretchMs; leftMs > 0; leftMs = untilMs - performance.now()) {
    await delay(Math.min(LOOK_EVERY_MS, leftMs))
    longestMs = Math.max(longestMs, await repairLagMs(service))
  }
  return longestMs
}

/** What some reads of hot items have cost. */
export interface HotCost {
  readonly reads: number
  /** Of those, answered by the store: the cache had nothing, or nothing that is sure to be new enough. */
  readonly fromStore: number
  /** That the database was read for single items. */
  readonly rows: number
  readonly repairLagMs: number
}

/**
 * Whether reads that the cache answers cost the database nothing, and it answers them. Where others use the machine, its
 * repair may not keep up; then it sends reads to the store by rule, and nothing is known of the rest.
 */
export function cacheVerdict({ reads, fromStore, rows, repairLagMs }: HotCost, patience: number): Verdict {
  const cached = reads - fromStore
  if (rows - fromStore > ROWS_EACH_MAX * reads) return 'fails'
  if (cached >= CACHED_MIN * reads) return 'holds'
  return repairLagMs > LAG_MS_MAX ? unlessCrowded(false, patience) : 'fails'
}

export function costText({ reads, fromStore, rows, repairLagMs }: HotCost): string {
  const answered = `${whole(reads - fromStore)} of ${counted(reads, 'read')} answered by the cache, ${whole(fromStore)} by the store`
  const lag = `; its repair was ${milliseconds(repairLagMs)} behind, and from ${LAG_MS_MAX} ms on the store is asked`
  return `${whole(rows)} rows read, ${answered}${repairLagMs > LAG_MS_MAX ? lag : ''}`
}
