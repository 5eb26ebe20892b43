/**
 * The files in api/ run by themselves at the highest tier, with one server of Redis. Here they run once more, from
 * outside, with a cluster; and what only a cache shows of itself is looked at.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { waitUntil } from '../../../local/wait.ts'
import { runApiSuite } from '../support/api-suite.ts'
import { ask, healthOf } from '../support/ask.ts'
import {
  AS_ASKED,
  FROM_NEAR,
  FROM_REDIS,
  FROM_STORE,
  NO_CACHE,
  readFrom,
  readItem,
} from '../support/cached-item.ts'
import { metricsOf } from '../support/figures.ts'
import { createDatabase, type Database } from '../support/postgres.ts'
import { type RedisServer, startRedisCluster, startRedisServer } from '../support/redis.ts'
import { type Service, startService } from '../support/service.ts'

const soon = { timeoutMs: 15_000 }

let database: Database
let redis: RedisServer
let service: Service
before(async () => {
  database = await createDatabase()
  redis = await startRedisServer()
  service = await startService({ DATABASE_URL: database.url, REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '1000' })
})
after(async () => {
  await service.kill()
  await redis[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
})

async function put(value: unknown = 1): Promise<string> {
  const id = randomUUID()
  assert.equal((await ask(service, 'PUT', `/data/${id}`, value)).status, 201)
  return id
}

test('the API is the same with a cluster of Redis', async () => {
  await using cluster = await startRedisCluster()
  await using other = await createDatabase()
  await using clustered = await startService({
    DATABASE_URL: other.url,
    REDIS_URL: cluster.url,
    SEED_DATA: 'true',
  })
  await runApiSuite(clustered.url)
  assert.equal((await healthOf(clustered)).status, 'ok')
})

test('Cache-Status names the level that answered, and Age how old its answer is', async () => {
  const id = await put()
  const near = await readFrom(service, id, FROM_NEAR)
  assert.deepEqual([near.status, near.version, near.ageSeconds], [200, 1, 0])
  const shared = await readFrom(service, id, FROM_REDIS)
  assert.deepEqual([shared.status, shared.version], [200, 1])
  const aged = async () => ((await readItem(service, id)).ageSeconds ?? 0) >= 1
  await waitUntil('it is a second old', aged, soon)

  const asked = await readItem(service, id, NO_CACHE)
  assert.deepEqual([asked.version, asked.cacheStatus, asked.ageSeconds], [1, AS_ASKED, undefined])
})

test('an item that nobody has is asked for once, and told to be absent by every level', async () => {
  const id = randomUUID()
  const first = await readItem(service, id)
  assert.deepEqual([first.status, first.cacheStatus], [404, FROM_STORE])
  assert.equal((await readFrom(service, id, FROM_NEAR)).status, 404)
  assert.equal((await readFrom(service, id, FROM_REDIS)).status, 404)
  assert.equal((await ask(service, 'PUT', `/data/${id}`, 1)).status, 201)
  assert.equal((await readItem(service, id)).version, 1)
})

test('a request that will have no cached answer gets the store’s', async () => {
  const id = await put()
  for (const value of ['no-cache', 'max-age=0', 'no-store', 'max-stale, No-Cache', 'max-age=0, no-cache']) {
    const { cacheStatus } = await readItem(service, id, { 'cache-control': value })
    assert.equal(cacheStatus, AS_ASKED, value)
  }
  for (const value of ['max-age=60', 'x-no-cache-at-all']) {
    const { cacheStatus } = await readItem(service, id, { 'cache-control': value })
    assert.notEqual(cacheStatus, AS_ASKED, value)
  }
})

test('a cached answer is as the store’s: its value to the last digit, its ETag, 304 to who knows it', async () => {
  const path = `${service.url}/data/${randomUUID()}`
  const value = '{"b": 1.0,\n "a":1e400, "a":2, "\\u00e9":"\u{1f600}é\\u0000"}'
  const headers = { 'content-type': 'application/json' }
  assert.equal((await fetch(path, { method: 'PUT', body: value, headers })).status, 201)
  const stored = await (await fetch(path, { headers: NO_CACHE })).text()
  assert.ok(stored.includes(value))
  for (const level of [FROM_NEAR, FROM_REDIS]) {
    await waitUntil(
      `it comes as ${level}`,
      async () => {
        const answer = await fetch(path)
        assert.equal(answer.headers.get('etag'), '"1"')
        assert.equal(await answer.text(), stored)
        return answer.headers.get('cache-status') === level
      },
      soon,
    )
    // Without a Cache-Control of ours `fetch` adds `no-cache` to a request with a condition.
    const known = await fetch(path, {
      headers: { 'if-none-match': '"1"', 'cache-control': 'max-age=60' },
    })
    assert.equal(known.status, 304)
    assert.match(known.headers.get('cache-status') ?? '', /; hit$/)
    assert.equal(await known.text(), '')
  }
})

test('who writes reads what was written, whatever it was that was read before', async () => {
  const id = randomUUID()
  for (let version = 1; version <= 90; version += 3) {
    await ask(service, 'PUT', `/data/${id}`, version)
    assert.equal((await readItem(service, id)).version, version)
    const operations = [{ op: 'put', id, value: 'batch' }]
    await ask(service, 'POST', '/batch', { operations })
    assert.equal((await readItem(service, id)).version, version + 1)
    await ask(service, 'DELETE', `/data/${id}`)
    assert.equal((await readItem(service, id)).status, 404)
  }
})

test('every level is counted, and how the cache is', async () => {
  const id = await put()
  await readFrom(service, id, FROM_REDIS)
  const metrics = await metricsOf(service)
  const results = ['hit', 'miss', 'stale', 'error']
  for (const name of ['near', 'redis'].flatMap((level) =>
    results.map((result) => `cache_requests_total{level="${level}",result="${result}"}`),
  )) {
    const count = metrics.get(name) ?? Number.NaN
    assert.ok(/hit|miss/.test(name) ? count > 0 : count >= 0, `${name} ${count}`)
  }
  assert.equal(metrics.get('cache_breaker_state'), 0)
  assert.ok((metrics.get('cache_near_bytes') ?? 0) > 0)
  assert.ok((metrics.get('cache_refused_fills_total') ?? Number.NaN) >= 0)
  const lag = metrics.get('cache_repair_lag_seconds') ?? Number.NaN
  assert.ok(lag >= 0 && lag < 5, `${lag} s`)
  assert.deepEqual(Object.keys((await healthOf(service)).dependencies), ['store', 'cache'])
})
