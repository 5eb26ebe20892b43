import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryFeed } from '../../src/adapters/memory/memory-feed.ts'
import { positionBefore } from '../../src/cache/position-before.ts'
import { patient } from '../support/postgres-store.ts'

/** A feed whose change at position n was made at n × 10 ms, of which the last `changesMax` are kept. */
function feedOf(changes: number, changesMax = changes) {
  const feed = createMemoryFeed({ clock: { nowMs: () => 0 }, retentionMs: 1e9, changesMax })
  let reads = 0
  for (let at = 1; at <= changes; at++) feed.append({ id: 'x', version: at, op: 'put', atMs: at * 10 })
  return {
    feed: {
      id: feed.id,
      get lastPosition() {
        return feed.lastPosition
      },
      wait: feed.wait,
      read(query: Parameters<typeof feed.read>[0]) {
        reads++
        return feed.read(query, patient)
      },
    },
    reads: () => reads,
  }
}

test('every change since the moment is behind the position, and none more than has to be', async () => {
  const { feed } = feedOf(100)
  for (const [atMs, position] of [
    [0, 0],
    [10, 0],
    [11, 1],
    [500, 49],
    [505, 50],
    [1000, 99],
    [1001, 100],
    [5000, 100],
  ] as const) {
    assert.equal(await positionBefore(feed, atMs, patient), position, `${atMs} ms`)
  }
})

test('where the feed no longer has the moment, it is the oldest that is kept', async () => {
  const { feed } = feedOf(100, 30)
  assert.equal(await positionBefore(feed, 0, patient), 70)
  assert.equal(await positionBefore(feed, 905, patient), 90)
})

test('an empty feed begins at its beginning', async () => {
  const { feed } = feedOf(0)
  assert.equal(await positionBefore(feed, 0, patient), 0)
})

test('it takes a few reads, however long the feed is', async () => {
  const { feed, reads } = feedOf(100_000)
  assert.equal(await positionBefore(feed, 123_450, patient), 12_344)
  assert.ok(reads() <= 20, `${reads()} reads`)
})
