import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ItemRead, ItemReader } from '../../src/ports/item-reader.ts'
import { appOf } from '../support/app.ts'

const item = { id: 'a', value: '1', version: 3, createdAtMs: 0, updatedAtMs: 0 }
const fromStore: ItemRead = { item, level: 'store', isStale: false, ageMs: 0 }

/** The API with a reader that answers `read`, at once or later. */
async function setUp(t: TestContext, read: ItemRead | Promise<ItemRead>) {
  const asked = { quick: 0, store: 0 }
  const reader: ItemReader = {
    read() {
      asked.quick++
      return read
    },
    async readThrough() {
      asked.store++
      return fromStore
    },
  }
  const { app } = await appOf(t, { reader })
  const get = async (headers = {}) => {
    const { statusCode, headers: answered } = await app.inject({ url: '/data/a', headers })
    return {
      status: statusCode,
      cacheStatus: answered['cache-status'],
      age: answered.age,
      etag: answered.etag,
    }
  }
  return { get, asked }
}

test('Cache-Status names the level that answered, and Age how long ago the store did', async (t) => {
  for (const [read, cacheStatus, age] of [
    [{ item, level: 'near', isStale: false, ageMs: 12 }, 'near; hit', '0'],
    [{ item, level: 'redis', isStale: false, ageMs: 2999 }, 'redis; hit', '2'],
    [{ item, level: 'redis', isStale: true, ageMs: 61_000 }, 'redis; hit; detail=stale', '61'],
    [fromStore, 'redis; fwd=miss', undefined],
  ] as const) {
    for (const answer of [read, Promise.resolve(read)]) {
      const { get } = await setUp(t, answer)
      assert.deepEqual(await get(), { status: 200, cacheStatus, age, etag: '"3"' })
      assert.deepEqual(await get({ 'if-none-match': '"3"' }), { status: 304, cacheStatus, age, etag: '"3"' })
    }
  }
})

test('an absence is told with the level that knew of it', async (t) => {
  const { get } = await setUp(t, { item: undefined, level: 'near', isStale: false, ageMs: 0 })
  assert.deepEqual(await get(), { status: 404, cacheStatus: 'near; hit', age: '0', etag: undefined })
})

test('a request that asks for the store gets it', async (t) => {
  const { get, asked } = await setUp(t, { item, level: 'near', isStale: false, ageMs: 0 })
  for (const cacheControl of [
    'no-cache',
    'NO-CACHE',
    'max-age=60, no-cache',
    'no-store',
    'max-age=0',
    'max-age=0,x',
  ]) {
    const { cacheStatus, age } = await get({ 'cache-control': cacheControl })
    assert.deepEqual([cacheStatus, age], ['redis; fwd=request', undefined], cacheControl)
  }
  assert.deepEqual(asked, { quick: 0, store: 6 })
  for (const cacheControl of ['max-age=60', 'only-if-cached', 'no-cached', 'xno-cache', 'max-age=01']) {
    assert.equal((await get({ 'cache-control': cacheControl })).cacheStatus, 'near; hit', cacheControl)
  }
})
