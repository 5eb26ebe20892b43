import { randomUUID } from 'node:crypto'
import type { Change } from '../../domain/item.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Feed, FeedPage } from '../../ports/store.ts'
import { createWaiters } from '../waiters.ts'

export interface MemoryFeedOptions {
  readonly clock: Clock
  readonly retentionMs: number
  /** At most this many changes are kept, whatever their age. */
  readonly changesMax: number
}

export interface MemoryFeed extends Feed {
  append(change: Omit<Change, 'position'>): void
}

/** The change feed of one process. It has a new id in every process: positions of an earlier one mean nothing here. */
export function createMemoryFeed(options: MemoryFeedOptions): MemoryFeed {
  const changes: Change[] = []
  /** `changes[start]` is the oldest kept; what is before it waits to be removed in one go. */
  let start = 0
  let last = 0
  const waiters = createWaiters()

  function prune(): void {
    const expiredAtMs = options.clock.nowMs() - options.retentionMs
    while (start < changes.length) {
      const tooMany = changes.length - start > options.changesMax
      if (!tooMany && (changes[start] as Change).atMs >= expiredAtMs) break
      start++
    }
    if (start > changes.length / 2) {
      changes.splice(0, start)
      start = 0
    }
  }

  function read(after: number | undefined, limit: number): FeedPage {
    prune()
    /** The position before the oldest kept one: where a reader that wants everything begins. */
    const oldest = last - (changes.length - start)
    const from = after ?? oldest
    if (from < oldest || from > last) return { ok: false, oldest }
    const first = start + from - oldest
    const page = changes.slice(first, first + limit)
    return { ok: true, changes: page, last: from + page.length }
  }

  return {
    id: randomUUID().slice(0, 8),

    get lastPosition() {
      return last
    },

    append(change) {
      changes.push({ position: ++last, ...change })
      prune()
      waiters.wake()
    },

    async read(query) {
      return read(query.after, query.limit)
    },

    async wait(position, timeoutMs, signal) {
      if (last > position) return
      await waiters.wait(timeoutMs, signal)
    },
  }
}
