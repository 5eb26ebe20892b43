import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryFeed, type MemoryFeed } from '../../../src/adapters/memory/memory-feed.ts'
import type { Change } from '../../../src/domain/item.ts'
import { within } from '../../support/deadline.ts'
import { randomOf } from '../../support/random.ts'

const patient = { deadlineMs: Number.POSITIVE_INFINITY, left: false }
const never = new AbortController().signal

function feedAt(start: { retentionMs?: number; changesMax?: number } = {}) {
  const clock = { ms: 1_000_000, nowMs: () => clock.ms }
  const feed = createMemoryFeed({ clock, retentionMs: 1000, changesMax: 1000, ...start })
  const append = (id = 'a') => feed.append({ id, version: 1, op: 'put', atMs: clock.ms })
  return { feed, clock, append }
}

async function positions(feed: MemoryFeed, after?: number, limit = 1000): Promise<number[]> {
  const page = await feed.read({ after, limit }, patient)
  assert.ok(page.ok, `${after} is kept`)
  return page.changes.map(({ position }) => position)
}

test('a change is kept for the whole retention, and no longer', async () => {
  const { feed, clock, append } = feedAt({ retentionMs: 1000 })
  append()
  clock.ms += 1
  append()
  clock.ms += 999
  assert.deepEqual(await positions(feed), [1, 2])
  clock.ms += 1
  assert.deepEqual(await positions(feed), [2])
})

test('a reader that has missed changes is told so, and from where everything that is kept can be read', async () => {
  const { feed, clock, append } = feedAt({ retentionMs: 1000 })
  for (let count = 0; count < 5; count++) {
    append()
    clock.ms += 400
  }
  assert.deepEqual(await feed.read({ after: 1, limit: 10 }, patient), { ok: false, oldest: 3 })
  assert.deepEqual(await positions(feed, 3), [4, 5])
})

test('a reader that had read everything has missed nothing, even when nothing is kept any more', async () => {
  const { feed, clock, append } = feedAt({ retentionMs: 1000 })
  append()
  append()
  clock.ms += 5000
  assert.deepEqual(await feed.read({ after: 2, limit: 10 }, patient), { ok: true, changes: [], last: 2 })
  assert.deepEqual(await feed.read({ after: undefined, limit: 10 }, patient), {
    ok: true,
    changes: [],
    last: 2,
  })
  append()
  assert.deepEqual(await positions(feed, 2), [3])
})

test('no more than so many changes are kept, however young', async () => {
  const { feed, append } = feedAt({ changesMax: 3 })
  for (let count = 0; count < 10; count++) append()
  assert.deepEqual(await positions(feed), [8, 9, 10])
})

test('a position that the feed has not reached belongs to another history', async () => {
  const { feed, append } = feedAt()
  append()
  assert.deepEqual(await feed.read({ after: 2, limit: 10 }, patient), { ok: false, oldest: 0 })
})

test('two feeds never have the same id', () => {
  assert.notEqual(feedAt().feed.id, feedAt().feed.id)
})

test('pages of any size, read while changes come and go, are those of a plain list', async (t) => {
  const random = randomOf(t)
  const { feed, clock, append } = feedAt({ retentionMs: 100, changesMax: 20 })
  let kept: { position: number; atMs: number }[] = []
  let last = 0
  for (let round = 0; round < 3000; round++) {
    for (let count = random.below(4); count > 0; count--) {
      append()
      kept.push({ position: ++last, atMs: clock.ms })
    }
    clock.ms += random.below(30)
    kept = kept.slice(-20).filter(({ atMs }) => atMs >= clock.ms - 100)
    const oldest = last - kept.length
    const after = random.below(last + 2)
    const limit = 1 + random.below(10)
    const page = await feed.read({ after, limit }, patient)
    if (after < oldest || after > last) {
      assert.deepEqual(page, { ok: false, oldest })
      continue
    }
    assert.ok(page.ok)
    const expected = kept.map(({ position }) => position).filter((position) => position > after)
    assert.deepEqual(
      page.changes.map(({ position }: Change) => position),
      expected.slice(0, limit),
    )
    assert.equal(page.last, page.changes.at(-1)?.position ?? after)
  }
})

test('whoever waits is woken by the next change, all of them', async () => {
  const { feed, append } = feedAt()
  append()
  const waits = [feed.wait(1, 60_000, never), feed.wait(1, 60_000, never)]
  append()
  await within(1000, 'both are woken', Promise.all(waits))
})

test('nobody waits for a change that is already there', async () => {
  const { feed, append } = feedAt()
  append()
  await feed.wait(0, 60_000, never)
})

test('a wait ends with its time, or with its signal, whether that comes before or during it', async () => {
  const { feed } = feedAt()
  await feed.wait(0, 1, never)
  await feed.wait(0, 60_000, AbortSignal.abort())
  const leaving = new AbortController()
  const wait = feed.wait(0, 60_000, leaving.signal)
  leaving.abort()
  await wait
})
