import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createMemoryCache } from '../../src/adapters/memory/memory-cache.ts'
import type { CacheMetrics } from '../../src/cache/cache-metrics.ts'
import { createCachedReads } from '../../src/cache/cached-reads.ts'
import { createLevels } from '../../src/cache/levels.ts'
import { createNearLevel } from '../../src/cache/near-level.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { Entry } from '../../src/domain/item.ts'
import type { Cache } from '../../src/ports/cache.ts'
import type { DependencyStatus } from '../../src/ports/dependency.ts'
import type { Caller } from '../../src/ports/store.ts'
import { patient } from '../support/postgres-store.ts'

const unavailable = new AppError('unavailable', 'away')

/** A store of one item, whose answers can be held back. */
function setUp({ nearBytes = 2 ** 20, cache = createMemoryCache({ lifetimeMs: 300_000 }) } = {}) {
  const near = createNearLevel(nearBytes)
  const counts = () => ({ hit: 0, miss: 0, stale: 0, error: 0 })
  const metrics: CacheMetrics = { near: counts(), redis: counts(), refusedFills: 0, repairedChanges: 0 }
  const levels = createLevels(near, cache, metrics)
  const world = {
    entry: itemOf(1) as Entry,
    state: 'ok' as DependencyStatus['state'],
    keepsUp: true,
    /** When set, the store's answers wait for it; what they say is as of when they were asked for. */
    held: undefined as Promise<void> | undefined,
    fault: undefined as Error | undefined,
    asked: [] as Caller[],
  }
  const reader = createCachedReads({
    store: {
      async getEntry(_id, caller) {
        world.asked.push(caller)
        const { entry, fault } = world
        await world.held
        if (fault !== undefined) throw fault
        return entry
      },
      status: () => ({ state: world.state, latencyMs: 0 }),
    },
    near,
    cache,
    levels,
    repair: { keepsUp: () => world.keepsUp },
    metrics,
  })
  const read = async (caller: Caller = patient) => reader.read('a', caller)
  return { world, near, cache, levels, metrics, reader, read }
}

function itemOf(version: number): Entry {
  return { id: 'a', value: String(version), version, createdAtMs: 1, updatedAtMs: 2 }
}

function absenceOf(version: number): Entry {
  return { id: 'a', version, value: undefined }
}

/** What the store answers from now on comes when `letGo` is called. */
function hold(world: { held: Promise<void> | undefined }): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  world.held = promise
  return resolve
}

test('a read asks the near level, then the cache, then the store, and tells the levels before it', async () => {
  const { world, read, metrics } = setUp()
  assert.equal((await read()).level, 'store')
  assert.equal((await read()).level, 'near')
  assert.equal(world.asked.length, 1)

  const other = setUp()
  await other.cache.keep({ entry: itemOf(1), storedAtMs: Date.now() - 5000 }, performance.now())
  const fromCache = await other.read()
  assert.equal(fromCache.level, 'redis')
  assert.ok(fromCache.ageMs >= 5000 && fromCache.ageMs < 60_000)
  const fromNear = await other.read()
  assert.equal(fromNear.level, 'near')
  assert.ok(fromNear.ageMs >= 5000, 'the age is that of what the store said')
  assert.equal(other.world.asked.length, 0)
  assert.deepEqual(
    [metrics.near, metrics.redis].flatMap(({ hit, miss }) => [hit, miss]),
    [1, 1, 0, 1],
  )
})

test('a thousand reads of a cold id ask the store once, or twice where they take a while', async () => {
  const { world, read } = setUp()
  const letGo = hold(world)
  const first = Array.from({ length: 500 }, () => read())
  await nextTurn()
  const second = Array.from({ length: 500 }, () => read())
  await nextTurn()
  letGo()
  for (const { item } of await Promise.all([...first, ...second])) assert.equal(item?.version, 1)
  assert.ok(world.asked.length <= 2, `asked ${world.asked.length} times`)
})

test('who waits for another one’s read keeps it wanted when that one leaves', async () => {
  const { world, read } = setUp({ nearBytes: 0 })
  const letGo = hold(world)
  const first = { deadlineMs: 1, left: false }
  const second = { deadlineMs: 2, left: false }
  const reads = [read(first), read(second)]
  await nextTurn()
  const [caller] = world.asked as [Caller]
  assert.equal(caller.deadlineMs, 2)
  first.left = true
  assert.equal(caller.left, false)
  second.left = true
  assert.equal(caller.left, true)
  letGo()
  await Promise.all(reads)
})

test('a read that failed is not waited for by the next one', async () => {
  const { world, read } = setUp()
  world.fault = unavailable
  await assert.rejects(read(), unavailable)
  world.fault = undefined
  assert.equal((await read()).item?.version, 1)
})

