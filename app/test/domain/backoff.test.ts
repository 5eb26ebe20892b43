import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../src/domain/backoff.ts'

const range = { baseMs: 100, maxMs: 5000 }
const many = (attempt: number) => Array.from({ length: 1000 }, () => backoffMs(attempt, range))

for (const { attempt, mostMs } of [
  { attempt: 0, mostMs: 100 },
  { attempt: 3, mostMs: 800 },
  { attempt: 6, mostMs: 5000 },
  { attempt: 1000, mostMs: 5000 },
]) {
  test(`before attempt ${attempt + 2}, processes come back at any time within ${mostMs} ms`, () => {
    const waits = many(attempt)
    const tenths = new Set(waits.map((ms) => Math.floor((ms / mostMs) * 10)))
    assert.deepEqual([...tenths].toSorted(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
}
