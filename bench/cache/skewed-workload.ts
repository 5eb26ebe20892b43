import { randomInt } from 'node:crypto'
import { getItem } from '../item-requests.ts'
import { itemId, MIX_PUT_EVERY, put } from '../postgres/key-space.ts'
import type { Workload } from '../workloads.ts'

/** So many of a hundred requests are for the first so many of a hundred items. */
const HOT_REQUESTS = 80
const HOT_ITEMS = 20
/** More than a round has, as a rule: then none of it comes again. */
const REQUESTS = 200_000

/** Nine GETs and a PUT, over and over, of random items: 80% of both for 20% of the items. */
export function skewedWorkload(items: number): Workload {
  const hot = Math.ceil((items * HOT_ITEMS) / 100)
  const anyId = (): string =>
    itemId(randomInt(100) < HOT_REQUESTS ? randomInt(hot) : hot + randomInt(Math.max(1, items - hot)))
  return {
    name: 'skewed',
    status: 200,
    requests: Array.from({ length: REQUESTS }, (_, n) =>
      // The first one is a GET, as most are: the length of its answer is that of most answers.
      n % MIX_PUT_EVERY === MIX_PUT_EVERY - 1 ? put(anyId()) : getItem(anyId()),
    ),
  }
}

/**
 * Rows a GET that the end of lifetimes costs, once items have ended theirs as often as they begin them: at most, for a
 * PUT begins another one. A lifetime begins with a row and lasts `lifetimeMs`; the next row is read when somebody asks
 * again. A bench is shorter than a lifetime, and sees none end.
 */
export function rowsOfLifetimes(items: number, getsPerSecond: number, lifetimeMs: number): number {
  const rowsOf = (requestsShare: number, itemsShare: number): number => {
    const readsInALifetime = (((getsPerSecond * requestsShare) / (items * itemsShare)) * lifetimeMs) / 1000
    return requestsShare / (1 + readsInALifetime)
  }
  return rowsOf(HOT_REQUESTS / 100, HOT_ITEMS / 100) + rowsOf(1 - HOT_REQUESTS / 100, 1 - HOT_ITEMS / 100)
}
