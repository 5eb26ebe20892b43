import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { createThrowAwayFolder } from '../../local/throw-away.ts'
import { type CacheMeasured, cache } from '../cache/cache.ts'
import { cacheText } from '../cache/report.ts'
import { startServer } from '../postgres/server.ts'

const plan = { connections: 4, rounds: 1, seconds: 1, warmUpSeconds: 1, readItems: 100, items: 1_000 }
let measured: CacheMeasured

before(async () => {
  const dir = createThrowAwayFolder()
  await using server = await startServer(dir)
  measured = await cache(server, plan, dir, () => {})
})

test('each case has positive figures', () => {
  const { hot, reads, writes, mix } = measured
  for (const { median, rounds } of [
    hot.tier1,
    hot.near,
    reads.store,
    reads.redis,
    writes.store,
    writes.cached,
    mix,
  ]) {
    assert.equal(rounds.length, 1)
    for (const figure of [median.requestsPerSecond, median.p50Ms, median.p99Ms, median.cpuUs])
      assert.ok(figure > 0)
  }
  for (const { ratio } of [hot, reads, writes]) assert.ok(ratio > 0)
})

// On a busy machine, Redis may be too late for some.
test('each is answered by the level that it is about', () => {
  const { hot, reads, writes, mix } = measured
  assert.equal(hot.tier1.median.levels, undefined)
  assert.ok(Number(hot.near.median.levels?.near) > 0.5)
  assert.equal(reads.store.median.levels?.rows, 1)
  assert.equal(reads.redis.median.levels?.near, 0)
  assert.ok(Number(reads.redis.median.levels?.redis) > 0.9)
  assert.equal(writes.store.median.levels, undefined)
  assert.ok(Number(mix.median.levels?.rows) < 0.1)
})

test('the mix says what Redis has of it', () => {
  const { keys, usedMib, maxMib, evicted } = measured.mix.redis
  assert.ok(keys >= plan.items)
  assert.ok(usedMib > 0 && usedMib < maxMib)
  assert.equal(evicted, 0)
  assert.match(cacheText(measured), /skewed mix of 1,000 items: Redis holds 1,0\d\d keys/)
})
