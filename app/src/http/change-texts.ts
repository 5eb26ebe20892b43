import { isoTime } from '../domain/iso-time.ts'
import type { Change } from '../domain/item.ts'
import type { Caller, Feed, FeedPage } from '../ports/store.ts'
import { feedCursor } from './cursors.ts'

/** A sign of life on a quiet stream, so that a balancer does not take it for dead (ALB: after 60 s). */
const HEARTBEAT_MS = 15_000
const EVENTS_PER_READ = 100

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
 * Ends when `gone` aborts or when the reader was too slow for what is kept; it then learns so on its return.
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
    current = await feed.read(
      { after: last, limit: EVENTS_PER_READ },
      { deadlineMs: Number.POSITIVE_INFINITY, left: caller.left },
    )
    if (current.ok && current.changes.length === 0) yield ': still here\n\n'
  }
}

function eventText(change: Change, feed: Feed): string {
  return `id: ${feedCursor({ feedId: feed.id, position: change.position })}\ndata: ${changeText(change)}\n\n`
}
