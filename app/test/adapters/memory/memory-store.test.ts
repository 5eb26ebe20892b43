import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryStore } from '../../../src/adapters/memory/memory-store.ts'
import { AppError } from '../../../src/domain/errors.ts'
import { systemClock } from '../../../src/ports/clock.ts'

const KIB = 1024
const patient = { deadlineMs: Number.POSITIVE_INFINITY, left: false }
const isFull = (error: AppError) => error instanceof AppError && error.code === 'store_full'

function storeOf(bytesMax: number) {
  return createMemoryStore({ clock: systemClock, bytesMax, changesMax: 10, changesRetentionMs: 1000 })
}

/** JSON text of exactly this many bytes. */
function textOf(bytes: number, character = 'x'): string {
  return `"${character.repeat((bytes - 2) / Buffer.byteLength(character))}"`
}

test('a write that does not fit is refused and changes nothing', async () => {
  const store = storeOf(10 * KIB)
  await store.put('a', textOf(6 * KIB), undefined, patient)
  await assert.rejects(store.put('b', textOf(6 * KIB), undefined, patient), isFull)
  await assert.rejects(store.put('a', textOf(12 * KIB), undefined, patient), isFull)
  await assert.rejects(store.create('c', textOf(6 * KIB), undefined, patient), isFull)
  assert.equal((await store.get('a', patient))?.version, 1)
  for (const id of ['b', 'c']) assert.equal(await store.get(id, patient), undefined)
  const page = await store.feed.read({ after: undefined, limit: 10 }, patient)
  assert.equal(page.ok && page.last, 1)
})

test('a batch that does not fit as a whole writes nothing', async () => {
  const store = storeOf(10 * KIB)
  const puts = ['a', 'b', 'c'].map(
    (id) => ({ op: 'put', id, value: textOf(4 * KIB), ifVersion: undefined }) as const,
  )
  await assert.rejects(store.batch(puts, patient), isFull)
  assert.equal((await store.list({ prefix: '', after: undefined, limit: 10 }, patient)).items.length, 0)
})

test('a refused condition is said before a lack of room', async () => {
  const store = storeOf(KIB)
  assert.deepEqual(await store.put('a', textOf(2 * KIB), 7, patient), { ok: false, currentVersion: 0 })
})

test('a full store still takes what makes it smaller, and then has room again', async () => {
  const store = storeOf(10 * KIB)
  await store.put('a', textOf(9 * KIB), undefined, patient)
  await assert.rejects(store.put('b', textOf(2 * KIB), undefined, patient), isFull)
  await store.put('a', textOf(6 * KIB), undefined, patient)
  await store.put('b', textOf(2 * KIB), undefined, patient)
  await store.delete('a', undefined, patient)
  await store.put('c', textOf(6 * KIB), undefined, patient)
})

test('bytes are those of UTF-8', async () => {
  const store = storeOf(10 * KIB)
  await assert.rejects(store.put('a', textOf(12 * KIB - 1, '€'), undefined, patient), isFull)
})

test('writing and deleting the same ids for ever never fills the store', async () => {
  const store = storeOf(4 * KIB)
  for (let round = 0; round < 1000; round++) {
    await store.put('a', textOf(KIB + (round % 100)), undefined, patient)
    await store.batch([{ op: 'put', id: 'b', value: textOf(KIB), ifVersion: undefined }], patient)
    await store.delete('a', undefined, patient)
    await store.batch([{ op: 'delete', id: 'b', ifVersion: undefined }], patient)
  }
})

test('ids cost room also when they are deleted: their versions are kept', async () => {
  const store = storeOf(100 * KIB)
  const fill = async () => {
    for (let count = 0; count < 1000; count++) {
      await store.put(`id-${count}`, '1', undefined, patient)
      await store.delete(`id-${count}`, undefined, patient)
    }
  }
  await assert.rejects(fill(), isFull)
})
