import { ask } from '../app/test/support/ask.ts'
import { metricsOf } from '../app/test/support/figures.ts'
import type { Random } from '../app/test/support/random.ts'
import { getItem, putItem } from '../bench/item-requests.ts'
import type { Request } from '../bench/raw-http.ts'

type Asked = Readonly<{ url: string }>

const IDS = Array.from({ length: 10 }, (_, n) => `hot-${n}`)
const ORDER = 500

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
