import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type Operation, PAGE_BYTES_MAX } from '../../src/domain/item.ts'
import type { Caller, Store } from '../../src/ports/store.ts'

export interface StoreUnderTest {
  readonly store: Store
  stop(): Promise<void>
}

const caller: Caller = { deadlineMs: Number.POSITIVE_INFINITY, left: false }

/** What every store promises, whatever it is made of. Ids are new in every test, so that the store may be shared. */
export function storeContract(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`the store contract: ${name}`, () => {
    let store: Store
    let stop: () => Promise<void>
    before(async () => {
      const started = await start()
      store = started.store
      stop = started.stop
    })
    after(() => stop())

    const newId = () => randomUUID()
    const put = (id: string, value = '1', ifVersion?: number | 'any') =>
      store.put(id, value, ifVersion, caller)
    const get = (id: string) => store.get(id, caller)
    const remove = (id: string, ifVersion?: number | 'any') => store.delete(id, ifVersion, caller)
    const batch = (...operations: Operation[]) => store.batch(operations, caller)

    async function putItem(id: string, value = '1') {
      const result = await put(id, value)
      assert(result.ok)
      return result.item
    }

    async function allIds(prefix: string, limit: number): Promise<string[]> {
      const ids: string[] = []
      for (let last: string | undefined; ; ) {
        const { items, more } = await store.list({ prefix, after: last, limit }, caller)
        ids.push(...items.map(({ id }) => id))
        last = ids.at(-1)
        if (!more) return ids
        assert(items.length > 0, 'a page with more behind it holds something')
      }
    }

    /** The changes of this test's ids from `position` on, read in small pages. */
    async function changesOf(ids: readonly string[], position: number) {
      const changes = []
      for (let last = position; ; ) {
        const page = await store.feed.read({ after: last, limit: 3 }, caller)
        assert(page.ok)
        if (page.changes.length === 0) return changes.filter(({ id }) => ids.includes(id))
        changes.push(...page.changes)
        last = page.last
      }
    }

    /** Where the feed ends now. */
    async function feedEnd(): Promise<number> {
      let last: number | undefined
      for (;;) {
        const page = await store.feed.read({ after: last, limit: 1000 }, caller)
        assert(page.ok)
        last = page.last
        if (page.changes.length === 0) return last
      }
    }

    test('an absent item is undefined', async () => {
      assert.equal(await get(newId()), undefined)
    })

    test('an entry tells the version of what was deleted, and 0 of what never was', async () => {
      const id = newId()
      const entry = () => store.getEntry(id, caller)
      assert.deepEqual(await entry(), { id, version: 0, value: undefined })
      const item = await putItem(id)
      assert.deepEqual(await entry(), item)
      await remove(id)
      assert.deepEqual(await entry(), { id, version: 2, value: undefined })
      assert.equal((await putItem(id)).version, 3)
      assert.equal((await entry()).version, 3)
    })

    test('the newest position is the one where a read of the feed ends', async () => {
      await putItem(newId())
      assert.equal(await feedEnd(), store.feed.lastPosition)
    })

    test('a value comes back as it was put, to the last digit and space', async () => {
      const id = newId()
      const value = '{"b": 1.0,\n "a":1e400, "a":2, "10":-0, "\\u00e9":"\u{1f600}\\u0000"}'
      await putItem(id, value)
      assert.equal((await get(id))?.value, value)
    })

    test('the first put creates version 1, and every further one adds 1', async () => {
      const id = newId()
      const first = await put(id, '1')
      assert(first.ok && first.created)
      assert.equal(first.item.version, 1)
      assert.equal(first.item.createdAtMs, first.item.updatedAtMs)
      const second = await put(id, '2')
      assert(second.ok && !second.created)
      assert.equal(second.item.version, 2)
      assert.equal(second.item.createdAtMs, first.item.createdAtMs)
      assert.deepEqual(await get(id), second.item)
    })

    test('a version goes on counting across a delete and a new creation', async () => {
      const id = newId()
      await putItem(id)
      assert.deepEqual(await remove(id), { ok: true, version: 2 })
      assert.equal(await get(id), undefined)
      const again = await put(id, '3')
      assert(again.ok && again.created)
      assert.equal(again.item.version, 3)
    })

    test('a put that expects a version is refused with the current one, and changes nothing', async () => {
      const id = newId()
      await putItem(id, '"old"')
      for (const expected of [0, 2, -1]) {
        assert.deepEqual(await put(id, '"new"', expected), { ok: false, currentVersion: 1 })
      }
      assert.equal((await get(id))?.value, '"old"')
      assert((await put(id, '"new"', 1)).ok)
      assert((await put(id, '"newer"', 'any')).ok)
    })

    test('a put that expects an item is refused with 0 when there is none; one that expects none creates', async () => {
      const id = newId()
      assert.deepEqual(await put(id, '1', 1), { ok: false, currentVersion: 0 })
      assert.deepEqual(await put(id, '1', 'any'), { ok: false, currentVersion: 0 })
      assert((await put(id, '1', 0)).ok)
      await remove(id)
      assert.deepEqual(await put(id, '1', 2), { ok: false, currentVersion: 0 })
      assert((await put(id, '1', 0)).ok)
    })

    test('of many writers that expect the same version exactly one wins', async () => {
      const id = newId()
      await putItem(id)
      const results = await Promise.all(Array.from({ length: 20 }, (_, writer) => put(id, String(writer), 1)))
      assert.equal(results.filter(({ ok }) => ok).length, 1)
      assert.equal((await get(id))?.version, 2)
    })

    test('concurrent plain puts all take effect, each as a version of its own', async () => {
      const id = newId()
      const results = await Promise.all(Array.from({ length: 20 }, (_, writer) => put(id, String(writer))))
      const versions = results.map((result) => (result.ok ? result.item.version : 0))
      assert.deepEqual(
        versions.toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, index) => index + 1),
      )
    })

    test('a delete is refused for an absent id and for another version', async () => {
      const id = newId()
      const end = await feedEnd()
      for (const expected of [undefined, 0, 1, 'any'] as const) {
        assert.deepEqual(await remove(id, expected), { ok: false, currentVersion: 0 })
      }
      assert.equal((await batch({ op: 'delete', id, ifVersion: 0 })).ok, false)
      assert.deepEqual(await changesOf([id], end), [])
      await putItem(id)
      assert.deepEqual(await remove(id, 7), { ok: false, currentVersion: 1 })
      assert((await remove(id, 1)).ok)
      assert.deepEqual(await remove(id), { ok: false, currentVersion: 0 })
    })

    test('create takes an id once and for ever, and tells what its first creator gave', async () => {
      const id = newId()
      const first = await store.create(id, '1', 'print', caller)
      assert(first.ok)
      await putItem(id, '2')
      await remove(id)
      const second = await store.create(id, '1', 'other', caller)
      assert.deepEqual(second, { ok: false, fingerprint: 'print', createdAtMs: first.item.createdAtMs })
    })

    test('create does not take an id that was put', async () => {
      const id = newId()
      await putItem(id)
      const result = await store.create(id, '1', 'print', caller)
      assert(!result.ok)
      assert.equal(result.fingerprint, undefined)
    })

    test('a list has the ids with the prefix in byte order, each once, whatever the size of its pages', async () => {
      const prefix = `${newId()}.`
      const ids = ['~', 'b', 'a', 'B', '_', '10', '9', 'a:1', 'a-1', '@'].map((end) => prefix + end)
      for (const id of ids) await putItem(id)
      await putItem(newId())
      const expected = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      for (const limit of [1, 3, 10, 1000]) assert.deepEqual(await allIds(prefix, limit), expected)
    })

    test('a list has no deleted items and has those that came back', async () => {
      const prefix = `${newId()}.`
      for (const end of ['1', '2', '3']) await putItem(prefix + end)
      await remove(`${prefix}1`)
      await remove(`${prefix}2`)
      await putItem(`${prefix}2`)
      assert.deepEqual(await allIds(prefix, 10), [`${prefix}2`, `${prefix}3`])
    })

    test('a page ends before it holds too much text, and always holds one item', async () => {
      const prefix = `${newId()}.`
      const value = JSON.stringify('x'.repeat(PAGE_BYTES_MAX / 2))
      for (const end of ['1', '2', '3']) await putItem(prefix + end, value)
      const page = await store.list({ prefix, after: undefined, limit: 10 }, caller)
      assert.equal(page.items.length, 1)
      assert.equal(page.more, true)
      assert.equal((await allIds(prefix, 10)).length, 3)
      await batch(
        ...['1', '2', '3'].map((end) => ({ op: 'delete', id: prefix + end, ifVersion: 1 }) as const),
      )
    })

    test('a batch takes effect as a whole, with versions in its own order', async () => {
      const [a, b, c] = [newId(), newId(), newId()] as const
      await putItem(b)
      await putItem(c)
      const result = await batch(
        { op: 'put', id: c, value: '"c"', ifVersion: 1 },
        { op: 'put', id: a, value: '"a"', ifVersion: 0 },
        { op: 'delete', id: b, ifVersion: undefined },
      )
      assert.deepEqual(result, { ok: true, versions: [2, 1, 2] })
      assert.equal((await get(a))?.value, '"a"')
      assert.equal(await get(b), undefined)
    })

    test('a batch with one refused operation changes nothing and names every refused one', async () => {
      const [a, b, c] = [newId(), newId(), newId()] as const
      await putItem(b)
      const end = await feedEnd()
      const result = await batch(
        { op: 'put', id: a, value: '1', ifVersion: undefined },
        { op: 'put', id: b, value: '2', ifVersion: 5 },
        { op: 'delete', id: c, ifVersion: undefined },
      )
      assert.deepEqual(result, {
        ok: false,
        refused: [
          { index: 1, currentVersion: 1 },
          { index: 2, currentVersion: 0 },
        ],
      })
      assert.equal(await get(a), undefined)
      assert.equal((await get(b))?.value, '1')
      assert.deepEqual(await changesOf([a, b, c], end), [])
    })

    test('the feed has every committed change once, with dense positions that extend the order of versions', async () => {
      const start = await feedEnd()
      const [a, b] = [newId(), newId()] as const
      await putItem(a)
      await put(a, '2', 9)
      await batch(
        { op: 'put', id: b, value: '1', ifVersion: 0 },
        { op: 'put', id: a, value: '2', ifVersion: 1 },
      )
      await remove(a)
      await store.create(a, '9', undefined, caller)
      const changes = await changesOf([a, b], start)
      assert.deepEqual(
        changes.filter(({ id }) => id === a).map(({ version, op }) => [version, op]),
        [
          [1, 'put'],
          [2, 'put'],
          [3, 'delete'],
        ],
      )
      assert.deepEqual(
        changes.filter(({ id }) => id === b).map(({ version }) => version),
        [1],
      )
      assert.deepEqual(
        changes.map(({ position }) => position),
        Array.from({ length: 4 }, (_, index) => start + index + 1),
      )
    })

    test('reading the feed at its end gives nothing and the same position again', async () => {
      const end = await feedEnd()
      assert.deepEqual(await store.feed.read({ after: end, limit: 10 }, caller), {
        ok: true,
        changes: [],
        last: end,
      })
    })

    test('a position that the feed never had is refused with where the oldest begins', async () => {
      const end = await feedEnd()
      for (const after of [-1, end + 1]) {
        const page = await store.feed.read({ after, limit: 10 }, caller)
        assert(!page.ok)
        assert((await store.feed.read({ after: page.oldest, limit: 10 }, caller)).ok)
      }
    })

    test('whoever waits at the end of the feed is woken by the next change', {
      timeout: 10_000,
    }, async () => {
      const end = await feedEnd()
      const waits = [1, 2, 3].map(() => store.feed.wait(end, 60_000, new AbortController().signal))
      const id = newId()
      await putItem(id)
      await Promise.all(waits)
      assert.equal((await changesOf([id], end)).length, 1)
    })

    test('waiting ends at once behind the end, at the time-out, and when it is given up', {
      timeout: 10_000,
    }, async () => {
      await putItem(newId())
      const end = await feedEnd()
      const signal = new AbortController().signal
      await store.feed.wait(end - 1, 60_000, signal)
      await store.feed.wait(end, 10, signal)
      await store.feed.wait(end, 60_000, AbortSignal.abort())
      await store.feed.wait(end, 60_000, AbortSignal.timeout(10))
    })

    test('a store that has started says so', () => {
      assert.equal(store.status().state, 'ok')
    })
  })
}
