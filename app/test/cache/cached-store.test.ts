import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryCache } from '../../src/adapters/memory/memory-cache.ts'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import type { CacheMetrics } from '../../src/cache/cache-metrics.ts'
import { createCachedStore } from '../../src/cache/cached-store.ts'
import { createLevels } from '../../src/cache/levels.ts'
import { createNearLevel } from '../../src/cache/near-level.ts'
import { systemClock } from '../../src/ports/clock.ts'
import { patient } from '../support/postgres-store.ts'

function setUp() {
  const near = createNearLevel(2 ** 20)
  const cache = createMemoryCache({ lifetimeMs: 300_000 })
  const counts = () => ({ hit: 0, miss: 0, stale: 0, error: 0 })
  const metrics: CacheMetrics = { near: counts(), redis: counts(), refusedFills: 0, repairedChanges: 0 }
  const bounds = { bytesMax: 2 ** 20, changesMax: 100, changesRetentionMs: 60_000 }
  const memory = createMemoryStore({ clock: systemClock, ...bounds })
  const store = createCachedStore(memory, createLevels(near, cache, metrics))
  /** Asserts that both levels know this of the id: a version with its value, undefined of a deleted item. */
  async function bothKnow(id: string, version: number, value: string | undefined): Promise<void> {
    for (const cached of [near.get(id), await cache.get(id, patient)]) {
      assert.deepEqual([cached?.entry.version, cached?.entry.value], [version, value])
    }
  }
  async function bothHide(id: string): Promise<void> {
    assert.equal(near.get(id), undefined)
    assert.equal(await cache.get(id, patient), undefined)
  }
  return { store, cache, bothKnow, bothHide }
}

test('a write is known to both levels before it is answered', async () => {
  const { store, bothKnow } = setUp()
  await store.put('a', '1', undefined, patient)
  await bothKnow('a', 1, '1')
  await store.put('a', '2', 1, patient)
  await bothKnow('a', 2, '2')
  await store.create('b', '1', undefined, patient)
  await bothKnow('b', 1, '1')
})

test('a delete is known as an absence with its version, and a new creation after it', async () => {
  const { store, bothKnow } = setUp()
  await store.put('a', '1', undefined, patient)
  await store.delete('a', undefined, patient)
  await bothKnow('a', 2, undefined)
  await store.put('a', '3', 0, patient)
  await bothKnow('a', 3, '3')
})

test('what a batch wrote is hidden until it is read', async () => {
  const { store, cache, bothKnow, bothHide } = setUp()
  for (const id of ['a', 'b']) await store.put(id, '1', undefined, patient)
  const old = await store.getEntry('a', patient)
  await store.batch(
    [
      { op: 'put', id: 'a', value: '2', ifVersion: undefined },
      { op: 'delete', id: 'b', ifVersion: undefined },
    ],
    patient,
  )
  await bothHide('a')
  await bothHide('b')
  assert.equal(await cache.keep({ entry: old, storedAtMs: 0 }, performance.now()), false)
  await store.put('c', '1', undefined, patient)
  await bothKnow('c', 1, '1')
})

test('a write that was refused tells the levels nothing', async () => {
  const { store, bothKnow, bothHide } = setUp()
  await store.put('a', '1', undefined, patient)
  await store.put('a', '2', 7, patient)
  await store.create('a', '3', undefined, patient)
  await store.delete('a', 7, patient)
  await store.batch([{ op: 'put', id: 'a', value: '4', ifVersion: 7 }], patient)
  await bothKnow('a', 1, '1')
  await store.delete('b', undefined, patient)
  await bothHide('b')
})
