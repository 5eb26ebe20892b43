import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../src/domain/errors.ts'
import { eventStream } from '../../src/http/change-texts.ts'
import type { Feed } from '../../src/ports/store.ts'

const caller = { deadlineMs: Number.POSITIVE_INFINITY, left: false }
const change = (position: number) =>
  ({ position, id: `id-${position}`, version: 1, op: 'put', atMs: 0 }) as const

/** A feed of which every read is decided by `read`, and which always has news. */
function feedOf(read: (after: number | undefined) => ReturnType<Feed['read']>): Feed {
  return { id: 'feed', lastPosition: 0, read: ({ after }) => read(after), wait: async () => {} }
}

test('a stream waits for a store that is away, says so, and goes on where it was', async () => {
  let reads = 0
  const feed = feedOf(async (after) => {
    if (++reads < 3) throw new AppError('unavailable', 'away')
    return { ok: true, changes: [change((after ?? 0) + 1)], last: (after ?? 0) + 1 }
  })
  const gone = new AbortController()
  const stream = eventStream(feed, { ok: true, changes: [change(1)], last: 1 }, caller, gone.signal)
  const texts: string[] = []
  for await (const text of stream) {
    texts.push(text)
    if (text.includes('id-2')) gone.abort()
  }
  assert.deepEqual(
    texts.map((text) => /"id":"(.*?)"/.exec(text)?.[1] ?? text.trim()),
    ['retry: 1000', 'id-1', ': the store is away', ': the store is away', 'id-2'],
  )
})

test('it does not wait for anything else, nor for a reader that has gone', { timeout: 5000 }, async () => {
  const page = { ok: true, changes: [], last: 1 } as const
  const broken = eventStream(
    feedOf(() => Promise.reject(new TypeError('a fault in the program'))),
    page,
    caller,
    new AbortController().signal,
  )
  await assert.rejects(Array.fromAsync(broken), TypeError)

  const gone = new AbortController()
  const away = eventStream(
    feedOf(() => Promise.reject(new AppError('unavailable', 'away'))),
    page,
    caller,
    gone.signal,
  )
  for await (const text of away) if (text.startsWith(': the store')) gone.abort()
})
