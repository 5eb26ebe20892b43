import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { waitUntil } from '../../../local/wait.ts'
import { createMemoryCache } from '../../src/adapters/memory/memory-cache.ts'
import { createMemoryStore } from '../../src/adapters/memory/memory-store.ts'
import { createRepair, type Repair } from '../../src/cache/repair.ts'
import { AppError } from '../../src/domain/errors.ts'
import type { Cache } from '../../src/ports/cache.ts'
import { systemClock } from '../../src/ports/clock.ts'
import type { Store } from '../../src/ports/store.ts'
import { patient } from '../support/postgres-store.ts'

const soon = { timeoutMs: 10_000 }

interface Setup {
  readonly store: Store
  /** The cache as of now: `lose` puts an empty one in its place. */
  readonly cache: () => Cache
  lose(cache?: Cache): void
  /** While true, the store's feed cannot be read. */
  isAway: boolean
  /** Of a process: its repair, and how many changes it has applied. */
  repairs(): { repair: Repair; repaired: () => number }
}

function setUp(t: TestContext, changesMax = 100_000): Setup {
  const store = createMemoryStore({
    clock: systemClock,
    bytesMax: 2 ** 30,
    changesMax,
    changesRetentionMs: 3_600_000,
  })
  let current = createMemoryCache({ lifetimeMs: 300_000 })
  const setup: Setup = {
    store,
    cache: () => current,
    lose(cache = createMemoryCache({ lifetimeMs: 300_000 })) {
      current = cache
    },
    isAway: false,
    repairs() {
      let repaired = 0
      const repair = createRepair({
        feed: {
          ...store.feed,
          get lastPosition() {
            return store.feed.lastPosition
          },
          async read(query, caller) {
            if (setup.isAway) throw new AppError('unavailable', 'away')
            await nextTurn()
            return store.feed.read(query, caller)
          },
        },
        cache: { position: () => current.position(), repair: (what) => current.repair(what) },
        ttlMs: 300_000,
        onRepaired(changes) {
          repaired += changes
        },
      })
      t.after(() => repair.close())
      repair.start()
      return { repair, repaired: () => repaired }
    },
  }
  return setup
}

/** What a process leaves behind that dies between its commit and the cache. */
async function commitAndDie({ store }: Setup, id: string): Promise<number> {
  const result = await store.put(id, '"new"', undefined, patient)
  assert(result.ok)
  return result.item.version
}

/** Whether a hit in the cache, as it is now, would count. */
async function keepsUp(setup: Setup, repair: Repair): Promise<boolean> {
  return repair.keepsUp((await setup.cache().position()).lowest)
}

async function isHidden(setup: Setup, id: string): Promise<boolean> {
  return (await setup.cache().get(id, patient)) === undefined
}

async function keepCurrent(setup: Setup, id: string): Promise<void> {
  const entry = await setup.store.getEntry(id, patient)
  await setup.cache().keep({ entry, storedAtMs: Date.now() }, performance.now())
}

test('what a dead process has committed is repaired, and what it deleted', async (t) => {
  const setup = setUp(t)
  await setup.store.put('a', '"old"', undefined, patient)
  await setup.store.put('b', '"old"', undefined, patient)
  setup.repairs()
  await keepCurrent(setup, 'a')
  await keepCurrent(setup, 'b')
  await commitAndDie(setup, 'a')
  await setup.store.delete('b', undefined, patient)
  await waitUntil('the old value is hidden', () => isHidden(setup, 'a'), soon)
  await waitUntil('the deleted one is hidden', () => isHidden(setup, 'b'), soon)
})

test('it keeps up once it knows that the cache has everything, and no longer than it knows that', async (t) => {
  const setup = setUp(t)
  const { repair } = setup.repairs()
  assert.equal(await keepsUp(setup, repair), false)
  assert.equal(repair.lagMs, Number.POSITIVE_INFINITY)
  await waitUntil('it keeps up', () => keepsUp(setup, repair), soon)
  setup.isAway = true
  await waitUntil('it does not', async () => !(await keepsUp(setup, repair)), soon)
  assert.ok(repair.lagMs > 700)
  setup.isAway = false
  await waitUntil('it keeps up again', () => keepsUp(setup, repair), soon)
})

