/**
 * The promises about data, of several processes on one database, while everything is killed and stopped in turn
 * (promises 1 to 4). `TEST_SEED` brings a run's clients and faults back, though not its timing. A run of
 * `CONSISTENCY_ROUNDS` (2) has so many faults of each kind; for a long one, without the time limit of `npm test`:
 *
 *   CONSISTENCY_ROUNDS=50 node --test app/test/e2e/consistency.test.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storeFaults } from '../support/consistency/faults.ts'
import { runConsistency } from '../support/consistency/run.ts'
import type { Outcome } from '../support/history/history.ts'

const ROUNDS = Number(process.env.CONSISTENCY_ROUNDS ?? 2)

/** Less is no evidence. */
const MIN_OPERATIONS = 1500 * ROUNDS
const MIN_BY_OUTCOME: Readonly<Record<Outcome, number>> = {
  ok: 500 * ROUNDS,
  refused: 50 * ROUNDS,
  failed: 1,
  unknown: 1,
}
const MIN_BY_KIND = 20 * ROUNDS

test('no acknowledged write is lost, no version made twice, no read out of date, and the feed is exact', async (t) => {
  const { recorder, outcomes } = await runConsistency(t, {
    withCache: false,
    faults: storeFaults,
    rounds: ROUNDS,
  })
  const { operations, kinds } = recorder
  assert.ok(operations.length >= MIN_OPERATIONS, `${operations.length} operations`)
  for (const [outcome, count] of Object.entries(MIN_BY_OUTCOME)) {
    assert.ok((outcomes.get(outcome) ?? 0) >= count, `too few writes were ${outcome}`)
  }
  for (const [kind, count] of kinds) assert.ok(count >= MIN_BY_KIND, `${count} ${kind}`)
})
