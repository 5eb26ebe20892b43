import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import { type Cache, type Cached, NOTE_AGE_MS_MAX } from '../../src/ports/cache.ts'
import { patient } from '../support/postgres-store.ts'
import { randomOf } from '../support/random.ts'

export interface CacheUnderTest {
  readonly cache: Cache
  stop(): Promise<void>
}

/** What a cache of the contract keeps an item for. */
export const LIFETIME_MS = 1500

/** What every cache promises, whatever it is made of. Ids are new in every test; positions are one test's alone. */
export function cacheContract(name: string, start: () => Promise<CacheUnderTest>): void {
  describe(`the cache contract: ${name}`, () => {
    let cache: Cache
    let stop: () => Promise<void>
    before(async () => {
      const started = await start()
      cache = started.cache
      stop = started.stop
    })
    after(() => stop())

    const get = async (id: string): Promise<Cached | undefined> => {
      const found = await cache.get(id, patient)
      return found && { entry: found.entry, storedAtMs: found.storedAtMs }
    }
    const versionOf = async (id: string) => (await get(id))?.entry.version
    const keep = (cached: Cached, ageMs = 0) => cache.keep(cached, performance.now() - ageMs)

    test('of what it was never told it knows nothing', async () => {
      assert.equal(await get(randomUUID()), undefined)
    })

    test('an item comes back as it was kept, to the last digit, with its times', async () => {
      const value = '{"b": 1.0,\n "a":1e400, "a":2, "\\u00e9":"\u{1f600}é\\u0000"}'
      const cached: Cached = {
        entry: { id: randomUUID(), value, version: 7, createdAtMs: 1, updatedAtMs: 1_790_000_000_123 },
        storedAtMs: 1_790_000_000_456,
      }
      assert.equal(await keep(cached), true)
      assert.deepEqual(await get(cached.entry.id), cached)
    })

    test('absence comes back with its version', async () => {
      for (const version of [0, 3]) {
        const cached = absence(randomUUID(), version)
        assert.equal(await keep(cached), true)
        assert.deepEqual(await get(cached.entry.id), cached)
      }
    })

    test('a slow reader cannot put an older version in the place of a newer one, nor the same one again', async () => {
      const id = randomUUID()
      assert.equal(await keep(item(id, 10)), true)
      for (const version of [9, 1, 10]) assert.equal(await keep(item(id, version)), false)
      assert.equal(await versionOf(id), 10)
    })

    test('what was deleted does not come back by way of a slow reader, and a new creation is told', async () => {
      const id = randomUUID()
      await keep(item(id, 1))
      assert.equal(await keep(absence(id, 2)), true)
      assert.equal(await keep(item(id, 1)), false)
      assert.equal((await get(id))?.entry.value, undefined)
      assert.equal(await keep(item(id, 3)), true)
      assert.equal(await keep(absence(id, 2)), false)
      assert.equal(await versionOf(id), 3)
    })

    test('an absence that was never anything gives way to the first version', async () => {
      const id = randomUUID()
      await keep(absence(id, 0))
      assert.equal(await keep(item(id, 1)), true)
      assert.equal(await keep(absence(id, 0)), false)
    })

    test('a fence hides what is older, refuses it, and takes its own version', async () => {
      const id = randomUUID()
      await keep(item(id, 4))
      await cache.fence([{ id, version: 5 }])
      assert.equal(await get(id), undefined)
      assert.equal(await keep(item(id, 4)), false)
      assert.equal(await keep(item(id, 5)), true)
      assert.equal(await versionOf(id), 5)
    })

    test('a fence does not hide its own version, nor a newer one', async () => {
      const id = randomUUID()
      await keep(item(id, 5))
      await cache.fence([
        { id, version: 5 },
        { id, version: 4 },
      ])
      assert.equal(await versionOf(id), 5)
    })

    test('a fence holds where nothing was', async () => {
      const id = randomUUID()
      await cache.fence([{ id, version: 2 }])
      assert.equal(await keep(item(id, 1)), false)
      assert.equal(await get(id), undefined)
    })

    test('what was true some time ago is not kept', async () => {
      const id = randomUUID()
      assert.equal(await keep(item(id, 1), NOTE_AGE_MS_MAX + 1), false)
      assert.equal(await get(id), undefined)
    })

    test('an item is forgotten after its lifetime', async () => {
      const id = randomUUID()
      const keptMs = performance.now()
      await keep(item(id, 1))
      await waitUntil('it is forgotten', async () => (await get(id)) === undefined, { timeoutMs: 10_000 })
      const livedMs = performance.now() - keptMs
      assert.ok(livedMs >= 0.9 * LIFETIME_MS - 50 && livedMs < LIFETIME_MS + 2000, `${livedMs} ms`)
    })

    test('whatever the order of many versions, the newest stays', async (t) => {
      const random = randomOf(t)
      const ids = Array.from({ length: 40 }, () => randomUUID())
      const versions = Array.from({ length: 25 }, (_, at) => at + 1)
      const notes = ids.flatMap((id) =>
        versions.map((version) => ({ id, version, at: random.below(2 ** 30) })),
      )
      notes.sort((a, b) => a.at - b.at)
      await Promise.all(
        notes.map(({ id, version }) => {
          if (version % 5 === 0 && version < 25) return cache.fence([{ id, version }])
          return keep(version % 3 === 0 ? absence(id, version) : item(id, version))
        }),
      )
      // Some of so many may have been given up: each is told again what is newest, as a reader would.
      await Promise.all(ids.map((id) => keep(item(id, 25))))
      for (const id of ids) assert.equal(await versionOf(id), 25)
    })

    test('many are read at once, each for its own', async () => {
      const ids = Array.from({ length: 300 }, () => randomUUID())
      for (let from = 0; from < ids.length; from += 50) {
        await Promise.all(ids.slice(from, from + 50).map((id, at) => keep(item(id, from + at + 1))))
      }
      const found = await Promise.all(ids.map(versionOf))
      assert.deepEqual(
        found,
        ids.map((_, at) => at + 1),
      )
    })

    test('repair moves its position on, once, and hides what the changes made old', async () => {
      const ids = Array.from({ length: 100 }, () => randomUUID())
      const fences = ids.map((id) => ({ id, version: 2 }))
      assert.deepEqual(await cache.position(), { lowest: undefined, isWhole: false })
      assert.equal(await cache.repair({ after: 5, last: 10, fences, isRestart: false }), 'lost')
      assert.deepEqual(await cache.position(), { lowest: undefined, isWhole: false })

      assert.equal(await cache.repair({ after: 5, last: 10, fences: [], isRestart: true }), 'applied')
      assert.deepEqual(await cache.position(), { lowest: 10, isWhole: true })

      await Promise.all(ids.map((id) => keep(item(id, 1))))
      assert.equal(await cache.repair({ after: 10, last: 20, fences, isRestart: false }), 'applied')
      assert.equal(await cache.repair({ after: 10, last: 20, fences, isRestart: false }), 'known')
      for (const id of ids) assert.equal(await get(id), undefined)
      for (const id of ids) assert.equal(await keep(item(id, 1)), false)

      // Somebody who read the feed from a later position than Redis has, as after a failover.
      const late = { after: 21, last: 22, fences: [{ id: ids[0] as string, version: 9 }], isRestart: false }
      assert.equal(await cache.repair(late), 'lost')
      assert.equal(await keep(item(ids[0] as string, 2)), true)
      assert.deepEqual(await cache.position(), { lowest: 20, isWhole: true })
      assert.equal((await cache.get(ids[0] as string, patient))?.position, 20)

      assert.equal(await cache.repair({ after: 3, last: 4, fences: [], isRestart: true }), 'applied')
      assert.deepEqual(await cache.position(), { lowest: 4, isWhole: true })
    })

    test('it is well', () => {
      assert.equal(cache.status().state, 'ok')
    })
  })
}

function item(id: string, version: number): Cached {
  return {
    entry: { id, value: `{"version":${version}}`, version, createdAtMs: 1000, updatedAtMs: 2000 },
    storedAtMs: 3000,
  }
}

function absence(id: string, version: number): Cached {
  return { entry: { id, version, value: undefined }, storedAtMs: 3000 }
}
