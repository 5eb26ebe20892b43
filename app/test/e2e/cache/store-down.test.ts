/** Promise 8: with the store down, cached items are still served, marked stale; unknown ids and writes get 503. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { waitUntil } from '../../../../local/wait.ts'
import { ask, becomes, serves } from '../../support/ask.ts'
import { type DatabaseServer, startDatabaseServer } from '../../support/postgres.ts'
import type { Problem } from '../../support/problem.ts'
import { type RedisServer, startRedisServer } from '../../support/redis.ts'
import { type Environment, type Service, startService } from '../../support/service.ts'

const TTL_MS = 6000
const soon = { timeoutMs: 20_000 }

interface Got {
  readonly status: number
  readonly cacheStatus: string
  readonly age: number
  readonly value: unknown
}

async function get({ url }: Service, id: string, headers = {}): Promise<Got> {
  const answer = await fetch(`${url}/data/${id}`, { headers })
  const json = (await answer.json()) as { value?: unknown }
  return {
    status: answer.status,
    cacheStatus: answer.headers.get('cache-status') ?? '',
    age: Number(answer.headers.get('age') ?? Number.NaN),
    value: json.value,
  }
}

for (const [what, goes, comes] of [
  ['has crashed', (server: DatabaseServer) => server.crash(), (server: DatabaseServer) => server.start()],
  [
    'stands still',
    async (server: DatabaseServer) => server.freeze(),
    async (server: DatabaseServer) => server.thaw(),
  ],
] as const) {
  suite(`while PostgreSQL ${what}`, () => {
    let server: DatabaseServer
    let redis: RedisServer
    let service: Service
    let cachedMs: number
    before(async () => {
      server = await startDatabaseServer()
      redis = await startRedisServer()
      service = await startService({
        DATABASE_URL: server.url(),
        REDIS_URL: redis.url,
        DATABASE_TIMEOUT_MS: '600',
        ANSWER_TIMEOUT_MS: '2000',
        CACHE_TTL_MS: String(TTL_MS),
      })
      await serves(service)
      assert.equal((await get(service, 'absent')).status, 404)
      assert.ok((await ask(service, 'PUT', '/data/cached', 'cached')).status < 300)
      cachedMs = performance.now()
      await goes(server)
    })
    after(async () => {
      await service.kill()
      await redis[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    })

    test('a cached item is told throughout, and marked as stale with its age soon', async () => {
      await waitUntil(
        'it is marked',
        async () => {
          const { status, value, cacheStatus, age } = await get(service, 'cached')
          assert.deepEqual([status, value], [200, 'cached'])
          assert.match(cacheStatus, /^(near|redis); hit(; detail=stale)?$/)
          assert.ok(age >= 0 && age <= TTL_MS / 1000, String(age))
          return cacheStatus === 'redis; hit; detail=stale'
        },
        soon,
      )
    })

    test('nobody is told that an item does not exist, though its absence was cached', async () => {
      for (const id of ['absent', 'unknown']) {
        await waitUntil('it is 503', async () => (await get(service, id)).status === 503, soon)
      }
    })

    test('who asks for the store, and who writes, gets 503', async () => {
      assert.equal((await get(service, 'cached', { 'cache-control': 'no-cache' })).status, 503)
      const written = await ask<Problem>(service, 'PUT', '/data/cached', 'new')
      assert.equal(written.status, 503)
    })

    test('the service stays in its balancer', async () => {
      await becomes(service, 'degraded')
      assert.equal((await ask(service, 'GET', '/health/ready')).status, 200)
    })

    test('what is cached is told for CACHE_TTL_MS at most', async () => {
      const end = waitUntil(
        'it is told no longer',
        async () => (await get(service, 'cached')).status === 503,
        soon,
      )
      await end
      const toldMs = performance.now() - cachedMs
      // The answer that was under way and one poll of the test are later.
      assert.ok(toldMs < TTL_MS + 2500, `${toldMs} ms`)
    })

    test('when it is back, answers are as the store has them, without a mark', async () => {
      await comes(server)
      await becomes(service, 'ok')
      await serves(service)
      assert.ok((await ask(service, 'PUT', '/data/cached', 'new')).status < 300)
      await waitUntil(
        'it is a hit again',
        async () => {
          const { value, cacheStatus } = await get(service, 'cached')
          assert.equal(value, 'new')
          return /^redis; hit$/.test(cacheStatus)
        },
        soon,
      )
      assert.equal((await get(service, 'absent')).status, 404)
    })
  })
}

suite('with more than the store in trouble', () => {
  let server: DatabaseServer
  let redis: RedisServer
  before(async () => {
    server = await startDatabaseServer()
    redis = await startRedisServer()
  })
  after(async () => {
    await redis[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const start = (more: Environment) =>
    startService({ DATABASE_URL: server.url(), REDIS_URL: redis.url, ...more })

  test('a store that stands still unnoticed is not waited for by who can be told something', async () => {
    await using service = await start({ DATABASE_TIMEOUT_MS: '30000', ANSWER_TIMEOUT_MS: '30000' })
    assert.ok((await ask(service, 'PUT', '/data/waiting', 'cached')).status < 300)
    server.freeze()
    await waitUntil(
      'it is told and marked',
      async () => {
        const startMs = performance.now()
        const { status, cacheStatus } = await get(service, 'waiting')
        assert.equal(status, 200)
        const tookMs = performance.now() - startMs
        assert.ok(tookMs < 5000, `${tookMs} ms`)
        return cacheStatus === 'redis; hit; detail=stale'
      },
      soon,
    )
    server.thaw()
    await waitUntil(
      'it is a hit again',
      async () => (await get(service, 'waiting')).cacheStatus === 'redis; hit',
      soon,
    )
  })

  test('store and cache both down, whichever comes back first, is 503 until then and nothing lost', async () => {
    await using service = await start({ DATABASE_TIMEOUT_MS: '600' })
    assert.ok((await ask(service, 'PUT', '/data/both', 'kept')).status < 300)
    for (const first of [server, redis]) {
      await redis.kill()
      await server.crash()
      await waitUntil('nobody knows', async () => (await get(service, 'both')).status === 503, soon)
      assert.equal((await ask(service, 'GET', '/health')).status, 200)
      await first.start()
      if (first === server) {
        await serves(service)
        assert.equal((await get(service, 'both')).value, 'kept')
        await redis.start()
      } else {
        assert.equal((await get(service, 'both')).status, 503, 'an empty cache knows of nothing')
        await server.start()
      }
      await becomes(service, 'ok')
      await serves(service)
      assert.equal((await get(service, 'both')).value, 'kept')
    }
  })
})