test('a slow reader does not bring back what was written in the meantime', async () => {
  for (const written of [itemOf(2), absenceOf(2)]) {
    const { world, read, levels, cache, near } = setUp()
    const letGo = hold(world)
    const slow = read()
    await nextTurn()
    world.entry = written
    await levels.written(written, performance.now())
    letGo()
    await slow
    assert.equal(near.get('a')?.entry.version, 2)
    assert.equal((await cache.get('a', patient))?.entry.version, 2)
    assert.equal((await read()).item?.version, written.value === undefined ? undefined : 2)
  }
})

test('what the store said too long ago is told, and not kept', async () => {
  const { world, read, cache, near, metrics } = setUp()
  const letGo = hold(world)
  const slow = read()
  setTimeout(letGo, 300)
  assert.equal((await slow).item?.version, 1)
  assert.equal(near.get('a'), undefined)
  assert.equal(await cache.get('a', patient), undefined)
  assert.equal(metrics.refusedFills, 1)
})

test('a write that took long leaves a fence, because somebody may have gone on from it', async () => {
  const { levels, cache, near } = setUp()
  await cache.keep({ entry: itemOf(1), storedAtMs: Date.now() }, performance.now())
  near.keep({ entry: itemOf(1), storedAtMs: Date.now() }, performance.now())
  await levels.written(itemOf(2), performance.now() - 200)
  assert.equal(near.get('a'), undefined)
  assert.equal(await cache.get('a', patient), undefined)
})

test('a hit counts only while repair keeps up: otherwise the store is asked', async () => {
  const { world, read, cache } = setUp({ nearBytes: 0 })
  await cache.keep({ entry: itemOf(1), storedAtMs: Date.now() }, performance.now())
  world.entry = itemOf(2)
  world.keepsUp = false
  const { level, item, isStale } = await read()
  assert.deepEqual([level, item?.version, isStale], ['store', 2, false])
})

test('while the store is away, what is cached is told and marked as stale', async () => {
  const { world, read, cache, metrics } = setUp()
  await cache.keep({ entry: itemOf(1), storedAtMs: Date.now() - 2000 }, performance.now())
  world.keepsUp = false
  world.fault = unavailable
  for (const state of ['ok', 'unavailable'] as const) {
    world.state = state
    const { level, item, isStale, ageMs } = await read()
    assert.deepEqual([level, item?.version, isStale], ['redis', 1, true])
    assert.ok(ageMs >= 2000)
  }
  assert.equal(world.asked.length, 1, 'a store that is known to be away is not asked')
  assert.equal(metrics.redis.stale, 2)
})

test('a store that does not answer is not waited for when there is something to tell', async () => {
  const { world, read, cache } = setUp()
  await cache.keep({ entry: itemOf(1), storedAtMs: Date.now() }, performance.now())
  world.keepsUp = false
  const letGo = hold(world)
  assert.equal((await read()).isStale, true)
  letGo()
})

test('while the store is away, nobody is told that an item does not exist', async () => {
  const { world, read, cache } = setUp()
  world.fault = unavailable
  world.state = 'unavailable'
  await assert.rejects(read(), unavailable)
  await cache.keep({ entry: absenceOf(3), storedAtMs: Date.now() }, performance.now())
  world.keepsUp = false
  await assert.rejects(read(), unavailable)
})

test('another fault of the store than its absence is told', async () => {
  const { world, read, cache } = setUp()
  await cache.keep({ entry: itemOf(1), storedAtMs: Date.now() }, performance.now())
  world.keepsUp = false
  world.fault = new TypeError('a fault in the program')
  await assert.rejects(read(), TypeError)
})

test('a cache that cannot be asked is passed by', async () => {
  const memory = createMemoryCache({ lifetimeMs: 1000 })
  const away = async () => {
    throw unavailable
  }
  const cache: Cache = { ...memory, get: away, keep: away, fence: away }
  const { read, metrics, levels } = setUp({ cache, nearBytes: 0 })
  assert.equal((await read()).level, 'store')
  await levels.written(itemOf(2), performance.now())
  await levels.fence([{ id: 'a', version: 3 }])
  assert.equal(metrics.redis.error, 4)
})

test('who asks for the store gets what it says, and the levels get to know it', async () => {
  const { world, reader, cache, near } = setUp()
  const old = { entry: itemOf(1), storedAtMs: Date.now() }
  near.keep(old, performance.now())
  await cache.keep(old, performance.now())
  world.entry = itemOf(2)
  const { level, item } = await reader.readThrough('a', patient)
  assert.deepEqual([level, item?.version], ['store', 2])
  assert.equal(near.get('a')?.entry.version, 2)
  assert.equal((await cache.get('a', patient))?.entry.version, 2)
})
