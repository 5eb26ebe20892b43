import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BEHIND_MS_MAX, checkCached } from './cached.ts'
import { feedOf } from './feed.ts'
import type { Operation, SeenChange } from './history.ts'

const BOUND = BEHIND_MS_MAX

function operation(startMs: number, endMs: number, parts: Partial<Operation>): Operation {
  return { text: '', startMs, endMs, outcome: 'ok', writes: [], sights: [], ...parts }
}

function put(startMs: number, version: number): Operation {
  return operation(startMs, startMs + 1, {
    writes: [{ id: 'x', op: 'put', by: `${version}`, condition: undefined, version }],
  })
}

function remove(startMs: number): Operation {
  return operation(startMs, startMs + 1, {
    writes: [{ id: 'x', op: 'delete', by: undefined, condition: undefined, version: undefined }],
  })
}

function cachedRead(startMs: number, version: number, isStale = false): Operation {
  return operation(startMs, startMs + 1, {
    sights: [{ id: 'x', version, value: undefined }],
    cached: { isStale },
  })
}

function rulesOf(operations: readonly Operation[], ops: readonly SeenChange['op'][]): string[] {
  const changes = ops.map((op, at) => ({ position: at + 1, id: 'x', version: at + 1, op, seenMs: 1e6 }))
  const history = { operations, readers: [{ name: 'reader', changes, pages: [] }] }
  return checkCached(history, feedOf(history)).map(({ rule }) => rule)
}

test('a cached answer may be behind what was acknowledged, and no further than the bound', () => {
  const writes = [put(0, 1), put(100, 2)]
  const ops = ['put', 'put'] as const
  assert.deepEqual(rulesOf([...writes, cachedRead(101 + BOUND, 1)], ops), [])
  assert.equal(rulesOf([...writes, cachedRead(102 + BOUND, 1)], ops).length, 1)
  assert.deepEqual(rulesOf([...writes, cachedRead(102 + BOUND, 1, true)], ops), [])
  assert.deepEqual(rulesOf([...writes, cachedRead(102 + BOUND, 2)], ops), [])
})

test('who has seen a newer version, in a cache or not, begins the bound as well', () => {
  const unknown = { ...put(100, 2), outcome: 'unknown' as const }
  const ops = ['put', 'put'] as const
  assert.deepEqual(rulesOf([put(0, 1), unknown, cachedRead(9000, 1)], ops), [])
  assert.equal(rulesOf([put(0, 1), unknown, cachedRead(200, 2), cachedRead(9000, 1)], ops).length, 1)
})

test('absence is that of the last delete that had been begun', () => {
  const writes = [put(0, 1), remove(100), put(200, 3), put(8000, 4), remove(9000)]
  const ops = ['put', 'delete', 'put', 'put', 'delete'] as const
  assert.deepEqual(rulesOf([...writes, cachedRead(300, 0)], ops), [])
  assert.equal(rulesOf([...writes, cachedRead(5000, 0)], ops).length, 1)
  assert.deepEqual(rulesOf([...writes, cachedRead(20_000, 0)], ops), [])
})

test('an answer that nobody has written is none, though it is marked', () => {
  for (const version of [2, 3]) {
    assert.equal(rulesOf([put(0, 1), cachedRead(10, version, true)], ['put', 'delete']).length, 1)
  }
})