test('of several processes one repairs, and another takes over from it', async (t) => {
  const setup = setUp(t)
  const processes = [setup.repairs(), setup.repairs(), setup.repairs()]
  for (const { repair } of processes) await waitUntil('it keeps up', () => keepsUp(setup, repair), soon)
  const total = () => processes.reduce((sum, { repaired }) => sum + repaired(), 0)
  for (let at = 1; at <= 50; at++) {
    await commitAndDie(setup, 'a')
    await waitUntil('it is repaired', () => total() === at, soon)
  }
  assert.equal(total(), 50)
  const [first] = processes.toSorted((one, other) => other.repaired() - one.repaired())
  await first?.repair.close()
  await keepCurrent(setup, 'a')
  await commitAndDie(setup, 'a')
  await waitUntil('another one has repaired it', () => total() === 51, soon)
})

test('a cache that lost everything is told again what slow readers may still bring', async (t) => {
  const setup = setUp(t)
  const { repair } = setup.repairs()
  await setup.store.put('a', '"old"', undefined, patient)
  const old = await setup.store.getEntry('a', patient)
  await commitAndDie(setup, 'a')
  await waitUntil('it keeps up', () => keepsUp(setup, repair), soon)
  setup.lose()
  assert.equal(await keepsUp(setup, repair), false)
  // A reader that had asked the store before the commit.
  assert.equal(await setup.cache().keep({ entry: old, storedAtMs: Date.now() }, performance.now()), true)
  await waitUntil('it is hidden', () => isHidden(setup, 'a'), soon)
  assert.deepEqual(await setup.cache().position(), { lowest: 2, isWhole: true })
})

test('a cache that fell back to an earlier state is repaired from there', async (t) => {
  const setup = setUp(t)
  const replica = createMemoryCache({ lifetimeMs: 300_000 })
  await setup.store.put('a', '"old"', undefined, patient)
  await replica.repair({ after: 0, last: 1, fences: [], isRestart: true })
  const old = await setup.store.getEntry('a', patient)
  await replica.keep({ entry: old, storedAtMs: Date.now() }, performance.now())
  const { repair } = setup.repairs()
  await commitAndDie(setup, 'a')
  await waitUntil('it keeps up', () => keepsUp(setup, repair), soon)
  setup.lose(replica)
  assert.equal(await keepsUp(setup, repair), false, 'before it is repaired nothing of it counts')
  await waitUntil('it is hidden', () => isHidden(setup, 'a'), soon)
  await waitUntil('it keeps up again', () => keepsUp(setup, repair), soon)
})

test('a position that the feed no longer has is given up for the oldest that it has', async (t) => {
  const setup = setUp(t, 10)
  for (let at = 0; at < 50; at++) await commitAndDie(setup, `item-${at}`)
  await setup.cache().repair({ after: 0, last: 1, fences: [], isRestart: true })
  const { repair } = setup.repairs()
  await waitUntil('it keeps up', () => keepsUp(setup, repair), soon)
  assert.deepEqual(await setup.cache().position(), { lowest: 50, isWhole: true })
})

test('a position beyond the end of the feed is given up too', async (t) => {
  const setup = setUp(t)
  await commitAndDie(setup, 'a')
  await setup.cache().repair({ after: 0, last: 1000, fences: [], isRestart: true })
  const { repair } = setup.repairs()
  await waitUntil('it keeps up', () => keepsUp(setup, repair), soon)
  assert.deepEqual(await setup.cache().position(), { lowest: 1, isWhole: true })
})

test('a long way behind is repaired page by page', async (t) => {
  const setup = setUp(t)
  await setup.cache().repair({ after: 0, last: 0, fences: [], isRestart: true })
  for (let at = 0; at < 2500; at++) await commitAndDie(setup, `item-${at % 100}`)
  const { repair, repaired } = setup.repairs()
  await waitUntil('it keeps up', () => keepsUp(setup, repair), soon)
  assert.equal(repaired(), 2500)
})
