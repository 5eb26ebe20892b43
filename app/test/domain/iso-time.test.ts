import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isoTime } from '../../src/domain/iso-time.ts'
import { randomOf } from '../support/random.ts'

const DAY_MS = 86_400_000
const YEAR_9999_MS = 253_402_300_799_999

test('a time is written as Date writes it, whichever day was asked for last', (t) => {
  const random = randomOf(t)
  for (let round = 0; round < 2000; round++) {
    const ms = random.below(YEAR_9999_MS)
    const midnight = ms - (ms % DAY_MS)
    for (const one of [ms, midnight, midnight - 1, midnight + DAY_MS, midnight + random.below(DAY_MS)]) {
      assert.equal(isoTime(one), new Date(one).toISOString())
    }
  }
})

test('the first millisecond of the epoch and those before it are times as well', () => {
  for (const ms of [0, -1, 1, -DAY_MS]) assert.equal(isoTime(ms), new Date(ms).toISOString())
})
