import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../domain/errors.ts'
import { isoTime } from '../domain/iso-time.ts'
import type { Change } from '../domain/item.ts'
import type { Caller, Feed, FeedPage } from '../ports/store.ts'
import { feedCursor } from './cursors.ts'

/** A sign of life on a quiet stream, so that a balancer does not take it for dead (ALB: after 60 s). */
const HEARTBEAT_MS = 15_000
const EVENTS_PER_READ = 100
/** How long a stream waits before it asks a store again that could not be asked. */
const AWAY_MS = 1000

type ReadPage = FeedPage & { ok: true }

function changeText({ position, id, version, op, atMs }: Change): string {
  return JSON.stringify({ position, id, version, op, at: isoTime(atMs) })
}

export function changesText(page: ReadPage, feed: Feed): string {
  const next = feedCursor({ feedId: feed.id, position: page.last })
  return `{"changes":[${page.changes.map(changeText).join(',')}],"next":"${next}"}`
}

/**
 * The feed from `page` on as server-sent events (WHATWG HTML, section 9.2): an event's `id` is the cursor after it.
 * Ends when `gone` aborts or when the reader was too slow for what is kept; it then learns so on its return. A store
 * that is away is waited for: a browser that was answered 503 would not come back.
 */
export async function* eventStream(
  feed: Feed,
  page: ReadPage,
  caller: Caller,
  gone: AbortSignal,
): AsyncGenerator<string> {
  yield 'retry: 1000\n\n'
  let current: FeedPage = page
  while (current.ok && !gone.aborted) {
    const { changes, last } = current
    if (changes.length > 0) yield changes.map((change) => eventText(change, feed)).join('')
    await feed.wait(last, HEARTBEAT_MS, gone)
    let next = await readUnlessAway(feed, last, caller)
    while (next === undefined && !gone.aborted) {
      yield ': the store is away\n\n'
      await delay(AWAY_MS, undefined, { signal: gone }).catch(() => {})
      next = await readUnlessAway(feed, last, caller)
    }
    if (next === undefined) return
    if (next.ok && next.changes.length === 0) yield ': still here\n\n'
    current = next
  }
}

/** The changes after a position, or undefined when the store could not be asked. */
async function readUnlessAway(feed: Feed, after: number, caller: Caller): Promise<FeedPage | undefined> {
  try {
    return await feed.read(
      { after, limit: EVENTS_PER_READ },
      { deadlineMs: Number.POSITIVE_INFINITY, left: caller.left },
    )
  } catch (error) {
    if (error instanceof AppError && error.code === 'unavailable') return undefined
    throw error
  }
}

function eventText(change: Change, feed: Feed): string {
  return `id: ${feedCursor({ feedId: feed.id, position: change.position })}\ndata: ${changeText(change)}\n\n`
}
