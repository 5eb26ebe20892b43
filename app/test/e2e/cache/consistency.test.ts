/**
 * The promises about the cache (3 and 8), of three processes on one database and one Redis, while Redis is killed,
 * stopped, flushed and restarted, and processes with it. As ../consistency.test.ts: `no-cache` reads are linearizable,
 * others at most a second behind unless they are marked, and when all is quiet the cache holds what the store holds.
 *
 *   CONSISTENCY_ROUNDS=50 node --test app/test/e2e/cache/consistency.test.ts
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cachedOf } from '../../../src/adapters/redis/entry-text.ts'
import { type Entry, itemText } from '../../../src/domain/item.ts'
import { cacheFaults } from '../../support/consistency/faults.ts'
import { type ConsistencyRun, runConsistency } from '../../support/consistency/run.ts'

const ROUNDS = Number(process.env.CONSISTENCY_ROUNDS ?? 2)

/** Less is no evidence. */
const MIN_OPERATIONS = 1500 * ROUNDS
const MIN_CACHED = 2000 * ROUNDS
/** Of the processes' own answers by level, over all of the run that they have lived through. */
const MIN_HITS = 100

test('no-cache reads are linearizable, others at most a second behind, and at rest the cache is the store', async (t) => {
  const { recorder } = await runConsistency(
    t,
    { withCache: true, faults: cacheFaults, rounds: ROUNDS },
    async (run) => {
      await assertCacheIsStore(run)
      await assertLevelsAnswered(run)
    },
  )
  const { operations } = recorder
  const cached = operations.filter((operation) => operation.cached !== undefined)
  const stale = cached.filter((operation) => operation.cached?.isStale)
  t.diagnostic(
    `${cached.length} answers of reads that may be cached, ${stale.length} of them marked as stale`,
  )
  assert.ok(operations.length >= MIN_OPERATIONS, `${operations.length} operations`)
  assert.ok(cached.length - stale.length >= MIN_CACHED, `${cached.length} cached answers`)
})

/** What Redis holds of each id, and what every process tells of it, is what the store says. */
async function assertCacheIsStore({ cluster, ids }: ConsistencyRun): Promise<void> {
  const { redis, ports } = cluster
  const keys = (await redis?.command('KEYS', 'data:*')) as readonly string[]
  const entries = new Map<string, Entry>()
  for (const key of keys) {
    const id = key.split(':').slice(3).join(':')
    const text = await redis?.command('GET', key)
    const cached = typeof text === 'string' ? cachedOf(id, text) : undefined
    if (cached !== undefined) entries.set(id, cached.entry)
  }
  assert.ok(entries.size > 0, 'Redis holds something')
  for (const id of ids) {
    const stored = await textOf(ports[0], id, { 'cache-control': 'no-cache' })
    const entry = entries.get(id)
    if (entry !== undefined) {
      const told = entry.value === undefined ? undefined : itemText(entry)
      assert.equal(told, stored, `what Redis holds of ${id}`)
    }
    for (const port of ports) assert.equal(await textOf(port, id), stored, `what port ${port} tells of ${id}`)
  }
}

/** Undefined for 404. */
async function textOf(port: number | undefined, id: string, headers = {}): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${port}/data/${id}`, { headers })
  const text = await answer.text()
  assert.ok(answer.status === 200 || answer.status === 404, text)
  return answer.status === 200 ? text : undefined
}

async function assertLevelsAnswered({ cluster }: ConsistencyRun): Promise<void> {
  const texts = await Promise.all(
    cluster.ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  )
  for (const level of ['near', 'redis']) {
    const hits = texts.map((text) =>
      Number(new RegExp(`^cache_requests_total{level="${level}",result="hit"} (\\d+)$`, 'm').exec(text)?.[1]),
    )
    const sum = hits.reduce((one, other) => one + other, 0)
    assert.ok(sum >= MIN_HITS, `${sum} hits of the ${level} level`)
  }
}
