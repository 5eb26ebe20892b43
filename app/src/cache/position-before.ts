import type { Caller, Feed } from '../ports/store.ts'

/**
 * A position behind which all changes since `atMs` (milliseconds since the epoch, the store's clock) are: found by
 * halving, because positions are dense. Throws `unavailable`.
 */
export async function positionBefore(feed: Feed, atMs: number, caller: Caller): Promise<number> {
  const first = await feed.read({ after: undefined, limit: 1 }, caller)
  if (!first.ok) return first.oldest
  let low = first.last - first.changes.length
  let high = feed.lastPosition
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const page = await feed.read({ after: middle, limit: 1 }, caller)
    if (!page.ok) {
      // Pruned in the meantime; beyond the end it cannot be.
      low = Math.max(low + 1, page.oldest)
      continue
    }
    const [change] = page.changes
    if (change === undefined || change.atMs >= atMs) high = middle
    else low = middle + 1
  }
  return low
}
